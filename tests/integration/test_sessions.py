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
"""Sessions, as clients of a real scheduler use them."""

from __future__ import annotations

from html import unescape
import json
import subprocess
from typing import Any

import pytest
import requests

from tests.harness import ANON, ONE, Run, Starter, need


@pytest.fixture(scope='module')
def paused(mod_start: Starter) -> Run:
    return mod_start(
        ONE, '--pause', config={
            'method': 'https', 'access_log': 'access.log',
            'public_privilege': 'full-read',
        },
    )


@pytest.fixture
def bare(paused: Run) -> requests.Session:
    """A client which has no password, and keeps its cookies."""
    client = paused.session()
    client.auth = None
    return client


def opened(run: Run, user: str = 'cylc') -> dict[str, Any]:
    answer = run.request('POST', 'session', user=user)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def bearer(said: dict[str, Any]) -> dict[str, str]:
    return {'Authorization': f'Bearer {said["token"]}'}


def curl(run: Run, path: str, *options: str) -> Any:
    """Return what curl gets."""
    result = subprocess.run(
        (need('curl'), '-sS', '--fail-with-body', '--cacert',
         str(run.service / 'ssl.cert'), *options, f'{run.url}/{path}'),
        capture_output=True, text=True, timeout=20, check=True,
        cwd=run.home,
    )
    return json.loads(result.stdout)


def test_bearer(paused: Run, bare: requests.Session) -> None:
    """It reads and commands, until it is ended."""
    headers = bearer(opened(paused))
    for _ in range(2):
        answer = bare.get(
            f'{paused.url}/get_suite_state_summary', headers=headers)
        assert answer.status_code == 200
    answer = bare.post(
        f'{paused.url}/hold_suite?wait=20', headers=headers, data={})
    assert answer.json() == [True, 'Command succeeded']
    answer = bare.post(
        f'{paused.url}/session/end', headers=headers, data={})
    assert answer.json() == {'ended': True}
    answer = bare.get(f'{paused.url}/ping_suite', headers=headers)
    assert answer.status_code == 401
    assert 'invalid_token' in answer.headers['WWW-Authenticate']


def test_level(paused: Run, bare: requests.Session) -> None:
    said = opened(paused, 'anon')
    assert (said['user'], said['privilege']) == ('anon', 'full-read')
    answer = bare.post(
        f'{paused.url}/hold_suite', headers=bearer(said), data={})
    assert answer.status_code == 403
    assert "privilege 'full-read' < 'full-control'" in unescape(answer.text)


def test_level_after_a_reload(start: Starter) -> None:
    """A session keeps no level that its user has no longer."""
    flow = '[meta]\n    public privilege = {}\n' + ONE
    run = start(flow.format('full-read'), '--pause')
    session = run.session()
    session.auth = None
    headers = bearer(opened(run, 'anon'))

    def status(path: str) -> int:
        return session.get(
            f'{run.url}/{path}', headers=headers).status_code

    assert status('get_broadcast') == 200
    run.define(flow.format('identity'))
    assert run.post('reload_suite?wait=20') == [True, 'Command succeeded']
    assert status('get_broadcast') == 403
    assert status('ping_suite') == 200


def test_page(paused: Run, bare: requests.Session) -> None:
    """As a page would do it: the cookie, its own origin, and the token."""
    url = paused.url
    bare.headers['User-Agent'] = 'Mozilla/5.0'
    bare.headers['Origin'] = url
    bare.auth = paused.login()
    refused = bare.post(f'{url}/session', data={})
    assert refused.headers['WWW-Authenticate'] == 'Session'
    bare.headers['User-Agent'] = 'a script'
    assert bare.post(f'{url}/session', data={}).status_code == 200
    bare.headers['User-Agent'] = 'Mozilla/5.0'
    bare.auth = None
    for cookie in bare.cookies:
        assert cookie.secure
    assert bare.get(f'{url}/get_suite_info').status_code == 200
    target = f'{url}/hold_suite?wait=20'
    assert bare.post(target, data={}).status_code == 403
    csrf = {'X-XSRFToken': bare.cookies['_xsrf']}
    assert bare.post(target, data={}, headers=csrf).json()[0] is True
    foreign = csrf | {'Origin': 'https://them.example'}
    assert bare.post(target, data={}, headers=foreign).status_code == 403
    answer = bare.post(f'{url}/session/end', data={}, headers=csrf)
    assert answer.json() == {'ended': True}
    assert not bare.cookies
    assert bare.get(f'{url}/get_suite_info').status_code == 401


def test_cookies_with_a_password(
    paused: Run, bare: requests.Session
) -> None:
    """Who has both needs no more than before."""
    bare.auth = paused.login()
    for _ in range(2):
        answer = bare.post(f'{paused.url}/session', data={})
        assert answer.status_code == 200
    assert bare.get(f'{paused.url}/ping_suite').json() is True
    target = f'{paused.url}/hold_suite?wait=20'
    assert bare.post(target, data={}).status_code == 403
    bare.auth = None
    headers = {'Authorization': f'Bearer {answer.json()["token"]}'}
    assert bare.post(target, data={}, headers=headers).status_code == 200


def test_curl(paused: Run) -> None:
    for user, password in (('cylc', paused.passphrase), ANON):
        said = curl(
            paused, 'session', '--digest', '-u', f'{user}:{password}',
            '-d', '', '-c', 'jar')
        assert curl(paused, 'get_suite_info', '--oauth2-bearer',
                    said['token'])['title'] is not None
        assert curl(paused, 'ping_suite', '-b', 'jar') is True


def test_tokens_are_in_no_file(paused: Run) -> None:
    """Neither in the logs of scheduler and server, nor anywhere else."""
    said = opened(paused)
    session = paused.session()
    for path in ('ping_suite', 'nix', 'session/end'):
        session.request(
            'POST', f'{paused.url}/{path}', headers=bearer(said), data={})
    session.get(f'{paused.url}/ping_suite', headers=bearer(said))
    access = paused.run_dir / 'log' / 'access.log'
    assert '/session/end' in access.read_text()
    for path in paused.home.rglob('*'):
        if path.is_file() and path.name != 'jar':
            content = path.read_bytes()
            for secret in (said['token'], said['csrf']):
                assert secret.encode() not in content, path
