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
"""Every route with its methods and its privilege: none more, none weaker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from flask import Flask
import pytest

from cylc_flask.app import create_app
from cylc_flask.commands import Commands
from cylc_flask.config import Config
from cylc_flask.hub.apps import Apps, ServerTools
from cylc_flask.privilege import required
from cylc_flask.replica.records import Records
from cylc_flask.replica.store import Store
from cylc_flask.workflows import Registry, Workflow
from tests.hubs import FakeHub, fake_hub

#: What Cylc 7 served, by the privilege that its callers need, and what we
#: have added to it.
REST = {
    'none': ['identify', 'signout'],
    'identity': ['apiversion', 'get_cylc_version', 'ping_suite'],
    'description': ['get_suite_info'],
    'full-read': [
        'get_broadcast', 'get_command', 'get_graph_raw', 'get_latest_state',
        'get_suite_state_summary', 'get_task_info', 'get_task_jobfile_path',
        'get_task_requisites', 'ping_task',
    ],
    'shutdown': [
        'set_stop_after_clock_time', 'set_stop_after_point',
        'set_stop_after_task', 'set_stop_cleanly', 'stop_now',
    ],
    'full-control': [
        'clear_broadcast', 'dry_run_tasks', 'expire_broadcast',
        'hold_after_point_string', 'hold_suite', 'hold_tasks',
        'insert_tasks', 'kill_tasks', 'nudge', 'poll_tasks',
        'put_broadcast', 'put_ext_trigger', 'put_message', 'put_messages',
        'release_suite', 'release_tasks', 'reload_suite', 'remove_cycle',
        'remove_tasks', 'reset_task_states', 'set_verbosity', 'spawn_tasks',
        'take_checkpoints', 'trigger_tasks',
    ],
}

TABLE = {
    f'{mount}/{name}{rest}': level
    for level, names in REST.items()
    for name in names
    for mount in ('', '/id')
    for rest in ('', '/', '/<path:segments>')
}

#: Besides Cylc 7's.
TABLE |= {
    '/graphql': 'none', '/graphql/stream': 'none', '/subscriptions': 'none',
    '/session': 'none', '/session/end': 'none', '/feed': 'full-read',
    '/feed/snapshot': 'full-read',
}

TABLE |= {
    '/': 'identity', '/api': 'none', '/login': 'none', '/logout': 'none',
    '/static/<path:path>': 'none',
}
TABLE |= {'/logs': 'full-read', '/logs/<path:id_>': 'full-read'}

#: WebSockets; without one these paths answer with an error.
SOCKETS = {'/feed', '/subscriptions'}

METHODS = {'GET', 'HEAD', 'POST'}

#: Where there is only to read.
READS = {'/logs', '/logs/<path:id_>'}

HOSTS = frozenset({'localhost'})

#: What the hub has of its own, by the verbs that it takes. What somebody may
#: do is decided for each workflow, in the views.
HUB = {
    **dict.fromkeys(
        ('/audit', '/jobs/<id_>', '/jobs/<id_>/output', '/options/<command>',
         '/sources', '/whoami', '/list', '/subscriptions'), {'GET', 'HEAD'}),
    **dict.fromkeys(('/jobs/<id_>/cancel', '/scan'), {'POST'}),
    **dict.fromkeys(
        ('/', '/graphql', '/graphql/stream', '/jobs', '/login',
         '/login/once', '/logout', '/session', '/session/end',
         '/static/<path:path>', '/workflows'), METHODS),
}

#: Needed by who logs in.
OPEN = ('/login', '/login/once', '/logout', '/static/<path:path>')


@pytest.fixture(scope='module')
def app() -> Flask:
    """Return the application of a workflow that nobody runs.

    No view of it is called here, so none asks for a scheduler.
    """
    flow = Workflow(
        'nobody', 'x' * 20, Store(), Records(), cast(Commands, None)
    )
    return create_app(Config(), Registry(flow), HOSTS)


def routes(app: Flask) -> Iterator[tuple[str, set[str], str]]:
    for rule in app.url_map.iter_rules():
        level = required(app.view_functions[rule.endpoint])
        yield rule.rule, rule.methods or set(), str(level)


def test_table(app: Flask) -> None:
    """No route is missing, extra, weaker or stricter."""
    assert {path: level for path, _, level in routes(app)} == TABLE


def test_methods(app: Flask) -> None:
    """No verb gets through by itself, as OPTIONS does in Flask."""
    assert {
        path: methods for path, methods, _ in routes(app)
        if methods != METHODS
    } == dict.fromkeys(SOCKETS | READS, {'GET', 'HEAD'})


@pytest.mark.parametrize('verb', ['OPTIONS', 'PUT', 'DELETE', 'PATCH'])
def test_other_verbs_reach_no_view(app: Flask, verb: str) -> None:
    """Other verbs end at the gate, with or without credentials."""
    client = app.test_client()
    for path in TABLE:
        answer = client.open(path.replace('<path:segments>', 'x'),
                             method=verb)
        assert answer.status_code == 405
        assert answer.headers['Allow'] == 'GET, HEAD, POST'


def test_every_path_wants_credentials(app: Flask) -> None:
    """Nobody gets anywhere without a name."""
    client = app.test_client()
    for path in TABLE:
        answer = client.get(path.replace('<path:segments>', 'x'))
        assert answer.status_code in (401, 405)  # some want POST
        assert not answer.data or answer.status_code == 405


def test_every_view_has_a_docstring(app: Flask) -> None:
    for name, view in app.view_functions.items():
        assert view.__doc__, name


@pytest.fixture(scope='module')
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeHub]:
    with fake_hub(tmp_path_factory.mktemp('hub'), 'nobody') as hub:
        yield hub


@pytest.fixture(scope='module')
def apps(hub: FakeHub) -> Apps:
    return Apps(hub.site, HOSTS, ServerTools())


def test_table_of_the_hub(apps: Apps) -> None:
    verbs: dict[str, set[str]] = {}
    for path, methods, level in routes(apps.hub):
        assert level == 'none', path
        if path not in SOCKETS | {'/list'} or methods != METHODS:
            verbs.setdefault(path, set()).update(methods)
    assert verbs == HUB


def test_table_of_workflows_in_the_hub(hub: FakeHub, apps: Apps) -> None:
    """It is that of a workflow's own server, the same for all."""
    hub.add('another')
    first, second = apps.find('nobody'), apps.find('another')
    assert first is not None and second is not None and first is not second
    for app in (first, second):
        assert {path: level for path, _, level in routes(app)} == TABLE
    assert first.url_map is second.url_map
    assert first.view_functions.keys() == second.view_functions.keys()


def test_hub_wants_credentials(hub: FakeHub) -> None:
    for path in HUB:
        for verb in ('GET', 'POST'):
            answer = hub.call(path, method=verb)
            if path in OPEN:
                assert answer.status_code in (200, 403, 404, 405), path
            else:
                assert answer.status_code == 401, path
                assert not answer.data


@pytest.mark.parametrize('verb', ['OPTIONS', 'PUT', 'DELETE', 'PATCH'])
def test_other_verbs_reach_no_view_of_the_hub(
    hub: FakeHub, verb: str
) -> None:
    for path in [*HUB, *(f'/workflows/nobody{path}' for path in TABLE)]:
        answer = hub.call(path, method=verb)
        assert answer.status_code == 405
        assert answer.headers['Allow'] == 'GET, HEAD, POST'


def test_every_view_of_the_hub_has_a_docstring(apps: Apps) -> None:
    for name, view in apps.hub.view_functions.items():
        assert view.__doc__, name
