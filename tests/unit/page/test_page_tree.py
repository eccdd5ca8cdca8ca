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
"""The tree that is shown before any script runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cylc_flask.page.tree import Node, tree
from cylc_flask.replica.store import Store
from tests.stores import LINES, recorded


@pytest.fixture(params=LINES)
def store(request: pytest.FixtureRequest) -> Store:
    return recorded(request.param, 'mixed')


def below(node: Node) -> Iterator[Node]:
    for child in node.children:
        yield child
        yield from below(child)


def test_all_tasks_once(store: Store) -> None:
    """With their jobs, and each in its cycle."""
    found = {
        node.id: (node, cycle.name)
        for cycle in tree(store) for node in below(cycle)
        if node.kind == 'task'
    }
    assert found.keys() == store.task_proxies.keys()
    for id_, (node, point) in found.items():
        proxy = store.task_proxies[id_]
        assert (node.name, node.state) == (proxy.name, proxy.state)
        assert point == proxy.cycle_point
        assert node.jobs == store.jobs_of(id_)
        assert ('held' in node.marks) == proxy.is_held


def test_families(store: Store) -> None:
    """By first parents, before tasks; root is left out."""
    ancestors = store.side.definition.first_parent_ancestors
    for cycle in tree(store):
        for node in below(cycle):
            kinds = [child.kind for child in node.children]
            assert kinds == sorted(kinds)
            for child in node.children:
                if child.kind == 'task':
                    assert ancestors[child.name][1] == node.name
                assert child.id.startswith(f'{cycle.id}/')
        assert 'root' not in {node.name for node in below(cycle)}
    assert any(node.kind == 'family' for node in below(tree(store)[0]))


def test_ids_of_families_are_the_store_s(store: Store) -> None:
    ids = {
        node.id for cycle in tree(store) for node in below(cycle)
        if node.kind == 'family'
    }
    assert ids <= store.family_proxies.keys()


def test_numbers(store: Store) -> None:
    """Families and cycles know how many tasks there are in which state."""
    for cycle in tree(store):
        states = [
            node.state for node in below(cycle) if node.kind == 'task']
        assert sum(cycle.totals.values()) == len(states)
        assert cycle.totals == {
            state: states.count(state) for state in cycle.totals}
        assert cycle.state in states


@pytest.mark.parametrize('name, key', [('running', int), ('mixed', str)])
def test_cycles_in_their_order(
    name: str, key: Callable[[str], int | str]
) -> None:
    """As numbers where they are numbers."""
    store = recorded('8.5', name)
    proxy = next(iter(store.task_proxies.values()))
    for point in ('10', '9'):
        if key is int:
            store.task_proxies[point] = type(proxy)(cycle_point=point)
    points = [cycle.name for cycle in tree(store)]
    assert points == sorted(points, key=key)


def test_too_many(store: Store) -> None:
    """Then there are the cycles, with numbers."""
    cycles = tree(store, limit=len(store.task_proxies) - 1)
    assert not any(cycle.children for cycle in cycles)
    assert [cycle.totals for cycle in cycles] == [
        cycle.totals for cycle in tree(store)]


def test_nothing() -> None:
    store = recorded('8.7', 'mixed')
    store.task_proxies.clear()
    assert tree(store) == []
