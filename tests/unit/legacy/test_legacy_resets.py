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
"""What Cylc 8 is to set for a reset of Cylc 7's."""

from __future__ import annotations

import pytest

from cylc_flask.errors import RequestError
from cylc_flask.legacy.resets import Wanted, plan
from tests.stores import LINES, recorded


@pytest.fixture(params=LINES)
def store(request):
    """Return a store in which sleeper.1 runs, bad.1 failed, tail.1 waits."""
    return recorded(request.param, 'running')


@pytest.mark.parametrize('state', ['expired', 'failed', 'succeeded'])
def test_final_states_are_outputs(store, state):
    assert plan(store, ['bad.1'], state, []) == Wanted(outputs=[state])


def test_ready_means_all_prerequisites(store):
    assert plan(store, ['tail.1'], 'ready', []) == Wanted(
        prerequisites=['all'])


def test_waiting_tasks_wait(store):
    assert plan(store, ['tail.1', 'nosuch.1'], 'waiting', []) is None


@pytest.mark.parametrize('state', ['ready', 'waiting'])
def test_no_way_back(store, state):
    with pytest.raises(RequestError) as caught:
        plan(store, ['sleeper.1', 'tail.1', '*:failed'], state, [])
    assert f'make bad.1, sleeper.1 {state} again' in caught.value.text
    assert 'trigger_tasks' in caught.value.text


@pytest.mark.parametrize('state, instead', [
    ('running', 'outputs=started'),
    ('submitted', 'outputs=submitted'),
    ('submit-failed', 'failed'),
])
def test_states_of_jobs_are_out_of_reach(store, state, instead):
    with pytest.raises(RequestError) as caught:
        plan(store, ['tail.1'], state, [])
    assert caught.value.text.startswith(f'state={state}: ')
    assert instead in caught.value.text


@pytest.mark.parametrize('state', ['banana', 'held', 'queued', 'Failed'])
def test_unknown_states_name_the_known(store, state):
    with pytest.raises(RequestError) as caught:
        plan(store, ['tail.1'], state, [])
    assert 'expired, failed, ready, succeeded, waiting' in caught.value.text


@pytest.mark.parametrize('output', ['greet', 'hello from sleeper'])
def test_outputs_by_name_or_message(store, output):
    assert plan(store, ['sleeper.1'], '', [output, 'started']) == Wanted(
        outputs=['greet', 'started'])


def test_a_state_is_stronger_than_outputs(store):
    assert plan(store, ['sleeper.1'], 'failed', ['greet']) == Wanted(
        outputs=['failed'])


def test_outputs_of_tasks_that_nobody_sees(store):
    """They may come later; Cylc 8 will say if it knows them."""
    assert plan(store, ['later.9'], '', ['any']) == Wanted(outputs=['any'])


@pytest.mark.parametrize('outputs, text', [
    (['greet', '!greet'], 'outputs=!greet: Cylc 8 cannot undo'),
    (['nonsense'], 'outputs=nonsense: no output of these tasks'),
    (['submit-failed'], 'outputs=submit-failed: no output of these tasks'),
    ([], 'needs a state, or outputs'),
])
def test_outputs_that_cannot_be_set(store, outputs, text):
    with pytest.raises(RequestError) as caught:
        plan(store, ['sleeper.1'], '', outputs)
    assert text in caught.value.text
