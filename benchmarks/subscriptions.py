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
"""The GUI's tree subscription: first burst, and one update to many clients.

The first burst is everything that the official GUI shows in its tree, sent to
clients which connect at once: each time under another name, so that nothing
is ready, and under the name of before after a change, as with a GUI that
others have used. An update is a task that is held or released; what it costs
is the CPU time of our server's thread, and of the whole of cylc-uiserver,
until every client has it and a while after.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count, cycle
import re
from statistics import median
import time

from benchmarks import common, flows, hubs, peers
from benchmarks.common import CYLC_VERSION, OURS, Row, say, unless_quick
from benchmarks.viewers import Viewer, await_messages, viewers
from tests.cylc_ui import SUBSCRIPTIONS, available
from tests.harness import Run

TREE = available(SUBSCRIPTIONS['tree'], CYLC_VERSION)

NAMES = (f'n{number}' for number in count())

CHANGES = cycle(['hold_tasks', 'release_tasks'])

#: How long (seconds) after the last client had an update its cost counts:
#: cylc-uiserver looks for updates twice a second, for each client.
SETTLING = {OURS: 0.2, hubs.HUB: 0.2, peers.UISERVER: 1.2}


def main() -> None:
    """Measure, print and write the results."""
    options = arguments()
    with ExitStack() as stack:
        run = stack.enter_context(flows.playing(options.size))
        servers = [peers.ours(run)]
        stack.callback(servers[0].close)
        if not options.alone:
            servers.append(
                stack.enter_context(peers.uiserver(run, options.size)))
        bursts = measure_bursts(run, servers, options, burst)
        later = measure_bursts(run, servers, options, later_burst)
        updates = measure_updates(run, servers, options)
    facts = common.about(size=options.size, rounds=options.rounds)
    common.save(
        'subscriptions', facts,
        {'bursts': bursts, 'later': later, 'updates': updates},
        text(bursts, later, updates))


def arguments() -> argparse.Namespace:
    """Return what to measure."""
    parser = common.parser_of(__doc__)
    parser.add_argument(
        '--size', type=int, default=unless_quick(1000, 20), metavar='N',
        help='task proxies (%(default)s)')
    parser.add_argument(
        '--burst-clients', type=int, nargs='+', metavar='N',
        default=unless_quick([1, 50], [1, 3]),
        help='that connect at once (%(default)s)')
    parser.add_argument(
        '--update-clients', type=int, nargs='+', metavar='N',
        default=unless_quick([1, 50, 200], [1, 3]),
        help='that follow (%(default)s)')
    parser.add_argument(
        '--peer-clients', type=int, default=8, metavar='N',
        help='cylc-uiserver gets no more than these (%(default)s)')
    parser.add_argument(
        '--rounds', type=int, default=unless_quick(3, 1),
        help='in which both take turns (%(default)s)')
    parser.add_argument(
        '--updates', type=int, default=unless_quick(10, 2),
        help='in each round (%(default)s)')
    parser.add_argument(
        '--alone', action='store_true', default=unless_quick(False, True),
        help='without cylc-uiserver')
    return parser.parse_args()


Measure = Callable[[Run, peers.HttpAsker, int, argparse.Namespace], Row]


def in_turns(
    run: Run, servers: list[peers.HttpAsker], clients: list[int],
    options: argparse.Namespace, measure: Measure,
) -> list[Row]:
    """Measure each server with each number of clients, in turns."""
    found: dict[tuple[str, int], list[Row]] = {}
    for number in range(options.rounds):
        for server in servers:
            most = max(clients)
            if server.name != OURS:
                most = options.peer_clients
            for many in sorted({min(many, most) for many in clients}):
                say(f'{measure.__name__}, round {number + 1} of'
                    f' {options.rounds}: {many} clients of {server.name}')
                found.setdefault((server.name, many), []).append(
                    measure(run, server, many, options))
    return [
        {'server': server, 'clients': many, **{
            key: median(row[key] for row in rows) for key in rows[0]
        }}
        for (server, many), rows in found.items()
    ]


def measure_bursts(
    run: Run, servers: list[peers.HttpAsker], options: argparse.Namespace,
    measure: Measure,
) -> list[Row]:
    """Return what the first bursts cost."""
    rows = in_turns(run, servers, options.burst_clients, options, measure)
    for row, server in ((row, server) for row in rows for server in servers):
        if server.name == row['server']:
            row['peak_mb'] = common.peak_of(server.pid)
    return rows


def start(run: Run, watching: list[Viewer], name: str = '') -> float:
    """Let viewers follow the tree; return when all have the first burst."""
    text = re.sub(r'\bname\b', f'{name or next(NAMES)}: name', TREE)
    user = run.environment['USER']
    for viewer in watching:
        viewer.follow(text, workflowID=f'~{user}/{run.name}')
    return await_messages(watching, 1)


def burst(
    run: Run, server: peers.HttpAsker, clients: int,
    options: argparse.Namespace, name: str = '',
) -> Row:
    """Return what the first burst costs that all get at once."""
    with viewers(server, clients) as watching:
        before, began = common.cpu_of(server.pid), time.perf_counter()
        done = start(run, watching, name)
        return {
            'cpu_ms': (common.cpu_of(server.pid) - before) * 1000,
            'all_have_it_ms': (done - began) * 1000,
            'bytes': watching[0].bytes,
        }


def later_burst(
    run: Run, server: peers.HttpAsker, clients: int,
    options: argparse.Namespace,
) -> Row:
    """Return what it costs when others had it before the last change."""
    burst(run, server, 1, options, 'known')
    run.post(next(CHANGES), items='a0.1')
    time.sleep(SETTLING[server.name])
    return burst(run, server, clients, options, 'known')


def measure_updates(
    run: Run, servers: list[peers.HttpAsker], options: argparse.Namespace
) -> list[Row]:
    """Return what updates cost, and each further client of one."""
    rows = in_turns(run, servers, options.update_clients, options, update)
    for row in rows:
        one = next(
            other for other in rows
            if other['server'] == row['server'] and other['clients'] == 1
        )
        if row is not one:
            row['further_us'] = (row['cpu_ms'] - one['cpu_ms']) * 1000 / (
                row['clients'] - 1)
    return rows


def update(
    run: Run, server: peers.HttpAsker, clients: int,
    options: argparse.Namespace,
) -> Row:
    """Return what one update costs, and when the last client has it."""
    settling = SETTLING[server.name]
    costs, times = [], []
    with viewers(server, clients) as watching:
        start(run, watching)
        await_messages(watching, 1, settling * 2)
        for _ in range(options.updates):
            had = max(viewer.messages for viewer in watching)
            for viewer in watching:
                viewer.messages = had
            before, began = cost_of(server, run), time.perf_counter()
            run.post(next(CHANGES), items='a0.1')
            done = await_messages(watching, had + 1, settling)
            costs.append(cost_of(server, run) - before)
            times.append(done - began)
    return {
        'cpu_ms': median(costs) * 1000,
        'all_have_it_ms': median(times) * 1000,
    }


def cost_of(server: peers.HttpAsker, run: Run) -> float:
    """Return the CPU seconds of our thread, or of another server."""
    if server.name != OURS:
        return common.cpu_of(server.pid)
    told = peers.witnessed(flows.witness_of(run))
    return float(told['threads']['cylc-flask'])


def text(
    bursts: list[Row], later: list[Row], updates: list[Row]
) -> str:
    """Return the results as tables."""
    times = {
        'cpu_ms': 'CPU ms', 'all_have_it_ms': 'ms until all have it'}

    def table(rows: list[Row]) -> str:
        return common.table(
            rows, server='server', clients='clients', **times,
            bytes='bytes each', peak_mb='memory MB')

    return (
        '# The tree of the official GUI\n\nThe first burst:\n\n'
        + table(bursts)
        + '\nThe first burst after a change, of a tree that somebody has'
        ' followed before:\n\n'
        + table(later)
        + '\nOne update:\n\n'
        + common.table(
            updates, server='server', clients='clients', **times,
            further_us='CPU µs for each further client')
    )


if __name__ == '__main__':
    main()
