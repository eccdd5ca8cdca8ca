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
"""The hub as a process, in front of a real scheduler."""

from __future__ import annotations

from collections.abc import Iterator
import json
import os
from pathlib import Path
import signal
import socket
import ssl
import subprocess

import pytest
import requests
from requests.auth import HTTPDigestAuth
from websocket import create_connection

from cylc_flask import certificate
from tests.harness import BIN, processes_of, wait_for
from tests.hub_client import PASSWORD, PATIENCE, Client
from tests.hub_run import HubRun

FLOW = """
    [meta]
        title = Behind the hub
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        final cycle point = 2
        [[graph]]
            P1 = a => b
    [runtime]
        [[a]]
            script = true
        [[b]]
            script = cylc__job__wait_cylc_message_started; sleep 600
"""

NAME = 'group/one/run1'

BELOW = f'workflows/{NAME}'


@pytest.fixture(scope='module')
def hub() -> Iterator[HubRun]:
    """Return a hub with one workflow that runs, its plugin inside."""
    hub = HubRun(FLOW, NAME)
    try:
        hub.run.play('--hold-after=0')
        hub.start()
        with Client(hub) as owner:
            owner.until(NAME, 'running')
            wait_for(
                lambda: is_linked(owner), PATIENCE, 'the passphrase')
        yield hub
    finally:
        hub.close()


@pytest.fixture
def owner(hub: HubRun) -> Iterator[Client]:
    with Client(hub) as client:
        yield client


def is_linked(owner: Client) -> bool:
    return bool(owner.get(f'{BELOW}/get_suite_info').json())


def digest(hub: HubRun) -> HTTPDigestAuth:
    return HTTPDigestAuth('cylc', hub.run.passphrase)


def ask(
    hub: HubRun, path: str, verb: str = 'GET', **options: object
) -> requests.Response:
    """Send a request without the environment's proxies and passwords."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(
            verb, f'{hub.url}/{path}', timeout=PATIENCE, **options)


# A workflow below its own address

READS = (
    'get_suite_info', 'get_cylc_version', 'get_suite_state_summary',
    'get_broadcast', 'get_task_info?names=a', 'identify',
)


@pytest.mark.parametrize('path', READS)
def test_answers_are_those_of_the_scheduler(
    hub: HubRun, owner: Client, path: str
) -> None:
    """They come from the replica, to all who may ask."""
    def same() -> bool:
        theirs = hub.run.request('GET', path).json()
        by_token = owner.get(f'{BELOW}/{path}').json()
        by_digest = ask(hub, f'{BELOW}/{path}', auth=digest(hub)).json()
        return bool(theirs == by_token == by_digest)
    wait_for(same, PATIENCE, path)


def test_command_has_the_name_of_who_gives_it(
    hub: HubRun, owner: Client
) -> None:
    answer = owner.session.post(
        f'{hub.url}/{BELOW}/hold_suite?wait=30', timeout=PATIENCE,
        headers={'User-Agent': 'cylc/7 prog_name/cylc-hold uuid/1'})
    assert answer.json() == [True, 'Command succeeded']
    name = f'{hub.owner}@127.0.0.1:cylc-hold'
    hub.run.wait_log(f'Command "pause" received from {name}')
    outcome = owner.get(
        f'{BELOW}/get_command?id={answer.headers["Cylc-Command-ID"]}').json()
    assert (outcome['state'], outcome['user']) == ('succeeded', name)
    owner.until(NAME, 'paused')
    answer = ask(
        hub, f'{BELOW}/release_suite?wait=30', 'POST', auth=digest(hub))
    assert answer.json() == [True, 'Command succeeded']
    owner.until(NAME, 'running')


def test_command_of_who_logs_in_on_a_socket(
    hub: HubRun, owner: Client
) -> None:
    """What the handshake said of itself is not believed."""
    raw = create_connection(
        f'{hub.url}/subscriptions?authenticate=connection_init'.replace(
            'http', 'ws', 1),
        timeout=PATIENCE, subprotocols=['graphql-transport-ws'],
        header=['From: bob@far', 'User-Agent: x/1 prog_name/cylc-hold'],
        suppress_origin=True, http_no_proxy=['*'],
    )
    try:
        raw.send(json.dumps({
            'type': 'connection_init', 'payload': {
                'Authorization': owner.session.headers['Authorization']}}))
        assert json.loads(raw.recv())['type'] == 'connection_ack'
        raw.send(json.dumps({
            'type': 'subscribe', 'id': '1', 'payload': {
                'query': 'mutation ($of: [WorkflowID]!) {setVerbosity('
                         'workflows: $of, level: DEBUG) {result}}',
                'variables': {'of': [NAME]}}}))
        found = json.loads(raw.recv())['payload']
        assert 'errors' not in found, found
    finally:
        raw.shutdown()
    hub.run.wait_log('Command "set_verbosity" received from')
    assert f'received from {hub.owner}@127.0.0.1' in hub.run.log()
    assert 'bob' not in hub.run.log()


def test_commands_are_in_the_audit_log(hub: HubRun, owner: Client) -> None:
    owner.session.post(
        f'{hub.url}/{BELOW}/set_verbosity/20?wait=30', timeout=PATIENCE)

    def records() -> list[dict[str, str]]:
        found: list[dict[str, str]] = owner.get(
            f'audit?workflow={NAME}&operation=set_verbosity').json()
        return [
            record for record in found if 'level=20' in record['detail']]
    (record,) = wait_for(records, PATIENCE, 'a record')
    assert record['user'] == hub.owner
    assert record['outcome'] == 'ok'
    assert 'set_verbosity' in hub.run.cylc('flask', 'audit').stdout


def test_graphql_and_its_socket(hub: HubRun, owner: Client) -> None:
    ids = owner.ask('{workflows {name taskProxies {name}}}', f'{BELOW}/')
    (flow,) = ids['workflows']
    assert flow['name'] == NAME
    with owner.socket(f'{BELOW}/') as viewer:
        viewer.follow('subscription {deltas {added {workflow {name}}}}')
        assert viewer.next()['deltas']['added']['workflow']['name'] == NAME


def test_page_of_the_workflow(hub: HubRun) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update({
            'User-Agent': 'Mozilla/5.0', 'Accept': 'text/html'})
        start = session.get(hub.login(), timeout=PATIENCE)
        assert start.status_code == 200 and start.url == f'{hub.url}/'
        page = session.get(f'{hub.url}/{BELOW}/', timeout=PATIENCE)
        assert page.status_code == 200 and NAME in page.text
        bare = session.get(f'{hub.url}/{BELOW}', timeout=PATIENCE)
        assert bare.url == f'{hub.url}/{BELOW}/'


def test_one_address_logs_in_once(hub: HubRun) -> None:
    url = hub.login()
    statuses = []
    for _ in range(2):
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(
                url, timeout=PATIENCE, allow_redirects=False)
            statuses.append(answer.status_code)
    assert statuses == [303, 403]


def test_users_and_their_passwords(hub: HubRun) -> None:
    hub.user('alice', 'state-totals', PASSWORD)
    with Client(hub, 'alice') as alice:
        assert alice.get(f'{BELOW}/get_suite_info').status_code == 200
        assert alice.get(
            f'{BELOW}/get_suite_state_summary').status_code == 403
        (row,) = alice.get('workflows').json()['workflows']
        assert row['level'] == 'state-totals'
        hub.user('alice', 'none')
        # It takes a moment until the hub has read the file.
        wait_for(
            lambda: alice.get(
                f'{BELOW}/get_suite_info').status_code == 404,
            PATIENCE, 'the end of what alice may see')
        assert alice.get('workflows').json()['workflows'] == []


def test_many_log_ins_hold_nobody_up(hub: HubRun, owner: Client) -> None:
    """Passwords are compared by other threads."""
    with socket.create_connection(('127.0.0.1', hub.port)) as one:
        # Nobody waits for these answers.
        one.sendall(b''.join(
            b'GET /whoami HTTP/1.1\r\nHost: localhost\r\n'
            b'Authorization: Basic bm9ib2R5Om5vYm9keQ==\r\n\r\n'
            for _ in range(3)))
        assert owner.get(f'{BELOW}/ping_suite').json() is True


# The process

def test_second_hub_is_refused(hub: HubRun) -> None:
    done = subprocess.run(
        (BIN / 'cylc', 'flask', 'hub', '--port', '1'),
        env=hub.run.environment, cwd=hub.run.home, capture_output=True,
        text=True, timeout=PATIENCE, check=False,
    )
    assert done.returncode == 1
    assert 'another hub runs in' in done.stderr


def test_files_are_for_the_owner_alone(hub: HubRun) -> None:
    folder = hub.run.home / '.cylc' / 'flask' / 'hub'
    for path in (folder, *folder.rglob('*')):
        assert path.stat().st_mode & 0o077 == 0, path


def test_stop_and_restart_touch_no_scheduler(hub: HubRun) -> None:
    """Whatever way the hub ends, the run goes on, and is found again."""
    before = hub.run.log()
    told = json.loads(
        (hub.run.home / '.cylc/flask/hub/hub.json').read_text())
    assert told['url'] == f'{hub.url}/'
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        assert hub.process is not None
        with Client(hub) as owner, owner.socket() as viewer:
            viewer.follow('subscription {deltas {id}}')
            viewer.next()
            hub.process.send_signal(number)
            code = hub.process.wait(PATIENCE)
        assert code == (-9 if number is signal.SIGKILL else 0)
        said = hub.said()
        assert 'Traceback' not in said
        assert number is signal.SIGKILL or (
            f'the hub stops ({number.name})' in said)
        assert hub.run.alive
        hub.start()
        with Client(hub) as owner:
            owner.until(NAME, 'running')
            wait_for(lambda: is_linked(owner), PATIENCE, 'the link')
            assert hub.run.get('ping_suite') is True
    after = hub.run.log().removeprefix(before)
    for word in ('ERROR', 'CRITICAL', 'Traceback', 'pause', 'stop'):
        assert word not in after
    assert 'Traceback' not in hub.said()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_demo(number: int) -> None:
    """It is in the hub at once, and goes with it."""
    hub = HubRun()
    try:
        hub.start('--demo')
        with Client(hub) as owner:
            owner.until('cylc-flask-demo', 'running')
        assert hub.process is not None
        hub.process.send_signal(number)
        assert hub.process.wait(PATIENCE) == 0
        assert not [*processes_of(hub.run.home)]
    finally:
        hub.close()


def test_without_a_hub_there_is_nothing_to_log_in_to(tmp_path: Path) -> None:
    done = subprocess.run(
        (BIN / 'cylc', 'flask', 'hub', '--login'),
        env={**os.environ, 'HOME': str(tmp_path)}, capture_output=True,
        text=True, timeout=PATIENCE, check=False,
    )
    assert done.returncode == 1
    assert 'the hub does not run' in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason='only root is refused')
def test_root_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        (BIN / 'cylc', 'flask', 'hub'),
        env={**os.environ, 'HOME': str(tmp_path)}, capture_output=True,
        text=True, timeout=PATIENCE, check=False,
    )
    assert done.returncode == 1
    assert 'does not run as root' in done.stderr


# TLS

def serial(port: int) -> int:
    """Return which certificate a server has."""
    from cryptography import x509

    text = ssl.get_server_certificate(('127.0.0.1', port), timeout=PATIENCE)
    return x509.load_pem_x509_certificate(text.encode()).serial_number


def test_certificate_is_read_again(tmp_path: Path) -> None:
    """One that cannot be used does not take the place of the last."""
    cert, key = tmp_path / 'hub.cert', tmp_path / 'hub.key'
    certificate.make(cert, key, ['localhost'])
    hub = HubRun(hub={'certificate': str(cert), 'key': str(key)})
    try:
        hub.start()
        assert f'https://127.0.0.1:{hub.port}/' in hub.said()
        with requests.Session() as session:
            session.trust_env, session.verify = False, str(cert)
            answer = session.get(
                f'https://localhost:{hub.port}/whoami', timeout=PATIENCE)
        assert answer.status_code == 401
        first = serial(hub.port)
        cert.write_text('spoilt')
        assert hub.process is not None
        wait_for(
            lambda: 'the old certificate is kept' in hub.said(), PATIENCE,
            'a look at the certificate')
        assert serial(hub.port) == first
        certificate.make(cert, key, ['localhost'])
        # Who does not want to wait says so.
        hub.process.send_signal(signal.SIGHUP)
        wait_for(
            lambda: serial(hub.port) != first, PATIENCE, 'the new one')
    finally:
        hub.close()
