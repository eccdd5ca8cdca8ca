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
"""No mutation, whatever its arguments are, harms the scheduler."""

from __future__ import annotations

import os
from typing import Any

from graphql import GraphQLNonNull, GraphQLSchema
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
import pytest
import requests

from cylc_flask.query.schema import make_schema
from tests.graphql_strategies import TEXTS, values
from tests.harness import Run, Starter

#: Every kind of trigger, so that commands meet all that a task can have.
FLOW = """
    [scheduler]
        UTC mode = True
        allow implicit tasks = True
        [[events]]
            abort on stall timeout = False
            stall timeout = PT1H
    [scheduling]
        {cycling}
        runahead limit = P2
        [[special tasks]]
            external-trigger = event("knock")
        [[xtriggers]]
            clock = wall_clock()
        [[graph]]
            {recurrence} = '''
                keep:out? => after
                keep => work & wait & event
                keep[-{interval}] => keep
            '''
    [runtime]
        [[FAM]]
        [[work, wait]]
            inherit = FAM
        [[keep]]
            script = sleep 900
            [[[outputs]]]
                out = the output
"""

INTEGER = {
    'cycling': 'cycling mode = integer\n        initial cycle point = 1',
    'recurrence': 'P1', 'interval': 'P1',
}
DATES = {
    'cycling': 'initial cycle point = 20300101T00Z',
    'recurrence': 'P1D', 'interval': 'P1D',
}

#: How many are sent to each scheduler.
MUTATIONS = int(os.environ.get('FUZZ_MUTATIONS', '600'))

SCHEMA: GraphQLSchema = make_schema()


@st.composite
def mutations(draw: st.DrawFn) -> dict[str, Any]:
    """Return a request with one mutation."""
    mutation = SCHEMA.mutation_type
    assert mutation
    name = draw(st.sampled_from(sorted(mutation.fields)))
    arguments = mutation.fields[name].args
    chosen = {
        key: draw(values(argument.type))
        for key, argument in arguments.items()
        if key != 'workflows' and (
            isinstance(argument.type, GraphQLNonNull) or draw(st.booleans())
        )
    }
    if name == 'stop' and draw(st.integers(0, 9)):
        chosen.setdefault('cyclePoint', draw(TEXTS))
    declared = ''.join(f'${key}: {arguments[key].type} ' for key in chosen)
    given_ = ''.join(f'{key}: ${key} ' for key in chosen)
    return {
        'query': f'mutation {"(" + declared + ")" if declared else ""} '
                 f'{{{name}(workflows: "*" {given_}) {{result}}}}',
        'variables': chosen,
    }


@pytest.fixture(scope='module', params=(INTEGER, DATES), ids=('int', 'iso'))
def run(mod_start: Starter, request: pytest.FixtureRequest) -> Run:
    return mod_start(FLOW.format(**request.param), '--pause', name='fuzz')


def ask(run: Run, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a request, of another start if one has ended.

    What stops a workflow, or leaves it nothing to do, may do so.
    """
    while True:
        try:
            answer = run.request('POST', 'graphql', json=asked)
        except (KeyError, FileNotFoundError, requests.ConnectionError):
            answer = None
        if answer is not None and answer.status_code != 503:
            assert answer.status_code < 500, answer.text
            found: dict[str, Any] = answer.json()
            return found
        assert run.wait_end() == 0
        run.play('--pause')


def state(run: Run, id_: str) -> str:
    """Return how far a command is; what was given to another start is gone."""
    found = ask(run, {
        'query': 'query ($id: ID!) {command(id: $id) {state}}',
        'variables': {'id': id_},
    })['data']['command']
    return str(found['state']) if found else 'forgotten'


def test_any_mutation(run: Run) -> None:
    """It is answered, and the run goes on, or ends well."""
    sent: list[dict[str, Any]] = []

    @settings(
        max_examples=MUTATIONS, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),
    )
    @given(asked=mutations())
    def send(asked: dict[str, Any]) -> None:
        sent.append(asked)
        for each in ask(run, asked).get('errors', ()):
            assert each['extensions']['code'] != 'INTERNAL_SERVER_ERROR', each

    try:
        send()
        found = ask(run, {
            'query': 'mutation {releaseHoldPoint(workflows: "*") {result}}',
        })
        id_ = found['data']['releaseHoldPoint']['result'][0]['response'][1]
        run.wait_for(lambda: state(run, id_) in ('succeeded', 'forgotten'))
    except AssertionError as exc:
        raise AssertionError(f'{exc} after {sent[-20:]}') from exc
    assert 'flask: fault' not in run.log()
    assert 'Workflow shutting down - ERROR' not in run.log()
