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
"""Queries answered without Flask, and answers that clients keep."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
import json
import logging
import re
from typing import Any, cast
from urllib.parse import quote

from flask import Flask, request
import pytest

from cylc_flask.app import create_app
from cylc_flask.commands import Commands
from cylc_flask.config import Config, Limits
from cylc_flask.privilege import Privilege
from cylc_flask.replica.records import Records
from cylc_flask.views.front import Front
from cylc_flask.views.known import KEPT
from cylc_flask.views.reply import is_known
from cylc_flask.workflows import Registry, Workflow
from tests.stores import recorded

PASSPHRASE = 'x' * 20

CONFIG = Config(
    authentication='basic', method='http', bind=('127.0.0.1',),
    public_privilege=Privilege.IDENTITY,
)

JSON = 'application/json'
STRICT = 'application/graphql-response+json'

NAMES = '{workflows {name}}'
PROXIES = '{taskProxies {id}}'


def basic(name: str, password: str) -> dict[str, str]:
    pair = b64encode(f'{name}:{password}'.encode()).decode()
    return {'Authorization': f'Basic {pair}'}


OWNER = basic('cylc', PASSPHRASE)
ANON = basic('anon', 'the quick brown fox')

#: What a request may have besides what it asks for.
HEADERS: dict[str, dict[str, str]] = {
    'owner': OWNER,
    'public': ANON,
    'nobody': {},
    'wrong password': basic('cylc', 'wrong'),
    'nonsense': {'Authorization': 'Basic'},
    'wrong token': {'Authorization': 'Bearer x'},
    'ended cookie': {'Cookie': 'cylc-flask-session=x'},
    'browser of nobody': {'User-Agent': 'Mozilla/5.0'},
    'browser of the owner': OWNER | {'User-Agent': 'Mozilla/5.0'},
    'page of others': OWNER | {'Origin': 'http://them'},
    'another host': OWNER | {'Host': 'them.org'},
    'another type': OWNER | {'Accept': STRICT},
    'no type': OWNER | {'Accept': 'image/png'},
    'a stream': OWNER | {'Accept': 'text/event-stream'},
    'a part': OWNER | {'Range': 'bytes=0-1'},
    'has it': OWNER | {'If-None-Match': '*'},
    'has another': OWNER | {'If-None-Match': '"x", W/"y"'},
    'wants a socket': OWNER | {
        'Upgrade': 'websocket', 'Connection': 'Upgrade'},
}


def make_flow() -> Workflow:
    return Workflow(
        'running', PASSPHRASE, recorded('8.7', 'running'), Records(),
        cast(Commands, None),
    )


def make(flow: Workflow, config: Config = CONFIG) -> Flask:
    return create_app(
        config, Registry(flow), frozenset({'localhost'}), lambda seconds: 0)


def without_front(flow: Workflow, config: Config = CONFIG) -> Flask:
    """Return the application with nothing before it."""
    app = make(flow, config)
    assert isinstance(app.wsgi_app, Front)
    app.wsgi_app = app.wsgi_app._app  # type: ignore[method-assign]
    return app


def asked(app: Flask) -> list[str]:
    """Return where Flask notes what it is asked for."""
    paths: list[str] = []
    app.before_request_funcs[None].insert(
        0, lambda: paths.append(request.path))
    return paths


def answer(app: Flask, target: str = '/graphql', **options: Any) -> Any:
    found = app.test_client(use_cookies=False).open(target, **options)
    body = re.sub(r'[0-9a-f-]{36}', '', found.data.decode())
    return found.status, found.headers.to_wsgi_list(), body


def get(app: Flask, query: str = NAMES, **headers: str) -> Any:
    """Ask as the owner does, and return status, header fields and body."""
    status, fields, body = answer(
        app, f'/graphql?query={quote(query)}', headers=OWNER | headers)
    return int(status[:3]), dict(fields), body


def bodies(query: str) -> list[bytes]:
    """Return bodies, all but the first of which are odd in some way."""
    text = json.dumps({'query': query}).encode()
    return [
        text, b'[%b]' % text, text[:-1], b'', b'\xff', b'null',
        json.dumps({'query': query, 'extra': 1}).encode(),
    ]


@pytest.fixture(scope='module')
def two() -> tuple[Workflow, Flask, Flask]:
    """Return a workflow, and its application with and without a front."""
    flow = make_flow()
    apps = make(flow), without_front(flow)
    for app in apps:
        for query in (NAMES, PROXIES):
            get(app, query)
            answer(app, method='POST', headers=OWNER, content_type=JSON,
                   data=bodies(query)[0])
    return flow, *apps


@pytest.mark.parametrize('headers', HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize('query', [
    NAMES, PROXIES, '{__typename}', '{nosuch}', '{command(id: "1") {id}}',
    'mutation {__typename}', '{',
])
def test_same_answer_by_get(
    two: tuple[Workflow, Flask, Flask],
    query: str,
    headers: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first time and later; and the same in the log."""
    caplog.set_level(logging.DEBUG, 'cylc')
    two[0].commands = cast(Any, NoCommands())
    for method in ('GET', 'HEAD', 'PUT') * 2:
        found = []
        for app in two[1:]:
            caplog.clear()
            found.append((answer(
                app, f'/graphql?query={quote(query)}', method=method,
                headers=headers,
            ), [re.sub('[0-9a-f-]{36}', '', text)
                for text in caplog.messages]))
        assert found[0] == found[1]


class NoCommands:
    """Knows of no command."""

    def find(self, _: str) -> None:
        """Find none."""


@pytest.mark.parametrize('headers', HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize('type_', [
    JSON, f'{JSON}; charset=latin-1', 'text/plain', ''])
def test_same_answer_by_post(
    two: tuple[Workflow, Flask, Flask], type_: str, headers: dict[str, str],
) -> None:
    for query in (NAMES, PROXIES, 'mutation {__typename}'):
        for body in bodies(query) * 2:
            found = [answer(
                app, method='POST', headers=headers, data=body,
                content_type=type_,
            ) for app in two[1:]]
            assert found[0] == found[1]


@pytest.mark.parametrize('config', [
    replace(CONFIG, read_only=True),
    replace(CONFIG, authentication='digest'),
    replace(CONFIG, limits=Limits(answer_cache=0)),
    replace(CONFIG, limits=Limits(query_values=10)),
])
def test_same_answer_with_other_settings(config: Config) -> None:
    flow = make_flow()
    apps = make(flow, config), without_front(flow, config)
    for headers in (OWNER, ANON, {}) * 2:
        found = [answer(
            app, f'/graphql?query={quote(PROXIES)}', headers=headers
        ) for app in apps]
        assert found[0][0] == found[1][0]
        assert found[0][2] == found[1][2]


def test_flask_is_not_asked_again() -> None:
    flow = make_flow()
    app = make(flow)
    paths = asked(app)
    text = bodies(NAMES)[0]
    for _ in range(3):
        get(app)
        answer(app, method='POST', headers=OWNER, content_type=JSON,
               data=text)
    assert len(paths) == 2
    flow.store.version += 1
    get(app)
    get(app)
    assert len(paths) == 3


@pytest.mark.parametrize('body', [
    {'query': NAMES, 'extensions': {}},
    {'query': NAMES, 'documentId': None},
    {'query': '{command(id: "1") {id}}'},
    {'query': 'mutation {__typename}'},
])
def test_flask_is_always_asked(body: dict[str, Any]) -> None:
    flow = make_flow()
    flow.commands = cast(Any, NoCommands())
    app = make(flow)
    paths = asked(app)
    for number in range(1, 4):
        answer(app, method='POST', headers=OWNER, content_type=JSON,
               data=json.dumps(body))
        assert len(paths) == number


def test_let_in_once() -> None:
    """Who is let in, and then sent to Flask, passes the gate once."""
    config = replace(CONFIG, limits=Limits(request_rate=1))
    app = make(make_flow(), config)
    paths = asked(app)
    for query in (PROXIES, PROXIES):
        answer(app, f'/graphql?query={quote(query)}', headers=OWNER)
    assert answer(
        app, f'/graphql?query={quote(PROXIES)}', headers=OWNER
    )[0].startswith('429')
    assert len(paths) == 2


def test_less_privilege_than_who_asked_before() -> None:
    app = make(make_flow())
    get(app, PROXIES)
    for number in (1, 2):
        found = answer(
            app, f'/graphql?query={quote(PROXIES)}', headers=ANON)
        assert 'FORBIDDEN' in found[2], number
        assert dict(found[1])['Cache-Control'] == 'no-store'


def test_no_more_privilege_than_now() -> None:
    """What the public may do can change while the server runs."""
    flow = make_flow()
    app = make(flow, replace(CONFIG, public_privilege=Privilege.FULL_READ))
    target = f'/graphql?query={quote(PROXIES)}'
    assert answer(app, target, headers=ANON)[0] == '200 OK'
    assert 'data' in answer(app, target, headers=ANON)[2]
    definition = flow.store.side.definition
    flow.store.side = replace(flow.store.side, definition=replace(
        definition, public_privilege='identity',
        serial=definition.serial + 1,
    ))
    assert 'FORBIDDEN' in answer(app, target, headers=ANON)[2]


def test_bound() -> None:
    app = make(make_flow())
    for number in range(400):
        get(app, f'{{workflows {{a{number}: name}}}} #' + 'x' * 1000)
    known = app.extensions['cylc_flask'].sources['/graphql']
    assert 0 < known._size <= KEPT
    assert len(known._known) < 400


# Tags

def test_tag() -> None:
    flow = make_flow()
    app = make(flow)
    status, fields, body = get(app)
    assert (status, fields['Content-Length']) == (200, str(len(body)))
    assert fields['Cache-Control'] == 'private, no-cache'
    assert fields['Vary'] == 'Authorization, Cookie, Accept'
    tag = fields['ETag']
    assert re.fullmatch('"[0-9a-f]{32}"', tag)
    for _ in range(2):
        status, fields, body = get(app, **{'If-None-Match': tag})
        assert (status, body) == (304, '')
        assert fields == {
            'ETag': tag, 'Cache-Control': 'private, no-cache',
            'Vary': 'Authorization, Cookie, Accept',
        }


def test_tag_is_of_the_content() -> None:
    """What has changed elsewhere makes no other answer of it."""
    flow = make_flow()
    app = make(flow)
    tag = get(app)[1]['ETag']
    flow.store.version += 1
    assert get(app, **{'If-None-Match': tag})[0] == 304
    flow.store.workflow.name = 'another'
    flow.store.version += 1
    status, fields, body = get(app, **{'If-None-Match': tag})
    assert (status, fields['ETag'] == tag) == (200, False)
    assert 'another' in body
    assert get(make(flow))[1]['ETag'] == fields['ETag']


def test_tag_is_of_the_type() -> None:
    app = make(make_flow())
    tags = {
        get(app, Accept=accept)[1]['ETag'] for accept in (JSON, STRICT)}
    assert len(tags) == 2


@pytest.mark.parametrize('query', [
    '{command(id: "1") {id}}', '{nosuch}', '{jobs(sort: {keys: ["x"]}) {id}}',
])
def test_no_tag(query: str) -> None:
    flow = make_flow()
    flow.commands = cast(Any, NoCommands())
    app = make(flow)
    for _ in range(2):
        status, fields, _ = get(app, query, **{'If-None-Match': '*'})
        assert status == 200
        assert 'ETag' not in fields
        assert fields['Cache-Control'] == 'no-store'


def test_no_tag_by_post() -> None:
    app = make(make_flow())
    for _ in range(2):
        status, fields, body = answer(
            app, method='POST', data=bodies(NAMES)[0], content_type=JSON,
            headers=OWNER | {'If-None-Match': '*'})
        assert status == '200 OK'
        assert 'ETag' not in dict(fields)
        assert body


@pytest.mark.parametrize('path', [
    'get_suite_info', 'get_suite_state_summary', 'get_broadcast',
    'get_task_info?names=bad',
])
@pytest.mark.parametrize('config', [
    CONFIG, replace(CONFIG, deprecate_rest=True)])
def test_rest(path: str, config: Config) -> None:
    app = make(make_flow(), config)
    status, fields, body = answer(app, path, headers=OWNER)
    tag = dict(fields)['ETag']
    assert dict(fields)['Cache-Control'] == 'private, no-cache'
    assert status == '200 OK'
    for method in ('GET', 'HEAD'):
        status, again, body = answer(
            app, path, method=method, headers=OWNER | {'If-None-Match': tag})
        assert (status, body) == ('304 NOT MODIFIED', '')
        assert {'ETag', 'Cache-Control', 'Vary'} <= dict(again).keys()
        assert not {'Content-Type', 'Content-Length'} & dict(again).keys()
        assert answer(app, path, method=method, headers=OWNER | {
            'If-None-Match': f'"{"0" * 32}"'})[0] == '200 OK'
    assert answer(app, path, method='POST', content_length=0, headers={
        **OWNER, 'If-None-Match': tag})[0] == '200 OK'


@pytest.mark.parametrize('path', [
    'ping_suite', 'apiversion', 'get_cylc_version', 'identify', 'signout',
])
def test_rest_without_tag(path: str) -> None:
    """What is as short as a tag, or does something."""
    app = make(make_flow())
    status, fields, _ = answer(
        app, path, headers=OWNER | {'If-None-Match': '*'})
    assert status == '200 OK'
    assert dict(fields).keys() == {'Content-Type', 'Content-Length'}


def test_no_304_to_strangers() -> None:
    app = make(make_flow())
    tag = get(app)[1]['ETag']
    for headers in ({}, basic('cylc', 'wrong')):
        for value in (tag, '*'):
            assert answer(
                app, f'/graphql?query={quote(NAMES)}',
                headers=headers | {'If-None-Match': value},
            )[0].startswith('401')


@pytest.mark.parametrize(('wanted', 'known'), [
    ('"a"', True), ('W/"a"', True), ('"b", "a"', True), ('"b",W/"a"', True),
    ('*', True), (' * ', True), ('"b"', False), ('', False), ('a', False),
    ('"A"', False), ('"b', False), ('"b*"', False), ('"ab"', False),
    ('"' * 60_000, False),
])
def test_is_known(wanted: str, known: bool) -> None:
    assert is_known(wanted, '"a"') is known
