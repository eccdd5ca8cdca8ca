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
"""A head that is known is read as if it had never come before."""

from __future__ import annotations

import gc
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from cylc_flask.server import heads
from cylc_flask.server.green import Server
from cylc_flask.server.heads import KNOWN, LONGEST, Heads
from tests.unit.server.served import Served, answers, echo

GET = b'GET /a?b=c HTTP/1.1\r\nHost: h\r\n'

#: Lines that can stand in a header, good and bad ones.
LINES = (
    b'Accept: */*', b'accept:x', b'Authorization: Basic YTpi',
    b'authorization: Basic YTpi', b'AUTHORIZATION: Basic YTpi',
    b'Authorization:', b'Authorization:\t x \t', b'Authorization: a\x01b',
    b'Authorization: \xe4', b'Authorization : x', b' Authorization: x',
    b'Connection: close', b'Connection: keep-alive', b'Content-Length: 0',
    b'Cookie: a=b', b'Expect: 100-continue', b'Host: other',
    b'Range: bytes=0-1', b'Transfer-Encoding: chunked', b'Upgrade: x',
    b'X_Y: z', b'X: ' + b'y' * 300, b'no field', b'',
)

FIRST = (
    b'GET / HTTP/1.1', b'GET / HTTP/1.0', b'HEAD /%41?x HTTP/1.1',
    b'GET http://h/x HTTP/1.1', b'POST / HTTP/1.1', b'GET / HTTP/2.0',
    b'GET nowhere HTTP/1.1', b'\r\nGET / HTTP/1.1',
    b'\r\nAuthorization: x\r\nGET / HTTP/1.1', b'Authorization: x',
)


@pytest.fixture(scope='module')
def served() -> Any:
    server = Served(echo, request_timeout=0.5).wait()
    yield server
    server.close()


def told(served: Served, data: bytes) -> list[Any]:
    """Return what is said to some bytes, without what changes by itself."""
    with served.connect() as sock:
        sock.sendall(data)
        sock.shutdown(1)
        said = b''.join(iter(lambda: sock.recv(65536), b''))
    found = []
    for answer in answers(said, *['HEAD'] * data.startswith(b'HEAD')):
        body = answer.body
        if answer.status == 200 and body:
            body = {
                key: value for key, value in answer.json.items()
                if key != 'REMOTE_PORT'
            }
        fields = {
            name: value for name, value in answer.headers.items()
            if name not in ('Date', 'Content-Length')
        }
        found.append((answer.status, fields, body))
    return found


def forget() -> None:
    for server in servers():
        server.heads = Heads()


def servers() -> list[Server]:
    return [each for each in gc.get_objects() if isinstance(each, Server)]


def known() -> int:
    return sum(len(each.heads) for each in servers())


@settings(max_examples=80, deadline=None)
@given(
    first=st.sampled_from(FIRST),
    lines=st.lists(st.sampled_from(LINES), max_size=4),
    before=st.lists(st.sampled_from(LINES), max_size=4),
)
def test_same_as_before(
    served: Served, first: bytes, lines: list[bytes], before: list[bytes]
) -> None:
    """Whatever came before it, with or without credentials."""
    request = b'\r\n'.join([first, b'Host: h', *lines, b'', b''])
    rest = [each for each in lines if b'uthorization' not in each]
    forget()
    fresh = told(served, request)
    for other in (rest, before, [*rest, *before]):
        told(served, b'\r\n'.join([
            first.removeprefix(b'\r\n'), b'Host: h', *other, b'', b'']))
    for _ in range(2):
        assert told(served, request) == fresh


@pytest.mark.parametrize('line', [
    b'', b'Authorization: Basic YTpi\r\n', b'authorization:Basic YTpi\r\n',
])
def test_known(served: Served, line: bytes) -> None:
    forget()
    for _ in range(3):
        assert told(served, GET + line + b'\r\n')[0][0] == 200
        assert known() == 1


def test_credentials_are_those_of_the_request(served: Served) -> None:
    forget()
    for value in ('Basic YTpi', 'Digest x="y"', '', 'Basic YTpi'):
        line = f'Authorization: {value}\r\n'.encode()
        (_, _, environ), = told(served, GET + line + b'\r\n')
        assert environ['HTTP_AUTHORIZATION'] == value
    (_, _, environ), = told(served, GET + b'\r\n')
    assert 'HTTP_AUTHORIZATION' not in environ
    assert known() == 1


def test_one_request_knows_nothing_of_another(served: Served) -> None:
    """What the application does with its environment ends with it."""
    spoilt: list[Any] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        spoilt.append(environ.pop('HTTP_HOST', None))
        environ['QUERY_STRING'] = environ['x'] = 'spoilt'
        start_response('200 OK', [('Content-Length', '0')])
        return [b'']

    server = Served(app).wait()
    try:
        for _ in range(3):
            told(server, GET + b'\r\n')
    finally:
        server.close()
    assert spoilt == ['h', 'h', 'h']


@pytest.mark.parametrize('lines', [
    b'Cookie: secret=1\r\n', b'Expect: 100-continue\r\n',
    b'Upgrade: websocket\r\n', b'AUTHORIZATION: Basic YTpi\r\n',
    b'X: ' + b'y' * LONGEST + b'\r\n', b'X: y\r\n' * 150,
])
def test_not_kept(served: Served, lines: bytes) -> None:
    """Secrets, what is rare, and what is large."""
    forget()
    assert told(served, GET + lines + b'\r\n')
    assert known() == 0


def test_bodies(served: Served) -> None:
    """They are read each time, of the length that the head tells."""
    head = b'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n'
    forget()
    found = told(served, head + b'abc' + head + b'def' + head + b'gh')
    assert [each[2]['body'] for each in found[:2]] == ['abc', 'def']
    assert found[2][0] == 400
    assert known() == 1


def test_pipelined(served: Served) -> None:
    other = GET.replace(b'/a', b'/other') + b'\r\n'
    found = told(served, (GET + b'\r\n' + other) * 20)
    assert [each[2]['PATH_INFO'] for each in found] == ['/a', '/other'] * 20


def test_limit_counts_the_credentials() -> None:
    """They make a head too large that is known without them."""
    server = Served(echo, header_size=1024).wait()
    try:
        assert told(server, GET + b'\r\n')[0][0] == 200
        for length in range(900, 1050):
            line = b'Authorization: ' + b'x' * length + b'\r\n'
            data = GET + line + b'\r\n'
            expected = 200 if len(data) - 2 <= 1024 else 431
            assert told(server, data)[0][0] == expected
    finally:
        server.close()


def test_bound() -> None:
    found = Heads()
    for number in range(2 * KNOWN):
        data = b'GET /%d HTTP/1.1\r\nHost: h\r\n\r\n' % number
        cut = heads.cut(data)
        assert cut
        line, _, rest = data.partition(b'\r\n')
        head = heads.Head.of(line + b'\r\n', {'host': 'h'}, 100, {})
        found.keep(cut, head, None)
        assert found.find(cut, 1000) is head
    assert len(found) == KNOWN
