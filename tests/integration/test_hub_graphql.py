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
"""GraphQL over real schedulers, one with our plugin and one without."""

from __future__ import annotations

from collections.abc import Iterator
import json
from typing import Any

import pytest

from tests.harness import GLOBAL_CYLC, wait_for
from tests.hub_client import PASSWORD, PATIENCE, Client
from tests.hub_run import HubRun

FLOW = """
    [meta]
        title = For the hub
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        final cycle point = 3
        [[graph]]
            P1 = a[-P1] => a => b & c
    [runtime]
        [[root]]
            [[[simulation]]]
                default run length = PT1S
        [[a, FAM]]
        [[b, c]]
            inherit = FAM
"""

#: By name, whether it has our plugin.
RUNNING = {'served/run1': True, 'bare': False}

IDLE = 'idle'

#: Alice may pause and see all of one of them, Carol nothing.
RULES = """
[[rule]]
users = ["alice"]
workflows = ["bare", "fleeting"]
may = ["full-read", "pause", "resume"]
"""

ALL = """
query ($ids: [ID]) {
    workflows(ids: $ids) {id name owner status stateTotals meta {title}}
    tasks(workflows: $ids, sort: {keys: ["name"]}) {id name}
    families(workflows: $ids, sort: {keys: ["name"]}) {id name}
    taskProxies(workflows: $ids, sort: {keys: ["id"]}) {
        id name cyclePoint state isHeld isQueued isRunahead depth graphDepth
        firstParent {id} prerequisites {satisfied expression}
    }
    familyProxies(workflows: $ids, sort: {keys: ["id"]}) {
        id name state cyclePoint
    }
    edges(workflows: $ids, sort: {keys: ["id"]}) {id source target}
}
"""

DELTAS = """
subscription ($workflows: [ID]) {
    deltas(workflows: $workflows) {
        id
        added {workflow {id name status}}
        updated {workflow {id status}}
        pruned {workflow}
    }
}
"""


@pytest.fixture(scope='module')
def hub() -> Iterator[HubRun]:
    made = HubRun(FLOW, IDLE)
    try:
        made.user('alice', 'none', PASSWORD)
        made.user('carol', 'none', PASSWORD)
        rules = made.run.home / '.cylc/flask/hub/rules.toml'
        rules.write_text(RULES)
        rules.chmod(0o600)
        for name, plugin in RUNNING.items():
            play(made, name, plugin)
        yield made.start()
    finally:
        made.close()


def play(hub: HubRun, name: str, plugin: bool = True) -> None:
    """Start a workflow, with our plugin or without."""
    hub.flow(name, FLOW)
    path = hub.run.home / 'conf' / 'global.cylc'
    path.write_text(
        GLOBAL_CYLC if plugin else GLOBAL_CYLC.replace(', flask', ''))
    hub.run.cylc('play', '--pause', '--mode=simulation', name)
    path.write_text(GLOBAL_CYLC)


@pytest.fixture(scope='module')
def owner(hub: HubRun) -> Iterator[Client]:
    with Client(hub) as client:
        for name in RUNNING:
            wait_for(
                lambda name=name: connected(client, name), PATIENCE,
                f'a connection to {name}')
        yield client


def connected(client: Client, name: str) -> bool:
    """Tell whether the replica of a workflow has its tasks."""
    return bool(client.ask(
        'query ($ids: [ID]) {taskProxies(workflows: $ids) {id}}', ids=[name]
    )['taskProxies'])


def of_scheduler(hub: HubRun, name: str, text: str) -> Any:
    """Ask a scheduler itself, by Cylc's own client."""
    told = hub.run.cylc('client', name, 'graphql', input=json.dumps({
        'request_string': text, 'variables': {'ids': [name]},
    })).stdout
    return json.loads(told)


@pytest.mark.parametrize('name', RUNNING)
def test_equal(hub: HubRun, owner: Client, name: str) -> None:
    """The answers are each scheduler's own, element by element."""
    def equal() -> bool:
        return bool(
            owner.ask(ALL, ids=[name]) == of_scheduler(hub, name, ALL))
    wait_for(equal, PATIENCE, f'the same answers for {name}', 0.5)
    ours = owner.ask(ALL, ids=[name])
    assert len(ours['taskProxies']) > 2 and len(ours['edges']) > 2
    # Below its own URL they are the same.
    assert owner.ask(ALL, f'workflows/{name}/', ids=[name]) == ours


def test_all_at_once(owner: Client) -> None:
    both = owner.ask('{workflows {name status} taskProxies {id}}')
    assert {flow['name'] for flow in both['workflows']} == {*RUNNING, IDLE}
    assert {
        node['id'].partition('//')[0].partition('/')[2]
        for node in both['taskProxies']
    } == {*RUNNING}
    assert owner.status(IDLE) == 'stopped'


def outcome(client: Client, response: list[Any]) -> str:
    """Return what became of a command."""
    accepted, id_ = response
    assert accepted, id_
    text = 'query ($id: ID!) {command(id: $id) {state finished}}'

    def state() -> str:
        command = client.ask(text, id=id_)['command']
        return command['state'] if command['finished'] else ''
    return wait_for(state, PATIENCE, f'the outcome of {id_}')


def results(answer: Any, field: str) -> dict[str, Any]:
    return {
        each['id'].partition('/')[2]: each['response']
        for each in answer[field]['result']
    }


def test_commands(hub: HubRun, owner: Client) -> None:
    """Each goes to its scheduler, under the name of who gives it."""
    text = (
        'mutation {hold(workflows: ["*"], tasks: ["1/b"]) {result}}')
    found = results(owner.ask(text), 'hold')
    assert found.keys() == {*RUNNING, IDLE}
    assert found[IDLE][0] is False and 'not' in found[IDLE][1]
    for name in RUNNING:
        assert outcome(owner, found[name]) in ('succeeded', 'warnings')
        log = ''.join(
            path.read_text() for path in
            hub.folder(name).glob('log/scheduler/*.log'))
        assert f'ID={found[name][1]}' in log
        assert f'"hold" received from {hub.owner}@' in log


def test_commands_of_others(hub: HubRun, owner: Client) -> None:
    with Client(hub, 'alice') as alice, Client(hub, 'carol') as carol:
        text = 'mutation {%s(workflows: ["*"]) {result}}'
        found = results(alice.ask(text % 'resume'), 'resume')
        assert found.keys() == {'bare'}
        assert outcome(alice, found['bare']) == 'succeeded'
        owner.until('bare', 'running')
        found = results(alice.ask(text % 'pause'), 'pause')
        assert outcome(alice, found['bare']) == 'succeeded'
        owner.until('bare', 'paused')
        done, why = results(alice.ask(text % 'stop'), 'stop')['bare']
        assert not done and 'stop needs shutdown' in why
        (nothing,) = carol.ask(text % 'pause')['pause']['result']
        assert nothing == {'response': [False, 'No matching workflow here.']}
        log = ''.join(
            path.read_text() for path in
            hub.folder('bare').glob('log/scheduler/*.log'))
        assert '"resume" received from alice@' in log
        # As over REST and GraphQL below its own URL.
        assert alice.answer(text % 'stop', 'workflows/bare/')['errors']
        assert carol.post(
            'workflows/bare/graphql', {'query': '{workflows {id}}'}
        ).status_code == 404
    assert owner.status('bare') == 'paused'


def test_follow(hub: HubRun, owner: Client) -> None:
    """Workflows come, change and go while somebody looks on."""
    with owner.socket() as socket, Client(hub, 'alice') as alice, \
            alice.socket() as hers:
        for each in (socket, hers):
            each.follow(DELTAS)
        begun = {
            socket.next()['deltas']['added']['workflow']['name']
            for _ in range(len(RUNNING) + 1)}
        assert begun == {*RUNNING, IDLE}
        assert hers.next()['deltas']['added']['workflow']['name'] == 'bare'

        hub.flow('fleeting', FLOW)
        for each in (socket, hers):
            told = each.next()['deltas']
            assert told['added']['workflow']['name'] == 'fleeting'
            assert told['added']['workflow']['status'] == 'stopped'

        found = results(owner.ask(
            'mutation {resume(workflows: ["served/run1", "bare"]) {result}}'
        ), 'resume')
        for name in RUNNING:
            outcome(owner, found[name])
        changed: set[str] = set()
        while changed != {*RUNNING}:
            told = socket.next()['deltas']
            if told['updated']['workflow']['status'] == 'running':
                changed.add(told['id'].partition('/')[2])
        told = hers.next()['deltas']
        while told['updated']['workflow']['status'] != 'running':
            told = hers.next()['deltas']
        assert told['id'].endswith('/bare')

        hub.remove('fleeting')
        for each in (socket, hers):
            told = each.next()['deltas']
            while not told['pruned']['workflow']:
                told = each.next()['deltas']
            assert told['pruned']['workflow'].endswith('/fleeting')


@pytest.mark.parametrize('path', ['', 'workflows/bare/'])
def test_commands_by_socket(hub: HubRun, owner: Client, path: str) -> None:
    """They are given, and written down, as those by HTTP are."""
    text = (
        'mutation ($w: [WorkflowID]!) {release(workflows: $w,'
        ' tasks: ["1/c"]) {result}}')
    with Client(hub, 'alice') as alice, alice.socket(path) as hers:
        hers.follow(text, w=['bare'])
        if path:
            assert hers.hear()['type'] == 'error'
        else:
            done, why = results(hers.next(), 'release')['bare']
            assert not done and 'release needs full-control' in why
    with owner.socket(path) as socket:
        socket.follow(text, w=['bare'])
        found = results(socket.next(), 'release')['bare']
        assert outcome(owner, found) in ('succeeded', 'warnings')
    lines = [
        (line['user'], line['workflow'], line['outcome'])
        for line in owner.get('audit?operation=release').json()]
    assert lines[-2:] == [
        ('alice', 'bare', 'denied'), (hub.owner, 'bare', 'ok')]


def test_follow_no_more(hub: HubRun, owner: Client) -> None:
    """What is forbidden from now on is said to be gone, without a change."""
    rules = hub.run.home / '.cylc/flask/hub/rules.toml'
    with Client(hub, 'alice') as alice, alice.socket() as hers:
        hers.follow(DELTAS)
        assert hers.next()['deltas']['added']['workflow']['name'] == 'bare'
        try:
            rules.write_text('')
            told = hers.next()['deltas']
            while not told['pruned']['workflow']:
                told = hers.next()['deltas']
            assert told['pruned']['workflow'].endswith('/bare')
            assert alice.ask('{workflows {name}}') == {'workflows': []}
            rules.write_text(RULES)
            while not told['added']['workflow']:
                told = hers.next()['deltas']
            assert told['added']['workflow']['name'] == 'bare'
        finally:
            rules.write_text(RULES)


def test_stream(owner: Client) -> None:
    """The same as a stream of events."""
    answer = owner.session.post(
        f'{owner.hub.url}/graphql', stream=True, timeout=PATIENCE,
        json={'query': DELTAS, 'variables': {'workflows': ['*/run1', IDLE]}},
        headers={'Accept': 'text/event-stream'})
    names = set()
    for line in answer.iter_lines(decode_unicode=True):
        if line.startswith('data: '):
            told = json.loads(line.removeprefix('data: '))
            names.add(told['data']['deltas']['added']['workflow']['name'])
        if len(names) == 2:
            break
    answer.close()
    assert names == {'served/run1', IDLE}


def test_life_cycle(hub: HubRun, owner: Client) -> None:
    """Played by one mutation and stopped by another, with what they say."""
    hub.flow('cycle', FLOW)
    owner.until('cycle', 'stopped')
    play = (
        'mutation ($w: [WorkflowID]!, $point: CyclePoint) {play('
        'workflows: $w, mode: Simulation, pause: true,'
        ' initialCyclePoint: $point, wait: 60) {result}}')
    done, told = owner.ask(play, w=['cycle'], point='x')['play']['result']
    assert not done and 'x' in told
    done, id_ = owner.ask(play, w=['cycle'], point='2')['play']['result']
    assert done, id_
    owner.until('cycle', 'paused')
    job = owner.ask(
        'query ($id: ID!) {hubJob(id: $id)'
        ' {state command workflow output {text}}}', id=id_)['hubJob']
    assert (job['state'], job['command'], job['workflow']) == (
        'succeeded', 'play', 'cycle')
    assert '--initial-cycle-point=2' in job['output']['text']
    wait_for(lambda: connected(owner, 'cycle'), PATIENCE)
    found = results(owner.ask(
        'mutation {stop(workflows: ["cycle"], mode: Now) {result}}'), 'stop')
    assert outcome(owner, found['cycle']) in ('succeeded', 'dropped')
    owner.until('cycle', 'stopped')
    clean = (
        'mutation ($w: [WorkflowID]!) {clean(workflows: $w, confirm: $w,'
        ' wait: 60) {result}}')

    def cleaned() -> bool:
        return bool(owner.ask(clean, w=['cycle'])['clean']['result'][0])
    wait_for(cleaned, PATIENCE, 'it is clean')
    owner.until('cycle', '')
