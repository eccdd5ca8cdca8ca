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
"""The static graph, call by call as it was recorded."""

from __future__ import annotations

from dataclasses import replace
import json

import pytest

from cylc_flask.errors import NotFound
from cylc_flask.legacy.graph import Grouping, graph_raw
from cylc_flask.replica.graph import Edge, Node, RawGraph
from tests.stores import LINES, answer, recorded, recorded_graph

#: The recorded calls, in order, by what they change.
CALLS = (
    ('1..2 defaults', {}),
    (
        'as GUI: no groups (None strings)',
        {'group_nodes': [], 'ungroup_nodes': [], 'ungroup_all': True},
    ),
    ('group_all=True', {'group_all': True}),
    ('ungroup_all=True', {'ungroup_all': True}),
    ('group_nodes=FAM (bare name, not literal)', {'group_nodes': ['FAM']}),
    (
        'group_nodes twice (client sends list)',
        {'group_nodes': ['FAM', 'SUBFAM']},
    ),
    ("group_nodes=['FAM'] literal", {'group_nodes': ['FAM']}),
    (
        'ungroup_nodes=FAM ungroup_recursive',
        {'ungroup_nodes': ['FAM'], 'ungroup_recursive': True},
    ),
    ('group_all then state kept in server? plain call', {}),
    ('ungroup_all to reset', {'ungroup_all': True}),
)

#: When this was recorded these tasks were in every cycle.
LATER = {'ext_go.2', 'ext_never.2'}


@pytest.fixture(params=LINES)
def line(request):
    return request.param


@pytest.fixture
def definition(line):
    return recorded(line, 'running').side.definition


@pytest.fixture
def graph(line):
    return recorded_graph(line)


def test_calls_as_recorded(definition, graph):
    grouping = Grouping()
    for case, arguments in CALLS:
        grouping.change(definition, **arguments)
        edges, polling, leaves, feet = graph_raw(graph, definition, grouping)
        theirs = answer('get_graph_raw', case)
        assert edges == [e for e in theirs[0] if e[0] not in LATER], case
        assert polling == theirs[1]
        assert sorted(leaves) == sorted(theirs[2])
        assert sorted(feet) == sorted(theirs[3])


def test_one_point(definition, graph):
    grouping = Grouping()
    grouping.change(definition, ungroup_all=True)
    first = replace(graph, stop='1', edges=tuple(
        edge for edge in graph.edges
        if (edge.right or edge.left).point == '1'
    ))
    theirs = answer('get_graph_raw', 'start only 1..1')
    assert graph_raw(first, definition, grouping)[0] == theirs[0]


def ends(definition, grouping, graph):
    return {end for edge in graph_raw(graph, definition, grouping)[0]
            for end in edge[:2]}


def test_inner_family_within_an_outer_one(definition, graph):
    grouping = Grouping()
    grouping.change(definition, ungroup_all=True)
    grouping.change(definition, group_nodes=['fam_a'])
    assert {'SUBFAM.1', 'fam_b.1'} <= ends(definition, grouping, graph)
    grouping.change(definition, group_nodes=['SUBFAM'])
    assert 'FAM.1' in ends(definition, grouping, graph)
    assert 'SUBFAM.1' not in ends(definition, grouping, graph)
    grouping.change(definition, ungroup_nodes=['FAM'])
    assert {'SUBFAM.1', 'fam_b.1'} <= ends(definition, grouping, graph)
    grouping.change(definition, ungroup_nodes=['SUBFAM'])
    assert {'fam_a.1', 'fam_b.1'} <= ends(definition, grouping, graph)


def test_first_call_closes_all_whatever_else_it_says(definition, graph):
    grouping = Grouping()
    grouping.change(definition, ungroup_nodes=['FAM'])
    assert 'FAM.1' in ends(definition, grouping, graph)


def test_closing_all_wins(definition, graph):
    grouping = Grouping()
    grouping.change(definition, ungroup_all=True)
    grouping.change(
        definition, group_all=True, ungroup_all=True, ungroup_nodes=['FAM'],
    )
    assert 'FAM.1' in ends(definition, grouping, graph)


@pytest.mark.parametrize('node', ['root', 'FAM', 'start'])
def test_root_is_never_closed(definition, graph, node):
    grouping = Grouping()
    grouping.change(definition, ungroup_all=True)
    before = ends(definition, grouping, graph)
    grouping.change(definition, group_nodes=[node])
    assert ends(definition, grouping, graph) == before


@pytest.mark.parametrize('which', ['group_nodes', 'ungroup_nodes'])
def test_unknown_node(definition, graph, which):
    grouping = Grouping()
    grouping.change(definition, ungroup_all=True)
    before = ends(definition, grouping, graph)
    with pytest.raises(NotFound, match='No such node: NOFAM'):
        grouping.change(definition, **{which: ['fam_a', 'NOFAM']})
    assert ends(definition, grouping, graph) == before


def test_nothing_happens_to_a_task_that_is_to_be_opened(definition, graph):
    grouping = Grouping()
    grouping.change(definition)
    grouping.change(definition, ungroup_nodes=['fam_a'])
    assert 'FAM.1' in ends(definition, grouping, graph)


def test_a_family_that_a_reload_removed(definition, graph):
    grouping = Grouping()
    grouping.change(definition)
    without = replace(definition, first_parent_descendants={
        family: members
        for family, members in definition.first_parent_descendants.items()
        if family != 'FAM'
    })
    assert 'SUBFAM.1' in ends(without, grouping, graph)


def test_order_and_kinds(definition):
    """Sorted by both ends; equal edges, null ends and flags stay."""
    start, tail = Node('start', '1'), Node('tail', '1')
    graph = RawGraph('1', '1', (
        Edge(tail, start, True, False),
        Edge(start, tail, False, True),
        Edge(start, None, False, False),
        Edge(start, None, False, False),
        Edge(Node('@clock', '1'), start, False, False),
    ))
    grouping = Grouping()
    grouping.change(definition)
    assert json.loads(json.dumps(graph_raw(graph, definition, grouping)))[
        0
    ] == [
        ['@clock.1', 'start.1', None, False, False],
        ['start.1', None, None, False, False],
        ['start.1', None, None, False, False],
        ['start.1', 'tail.1', None, False, True],
        ['tail.1', 'start.1', None, True, False],
    ]
