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
"""What the schema has, and who may have what of it."""

from __future__ import annotations

from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    print_type,
)
import pytest

from cylc.flow.network.schema import schema as cylc_schema
from cylc_flask.config import Limits
from cylc_flask.coroutines import drive
from cylc_flask.privilege import Privilege
from cylc_flask.query.documents import Documents, Request
from cylc_flask.query.levels import MUTATIONS, OPEN, level_of
from cylc_flask.query.schema import make_schema

SCHEMA = make_schema()
THEIRS: GraphQLSchema = cylc_schema.graphql_schema

#: What ours has beyond cylc-flow's.
ROOTS = {
    'Queries': {
        'command', 'edgesConnection', 'graph', 'jobsConnection',
        'taskProxiesConnection', 'tasksConnection',
    },
    'Subscriptions': {'command'},
}


def names() -> list[str]:
    return sorted(name for name in THEIRS.type_map if name[:2] != '__')


@pytest.mark.parametrize('name', names())
def test_nothing_of_theirs_is_changed(name: str) -> None:
    theirs, ours = THEIRS.type_map[name], SCHEMA.type_map[name]
    assert ours.description == theirs.description
    if not isinstance(theirs, (GraphQLObjectType, GraphQLInterfaceType)):
        assert print_type(ours) == print_type(theirs)
        return
    assert isinstance(ours, (GraphQLObjectType, GraphQLInterfaceType))
    for field, found in theirs.fields.items():
        ours_found: Any = ours.fields[field]
        assert str(ours_found.type) == str(found.type)
        assert ours_found.description == found.description
        assert {
            key: (str(arg.type), arg.default_value, arg.description)
            for key, arg in ours_found.args.items()
        } == {
            key: (str(arg.type), arg.default_value, arg.description)
            for key, arg in found.args.items()
        }
    assert ours.fields.keys() - theirs.fields.keys() == ROOTS.get(name, set())


def test_roots() -> None:
    for root in ('query_type', 'mutation_type', 'subscription_type'):
        assert getattr(SCHEMA, root).name == getattr(THEIRS, root).name


def test_all_of_ours_is_described() -> None:
    """So that people can find out what is there."""
    for name in SCHEMA.type_map.keys() - THEIRS.type_map.keys():
        found = SCHEMA.type_map[name]
        assert found.description, name
        assert not isinstance(found, (GraphQLUnionType,))
        if isinstance(found, GraphQLEnumType):
            assert found.values


def test_levels_are_of_fields_that_there_are() -> None:
    for type_name, levels in OPEN.items():
        fields = SCHEMA.type_map[type_name].fields  # type: ignore[attr-defined]
        for field in (name for many in levels.values() for name in many):
            assert field in fields
    assert SCHEMA.mutation_type is not None
    assert MUTATIONS.keys() <= SCHEMA.mutation_type.fields.keys()


@pytest.mark.parametrize(('text', 'level', 'field'), [
    ('{__typename}', Privilege.NONE, ''),
    ('{__schema{types{name}}}', Privilege.NONE, ''),
    ('{workflows{id owner}}', Privilege.IDENTITY, 'Queries.workflows'),
    ('{workflows{meta{title}}}', Privilege.DESCRIPTION, 'Workflow.meta'),
    ('{workflows{id stateTotals}}', Privilege.STATE_TOTALS,
     'Workflow.stateTotals'),
    ('{workflows{id status}}', Privilege.FULL_READ, 'Workflow.status'),
    ('{workflows{...F}} fragment F on Workflow {host}', Privilege.FULL_READ,
     'Workflow.host'),
    ('{workflows{... on Workflow {taskProxies{id}}}}', Privilege.FULL_READ,
     'Workflow.taskProxies'),
    ('{jobs{id}}', Privilege.FULL_READ, 'Queries.jobs'),
    ('{command(id: "1"){id}}', Privilege.FULL_READ, 'Queries.command'),
    ('subscription{workflows{id}}', Privilege.IDENTITY,
     'Subscriptions.workflows'),
    ('subscription{deltas{id}}', Privilege.FULL_READ, 'Subscriptions.deltas'),
    ('mutation{stop(workflows: ["*"]){result}}', Privilege.SHUTDOWN,
     'Mutations.stop'),
    ('mutation{...F} fragment F on Mutations {stop(workflows: ["*"])'
     '{result} pause(workflows: ["*"]){result}}', Privilege.FULL_CONTROL,
     'Mutations.pause'),
])
def test_needs(text: str, level: Privilege, field: str) -> None:
    need = Documents(SCHEMA, Limits(), True).prepare(Request(text)).need
    assert (need.privilege, need.field) == (level, field)


def test_what_nobody_thought_of_needs_full_read() -> None:
    assert level_of('Queries', 'new') is Privilege.FULL_READ
    assert level_of('Mutations', 'new', True) is Privilege.FULL_CONTROL


def test_drive() -> None:
    async def at_once() -> int:
        return 3

    class Never:
        def __await__(self) -> Any:
            yield

    async def waits() -> None:
        await Never()

    assert drive(at_once()) == 3
    with pytest.raises(RuntimeError):
        drive(waits())
