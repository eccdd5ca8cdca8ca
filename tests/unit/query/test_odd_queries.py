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
"""No query, whatever its arguments are, is a fault of the server's."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from graphql import (
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import pytest

from cylc_flask.query.schema import make_schema
from tests.graphql_strategies import values
from tests.unit.views.test_graphql import post, serve

SCHEMA = make_schema()

#: Fields that ask the scheduler, which is not there.
ASKING = ('graph', 'command')


@pytest.fixture(scope='module')
def client() -> FlaskClient:
    return serve()


class Drawn:
    """A query in the making, with its variables."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self.declared: list[str] = []
        self.variables: dict[str, Any] = {}

    def field(self, name: str, field: GraphQLField, depth: int) -> str:
        """Return a field with arguments, and what is selected of it."""
        kind = get_named_type(field.type)
        inner = ''
        if not is_leaf_type(kind):
            inner = '{__typename}'
        if isinstance(kind, GraphQLObjectType):
            inner = self.selection(kind, depth - 1)
        return f'{name}{self._arguments(field)} {inner}'

    def selection(self, kind: GraphQLObjectType, depth: int) -> str:
        """Return some fields of a type."""
        names = [
            name for name, field in kind.fields.items()
            if depth or is_leaf_type(get_named_type(field.type))
        ]
        if not names:
            return '{__typename}'
        chosen = self._draw(st.lists(
            st.sampled_from(sorted(names)), min_size=1, max_size=2,
            unique=True,
        ))
        fields = (self.field(each, kind.fields[each], depth)
                  for each in chosen)
        return f'{{{" ".join(fields)}}}'

    def _arguments(self, field: GraphQLField) -> str:
        chosen = [
            (name, argument) for name, argument in field.args.items()
            if isinstance(argument.type, GraphQLNonNull)
            or self._draw(st.integers(0, 3)) == 0
        ]
        texts = []
        for name, argument in chosen:
            variable = f'v{len(self.variables)}'
            self.variables[variable] = self._draw(values(argument.type))
            self.declared.append(f'${variable}: {argument.type}')
            texts.append(f'{name}: ${variable}')
        return f'({", ".join(texts)})' if texts else ''


@st.composite
def queries(draw: st.DrawFn) -> dict[str, Any]:
    """Return a request with one query."""
    assert SCHEMA.query_type
    fields = SCHEMA.query_type.fields
    name = draw(st.sampled_from(sorted({*fields} - {*ASKING})))
    drawn = Drawn(draw)
    text = drawn.field(name, fields[name], 3)
    declared = f'({", ".join(drawn.declared)})' if drawn.declared else ''
    return {
        'query': f'query {declared} {{{text}}}', 'variables': drawn.variables,
    }


@settings(
    max_examples=300, deadline=None, suppress_health_check=list(HealthCheck),
)
@given(asked=queries())
def test_any_query(client: FlaskClient, asked: dict[str, Any]) -> None:
    answer = post(client, asked)
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    for error in answer.json.get('errors', ()):
        assert error['extensions']['code'] == 'BAD_USER_INPUT', error
