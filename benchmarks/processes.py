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
"""Commands that print the state of a workflow, timed as whole processes.

The state summary by ``cylc flask call``, by ``cylc-flask call`` (the same
without Cylc's own command in front of it), and by ``cylc dump``, in turns,
each from its start to its exit, by the system's own accounts.
"""

from __future__ import annotations

import argparse
import os
from statistics import median
import subprocess
import time

from benchmarks import common, flows
from benchmarks.common import Row, say, unless_quick
from tests.harness import BIN, Run

SUMMARY = 'get_suite_state_summary'

#: What is compared, and the first to which the others are.
COMMANDS = {
    'cylc flask call': ('cylc', 'flask', 'call', '{}', SUMMARY),
    'cylc-flask call': ('cylc-flask', 'call', '{}', SUMMARY),
    'cylc dump': ('cylc', 'dump', '{}'),
}


def main() -> None:
    """Measure, print and write the results."""
    options = arguments()
    rows = [row for size in options.sizes for row in measure(size, options)]
    facts = common.about(rounds=options.rounds)
    common.save('processes', facts, {'rows': rows}, text(rows))


def arguments() -> argparse.Namespace:
    """Return what to measure."""
    parser = common.parser_of(__doc__)
    parser.add_argument(
        '--sizes', type=int, nargs='+', metavar='N',
        default=unless_quick([100, 1000, 5000], [20]),
        help='task proxies (%(default)s)')
    parser.add_argument(
        '--rounds', type=int, default=unless_quick(5, 1),
        help='in which all take turns, after one that does not count'
             ' (%(default)s)')
    return parser.parse_args()


def measure(proxies: int, options: argparse.Namespace) -> list[Row]:
    """Run all commands in turns."""
    found: dict[str, list[Row]] = {name: [] for name in COMMANDS}
    with flows.playing(proxies) as run:
        for words in COMMANDS.values():
            once(run, words)
        for number in range(options.rounds):
            say(f'{proxies} task proxies, round {number + 1} of'
                f' {options.rounds}')
            for name, words in COMMANDS.items():
                found[name].append(once(run, words))
    rows = [
        {'command': name, 'proxies': proxies, **{
            key: median(row[key] for row in rows) for key in rows[0]
        }}
        for name, rows in found.items()
    ]
    for row in rows:
        row['ratio'] = row['wall_ms'] / rows[0]['wall_ms']
    return rows


def once(run: Run, words: tuple[str, ...]) -> Row:
    """Run a command to its end."""
    program, *rest = (word.format(run.name) for word in words)
    began = time.perf_counter()
    process = subprocess.Popen(
        (BIN / program, *rest), cwd=run.home, env=run.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    return {
        'wall_ms': took * 1000,
        'cpu_ms': (used.ru_utime + used.ru_stime) * 1000,
        'peak_mb': used.ru_maxrss / 1000,
    }


def text(rows: list[Row]) -> str:
    """Return the results as a table."""
    return (
        '# Whole processes\n\nIn the last column: how many times the time of'
        ' `cylc flask call`.\n\n' + common.table(
            rows, command='command', proxies='task proxies',
            wall_ms='wall ms', cpu_ms='CPU ms', peak_mb='memory MB',
            ratio='ratio',
        )
    )


if __name__ == '__main__':
    main()
