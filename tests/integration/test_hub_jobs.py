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
"""The life cycle of workflows through a real hub, by the real commands."""

from __future__ import annotations

from collections.abc import Iterator
import json

import pytest

from tests.harness import wait_for
from tests.hub_client import PASSWORD, PATIENCE, Client
from tests.hub_run import HubRun

FLOW = """
[scheduling]
    [[graph]]
        R1 = one
[runtime]
    [[one]]
        script = sleep 1000
        [[[simulation]]]
            default run length = PT1H
"""

BROKEN = """
[scheduling]
    [[graph]]
        R1 = one => => two
"""

RULES = """
[[rule]]
users = ["alice"]
workflows = ["nwp"]
may = ["install", "play"]
"""

SIMULATE = {'mode': 'simulation', 'pause': True}


@pytest.fixture(scope='module')
def hub() -> Iterator[HubRun]:
    """Have a hub, with sources and two users, one of whom may a little."""
    made = HubRun(FLOW, 'one', hub={'at_once': 1})
    try:
        for name in ('nwp', 'other'):
            made.source(name, FLOW)
        made.source('broken', BROKEN)
        made.user('alice', 'none', PASSWORD)
        made.user('carol', 'none', PASSWORD)
        rules = made.run.home / '.cylc/flask/hub/rules.toml'
        rules.write_text(RULES)
        rules.chmod(0o600)
        yield made.start()
    finally:
        made.close()


@pytest.fixture(scope='module')
def owner(hub: HubRun) -> Iterator[Client]:
    with Client(hub) as client:
        yield client


def test_life(hub: HubRun, owner: Client) -> None:
    """From a source to a run, and back to nothing."""
    job = owner.do('life', source='other', steps=[
        {'command': 'validate', 'options': {}},
        {'command': 'install', 'options': {}},
        {'command': 'play', 'options': SIMULATE},
    ])
    assert job['state'] == 'succeeded', owner.output(job)
    assert job['command'] == 'validate+install+play'
    assert job['installed'] == 'life/run1' and job['code'] == 0
    output = owner.output(job)
    for said in ('$ cylc validate', 'Valid for', 'INSTALLED life/run1',
                 '$ cylc play', 'life/run1'):
        assert said in output
    owner.until('life/run1', 'paused')

    job = owner.do('life/run1', command='reinstall')
    assert job['state'] == 'succeeded', owner.output(job)
    refused = owner.post('jobs', {
        'command': 'clean', 'workflows': ['life/run1']})
    assert refused.status_code == 400
    runs = owner.do(
        'life/run1', command='clean', confirm=['life/run1'])
    assert runs['state'] == 'failed'
    assert 'running' in runs['text'] or 'contact' in runs['text'].lower()

    job = owner.do('life/run1', command='stop', options={'now': 2})
    assert job['state'] == 'succeeded', owner.output(job)
    owner.until('life/run1', 'stopped')

    def clean() -> bool:
        # Its process may take a moment to be gone.
        return bool(owner.do(
            'life/run1', command='clean', confirm=['life/run1']
        )['state'] == 'succeeded')
    wait_for(clean, PATIENCE, 'it is clean')
    owner.until('life/run1', '')
    assert not hub.folder('life/run1').exists()


def test_failure(owner: Client) -> None:
    """It is told in the command's own words, and what follows is not done."""
    job = owner.do('broken', steps=[
        {'command': 'validate', 'options': {}},
        {'command': 'install', 'options': {}},
    ])
    assert job['state'] == 'failed' and job['code']
    assert '=> =>' in job['text'] or 'GraphParseError' in job['text']
    assert 'cylc install' not in owner.output(job)
    job = owner.do('nosuch/at/all', command='play')
    assert job['state'] == 'failed'
    assert job['text'] == 'There is no workflow "nosuch/at/all".'


def test_somebody_who_may_a_little(hub: HubRun, owner: Client) -> None:
    with Client(hub, 'alice') as alice, Client(hub, 'carol') as carol:
        assert alice.get('sources').json() == {'sources': ['nwp']}
        assert carol.get('sources').json() == {'sources': []}
        assert owner.get('sources').json() == {
            'sources': ['broken', 'nwp', 'other']}
        job = alice.do('nwp', steps=[
            {'command': 'install', 'options': {'run-name': 'hers'}},
            {'command': 'play', 'options': SIMULATE},
        ])
        assert job['state'] == 'succeeded', alice.output(job)
        owner.until('nwp/hers', 'paused')
        assert [
            flow['name'] for flow in alice.ask('{workflows {name}}')[
                'workflows']] == ['nwp/hers']
        assert carol.ask('{workflows {name}}') == {'workflows': []}
        for other, order in (
            (alice, {'command': 'stop', 'workflows': ['nwp/hers']}),
            (alice, {'command': 'play', 'workflows': ['one']}),
            (carol, {'command': 'play', 'workflows': ['nwp/hers']}),
        ):
            assert other.post('jobs', order).status_code in (403, 404)
        assert job['id'] in owner.get('jobs').text
        assert job['id'] not in carol.get('jobs').text
        assert carol.get(f'jobs/{job["id"]}').status_code == 404
    assert owner.do('nwp/hers', command='stop', options={'now': 2})[
        'state'] == 'succeeded'
    audit = [
        line for line in owner.get('audit?user=alice').json()
        if line['operation'] != 'login']
    assert {
        (line['operation'], line['workflow'], line['outcome'])
        for line in audit
    } >= {
        ('install+play', 'nwp', 'ok'),
        ('install+play', 'nwp/hers', 'ok'),
        ('stop', 'nwp/hers', 'denied'),
        ('play', 'one', 'denied'),
    }


def test_queue_cancel_and_stream(hub: HubRun, owner: Client) -> None:
    """One runs at a time here; what waits can be taken back."""
    hub.flow('slow/a', FLOW)
    hub.flow('slow/b', FLOW)
    first, second = owner.order(
        'slow/a', 'slow/b', command='validate', options={'verbose': 2})
    events = owner.get(
        f'jobs/{first["id"]}/output', stream=True,
        headers={'Accept': 'text/event-stream'})
    # As it always is, so that the header does not say it.
    events.encoding = 'utf-8'
    assert second['state'] == 'queued'
    cancelled = owner.post(f'jobs/{second["id"]}/cancel')
    assert cancelled.json()['state'] == 'cancelled'
    heard, text, name = [], '', ''
    for line in events.iter_lines(decode_unicode=True):
        if line.startswith('event: '):
            name = line.removeprefix('event: ')
            heard.append(name)
        elif line.startswith('data: ') and name == 'output':
            text += json.loads(line.removeprefix('data: '))['text']
    events.close()
    assert heard[-1] == 'end' and heard.count('end') == 1
    assert 'output' in heard
    assert text == owner.output(first)
    assert owner.done(first)['state'] == 'succeeded'
    again = owner.post(f'jobs/{second["id"]}/cancel')
    assert again.status_code == 409


def test_a_command_that_is_cancelled(hub: HubRun, owner: Client) -> None:
    hub.flow('halted', FLOW)
    (job,) = owner.order('halted', command='validate')
    wait_for(
        lambda: owner.get(f'jobs/{job["id"]}').json()['state'] == 'running',
        PATIENCE)
    owner.post(f'jobs/{job["id"]}/cancel')
    ended = owner.done(job)
    assert ended['state'] in ('cancelled', 'succeeded')
    if ended['state'] == 'cancelled':
        assert ended['text'] == f'Cancelled by {hub.owner}.'


def test_scan(hub: HubRun, owner: Client) -> None:
    hub.flow('scanned', FLOW)
    assert owner.post('scan').json() == {'done': True}
    assert owner.status('scanned') == 'stopped'
    hub.remove('scanned')
    assert owner.post('scan').json() == {'done': True}
    owner.until('scanned', '')
