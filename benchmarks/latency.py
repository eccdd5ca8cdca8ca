# This file is part of cylc-flask, the web server inside the Cylc scheduler.
# Copyright (C) the cylc-flask developers.
#
# This program is free software: you can redistribute it and/or modify
# it under the terms of the GNU General Public License as published by
# the Free Software Foundation, either version 3 of the License, or
# (at your option) any later version.
#
# This program is distributed in the hope that it will be useful,
# but WITHOUT ANY WARRANTY; without even the implied warranty of
# MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
# GNU General Public License for more details.
#
# You should have received a copy of the GNU General Public License
# along with this program.  If not, see <http://www.gnu.org/licenses/>.
"""How long news take: of the workflow to its viewers, and of commands.

First, from the moment that the scheduler publishes a delta to the last byte
of it at clients of a WebSocket, with few viewers and with many, who look at
little or at all that the official GUI shows in its tree. Second, from sending
a command to its outcome at the client, with the scheduler woken for commands
and with it left to its own pace.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
import json
from pathlib import Path
import random
import selectors
from statistics import median, quantiles
import time

import psutil

from benchmarks import common
from benchmarks.common import CYLC_VERSION, Row, say, unless_quick
from benchmarks.flows import PLUGINS
from benchmarks.viewers import end_of_frame
from tests.cylc_ui import SUBSCRIPTIONS, available
from tests.harness import Run
from tests.socket_client import BASIC, Socket

#: Twenty tasks a cycle, a second each, for as long as it takes.
FLOW = """
    [scheduler]
        UTC mode = True
        [[events]]
            abort on stall timeout = False
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        runahead limit = P3
        [[graph]]
            P1 = FAM[-P1]:succeed-all => FAM
    [runtime]
        [[root]]
            [[[simulation]]]
                default run length = PT1S
        [[FAM]]
        [[t<n>]]
            inherit = FAM
    [task parameters]
        n = 1..20
"""

MAIN_LOOP = """
    [scheduler]
        [[main loop]]
            plugins = flask, publish times
"""

#: What is looked at; each says when the workflow was renewed.
VIEWS = {
    'the state of the workflow': (
        'subscription { deltas { added { workflow { id lastUpdated } }'
        ' updated(stripNull: true) { workflow { id lastUpdated } } } }'
    ),
    'the tree of the official GUI': SUBSCRIPTIONS['tree'].replace(
        ' reloaded', ' reloaded lastUpdated'
    ),
}

#: How long (seconds) viewers follow before anything is measured.
SETTLING = 1.0

#: What becomes of a command.
OUTCOME = """
    subscription ($command: ID!) { command(id: $command) { state } }
"""

IDLE = """
    [scheduler]
        [[events]]
            abort on stall timeout = False
    [scheduling]
        [[graph]]
            R1 = one
    [runtime]
        [[one]]
"""


def main() -> None:
    """Measure, print and write the results."""
    options = arguments()
    news = [
        row for view in VIEWS for row in measure_news(view, options)
    ]
    commands = [
        measure_commands(wakes, options.commands) for wakes in (True, False)
    ]
    report(news, commands, options)


def arguments() -> argparse.Namespace:
    """Return how long to measure."""
    parser = common.parser_of(__doc__)
    parser.add_argument(
        '--seconds', type=float, default=unless_quick(10, 5),
        help='of each measurement of news (%(default)s)')
    parser.add_argument(
        '--viewers', type=int, nargs='+', metavar='N',
        default=unless_quick([1, 50, 200], [2]),
        help='numbers of clients (%(default)s)')
    parser.add_argument(
        '--commands', type=int, default=unless_quick(40, 2),
        help='how many to send (%(default)s)')
    return parser.parse_args()


def measure_news(view: str, options: argparse.Namespace) -> list[Row]:
    """Return how old news of a workflow are when viewers have them."""
    run = Run(
        FLOW, config=BASIC, global_config=MAIN_LOOP,
        environment={'CYLC_PYTHONPATH': str(PLUGINS)},
    )
    times = run.home / 'published'
    run.environment['PUBLISH_TIMES'] = str(times)
    try:
        run.play('--mode', 'simulation')
        rows = [
            _news_of(run, times, view, number, options.seconds)
            for number in options.viewers
        ]
        run.stop()
        return rows
    finally:
        run.close()


def _news_of(
    run: Run, times: Path, view: str, number: int, seconds: float
) -> Row:
    say(f'{number} viewers of {view}')
    text = available(VIEWS[view], CYLC_VERSION)
    variables = {'workflowID': run.name} if 'workflowID' in text else {}
    viewers = [Viewer(run, text, variables) for _ in range(number)]
    # What came while others were still joining has waited for them.
    watch(viewers, SETTLING)
    for viewer in viewers:
        viewer.messages.clear()
    assert run.process
    process = psutil.Process(run.process.pid)
    before = process.cpu_times()
    watch(viewers, seconds)
    after = process.cpu_times()
    ages = [age for viewer in viewers for age in viewer.ages(published(times))]
    for viewer in viewers:
        viewer.socket.raw.shutdown()
    assert len(ages) > 1, f'too little news in {seconds} s'
    used = after.user + after.system - before.user - before.system
    return {
        'view': view,
        'viewers': number,
        'news': len(ages),
        'p50_ms': median(ages) * 1000,
        'p99_ms': quantiles(ages, n=100)[98] * 1000,
        'cores': used / seconds,
    }


def published(times: Path) -> dict[float, float]:
    """Return when states of the workflow were published, by their times."""
    found: dict[float, float] = {}
    for line in times.read_text().splitlines():
        renewed, moment = map(float, line.split())
        found.setdefault(renewed, moment)
    return found


@dataclass
class Viewer:
    """A client that follows, and notes when each message is complete."""

    run: Run
    text: str
    variables: dict[str, str]
    messages: list[tuple[float, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.socket = Socket(self.run).init()
        self.socket.start('1', self.text, **self.variables)
        payload = self.socket.until('next')['payload']
        assert 'errors' not in payload, payload
        self._buffer = b''
        self.socket.raw.sock.setblocking(False)

    def read(self, now: float) -> None:
        """Take what has come."""
        try:
            self._buffer += self.socket.raw.sock.recv(1 << 20)
        except BlockingIOError:
            return
        while (end := end_of_frame(self._buffer)) is not None:
            self.messages.append((now, self._buffer[:end]))
            self._buffer = self._buffer[end:]

    def ages(self, moments: dict[float, float]) -> list[float]:
        """Return how old (seconds) the news were that have come."""
        found = []
        for now, data in self.messages:
            if data[0] == 0x81:
                message = json.loads(data[data.index(b'{'):])
                workflow = (
                    message['payload']['data']['deltas'].get('updated') or {}
                ).get('workflow') or {}
                moment = moments.get(workflow.get('lastUpdated'))
                if moment is not None:
                    found.append(now - moment)
        return found


def watch(viewers: list[Viewer], seconds: float) -> None:
    """Let all viewers follow for a while."""
    selector = selectors.DefaultSelector()
    for viewer in viewers:
        selector.register(
            viewer.socket.raw.sock, selectors.EVENT_READ, viewer)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            key.data.read(time.monotonic())
    selector.close()


def measure_commands(wakes: bool, number: int) -> Row:
    """Return how long it takes until the outcomes of commands are known."""
    run = Run(IDLE, config={**BASIC, 'wake_scheduler': wakes})
    try:
        run.play('--pause')
        with Socket(run).init() as socket:
            times = [_time_command(socket) for _ in range(number)]
    finally:
        run.close()
    return {
        'woken': wakes,
        'commands': number,
        'p50_ms': median(times) * 1000,
        'p99_ms': quantiles(times, n=100)[98] * 1000,
    }


def _time_command(socket: Socket) -> float:
    time.sleep(random.uniform(0.2, 1.2))
    began = time.monotonic()
    data = socket.ask('1', 'mutation { pause(workflows: ["*"]) { result } }')
    _, id_ = data['pause']['result'][0]['response']
    socket.start('2', OUTCOME, command=id_)
    while True:
        payload = socket.until('next', '2')['payload']
        if payload['data']['command']['state'] != 'queued':
            ended = time.monotonic()
            socket.until('complete', '2')
            return ended - began


def report(
    news: list[Row], commands: list[Row], options: argparse.Namespace
) -> None:
    """Print the results, and write them to files."""
    text = (
        '# How long news take\n\n'
        'From the moment that the scheduler publishes a delta to its last'
        ' byte at a viewer; cores are those that the whole scheduler uses,'
        ' at five turns of its main loop a second.\n\n'
        '| view | viewers | p50 ms | p99 ms | cores |\n'
        '|---|---|---|---|---|\n' + ''.join(
            f'| {row["view"]} | {row["viewers"]} | {row["p50_ms"]:.1f}'
            f' | {row["p99_ms"]:.1f} | {row["cores"]:.2f} |\n'
            for row in news
        )
        + '\nFrom sending a command to its outcome at the client:\n\n'
        '| scheduler is woken | p50 ms | p99 ms |\n|---|---|---|\n' + ''.join(
            f'| {"yes" if row["woken"] else "no"} | {row["p50_ms"]:.1f}'
            f' | {row["p99_ms"]:.1f} |\n'
            for row in commands
        )
    )
    common.save(
        'latency', common.about(seconds=options.seconds),
        {'news': news, 'commands': commands}, text)


if __name__ == '__main__':
    main()
