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
"""Log in to the hub, in all ways, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import re
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from cylc_flask.errors import Unavailable
from cylc_flask.hub.auth.once import Once
from cylc_flask.hub.users import passwords
from cylc_flask.privilege import Privilege
from tests.hubs import (
    BROWSER,
    OWN_PAGE,
    OWNER,
    PASSPHRASE,
    PASSWORD,
    QUICK,
    FakeHub,
    basic,
    bearer,
    fake_hub,
)

AWAY = '192.0.2.1'

RULES = """
[[rule]]
users = ["bob"]
workflows = ["nwp/*"]
may = ["full-read", "hold"]

[[rule]]
users = ["carol"]
workflows = ["nwp/*"]
may = ["full-control", "!stop", "audit"]
"""


@contextmanager
def made(directory: Path, **settings: Any) -> Iterator[FakeHub]:
    """Have a hub which alice reads, bob partly, and carol all but stops."""
    path = directory / 'rules.toml'
    path.write_text(RULES)
    path.chmod(0o600)
    with fake_hub(directory, 'nwp/run1', 'demo', **settings) as hub:
        add = hub.people.accounts.add
        add('alice', PASSWORD, Privilege.FULL_READ)
        add('bob', PASSWORD)
        add('carol', PASSWORD)
        yield hub


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, 'METHOD', QUICK)
    monkeypatch.setattr(
        passwords, 'NOBODY', passwords.make_hash('nobody knows'))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeHub]:
    with made(tmp_path) as hub:
        yield hub


def who(hub: FakeHub, client: Client) -> str:
    """Return whose session a client has."""
    answer = hub.call('/whoami', client=client)
    return answer.json['user'] if answer.status_code == 200 else ''


def log_in(
    hub: FakeHub, client: Client, name: str, password: str = PASSWORD,
    query: str = '', headers: dict[str, str] = OWN_PAGE,
) -> TestResponse:
    """Fill the form in."""
    form = hub.call('/login', BROWSER, client=client)
    proof = re.search(r'name="form" value="(\w+)"', form.text)
    assert form.status_code == 200 and proof
    return hub.call(f'/login{query}', headers, 'POST', client=client, data={
        'form': proof[1], 'user': name, 'password': password,
    })


# By the address for one time

def test_once(hub: FakeHub) -> None:
    url = f'/login/once?token={Once(hub.directory).make()}'
    client = hub.client()
    answer = hub.call(url, BROWSER, client=client)
    assert (answer.status_code, answer.location) == (303, '/')
    assert who(hub, client) == OWNER
    again = hub.call(url, BROWSER)
    assert again.status_code == 403 and 'Set-Cookie' not in again.headers
    outcomes = [
        (record['user'], record['outcome']) for record in hub.records()
        if record['operation'] == 'login'
    ]
    assert outcomes == [
        (OWNER, 'ok'), ('the one-time address', 'failed')]


def test_once_is_not_used_up_by_a_look(hub: FakeHub) -> None:
    """Nor by whoever sends it in the clear."""
    url = f'/login/once?token={Once(hub.directory).make()}'
    assert hub.call(url, BROWSER, 'HEAD').status_code == 405
    assert hub.call(url, BROWSER, address=AWAY).status_code == 403
    assert hub.call(url, BROWSER).status_code == 303


# By the form

def test_form(hub: FakeHub) -> None:
    client = hub.client()
    answer = log_in(hub, client, 'alice')
    assert (answer.status_code, answer.location) == (303, './')
    assert who(hub, client) == 'alice'
    cookies = answer.headers.getlist('Set-Cookie')
    assert all('SameSite=Strict' in each for each in cookies)
    out = hub.call('/login', BROWSER, client=client)
    csrf = re.search(r'name="csrf" value="(\w+)"', out.text)
    assert csrf
    hub.call('/logout', OWN_PAGE, 'POST', client=client, data={
        'csrf': csrf[1]})
    assert not who(hub, client)
    assert [record['operation'] for record in hub.records()] == [
        'login', 'logout']


@pytest.mark.parametrize('name, password', [
    ('alice', 'wrong password'), ('nobody', PASSWORD), ('', PASSWORD),
    ('cylc', PASSPHRASE), ('anon', 'the quick brown fox'), (OWNER, ''),
])
def test_form_refuses(hub: FakeHub, name: str, password: str) -> None:
    client = hub.client()
    answer = log_in(hub, client, name, password)
    assert answer.status_code == 403
    assert 'not the name and pass' in answer.text
    assert not who(hub, client)


def test_form_of_others(hub: FakeHub) -> None:
    headers = OWN_PAGE | {
        'Origin': 'http://other.org', 'Sec-Fetch-Site': 'cross-site'}
    client = hub.client()
    answer = log_in(hub, client, 'alice', headers=headers)
    assert answer.status_code == 403
    assert not who(hub, client)


@pytest.mark.parametrize('wish, way', [
    ('workflows/nwp/run1/', './workflows/nwp/run1/'),
    ('//other.org/', './other.org/'),
    ('https://other.org/', './https%3A//other.org/'),
    ('\\other.org', './%5Cother.org'),
    ('x%0d%0aSet-Cookie:a', './x%0D%0ASet-Cookie%3Aa'),
])
def test_where_the_form_leads(hub: FakeHub, wish: str, way: str) -> None:
    """To the page that was wanted, but never anywhere else."""
    answer = log_in(hub, hub.client(), 'alice', query=f'?next={wish}')
    assert (answer.status_code, answer.location) == (303, way)


def test_browsers_are_led_to_the_form(hub: FakeHub) -> None:
    for path, onward in (
        ('/', ''), ('/workflows/demo/', 'workflows/demo/'),
        ('/workflows/absent/', 'workflows/absent/'),
    ):
        answer = hub.call(path, BROWSER)
        assert answer.status_code == 303
        assert answer.location == f'/login?next={onward}'
    answer = hub.call('/', BROWSER | {'Sec-Fetch-Mode': 'cors'})
    assert answer.status_code == 401
    assert answer.headers['WWW-Authenticate'] == 'Session'


def test_log_in_of_a_workflow_is_that_of_the_hub(hub: FakeHub) -> None:
    client = hub.client()
    log_in(hub, client, 'alice')
    for path in ('/login', '/logout'):
        answer = hub.call(
            f'/workflows/nwp/run1{path}', BROWSER, client=client)
        assert answer.location == '/login?next=workflows/nwp/run1/'


# By a password or token in a header

def test_basic(hub: FakeHub) -> None:
    assert hub.call('/whoami', basic('alice')).json['user'] == 'alice'
    answer = hub.call('/workflows/demo/ping_suite', basic('alice'))
    assert answer.json is True
    for name, password in (('alice', 'wrong'), ('cylc', PASSPHRASE)):
        answer = hub.call('/whoami', basic(name, password))
        assert answer.status_code == 401
        assert answer.headers['WWW-Authenticate'].startswith('Basic ')


def test_one_address_does_not_take_all_places(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever guesses from somewhere else holds nobody up."""
    answers: list[int] = []

    def compare(kept: str, password: str) -> bool:
        if not answers:
            answer = hub.call('/whoami', basic('alice', 'wrong'))
            if not answers:
                answers.append(answer.status_code)
                answers.extend(
                    hub.call(
                        '/whoami', basic('alice', 'wrong'), address=address,
                        base_url='https://localhost').status_code
                    for address in ('127.0.0.2', '::1', AWAY))
        return False

    monkeypatch.setattr(passwords, '_check', compare)
    assert hub.call('/whoami', basic('alice', 'wrong')).status_code == 401
    assert answers == [503, 503, 503, 401]
    monkeypatch.undo()
    assert hub.call('/whoami', basic('alice')).status_code == 200


def test_secrets_in_the_clear(hub: FakeHub) -> None:
    token = hub.people.tokens.add('alice', 'a', ('full-read',), ('*',), None)
    for headers in (basic('alice'), bearer(token)):
        for path in ('/whoami', '/workflows/demo/identify'):
            assert hub.call(path, headers).status_code == 200
            answer = hub.call(path, headers, address=AWAY)
            assert answer.status_code == 403
            assert 'https' in answer.text
    answer = hub.call('/login', BROWSER, address=AWAY)
    assert 'Nobody can log in here' in answer.text
    secure = hub.call(
        '/whoami', basic('alice'), address=AWAY, base_url='https://localhost')
    assert secure.json['user'] == 'alice'


def test_secrets_in_the_clear_by_configuration(tmp_path: Path) -> None:
    with made(tmp_path, insecure_basic=True) as hub:
        answer = hub.call('/whoami', basic('alice'), address=AWAY)
        assert answer.json['user'] == 'alice'


def test_token(hub: FakeHub) -> None:
    token = hub.people.tokens.add(
        'carol', 'a', ('full-read', 'hold'), ('*',), None)
    found = hub.call('/whoami', bearer(token)).json
    assert (found['user'], found['token']['name']) == ('carol', 'a')
    assert [*found['workflows']] == ['nwp/run1']
    # It does not bring what is not in its scope.
    answer = hub.call('/workflows/nwp/run1/kill_tasks', bearer(token), 'POST')
    assert answer.status_code == 403 and 'The token a' in answer.text
    # A session would have no scope.
    answer = hub.call('/session', bearer(token), 'POST')
    assert answer.status_code == 401
    hub.people.tokens.revoke('carol', 'a')
    assert hub.call('/whoami', bearer(token)).status_code == 401


def test_session(hub: FakeHub) -> None:
    """It is good in all of the hub, until its user has another password."""
    opened = hub.call('/session', basic('alice'), 'POST').json
    headers = bearer(opened['token'])
    for path in ('/whoami', '/workflows/demo/ping_suite'):
        assert hub.call(path, headers, address=AWAY).status_code == 200
    hub.people.accounts.set_password('alice', 'another password')
    assert hub.call('/whoami', headers).status_code == 401


def test_session_of_somebody_who_has_gone(hub: FakeHub) -> None:
    token = hub.call('/session', basic('alice'), 'POST').json['token']
    hub.people.accounts.remove('alice')
    assert hub.call('/whoami', bearer(token)).status_code == 401


def test_end_of_a_session(hub: FakeHub) -> None:
    token = hub.call('/session', basic('alice'), 'POST').json['token']
    answer = hub.call('/session/end', bearer(token), 'POST')
    assert answer.json == {'ended': True}
    assert hub.call('/whoami', bearer(token)).status_code == 401


# What they may do then

@pytest.mark.parametrize('name, path, status', [
    ('alice', 'get_suite_state_summary', 200),
    ('alice', 'hold_tasks?items=*', 403),
    ('bob', 'get_suite_state_summary', 200),
    # They may; the workflow does not run.
    ('bob', 'hold_tasks?items=*', 503),
    ('bob', 'release_tasks?items=*', 403),
    ('bob', 'set_stop_cleanly', 403),
    ('carol', 'release_tasks?items=*', 503),
    ('carol', 'set_stop_cleanly', 403),
    # Two things at once.
    ('carol', 'release_suite', 503),
    ('bob', 'release_suite', 403),
    (OWNER, 'set_stop_cleanly', 503),
])
def test_operations(
    hub: FakeHub, name: str, path: str, status: int
) -> None:
    """Some users may do single things, or all but some."""
    if name == OWNER:
        client = hub.client()
        url = f'/login/once?token={Once(hub.directory).make()}'
        hub.call(url, client=client, headers=BROWSER)
        session = hub.people.tokens.add(
            OWNER, 'all', ('full-control',), ('*',), None)
        headers = bearer(session)
    else:
        headers = basic(name)
    answer = hub.call(f'/workflows/nwp/run1/{path}', headers, 'POST')
    assert answer.status_code == status


def test_why_not(hub: FakeHub) -> None:
    answer = hub.call('/workflows/nwp/run1/set_stop_cleanly', basic('carol'),
                      'POST')
    assert 'Rule 2 forbids stop.' in answer.text
    found = hub.call(
        '/whoami?operation=stop&workflow=nwp/run1', basic('carol')).json
    assert found == {
        'operation': 'stop', 'workflow': 'nwp/run1', 'allowed': False,
        'reason': 'rule 2 forbids stop',
    }
    answer = hub.call('/whoami?operation=nonsense', basic('carol'))
    assert answer.status_code == 400


@pytest.mark.parametrize('name, field, code', [
    ('alice', 'hold', 'FORBIDDEN'), ('bob', 'hold', None),
    ('bob', 'release', 'FORBIDDEN'),
])
def test_operations_by_graphql(
    hub: FakeHub, name: str, field: str, code: str | None
) -> None:
    text = f'{field}(workflows: ["*"], tasks: ["1/a"]) {{result}}'
    answer = hub.call(
        '/workflows/nwp/run1/graphql', basic(name), 'POST',
        json={'query': f'mutation {{{text}}}'})
    errors = answer.json.get('errors')
    assert (errors[0]['extensions']['code'] if errors else None) == code


def test_changed_rules_hold_at_once(hub: FakeHub) -> None:
    path = '/workflows/demo/ping_suite'
    assert hub.call(path, basic('bob')).status_code == 404
    hub.people.accounts.set_level('bob', Privilege.IDENTITY)
    assert hub.call(path, basic('bob')).status_code == 200


# The users of a workflow itself

def test_own_users(tmp_path: Path) -> None:
    with made(tmp_path, authentication='basic') as hub:
        cylc = basic('cylc', PASSPHRASE)
        below = '/workflows/demo/get_suite_state_summary'
        assert hub.call(below, cylc).status_code == 200
        for path in ('/whoami', '/workflows', '/graphql', '/'):
            assert hub.call(path, cylc).status_code == 401
        anon = basic('anon', 'the quick brown fox')
        assert hub.call('/workflows/demo/identify', anon).status_code == 401
        # Users of the hub use the same scheme.
        assert hub.call(below, basic('alice')).status_code == 200


def test_own_session_is_for_one_workflow(tmp_path: Path) -> None:
    with made(tmp_path, authentication='basic') as hub:
        token = hub.call(
            '/workflows/demo/session', basic('cylc', PASSPHRASE), 'POST',
        ).json['token']
        call = hub.call
        path = 'ping_suite'
        assert call(f'/workflows/demo/{path}', bearer(token)).json is True
        for other in (f'/workflows/nwp/run1/{path}', '/whoami'):
            assert call(other, bearer(token)).status_code == 401


def test_own_session_ends_with_the_passphrase(tmp_path: Path) -> None:
    """There may be another workflow under the old name."""
    with made(tmp_path, authentication='basic') as hub:
        token = hub.call(
            '/workflows/demo/session', basic('cylc', PASSPHRASE), 'POST',
        ).json['token']
        entry = hub.flows.find('demo')
        assert entry is not None
        path = '/workflows/demo/ping_suite'
        for passphrase, status in (
            (PASSPHRASE, 200), (PASSPHRASE[::-1], 401), ('', 401),
            (PASSPHRASE, 200),
        ):
            entry.workflow.passphrase = passphrase
            assert hub.call(path, bearer(token)).status_code == status


def test_passphrase_that_is_not_known(tmp_path: Path) -> None:
    with made(tmp_path, authentication='basic') as hub:
        entry = hub.flows.find('demo')
        assert entry is not None
        entry.workflow.passphrase = ''
        for password in ('', PASSPHRASE):
            answer = hub.call(
                '/workflows/demo/identify', basic('cylc', password))
            assert answer.status_code == 401


def test_public(tmp_path: Path) -> None:
    """If it is let in, it is below a workflow only, and may read a little."""
    settings = {'hub': {'public': True}, 'authentication': 'basic'}
    with made(tmp_path, **settings) as hub:
        anon = basic('anon', 'the quick brown fox')
        below = '/workflows/demo'
        assert hub.call(f'{below}/identify', anon).status_code == 200
        assert hub.call(f'{below}/', BROWSER).status_code == 200
        answer = hub.call(f'{below}/get_suite_state_summary', anon)
        assert answer.status_code == 403
        answer = hub.call(f'{below}/graphql', anon, 'POST', json={
            'query': 'mutation {pause(workflows: ["*"]) {result}}'})
        assert answer.json['errors'][0]['extensions']['code'] == 'FORBIDDEN'
        # There may be more of that than of all else.
        assert hub.records() == []
        for path in ('/whoami', '/workflows', '/'):
            assert hub.call(path, anon).status_code == 401


def test_removed_workflow(hub: FakeHub) -> None:
    """What comes under its name again is another one."""
    path = '/workflows/demo/ping_suite'
    assert hub.call(path, basic('alice')).status_code == 200
    hub.remove('demo')
    assert hub.call(path, basic('alice')).status_code == 404
    hub.add('demo')
    assert hub.call(path, basic('alice')).status_code == 200


# The audit log

def test_guesses_do_not_fill_the_audit_log(hub: FakeHub) -> None:
    """Only who is kept waiting is written down."""
    def meanwhile(seconds: float) -> None:
        hub.sleep = lambda seconds: None
        for _ in range(3):
            assert hub.call('/whoami', bearer('x')).status_code == 429

    hub.sleep = meanwhile
    assert hub.call('/whoami', bearer('x')).status_code == 401
    assert [record['outcome'] for record in hub.records()] == ['failed']


def test_audit(hub: FakeHub) -> None:
    for path in ('hold_tasks?items=*', 'set_stop_cleanly'):
        hub.call(f'/workflows/nwp/run1/{path}', basic('carol'), 'POST')
    hub.call('/workflows/nwp/run1/graphql', basic('alice'), 'POST', json={
        'query': 'mutation {pause(workflows: ["*"]) {result}}'})
    for path in ('/workflows/demo/', '/workflows/absent/'):
        assert hub.call(path, basic('bob')).status_code == 404
    hub.call('/whoami', basic('mallory'))
    found = [
        (record['user'], record['operation'], record['workflow'],
         record['outcome']) for record in hub.records()
    ]
    assert found == [
        ('carol', 'hold', 'nwp/run1', 'failed'),
        ('carol', 'stop', 'nwp/run1', 'denied'),
        ('alice', 'pause', 'nwp/run1', 'denied'),
        ('bob', 'identity', 'demo', 'denied'),
        ('mallory', 'login', '', 'failed'),
    ]


def test_who_may_read_the_audit_log(hub: FakeHub) -> None:
    for name in ('nwp/run1', 'demo'):
        hub.call(f'/workflows/{name}/hold_suite', basic('alice'), 'POST')
    hub.call('/whoami', basic('mallory'))
    token = hub.people.tokens.add(
        OWNER, 'all', ('full-control', 'audit'), ('*',), None)
    hub.records()
    assert hub.call('/audit', basic('alice')).status_code == 403
    answer = hub.call('/audit?outcome=denied', basic('carol'))
    assert [record['workflow'] for record in answer.json] == ['nwp/run1']
    answer = hub.call('/audit?since=1h&workflow=*', bearer(token))
    assert [record['workflow'] for record in answer.json] == [
        'nwp/run1', 'demo']
    answer = hub.call('/audit?user=mallory', bearer(token))
    assert [record['outcome'] for record in answer.json] == ['failed']
    for query in (
        'outcome=x', 'since=x', 'limit=0', 'limit=x', 'a=b',
        f'limit={1:09d}0000', f'limit=1{0:05000d}',
    ):
        answer = hub.call(f'/audit?{query}', bearer(token))
        assert answer.status_code == 400


def test_name_in_the_logs_of_schedulers(hub: FakeHub) -> None:
    """It is the real one, whatever the client says."""
    seen: list[str] = []
    entry = hub.flows.find('nwp/run1')
    assert entry is not None

    class Commands:
        def submit(self, command: str, user: str, *args: Any, **more: Any
                   ) -> Any:
            seen.append(user)
            raise Unavailable('no')

    entry.workflow.commands = Commands()  # type: ignore[assignment]
    hub.call('/workflows/nwp/run1/hold_suite', basic('carol') | {
        'User-Agent': 'cylc/7 prog_name/cylc-hold uuid/1',
        'From': 'somebody@else',
    }, 'POST')
    assert seen == ['carol@127.0.0.1:cylc-hold']
