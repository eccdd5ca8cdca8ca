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
"""Queries of a whole workflow, beside cylc-uiserver and the ZMQ client.

Each is asked of a paused scheduler with so many task proxies, in turns:
- ten fields of all task proxies: as nobody has asked before (each time under
  another alias); again after a task was held or released; and again with
  nothing changed;
- the state and the totals of the workflow;
- the graph, its nodes and edges, as nobody has asked before.

The CPU time is that of the process which answers: cylc-uiserver's, or the
scheduler's, in which both our server and that of the ZMQ client live.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
import time

from benchmarks import common, flows, peers
from benchmarks.common import OURS, Row, Samples, say, unless_quick
from tests.harness import Run

FIELDS = (
    '{workflows{taskProxies{id name cyclePoint state isHeld isQueued'
    ' isRunahead isRetry flowNums graphDepth}}}'
)

NODES_AND_EDGES = (
    '{workflows{nodesEdges{nodes{id state} edges{id source target}}}}'
)

#: A name that no query has had.
ALIASES = (f'n{number}' for number in count())

ALL, CHANGED, AGAIN, TOTALS, GRAPH = (
    'ten fields', 'ten fields, one task changed',
    'ten fields, nothing changed', 'totals', 'graph',
)

#: How long (seconds) a change may take until all servers know it.
SPREAD = 2.0

#: How often we are asked in a round: answers that quick say little alone.
TIMES = {ALL: 5, AGAIN: 50, TOTALS: 50, GRAPH: 5}


def new_fields() -> str:
    """Return a query of ten fields which nobody has asked before."""
    return FIELDS.replace('id', f'{next(ALIASES)}: id', 1)


def new_graph() -> str:
    """Return a query of the graph which nobody has asked before."""
    return NODES_AND_EDGES.replace('id', f'{next(ALIASES)}: id', 1)


def main() -> None:
    """Measure, print and write the results."""
    options = arguments()
    rows = [
        row for size in options.sizes
        for row in measure(size, options)
    ]
    common.add_ratios(rows, ('query', 'proxies'))
    facts = common.about(rounds=options.rounds)
    common.save('queries', facts, {'rows': rows}, text(rows))


def arguments() -> argparse.Namespace:
    """Return what to measure."""
    parser = common.parser_of(__doc__)
    parser.add_argument(
        '--sizes', type=int, nargs='+', metavar='N',
        default=unless_quick([100, 1000, 5000, 20000], [20]),
        help='task proxies (%(default)s)')
    parser.add_argument(
        '--rounds', type=int, default=unless_quick(5, 1),
        help='in which all take turns (%(default)s); fewer for large ones')
    parser.add_argument(
        '--alone', action='store_true', default=unless_quick(False, True),
        help='without cylc-uiserver')
    return parser.parse_args()


def measure(proxies: int, options: argparse.Namespace) -> list[Row]:
    """Measure all queries of a workflow."""
    rounds = options.rounds
    if proxies >= 5000:
        rounds = min(rounds, 3 if proxies < 20000 else 1)
    with ExitStack() as stack:
        run = stack.enter_context(flows.playing(proxies))
        askers: list[peers.Asker] = [peers.ours(run), peers.ZmqAsker(run)]
        for asker in askers:
            stack.callback(asker.close)
        if not options.alone:
            askers.append(stack.enter_context(peers.uiserver(run, proxies)))
        found: dict[tuple[str, str], Samples] = {}
        for number in range(rounds):
            say(f'{proxies} task proxies, round {number + 1} of {rounds}')
            for asker in askers:
                for query, samples in each(asker, found):
                    one(asker, query, samples)
            changed(run, number, askers, found)
        return [
            {
                'query': query, 'proxies': proxies, 'server': server,
                **samples.figures(),
                'peak_mb': common.peak_of(next(
                    asker.pid for asker in askers if asker.name == server)),
            }
            for (query, server), samples in found.items()
        ]


Found = dict[tuple[str, str], Samples]


def each(
    asker: peers.Asker, found: Found
) -> Iterator[tuple[str, Samples]]:
    """Yield the queries that are asked in each round, and their samples."""
    for query in (ALL, AGAIN, TOTALS, GRAPH):
        yield query, found.setdefault((query, asker.name), Samples())


def one(asker: peers.Asker, query: str, samples: Samples) -> None:
    """Ask a query as often as it takes to tell its cost."""
    ask: dict[str, Callable[[], int]] = {
        ALL: lambda: asker.ask(new_fields()),
        AGAIN: lambda: asker.ask(FIELDS),
        TOTALS: lambda: asker.ask('{workflows{id status stateTotals}}'),
        GRAPH: lambda: asker.ask(new_graph()),
    }
    if asker.name == OURS:
        if query == AGAIN:
            ask[query]()
        samples.take(asker.pid, ask[query], TIMES[query])
    else:
        samples.take(asker.pid, ask[query], 5 if query == TOTALS else 1)


def changed(
    run: Run, number: int, askers: list[peers.Asker], found: Found
) -> None:
    """Change a task, and ask for all when every server knows."""
    run.post(
        'release_tasks' if number % 2 else 'hold_tasks', items='a0.1',
        wait='10')
    time.sleep(SPREAD)
    for asker in askers:
        samples = found.setdefault((CHANGED, asker.name), Samples())
        samples.take(
            asker.pid,
            lambda asker=asker: asker.ask(FIELDS))  # type: ignore[misc]


def text(rows: list[Row]) -> str:
    """Return the results as a table."""
    rows = sorted(rows, key=lambda row: (row['query'], row['proxies']))
    return (
        '# Queries of a whole workflow\n\nIn the last column: how many times'
        ' our CPU time. Memory is the most that the process has had; our'
        ' server and that of the ZMQ client share one, the scheduler.\n\n'
        + common.table(
            rows, query='query', proxies='task proxies', server='server',
            cpu_ms='CPU ms', p50_ms='p50 ms', p99_ms='p99 ms', bytes='bytes',
            peak_mb='memory MB', ratio='CPU / ours',
        )
    )


if __name__ == '__main__':
    main()
