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
"""Cylc 7's words for states."""

from __future__ import annotations

import pytest

from cylc.flow.task_state import TASK_STATUSES_ORDERED
from cylc_flask.compat import pb
from cylc_flask.legacy.states import (
    WORST_FIRST,
    group_state,
    status_string,
    task_state,
)
from tests.stores import LINES, recorded

#: All that Cylc 7 has.
STATES = {
    'runahead', 'waiting', 'held', 'queued', 'expired', 'ready',
    'submit-failed', 'submit-retrying', 'submitted', 'retrying', 'running',
    'failed', 'succeeded',
}

FIRST = '20200101T0000+0100'


def words(line):
    """Return the states of the store with many of them."""
    store = recorded(line, 'mixed')
    return {
        (proxy.name, proxy.cycle_point): task_state(proxy)
        for proxy in store.task_proxies.values()
    }


@pytest.mark.parametrize('line', LINES)
@pytest.mark.parametrize('name, state', [
    ('begin', 'succeeded'),
    ('held', 'held'),
    ('long', 'running'),
    ('no_submit', 'submit-failed'),
    ('no_submit_again', 'submit-retrying'),
    ('retrying', 'retrying'),
    ('waits_clock', 'waiting'),
])
def test_state_of_real_task(line, name, state):
    assert words(line)[name, FIRST] == state


@pytest.mark.parametrize('line', LINES)
def test_one_of_a_narrow_queue_waits(line):
    states = words(line)
    assert {states['queue_1', FIRST], states['queue_2', FIRST]} == {
        'queued', 'running',
    }


@pytest.mark.parametrize('line', LINES)
def test_beyond_the_runahead_limit(line):
    assert words(line)['waits_outside', '20200103T0000+0100'] == 'runahead'


@pytest.mark.parametrize('status', TASK_STATUSES_ORDERED)
def test_every_state_of_cylc_8_has_a_word(status):
    assert task_state(pb.PbTaskProxy(state=status)) in STATES


def test_preparing_is_ready():
    assert task_state(pb.PbTaskProxy(state='preparing')) == 'ready'


def test_held_comes_before_the_rest():
    proxy = pb.PbTaskProxy(
        state='waiting', is_held=True, is_runahead=True, is_queued=True,
        is_retry=True,
    )
    assert task_state(proxy) == 'held'
    proxy.is_held = False
    assert task_state(proxy) == 'runahead'
    proxy.is_runahead = False
    assert task_state(proxy) == 'queued'


@pytest.mark.parametrize('status', ['running', 'failed', 'succeeded'])
def test_only_what_waits_is_held(status):
    """Cylc 8 holds whatever it kills; Cylc 7 showed that it had failed."""
    assert task_state(pb.PbTaskProxy(state=status, is_held=True)) == status


def test_a_past_submission_retry_does_not_count():
    proxy = pb.PbTaskProxy(state='waiting', is_retry=True)
    for label, satisfied in (
        ('_cylc_submit_retry_1_foo', True), ('_cylc_retry_1_foo', False),
    ):
        proxy.xtriggers[label].label = label
        proxy.xtriggers[label].satisfied = satisfied
    assert task_state(proxy) == 'retrying'


def test_every_state_has_its_rank():
    assert set(WORST_FIRST) == STATES
    assert len(WORST_FIRST) == len(STATES)


@pytest.mark.parametrize('members, state', [
    ({'succeeded', 'failed'}, 'failed'),
    ({'failed', 'submit-failed'}, 'submit-failed'),
    ({'running', 'retrying'}, 'retrying'),
    ({'held', 'waiting'}, 'waiting'),
    ({'held', 'succeeded'}, 'held'),
    ({'runahead', 'succeeded'}, 'succeeded'),
    ({'runahead'}, 'runahead'),
])
def test_group_state(members, state):
    assert group_state(members) == state


@pytest.mark.parametrize('changes, words', [
    ({'is_paused': True, 'stop_mode': 'REQUEST(CLEAN)'}, 'held'),
    ({'stop_mode': 'REQUEST(CLEAN)', 'hold_point': '1'}, 'stopping'),
    ({'hold_point': '1', 'stop_point': '1'}, 'running to hold at 1'),
    ({'stop_point': '1', 'stop_clock_time': 0.0}, 'running to stop at 1'),
    (
        {'stop_clock_time': 1795353269.5, 'stop_task': '1/foo'},
        'running to stop at 2026-11-22T13:14:29Z',
    ),
    ({'stop_task': '1/foo'}, 'running to stop at foo.1'),
    ({}, 'running to stop at 2'),
    ({'final_point': None}, 'running'),
])
def test_status_string(changes, words):
    """The first that applies wins."""
    assert status_string(recorded('8.5', 'running', **changes)) == words
