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
"""What a query may compare elements with."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
import pytest

from tests.unit.views.test_graphql import STRICT, post, serve


@pytest.fixture(scope='module')
def client() -> FlaskClient:
    return serve()


@pytest.mark.parametrize('ids, error', [
    (['x' * 1000] * 1000, ''),
    (['[a' * 50], ''),
    (['a'] * 1001, 'ids has 1001 items, which is more than 1000'),
    (['a', 'x' * 1001], 'ids has a text of 1001 characters'),
    (['[a' * 51], 'ids has a text of 102 characters'),
])
@pytest.mark.parametrize('field', ['workflows', 'taskProxies', 'jobs'])
def test_ids(client: FlaskClient, field: str, ids: list[str], error: str
             ) -> None:
    """The server would look at more for minutes, and at nothing else."""
    answer: Any = post(client, {
        'query': f'query ($a: [ID]) {{{field}(ids: $a) {{id}}}}',
        'variables': {'a': ids},
    }, STRICT).json
    if not error:
        assert answer == {'data': {field: []}}
        return
    (found,) = answer['errors']
    assert found['message'].startswith(error)
    assert found['extensions'] == {'code': 'BAD_USER_INPUT'}


@pytest.mark.parametrize('text, error', [
    ('{deltas(workflows: [null, "no"]) {id}}', 'No such workflow here'),
    ('{taskProxies(deltaType: "x") {id}}', 'deltaType is'),
    ('{taskProxies(deltaType: "pruned") {id}}', 'deltaType is'),
])
def test_subscriptions(client: FlaskClient, text: str, error: str) -> None:
    """They end with the reason, and leave nothing in the log."""
    answer = post(client, {'query': f'subscription {text}'},
                  'text/event-stream')
    assert error in answer.text
    assert 'BAD_USER_INPUT' in answer.text


@pytest.mark.parametrize('number', [20, 21])
def test_sort_keys(client: FlaskClient, number: int) -> None:
    """Cylc would write down as many values for each element."""
    answer: Any = post(client, {
        'query': 'query ($a: [String]) {jobs(sort: {keys: $a}) {id}}',
        'variables': {'a': ['id'] * number},
    }, STRICT).json
    if number == 20:
        assert 'errors' not in answer
    else:
        (found,) = answer['errors']
        assert found['message'] == 'sort has 21 items, which is more than 20'
