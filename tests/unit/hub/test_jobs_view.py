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
"""Orders over HTTP: their form, and who may give them."""

from __future__ import annotations

from collections.abc import Iterator
import json
from pathlib import Path
import threading
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import pytest
from werkzeug.test import TestResponse

from cylc_flask.hub.life import launch, options
from cylc_flask.hub.life.jobs import Job
from cylc_flask.hub.life.launch import Launcher
from cylc_flask.hub.users import passwords
from cylc_flask.privilege import Privilege
from tests import hubs
from tests.harness import wait_for
from tests.hubs import BROWSER, OWNER, PASSWORD, FakeHub, basic, fake_hub

JSON = {'Content-Type': 'application/json', 'Accept': 'application/json'}

#: The commands of Cylc's take their time, or say something.
SCRIPT = """\
#!/bin/sh
for name; do :; done
echo one
while test ! -e {folder}/go; do sleep 0.02; done
echo two >&2
"""

RULES = """
[[rule]]
users = ["bob"]
workflows = ["nwp"]
may = ["play"]
"""


class OneAtATime(Launcher):
    """Is told of its threads as by a server's, which does one thing at once.

    Args:
        deliver: Not needed.
        make_event: Makes events.
    """

    def __init__(self, deliver: Any, make_event: Any) -> None:
        self._turn = threading.RLock()
        super().__init__(self._in_turn, make_event)

    def _in_turn(self, work: Any, *args: Any) -> None:
        with self._turn:
            work(*args)

    def order(self, *args: Any, **more: Any) -> list[Job]:
        with self._turn:
            return super().order(*args, **more)

    def cancel(self, job: Job, user: str) -> None:
        with self._turn:
            super().cancel(job, user)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Have a hub in a home of its own, with two users beside the owner."""
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setattr(passwords, 'METHOD', 'scrypt:1024:8:1')
    monkeypatch.setattr(launch, 'bin_directory', lambda: tmp_path)
    monkeypatch.setattr(hubs, 'Launcher', OneAtATime)
    cylc = tmp_path / 'cylc'
    cylc.write_text(SCRIPT.format(folder=tmp_path))
    cylc.chmod(0o755)
    directory = tmp_path / 'hub'
    directory.mkdir(0o700)
    (directory / 'rules.toml').write_text(RULES)
    (directory / 'rules.toml').chmod(0o600)
    for name in ('nwp', 'secret'):
        path = tmp_path / 'cylc-run' / name
        path.mkdir(parents=True)
        (path / 'flow.cylc').touch()
    with fake_hub(directory, 'nwp', 'secret') as made:
        made.people.accounts.add(OWNER, PASSWORD, Privilege.NONE)
        for name in ('bob', 'carol'):
            made.people.accounts.add(name, PASSWORD, Privilege.NONE)
        yield made
        made.site.launcher.close()
        made.site.launcher.join(0)


def post(
    hub: FakeHub, body: Any, user: str = OWNER, path: str = '/jobs',
    **headers: str,
) -> TestResponse:
    return hub.call(
        path, {**basic(user), **JSON, **headers}, 'POST',
        data=body if isinstance(body, bytes) else json.dumps(body))


def get(hub: FakeHub, path: str, user: str = OWNER) -> TestResponse:
    return hub.call(path, {**basic(user), 'Accept': 'application/json'})


def ordered(hub: FakeHub, user: str = OWNER) -> Any:
    answer = post(hub, {'command': 'play', 'workflows': ['nwp']}, user)
    assert answer.status_code == 202, answer.json
    (job,) = answer.json['jobs']
    assert job['order'] == answer.json['order']
    return job


def test_order(hub: FakeHub, tmp_path: Path) -> None:
    job = ordered(hub)
    assert job['command'] == 'play' and job['user'] == OWNER
    assert get(hub, f'/jobs/{job["id"]}').json['id'] == job['id']
    (tmp_path / 'go').touch()
    ended = get(hub, f'/jobs/{job["id"]}?wait=20').json
    assert ended['state'] == 'succeeded' and ended['code'] == 0
    output = get(hub, f'/jobs/{job["id"]}/output')
    said = '$ cylc play --color=never -- nwp\none\ntwo\n'
    assert output.get_data(as_text=True) == said
    assert output.mimetype == 'text/plain'
    assert output.headers['Cylc-Output-Next'] == str(len(said))
    assert output.headers['Cylc-Output-Missed'] == '0'
    assert output.headers['Cylc-Job-State'] == 'succeeded'
    assert get(hub, f'/jobs/{job["id"]}/output?since={len(said) - 4}'
               ).data == b'two\n'
    assert get(hub, '/jobs?workflow=nwp').json == {'jobs': [ended]}
    assert get(hub, '/jobs').json == {'jobs': [ended]}
    assert get(hub, '/jobs?workflow=x').json == {'jobs': []}


def test_wait_for_all(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / 'go').touch()
    answer = post(hub, {
        'steps': [{'command': 'play', 'options': {'pause': True}}],
        'workflows': ['nwp', 'secret'],
    }, path='/jobs?wait=20')
    assert [(job['workflow'], job['state']) for job in answer.json['jobs']
            ] == [('nwp', 'succeeded'), ('secret', 'succeeded')]


@pytest.mark.parametrize(('body', 'error'), [
    (b'{', 'The order is no JSON'),
    (b'\xff', 'The order is no JSON'),
    ([], 'must be an object'),
    (None, 'must be an object'),
    ({}, 'command must be a text'),
    ({'command': 'play'}, 'An order is for 1 to'),
    ({'command': 1, 'workflows': ['nwp']}, 'command must be a text'),
    ({'command': 'rm', 'workflows': ['nwp']}, 'No such order'),
    ({'command': 'play', 'workflows': ['nwp'], 'x': 1, 'y': 2},
     "The order has 'x', 'y': there are command, confirm"),
    ({'command': 'play', 'workflows': 'nwp', 'options': []}, 'options must'),
    ({'command': 'play', 'workflows': [1]}, 'workflows'),
    ({'command': 'play', 'workflows': {'a': 1}}, 'workflows'),
    ({'command': 'play', 'workflows': ['-x']}, 'is not the name'),
    ({'command': 'play', 'workflows': ['nwp'], 'steps': []},
     'An order has steps, or one command.'),
    ({'steps': [], 'workflows': ['nwp']}, 'steps must be a list'),
    ({'steps': 'play', 'workflows': ['nwp']}, 'steps must be a list'),
    ({'steps': ['play'], 'workflows': ['nwp']}, 'A step must be an object'),
    ({'steps': [{'command': 'play', 'x': 1}], 'workflows': ['nwp']},
     'A step has'),
    ({'command': 'play', 'options': {'host': 'x'}, 'workflows': ['nwp']},
     'cannot be set here'),
    ({'command': 'play', 'options': {'pause': 'x'}, 'workflows': ['nwp']},
     'pause must be true or false'),
    ({'command': 'play', 'source': 'x', 'workflows': ['nwp']},
     'takes no source'),
    ({'command': 'install', 'source': 3, 'workflows': ['nwp']}, 'source'),
    ({'command': 'clean', 'workflows': ['nwp']}, 'confirm it by the names'),
    ({'command': 'clean', 'workflows': ['nwp'], 'confirm': ['secret']},
     'confirm it by the names'),
    ({'command': 'clean', 'workflows': ['nwp'], 'confirm': 5}, 'confirm'),
])
def test_bad_orders(hub: FakeHub, body: Any, error: str) -> None:
    answer = post(hub, body)
    assert answer.status_code == 400, answer.json
    assert error in answer.json['detail']
    assert get(hub, '/jobs').json == {'jobs': []}


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
    | st.text() | st.sampled_from(
        ['play', 'install', 'clean', 'stop', 'nwp', 'secret', '*', '-x'])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.text() | st.sampled_from(
            ['command', 'options', 'pause', 'set', 'after', 'run-name']),
        inner, max_size=3),
    max_leaves=8,
)
COMMAND = st.sampled_from([*sorted(options.PARSERS), 'rm']) | VALUES
STEP = st.fixed_dictionaries({}, optional={
    'command': COMMAND, 'options': VALUES}) | VALUES
ORDER = st.fixed_dictionaries({}, optional={
    'command': COMMAND,
    'options': VALUES,
    'steps': st.lists(STEP, max_size=3) | VALUES,
    'workflows': st.lists(
        st.sampled_from(['nwp', 'secret', 'new']) | VALUES, max_size=3
    ) | VALUES,
    'source': VALUES,
    'confirm': VALUES,
}) | VALUES


@settings(deadline=None, max_examples=300, suppress_health_check=[
    HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(ORDER, st.sampled_from([OWNER, 'bob', 'carol']))
def test_any_order(hub: FakeHub, order: Any, user: str) -> None:
    """Whatever is sent is taken, or refused with a reason."""
    answer = post(hub, order, user)
    assert answer.status_code in (202, 400, 403, 404), answer.data
    assert user != 'carol' or answer.status_code != 202


@pytest.mark.parametrize('path', [
    '/jobs?wait=x', '/jobs?wait=-1', '/jobs?wait=nan', '/jobs?wait=1e9',
])
def test_bad_waits(hub: FakeHub, path: str) -> None:
    answer = post(hub, {'command': 'play', 'workflows': ['nwp']}, path=path)
    assert answer.status_code == 400
    assert 'wait must be a number of seconds' in answer.json['detail']
    assert get(hub, '/jobs').json == {'jobs': []}


@pytest.mark.parametrize('since', ['x', '-1', '9' * 20, '1.5', '\u0661'])
def test_bad_places(hub: FakeHub, since: str) -> None:
    job = ordered(hub)
    answer = get(hub, f'/jobs/{job["id"]}/output?since={since}')
    assert answer.status_code == 400


def test_no_form(hub: FakeHub) -> None:
    """What a page of others can send is not taken."""
    answer = post(
        hub, b'{"command": "play", "workflows": ["nwp"]}',
        **{'Content-Type': 'text/plain'})
    assert answer.status_code == 415
    answer = post(
        hub, {'command': 'play', 'workflows': ['nwp']}, **BROWSER)
    assert answer.status_code == 403
    assert get(hub, '/jobs').json == {'jobs': []}


@pytest.mark.parametrize('path', ['/jobs', '/jobs/x/cancel', '/scan'])
def test_pages_of_others(hub: FakeHub, path: str) -> None:
    """A browser has the password, and any page can have it send things."""
    for marks in (BROWSER, {**BROWSER, 'Origin': 'http://evil.example'}):
        assert post(hub, {}, path=path, **marks).status_code == 403


def test_graphiql(hub: FakeHub) -> None:
    """A page of its own leads to nothing that is not there."""
    page = hub.call('/graphql', {**basic(OWNER), **BROWSER})
    assert page.mimetype == 'text/html' and b'GraphQL' in page.data
    assert b'./api' not in page.data
    page = hub.call('/workflows/nwp/graphql', {**basic(OWNER), **BROWSER})
    assert b'./api' in page.data


def test_nobody(hub: FakeHub) -> None:
    for path in ('/jobs', '/jobs/x', '/jobs/x/output', '/sources',
                 '/options/play'):
        assert hub.call(path).status_code == 401
    for path in ('/jobs', '/jobs/x/cancel', '/scan'):
        assert hub.call(path, JSON, 'POST').status_code == 401


def test_others(hub: FakeHub, tmp_path: Path) -> None:
    """What one may know nothing of is as what is not there."""
    order = {'command': 'play', 'workflows': ['secret']}
    unseen = post(hub, order, 'bob')
    unknown = post(hub, {**order, 'workflows': ['nosuch']}, 'bob')
    assert unseen.status_code == unknown.status_code == 404
    assert unseen.data.replace(b'secret', b'nosuch') == unknown.data
    denied = post(hub, {'command': 'validate', 'workflows': ['nwp']}, 'bob')
    assert denied.status_code == 403
    assert 'validate needs full-control' in denied.json['detail']

    job = ordered(hub, 'bob')
    for path in (f'/jobs/{job["id"]}', f'/jobs/{job["id"]}/output'):
        assert get(hub, path, 'bob').status_code == 200
        hidden, none = get(hub, path, 'carol'), get(
            hub, path.replace(job['id'], 'nosuch'), 'carol')
        assert hidden.status_code == none.status_code == 404
        assert hidden.data.replace(
            job['id'].encode(), b'nosuch') == none.data
    assert get(hub, '/jobs', 'carol').json == {'jobs': []}
    path = f'/jobs/{job["id"]}/cancel'
    assert post(hub, {}, 'carol', path).status_code == 404
    assert post(hub, {}, 'bob', path).status_code == 200
    assert wait_for(lambda: get(hub, f'/jobs/{job["id"]}').json[
        'state'] == 'cancelled')
    assert post(hub, {}, 'bob', path).status_code == 409
    assert [
        (line['user'], line['operation'], line['workflow'], line['outcome'])
        for line in hub.records() if line['operation'] in ('play', 'validate')
    ] == [
        ('bob', 'play', 'secret', 'denied'),
        ('bob', 'play', 'nosuch', 'denied'),
        ('bob', 'validate', 'nwp', 'denied'),
        ('bob', 'play', 'nwp', 'ok'),
        ('bob', 'play', 'nwp', 'ok'),
        ('bob', 'play', 'nwp', 'failed'),
    ]


def test_stream(hub: FakeHub, tmp_path: Path) -> None:
    job = ordered(hub)
    headers = {**basic(OWNER), 'Accept': 'text/event-stream'}
    answer = hub.call(
        f'/jobs/{job["id"]}/output', headers, buffered=False)
    assert answer.mimetype == 'text/event-stream'
    assert answer.headers['Cache-Control'] == 'no-store'
    heard = events(answer)
    name, state = next(heard)
    assert (name, state['state']) == ('job', 'running')
    text = ''
    while 'one' not in text:
        name, piece = next(heard)
        assert name == 'output' and piece['missed'] == 0
        text += piece['text']
        assert piece['next'] == len(text)
    (tmp_path / 'go').touch()
    for name, piece in heard:
        if name == 'end':
            assert piece['state'] == 'succeeded'
            break
        text += piece['text']
    assert text == '$ cylc play --color=never -- nwp\none\ntwo\n'
    assert next(heard, None) is None
    # Who comes back goes on where he was.
    again = events(hub.call(
        f'/jobs/{job["id"]}/output',
        {**headers, 'Last-Event-ID': str(len(text) - 4)}, buffered=False))
    assert [name for name, _ in again] == ['output', 'end']
    assert not hub.site.launcher.find(job['id'])._watchers


def events(answer: TestResponse) -> Iterator[tuple[str, Any]]:
    """Yield the events of a stream, without signs of life."""
    rest = b''
    for chunk in answer.response:
        rest += chunk
        while b'\n\n' in rest:
            event, _, rest = rest.partition(b'\n\n')
            fields = dict(
                line.split(': ', 1) for line in event.decode().splitlines()
                if not line.startswith(':'))
            if fields:
                yield fields['event'], json.loads(fields['data'])
    answer.close()


def test_options(hub: FakeHub) -> None:
    answer = get(hub, '/options/play', 'carol').json
    assert answer['command'] == 'play'
    (pause,) = [each for each in answer['options'] if each['name'] == 'pause']
    assert pause['kind'] == 'flag' and pause['help']
    assert 'host' in answer['withheld']
    missing = get(hub, '/options/rm', 'carol')
    assert missing.status_code == 404
    assert 'there are clean, install, play' in missing.json['detail']


def test_sources(hub: FakeHub, tmp_path: Path) -> None:
    for name in ('one', 'folder/two'):
        path = tmp_path / 'cylc-src' / name
        path.mkdir(parents=True)
        (path / 'flow.cylc').touch()
    assert get(hub, '/sources').json == {'sources': ['folder/two', 'one']}
    assert get(hub, '/sources', 'bob').json == {'sources': []}


@pytest.mark.parametrize('verb', ['PUT', 'DELETE', 'OPTIONS', 'PATCH'])
def test_other_verbs(hub: FakeHub, verb: str) -> None:
    for path in ('/jobs', '/jobs/x', '/jobs/x/cancel', '/scan'):
        assert hub.call(path, basic(OWNER), verb).status_code == 405
    assert get(hub, '/scan').status_code == 405
    assert get(hub, '/jobs/x/cancel').status_code == 405
    assert hub.call('/jobs/x', basic(OWNER), 'POST').status_code == 405


def test_read_only(hub: FakeHub, tmp_path: Path) -> None:
    with fake_hub(tmp_path / 'other', 'nwp', read_only=True) as other:
        other.people.accounts.add(OWNER, PASSWORD, Privilege.NONE)
        answer = post(other, {'command': 'play', 'workflows': ['nwp']})
        assert answer.status_code == 403
        assert 'read-only' in answer.json['detail']
