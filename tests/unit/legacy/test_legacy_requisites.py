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
"""What tasks wait for and have put out, beside the recordings."""

from __future__ import annotations

import json

import pytest

from cylc_flask.compat import pb
from cylc_flask.errors import RequestError
from cylc_flask.legacy.requisites import task_requisites
from tests.stores import LINES, answer, recorded

FIRST = '20200101T0000+0100'


@pytest.fixture(params=LINES)
def running(request):
    return recorded(request.param, 'running')


@pytest.fixture(params=LINES)
def mixed(request):
    return recorded(request.param, 'mixed')


@pytest.mark.parametrize('case, items', [
    ('glob', ['s*.1']),
    ('state selector', ['*:failed']),
    ('running task with custom output', ['sleeper.1']),
    ('waiting on another cycle', ['start.2']),
    ('external trigger', ['ext_go.1']),
    ('unknown id', ['nosuch.1']),
    ('name only, any cycle', ['start']),
    ('malformed id', ['x/y/z']),
])
def test_as_recorded(running, case, items):
    assert task_requisites(running, items) == answer(
        'get_task_requisites', case
    )


def test_several_items(running):
    """The family has left the pool when its members are done."""
    case = 'several ids incl. family glob and bad'
    tasks, bad = answer('get_task_requisites', case)
    assert task_requisites(running, ['tail.1', 'FAM.1', 'nosuch.1']) == [
        {'tail.1': tasks['tail.1']}, ['FAM.1', *bad],
    ]


def test_list_of_prerequisites(running):
    assert task_requisites(running, ['1/greeted', 'start'], True) == [
        {
            'greeted.1': {'prerequisites': ['sleeper.1 hello from sleeper']},
            'start.1': {'prerequisites': []},
            'start.2': {'prerequisites': ['sleeper.1 succeeded']},
        },
        [],
    ]


def test_list_of_both(running):
    id_ = f'{running.workflow.id}//1/join'
    running.task_proxies[id_] = pb.PbTaskProxy(
        id=id_, name='join', cycle_point='1', state='waiting',
        prerequisites=[pb.PbPrerequisite(expression='0 & 1', conditions=[
            pb.PbCondition(
                task_proxy=f'1/{name}', expr_alias=str(number),
                req_state='succeeded', satisfied=satisfied, message=message,
            ) for number, (name, satisfied, message) in enumerate((
                ('fam_a', True, 'force satisfied'),
                ('fam_b', False, 'unsatisfied'),
            ))
        ])],
    )
    assert task_requisites(running, ['1/join'], True) == answer(
        'get_task_requisites', 'list_prereqs=True'
    )
    tasks, _ = task_requisites(running, ['1/join'])
    assert tasks['join.1']['prerequisites'] == [
        ['fam_a.1 succeeded', 'force satisfied'],
        ['fam_b.1 succeeded', False],
    ]


@pytest.mark.parametrize('items', [[], ()])
def test_no_items(running, items):
    with pytest.raises(RequestError, match='No items'):
        task_requisites(running, items)


def requisites(store, name):
    tasks, bad = task_requisites(store, [f'{name}.{FIRST}'])
    assert not bad
    return tasks[f'{name}.{FIRST}']


def test_either(mixed):
    """The expression, and below it what its numbers stand for."""
    lines = requisites(mixed, 'fancy')['prerequisites']
    assert [text for text, _ in lines] == [
        '(0 & (2 | 1)) | 3',
        f'\t0 = done.{FIRST} succeeded',
        f'\t1 = halfway.{FIRST} failed',
        f'\t2 = halfway.{FIRST} succeeded',
        f'\t3 = long.{FIRST} succeeded',
    ]
    assert {type(satisfied) for _, satisfied in lines} == {bool}


def test_before_the_first_point_there_is_nothing(mixed):
    assert requisites(mixed, 'begin')['prerequisites'] == []
    tasks, _ = task_requisites(mixed, ['begin.20200102T0000+0100'])
    assert [line for task in tasks.values() for line in task['prerequisites']
            ] == [[f'begin.{FIRST} succeeded', 'satisfied naturally']]


def test_custom_outputs_come_last(mixed):
    assert [text for text, _ in requisites(mixed, 'long')['outputs']] == [
        f'long.{FIRST} {output}' for output in (
            'expired', 'submitted', 'submit-failed', 'started', 'succeeded',
            'failed', 'all the way', 'half way',
        )
    ]


@pytest.mark.parametrize('name, start', [
    ('waits_outside', 'External trigger "go on"'),
    ('waits_clock', 'xclock "far = wall_clock('),
    ('waits_function', 'xtrigger "never = echo('),
    ('retrying', 'xclock "_cylc_retry_'),
])
def test_extras(mixed, name, start):
    ((text, satisfied),) = requisites(mixed, name)['extras'].items()
    assert text.startswith(start)
    assert satisfied == 'NOT satisfied'


def test_meta(mixed):
    assert requisites(mixed, 'begin')['meta'] == {
        'title': 'The first', 'description': 'Comes "first".', 'URL': '',
        'importance': 'high',
    }


def test_json(mixed):
    tasks, bad = task_requisites(mixed, ['*'])
    assert len(tasks) == len(mixed.task_proxies)
    json.dumps(tasks)
