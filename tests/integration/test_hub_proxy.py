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
"""The hub behind a real nginx: TLS there, and a path of its own."""

from __future__ import annotations

from collections.abc import Iterator
import json
import re
import ssl
from typing import Any

import pytest
import requests
from requests.auth import HTTPDigestAuth
from websocket import WebSocket, create_connection

from tests.harness import wait_for
from tests.hub_client import PASSWORD, PATIENCE, Client
from tests.hub_run import HubRun
from tests.integration.test_hub_server import FLOW
from tests.nginx import Nginx

NAME = 'group/one/run1'

#: The paths, and whether nginx takes them away: then a header tells.
PREFIXES = {'/stripped': True, '/site/cylc': False}

BROWSER = {
    'User-Agent': 'Mozilla/5.0', 'Accept': 'text/html',
    'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'navigate',
}


@pytest.fixture(scope='module')
def hub() -> Iterator[HubRun]:
    hub = HubRun(FLOW, NAME, hub={
        'proxies': ['127.0.0.1'], 'prefix': '/site/cylc'})
    try:
        hub.run.play('--hold-after=0')
        hub.start()
        hub.user('alice', 'full-control', PASSWORD)
        with Client(hub) as owner:
            owner.until(NAME, 'running')
            wait_for(
                lambda: owner.get(
                    f'workflows/{NAME}/get_suite_info').json(),
                PATIENCE, 'the replica')
        yield hub
    finally:
        hub.close()


@pytest.fixture(scope='module')
def nginx(
    hub: HubRun, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nginx]:
    folder = tmp_path_factory.mktemp('nginx')
    with Nginx(folder, hub.port, PREFIXES) as nginx:
        yield nginx


@pytest.fixture(params=PREFIXES)
def root(nginx: Nginx, request: pytest.FixtureRequest) -> str:
    """Return where clients have the hub."""
    return f'{nginx.url}{request.param}'


@pytest.fixture
def session(nginx: Nginx) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = nginx.certificate
        yield session


def test_rest_with_digest(
    hub: HubRun, root: str, session: requests.Session
) -> None:
    """The path in the header is the outer one."""
    session.auth = HTTPDigestAuth('cylc', hub.run.passphrase)
    below = f'{root}/workflows/{NAME}'
    for path in ('get_suite_info', 'get_task_info?names=a&names=b'):
        answer = session.get(f'{below}/{path}', timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        assert answer.json() == hub.run.request('GET', path).json()
    answer = session.post(
        f'{below}/set_verbosity/20?wait=30', timeout=PATIENCE)
    assert answer.json() == [True, 'Command succeeded']


def test_basic_and_who_calls(
    hub: HubRun, root: str, session: requests.Session
) -> None:
    """Passwords go by TLS as far as nginx; it says who has sent them."""
    session.auth = 'alice', PASSWORD
    assert session.get(f'{root}/whoami').json()['user'] == 'alice'
    session.auth = 'alice', 'wrong password'
    answer = session.get(f'{root}/whoami', timeout=PATIENCE, headers={
        'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'http',
        'X-Forwarded-Prefix': '/elsewhere', 'Forwarded': 'for=203.0.113.9',
    })
    assert answer.status_code == 401
    with Client(hub) as owner:
        def records() -> Any:
            return owner.get('audit?operation=login&outcome=failed').json()
        assert {
            record['address']
            for record in wait_for(records, PATIENCE, 'a record')
        } == {'127.0.0.1'}


def test_pages_and_their_log_in(
    hub: HubRun, root: str, session: requests.Session
) -> None:
    session.headers.update(BROWSER)
    page = session.get(f'{root}/workflows/{NAME}/', timeout=PATIENCE)
    assert page.url == f'{root}/login?next=workflows/{NAME}/'
    proof = re.search(r'name="form" value="(\w+)"', page.text)
    assert proof
    origin = re.match('https://[^/]*', root)
    assert origin
    answer = session.post(
        page.url, timeout=PATIENCE, headers={'Origin': origin[0]}, data={
            'form': proof[1], 'user': 'alice', 'password': PASSWORD,
        })
    assert answer.url == f'{root}/workflows/{NAME}/'
    assert answer.status_code == 200 and NAME in answer.text
    path = root.removeprefix(origin[0])
    for cookie in session.cookies:
        assert cookie.secure and cookie.path == f'{path}/'
    static = re.search(r'href="(\./static/[^"]*page\.css)"', answer.text)
    assert static
    style = session.get(
        requests.compat.urljoin(answer.url, static[1]), timeout=PATIENCE)
    assert style.headers['Content-Type'].startswith('text/css')
    listed = session.get(f'{root}/', timeout=PATIENCE)
    assert listed.status_code == 200 and NAME in listed.text


def test_log_in_once_by_the_outer_address(
    hub: HubRun, root: str, session: requests.Session
) -> None:
    _, _, token = hub.login().partition('?')
    session.headers.update(BROWSER)
    answer = session.get(f'{root}/login/once?{token}', timeout=PATIENCE)
    assert answer.url == f'{root}/' and answer.status_code == 200


def socket_to(
    nginx: Nginx, url: str, session: requests.Session, **options: Any
) -> WebSocket:
    cookies = '; '.join(f'{each.name}={each.value}'
                        for each in session.cookies)
    return create_connection(
        url.replace('https', 'wss', 1), timeout=PATIENCE,
        sslopt={'context': ssl.create_default_context(
            cafile=nginx.certificate)},
        cookie=cookies, http_no_proxy=['*'], **options,
    )


def test_sockets(
    hub: HubRun, nginx: Nginx, root: str, session: requests.Session
) -> None:
    """Browsers name the outer origin, and have the cookie."""
    session.auth = 'alice', PASSWORD
    assert session.post(f'{root}/session', data='').status_code == 200
    for path in ('', f'workflows/{NAME}/'):
        raw = socket_to(
            nginx, f'{root}/{path}subscriptions', session,
            subprotocols=['graphql-transport-ws'], origin=nginx.url)
        try:
            raw.send('{"type": "connection_init"}')
            assert json.loads(raw.recv())['type'] == 'connection_ack'
            raw.send(json.dumps({'id': '1', 'type': 'subscribe', 'payload': {
                'query': 'subscription {deltas {added {workflow {name}}}}'}}))
            told = json.loads(raw.recv())
            assert NAME in str(told), told
        finally:
            raw.shutdown()
    raw = socket_to(
        nginx, f'{root}/workflows/{NAME}/feed', session,
        subprotocols=['cylc-feed.json'], origin=nginx.url)
    try:
        assert raw.recv()
    finally:
        raw.shutdown()


def test_foreign_pages(
    nginx: Nginx, root: str, session: requests.Session
) -> None:
    session.auth = 'alice', PASSWORD
    answer = session.post(
        f'{root}/workflows/{NAME}/hold_suite', timeout=PATIENCE,
        headers={'Origin': 'https://other.example'})
    assert answer.status_code == 403


def test_who_is_not_listed_is_not_believed() -> None:
    """From this machine, too: somebody may pass on what came in the clear.
    """
    hub = HubRun()
    try:
        hub.start()
        hub.user('alice', 'full-control', PASSWORD)
        with Client(hub, 'alice') as alice:
            told = {
                'X-Forwarded-For': '203.0.113.9',
                'X-Forwarded-Proto': 'https',
                'X-Forwarded-Prefix': '/elsewhere',
            }
            answer = alice.get('whoami', headers=told)
            assert answer.status_code == 403
            assert 'over https only' in answer.text
            assert alice.get('whoami').status_code == 200
    finally:
        hub.close()
