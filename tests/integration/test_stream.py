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
"""GraphQL as streams of events, for those who have no WebSockets."""

from __future__ import annotations

from collections.abc import Iterator
import json
import socket
import subprocess
from typing import Any

import pytest
import requests

from tests.harness import Run, Starter, need
from tests.socket_client import BASIC, authorization, wait_until_paused

FLOW = """
    [scheduling]
        [[graph]]
            R1 = a => b
    [runtime]
        [[a, b]]
            [[[simulation]]]
                default run length = PT1S
"""

STATUS = '{workflows {id status}}'

STATES = 'subscription {deltas {id added {taskProxies {id state}}}}'

PAUSE = 'mutation {pause(workflows: ["*"]) {result}}'

STREAM = {'Accept': 'text/event-stream'}


@pytest.fixture(scope='module')
def run(mod_start: Starter) -> Run:
    """A paused workflow whose server gives signs of life often."""
    run = mod_start(FLOW, '--pause', '--mode=simulation', config={
        **BASIC, 'limits': {'ping_interval': 0.3}})
    wait_until_paused(run)
    return run


@pytest.fixture(scope='module')
def narrow(mod_start: Starter) -> Run:
    """The same with one place."""
    return mod_start(FLOW, '--pause', '--mode=simulation', name='narrow',
                     config={**BASIC, 'limits': {
                         'ping_interval': 0.3, 'sockets': 1}})


def events(answer: requests.Response) -> Iterator[tuple[str, Any]]:
    """Yield what comes: kind and data; a sign of life has none of them."""
    kind, data = '', ''
    for line in answer.iter_lines(decode_unicode=True):
        if line.startswith('event:'):
            kind = line[6:].strip()
        elif line.startswith('data:'):
            data = line[5:].strip()
        elif line.startswith(':'):
            yield 'comment', None
        elif not line and kind:
            yield kind, json.loads(data) if data else None
            kind = data = ''


def ask(
    run: Run, query: str, verb: str = 'POST', path: str = '/graphql/stream',
    **options: Any,
) -> requests.Response:
    """Return the answer to an operation, as it begins."""
    asked = {'query': query}
    told = {'json': asked} if verb == 'POST' else {'params': asked}
    headers = STREAM if path == '/graphql' else {}
    return run.session(options.pop('user', 'cylc')).request(
        verb, run.url + path, **told, headers=headers, stream=True,
        timeout=20, **options,
    )


@pytest.mark.parametrize('path', ['/graphql', '/graphql/stream'])
@pytest.mark.parametrize('verb', ['GET', 'POST'])
def test_query(run: Run, path: str, verb: str) -> None:
    with ask(run, STATUS, verb, path) as answer:
        assert answer.status_code == 200
        assert answer.headers['Content-Type'].startswith('text/event-stream')
        assert answer.headers['Cache-Control'] == 'no-store'
        (kind, payload), end = events(answer)
        assert kind == 'next'
        assert payload['data']['workflows'][0]['status'] == 'paused'
        assert end == ('complete', None)


def test_mutation(run: Run) -> None:
    with ask(run, PAUSE) as answer:
        (_, payload), end = events(answer)
        assert payload['data']['pause']['result'][0]['response'][0] is True
        assert end == ('complete', None)


def test_mutation_by_get(run: Run) -> None:
    answer = ask(run, PAUSE, 'GET')
    assert answer.status_code == 405
    assert answer.headers['Allow'] == 'POST'
    assert answer.json()['errors'][0]['extensions']['code'] == (
        'METHOD_NOT_ALLOWED')


@pytest.mark.parametrize('verb', ['GET', 'POST'])
def test_subscription(run: Run, verb: str) -> None:
    with ask(run, STATES, verb) as answer:
        found = events(answer)
        assert next(found) == ('comment', None)
        kind, payload = next(found)
        assert kind == 'next'
        assert len(payload['data']['deltas']['added']['taskProxies']) == 2
        assert [next(found) for _ in range(2)] == [('comment', None)] * 2


@pytest.mark.parametrize('query, code', [
    ('{nonsense}', 'GRAPHQL_VALIDATION_FAILED'),
    ('subscription {nonsense}', 'GRAPHQL_VALIDATION_FAILED'),
    ('{', 'GRAPHQL_PARSE_FAILED'),
    ('', 'GRAPHQL_PARSE_FAILED'),
])
def test_errors_are_events(run: Run, query: str, code: str) -> None:
    with ask(run, query) as answer:
        assert answer.status_code == 200
        (_, payload), end = events(answer)
        assert payload['errors'][0]['extensions']['code'] == code
        assert end == ('complete', None)


def test_levels_hold(run: Run) -> None:
    for query in (STATES, PAUSE):
        with ask(run, query, user='anon') as answer:
            (_, payload), _ = events(answer)
            assert payload['errors'][0]['extensions']['code'] == 'FORBIDDEN'


def test_no_operation(run: Run) -> None:
    """What is no request at all gets a status, as JSON."""
    answer = run.request('POST', '/graphql/stream', data='x')
    assert answer.status_code == 415
    answer = run.request('POST', '/graphql/stream', data='x', headers={
        'Content-Type': 'application/json'})
    assert answer.status_code == 400
    assert answer.json()['errors']
    assert requests.get(f'{run.url}/graphql/stream').status_code == 401


def test_head(run: Run) -> None:
    answer = run.request('HEAD', '/graphql/stream', params={'query': STATES})
    assert answer.status_code == 200
    assert answer.headers['Content-Type'].startswith('text/event-stream')


def has_room(run: Run) -> bool:
    """Return True if one more can follow, and leave that place again."""
    with ask(run, STATES) as answer:
        return answer.status_code == 200


def test_who_leaves_makes_room(narrow: Run) -> None:
    with ask(narrow, STATES) as first:
        assert first.status_code == 200
        assert not has_room(narrow)
        assert ask(narrow, STATUS, path='/graphql').status_code == 503
    narrow.wait_for(lambda: has_room(narrow))


def test_who_breaks_off_makes_room(narrow: Run) -> None:
    run = narrow
    run.wait_for(lambda: has_room(run))
    host, port = run.url.split('/')[2].split(':')
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall('\r\n'.join([
            'GET /graphql/stream?query=subscription{deltas{id}} HTTP/1.1',
            f'Host: {host}', authorization(run), '', '',
        ]).encode())
        assert raw.recv(4).startswith(b'HTTP')
    run.wait_for(lambda: has_room(run))


def test_the_end_of_a_session_ends_streams(run: Run) -> None:
    token = run.request('POST', '/session').json()['token']
    login = {'Authorization': f'Bearer {token}'}
    with requests.post(
        f'{run.url}/graphql/stream', json={'query': STATES},
        headers=login, stream=True, timeout=20,
    ) as answer:
        assert answer.status_code == 200
        found = events(answer)
        assert next(found)[0] == 'comment'
        assert next(found)[0] == 'next'
        ended = requests.post(f'{run.url}/session/end', headers=login)
        assert ended.ok
        assert [kind for kind, _ in found][-1] == 'complete'


def test_curl(run: Run) -> None:
    """The first event comes at once, not when there are many."""
    with subprocess.Popen(
        (need('curl'), '-sN', '-u', f'cylc:{run.passphrase}', '-d',
         json.dumps({'query': STATES}), '-H',
         'Content-Type: application/json', f'{run.url}/graphql/stream'),
        stdout=subprocess.PIPE,
    ) as curl:
        assert curl.stdout
        while not (line := curl.stdout.readline()).startswith(b'data:'):
            assert line
        assert json.loads(line[5:])['data']
        curl.kill()


def test_to_the_end(start: Starter) -> None:
    run = start(FLOW, '--pause', '--mode=simulation', config=BASIC)
    with ask(run, STATES) as answer:
        found = events(answer)
        assert next(found)[0] == 'comment'
        run.cylc('play', run.name)
        kinds = [kind for kind, _ in found]
    assert kinds[-1] == 'complete'
    assert set(kinds) <= {'comment', 'next', 'complete'}
    assert run.wait_end() == 0
    assert 'flask: fault' not in run.log()
