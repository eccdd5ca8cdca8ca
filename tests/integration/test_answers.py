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
"""Answers that are kept, by us and by clients, while a scheduler runs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import md5
from http.client import HTTPResponse
from itertools import count
import json
import re
import socket
import subprocess
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.asking import ask
from tests.harness import ANON, Run, Starter, need

FLOW = """
    [meta]
        title = {title}
    [scheduler]
        UTC mode = True
        [[events]]
            stall timeout = PT1H
    [scheduling]
        [[graph]]
            R1 = one & two
    [runtime]
        [[one, two]]
            script = true
"""

QUERY = (
    '{workflows {status meta {title}} taskProxies(sort: {keys: ["id"]})'
    ' {id isHeld runtime {script}}}'
)

#: A document with another comment is another one, with the same answer.
_numbers = count()


def fresh(session: requests.Session, run: Run) -> bytes:
    """Return an answer that nobody has asked for before."""
    return get(session, run, f'{QUERY} # {next(_numbers)}').content


def get(
    session: requests.Session, run: Run, query: str = QUERY, **headers: str
) -> requests.Response:
    return session.get(
        f'{run.url}/graphql', params={'query': query}, headers=headers,
        timeout=20,
    )


@pytest.fixture(scope='module')
def run(mod_start: Starter) -> Run:
    return mod_start(FLOW.format(title='first'), '--pause', name='answers')


@pytest.fixture(scope='module')
def session(run: Run) -> requests.Session:
    found: requests.Session = run.session()
    return found


def hold(run: Run) -> None:
    run.post('hold_tasks', items='one.1')


def broadcast(run: Run) -> None:
    run.request('POST', 'put_broadcast', json={
        'point_strings': ['*'], 'namespaces': ['two'],
        'settings': [{'script': 'false'}],
    }).raise_for_status()


def reload(run: Run) -> None:
    run.define(FLOW.format(title='second'))
    run.post('reload_suite')


@pytest.mark.parametrize('change', [hold, broadcast, reload])
def test_kept_and_fresh(
    run: Run, session: requests.Session, change: Any
) -> None:
    """What is kept is what would be found, after each kind of change."""
    run.wait_for(lambda: get(session, run).content == fresh(session, run))
    before = get(session, run)
    assert get(
        session, run, **{'If-None-Match': before.headers['ETag']}
    ).status_code == 304
    change(run)
    run.wait_for(
        lambda: get(session, run).content == fresh(session, run)
        != before.content, 30, 'another answer',
    )
    after = get(session, run, **{'If-None-Match': before.headers['ETag']})
    assert after.status_code == 200
    assert after.headers['ETag'] != before.headers['ETag']


def test_side_data(run: Run, session: requests.Session) -> None:
    """What the REST API tells is that of now as well."""
    url = f'{run.url}/get_broadcast'
    first = session.get(url, timeout=20)
    again = session.get(
        url, headers={'If-None-Match': first.headers['ETag']}, timeout=20)
    assert (again.status_code, again.content) == (304, b'')
    run.request('POST', 'put_broadcast', json={
        'point_strings': ['1'], 'namespaces': ['one'],
        'settings': [{'environment': {'A': 'b'}}],
    }).raise_for_status()
    run.wait_for(lambda: session.get(
        url, headers={'If-None-Match': first.headers['ETag']}, timeout=20
    ).status_code == 200)


def test_all_ways_give_the_same(run: Run, session: requests.Session) -> None:
    by_get = get(session, run).json()
    assert by_get == ask_all(session, run)
    assert by_get['data'] == ask(run, QUERY)


def ask_all(session: requests.Session, run: Run) -> Any:
    """Return what a batch and a stream of events give, which is the same."""
    batch = session.post(
        f'{run.url}/graphql', json=[{'query': QUERY}] * 2, timeout=20).json()
    stream = session.post(
        f'{run.url}/graphql', json={'query': QUERY}, timeout=20,
        headers={'Accept': 'text/event-stream'},
    )
    (event,) = re.findall(r'^data: ({.*})$', stream.text, re.MULTILINE)
    assert batch[0] == batch[1] == json.loads(event)
    return batch[0]


@pytest.mark.parametrize('path', [
    f'graphql?query={quote(QUERY)}', 'get_suite_info',
    'get_suite_state_summary', 'id/get_suite_state_summary',
])
def test_curl(run: Run, path: str) -> None:
    options = (
        need('curl'), '-sSi', '--digest', '-u', f'cylc:{run.passphrase}',
        f'{run.url}/{path}',
    )

    def ask(*more: str) -> str:
        """Return what comes after the challenge."""
        return subprocess.run(
            (*options, *more), capture_output=True, text=True, timeout=30,
            check=True,
        ).stdout.partition('\n\n')[2]

    def held(form: str, *verb: str) -> str:
        """Return what is said to who has the answer of now."""
        tag = re.findall('(?m)^ETag: (.*)$', ask())[0]
        said = ask('-H', f'If-None-Match: {form.format(tag)}', *verb)
        return said if said.startswith('HTTP/1.1 304') else ''

    for form in ('{}', '"x", W/{}', '*'):
        for verb in ((), ('--head',)):
            # Something may change between the two.
            said = run.wait_for(lambda f=form, v=verb: held(f, *v))
            assert said.endswith('\n\n')
            assert 'Content-' not in said
            assert 'Vary: Authorization, Cookie, Accept' in said
    assert ask('-H', 'If-None-Match: "x"').startswith('HTTP/1.1 200')


# Heads that are known, and those that are not

CASES: dict[str, dict[str, Any]] = {
    'ping': {'path': '/ping_suite'},
    'info': {'path': '/get_suite_info'},
    'summary': {'path': '/get_suite_state_summary'},
    'query': {'path': '/graphql?query=%7Bworkflows%7Bname%7D%7D'},
    'nothing': {'path': '/nosuch'},
    'with arguments': {'path': '/get_task_info?names=one'},
    'bad arguments': {'path': '/ping_suite?x=1'},
    'HEAD': {'verb': 'HEAD', 'path': '/get_suite_info'},
    'PUT': {'verb': 'PUT', 'path': '/ping_suite'},
    'OPTIONS': {'verb': 'OPTIONS', 'path': '/ping_suite'},
    'HTTP/1.0': {'version': '1.0'},
    'HTTP/1.0 kept': {'version': '1.0', 'lines': ('Connection: keep-alive',)},
    'close': {'lines': ('Connection: close',)},
    'a part': {'lines': ('Range: bytes=0-1',)},
    'a body': {'lines': ('Content-Length: 3',), 'body': 'abc'},
    'odd case': {'lines': ('ACCEPT:   x/y  ', 'aCCept: application/json')},
    'known tag': {'path': '/get_suite_info', 'lines': ('If-None-Match: *',)},
    'no host': {'host': ()},
    'bad host': {'host': ('Host: them.org',)},
    'two hosts': {'host': ('Host: localhost', 'Host: localhost')},
    'a browser': {'lines': ('User-Agent: Mozilla/5.0',)},
    'a page of others': {'path': '/hold_suite', 'lines': (
        'Origin: http://them',)},
    'a command': {'path': '/nudge'},
    'wrong password': {'password': 'wrong'},
    'the public': {'user': ANON[0], 'password': ANON[1],
                   'path': '/get_suite_state_summary'},
    'nobody': {'user': None},
    'nonsense': {'credentials': 'Digest x'},
    'wrong scheme': {'credentials': 'Negotiate x'},
    'two credentials': {'lines': ('authorization: Basic YTpi',)},
}


class Line:
    """A connection to a run, on which requests are sent byte by byte."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._counts = count(1)
        self._nonce = self._realm = ''
        if run.http['authentication'] == 'digest':
            challenge = self.ask(user=None)[1]['WWW-Authenticate']
            found = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
            self._nonce, self._realm = found['nonce'], found['realm']

    def ask(
        self,
        *more: str,
        verb: str = 'GET',
        path: str = '/ping_suite',
        version: str = '1.1',
        host: tuple[str, ...] = ('Host: localhost',),
        lines: tuple[str, ...] = (),
        body: str = '',
        user: str | None = 'cylc',
        password: str = '',
        credentials: str = '',
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request, and return status, header fields and body."""
        if user and not credentials:
            credentials = self.credentials(
                verb, path, user, password or self._run.passphrase)
        proof = (f'Authorization: {credentials}',) if credentials else ()
        text = '\r\n'.join((
            f'{verb} {path} HTTP/{version}', *host, *lines, *proof, *more,
            '', body,
        ))
        with socket.create_connection(
            ('127.0.0.1', self._run.http['port']), 20
        ) as sock:
            sock.sendall(text.encode())
            answer = HTTPResponse(sock, method=verb)
            answer.begin()
            return answer.status, dict(answer.headers), answer.read()

    def credentials(
        self, verb: str, path: str, user: str, password: str
    ) -> str:
        """Return what proves the password, once."""
        if not self._nonce:
            pair = b64encode(f'{user}:{password}'.encode()).decode()
            return f'Basic {pair}'
        nc = f'{next(self._counts):08x}'
        secret = digest(f'{user}:{self._realm}:{password}')
        response = digest(
            f'{secret}:{self._nonce}:{nc}:c:auth:{digest(f"{verb}:{path}")}')
        return (
            f'Digest username="{user}", realm="{self._realm}",'
            f' nonce="{self._nonce}", uri="{path}", algorithm="MD5",'
            f' qop=auth, cnonce="c", nc={nc}, response="{response}"'
        )


def digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def plain(said: tuple[int, dict[str, str], bytes]) -> Any:
    """Return what is said without what is new each time."""
    status, fields, body = said
    kept = {
        name: re.sub('nonce="[^"]*"', '', value)
        for name, value in fields.items() if name != 'Date'
    }
    for name in ('Content-Length',) if status >= 400 else ():
        kept.pop(name, None)
    return status, kept, re.sub(rb'[0-9a-f-]{36}', b'', body)


@pytest.fixture(scope='module', params=['digest', 'basic', 'read_only'])
def line(
    request: pytest.FixtureRequest, mod_start: Starter
) -> Iterator[Line]:
    config = {'read_only': True} if request.param == 'read_only' else {
        'authentication': request.param}
    run = mod_start(
        FLOW.format(title='heads'), '--pause', name=request.param,
        config=config,
    )
    yield Line(run)


@pytest.mark.parametrize('case', CASES.values(), ids=CASES)
def test_known_heads(line: Line, case: dict[str, Any]) -> None:
    """They are answered as those that come for the first time."""
    expected = plain(line.ask(f'X-New: {next(_numbers)}', **case))
    for _ in range(3):
        assert plain(line.ask(**case)) == expected
    assert plain(line.ask(f'X-New: {next(_numbers)}', **case)) == expected


def test_replay(line: Line) -> None:
    """A count that was used is refused, though the head is known."""
    if not line._nonce:
        return  # there are no counts without Digest
    sent = line.credentials('GET', '/ping_suite', 'cylc',
                            line._run.passphrase)
    assert line.ask(credentials=sent)[0] == 200
    for more in ((), ('X-New: 1',)):
        status, fields, body = line.ask(*more, credentials=sent)
        assert (status, body) == (401, b'')
        assert 'stale="true"' in fields['WWW-Authenticate']
    assert line.ask()[0] == 200


def test_credentials_of_another_path(line: Line) -> None:
    """Digest is for one target, though both heads are known."""
    if not line._nonce:
        return  # Basic is for all targets
    for path in ('/ping_suite', '/get_suite_info'):
        assert line.ask(path=path)[0] == 200
    sent = line.credentials('GET', '/ping_suite', 'cylc',
                            line._run.passphrase)
    assert line.ask(path='/get_suite_info', credentials=sent)[0] == 401
