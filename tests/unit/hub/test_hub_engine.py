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
"""GraphQL over all workflows, for users who see different ones."""

from __future__ import annotations

from collections.abc import Iterator
import json
from pathlib import Path
from typing import Any

import pytest

from cylc.flow import __version__
from cylc_flask.config import Config, Limits
from cylc_flask.hub.query import resolvers
from cylc_flask.hub.query.fan import Lookout
from cylc_flask.query.documents import Request
from cylc_flask.query.errors import Rejected
from cylc_flask.replica.feed import FAULT
from tests.cylc_ui import SUBSCRIPTIONS, available
from tests.graphql_copy import Copy, settled
from tests.stores import recorded_steps
from tests.unit.hub.desk import OWNER, STORES, Desk, make

NAMES = '{workflows {name}}'
TASKS = '{taskProxies {id}}'
DELTAS = (
    'subscription {deltas {id added {workflow {id name reloaded}'
    ' taskProxies {id}} updated {workflow {id status}}'
    ' pruned {workflow}}}'
)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = make(tmp_path, monkeypatch)
    yield made
    made.close()


# Queries

def test_workflows(desk):
    assert desk.names(NAMES) == [*STORES, 'secret']
    assert desk.names(NAMES, 'alice') == [*STORES]
    assert desk.names(NAMES, 'bob') == ['mixed', 'nested']
    assert desk.names(NAMES, 'carol') == []


def test_below_the_need_it_is_not_there(desk):
    """Of "mixed" Bob may know that it is there, and nothing else."""
    assert desk.names('{workflows {name status}}', 'bob') == ['nested']
    assert desk.names(
        '{workflows(ids: ["mixed"]) {name status}}', 'bob') == []
    assert desk.names('{workflows(ids: ["mixed"]) {name}}', 'bob') == [
        'mixed']


def flows_of(answer: Any) -> set[str]:
    return {
        node['id'].partition('//')[0]
        for node in answer['data']['taskProxies']
    }


def test_tasks_of_all(desk):
    every = desk.ask(TASKS)
    assert flows_of(every) == {f'~{OWNER}/{name}' for name in STORES}
    assert len(every['data']['taskProxies']) == sum(
        len(desk.flow(name).store.task_proxies) for name in STORES)
    assert desk.ask(TASKS, 'alice') == every
    assert flows_of(desk.ask(TASKS, 'bob')) == {f'~{OWNER}/nested'}
    assert flows_of(desk.ask(TASKS, 'carol')) == set()


@pytest.mark.parametrize('text', [
    '{{taskProxies(workflows: ["{id}"]) {{id}}}}',
    '{{taskProxies(workflows: ["{name}"]) {{id}}}}',
    '{{families(workflows: ["{id}"]) {{id}}}}',
    '{{taskProxy(id: "{id}//1/foo") {{id}}}}',
    '{{edges(workflows: ["{id}"]) {{id}}}}',
    '{{jobs(workflows: ["{id}"]) {{id}}}}',
    '{{nodesEdges(workflows: ["{id}"], ids: ["1/foo"]) {{nodes {{id}}}}}}',
    '{{tasksConnection(workflows: ["{id}"]) {{totalCount}}}}',
    '{{workflows(ids: ["{id}"]) {{name stateTotals}}}}',
    '{{command(id: "{id}") {{id}}}}',
    '{{graph(workflow: "{id}", start: "1") {{start}}}}',
    '{{hubJobs(workflows: ["{name}"]) {{id}}}}',
])
def test_unknown_is_forbidden(desk, text):
    """What may not be seen is as what is not there, for all fields."""
    for name in ('mixed', 'secret'):
        asked = text.format(id=f'~{OWNER}/{name}', name=name)
        other = text.format(id=f'~{OWNER}/nosuch', name='nosuch')
        answers = [
            json.dumps(desk.ask(each, 'bob')) for each in (asked, other)]
        assert answers[0].replace(name, 'nosuch') == answers[1]


def test_answers_are_shared_by_who_sees_the_same(desk):
    run, number = desk.engine.run, [0]

    def counted(*args, **context):
        number[0] += 1
        return run(*args, **context)
    desk.engine.run = counted
    desk.rule("""
    [[rule]]
    users = ["alice", "carol"]
    workflows = ["mixed"]
    may = ["full-read"]
    """)
    desk.until(lambda: desk.names(NAMES, 'carol') == ['mixed'])
    number[0] = 0
    for _ in range(2):
        for name in ('alice', 'carol', OWNER, 'alice'):
            desk.ask(TASKS, name)
    assert number[0] == 2
    # A change makes void what is about this workflow.
    desk.flow('nested').store.version += 1
    for name in ('alice', 'carol', OWNER):
        desk.ask(TASKS, name)
    assert number[0] == 3


def test_one_that_is_made_anew(desk):
    """The version of another store of that name may be the same."""
    text = '{taskProxies(workflows: ["mixed"]) {id}}'
    before = desk.ask(text)['data']['taskProxies']
    version = desk.flow('mixed').store.version
    desk.remove('mixed')
    assert desk.ask(text)['data']['taskProxies'] == []
    store = desk.add('mixed').store
    assert store.version == version
    store.task_proxies = {}
    assert before and desk.ask(text)['data']['taskProxies'] == []


def test_graph_of_one(desk):
    text = '{graph(start: "1") {start}}'
    (error,) = desk.ask(text)['errors']
    assert error['message'] == 'There are several workflows: name one.'
    assert error['extensions']['code'] == 'BAD_USER_INPUT'
    assert desk.ask(text, 'carol') == {'data': {'graph': None}}


def test_schema_for_all(desk):
    text = '{__schema {mutationType {name}}}'
    assert desk.ask(text, 'carol') == {
        'data': {'__schema': {'mutationType': {'name': 'Mutations'}}}}


# Mutations

HOLD = 'mutation ($w: [WorkflowID]!) {hold(workflows: $w, tasks: ["*"])' \
    ' {result}}'


def responses(answer: Any, field: str = 'hold') -> dict[str, Any]:
    return {
        each.get('id', '').rpartition('/')[2]: each['response']
        for each in answer['data'][field]['result']
    }


def test_command_goes_to_the_right_scheduler(desk):
    found = responses(desk.ask(HOLD, w=['mixed', f'~{OWNER}/nested']))
    assert found.keys() == {'mixed', 'nested'}
    for name in STORES:
        given = desk.schedulers[name].given
        assert len(given) == (name != 'accept')
    (command, caller, arguments), = desk.schedulers['mixed'].given
    assert (command, caller) == ('hold', f'{OWNER}@here:test')
    assert arguments == {'tasks': ['*']}
    accepted, id_ = found['mixed']
    assert accepted
    # Of which the outcome can be asked for.
    text = f'{{command(id: "{id_}") {{state user}}}}'
    assert desk.ask(text)['data'] == {
        'command': {'state': 'queued', 'user': f'{OWNER}@here:test'}}
    assert desk.ask(text, 'carol')['data'] == {'command': None}


def test_what_each_may(desk):
    """Where one may not, the others are not concerned."""
    text = 'mutation {stop(workflows: ["*"]) {result}}'
    found = responses(desk.ask(text, 'bob'), 'stop')
    assert found == {
        'mixed': [False, 'You may not stop: stop needs shutdown, you have'
                         ' identity here.'],
        'nested': [False, 'You may not stop: rule 3 forbids stop.'],
    }
    assert not any(each.given for each in desk.schedulers.values())
    found = responses(desk.ask(HOLD, 'bob', w=['*']))
    assert {name: done for name, (done, _) in found.items()} == {
        'mixed': True, 'nested': True}
    assert responses(desk.ask(HOLD, 'alice', w=['mixed']))['mixed'][0] is (
        False)
    noted = [
        (line['user'], line['operation'], line['workflow'], line['outcome'])
        for line in desk.noted()]
    assert sorted(noted) == sorted([
        ('bob', 'stop', 'mixed', 'denied'),
        ('bob', 'stop', 'nested', 'denied'),
        ('bob', 'hold', 'mixed', 'ok'),
        ('bob', 'hold', 'nested', 'ok'),
        ('alice', 'hold', 'mixed', 'denied'),
    ])
    assert {
        line['detail'].partition(' ')[2] for line in desk.noted()
        if line['outcome'] == 'ok'
    } == {"hold(tasks=['*'])"}


def test_who_gives_a_command_learns_its_outcome(desk):
    """Though he may read nothing else there."""
    _, id_ = responses(desk.ask(HOLD, 'bob', w=['mixed']))['mixed']
    desk.schedulers['mixed'].settle(id_, 'held')
    text = f'{{command(id: "{id_}") {{state text}}}}'
    assert desk.ask(text, 'bob')['data']['command'] == {
        'state': 'succeeded', 'text': 'held'}
    member = follow(desk, f'subscription {{command(id: "{id_}") {{state}}}}',
                    'bob')
    assert taken(member) == [{'command': {'state': 'succeeded'}}]
    assert member.ended


@pytest.mark.parametrize('workflows', [['accept'], ['secret'], ['nosuch']])
def test_unseen_is_not_found(desk, workflows):
    assert desk.ask(HOLD, 'bob', w=workflows)['data']['hold'] == {
        'result': [{'response': [False, 'No matching workflow here.']}]}
    assert not desk.noted()


def test_none_is_not_all(desk):
    (result,) = desk.ask(HOLD, w=[])['data']['hold']['result']
    assert result == {
        'response': [False, 'No workflows are named; "*" means all.']}


def test_many_at_once(desk):
    """One that does not answer holds up itself alone."""
    names = [f'many/{number}' for number in range(40)]
    for name in names:
        desk.add(name)
    found = responses(desk.ask(HOLD, w=['many/*']))
    assert found.keys() == {str(number) for number in range(40)}
    assert all(done for done, _ in found.values())


def test_a_fault_is_that_of_one(desk):
    def fail(*_args, **_arguments):
        raise ZeroDivisionError
    desk.schedulers['mixed'].submit = fail
    found = responses(desk.ask(HOLD, w=['*']))
    assert found['mixed'][0] is False
    assert 'fault of its own' in found['mixed'][1]
    assert found['nested'][0] is True


# The life cycle

PLAY = 'mutation ($w: [WorkflowID]!, $wait: Float) {' \
    'play(workflows: $w, pause: true, wait: $wait) {result}}'


def test_play(desk):
    for name in ('mixed', 'nested'):
        desk.define(name)
        desk.go(name)
    done, ids = desk.ask(PLAY, w=['mixed', f'~{OWNER}/nested'])['data'][
        'play']['result']
    assert done
    jobs = [desk.launcher.find(id_) for id_ in ids.split(', ')]
    assert [job.workflow for job in jobs] == ['mixed', 'nested']
    desk.until(lambda: all(job.finished for job in jobs))
    text = (
        f'{{hubJob(id: "{jobs[0].id}") {{'
        'workflow command state code finished user'
        ' output {text next missed}}}'
    )
    said = '$ cylc play --color=never --pause -- mixed\ndid play mixed\n'
    assert desk.ask(text)['data']['hubJob'] == {
        'workflow': 'mixed', 'command': 'play', 'state': 'succeeded',
        'code': 0, 'finished': True, 'user': OWNER,
        'output': {'text': said, 'next': len(said), 'missed': 0},
    }
    assert desk.ask(text, 'carol')['data'] == {'hubJob': None}
    text = '{hubJobs(workflows: ["nested"]) {workflow}}'
    assert desk.ask(text, 'bob')['data']['hubJobs'] == [
        {'workflow': 'nested'}]
    assert desk.ask('{hubJobs {id}}', 'carol')['data']['hubJobs'] == []


def test_output_is_limited(desk, monkeypatch):
    """However often the same is asked for."""
    for name in ('mixed', 'nested'):
        desk.define(name)
    desk.ask(PLAY, w=['mixed', 'nested'])
    written = sum(len(job.output) for job in desk.launcher.jobs())
    for job in desk.launcher.jobs():
        job.write('x' * 1_000)
    monkeypatch.setattr(resolvers, 'MOST_OUTPUT', 4_000 + 2 * written)
    twice = '{hubJobs {a: output {text} b: output {text} state}}'
    for _ in range(2):
        answer = desk.ask(twice)
        assert 'errors' not in answer and len(answer['data']['hubJobs']) == 2
    desk.launcher.jobs()[0].write('y')
    answer = desk.ask(twice)
    assert answer['data'] is None
    (error,) = answer['errors']
    assert 'output of fewer' in error['message']
    assert error['extensions'] == {'code': 'TOO_LARGE'}
    new = '{hubJobs {a: output(since: 900) {text} b: output {text}}}'
    assert 'errors' not in desk.ask(new)


@pytest.mark.parametrize(('mutation', 'error'), [
    ('play(workflows: ["accept"])', 'There is no workflow "accept".'),
    ('play(workflows: ["mixed"], host: "x")', 'the site chooses the host'),
    ('play(workflows: ["mixed"], cylcVersion: "8")', 'has no option'),
    ('play(workflows: [])', 'An order is for 1 to'),
    ('play(workflows: ["mixed"], wait: 1e9)', 'wait must be from 0'),
    ('play(workflows: ["~other/mixed"])', 'There is no workflow'),
    ('play(workflows: ["mixed//1/foo"])', 'There is no workflow'),
    ('play(workflows: ["mixed:running"])', 'There is no workflow'),
    ('play(workflows: ["*"])', 'is not the name of a workflow'),
    ('clean(workflows: ["nested"])', 'confirm it by the names'),
    ('install(workflows: ["mine"], source: "accept")', 'no workflow'),
])
def test_refused(desk, mutation, error):
    field = mutation.partition('(')[0]
    answer = desk.ask(f'mutation {{{mutation} {{result}}}}', 'bob')
    done, text = answer['data'][field]['result']
    assert not done and error in text
    assert desk.launcher.jobs() == []


def test_what_is_not_set_is_left_out(desk):
    """The official GUI sends all arguments there are."""
    desk.define('mixed')
    text = """mutation {play(workflows: ["mixed"], mode: Simulation,
        upgrade: false, initialCyclePoint: null, set: ["A=1", "B='x y'"],
        host: null, noTimestamp: false, stopCyclePoint: "3", debug: true)
        {result}}"""
    assert desk.ask(text)['data']['play']['result'][0]
    (job,) = desk.launcher.jobs()
    assert sorted(job.steps[0].options) == sorted([
        '--mode=simulation', '--set=A=1', "--set=B='x y'",
        '--stop-cycle-point=3', '--debug',
    ])


def test_orders_of_several_steps(desk):
    for name, command in (
        ('reinstallReload', 'reinstall+reload'),
        ('reinstallRestart', 'reinstall+play'),
    ):
        text = f'mutation {{{name}(workflows: ["mixed"]) {{result}}}}'
        done, id_ = desk.ask(text)['data'][name]['result']
        assert done
        assert desk.launcher.find(id_).command == command


def test_clean(desk):
    text = (
        'mutation {clean(workflows: ["mixed"],'
        f' confirm: ["~{OWNER}/mixed"], rm: "") {{result}}}}'
    )
    done, id_ = desk.ask(text)['data']['clean']['result']
    assert done and desk.launcher.find(id_).steps[0].options == ()


def test_scan(desk):
    text = 'mutation {scan {result}}'
    assert desk.ask(text, 'carol')['data']['scan'] == {
        'result': [True, 'Scan requested']}
    assert desk.scans == 1
    (line,) = desk.noted()
    assert (line['user'], line['operation']) == ('carol', 'scan')


# Subscriptions

def follow(desk: Desk, text: str, name: str = OWNER, **more: Any) -> Any:
    user = desk.user(name)
    operation = desk.engine.prepare(Request(text, **more), user)
    return desk.engine.subscribe(operation, user)


def taken(member: Any) -> list[Any]:
    """Return the data of all results that wait."""
    results = []
    while member.pending:
        payload = member.take_now()
        if payload is not None:
            results.append(json.loads(payload)['data'])
    return results


def ids(results: list[Any]) -> list[str]:
    return sorted(
        result['deltas']['id'].rpartition('/')[2] for result in results)


def mark(desk: Desk, name: str, text: str = 'x') -> None:
    """Have something change in a workflow."""
    entry = desk.flows.find(name)
    assert entry is not None
    entry.mark('running', text)
    entry.mark('paused', text)


def test_bursts_of_all(desk):
    member = follow(desk, DELTAS)
    results = taken(member)
    assert ids(results) == [*STORES, 'secret']
    for result in results:
        added = result['deltas']['added']
        assert added['workflow']['reloaded']
        name = added['workflow']['name']
        assert len(added['taskProxies']) == len(
            desk.flow(name).store.task_proxies)
    assert ids(taken(follow(desk, DELTAS, 'alice'))) == [*STORES]
    assert ids(taken(follow(desk, DELTAS, 'bob'))) == ['nested']
    assert taken(follow(desk, DELTAS, 'carol')) == []


@pytest.mark.parametrize(('wanted', 'names'), [
    ('["~root/mixed"]', ['mixed']),
    ('["m*", "nested"]', ['mixed', 'nested']),
    ('["nosuch"]', []),
    ('["secret"]', []),
    ('["*"]', [*STORES]),
    ('[null]', [*STORES]),
])
def test_some(desk, wanted, names):
    text = DELTAS.replace('deltas', f'deltas(workflows: {wanted})', 1)
    member = follow(desk, text, 'alice')
    assert ids(taken(member)) == names
    assert member.ended is None


def test_changes_and_groups(desk):
    """Each group is shared by all who follow the same there."""
    members = [follow(desk, DELTAS, name) for name in (
        OWNER, OWNER, 'alice', 'bob')]
    for member in members:
        taken(member)
    assert desk.flow('nested').feed.groups == 1
    assert desk.flow('nested').feed.members == 4
    mark(desk, 'nested')
    mark(desk, 'secret')
    told = [ids(taken(member)) for member in members]
    assert [set(each) for each in told] == [
        {'nested', 'secret'}, {'nested', 'secret'}, {'nested'}, {'nested'}]
    for member in members:
        member.close()
        assert not member.pending and member.ended
    assert not any(
        entry.workflow.feed.groups for entry in desk.flows.entries())
    assert not [
        each for each in desk.flows._listeners.values()
        if 'subscribe' in getattr(each, '__qualname__', '')]


def test_those_that_come_and_go(desk):
    woken = []
    user = desk.user('alice')
    operation = desk.engine.prepare(Request(DELTAS), user)
    member = desk.engine.subscribe(operation, user, lambda: woken.append(1))
    taken(member)
    woken.clear()
    desk.add('new')
    assert woken
    assert ids(taken(member)) == ['new']
    desk.remove('mixed')
    (result,) = [
        each for each in taken(member) if each['deltas']['pruned']['workflow']]
    assert result['deltas']['id'] == f'~{OWNER}/mixed'
    assert result['deltas']['pruned'] == {'workflow': f'~{OWNER}/mixed'}
    assert result['deltas']['added']['taskProxies'] == []
    woken.clear()
    desk.add('secret2')
    desk.remove('secret2')
    taken(member)


def test_one_made_anew(desk):
    """It begins with a burst, and is not said to be gone."""
    member = follow(desk, DELTAS, 'alice')
    taken(member)
    desk.remove('mixed')
    desk.add('mixed')
    results = taken(member)
    assert ids(results) == ['mixed']
    assert results[0]['deltas']['added']['workflow']['reloaded']
    assert results[0]['deltas']['pruned']['workflow'] is None


def test_what_is_forbidden_from_now_on(desk):
    member = follow(desk, DELTAS, 'alice')
    taken(member)
    desk.rule("""
    [[rule]]
    users = ["alice"]
    workflows = ["accept"]
    may = ["full-read"]
    """)
    desk.until(lambda: desk.names(NAMES, 'alice') == ['accept'])
    for name in STORES:
        mark(desk, name)
    results = taken(member)
    gone = {
        each['deltas']['pruned']['workflow'] for each in results
        if each['deltas']['pruned']['workflow']}
    assert gone == {f'~{OWNER}/mixed', f'~{OWNER}/nested'}
    assert {
        each['deltas']['id'] for each in results
        if not each['deltas']['pruned']['workflow']
    } == {f'~{OWNER}/accept'}


def test_lookout(desk):
    """It has to be looked for rules that have changed."""
    looks, naps, spawned = [], [], []
    user = desk.user('alice')
    operation = desk.engine.prepare(Request(DELTAS), user)
    fan = desk.engine.subscribe(operation, user, lambda: looks.append(1))
    taken(fan)

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2:
            desk.rule('')
            desk.until(lambda: desk.names(NAMES, 'alice') == [])
        if len(naps) == 4:
            stop()
    lookout = Lookout(spawned.append, sleep)
    stop = lookout.add(fan)
    looks.clear()
    (look,) = spawned
    look()
    assert naps == [1.0] * 4 and looks
    assert len(taken(fan)) == len(STORES)
    lookout.add(fan)
    assert len(spawned) == 2


def test_unseen_says_nothing(desk):
    """Nobody is woken for what he must not know of."""
    woken = []
    user = desk.user('bob')
    operation = desk.engine.prepare(Request(DELTAS), user)
    member = desk.engine.subscribe(operation, user, lambda: woken.append(1))
    taken(member)
    woken.clear()
    mark(desk, 'mixed')
    mark(desk, 'secret')
    desk.remove('secret')
    desk.add('secret')
    desk.remove('accept')
    assert not woken and taken(member) == []


class Copies:
    """What a client knows of each workflow that it is told of."""

    def __init__(self, member: Any) -> None:
        self._member = member
        self._copies: dict[str, Copy] = {}

    def follow(self) -> None:
        for result in taken(self._member):
            deltas = result['deltas']
            if deltas.get('pruned', {}).get('workflow'):
                del self._copies[deltas['id']]
            else:
                self._copies.setdefault(deltas['id'], Copy()).take(deltas)

    def settled(self) -> dict[str, Any]:
        return {id_: settled(copy) for id_, copy in self._copies.items()}


TREE = available(SUBSCRIPTIONS['tree'], __version__).replace(
    '($workflowID: ID)', '').replace('(workflows: [$workflowID])', '').replace(
    'pruned {', 'pruned { workflow')


@pytest.mark.parametrize('name', [OWNER, 'alice'])
def test_copies_are_as_what_is_there(desk, name):
    """A real run, with others beside it that come and go."""
    assert 'workflowID' not in TREE
    desk.add('steps')
    flow = desk.flow('steps')
    copies = Copies(follow(desk, TREE, name))
    for number, change in enumerate(recorded_steps('8.5', flow.store)):
        flow.feed.publish(change)
        if number % 9 == 1:
            desk.remove('mixed')
        if number % 9 == 4:
            desk.add('mixed')
        if number % 5:
            mark(desk, 'nested', f'{number}')
        if number % 3:
            copies.follow()
        if number % 7 == 0:
            copies.follow()
            fresh = Copies(follow(desk, TREE, name))
            fresh.follow()
            assert copies.settled() == fresh.settled()
    copies.follow()
    assert copies.settled().keys() >= {f'~{OWNER}/steps', f'~{OWNER}/nested'}


def test_steps_at_once(desk):
    member = follow(desk, DELTAS, 'alice')
    assert member.take_step(10**6) is None, 'bursts are due'
    taken(member)
    mark(desk, 'mixed')
    assert member.take_step(5) is None, 'it is larger'
    assert member.take_step(10**6)
    desk.add('new')
    assert member.take_step(10**6) is None, 'there are others by now'
    assert member.pending


def test_slow_client(desk, monkeypatch):
    """What waits has a bound, by way of fresh bursts."""
    monkeypatch.setattr('cylc_flask.hub.query.fan.SIZE', 1_000)
    monkeypatch.setattr('cylc_flask.hub.query.fan.LEAST', 500)
    member = follow(desk, DELTAS, 'alice')
    taken(member)
    for number in range(20):
        mark(desk, 'mixed', f'{number}')
    mark(desk, 'nested')
    results = taken(member)
    first = next(
        each for each in results if each['deltas']['id'].endswith('mixed'))
    assert first['deltas']['added']['workflow']['reloaded']
    assert len(results) < 10


def test_a_group_that_fails(desk):
    """Its client is told, so that it begins anew."""
    member = follow(desk, DELTAS, 'alice')
    taken(member)
    run = desk.engine.run

    def fail(*_args, **_context):
        raise ZeroDivisionError
    desk.engine.run = fail
    mark(desk, 'mixed')
    desk.engine.run = run
    taken(member)
    assert member.ended == FAULT
    assert not any(
        entry.workflow.feed.members for entry in desk.flows.entries())


def test_other_fields(desk):
    member = follow(
        desk, 'subscription {taskProxies(workflows: ["m*"]) {id}}', 'alice')
    (result,) = taken(member)
    assert flows_of({'data': result}) == {f'~{OWNER}/mixed'}
    desk.remove('mixed')
    assert taken(member) == []
    member = follow(desk, 'subscription {workflows {name}}', 'bob')
    assert taken(member) == [{'workflows': [{'name': 'nested'}]}]


def test_command(desk):
    _, id_ = responses(desk.ask(HOLD, w=['mixed']))['mixed']
    text = f'subscription {{command(id: "{id_}") {{state}}}}'
    member = follow(desk, text)
    assert taken(member) == [{'command': {'state': 'queued'}}]
    assert member.ended is None
    desk.schedulers['mixed'].settle(id_)
    store = desk.flow('mixed').store
    desk.flow('mixed').feed.stir(store.version, store.side)
    assert taken(member) == [{'command': {'state': 'succeeded'}}]
    assert member.ended
    for name, asked in (('carol', text), (OWNER, text.replace(id_, 'x'))):
        nothing = follow(desk, asked, name)
        assert taken(nothing) == [{'command': None}]
        assert nothing.ended


def test_go_on(desk):
    """A mark is that of one feed; of the others comes the whole."""
    mark(desk, 'mixed')
    flow = desk.flow('mixed')
    member = follow(
        desk, DELTAS, 'alice', extensions={'resume': {
            'feed': flow.feed.id, 'version': flow.store.version}})
    assert ids(taken(member)) == ['accept', 'nested']


def test_too_many_groups(desk):
    desk.flow('nested').feed._limit = 0
    with pytest.raises(Rejected, match='different subscriptions'):
        follow(desk, DELTAS, 'alice')
    assert not any(
        entry.workflow.feed.members for entry in desk.flows.entries())


def test_limits_hold_for_all_together(desk):
    desk.engine = desk.make_engine(Config(limits=Limits(query_values=50)))
    assert 'TOO_MANY_VALUES' in str(desk.ask(TASKS))
