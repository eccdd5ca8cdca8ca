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
"""The state summary, beside the recorded one of Cylc 7."""

from __future__ import annotations

from collections import Counter
import json

import pytest

from cylc_flask.compat import pb
from cylc_flask.legacy.summary import StateSummary, state_summary
from tests.stores import LINES, answer, recorded

RECORDED = StateSummary(*answer('get_suite_state_summary', 'GET'))

#: Of Cylc 8: a task gets its successors when it is spawned.
ALWAYS = {'spawned': 'True'}

#: What depends on the time and the machine.
VARYING = {
    'submitted_time', 'submitted_time_string', 'started_time',
    'started_time_string', 'finished_time', 'finished_time_string',
    'submit_method_id',
}

KINDS = {type(None): 'null', int: 'number', float: 'number'}


@pytest.fixture(params=LINES)
def running(request):
    return recorded(request.param, 'running')


@pytest.fixture(params=LINES)
def mixed(request):
    return recorded(request.param, 'mixed')


def kinds(summary):
    return {
        key: KINDS.get(type(value), type(value))
        for key, value in summary.items()
    }


def test_workflow_has_what_cylc_7_has(running):
    workflow = state_summary(running).workflow
    assert kinds(workflow) == kinds(RECORDED.workflow)


@pytest.mark.parametrize('key', [
    'run_mode', 'status_string', 'oldest cycle point string',
    'newest cycle point string', 'newest runahead cycle point string',
    'namespace definition order', 'reloading', 'suite_urls', 'time zone info',
])
def test_workflow_is_as_cylc_7_has_it(running, key):
    assert state_summary(running).workflow[key] == RECORDED.workflow[key]


@pytest.mark.parametrize('task', [
    'start.1', 'bad.1', 'sleeper.1', 'victim.1', 'tail.1', 'greeted.1',
    'start.2', 'ext_go.1', 'ext_never.1', 'after_go.1', 'after_never.1',
])
def test_task_is_as_cylc_7_has_it(running, task):
    ours = state_summary(running).tasks[task]
    theirs = RECORDED.tasks[task]
    assert ours.keys() == theirs.keys()
    for key in theirs.keys() - VARYING - {'mean_elapsed_time'}:
        # Bash says how it was left in other words here and there.
        if (task, key) != ('bad.1', 'latest_message'):
            assert ours[key] == ALWAYS.get(key, theirs[key]), key
    for key in VARYING:
        assert type(ours[key]) is type(theirs[key]), key


def test_failure_is_the_latest_message(running):
    bad = state_summary(running).tasks['bad.1']
    assert bad['latest_message'].startswith('failed/')


def test_finished_job(running):
    start = state_summary(running).tasks['start.1']
    assert (
        start['submitted_time'] <= start['started_time']
        <= start['finished_time'] <= running.workflow.last_updated
    )
    assert start['submit_method_id'].isdigit()


def test_families_are_as_cylc_7_has_them(running):
    families = state_summary(running).families
    assert families['root.1'] == RECORDED.families['root.1']
    assert families['root.2'] == RECORDED.families['root.2']


def test_family_of_first_parents_only(mixed):
    families = state_summary(mixed).families
    point = '20200101T0000+0100'
    assert families[f'OTHER.{point}'] == {
        'name': 'OTHER', 'label': point, 'state': 'running', 'title': None,
        'description': None,
    }
    assert families[f'root.{point}']['state'] == 'submit-failed'
    assert families[f'PARENT.{point}']['title'] == 'The parent'


def test_family_before_anything_ran():
    store = recorded('8.5', 'paused')
    families = state_summary(store).families
    assert families['FAM.1'] == {
        **RECORDED.families['FAM.1'], 'state': 'waiting',
    }
    assert families['SUBFAM.1']['state'] == 'waiting'


def test_totals(mixed):
    summary = state_summary(mixed)
    states = [task['state'] for task in summary.tasks.values()]
    assert summary.workflow['states'] == sorted(states)
    assert summary.workflow['state totals'] == Counter(states)


def test_points(mixed):
    workflow = state_summary(mixed).workflow
    assert workflow['oldest cycle point string'] == '20200101T0000+0100'
    assert workflow['newest cycle point string'] >= '20200102T0000+0100'
    assert workflow['newest runahead cycle point string'] == (
        '20200103T0000+0100'
    )


def test_integer_points_are_numbers():
    store = recorded('8.5', 'running')
    id_ = f'{store.workflow.id}//10/tail'
    store.task_proxies[id_] = pb.PbTaskProxy(
        id=id_, name='tail', cycle_point='10', state='waiting',
    )
    workflow = state_summary(store).workflow
    assert workflow['oldest cycle point string'] == '1'
    assert workflow['newest cycle point string'] == '10'


def test_empty_pool():
    store = recorded('8.5', 'running')
    store.task_proxies.clear()
    workflow, tasks, families = state_summary(store)
    assert (tasks, families, workflow['states']) == ({}, {}, [])
    assert workflow['oldest cycle point string'] is None
    assert workflow['newest cycle point string'] is None


def test_running_job(mixed):
    long = state_summary(mixed).tasks['long.20200101T0000+0100']
    assert long['execution_time_limit'] == 900
    assert long['mean_elapsed_time'] == 900
    assert long['batch_sys_name'] == 'background'
    assert long['latest_message'] in ('started', 'half way')
    assert long['finished_time'] is None
    assert long['started_time_string'].endswith('Z')


def test_job_which_was_not_accepted(mixed):
    summary = state_summary(mixed).tasks['no_submit.20200101T0000+0100']
    assert summary['latest_message'] == 'submit-failed'
    assert summary['submit_method_id'] is None
    assert (summary['host'], summary['submit_num']) == ('broken', 1)
    assert summary['started_time'] is None


def test_all_jobs_have_their_hosts():
    store = recorded('8.5', 'running')
    proxy = store.task_proxies[f'{store.workflow.id}//1/bad']
    delta = pb.AllDeltas()
    delta.jobs.time = delta.task_proxies.time = 2e9
    delta.jobs.added.append(pb.PbJob(
        id=f'{proxy.id}/02', submit_num=2, task_proxy=proxy.id,
        state='submitted', platform='elsewhere', job_id='77',
        submitted_time='2030-01-01T01:00:00+01:00', stamp='x@2000000000',
    ))
    delta.task_proxies.updated.append(pb.PbTaskProxy(
        id=proxy.id, state='submitted', job_submits=2, stamp='x@2000000000',
    ))
    store.apply(delta.SerializeToString(), store.side)
    bad = state_summary(store).tasks['bad.1']
    assert bad['job_hosts'] == {'1': 'localhost', '2': 'elsewhere'}
    assert (bad['host'], bad['submit_num']) == ('elsewhere', 2)
    assert bad['submitted_time_string'] == '2030-01-01T00:00:00Z'
    assert bad['finished_time'] is None
    assert bad['latest_message'] == 'submitted'


def test_a_task_which_a_reload_removed():
    store = recorded('8.5', 'running')
    id_ = f'{store.workflow.id}//1/orphan'
    store.task_proxies[id_] = pb.PbTaskProxy(
        id=id_, name='orphan', cycle_point='1', state='running',
    )
    summary = state_summary(store)
    assert summary.tasks['orphan.1']['title'] == ''
    assert 'orphan' not in summary.workflow['namespace definition order']


def test_json(mixed):
    """Nothing of protobuf may be left in the answer."""
    workflow, tasks, families = json.loads(json.dumps(state_summary(mixed)))
    assert tasks.keys() == state_summary(mixed).tasks.keys()
