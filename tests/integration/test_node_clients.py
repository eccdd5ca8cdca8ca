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
"""Clients from the npm registry, each with all kinds of operations."""

from __future__ import annotations

import pytest

from tests.harness import Run, Starter
from tests.node_clients import node
from tests.socket_client import (
    BASIC,
    address,
    authorization,
    wait_until_paused,
)

FLOW = """
    [scheduling]
        [[graph]]
            R1 = a => b
    [runtime]
        [[a, b]]
"""


@pytest.fixture(scope='module', params=['http', 'https'])
def run(request: pytest.FixtureRequest, mod_start: Starter) -> Run:
    """A paused workflow."""
    run = mod_start(FLOW, '--pause', name=request.param,
                    config={**BASIC, 'method': request.param})
    wait_until_paused(run)
    return run


@pytest.mark.parametrize(
    'client', ['graphql-ws', 'subscriptions-transport-ws', 'graphql-sse'])
def test_client(
    run: Run, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = address(run, '/subscriptions')
    if client == 'graphql-sse':
        url = f'{run.url}/graphql/stream'
    if run.http['scheme'] == 'https':
        monkeypatch.setenv(
            'NODE_EXTRA_CA_CERTS', str(run.service / 'ssl.cert'))
    found = node(
        'clients.mjs', client, url, authorization(run).split(': ')[1])
    (workflow,) = found['query']['data']['workflows']
    assert workflow == {'id': f'~root/{run.name}', 'status': 'paused'}
    (result,) = found['mutation']['data']['pause']['result']
    assert result['response'][0] is True
    for each in (found['subscription'], *found['together']):
        assert each['data']['deltas']['added']['taskProxies']
    (error,) = found['wrong']['errors']
    assert 'nonsense' in error['message']
    assert 'flask: fault' not in run.log()
