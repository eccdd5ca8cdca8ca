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
"""Who a workflow is, by levels."""

from __future__ import annotations

import json

import pytest

from cylc_flask.compat import pb
from cylc_flask.legacy.identify import identify
from cylc_flask.legacy.summary import state_summary
from cylc_flask.privilege import Privilege
from tests.stores import LINES, answer, recorded

RECORDED = answer('identify', 'GET')

DESCRIBED = ('meta', 'title', 'description', 'group')


@pytest.fixture(params=LINES)
def running(request):
    return recorded(request.param, 'running')


def test_nothing_for_nobody(running):
    assert identify(running, Privilege.NONE) == {}


def test_identity(running):
    definition = running.side.definition
    assert identify(running, Privilege.IDENTITY) == {
        'name': 'accept',
        'owner': definition.owner,
        'version': definition.cylc_version,
    }


def test_description(running):
    answer = identify(running, Privilege.DESCRIPTION)
    assert answer.keys() == {'name', 'owner', 'version', *DESCRIBED}
    assert {key: answer[key] for key in DESCRIBED} == {
        key: RECORDED[key] for key in DESCRIBED
    }


@pytest.mark.parametrize('level', [
    level for level in Privilege if level >= Privilege.STATE_TOTALS
])
def test_states(running, level):
    answer = identify(running, level)
    assert answer.keys() == RECORDED.keys()
    totals, by_point = answer['states']
    assert totals == state_summary(running).workflow['state totals']
    assert by_point == {
        '1': {'waiting': 6, 'running': 2, 'succeeded': 1, 'failed': 1},
        '2': {'waiting': 1},
    }
    assert answer['update-time'] == running.workflow.last_updated


def test_tasks_by_state(running):
    tasks = identify(running, Privilege.STATE_TOTALS)['tasks-by-state']
    assert [task[1:] for task in tasks['running']] == [
        ['victim', '1'], ['sleeper', '1'],
    ]
    (failed,) = tasks['failed']
    assert isinstance(failed[0], float) and failed[1:] == ['bad', '1']
    assert tasks['waiting'] == [
        [0, 'tail', '1'], [0, 'start', '2'], [0, 'greeted', '1'],
        [0, 'ext_never', '1'], [0, 'ext_go', '1'], [None, 2, None],
    ]


@pytest.mark.parametrize('count', [1, 5, 6, 7, 20])
def test_six_are_shown_or_five_and_how_many_more(count):
    store = recorded('8.5', 'running')
    store.task_proxies.clear()
    for number in range(count):
        id_ = f'{store.workflow.id}//1/t{number:02}'
        store.task_proxies[id_] = pb.PbTaskProxy(
            id=id_, name=f't{number:02}', cycle_point='1', state='waiting',
        )
    answer = identify(store, Privilege.STATE_TOTALS)
    (tasks,) = answer['tasks-by-state'].values()
    assert len(tasks) == min(count, 6)
    shown = [task for task in tasks if task[0] is not None]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] == [0, f't{count - 1:02}', '1']
    if count > 6:
        assert tasks[-1] == [None, count - 5, None]


def test_summary_comes_from_where_the_caller_says(running):
    summary = state_summary(running)
    asked = []

    def kept(store):
        asked.append(store)
        return summary

    identify(running, Privilege.DESCRIPTION, kept)
    assert not asked
    identify(running, Privilege.STATE_TOTALS, kept)
    assert asked == [running]


def test_json(running):
    json.dumps(identify(running, Privilege.FULL_CONTROL))
