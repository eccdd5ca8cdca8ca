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
"""The tree of cycles, families, tasks and jobs, for who runs no script."""

from __future__ import annotations

from dataclasses import dataclass, field
import re

from cylc.flow.task_state_prop import extract_group_state
from cylc_flask.legacy.points import order
from cylc_flask.page.state import count
from cylc_flask.replica.delta import Element
from cylc_flask.replica.store import Store

#: With more tasks, only the cycles are listed.
LIMIT = 1_000

#: What is said of a task beside its state.
MARKS = (
    ('is_held', 'held'), ('is_queued', 'queued'), ('is_runahead', 'runahead'),
    ('is_retry', 'retrying'), ('is_xtriggered', 'xtriggered'),
    ('is_wallclock', 'clock'),
)

ROOT = 'root'

_DIGITS = re.compile(r'(\d+)')


@dataclass
class Node:
    """A cycle, a family or a task."""

    kind: str
    id: str
    name: str
    state: str = ''
    marks: list[str] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    jobs: list[Element] = field(default_factory=list)


def tree(store: Store, limit: int = LIMIT) -> list[Node]:
    """Return the cycles, the oldest first, with what is in them."""
    definition = store.side.definition
    by_point: dict[str, list[Element]] = {}
    for proxy in store.task_proxies.values():
        by_point.setdefault(proxy.cycle_point, []).append(proxy)
    whole = len(store.task_proxies) <= limit
    return [
        _cycle(store, point, by_point[point], whole)
        for point in sorted(
            by_point, key=lambda point: order(point, definition)
        )
    ]


def _cycle(
    store: Store, point: str, proxies: list[Element], whole: bool
) -> Node:
    cycle = Node('cycle', f'{store.workflow.id}//{point}', point)
    if whole:
        _fill(cycle, store, proxies)
    states = [proxy.state for proxy in proxies]
    cycle.state = _group_state(states)
    cycle.totals = count(states)
    return cycle


def _fill(cycle: Node, store: Store, proxies: list[Element]) -> None:
    """Hang tasks below their families, by first parents."""
    ancestors = store.side.definition.first_parent_ancestors
    families: dict[tuple[str, ...], Node] = {(): cycle}
    for proxy in sorted(proxies, key=lambda proxy: natural(proxy.name)):
        above = ancestors.get(proxy.name, ())[1:]
        path = tuple(name for name in reversed(above) if name != ROOT)
        _family(families, path).children.append(Node(
            'task', proxy.id, proxy.name, proxy.state,
            [mark for name, mark in MARKS if getattr(proxy, name)],
            jobs=store.jobs_of(proxy.id),
        ))
    _finish(cycle)


def _family(
    families: dict[tuple[str, ...], Node], path: tuple[str, ...]
) -> Node:
    """Return a family, made with those above it where it is new."""
    if path not in families:
        cycle = families[()]
        families[path] = Node('family', f'{cycle.id}/{path[-1]}', path[-1])
        _family(families, path[:-1]).children.append(families[path])
    return families[path]


def _finish(node: Node) -> list[str]:
    """Sort what is below, families first; return the states of all tasks."""
    if node.kind == 'task':
        return [node.state]
    node.children.sort(
        key=lambda child: (child.kind == 'task', natural(child.name))
    )
    states = [state for child in node.children for state in _finish(child)]
    node.state = _group_state(states)
    node.totals = count(states)
    return states


def _group_state(states: list[str]) -> str:
    found: str = extract_group_state(  # type: ignore[no-untyped-call]
        set(states)
    )
    return found


def natural(name: str) -> list[tuple[bool, int, str]]:
    """Return what names sort by: their numbers as such.

    Examples:
        >>> sorted(['a10', 'B', 'a9'], key=natural)
        ['a9', 'a10', 'B']
    """
    return [
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part)
        for part in _DIGITS.split(name.lower()) if part
    ]
