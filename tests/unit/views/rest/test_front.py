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
"""What is answered without Flask is answered as by Flask."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
import logging
import re
from typing import Any, cast

from flask import Flask, request
import pytest

from cylc.flow.hostuserutil import get_user
from cylc_flask.app import create_app
from cylc_flask.auth.cookies import Cookies
from cylc_flask.commands import Commands
from cylc_flask.config import Config
from cylc_flask.privilege import Privilege
from cylc_flask.replica.records import Records
from cylc_flask.views.front import Front
from cylc_flask.workflows import Registry, Workflow
from tests.stores import recorded

PASSPHRASE = 'x' * 20

COOKIES = Cookies.of(get_user(), 'running')

CONFIG = Config(
    authentication='basic', method='http', bind=('127.0.0.1',),
    public_privilege=Privilege.IDENTITY,
)

PLAIN = (
    'apiversion', 'get_cylc_version', 'get_suite_info',
    'get_suite_state_summary', 'ping_suite',
)

CYLC = {
    'User-Agent': 'cylc/7.8.15 prog_name/cylc-ping uuid/4f1a',
    'From': 'me@here',
}


#: What callers get that name no session of theirs.
NEW_ID = re.compile('[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')


def basic(name: str, password: str) -> dict[str, str]:
    pair = b64encode(f'{name}:{password}'.encode()).decode()
    return {'Authorization': f'Basic {pair}'}


OWNER = basic('cylc', PASSPHRASE)
ANON = basic('anon', 'the quick brown fox')

#: What a request may have besides its path.
HEADERS: dict[str, dict[str, str]] = {
    'owner': OWNER,
    'client of Cylc 7': OWNER | CYLC,
    'public': ANON,
    'nobody': {},
    'wrong password': basic('cylc', 'wrong'),
    'unknown user': basic('nix', PASSPHRASE),
    'nonsense': {'Authorization': 'Basic'},
    'wrong scheme': {'Authorization': 'Digest username="cylc"'},
    'wrong token': {'Authorization': 'Bearer x'},
    'ended cookie': {'Cookie': f'{COOKIES.session}=x'},
    'browser of nobody': {'User-Agent': 'Mozilla/5.0'},
    'browser of the owner': OWNER | {'User-Agent': 'Mozilla/5.0'},
    'page of others': OWNER | {'Origin': 'http://them'},
    'wants JSON': ANON | {'Accept': 'application/json'},
    'wants another host': OWNER | {'Host': 'them.org'},
    'wants a socket': OWNER | {
        'Upgrade': 'websocket', 'Connection': 'Upgrade'},
}


@pytest.fixture
def flow() -> Workflow:
    return make_flow()


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


def answer(app: Flask, target: str, **options: Any) -> Any:
    found = app.test_client(use_cookies=False).open(target, **options)
    return found.status, found.headers.to_wsgi_list(), found.data


@pytest.fixture(scope='module')
def two() -> tuple[Workflow, Flask, Flask]:
    """Return a workflow, and its application with and without a front."""
    flow = make_flow()
    return flow, make(flow), without_front(flow)


@pytest.mark.parametrize('headers', HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize('path', [
    *(f'/{name}' for name in PLAIN), '/id/ping_suite', '/ping_suite/',
    '/ping_suite?', '/ping_suite?x=1', '/ping_suite/x', '/identify', '/nix',
])
def test_same_answer(
    two: tuple[Workflow, Flask, Flask],
    path: str,
    headers: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And the same in the log, but for the ids of callers without one."""
    flow, *apps = two
    caplog.set_level(logging.DEBUG, 'cylc')
    for method in ('GET', 'HEAD', 'POST', 'PUT'):
        found = []
        for app in apps:
            for sessions in flow.sessions.values():
                sessions.sign_out('4f1a')
            caplog.clear()
            said = answer(
                app, path, method=method, headers=headers,
                content_length=0 if method == 'POST' else None,
            )
            log = [NEW_ID.sub('', text) for text in caplog.messages]
            found.append((
                said[0], said[1], NEW_ID.sub('', said[2].decode()), log,
            ))
        assert found[0] == found[1]


@pytest.mark.parametrize('config', [
    replace(CONFIG, read_only=True), replace(CONFIG, control_by_get=False),
    replace(CONFIG, authentication='digest'),
])
def test_same_answer_with_other_settings(
    flow: Workflow, config: Config
) -> None:
    for headers in (OWNER, {}):
        said = [
            answer(make_app(flow, config), '/ping_suite', headers=headers)
            for make_app in (make, without_front)
        ]
        assert said[0][0] == said[1][0]
        assert said[0][2] == said[1][2]


def test_flask_is_not_asked(flow: Workflow) -> None:
    app = make(flow)
    asked: list[str] = []
    app.before_request_funcs[None].insert(
        0, lambda: asked.append(request.path))
    for name in PLAIN:
        for mount in ('', '/id'):
            assert answer(app, f'{mount}/{name}', headers=OWNER)[0] == (
                '200 OK')
    assert answer(app, '/ping_suite')[0] == '401 UNAUTHORIZED'
    assert asked == []
    answer(app, '/identify', headers=OWNER)
    answer(app, '/get_suite_info', headers=ANON)
    assert asked == ['/identify', '/get_suite_info']


def test_refused_once(
    flow: Workflow, caplog: pytest.LogCaptureFixture
) -> None:
    """The gate does not judge again what Flask only words."""
    naps: list[float] = []
    app = create_app(
        CONFIG, Registry(flow), frozenset({'localhost'}), naps.append)
    for number in range(1, 4):
        answer(app, '/get_suite_info', headers=basic('cylc', 'wrong'))
        assert len(naps) == number
        assert caplog.text.count('DENIED') == number


def test_counted_once(flow: Workflow) -> None:
    app = make(flow)
    for _ in range(3):
        answer(app, '/ping_suite', headers=OWNER | CYLC)
    assert flow.usage._counts == {('ping_suite', 'cylc-ping'): 3}


def test_answer_is_that_of_now(flow: Workflow) -> None:
    app = make(flow)
    before = answer(app, '/get_suite_info', headers=OWNER)[2]
    side = flow.store.side
    flow.store.side = replace(side, definition=replace(
        side.definition, suite_meta={'title': 'another'}))
    flow.store.version += 1
    after = answer(app, '/get_suite_info', headers=OWNER)[2]
    assert after == b'{"title":"another"}' != before


def test_fault(flow: Workflow, caplog: pytest.LogCaptureFixture) -> None:
    """Of ours: it is logged, and told without details."""
    app = make(flow)
    del flow.store.side
    said = answer(app, '/get_cylc_version', headers=OWNER)
    assert said[0] == '500 INTERNAL SERVER ERROR'
    assert b'AttributeError' not in said[2]
    assert 'fault in' in caplog.text


def test_headers_are_flasks_to_add(flow: Workflow) -> None:
    app = make(flow, replace(CONFIG, deprecate_rest=True))
    headers = dict(answer(app, '/ping_suite', headers=OWNER)[1])
    assert 'Deprecation' in headers
