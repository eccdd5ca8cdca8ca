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
"""What was aimed at and what was measured, as one table.

Reads the results of the other benchmarks, and writes the table into the
README and the documentation, between the lines that mark its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
import json
from math import nan
import re
from typing import Any

from benchmarks import common
from benchmarks.common import HERE, OURS, RESULTS, Row
from benchmarks.hubs import HUB
from benchmarks.peers import UISERVER, ZMQ
from benchmarks.queries import AGAIN, ALL, CHANGED, GRAPH, TOTALS
from benchmarks.watched import NOBODY

PAGES = [HERE.parent / 'README.md', HERE.parent / 'docs' / 'benchmarks.md']

MARKED = re.compile(
    r'(<!-- benchmarks: begin -->\n).*?(<!-- benchmarks: end -->)', re.DOTALL)


@dataclass(frozen=True)
class Aim:
    """Something that was aimed at.

    Args:
        what: What.
        aim: The least or the most that will do.
        measured: What was measured, NaN if nothing was.
        unit: What it is measured in, × for a ratio.
        most: True if less is better.
    """

    what: str
    aim: float
    measured: float
    unit: str = '×'
    most: bool = False

    def row(self) -> Row:
        """Return the row of the table."""
        reached = (
            self.measured <= self.aim if self.most
            else self.measured >= self.aim
        )
        return {
            'what': self.what,
            'aim': f'{"≤" if self.most else "≥"} {self.aim:g} {self.unit}',
            'measured': f'{common.cell(self.measured)} {self.unit}',
            'reached': 'yes' if reached else 'no',
        }


def main() -> None:
    """Print the table, and put it where it belongs."""
    common.parser_of(__doc__).parse_args()
    results = {
        path.stem: json.loads(path.read_text())
        for path in sorted(RESULTS.glob('*.json'))
    }
    text = summary(results)
    (RESULTS / 'summary.md').write_text(f'# Aims\n\n{text}')
    print(text)
    if RESULTS == HERE / 'results':
        for page in PAGES:
            place = MARKED.search(page.read_text())
            assert place, page
            page.write_text(
                f'{place.string[:place.start()]}{place[1]}\n{text}\n{place[2]}'
                f'{place.string[place.end():]}')


def summary(results: dict[str, Any]) -> str:
    """Return the table of all aims, and where it was measured."""
    rows = [
        aim.row() for name, aims in AIMS.items() if name in results
        for aim in aims(results[name]) if aim.measured == aim.measured
    ]
    facts = next(iter(results.values()))['about']
    loads = [result['about']['load'] for result in results.values()]
    return (
        common.table(
            rows, what='what', aim='aim', measured='measured',
            reached='reached')
        + f'\nOn {facts["processors"]} processors ({facts["machine"]}), with'
        f' Python {facts["python"]} and cylc-flow {facts["cylc-flow"]}, at a'
        f' load of {min(loads)} to {max(loads)}, {facts["date"][:10]}.\n'
    )


def pick(rows: list[Row], key: str, **wanted: Any) -> float:
    """Return a figure of the row that is wanted, NaN if there is none."""
    return next((
        float(row[key]) for row in rows
        if all(row[name] == value for name, value in wanted.items())
    ), nan)


def queries(result: Row) -> Iterator[Aim]:
    """Yield the aims of the queries."""
    rows = result['rows']

    def ratio(key: str, peer: str, **wanted: Any) -> float:
        return pick(rows, key, server=peer, **wanted) / pick(
            rows, key, server=OURS, **wanted)

    for what, query, aim in (
        ('Ten fields, never asked before, of all', ALL, 20),
        ('Ten fields after a change, of all', CHANGED, 20),
        ('The same again, of all', AGAIN, 200),
    ):
        for proxies in (1000, 5000):
            for peer in (UISERVER, ZMQ):
                yield Aim(
                    f'{what} {proxies:,} task proxies, less CPU than {peer}',
                    aim, ratio('cpu_ms', peer, query=query, proxies=proxies))
    for peer, aim in ((ZMQ, 20), (UISERVER, 2)):
        yield Aim(
            f'State and totals of a workflow, p50 below that of {peer}',
            aim, ratio('p50_ms', peer, query=TOTALS, proxies=1000))
    yield Aim(
        f'Graph of 5,000 task proxies, less CPU than {UISERVER}', 20,
        ratio('cpu_ms', UISERVER, query=GRAPH, proxies=5000))
    cost = {
        proxies: pick(
            rows, 'cpu_ms', server=OURS, query=ALL, proxies=proxies)
        for proxies in (5000, 20000)
    }
    yield Aim(
        'Ten fields of 20,000 task proxies, CPU beside that of 5,000', 4.4,
        cost[20000] / cost[5000], most=True)


def subscriptions(result: Row) -> Iterator[Aim]:
    """Yield the aims of the subscriptions."""
    bursts, updates = result['bursts'], result['updates']
    one = pick(bursts, 'cpu_ms', server=OURS, clients=1)
    later = pick(result['later'], 'cpu_ms', server=OURS, clients=1)
    yield Aim(
        f"The GUI's tree, its very first burst, less CPU than {UISERVER}", 20,
        pick(bursts, 'cpu_ms', server=UISERVER, clients=1) / one)
    yield Aim(
        f'The first burst after a change, less CPU than {UISERVER}', 20,
        pick(result['later'], 'cpu_ms', server=UISERVER, clients=1) / later)
    yield Aim(
        'The same to 50 clients, CPU beside that of one', 3,
        pick(bursts, 'cpu_ms', server=OURS, clients=50) / one, most=True)
    yield Aim(
        'One update to 200 clients, CPU beside that of one', 10,
        pick(updates, 'cpu_ms', server=OURS, clients=200)
        / pick(updates, 'cpu_ms', server=OURS, clients=1), most=True)
    yield Aim(
        'Each further client of it', 20,
        pick([row for row in updates if 'further_us' in row], 'further_us',
             server=OURS, clients=200), 'µs of CPU', most=True)


def watched(result: Row) -> Iterator[Aim]:
    """Yield the aims for a scheduler that is watched."""
    rows = result['rows']
    yield Aim(
        '10 full queries a second of a running workflow, our thread', 0.1,
        pick(rows, 'our_thread', watcher=OURS), 'cores', most=True)

    def ratio(key: str) -> float:
        return pick(rows, key, watcher=OURS) / pick(
            rows, key, watcher=NOBODY)

    for what, key, aim in (
        ('a command by ZMQ beside idle', 'zmq_command_ms', 2),
        ('a command by ours beside idle', 'own_command_ms', 2),
        ("the scheduler's main loop beside idle", 'pass_p50_ms', 1.1),
    ):
        yield Aim(f'Meanwhile, {what}', aim, ratio(key), most=True)


def rest(result: Row) -> Iterator[Aim]:
    """Yield the aims of the REST API."""
    rows = result['rows']
    for connections in sorted({row['connections'] for row in rows}):

        def ratio(
            peer: str, auth: str, ours: str, number: int = connections
        ) -> float:
            wanted = {'answer': 'ping', 'connections': number}
            return pick(rows, 'rate', server=OURS, auth=ours, **wanted) / pick(
                rows, 'rate', server=peer, auth=auth, **wanted)

        many = f'{connections} connection' + 's' * (connections > 1)
        for peer, aim in (('CherryPy', 2), ('Tornado', 1)):
            yield Aim(
                f'Small REST answer, {many}, Digest, rate beside {peer}', aim,
                ratio(f'{peer.lower()} document', 'digest', 'digest'))
        yield Aim(
            f'The hot path, {many}, rate beside Tornado', 2,
            ratio('tornado document', 'none', 'basic'))


def processes(result: Row) -> Iterator[Aim]:
    """Yield the aims of whole processes."""
    rows = result['rows']
    for proxies in sorted({row['proxies'] for row in rows}):
        dump = pick(rows, 'wall_ms', command='cylc dump', proxies=proxies)
        for command in ('cylc flask call', 'cylc-flask call'):
            yield Aim(
                f'`{command}` of {proxies:,} tasks, faster than `cylc dump`',
                5, dump / pick(
                    rows, 'wall_ms', command=command, proxies=proxies))


def page(result: Row) -> Iterator[Aim]:
    """Yield the aims of the page."""
    first = {'server': OURS, 'proxies': 1000, 'line': 'this machine'}
    yield Aim(
        'The first view of 1,000 tasks in a browser, all that comes', 200,
        pick(result['views'], 'kilobytes', **first), 'kB', most=True)
    yield Aim(
        'The first view, until its tree is complete', 1000,
        pick(result['views'], 'tree_ms', **first), 'ms', most=True)
    for row in result['frames']:
        yield Aim(
            f'5,000 tasks, 100 changes a second at most, {row["view"]}: 99 of'
            ' 100 frames', 50, row['p99_ms'], 'ms', most=True)


def hub(result: Row) -> Iterator[Aim]:
    """Yield the aims of the hub."""
    for link, words in (('feed', 'with'), ('zmq', 'without')):
        rows = [
            row for row in result.get('isolation', ())
            if row['link'] == link
        ]
        for what, key in (
            ('CPU', 'scheduler'),
            ('a turn of its main loop', 'pass_ms'),
            ('a command by ZMQ', 'zmq_command_ms'),
            ('a command by the hub', 'hub_command_ms'),
        ):
            yield Aim(
                f'50 viewers at the hub beside one, a scheduler {words} our'
                f' plugin: {what}', 1.1,
                pick(rows, key, server=HUB, viewers=50)
                / pick(rows, key, server=HUB, viewers=1), most=True)
    if 'beside' in result:
        yield from beside(result['beside'])
    for row in result.get('scale', ()):
        what = (
            f'A hub of {row["workflows"]} workflows of {row["proxies"]:,}'
            f' tasks by {row["link"]}')
        yield Aim(
            f'{what}: until it has all', 60, row['complete_s'], 's', most=True)
        yield Aim(
            f'{what}: when nobody looks', 5, row['idle_percent'],
            '% of a core', most=True)


def beside(result: Row) -> Iterator[Aim]:
    """Yield the aims of the hub beside cylc-uiserver."""
    begins, updates = result['begins'], result['updates']
    for what, key in (
        ('until it has all, less time', 'complete_s'),
        ('first list, less time', 'list_ms'),
        ('first tree, less time', 'tree_ms'),
        ('memory, less', 'memory_mb'),
        ('when nobody looks, less CPU', 'idle_percent'),
    ):
        yield Aim(
            f'The hub: {what} than {UISERVER}', 1,
            pick(begins, key, server=UISERVER)
            / pick(begins, key, server=HUB))
    for what, key in (
        ('less time', 'all_have_it_ms'), ('less CPU', 'cpu_ms')
    ):
        yield Aim(
            f'The hub: an update to one viewer, {what} than {UISERVER}', 1,
            pick(updates, key, server=UISERVER, clients=1)
            / pick(updates, key, server=HUB, clients=1))


AIMS: dict[str, Callable[[Row], Iterator[Aim]]] = {
    'queries': queries,
    'subscriptions': subscriptions,
    'watched': watched,
    'rest': rest,
    'processes': processes,
    'page': page,
    'hub': hub,
}


if __name__ == '__main__':
    main()
