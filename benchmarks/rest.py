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
"""The REST API of a running scheduler, beside CherryPy and Tornado.

All serve the same answers: those of a real scheduler with 100 and with
1,000 tasks. CherryPy and Tornado do so in two ways: "document" encodes an
answer each time, as Cylc 7 did; "bytes" has it ready, the least that a
server can do. They ask for Digest or for nothing; ours asks for Digest or
Basic, as it cannot be had without. A bare pywsgi server and a loop over raw
sockets, which have the bytes and ask for nothing, show where the limits are.

The contenders take turns within one run, so that the ratios hold on a busy
machine; single numbers mean little there.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
import json
from pathlib import Path
import socket
from statistics import median
import subprocess
import sys
import time

import psutil

from benchmarks import common, load, tables
from benchmarks.common import HERE, Row, say, unless_quick
from tests.harness import Run, free_port, wait_for

PASSWORD = 'x' * 20

#: Sizes of the workflows.
SMALL, LARGE = unless_quick((100, 1000), (10, 20))

#: Answers by name, and the size of the workflow that gives them.
ANSWERS = {
    'ping': ('ping_suite', SMALL),
    'info': ('get_suite_info', SMALL),
    'summary_100': ('get_suite_state_summary', SMALL),
    'summary_1000': ('get_suite_state_summary', LARGE),
}

#: A workflow which goes on for ever, as it never begins a job.
FLOW = """
    [meta]
        title = A workflow to measure with
        description = It waits, and that is all.
        URL = http://example.invalid/
    [scheduler]
        UTC mode = True
        [[events]]
            abort on stall timeout = False
    [scheduling]
        [[graph]]
            R1 = TASKS
    [runtime]
        [[TASKS]]
        [[{names}]]
            inherit = TASKS
"""


@dataclass(frozen=True)
class Target:
    """Where a server has an answer, and which process gives it."""

    port: int
    path: str
    pid: int


@dataclass(frozen=True)
class Contender:
    """A server, how it wants to be asked, and where its answers are."""

    name: str
    auth: str
    targets: dict[str, Target]


def main() -> None:
    """Measure, print and write the results."""
    options = arguments()
    runs = {
        (auth, tasks): workflow(tasks, auth)
        for auth in ('digest', 'basic') for tasks in (SMALL, LARGE)
    }
    peers: list[subprocess.Popen[bytes]] = []
    try:
        path = documents(runs)
        contenders = [ours(runs, auth) for auth in ('digest', 'basic')]
        for auth in ('digest', 'none'):
            for name in ('cherrypy', 'tornado'):
                contenders += peer(name, auth, path, peers)
        for name in ('pywsgi', 'socket'):
            contenders += peer(name, 'none', path, peers, ('bytes',))
        rows = measure(contenders, options)
        flood = beside_flood(contenders[0], options)
        report(rows, flood, options)
    finally:
        for process in peers:
            process.kill()
            process.wait()
        for run in runs.values():
            run.close()


def arguments() -> argparse.Namespace:
    """Return how long to measure."""
    parser = common.parser_of(__doc__)
    parser.add_argument(
        '--seconds', type=float, default=unless_quick(1.0, 0.1),
        help='of each measurement (%(default)s)')
    parser.add_argument(
        '--rounds', type=int, default=unless_quick(3, 1),
        help='in which all contenders take turns (%(default)s)')
    parser.add_argument(
        '--connections', type=int, nargs='+', metavar='N',
        default=unless_quick([1, 8, 64], [1, 20]),
        help='kept busy at once (%(default)s)')
    return parser.parse_args()


def workflow(tasks: int, auth: str) -> Run:
    """Start a scheduler whose tasks wait for a resumption."""
    names = ', '.join(f'task_{number}' for number in range(tasks))
    run = Run(
        FLOW.format(names=names),
        name=f'bench-{auth}-{tasks}',
        config={'authentication': auth},
    )
    run.write(run.service / 'passphrase', PASSWORD)
    run.play('--pause')
    wait_for(
        lambda: len(run.get('get_suite_state_summary')[1]) >= tasks,
        60, f'{tasks} tasks',
    )
    return run


def ours(runs: dict[tuple[str, int], Run], auth: str) -> Contender:
    """Return our server, in the schedulers with few and with many tasks."""
    targets = {}
    for name, (endpoint, tasks) in ANSWERS.items():
        said = runs[auth, tasks].http
        targets[name] = Target(said['port'], f'/{endpoint}', said['pid'])
    return Contender('cylc-flask', auth, targets)


def documents(runs: dict[tuple[str, int], Run]) -> Path:
    """Write our answers to a file, for the others to serve."""
    path = runs['digest', SMALL].home / 'documents.json'
    path.write_text(json.dumps({
        name: runs['digest', tasks].get(endpoint)
        for name, (endpoint, tasks) in ANSWERS.items()
    }))
    return path


def peer(
    name: str, auth: str, path: Path, peers: list[subprocess.Popen[bytes]],
    ways: tuple[str, ...] = ('document', 'bytes'),
) -> list[Contender]:
    """Start another server; return it with its ways to answer."""
    port = free_port()
    process = subprocess.Popen(
        (sys.executable, HERE / f'peer_{name}.py', str(port), auth, PASSWORD,
         path),
        stdout=subprocess.DEVNULL,
    )
    peers.append(process)
    wait_for(lambda: listens(port), 20, name)
    return [
        Contender(f'{name} {way}', auth, {
            answer: Target(port, f'/{way}/{answer}', process.pid)
            for answer in ANSWERS
        })
        for way in ways
    ]


def listens(port: int) -> bool:
    """Return True if somebody listens on a port."""
    with socket.socket() as sock:
        return sock.connect_ex(('127.0.0.1', port)) == 0


def measure(
    contenders: list[Contender], options: argparse.Namespace
) -> list[Row]:
    """Let all take turns, and return the medians of the rounds."""
    rows = []
    for answer in ANSWERS:
        for connections in options.connections:
            say(f'{answer} over {connections} connections')
            found: dict[int, list[Row]] = {}
            for _ in range(options.rounds):
                for number, contender in enumerate(contenders):
                    found.setdefault(number, []).append(one(
                        contender, answer, connections, options.seconds
                    ))
            for number in found:
                rows.append(middle(found[number]))
    return rows


def job(
    contender: Contender, answer: str, connections: int, seconds: float,
    pause: float = 0.0,
) -> tuple[str, str, str]:
    """Return the command which asks a server."""
    target = contender.targets[answer]
    return sys.executable, str(HERE / 'load.py'), load.job_text(load.Job(
        target.port, target.path, contender.auth, PASSWORD, connections,
        seconds, pause,
    ))


def one(
    contender: Contender, answer: str, connections: int, seconds: float
) -> Row:
    """Measure once.

    The scheduler's own work counts as ours: it is little while it is
    paused, and to leave it out would need a guess.
    """
    server = psutil.Process(contender.targets[answer].pid)
    before = sum(server.cpu_times()[:2])
    result = subprocess.run(
        job(contender, answer, connections, seconds),
        capture_output=True, check=True,
    )
    seen: Row = json.loads(result.stdout)
    used = sum(server.cpu_times()[:2]) - before
    return {
        'server': contender.name,
        'auth': contender.auth,
        'answer': answer,
        'connections': connections,
        **seen,
        'cpu_us': used / seen['requests'] * 1e6,
    }


def middle(rows: list[Row]) -> Row:
    """Return the medians of what was measured several times."""
    return {
        key: round(median(row[key] for row in rows), 3)
        if isinstance(value, float) else value
        for key, value in rows[0].items()
    }


def beside_flood(
    contender: Contender, options: argparse.Namespace
) -> dict[int, Row]:
    """Return what a slow client sees of our server beside a flood."""
    seconds = options.seconds * options.rounds
    seen = {}
    for connections in options.connections:
        flood = subprocess.Popen(
            job(contender, 'ping', connections, seconds + 1),
            stdout=subprocess.DEVNULL,
        )
        time.sleep(0.5)
        result = subprocess.run(
            job(contender, 'ping', 1, seconds, pause=0.2),
            capture_output=True, check=True,
        )
        flood.wait()
        seen[connections] = json.loads(result.stdout)
    return seen


def report(
    rows: list[Row], flood: dict[int, Row], options: argparse.Namespace
) -> None:
    """Write the results as JSON and as tables."""
    facts = common.about(rounds=options.rounds, seconds=options.seconds)
    common.save(
        'rest', facts, {'rows': rows, 'beside a flood': flood},
        tables.text(rows, flood))


if __name__ == '__main__':
    main()
