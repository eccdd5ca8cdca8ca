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
"""Sessions at the gate: tokens, cookies, and pages of others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
import logging
from typing import Any, cast

from flask import Flask, g, request
from flask.testing import FlaskClient
import pytest

from cylc.flow.hostuserutil import get_user
from cylc_flask.app import create_app
from cylc_flask.auth import gate
from cylc_flask.auth.cookies import Cookies
from cylc_flask.auth.login import Visitor
from cylc_flask.commands import Commands
from cylc_flask.config import Config, Limits
from cylc_flask.errors import Forbidden
from cylc_flask.privilege import Privilege, requires
from cylc_flask.replica.records import Records
from cylc_flask.workflows import Registry, Workflow
from tests.stores import recorded

PASSPHRASE = 'x' * 20
ANON = ('anon', 'the quick brown fox')
OWNER = ('cylc', PASSPHRASE)

COOKIES = Cookies.of(get_user(), 'running')

CONFIG = Config(
    authentication='basic', method='http', bind=('127.0.0.1',),
    public_privilege=Privilege.SHUTDOWN,
)
HANDSHAKE = {'Upgrade': 'websocket', 'Connection': 'Upgrade'}
LATER = '/later?authenticate=connection_init'


class Naps(list[float]):
    """How long somebody was kept waiting."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


class Sender(FlaskClient):
    """Says how long its bodies are, and keeps no cookies."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, 'use_cookies': False})

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return super().open(*args, **{'content_length': 0, **kwargs})


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
def flow() -> Workflow:
    return Workflow(
        'running', PASSPHRASE, recorded('8.7', 'running'), Records(),
        cast(Commands, None),
    )


def make(flow: Workflow, naps: Naps, config: Config = CONFIG) -> Flask:
    app = create_app(
        config, Registry(flow), frozenset({'localhost'}), naps)
    app.test_client_class = Sender

    @requires(Privilege.SHUTDOWN)
    def change() -> str:
        return 'changed'

    @requires(Privilege.NONE)
    def document() -> str:
        gate.check_change()
        return 'changed'

    @gate.login_later
    @requires(Privilege.NONE)
    def later() -> dict[str, Any]:
        before = g.user and g.user.name
        tokens = flow.grouping  # any object of the test's own
        token = getattr(tokens, 'token', '')
        user = gate.bearer(token) if token else None
        return {'before': before, 'after': user and user.name}

    for view in (change, document):
        app.add_url_rule(
            f'/{view.__name__}', view_func=view, methods=['GET', 'POST'],
            provide_automatic_options=False,
        )
    for path, view in (('/later', later), ('/socket', document)):
        app.add_url_rule(path, path, view, websocket=True)
    return app


@pytest.fixture
def app(flow: Workflow, naps: Naps) -> Flask:
    return make(flow, naps)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def log_in(client: FlaskClient, auth: Any = OWNER) -> dict[str, Any]:
    answer = client.post('/session', auth=auth)
    assert answer.status_code == 200
    return cast('dict[str, Any]', answer.json)


def bearer(token: str) -> dict[str, str]:
    return {'Authorization': f'Bearer {token}'}


def cookie(token: str, **more: str) -> dict[str, str]:
    return {
        'Cookie': f'other=1; {COOKIES.session}={token}',
        **{name.replace('_', '-'): value for name, value in more.items()},
    }


def test_open(client: FlaskClient) -> None:
    answer = client.post('/session', auth=OWNER)
    said = answer.json
    assert said and set(said) == {
        'token', 'token_type', 'expires_in', 'csrf', 'user', 'privilege',
    }
    assert said['token_type'] == 'Bearer'
    assert said['expires_in'] == 3600
    assert (said['user'], said['privilege']) == ('cylc', 'full-control')
    assert answer.headers['Cache-Control'] == 'no-store'
    token, csrf, xsrf = answer.headers.getlist('Set-Cookie')
    assert token == (
        f'{COOKIES.session}={said["token"]}; Expires='
        + token.split('Expires=')[1].split(';')[0]
        + '; Max-Age=3600; HttpOnly; Path=/; SameSite=Strict'
    )
    for name, header in ((COOKIES.csrf, csrf), ('_xsrf', xsrf)):
        assert header.startswith(f'{name}={said["csrf"]};')
        assert 'HttpOnly' not in header
        assert header.split(';')[0][-1].isalnum()


def test_cookies_stay_off_plain_http(client: FlaskClient) -> None:
    answer = client.post(
        '/session', auth=OWNER, base_url='https://localhost')
    for header in answer.headers.getlist('Set-Cookie'):
        assert '; Secure;' in header


def test_bearer(client: FlaskClient) -> None:
    token = log_in(client)['token']
    for target in ('/get_suite_info', '/identify', '/id/ping_suite'):
        assert client.get(target, headers=bearer(token)).status_code == 200
    assert client.get(
        '/ping_suite', headers={'Authorization': f'bearer  {token}'}
    ).status_code == 200
    anon = log_in(client, ANON)
    assert anon['privilege'] == 'shutdown'
    answer = client.post('/hold_suite', headers=bearer(anon['token']))
    assert answer.status_code == 403


def test_bearer_of_a_page(client: FlaskClient) -> None:
    """A browser adds no such header by itself, so that it was meant."""
    token = log_in(client)['token']
    headers = bearer(token) | {
        'User-Agent': 'Mozilla/5.0', 'Cookie': 'a=b',
    }
    assert client.post('/change', headers=headers).data == b'changed'


@pytest.mark.parametrize('token', ['', 'x', 'x' * 64, '\xff', 'x' * 5000])
def test_wrong_bearer(
    client: FlaskClient, naps: Naps, token: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = client.get('/ping_suite', headers=bearer(token))
    assert answer.status_code == 401
    assert answer.headers['WWW-Authenticate'] == (
        'Bearer error="invalid_token"')
    client.get('/ping_suite', headers=bearer(token))
    assert naps == [0.1, 0.2]
    assert 'DENIED' in caplog.text


def test_tokens_are_not_taken_from_urls(client: FlaskClient) -> None:
    token = log_in(client)['token']
    for name in ('token', 'access_token', COOKIES.session):
        answer = client.get(f'/identify?{name}={token}')
        assert answer.status_code == 401


def test_tokens_stand_in_no_log(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = log_in(client)
    client.get('/ping_suite', headers=bearer(said['token']))
    client.get('/ping_suite', headers=cookie(said['token']))
    client.post('/session/end', headers=bearer(said['token']))
    client.get('/ping_suite', headers=bearer(said['token']))
    assert 'client-session' in caplog.text
    for secret in (said['token'], said['csrf']):
        assert secret not in caplog.text


def test_end(client: FlaskClient) -> None:
    token = log_in(client)['token']
    answer = client.post('/session/end', headers=bearer(token))
    assert answer.json == {'ended': True}
    gone = answer.headers.getlist('Set-Cookie')
    assert all('Max-Age=0' in header for header in gone)
    assert client.get(
        '/ping_suite', headers=bearer(token)).status_code == 401
    assert client.post(
        '/session/end', auth=OWNER).json == {'ended': False}


def test_lifetime(flow: Workflow, naps: Naps,
                  monkeypatch: pytest.MonkeyPatch) -> None:
    """A session ends however it is used, and cannot be made longer."""
    now = [1000.0]
    monkeypatch.setattr('time.monotonic', lambda: now[0])
    client = make(flow, naps).test_client()
    token = log_in(client)['token']
    now[0] += 3599
    assert client.get(
        '/ping_suite', headers=bearer(token)).status_code == 200
    for headers in (bearer(token), cookie(token)):
        answer = client.post('/session', headers=headers)
        assert answer.status_code == 401
        assert answer.headers['WWW-Authenticate'].startswith('Basic')
    now[0] += 2
    for headers in (bearer(token), cookie(token)):
        assert client.get(
            '/ping_suite', headers=headers).status_code == 401


def test_ended_cookie_is_none_at_all(client: FlaskClient) -> None:
    """The answer is the challenge, and nobody is kept waiting."""
    answer = client.get('/ping_suite', headers=cookie('x' * 64))
    assert answer.headers['WWW-Authenticate'].startswith('Basic')
    answer = client.get(
        '/ping_suite', headers=cookie('x' * 64), auth=OWNER)
    assert answer.status_code == 200


def test_cookie(client: FlaskClient) -> None:
    token = log_in(client)['token']
    assert client.get(
        '/get_suite_info', headers=cookie(token)).status_code == 200


def test_password_before_cookie(client: FlaskClient) -> None:
    """What was said for this request counts more than what is kept."""
    token = log_in(client, ANON)['token']
    said = client.get('/get_broadcast', headers=cookie(token), auth=OWNER)
    assert said.status_code == 200
    wrong = client.get(
        '/get_broadcast', headers=cookie(token), auth=('cylc', 'wrong'))
    assert wrong.status_code == 401


@pytest.mark.parametrize('path', ['/change', '/document', '/session/end'])
@pytest.mark.parametrize('fields, passes', [
    ({}, False),
    ({'Origin': 'http://localhost'}, False),
    ({'X-XSRFToken': 'CSRF'}, False),
    ({'Origin': 'http://localhost', 'X-XSRFToken': 'wrong'}, False),
    ({'Origin': 'http://localhost', 'X-XSRFToken': '\xff'}, False),
    ({'Origin': 'http://localhost', 'X-XSRFToken': ''}, False),
    ({'Origin': 'http://them', 'X-XSRFToken': 'CSRF'}, False),
    ({'Origin': 'http://localhost:81', 'X-XSRFToken': 'CSRF'}, False),
    ({'Origin': 'null', 'X-XSRFToken': 'CSRF'}, False),
    ({'Sec-Fetch-Site': 'cross-site', 'X-XSRFToken': 'CSRF'}, False),
    ({'Sec-Fetch-Site': 'same-site', 'X-XSRFToken': 'CSRF'}, False),
    ({'Sec-Fetch-Site': 'none', 'X-XSRFToken': 'CSRF'}, False),
    ({'Sec-Fetch-Site': 'cross-site', 'Origin': 'http://localhost',
      'X-XSRFToken': 'CSRF'}, False),
    ({'Origin': 'http://localhost', 'X-XSRFToken': 'CSRF'}, True),
    ({'Origin': 'http://localhost', 'X-CSRF-Token': 'CSRF'}, True),
    ({'Sec-Fetch-Site': 'same-origin', 'X-XSRFToken': 'CSRF'}, True),
])
def test_change_by_a_page(
    client: FlaskClient, path: str, fields: dict[str, str], passes: bool
) -> None:
    """By a cookie, as by a password which a browser keeps."""
    for auth in (OWNER, None):
        said = log_in(client)
        headers = cookie(said['token']) | {'User-Agent': 'Mozilla/5.0'} | {
            name: value.replace('CSRF', said['csrf'])
            for name, value in fields.items()
        }
        answer = client.post(path, headers=headers, auth=auth)
        assert answer.status_code == (200 if passes else 403)


def test_csrf_of_another_session(client: FlaskClient) -> None:
    own, other = log_in(client), log_in(client, ANON)
    headers = {'Origin': 'http://localhost', 'X-XSRFToken': other['csrf']}
    answer = client.post(
        '/change', headers=headers | cookie(own['token']))
    assert answer.status_code == 403
    answer = client.post(
        '/change', headers=headers | cookie(other['token']), auth=OWNER)
    assert answer.status_code == 403


def test_change_without_marks(client: FlaskClient) -> None:
    for path in ('/change', '/document'):
        assert client.post(path, auth=OWNER).data == b'changed'


@pytest.mark.parametrize('fields', [
    {'Origin': 'http://them'}, {'Origin': 'null'},
    {'Sec-Fetch-Site': 'cross-site'},
])
def test_pages_of_others_open_no_session(
    client: FlaskClient, fields: dict[str, str]
) -> None:
    for path in ('/session', '/session/end'):
        answer = client.post(path, headers=fields, auth=OWNER)
        assert answer.status_code == 403
        assert 'Set-Cookie' not in answer.headers


def test_links_open_no_session(client: FlaskClient) -> None:
    for path in ('/session', '/session/end'):
        assert client.get(path, auth=OWNER).status_code == 405


def test_own_pages_open_one(client: FlaskClient) -> None:
    answer = client.post('/session', auth=OWNER, headers={
        'Origin': 'http://localhost', 'Sec-Fetch-Site': 'same-origin',
        'User-Agent': 'Mozilla/5.0',
    })
    assert answer.status_code == 200


def test_read_only(flow: Workflow, naps: Naps) -> None:
    client = make(
        flow, naps, replace(CONFIG, read_only=True)
    ).test_client()
    headers = bearer(log_in(client)['token'])
    for path in ('/change', '/document'):
        assert client.post(path, headers=headers).status_code == 403
    assert client.post('/session/end', headers=headers).status_code == 200


def test_level_is_that_of_now(flow: Workflow, client: FlaskClient) -> None:
    """A reload changes what the public may, sessions or not."""
    token = log_in(client, ANON)['token']
    assert client.get(
        '/get_broadcast', headers=bearer(token)).status_code == 200
    side = flow.store.side
    flow.store.side = replace(side, definition=replace(
        side.definition, serial=9, public_privilege='identity'))
    assert client.get(
        '/get_broadcast', headers=bearer(token)).status_code == 403


def test_watch(flow: Workflow, app: Flask, client: FlaskClient) -> None:
    """What lasts can tell that its user may no longer what they might."""
    token = log_in(client, ANON)['token']
    login = cast(gate.Gate, app.extensions[gate.EXTENSION]).login
    with app.test_request_context():
        g.visitor = Visitor({'HTTP_AUTHORIZATION': f'Bearer {token}'})
        login.identify(g.visitor, once=False)
        now = gate.watch()
        user = gate.current_user('anon')
        assert gate.current_user('nobody') is None
    assert now() == user and user
    side = flow.store.side
    flow.store.side = replace(side, definition=replace(
        side.definition, serial=9, public_privilege='identity'))
    changed = now()
    assert changed and changed.privilege is Privilege.IDENTITY
    client.post('/session/end', headers=bearer(token))
    assert now() is None


@pytest.mark.parametrize('fields, status', [
    ({}, 200),
    ({'Origin': 'http://localhost'}, 200),
    ({'Origin': 'http://localhost:81'}, 403),
    ({'Origin': 'https://localhost'}, 403),
    ({'Origin': 'http://them'}, 403),
    ({'Origin': 'null'}, 403),
])
def test_handshakes_come_from_our_pages(
    client: FlaskClient, fields: dict[str, str], status: int
) -> None:
    """Whoever sends them, and before anything else."""
    headers = HANDSHAKE | fields
    assert client.get(
        '/later', headers=headers, auth=OWNER).status_code == status
    assert client.get('/later', headers=headers).status_code == (
        401 if status == 200 else 403)


@pytest.mark.parametrize('fields, status', [
    ({}, 200),
    ({'Origin': 'http://localhost'}, 200),
    ({'User-Agent': 'Mozilla/5.0'}, 403),
])
def test_change_by_a_socket(
    client: FlaskClient, fields: dict[str, str], status: int
) -> None:
    """A page can set no header there, but its origin is always told."""
    token = log_in(client)['token']
    assert client.get(
        '/socket', headers=HANDSHAKE | fields, auth=OWNER,
    ).status_code == status
    assert client.get(
        '/socket', headers=HANDSHAKE | fields | cookie(token),
    ).status_code == (200 if 'Origin' in fields else 403)


def test_login_later(
    client: FlaskClient, flow: Workflow, naps: Naps
) -> None:
    token = log_in(client)['token']
    answer = client.get(LATER, headers=HANDSHAKE)
    assert answer.json == {'before': None, 'after': None}
    flow.grouping.token = token  # type: ignore[attr-defined]
    answer = client.get(LATER, headers=HANDSHAKE)
    assert answer.json == {'before': None, 'after': 'cylc'}
    flow.grouping.token = 'x' * 64  # type: ignore[attr-defined]
    answer = client.get(LATER, headers=HANDSHAKE)
    assert answer.json == {'before': None, 'after': None}
    assert naps == [0.1]


@pytest.mark.parametrize('target', ['/page', LATER.replace('/later', '/page')])
def test_public_that_logs_in_later(
    app: Flask, client: FlaskClient, target: str
) -> None:
    """A token counts for commands, too, whoever it was before."""
    told: list[str] = []

    @gate.for_browsers
    @gate.login_later
    @requires(Privilege.NONE)
    def page() -> str:
        if 'authenticate' not in request.args:
            assert g.user.name == 'anon'
            with pytest.raises(Forbidden):
                gate.check_change()
        gate.bearer(token)
        gate.check_change()
        told.append(g.user.name)
        return ''

    app.add_url_rule('/page', view_func=page, websocket=True)
    token = log_in(client)['token']
    client.get(target, headers=HANDSHAKE | {
        'User-Agent': 'Mozilla/5.0', 'Origin': 'http://localhost',
    })
    assert told == ['cylc']


@pytest.mark.parametrize('target, fields, auth', [
    ('/later', HANDSHAKE, None),
    ('/later?authenticate=connection_ini', HANDSHAKE, None),
    (LATER + '&authenticate=x', HANDSHAKE, None),
    (LATER, HANDSHAKE, ('cylc', 'wrong')),
    (LATER, HANDSHAKE | bearer('x'), None),
    ('/socket?authenticate=connection_init', HANDSHAKE, None),
    ('/identify?authenticate=connection_init', {}, None),
])
def test_nobody_else_logs_in_later(
    client: FlaskClient, target: str, fields: dict[str, str], auth: Any
) -> None:
    answer = client.get(target, headers=fields, auth=auth)
    assert answer.status_code == 401


def test_number_of_strangers(flow: Workflow, naps: Naps) -> None:
    """So many may be connected at once; each makes room when it goes."""
    config = replace(CONFIG, limits=Limits(open_connections=8))
    app = make(flow, naps, config)
    inner: list[int] = []

    @gate.login_later
    @requires(Privilege.NONE)
    def nested() -> str:
        # In a thread: a request within another would share its `g`.
        with ThreadPoolExecutor() as pool:
            inner.append(pool.submit(enter).result())
        return ''

    def enter() -> int:
        answer = app.test_client().get(
            '/nested?authenticate=connection_init', headers=HANDSHAKE)
        return answer.status_code

    app.add_url_rule('/nested', view_func=nested, websocket=True)
    for _ in range(3):
        assert enter() == 200
        assert inner == [503, 200]
        inner.clear()
