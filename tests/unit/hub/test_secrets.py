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
"""Nobody learns of a workflow which they may know nothing of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
import re
from typing import Any

import pytest

from cylc_flask.hub.users import passwords
from cylc_flask.privilege import Privilege
from cylc_flask.views.web import EXTENSION as FILES
from tests.hubs import (
    BROWSER,
    OWN_PAGE,
    PASSPHRASE,
    QUICK,
    FakeHub,
    basic,
    bearer,
    fake_hub,
    shown,
)

#: Alice may do everything, but with one workflow; Carol nothing at all.
RULES = """
[[rule]]
users = ["alice"]
workflows = ["a/secret"]
may = ["!identity"]
"""

#: One that is there, and one that is not. As long, as some errors show it.
SECRET, UNKNOWN = 'a/secret', 'a/absent'

PATHS = (
    '', '/', '/identify', '/id/identify/', '/ping_suite', '/hold_suite',
    '/put_messages', '/get_latest_state', '/set_verbosity/10', '/nonsense',
    '/graphql', '/graphql?query={workflows{id}}', '/graphql/stream',
    '/subscriptions', '/subscriptions?authenticate=connection_init',
    '/feed', '/feed/snapshot', '/session', '/session/end', '/login',
    '/logout', '/api', '/logs', '/logs/x', '/static/icon.svg', '/run1',
    '/run1/identify', '/%2e%2e/x', '//', '/identify?a=%ff',
)

HANDSHAKE = {
    'Connection': 'Upgrade', 'Upgrade': 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Protocol': 'graphql-transport-ws',
}

#: Ways to ask: method, headers, body.
WAYS: dict[str, tuple[str, dict[str, str], bytes]] = {
    'GET': ('GET', {}, b''),
    'HEAD': ('HEAD', {}, b''),
    'POST': ('POST', {'Content-Type': 'application/json'}, b'{}'),
    'PUT': ('PUT', {}, b''),
    'OPTIONS': ('OPTIONS', {}, b''),
    'socket': ('GET', HANDSHAKE, b''),
    'browser': ('GET', BROWSER, b''),
    'page': ('POST', OWN_PAGE, b'a=b'),
    'script': ('GET', BROWSER | {'Sec-Fetch-Mode': 'cors',
                                 'Accept': 'application/json'}, b''),
    'foreign': ('POST', OWN_PAGE | {'Origin': 'http://other.org'}, b'a=b'),
    'host': ('GET', {'Host': 'other.org'}, b''),
}


#: In these ways all callers ask, in the others some.
THOROUGH = ('GET', 'POST')
SOME = ('stranger', 'alice', 'narrow token')


@pytest.fixture(scope='module')
def hub(tmp_path_factory: Any) -> Iterator[FakeHub]:
    patch = pytest.MonkeyPatch()
    patch.setattr(passwords, 'METHOD', QUICK)
    patch.setattr(passwords, 'NOBODY', passwords.make_hash('nobody knows'))
    directory: Path = tmp_path_factory.mktemp('hub')
    (directory / 'rules.toml').write_text(RULES)
    (directory / 'rules.toml').chmod(0o600)
    with fake_hub(directory, SECRET, 'a/open') as hub:
        hub.people.accounts.add('alice', 'correct horse', Privilege.parse(
            'full-control'))
        hub.people.accounts.add('carol', 'correct horse')
        yield hub
    patch.undo()


@pytest.fixture(scope='module')
def callers(hub: FakeHub) -> dict[str, dict[str, str]]:
    """Return the headers of all sorts of callers."""
    token = hub.people.tokens.add(
        'alice', 'all', ('full-control',), ('*',), None)
    narrow = hub.people.tokens.add(
        'alice', 'open', ('full-control',), ('a/open',), None)
    session = hub.call('/session', basic('alice'), 'POST').json['token']
    nothing = hub.call('/session', basic('carol'), 'POST').json['token']
    return {
        'stranger': {},
        'alice': basic('alice'),
        'carol': basic('carol'),
        'mallory': basic('alice', 'wrong password'),
        'nobody': basic('nobody'),
        'cylc by Basic': basic('cylc', PASSPHRASE),
        'digest': {'Authorization': 'Digest username="cylc"'},
        'nonsense': {'Authorization': 'Nonsense'},
        'token': bearer(token),
        'narrow token': bearer(narrow),
        'bad token': bearer('cylcflask_nonsense'),
        'session': bearer(session),
        'session of carol': bearer(nothing),
        'bad session': bearer('nonsense'),
    }


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('path', PATHS)
def test_unknown_and_forbidden_are_alike(
    hub: FakeHub, callers: dict[str, dict[str, str]], path: str, way: str,
) -> None:
    """Status, headers and body are the same, whoever asks and however."""
    method, headers, body = WAYS[way]
    for who, credentials in callers.items():
        if way not in THOROUGH and who not in SOME:
            continue
        answers = [
            hub.call(
                f'/workflows/{name}{path}', headers | credentials, method,
                data=body,
            ) for name in (SECRET, UNKNOWN)
        ]
        known, unknown = map(shown, answers)
        text = repr(unknown).replace(UNKNOWN, SECRET)
        assert repr(known) == text, who
        assert answers[0].status_code != 200, who


def test_an_open_one_is_different(
    hub: FakeHub, callers: dict[str, dict[str, str]]
) -> None:
    """What is compared above says something."""
    for who in ('alice', 'token', 'narrow token', 'session'):
        answer = hub.call('/workflows/a/open/identify', callers[who])
        assert answer.json['name'] == 'a/open', who
    for who in ('stranger', 'carol', 'mallory', 'bad token'):
        answer = hub.call('/workflows/a/open/identify', callers[who])
        assert answer.status_code in (401, 404), who


def test_cookies_are_no_other_way(hub: FakeHub) -> None:
    client = hub.client()
    hub.call('/session', basic('carol'), 'POST', client=client)
    for path in PATHS:
        known, unknown = (
            shown(hub.call(
                f'/workflows/{name}{path}', BROWSER, client=client))
            for name in (SECRET, UNKNOWN)
        )
        assert repr(known) == repr(unknown).replace(UNKNOWN, SECRET)
        assert known[0] == 404


def test_lists_do_not_tell(
    hub: FakeHub, callers: dict[str, dict[str, str]]
) -> None:
    for path in ('/workflows', '/whoami', '/graphql?query={workflows{id}}'):
        answer = hub.call(path, callers['alice'])
        assert b'a/open' in answer.data
        assert b'secret' not in answer.data
        answer = hub.call(path, callers['carol'])
        assert b'a/' not in answer.data


def test_reasons_do_not_tell(
    hub: FakeHub, callers: dict[str, dict[str, str]]
) -> None:
    """Why something is denied follows from the name alone."""
    for name in (SECRET, 'a/secret/run1'):
        answer = hub.call(
            f'/whoami?operation=hold&workflow={name}', callers['alice'])
        assert answer.json['reason'] == 'rule 1 forbids hold'
    reasons = {
        hub.call(
            f'/whoami?operation=hold&workflow={name}', callers['carol'],
        ).json['reason'].replace(name, '')
        for name in (SECRET, UNKNOWN)
    }
    assert len(reasons) == 1


def test_nonces_do_not_tell(hub: FakeHub) -> None:
    """Their numbers run on, whatever workflow they are for."""
    header = {'Authorization': 'Digest username="cylc", realm="a", nonce="b",'
              ' uri="/", response="c"'}
    numbers = []
    for name in (SECRET, UNKNOWN, 'a/open', UNKNOWN, SECRET):
        for headers in ({}, header):
            answer = hub.call(f'/workflows/{name}/ping_suite', headers)
            assert answer.status_code == 401
            challenge = answer.headers['WWW-Authenticate']
            found = re.search(r'nonce="\d+:([0-9a-f]{8})', challenge)
            assert found
            numbers.append(int(found[1], 16))
    assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]


def test_strangers_have_nothing_made(hub: FakeHub) -> None:
    """Neither memory nor time tells what is there."""
    hub.add('a/fresh')
    before = len(hub.apps)
    for path in PATHS:
        for headers in ({}, BROWSER, HANDSHAKE):
            hub.call(f'/workflows/a/fresh{path}', headers)
    assert len(hub.apps) == before
    hub.call('/workflows/a/fresh/ping_suite', basic('alice'))
    assert len(hub.apps) == before + 1
    hub.remove('a/fresh')
    assert len(hub.apps) == before


def test_one_more_has_little_made(hub: FakeHub) -> None:
    """Nor does it take long when somebody comes with whatever secret."""
    first, second = hub.apps.find(SECRET), hub.apps.find('a/open')
    assert first is not None and second is not None and first is not second
    assert second.url_map is first.url_map
    assert second.jinja_env is first.jinja_env
    assert second.extensions[FILES] is first.extensions[FILES]
    for name, view in first.view_functions.items():
        if name.startswith(('rest.', 'id.')):
            assert second.view_functions[name] is view, name
