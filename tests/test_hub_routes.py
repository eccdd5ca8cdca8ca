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
"""Every route of the hub: none more, none that a stranger gets through."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask
import pytest

from cylc_flask.hub import passwords
from cylc_flask.hub.apps import Apps, ServerTools
from cylc_flask.privilege import Privilege, required
from tests.hubs import BROWSER, OWNER, PASSWORD, FakeHub, basic, fake_hub
from tests.test_routes import TABLE

READ, CHANGE = {'GET', 'HEAD'}, {'POST'}
ALL = READ | CHANGE

#: The hub's own, with their methods. What may be done is decided one by one,
#: so that none has a level.
HUB = {
    '/': ALL, '/workflows': ALL, '/list': ALL,
    '/graphql': ALL, '/graphql/stream': ALL, '/subscriptions': ALL,
    '/jobs': ALL, '/jobs/<id_>': READ, '/jobs/<id_>/output': READ,
    '/jobs/<id_>/cancel': CHANGE, '/sources': READ,
    '/options/<command>': READ, '/scan': CHANGE,
    '/whoami': READ, '/audit': READ,
    '/session': ALL, '/session/end': ALL,
    '/login': ALL, '/login/once': ALL, '/logout': ALL,
    '/static/<path:path>': ALL,
}

#: What strangers need to log in.
OPEN = {'/login', '/login/once', '/logout', '/static/<path:path>'}

#: What changes something.
CHANGES = {'/jobs', '/jobs/<id_>/cancel', '/scan'}

#: What a workflow has by itself for hubs, and below their address has not.
NOT_BELOW = {'/relay'}


@pytest.fixture(scope='module')
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeHub]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, 'METHOD', 'scrypt:1024:8:1')
        with fake_hub(tmp_path_factory.mktemp('hub'), 'one') as made:
            made.people.accounts.add(OWNER, PASSWORD, Privilege.NONE)
            yield made


@pytest.fixture(scope='module')
def apps(hub: FakeHub) -> Apps:
    return Apps(hub.site, frozenset({'localhost'}), ServerTools())


def rules_of(app: Flask) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        found.setdefault(rule.rule, set()).update(rule.methods or ())
    return found


def test_table(apps: Apps) -> None:
    assert rules_of(apps.hub) == HUB
    assert {
        required(view) for view in apps.hub.view_functions.values()
    } == {Privilege.NONE}
    for name, view in apps.hub.view_functions.items():
        assert view.__doc__, name


def test_workflows_have_what_they_have_by_themselves(apps: Apps) -> None:
    app = apps.find('one')
    assert app is not None
    assert rules_of(app).keys() == TABLE.keys() - NOT_BELOW
    assert {
        rule.rule: str(required(app.view_functions[rule.endpoint]))
        for rule in app.url_map.iter_rules()
    } == {
        path: level for path, level in TABLE.items() if path not in NOT_BELOW}


@pytest.mark.parametrize('path', sorted(HUB.keys() - OPEN))
def test_strangers(hub: FakeHub, path: str) -> None:
    path = path.replace('<id_>', 'x').replace('<command>', 'play')
    for method in ('GET', 'HEAD', 'POST'):
        assert hub.call(path, method=method).status_code == 401
    for method in ('OPTIONS', 'PUT', 'DELETE', 'PATCH'):
        answer = hub.call(path, method=method)
        assert answer.status_code == 405
        assert answer.headers['Allow'] == 'GET, HEAD, POST'


@pytest.mark.parametrize('path', sorted(CHANGES))
def test_pages_of_others_change_nothing(hub: FakeHub, path: str) -> None:
    """A browser has the password, and any page can have it send things."""
    path = path.replace('<id_>', 'x')
    headers = {**basic(OWNER), 'Content-Type': 'application/json'}
    for marks in (BROWSER, {**BROWSER, 'Origin': 'http://evil.example'}):
        answer = hub.call(path, {**headers, **marks}, 'POST', data='{}')
        assert answer.status_code == 403
    assert hub.site.launcher.jobs() == []
