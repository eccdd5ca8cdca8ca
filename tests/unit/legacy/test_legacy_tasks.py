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
"""What Cylc 7 tells about one task."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cylc_flask.errors import NotFound, RequestError
from cylc_flask.legacy.tasks import (
    ping_task,
    task_broadcast,
    task_info,
    task_jobfile_path,
)
from tests.stores import LINES, answer, recorded

FIRST = '20200101T0000+0100'


@pytest.fixture(params=LINES)
def running(request):
    return recorded(request.param, 'running')


@pytest.fixture(params=LINES)
def mixed(request):
    return recorded(request.param, 'mixed')


@pytest.mark.parametrize('case, names', [
    ('one name', ['start']),
    ('several names, one unknown', ['start', 'sleeper', 'nosuch']),
    ('family name', ['FAM']),
    ('as a literal list string: one odd name', ["['start']"]),
])
def test_info(running, case, names):
    assert task_info(running.side.definition, names) == answer(
        'get_task_info', case
    )


@pytest.mark.parametrize('case, task_id, exists_only', [
    ('running', 'sleeper.1', False),
    ('not running', 'tail.1', False),
    ('not found', 'nosuch.1', False),
    ('exists_only, present', 'tail.1', True),
    ('exists_only, absent', 'nosuch.1', True),
])
def test_ping(running, case, task_id, exists_only):
    assert ping_task(running, task_id, exists_only) == answer(
        'ping_task', case
    )


def test_ping_takes_every_way_of_writing(running, mixed):
    assert ping_task(running, '1/sleeper') == [True, 'task running']
    assert ping_task(mixed, 'long.2020-01-01') == [True, 'task running']
    assert ping_task(mixed, 'held.20200101T00', True) == [True, 'task found']


@pytest.mark.parametrize('task_id, text', [
    ('sleeper', 'Not a task id: "sleeper"'),
    ('sleeper.foo', 'Invalid cycle point: foo'),
    ('*.1', 'Not a task id'),
    ('', 'Malformed item'),
])
@pytest.mark.parametrize('ask', [
    ping_task,
    task_broadcast,
    lambda store, id_: task_jobfile_path(store.side.definition, id_),
])
def test_no_task_id(running, ask, task_id, text):
    with pytest.raises(RequestError) as info:
        ask(running, task_id)
    assert text in info.value.text
    assert info.value.status == 400


@pytest.mark.parametrize('name', ['sleeper', 'nosuch'])
def test_jobfile_path(running, name):
    definition = replace(
        running.side.definition, run_dir='<HOME>/cylc-run/accept',
    )
    case = {'sleeper': 'ok', 'nosuch': 'unknown task: path still built'}
    for task_id in (f'{name}.1', f'1/{name}'):
        assert task_jobfile_path(definition, task_id) == answer(
            'get_task_jobfile_path', case[name]
        )


@pytest.mark.parametrize('case, task_id', [
    ('for a task', 'start.1'), ('for a family member', 'fam_b.1'),
])
def test_recorded_broadcasts(case, task_id):
    store = recorded(
        '8.5', 'running', broadcasts=answer('get_broadcast', 'all'),
    )
    assert task_broadcast(store, task_id) == answer('get_broadcast', case)


def test_the_nearest_broadcast_wins(mixed):
    assert task_broadcast(mixed, f'long.{FIRST}') == {
        'environment': {'A': 'long', 'B': 'b'},
    }
    assert task_broadcast(mixed, 'long.20200102T00+01') == {
        'environment': {'A': 'all'},
    }
    assert task_broadcast(mixed, 'long.2020-01-01') == {
        'environment': {'A': 'long', 'B': 'b'},
    }


def test_point_before_all_points():
    store = recorded('8.5', 'running', broadcasts={
        '*': {'start': {'script': 'every'}, 'root': {'script': 'root'}},
        '1': {'root': {'script': 'first'}},
    })
    assert task_broadcast(store, 'start.1') == {'script': 'first'}
    assert task_broadcast(store, 'start.2') == {'script': 'every'}
    assert task_broadcast(store, 'tail.2') == {'script': 'root'}


def test_broadcasts_are_not_changed_by_merging(mixed):
    before = str(mixed.side.broadcasts)
    task_broadcast(mixed, f'long.{FIRST}')['environment']['A'] = 'changed'
    assert str(mixed.side.broadcasts) == before


def test_broadcast_to_unknown_task(mixed):
    with pytest.raises(NotFound, match='No such task: nosuch'):
        task_broadcast(mixed, f'nosuch.{FIRST}')


def test_no_broadcasts(running):
    assert task_broadcast(running, 'start.1') == {}
