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
"""The scheduler, while somebody asks for all task proxies ten times a second.

A workflow runs in simulation mode, ten tasks at a time, with all the others
waiting. In turns, for some seconds each: nobody asks; a client of our server
asks for ten fields of all task proxies, ten times a second or as often as it
is answered; a ZMQ client does. Meanwhile tasks are held and released through
cylc-flow's own client and through ours, once in a while. Noted are the CPU
share of the server's threads, how long until a command is accepted, and how
long a pass of the scheduler's main loop takes, without the sleep at its end.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from statistics import median
import threading
import time
from typing import Any

from benchmarks import common, flows, peers
from benchmarks.common import OURS, Row, say, unless_quick
from benchmarks.queries import FIELDS
from tests.harness import Run

NOBODY = 'nobody'

#: Seconds between questions, and between commands.
EVERY, COMMANDS_EVERY = 0.1, 0.7

CHANGES = cycle(['hold', 'release'])

MAIN, OUR_THREAD = 'MainThread', 'cylc-flask'


def main() -> None:
    """Measure, print and write the results."""
    options = arguments()
    found: dict[str, list[Row]] = {}
    with flows.playing(options.size, '--mode', 'simulation') as run:
        time.sleep(options.settling)
        for number in range(options.rounds):
            for who in (NOBODY, OURS, peers.ZMQ):
                say(f'round {number + 1} of {options.rounds}: {who} asks')
                found.setdefault(who, []).append(
                    phase(run, who, options))
    rows = [
        {'watcher': who, **{
            key: median(row[key] for row in rounds) for key in rounds[0]
        }}
        for who, rounds in found.items()
    ]
    facts = common.about(
        size=options.size, rounds=options.rounds, seconds=options.seconds)
    common.save('watched', facts, {'rows': rows}, text(rows))


def arguments() -> argparse.Namespace:
    """Return how long to measure."""
    parser = common.parser_of(__doc__)
    parser.add_argument(
        '--size', type=int, default=unless_quick(5000, 1000), metavar='N',
        help='task proxies (%(default)s)')
    parser.add_argument(
        '--seconds', type=float, default=unless_quick(10, 2),
        help='of each measurement (%(default)s)')
    parser.add_argument(
        '--rounds', type=int, default=unless_quick(3, 1),
        help='in which all take turns (%(default)s)')
    parser.add_argument(
        '--settling', type=float, default=unless_quick(5, 0),
        help='seconds to wait at first (%(default)s)')
    return parser.parse_args()


class Watcher(threading.Thread):
    """Asks for all, ten times a second if it is answered that fast."""

    def __init__(self, asker: peers.Asker) -> None:
        super().__init__()
        self.asker = asker
        self.times: list[float] = []
        self.enough = threading.Event()

    def run(self) -> None:
        """Ask until it is enough."""
        due = time.monotonic()
        while not self.enough.wait(max(0.0, due - time.monotonic())):
            began = time.monotonic()
            due = max(due + EVERY, began)
            self.asker.ask(FIELDS)
            self.times.append(time.monotonic() - began)


@contextmanager
def watcher(run: Run, who: str) -> Iterator[list[float]]:
    """Let somebody watch; yields the times which answers take."""
    if who == NOBODY:
        yield []
        return
    asker = peers.ours(run) if who == OURS else peers.ZmqAsker(run)
    thread = Watcher(asker)
    thread.start()
    try:
        yield thread.times
    finally:
        thread.enough.set()
        thread.join()
        asker.close()


def phase(run: Run, who: str, options: argparse.Namespace) -> Row:
    """Return what was seen while somebody, or nobody, watched."""
    # The last task is not run for long.
    task = f'1/b{options.size // 2 - 1}'
    witness = flows.witness_of(run)
    with ExitStack() as stack:
        clients = {'zmq': peers.ZmqAsker(run), 'own': peers.ours(run)}
        for client in clients.values():
            stack.callback(client.close)
            command(client, task)
        answers = stack.enter_context(watcher(run, who))
        before, began = peers.witnessed(witness), time.monotonic()
        commands = send(clients, task, began + options.seconds)
        after, took = peers.witnessed(witness), time.monotonic() - began
    used = {
        name: (after['threads'].get(name, 0.0) - value) / took
        for name, value in before['threads'].items()
    }
    return {
        'answers_a_second': len(answers) / took,
        'answer_p50_ms': median(answers) * 1000 if answers else 0.0,
        'our_thread': used[OUR_THREAD],
        'other_threads': sum(used.values()) - used[OUR_THREAD] - used[MAIN],
        'main_thread': used[MAIN],
        'pass_p50_ms': median(after['passes']) * 1000,
        'pass_p99_ms': common.percentile(after['passes'], 0.99) * 1000,
        **commands,
    }


def send(clients: dict[str, Any], task: str, end: float) -> Row:
    """Send commands until the end, return how long they took."""
    found: dict[str, list[float]] = {name: [] for name in clients}
    while True:
        for name, client in clients.items():
            time.sleep(COMMANDS_EVERY / len(clients))
            found[name].append(command(client, task))
        if time.monotonic() > end:
            return {
                f'{name}_command_ms': median(times) * 1000
                for name, times in found.items()
            }


def command(client: peers.Asker, task: str) -> float:
    """Send a command; return how long (s) until it was accepted."""
    began = time.monotonic()
    client.ask(
        f'mutation {{ {next(CHANGES)}(workflows: ["*"], tasks: ["{task}"])'
        ' { result } }')
    return time.monotonic() - began


def text(rows: list[Row]) -> str:
    """Return the results as a table."""
    return (
        '# The scheduler while it is watched\n\nThreads in cores; commands'
        ' until they are accepted.\n\n' + common.table(
            rows, watcher='who asks', answers_a_second='answers a second',
            answer_p50_ms='p50 ms', our_thread='our thread',
            other_threads='other threads', main_thread='main thread',
            pass_p50_ms='main loop p50 ms', pass_p99_ms='p99 ms',
            zmq_command_ms='command by ZMQ, ms',
            own_command_ms='command by ours, ms',
        )
    )


if __name__ == '__main__':
    main()
