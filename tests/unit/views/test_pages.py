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
"""Pages, and the forms on them, as a browser sees and sends them."""

from __future__ import annotations

from dataclasses import replace
import gzip
from html.parser import HTMLParser
import re
from typing import Any, cast

from flask import Flask
from flask.testing import FlaskClient
import orjson
import pytest
from werkzeug.test import TestResponse

from cylc.flow.hostuserutil import get_user
from cylc_flask.app import create_app
from cylc_flask.auth.cookies import Cookies
from cylc_flask.commands import Commands
from cylc_flask.config import BLUEPRINTS, Config
from cylc_flask.privilege import PUBLIC_LEVELS, Privilege
from cylc_flask.replica.records import Records
from cylc_flask.views import rest, web
from cylc_flask.workflows import Registry, Workflow
from tests.stores import recorded

PASSPHRASE = 'x' * 20

COOKIES = Cookies.of(get_user(), 'mixed')

CONFIG = Config(
    method='http', bind=('127.0.0.1',),
    public_privilege=Privilege.STATE_TOTALS,
)

OURS = {'Origin': 'http://localhost'}

HTML = {'Accept': 'text/html,application/xhtml+xml,*/*;q=0.8'}

GUARD = {
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'same-origin',
}

#: Elements that load what their attribute says.
LOADED = {'script': 'src', 'link': 'href', 'img': 'src', 'iframe': 'src'}


class Browser(FlaskClient):
    """Says that it is one, and takes gzip."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        headers = {
            'User-Agent': 'Mozilla/5.0', 'Accept-Encoding': 'gzip, br',
            **HTML, **kwargs.pop('headers', {}),
        }
        return super().open(*args, headers=headers, **kwargs)


class Page(HTMLParser):
    """What matters of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(
        self, tag: str, attrs: list[tuple[str, str | None]]
    ) -> None:
        """Take note of an element."""
        self.elements.append((tag, dict(attrs)))

    def body(self) -> dict[str, str | None]:
        return next(found for tag, found in self.elements if tag == 'body')

    def loaded(self) -> list[str]:
        """Return the addresses of what a browser loads for it."""
        return [
            found[LOADED[tag]] or '' for tag, found in self.elements
            if tag in LOADED and LOADED[tag] in found
        ]


@pytest.fixture
def flow() -> Workflow:
    return Workflow(
        'mixed', PASSPHRASE, recorded('8.7', 'mixed'), Records(),
        cast(Commands, None),
    )


def make(flow: Workflow, config: Config = CONFIG) -> Flask:
    app = create_app(
        config, Registry(flow), frozenset({'localhost'}), lambda _: None)
    app.test_client_class = Browser
    return app


@pytest.fixture
def app(flow: Workflow) -> Flask:
    return make(flow)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def text_of(answer: TestResponse) -> str:
    data = answer.data
    if answer.headers.get('Content-Encoding') == 'gzip':
        data = gzip.decompress(data)
    return data.decode()


def page_of(answer: TestResponse) -> Page:
    assert answer.status_code == 200, text_of(answer)
    return Page(text_of(answer))


def island(answer: TestResponse) -> dict[str, Any]:
    found = re.search(r'id="state">(.*?)</script>', text_of(answer))
    assert found
    state: dict[str, Any] = orjson.loads(found[1])
    return state


def proof(client: FlaskClient) -> str:
    """Return what is hidden in the form."""
    found = re.search(
        r'name="form" value="(\w+)"', text_of(client.get('/login')))
    assert found
    return found[1]


def log_in(
    client: FlaskClient, password: str = PASSPHRASE, **more: Any
) -> TestResponse:
    return client.post('/login', **{'headers': OURS, **more}, data={
        'user': 'cylc', 'password': password, 'form': proof(client),
    })


# What anybody gets


@pytest.mark.parametrize('path', ['/', '/login', '/api', '/graphql', '/nix'])
def test_guard(client: FlaskClient, path: str) -> None:
    """No page runs what is not ours, nor in a frame of others."""
    answer = client.get(path)
    policy = answer.headers['Content-Security-Policy']
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert 'unsafe' not in policy
    for name, value in GUARD.items():
        assert answer.headers[name] == value
    referrer = 'same-origin' if path == '/login' else 'no-referrer'
    assert answer.headers['Referrer-Policy'] == referrer


@pytest.mark.parametrize('path', ['/', '/login', '/api', '/graphql', '/nix'])
def test_nothing_inline(client: FlaskClient, path: str) -> None:
    """The policy would not let it."""
    page = Page(text_of(client.get(path)))
    for tag, attributes in page.elements:
        assert tag != 'style'
        assert 'style' not in attributes
        assert not [name for name in attributes if name.startswith('on')]
        if tag == 'script':
            assert 'src' in attributes or (
                attributes['type'] == 'application/json')


@pytest.mark.parametrize('path', ['/', '/login', '/api', '/graphql'])
def test_all_that_is_loaded_is_there(
    client: FlaskClient, path: str
) -> None:
    """From this server, for ever; addresses are relative to the page."""
    found = page_of(client.get(path)).loaded()
    assert found
    for address in found:
        assert address.startswith('./static/')
        answer = client.get(address.removeprefix('.'))
        assert answer.status_code == 200, address
        assert 'immutable' in answer.headers['Cache-Control']


def test_not_for_others(app: Flask) -> None:
    """Programs have to log in, and get what they always got."""
    program = FlaskClient(app)
    for path in ('/', '/login', '/api', '/graphql', '/static/icon.svg'):
        answer = program.get(path, headers=HTML)
        assert answer.status_code == 401
        assert not answer.data
        assert set(answer.headers) <= {
            ('Content-Type', 'text/html;charset=utf-8'),
            ('Content-Length', '0'),
            ('WWW-Authenticate', answer.headers['WWW-Authenticate']),
        }


@pytest.mark.parametrize('path', ['//', '/login/', '/logout/', '/api/'])
def test_no_slash_too_many(client: FlaskClient, path: str) -> None:
    """Addresses in the page would lead elsewhere."""
    assert client.get(path).status_code in (401, 404)


# The page of the workflow


@pytest.mark.parametrize('level', PUBLIC_LEVELS, ids=str)
def test_levels(flow: Workflow, level: Privilege) -> None:
    """The source of the page has nothing above the level."""
    client = make(flow, replace(CONFIG, public_privilege=level)).test_client()
    answer = client.get('/')
    body = page_of(answer).body()
    assert (body['data-user'], body['data-privilege']) == ('anon', str(level))
    text, state = text_of(answer), island(answer)
    assert set(state) == (
        {'added', 'feed', 'version'} if level >= Privilege.FULL_READ
        else {'added'}
    )
    names = {proxy.name for proxy in flow.store.task_proxies.values()}
    told = [name for name in names if re.search(rf'\b{name}\b', text)]
    assert sorted(told) == (
        sorted(names) if level >= Privilege.FULL_READ else [])
    assert ('class="status"' in text) == (level >= Privilege.FULL_READ)
    assert ('class="totals"' in text) == (level >= Privilege.STATE_TOTALS)
    assert ('meta' in state['added']['workflow']) == (
        level >= Privilege.DESCRIPTION)


def test_body(flow: Workflow) -> None:
    """Scripts learn from it who is there, and what there is."""
    config = replace(CONFIG, enable=('graphql', 'page'), read_only=True)
    client = make(flow, config).test_client()
    assert page_of(client.get('/')).body() == {
        'data-user': 'anon', 'data-privilege': 'state-totals',
        'data-workflow': flow.store.workflow.id, 'data-base': './',
        'data-version': web.cylc_flask.__version__,
        'data-csrf-cookie': COOKIES.csrf, 'data-signed-in': 'false',
        'data-read-only': 'true', 'data-rest': 'false',
        'data-graphql': 'true', 'data-websocket': 'false',
        'data-logs': 'false',
    }


def test_markup_in_names(flow: Workflow) -> None:
    """Whatever a workflow writes is text, in the data too."""
    evil = '</script><script>alert(1)</script>'
    flow.store.workflow.meta.title = evil
    flow.store.workflow.status_msg = evil
    config = replace(CONFIG, public_privilege=Privilege.FULL_READ)
    answer = make(flow, config).test_client().get('/')
    assert evil not in text_of(answer)
    assert island(answer)['added']['workflow']['meta']['title'] == evil


def test_page_follows_the_store(flow: Workflow) -> None:
    config = replace(CONFIG, public_privilege=Privilege.FULL_READ)
    client = make(flow, config).test_client()
    before = client.get('/')
    proxy = next(iter(flow.store.task_proxies.values()))
    flow.store.task_proxies[proxy.id] = changed = type(proxy)()
    changed.CopyFrom(proxy)
    changed.state = 'expired'
    assert island(client.get('/')) == island(before)
    flow.store.version += 1
    after = client.get('/')
    assert island(after)['version'] == island(before)['version'] + 1
    assert 'data-state="expired"' in text_of(after)


def test_switched_off(flow: Workflow) -> None:
    rest_only = tuple(name for name in BLUEPRINTS if name != 'page')
    app = make(flow, replace(CONFIG, enable=rest_only))
    for path in ('/', '/login', '/api', '/static/icon.svg'):
        assert app.test_client().get(
            path, auth=None).status_code in (401, 404)
    answer = app.test_client().get('/graphql?query={workflows{id}}')
    assert answer.status_code == 200


# Compression


def test_large_answers_are_compressed(client: FlaskClient) -> None:
    answer = client.get('/api')
    assert answer.headers['Content-Encoding'] == 'gzip'
    assert 'Accept-Encoding' in answer.headers['Vary']
    assert 'REST API' in text_of(answer)
    plain = client.get('/api', headers={'Accept-Encoding': 'identity'})
    assert 'Content-Encoding' not in plain.headers
    assert plain.data.decode() == text_of(answer)


def test_tag_of_what_is_compressed(client: FlaskClient) -> None:
    """Other bytes have another tag; either is known again."""
    log_in(client)
    target = '/graphql?query={__schema{types{name fields{name}}}}'
    answers = [
        client.get(target, headers={
            'Accept': 'application/json', 'Accept-Encoding': coding,
        }) for coding in ('identity', 'gzip')
    ]
    tags = [answer.headers['ETag'] for answer in answers]
    assert 'Content-Encoding' not in answers[0].headers
    assert answers[1].headers['Content-Encoding'] == 'gzip'
    assert tags[0].startswith('"')
    assert tags[1] == f'W/{tags[0]}'
    for tag in tags:
        again = client.get(target, headers={
            'Accept': 'application/json', 'If-None-Match': tag,
        })
        assert (again.status_code, again.data) == (304, b'')


def test_no_secret_is_compressed(client: FlaskClient) -> None:
    """The size would tell about it."""
    log_in(client)
    answer = client.get(f'/login?{"x" * 3000}')
    assert 'name="csrf"' in text_of(answer)
    assert 'Content-Encoding' not in answer.headers
    cookie = client.get_cookie(COOKIES.csrf)
    assert cookie
    for path in ('/', '/api', '/graphql'):
        assert cookie.value not in text_of(client.get(path))


def test_only_for_browsers(app: Flask) -> None:
    """Programs that say they take gzip do not pay for it."""
    program, client = FlaskClient(app), app.test_client()
    log_in(client)
    cookie = client.get_cookie(COOKIES.session)
    assert cookie
    program.set_cookie(COOKIES.session, cookie.value)
    target = '/get_suite_state_summary'
    answer = program.get(target, headers={'Accept-Encoding': 'gzip'})
    assert answer.status_code == 200
    assert 'Content-Encoding' not in answer.headers
    assert 'Referrer-Policy' not in answer.headers
    compressed = client.get(target)
    assert compressed.headers['Content-Encoding'] == 'gzip'
    assert orjson.loads(text_of(compressed)) == answer.json


# Files


def test_files_as_they_are_now(client: FlaskClient) -> None:
    answer = client.get('/static/icon.svg')
    assert answer.headers['Cache-Control'] == 'no-cache'
    assert answer.mimetype == 'image/svg+xml'
    again = client.get('/static/icon.svg', headers={
        'If-None-Match': answer.headers['ETag'],
    })
    assert again.status_code == 304
    assert not again.data


def test_old_hash(client: FlaskClient) -> None:
    """What is not what it was is not kept for ever."""
    answer = client.get('/static/0123456789abcdef/icon.svg')
    assert answer.status_code == 200
    assert answer.headers['Cache-Control'] == 'no-cache'


@pytest.mark.parametrize('path', [
    '/static/', '/static/nix', '/static/../setup.cfg',
    '/static/%2e%2e/setup.cfg', '/static//etc/passwd', '/static/js',
    '/static/..%2f..%2fetc/passwd', '/static/0123456789abcdef/',
])
def test_no_other_files(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code in (401, 404)


# The forms


def test_log_in_and_out(client: FlaskClient) -> None:
    """Without any script."""
    answer = log_in(client)
    assert (answer.status_code, answer.headers['Location']) == (303, './')
    session = client.get_cookie(COOKIES.session)
    csrf = client.get_cookie(COOKIES.csrf)
    xsrf = client.get_cookie('_xsrf')
    assert session and csrf and xsrf
    assert session.http_only and not csrf.http_only
    assert csrf.value == xsrf.value
    for cookie in (session, csrf, xsrf):
        assert cookie.same_site == 'Strict'
        assert not cookie.secure
    assert client.get_cookie(COOKIES.form) is None
    body = page_of(client.get('/')).body()
    assert body['data-user'] == 'cylc'
    assert body['data-privilege'] == 'full-control'
    assert body['data-signed-in'] == 'true'
    answer = client.post(
        '/logout', headers=OURS, data={'csrf': csrf.value})
    assert (answer.status_code, answer.headers['Location']) == (303, './')
    for name in COOKIES.all:
        assert client.get_cookie(name) is None
    assert page_of(client.get('/')).body()['data-user'] == 'anon'
    client.set_cookie(COOKIES.session, session.value)
    assert page_of(client.get('/')).body()['data-user'] == 'anon'


def test_log_in_again(client: FlaskClient) -> None:
    """The old session ends: there is no way to fix one for somebody."""
    log_in(client)
    first = client.get_cookie(COOKIES.session)
    log_in(client)
    second = client.get_cookie(COOKIES.session)
    assert first and second
    assert first.value != second.value
    client.set_cookie(COOKIES.session, first.value)
    assert page_of(client.get('/')).body()['data-user'] == 'anon'


@pytest.mark.parametrize('base, origin', [
    ('https://localhost', 'https://localhost'),
    ('http://proxy.example', 'https://proxy.example'),
])
def test_secure_cookies(flow: Workflow, base: str, origin: str) -> None:
    """Where there is TLS, be it that somebody in front of us does it."""
    config = replace(CONFIG, allowed_hosts=('proxy.example',))
    client = make(flow, config).test_client()
    token = re.search(r'name="form" value="(\w+)"', text_of(
        client.get('/login', base_url=base)))
    assert token
    answer = client.post('/login', base_url=base, data={
        'password': PASSPHRASE, 'form': token[1],
    }, headers={'Origin': origin})
    assert answer.status_code == 303
    for header in answer.headers.getlist('Set-Cookie'):
        if 'Max-Age=0' not in header:
            assert '; Secure;' in header


@pytest.mark.parametrize('user, password', [
    ('cylc', 'wrong'), ('cylc', ''), ('nobody', PASSPHRASE),
    ('<script>', '<b>'), ('cylc\n', PASSPHRASE),
])
def test_wrong_password(
    client: FlaskClient, user: str, password: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = client.post('/login', headers=OURS, data={
        'user': user, 'password': password, 'form': proof(client),
    })
    assert answer.status_code == 403
    assert 'role="alert"' in text_of(answer)
    assert '<script>' not in text_of(answer)
    assert client.get_cookie(COOKIES.session) is None
    assert 'DENIED' in caplog.text
    assert password == '' or password not in text_of(answer)


def test_guesses_wait(flow: Workflow) -> None:
    """As those of other ways to log in do."""
    naps: list[float] = []
    app = create_app(
        CONFIG, Registry(flow), frozenset({'localhost'}), naps.append)
    app.test_client_class = Browser
    client = app.test_client()
    for _ in range(4):
        assert log_in(client, 'wrong').status_code == 403
    assert naps == sorted(naps)
    assert len(naps) == 4
    assert log_in(client).status_code == 303
    assert len(naps) == 4


@pytest.mark.parametrize('headers', [
    {}, {'Origin': 'null'}, {'Origin': 'http://them.example'},
    {'Origin': 'http://localhost:8080'}, {'Origin': 'https://localhost'},
    {'Sec-Fetch-Site': 'cross-site'}, {'Sec-Fetch-Site': 'same-site'},
    {'Sec-Fetch-Site': 'none'},
    OURS | {'Sec-Fetch-Site': 'cross-site'},
])
@pytest.mark.parametrize('path', ['/login', '/logout'])
def test_forms_of_others(
    client: FlaskClient, path: str, headers: dict[str, str]
) -> None:
    """They can make nobody log in or out."""
    log_in(client)
    session = client.get_cookie(COOKIES.session)
    csrf = client.get_cookie(COOKIES.csrf)
    assert session and csrf
    answer = client.post(path, headers=headers, data={
        'password': PASSPHRASE, 'form': proof(client), 'csrf': csrf.value,
    })
    assert answer.status_code == 403
    assert client.get_cookie(COOKIES.session) == session


@pytest.mark.parametrize('form', ['', 'x', '0' * 64])
def test_form_without_proof(client: FlaskClient, form: str) -> None:
    """The form is shown again."""
    proof(client)
    answer = client.post('/login', headers=OURS, data={
        'password': PASSPHRASE, 'form': form,
    })
    assert answer.status_code == 400
    assert 'too old' in text_of(answer)
    assert client.get_cookie(COOKIES.session) is None


def test_form_of_another_browser(app: Flask) -> None:
    one, other = app.test_client(), app.test_client()
    proof(other)
    answer = other.post('/login', headers=OURS, data={
        'password': PASSPHRASE, 'form': proof(one),
    })
    assert answer.status_code == 400


def test_sign_out_without_proof(client: FlaskClient) -> None:
    log_in(client)
    for data in ({'csrf': ''}, {'csrf': 'x'}):
        answer = client.post('/logout', headers=OURS, data=data)
        assert answer.status_code == 403
    assert client.get('/logout').status_code == 405
    assert page_of(client.get('/')).body()['data-user'] == 'cylc'


def test_sign_out_of_nothing(client: FlaskClient) -> None:
    """An ended session is as none; the cookies go all the same."""
    client.set_cookie(COOKIES.session, 'x')
    answer = client.post('/logout', headers=OURS, data={'csrf': ''})
    assert answer.status_code == 303
    assert client.get_cookie(COOKIES.session) is None


@pytest.mark.parametrize('changes, allowed', [
    ({'bind': ('0.0.0.0',)}, False),
    ({'bind': ('0.0.0.0',), 'insecure_basic': True}, True),
    ({'bind': ('0.0.0.0',), 'method': 'https'}, True),
    ({'bind': ('::1',)}, True),
    ({'bind': (), 'unix_socket': '/tmp/socket'}, True),
])
def test_in_the_clear(
    flow: Workflow, changes: dict[str, Any], allowed: bool
) -> None:
    """No passphrase is asked for where the network could read it."""
    client = make(flow, replace(CONFIG, **changes)).test_client()
    text = text_of(client.get('/login'))
    assert ('type="password"' in text) == allowed
    assert ('in the clear' in text) != allowed
    answer = client.post('/login', headers=OURS, data={
        'password': PASSPHRASE, 'form': 'x',
    })
    assert answer.status_code == (400 if allowed else 403)


# Who has not logged in


def test_public_is_for_reading(flow: Workflow) -> None:
    """Whatever the public may do: any page could send it."""
    config = replace(CONFIG, public_privilege=Privilege.SHUTDOWN)
    client = make(flow, config).test_client()
    ours = OURS | {'Accept': 'application/json'}
    read = client.post(
        '/graphql', json={'query': '{workflows {id}}'}, headers=ours)
    assert orjson.loads(text_of(read))['data']['workflows']
    change = 'mutation {stop(workflows: ["*"]) {result}}'
    for headers in (ours, ours | {'X-XSRFToken': 'x'}):
        answer = client.post(
            '/graphql', json={'query': change}, headers=headers)
        assert 'Log in' in text_of(answer)
        assert 'errors' in orjson.loads(text_of(answer))
    assert client.get('/stop_now').status_code == 401


def test_refusal_shows_where_to_log_in(client: FlaskClient) -> None:
    answer = client.get('/get_suite_state_summary')
    assert answer.status_code == 401
    assert '<a href="/login">' in text_of(answer)
    assert answer.headers['WWW-Authenticate'] == 'Session'


# GraphQL, and the description of the API


@pytest.mark.parametrize('method, path, headers, is_page', [
    ('GET', '/graphql', HTML, True),
    ('HEAD', '/graphql', HTML, True),
    ('GET', '/graphql', {'Accept': '*/*'}, False),
    ('GET', '/graphql', {'Accept': 'application/json'}, False),
    ('GET', '/graphql?query={workflows{id}}', HTML, False),
    ('POST', '/graphql', HTML, False),
    ('GET', '/graphql/stream', HTML, False),
    ('GET', '/graphql/', HTML, False),
])
def test_graphiql(
    client: FlaskClient, method: str, path: str, headers: dict[str, str],
    is_page: bool,
) -> None:
    answer = client.open(path, method=method, headers=headers)
    assert (answer.mimetype == 'text/html') == is_page


def test_graphiql_without_its_bundle(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says what is missing, or loads it."""
    files = app.extensions[web.EXTENSION]
    find = files.find
    for there in (False, True):
        monkeypatch.setattr(
            files, 'find', lambda name, there=there:
            there if name.startswith('bundle/') else find(name))
        text = text_of(client.get('/graphql'))
        assert ('/bundle/graphiql.js"></script>' in text) == there
        assert ('/bundle/graphiql.css">' in text) == there
        assert ('make assets' in text) != there


def test_api(app: Flask, client: FlaskClient) -> None:
    """Each endpoint is there, with what it says of itself."""
    page = page_of(client.get('/api'))
    with app.test_request_context():
        endpoints = rest.endpoints().by_name
    assert {
        found['id'] for tag, found in page.elements if tag == 'dt'
    } == set(endpoints)
    text = text_of(client.get('/api'))
    assert 'POST /<b>hold_tasks</b>' in text
    assert 'Hold tasks.' in text
    assert '<b><code>items</code></b> any number of times' in text
    assert '<code>wait</code> seconds to wait for the outcome' in text


def test_api_switched_off(flow: Workflow) -> None:
    client = make(flow, replace(CONFIG, enable=('page',))).test_client()
    assert 'switched off' in text_of(client.get('/api'))
