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
"""Each endpoint of Cylc 7, and the operation that replaces it, compared.

Both are run against one scheduler, and either tell the same or do the same.
What can be done but once is done to two tasks that are alike.
"""

from __future__ import annotations

from collections.abc import Callable
import json
from typing import Any

import pytest

from tests.asking import ask, flow, outcome, task, wait_state
from tests.effects import order, tasks, workflow
from tests.harness import ONE, Run, Starter
from tests.migration import REPLACEMENTS

#: Both ways to do something, as parts of the names of tasks.
WAYS = ('rest', 'graphql')

#: Tasks that wait for what never comes.
WAITING = ('hold', 'release', 'trigger', 'reset')

#: Tasks whose jobs run until they are told not to.
RUNNING = ('kill', 'poll', 'remove', 'message', 'messages')


def twins(*names: str) -> list[str]:
    return [f'{name}_{way}' for name in names for way in WAYS]


FLOW = f"""
    [meta]
        title = The title
        description = What it is for
        group = tests
    [scheduler]
        UTC mode = True
        allow implicit tasks = True
        [[events]]
            stall timeout = PT1H
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        final cycle point = 4
        runahead limit = P4
        [[special tasks]]
            external-trigger = event_rest("rest"), event_graphql("graphql")
        [[graph]]
            R1 = '''
                foo & event_rest & event_graphql
                foo:never => {' & '.join(twins(*WAITING))} & MEMBERS
                {' & '.join(twins(*RUNNING))}
            '''
            R1/2 = sits
            R1/3 = sits
            P1 = tick[-P1] & foo[^]:never => tick
    [runtime]
        [[root]]
            run mode = skip
        [[LIVE]]
            run mode = live
            script = sleep 900
            [[[outputs]]]
                never = never
                done = done
        [[{', '.join(['foo', 'sits', *twins(*RUNNING)])}]]
            inherit = LIVE
        [[foo]]
            [[[meta]]]
                title = The task
                importance = high
        [[MEMBERS]]
        [[one, two]]
            inherit = MEMBERS
        # later: [[new]]
"""


@pytest.fixture(scope='module')
def run(mod_start: Starter) -> Run:
    """Play the workflow until its lasting tasks run."""
    played = mod_start(FLOW, name='migration')
    lasting = {'1/foo', '2/sits', '3/sits', *(
        f'1/{twin}' for twin in twins(*RUNNING)
    )}
    asked = '{taskProxies(states: ["running"]) {cyclePoint name}}'
    played.wait_for(lambda: lasting <= {
        f'{task["cyclePoint"]}/{task["name"]}'
        for task in ask(played, asked)['taskProxies']
    }, 60, 'the lasting tasks')
    return played


def test_each_endpoint_has_a_test() -> None:
    assert {*REPLACEMENTS} == {
        *READS, *AGAIN, *TWINS, *ONCE, *NOTHING, 'get_latest_state',
        'get_command', 'set_stop_cleanly', 'stop_now', 'remove_cycle',
        'release_suite', 'reload_suite', 'set_verbosity',
    }


def operate(run: Run, endpoint: str, **changes: str) -> Any:
    """Run the operation in place of an endpoint, and return its data.

    Commands are waited for. The changes are to the words of the operation.
    """
    operation = REPLACEMENTS[endpoint].operation
    for old, new in changes.items():
        assert old in operation
        operation = operation.replace(old, new)
    data = ask(run, operation)
    if operation.startswith('mutation'):
        for each in data.values():
            settle(run, each['result'][0]['response'])
    return data


def settle(run: Run, response: list[Any]) -> None:
    accepted, text = response
    if accepted is True and len(text) == 36:
        found = outcome(run, text)
        assert found['state'] in ('succeeded', 'warnings'), found


# What is asked

def check_identity(rest: Any, data: Any) -> None:
    found = data['workflows'][0]
    for theirs, ours in (
        ('name', 'name'), ('owner', 'owner'), ('version', 'cylcVersion'),
    ):
        assert rest[theirs] == found[ours]
    assert rest['title'] == found['meta']['title']
    assert rest['states'][0]['running'] == found['stateTotals']['running']


def check_info(rest: Any, data: Any) -> None:
    check_meta(rest, data['workflows'][0]['meta'])


def check_meta(rest: dict[str, Any], meta: dict[str, Any]) -> None:
    user = meta['userDefined']
    user = json.loads(user) if isinstance(user, str) else user
    wanted = {**user, **{
        key: meta[key] for key in ('title', 'description', 'URL')
    }}
    assert {key: rest.get(key, '') for key in wanted} == wanted
    assert {*rest} <= {*wanted}


def check_summary(rest: Any, data: Any) -> None:
    proxies = {
        f'{each["name"]}.{each["cyclePoint"]}': each
        for each in data['taskProxies']
    }
    assert proxies.keys() == rest[1].keys()
    for name, theirs in rest[1].items():
        each = proxies[name]
        assert theirs['state'] in (each['state'], 'held', 'queued', 'runahead')
        if each['jobs']:
            assert theirs['submit_num'] == each['jobs'][-1]['submitNum']
    families = {
        f'{each["name"]}.{each["cyclePoint"]}'
        for each in data['familyProxies']
    }
    assert rest[2].keys() <= families


def check_task_info(rest: Any, data: Any) -> None:
    (found,) = data['tasks']
    assert found['name'] == 'foo'
    check_meta(rest['foo'], found['meta'])


def check_requisites(rest: Any, data: Any) -> None:
    (found,) = data['taskProxies']
    outputs = {
        (f'foo.1 {each["message"]}', each['satisfied'])
        for each in found['outputs']
    }
    assert {(text, done) for text, done in rest[0]['foo.1']['outputs']} <= (
        outputs)
    assert not found['prerequisites']
    assert not rest[0]['foo.1']['prerequisites']


def check_jobfile(rest: Any, data: Any) -> None:
    directory = data['jobs'][0]['jobLogDir']
    assert rest.endswith('/1/foo/NN/job'), rest
    assert directory.endswith('/1/foo/01'), directory


def check_graph(rest: Any, data: Any) -> None:
    def point_of(id_: str) -> str:
        point, name = id_.split('//')[1].split('/')
        return f'{name}.{point}'

    ours = {
        (point_of(each['source']), point_of(each['target']))
        for each in data['graph']['edges']
    }
    theirs = {
        (left, right) for left, right, *_ in rest[0] if right is not None
    }
    assert ours == theirs


#: Endpoints that only tell something: arguments, changes to the operation,
#: and what compares.
READS: dict[str, tuple[dict[str, Any], dict[str, str], Callable[..., Any]]] = {
    'identify': ({}, {}, check_identity),
    'ping_suite': ({}, {}, lambda rest, data: data['__typename'] and rest),
    'get_cylc_version': ({}, {}, lambda rest, data: compare(
        rest, data['workflows'][0]['cylcVersion'])),
    'apiversion': ({}, {}, lambda rest, data: rest and data['__schema']),
    'get_suite_info': ({}, {}, check_info),
    'get_suite_state_summary': ({}, {}, check_summary),
    'get_task_info': ({'names': 'foo'}, {}, check_task_info),
    'get_task_requisites': ({'items': 'foo.1'}, {}, check_requisites),
    'get_task_jobfile_path': ({'task_id': 'foo.1'}, {}, check_jobfile),
    'ping_task': ({'task_id': 'foo.1'}, {}, lambda rest, data: compare(
        (rest[0], data['taskProxies']), (True, [{'state': 'running'}]))),
    'get_broadcast': ({}, {}, lambda rest, data: compare(
        rest, data['workflows'][0]['broadcasts'])),
    'get_graph_raw': (
        {'start_point_string': '1', 'stop_point_string': '3',
         'ungroup_all': 'True'}, {', group: ["FAMILY"]': ''}, check_graph),
}


def compare(one: Any, other: Any) -> None:
    assert one == other


@pytest.mark.parametrize('endpoint', READS)
def test_reads(run: Run, endpoint: str) -> None:
    """Both tell the same."""
    arguments, changes, check = READS[endpoint]
    check(run.get(endpoint, **arguments), operate(run, endpoint, **changes))


def test_get_latest_state(run: Run) -> None:
    """What the subscription begins with is what Cylc 7 sent first."""
    operation = REPLACEMENTS['get_latest_state'].operation
    with run.session().post(
        f'{run.url}/graphql/stream', json={'query': operation}, stream=True,
        timeout=20,
    ) as stream:
        data = next(
            line.removeprefix('data: ')
            for line in stream.iter_lines(decode_unicode=True)
            if line.startswith('data: {')
        )
    added = json.loads(data)['data']['deltas']['added']
    summary = run.get('get_latest_state')['summary']
    assert {
        f'{each["name"]}.{each["cyclePoint"]}' for each in added['taskProxies']
    } == summary[1].keys()
    assert added['workflow']['status'] == 'running'


def test_get_command(run: Run) -> None:
    """Both know what became of a command, whoever gave it."""
    answer = run.request('POST', 'hold_tasks?wait=20', data={
        'items': 'foo.1'})
    id_ = answer.headers['Cylc-Command-ID']
    rest = run.get('get_command', id=id_)
    found = operate(run, 'get_command', ID=id_)['command']
    assert rest['state'] == found['state'] == 'succeeded'
    order(run, 'release_tasks', 'foo.1')


# What can be done again

def status(run: Run) -> Any:
    return workflow(run)['status_string']


def broadcasts(run: Run) -> Any:
    return run.get('get_broadcast')


def put(run: Run, *points: str) -> None:
    """Have nothing but broadcasts for these points."""
    run.request('POST', 'clear_broadcast', json={
        'point_strings': [], 'namespaces': [], 'cancel_settings': None})
    run.request('POST', 'put_broadcast', json={
        'point_strings': points, 'namespaces': ['foo'],
        'settings': [{'script': 'true'}],
    })


#: What comes before each, how the endpoint is called, and what is compared.
#: Of several reasons to stop, that of the later test is told.
AGAIN: dict[str, tuple[
    Callable[[Run], Any], Callable[[Run], Any], Callable[[Run], Any]
]] = {
    'hold_suite': (
        lambda run: order(run, 'release_suite'),
        lambda run: order(run, 'hold_suite'), status),
    'hold_after_point_string': (
        lambda run: order(run, 'release_suite'),
        lambda run: order(run, 'hold_after_point_string', point_string='2'),
        status),
    'set_stop_after_task': (
        lambda run: order(run, 'set_stop_after_task', task_id='sits.3'),
        lambda run: order(run, 'set_stop_after_task', task_id='foo.1'),
        status),
    'set_stop_after_clock_time': (
        lambda run: order(run, 'set_stop_after_clock_time',
                          datetime_string='2036-01-01T00:00Z'),
        lambda run: order(run, 'set_stop_after_clock_time',
                          datetime_string='2035-01-01T00:00Z'),
        status),
    'set_stop_after_point': (
        lambda run: order(run, 'set_stop_after_point', point_string='2'),
        lambda run: order(run, 'set_stop_after_point', point_string='3'),
        status),
    'put_broadcast': (
        lambda run: put(run),
        lambda run: run.request('POST', 'put_broadcast', json={
            'point_strings': ['1'], 'namespaces': ['foo'],
            'settings': [{'environment': {'GREETING': 'hello'}}],
        }), broadcasts),
    'clear_broadcast': (
        lambda run: put(run, '1', '2'),
        lambda run: run.request('POST', 'clear_broadcast', json={
            'point_strings': ['1'], 'namespaces': ['foo'],
            'cancel_settings': None,
        }), broadcasts),
    'expire_broadcast': (
        lambda run: put(run, '1', '2'),
        lambda run: run.post('expire_broadcast', cutoff='2'), broadcasts),
}


@pytest.mark.parametrize('endpoint', AGAIN)
def test_again(run: Run, endpoint: str) -> None:
    """Both have the same effect, from the same state."""
    prepare, call, probe = AGAIN[endpoint]
    order(run, 'release_suite')
    prepare(run)
    before = probe(run)
    call(run)
    after = probe(run)
    assert after != before
    prepare(run)
    assert probe(run) == before
    operate(run, endpoint)
    assert probe(run) == after


def test_release_suite(run: Run) -> None:
    """Both resume, and forget the hold point."""
    before = []
    for release in (
        lambda: order(run, 'release_suite'),
        lambda: operate(run, 'release_suite'),
    ):
        order(run, 'hold_suite')
        order(run, 'hold_after_point_string', point_string='2')
        release()
        before.append((status(run), flow(run, 'status')))
    assert before[0] == before[1]
    assert before[0][1] == {'status': 'running'}


def test_set_verbosity(run: Run) -> None:
    for call in (
        lambda: order(run, 'set_verbosity', level='10'),
        lambda: operate(run, 'set_verbosity'),
    ):
        count = run.log().count(' DEBUG - ')
        call()
        run.wait_for(
            lambda count=count: run.log().count(' DEBUG - ') > count
        )
        order(run, 'set_verbosity', level='20')


def test_reload_suite(run: Run) -> None:
    names = []
    for call in (
        lambda: order(run, 'reload_suite'),
        lambda: operate(run, 'reload_suite'),
    ):
        run.define(FLOW.replace('# later: ', ''))
        call()
        names.append(workflow(run)['namespace definition order'])
        run.define(FLOW)
        order(run, 'reload_suite')
    assert names[0] == names[1]
    assert 'new' in names[0]


# What is done to tasks that are alike

def is_held(run: Run, name: str) -> Any:
    return task(run, f'1/{name}', 'isHeld')['isHeld']


def hold(run: Run, name: str) -> None:
    order(run, 'hold_tasks', f'{name}.1')
    assert is_held(run, name)


def nothing(run: Run, name: str) -> None:
    """Do nothing before."""


#: What comes before, further arguments, and what is then to be seen.
TWINS: dict[str, tuple[
    str, Callable[[Run, str], Any], dict[str, Any], Callable[[Run, str], Any]
]] = {
    'hold_tasks': ('hold', nothing, {}, is_held),
    'release_tasks': (
        'release', hold, {}, lambda run, name: not is_held(run, name)),
    'trigger_tasks': (
        'trigger', nothing, {},
        lambda run, name: f'[1/{name}/01' in run.log()),
    'kill_tasks': (
        'kill', nothing, {},
        lambda run, name: tasks(run)[f'{name}.1']['state'] == 'failed'),
    'poll_tasks': (
        'poll', nothing, {},
        lambda run, name: f'[1/{name}/01:running] (polled)' in run.log()),
    'remove_tasks': (
        'remove', nothing, {},
        lambda run, name: tasks(run).get(
            f'{name}.1', {}).get('state') != 'running'),
    'reset_task_states': (
        'reset', nothing, {'state': 'succeeded'},
        lambda run, name: task(run, f'1/{name}', 'state')[
            'state'] == 'succeeded'),
}


@pytest.mark.parametrize('endpoint', TWINS)
def test_twins(run: Run, endpoint: str) -> None:
    """Both have the same effect on tasks that are alike."""
    name, prepare, arguments, probe = TWINS[endpoint]
    one, other = twins(name)
    for each in (one, other):
        prepare(run, each)
        assert not probe(run, each)
    order(run, endpoint, f'{one}.1', **arguments)
    run.wait_for(lambda: probe(run, one), 30, one)
    assert not probe(run, other)
    operate(run, endpoint, **{'1/foo': f'1/{other}'})
    run.wait_for(lambda: probe(run, other), 30, other)


def test_remove_cycle(run: Run) -> None:
    """Both remove the tasks of one cycle."""
    order(run, 'remove_cycle', point_string='3')
    wait_state(run, '3/sits', None)
    assert task(run, '2/sits', 'state') == {'state': 'running'}
    operate(run, 'remove_cycle')
    wait_state(run, '2/sits', None)
    assert task(run, '1/foo', 'state') == {'state': 'running'}


def has_done(run: Run, name: str) -> bool:
    outputs = task(run, f'1/{name}', 'outputs {label satisfied}')['outputs']
    return {'label': 'done', 'satisfied': True} in outputs


def has_run(run: Run, name: str) -> bool:
    return f'[1/{name}/01' in run.log()


#: What comes from outside: the twins, how the endpoint is called about the
#: first, how the operation is changed for the second, and what is seen.
ONCE: dict[str, tuple[
    str, Callable[[Run, str], Any], dict[str, str], Callable[[Run, str], Any]
]] = {
    'put_message': (
        'message', lambda run, name: run.post(
            'put_message', task_id=f'{name}.1', severity='INFO',
            message='done'),
        {'1/foo': '1/message_graphql'}, has_done),
    'put_messages': (
        'messages', lambda run, name: run.request(
            'POST', 'put_messages', json={
                'task_job': f'1/{name}/01', 'event_time': None,
                'messages': [['INFO', 'done']],
            }), {'1/foo': '1/messages_graphql'}, has_done),
    'put_ext_trigger': (
        'event', lambda run, name: run.post(
            'put_ext_trigger', event_message='rest', event_id='1'),
        {'knock': 'graphql'}, has_run),
}


@pytest.mark.parametrize('endpoint', ONCE)
def test_once(run: Run, endpoint: str) -> None:
    """What is told from outside arrives by both ways."""
    name, call, changes, probe = ONCE[endpoint]
    one, other = twins(name)
    assert not probe(run, one)
    call(run, one)
    run.wait_for(lambda: probe(run, one), 30, one)
    assert not probe(run, other)
    operate(run, endpoint, **changes)
    run.wait_for(lambda: probe(run, other), 30, other)


# What there is nothing in place of

#: What the endpoint answers, by its status.
NOTHING = {
    'insert_tasks': 200, 'spawn_tasks': 200, 'nudge': 200, 'signout': 200,
    'dry_run_tasks': 410, 'take_checkpoints': 410,
}


@pytest.mark.parametrize('endpoint', NOTHING)
def test_nothing(run: Run, endpoint: str) -> None:
    """The endpoint does nothing either."""
    assert not REPLACEMENTS[endpoint].operation
    answer = run.request('POST', endpoint, data={'items': 'foo.1'} if (
        endpoint not in ('nudge', 'signout')) else {})
    assert answer.status_code == NOTHING[endpoint]
    if endpoint not in ('signout',) and answer.status_code == 200:
        assert answer.json()[1].startswith('Nothing to do')


# What ends the workflow

@pytest.mark.parametrize('endpoint, arguments, changes', [
    ('set_stop_cleanly', {}, {}),
    ('set_stop_cleanly', {'kill_active_tasks': 'True'}, {
        '"*"': '"*", mode: Kill'}),
    ('stop_now', {}, {}),
    ('stop_now', {'terminate': 'True'}, {'mode: Now': 'mode: NowNow'}),
])
def test_stops(
    start: Starter, endpoint: str, arguments: dict[str, str],
    changes: dict[str, str],
) -> None:
    """Both end the scheduler in the same way."""
    said = []
    for way in WAYS:
        run = start(ONE, '--pause', name=way)
        if way == 'rest':
            assert run.post(endpoint, **arguments)[0]
        else:
            operation = REPLACEMENTS[endpoint].operation
            for old, new in changes.items():
                operation = operation.replace(old, new)
            assert ask(run, operation)['stop']['result'][0]['response'][0]
        assert run.wait_end() == 0
        said.append([
            line.partition(' INFO - ')[2]
            for line in run.log().splitlines()
            if 'Workflow shutting down' in line or 'mode=' in line
        ])
    assert said[0] == said[1]
    assert said[0]


def test_the_scheduler_is_well(run: Run) -> None:
    """None of this was a fault of the server's."""
    assert 'flask: fault' not in run.log()
