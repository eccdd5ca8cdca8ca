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
from __future__ import annotations

from pathlib import Path

from graphql import GraphQLSchema, parse, validate
import pytest

from cylc_flask.config import Limits
from cylc_flask.query.documents import Documents, Request
from cylc_flask.query.schema import make_schema
from tests.migration import REPLACEMENTS, table
from tests.test_routes import REST

PAGE = Path(__file__).parents[2] / 'docs' / 'migrating-from-cylc7.md'


@pytest.fixture(scope='module')
def schema() -> GraphQLSchema:
    return make_schema()


def test_no_endpoint_is_left_out() -> None:
    assert {*REPLACEMENTS} == {
        name for names in REST.values() for name in names
    }


@pytest.mark.parametrize('endpoint', REPLACEMENTS)
def test_operations_are_valid(schema: GraphQLSchema, endpoint: str) -> None:
    operation, note = REPLACEMENTS[endpoint]
    assert operation or note
    if operation:
        assert not validate(schema, parse(operation))


#: Endpoints whose operations tell nothing that needs a privilege, or what
#: the caller's allows.
FREE = {'apiversion', 'identify', 'ping_suite'}

LEVELS = {name: level for level, names in REST.items() for name in names}


@pytest.mark.parametrize(
    'endpoint', [name for name in REPLACEMENTS if name not in FREE])
def test_both_need_the_same_privilege(
    schema: GraphQLSchema, endpoint: str
) -> None:
    """Nobody gets by the one what the other would not give."""
    operation, _ = REPLACEMENTS[endpoint]
    if operation:
        documents = Documents(schema, Limits(), introspection=True)
        need = documents.prepare(Request(operation)).need
        assert str(need.privilege) == LEVELS[endpoint]


def test_it_is_in_the_documentation() -> None:
    assert '\n'.join(table()) in PAGE.read_text()
