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
"""The incremental protocol, as recorded."""

from __future__ import annotations

from dataclasses import replace
import json
import logging

import pytest

from cylc_flask.legacy.latest import Session, latest_state
from cylc_flask.legacy.summary import state_summary
from cylc_flask.replica.records import Records
from tests.stores import LINES, answer, recorded

FULL = answer(
    'get_latest_state', 'first call of uuid u1, full_mode default: forced full'
)
NOTHING_NEW = answer(
    'get_latest_state', 'third call of u1: nothing new'
)


@pytest.fixture(params=LINES)
def store(request):
    return recorded(request.param, 'running')


@pytest.fixture
def records():
    return Records()


@pytest.fixture
def ask(store, records):
    """Call as one client does, again and again."""
    session = Session()
    return lambda full_mode=False: latest_state(
        store, records, session, full_mode
    )


def change(store, **side):
    store.apply(None, replace(store.side, **side))


def reload(store):
    definition = store.side.definition
    change(store, definition=replace(
        definition, serial=definition.serial + 1
    ))


def test_first_call_is_full(ask, store):
    first = ask()
    assert first.keys() == FULL.keys()
    assert first['full_mode'] is True
    assert (first['err_content'], first['err_size']) == ('', 0)
    assert first['summary'] == state_summary(store)
    for key in ('ancestors', 'ancestors_pruned', 'descendants'):
        assert first[key] == FULL[key]


def test_nothing_new(ask, store):
    ask()
    assert ask() == {
        'cylc_version': store.side.definition.cylc_version,
        'full_mode': False,
        'mean_main_loop_interval': store.side.main_loop_interval,
    }
    assert ask().keys() == NOTHING_NEW.keys()


def test_nothing_new_is_small(ask):
    ask()
    assert len(json.dumps(ask())) <= 93


@pytest.mark.parametrize('full_mode', [True, 1, 'yes'])
def test_full_on_demand(ask, full_mode):
    ask()
    answer = ask(full_mode)
    assert answer.keys() == FULL.keys()
    assert answer['full_mode'] is True


@pytest.mark.parametrize('full_mode', [False, None, 0])
def test_what_was_asked_for_comes_back(ask, full_mode):
    ask()
    assert ask(full_mode)['full_mode'] is full_mode


def test_summary_when_the_state_changed(ask, store):
    ask()
    change(store, is_paused=True)
    answer = ask()
    assert answer.keys() == {*NOTHING_NEW, 'summary'}
    assert answer['summary'].workflow['status_string'] == 'held'
    assert 'summary' not in ask()


def test_inheritance_after_a_reload(ask, store):
    ask()
    reload(store)
    assert ask().keys() == {
        *NOTHING_NEW, 'summary', 'ancestors', 'ancestors_pruned',
        'descendants',
    }
    assert ask().keys() == NOTHING_NEW.keys()


def test_log_lines_since_the_last_call(ask, records):
    records.add(logging.ERROR, 'before the first call', 0.0)
    assert ask()['err_content'] == ''
    records.add(logging.WARNING, 'low disk: 100%s', 1795353269.0)
    records.add(logging.CRITICAL, 'no disk', 1795353270.0)
    answer = ask()
    assert answer['err_content'] == (
        '2026-11-22T13:14:29Z WARNING - low disk: 100%s\n'
        '2026-11-22T13:14:30Z CRITICAL - no disk'
    )
    assert answer['err_size'] == len(answer['err_content'])
    assert 'err_content' not in ask()


def test_log_lines_in_a_full_answer(ask, records):
    ask()
    records.add(logging.WARNING, 'low disk', 1795353269.0)
    assert 'low disk' in ask(True)['err_content']
    assert ask(True)['err_content'] == ''


def test_before_the_first_main_loop(ask, store):
    change(store, main_loop_interval=None)
    assert 'mean_main_loop_interval' not in ask()


def test_clients_do_not_share(store, records):
    first, second = Session(), Session()
    latest_state(store, records, first)
    assert latest_state(store, records, second)['full_mode'] is True
    change(store, is_paused=True)
    assert 'summary' in latest_state(store, records, first)
    assert 'summary' in latest_state(store, records, second)


def test_summary_comes_from_where_the_caller_says(store, records):
    summary = state_summary(store)
    answer = latest_state(store, records, Session(), False, lambda _: summary)
    assert answer['summary'] is summary
