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
"""Documents, known and unknown, and what they may ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cylc_flask.config import Config, Limits
from cylc_flask.query import documents
from cylc_flask.query.documents import Documents, Request
from cylc_flask.query.errors import Rejected
from cylc_flask.query.schema import make_schema

SCHEMA = make_schema()


def known(introspection: bool = True, **limits: int) -> Documents:
    return Documents(SCHEMA, replace(Limits(), **limits), introspection)


def codes(found: Documents, text: str, **request: Any) -> set[str]:
    with pytest.raises(Rejected) as caught:
        found.prepare(Request(text, **request))
    return {error.extensions['code'] for error in caught.value.errors}


def test_equal_operations_have_equal_keys() -> None:
    found = known()
    text = 'query A($a: [ID], $b: Int) { workflows(ids: $a) { id } ' \
           'jobsConnection(first: $b) { totalCount } }'
    one = found.prepare(Request(text, {'b': 1, 'a': ['x']}))
    same = found.prepare(Request(text, {'a': ['x'], 'b': 1, 'else': 2}))
    other = found.prepare(Request(text, {'a': ['y'], 'b': 1}))
    assert one.key == same.key != other.key
    assert one.document is other.document
    assert one.name == 'A'


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, 'KEPT', 100)
    found = known()
    texts = [f'{{ workflows {{ id }} }} # {number:025}'
             for number in range(4)]
    first = found.prepare(Request(texts[0])).document
    assert found.prepare(Request(texts[0])).document is first
    for text in texts[1:]:
        found.prepare(Request(text))
    assert found.prepare(Request(texts[0])).document is not first


@pytest.mark.parametrize(('limits', 'text', 'code'), [
    ({'query_size': 100}, '{workflows{id}}' + ' ' * 86, 'TOO_LARGE'),
    ({'query_size': 100}, '{workflows{id}} #' + 'ä' * 45, 'TOO_LARGE'),
    ({'query_tokens': 10}, '{workflows{id id id id id id}}',
     'TOO_MANY_TOKENS'),
    ({'query_depth': 2}, '{workflows{taskProxies{id}}}', 'TOO_DEEP'),
    ({'query_depth': 2},
     '{workflows{...F}} fragment F on Workflow {taskProxies{...G}}'
     ' fragment G on TaskProxy {id}', 'TOO_DEEP'),
    ({'query_aliases': 1}, '{a: workflows{b: id}}', 'TOO_MANY_ALIASES'),
    ({'query_aliases': 3},
     '{workflows{...F} w: workflows{...F}}'
     ' fragment F on Workflow {a: id b: id}', 'TOO_MANY_ALIASES'),
])
def test_limits(limits: dict[str, int], text: str, code: str) -> None:
    assert codes(known(**limits), text) == {code}
    assert known().prepare(Request(text))


def test_fragments_multiply_without_cost() -> None:
    """Each is measured once, however often it is used."""
    fragments = ' '.join(
        f'fragment F{number} on Workflow {{'
        f' ...F{number + 1} ...F{number + 1} ...F{number + 1} }}'
        for number in range(60)
    )
    text = '{workflows{...F0}} fragment F60 on Workflow {a: id} ' + fragments
    assert codes(known(query_tokens=100_000), text) == {'TOO_MANY_ALIASES'}


def test_circular_fragments() -> None:
    text = '{workflows{...F}} fragment F on Workflow {id ...F}'
    assert codes(known(), text) == {'GRAPHQL_VALIDATION_FAILED'}


@pytest.mark.parametrize('text', [
    '{__schema{queryType{name}}}', '{__type(name: "Job"){name}}',
    '{...F} fragment F on Queries {__schema{queryType{name}}}',
])
def test_introspection(text: str) -> None:
    assert known().prepare(Request(text))
    assert codes(known(introspection=False), text) == {
        'INTROSPECTION_DISABLED'}


def test_typename_is_no_introspection() -> None:
    text = '{__typename workflows{__typename}}'
    assert known(introspection=False).prepare(Request(text))


@pytest.mark.parametrize(('text', 'request_', 'code'), [
    ('{workflows{id}', {}, 'GRAPHQL_PARSE_FAILED'),
    ('{workflows{name id no}}', {}, 'GRAPHQL_VALIDATION_FAILED'),
    ('query A{workflows{id}} query B{workflows{id}}', {},
     'OPERATION_RESOLUTION_FAILURE'),
    ('query A{workflows{id}}', {'operation_name': 'B'},
     'OPERATION_RESOLUTION_FAILURE'),
    ('query A($a: Int!){jobsConnection(first: $a){totalCount}}', {},
     'BAD_USER_INPUT'),
    ('query A($a: Int!){jobsConnection(first: $a){totalCount}}',
     {'variables': {'a': '1'}}, 'BAD_USER_INPUT'),
    ('query A($a: Int!){jobsConnection(first: $a){totalCount}}',
     {'variables': {'a': 2**70}}, 'BAD_USER_INPUT'),
    ('query A($a: [ID]){workflows(ids: $a){id}}',
     {'variables': {'a': ['\ud800']}}, 'BAD_USER_INPUT'),
    (
        'subscription ($a: Boolean!) {deltas @skip(if: $a) {id}}', {},
        'GRAPHQL_VALIDATION_FAILED',
    ),
])
def test_errors(text: str, request_: dict[str, Any], code: str) -> None:
    assert codes(known(), text, **request_) == {code}


def test_defaults_let_all_of_the_gui_pass() -> None:
    from cylc.flow import __version__
    from tests.cylc_ui import INTROSPECTION, SUBSCRIPTIONS, available

    found = Documents(SCHEMA, Config().limits, True)
    for text in (*SUBSCRIPTIONS.values(), INTROSPECTION):
        assert found.prepare(Request(available(text, __version__)))
