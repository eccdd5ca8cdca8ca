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
"""A client of GraphQL on WebSockets that does just what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import json
import socket
import ssl
import struct
from typing import Any
from urllib.parse import urlsplit

import requests
from websocket import (
    ABNF,
    WebSocket,
    WebSocketBadStatusException,
    create_connection,
)

from tests.harness import ANON, Run

TRANSPORT, LEGACY = 'graphql-transport-ws', 'graphql-ws'

#: How long (seconds) a client waits for what must come.
PATIENCE = 20

#: Settings with which clients can send the password at once.
BASIC = {'authentication': 'basic'}


def address(run: Run, path: str) -> str:
    """Return the URL of a socket."""
    return run.url.replace('http', 'ws', 1) + path


def authorization(run: Run, user: str = 'cylc') -> str:
    """Return the header field that says who is there."""
    password = dict([ANON]).get(user) or run.passphrase
    request = requests.Request('GET', run.url, auth=(user, password))
    return f'Authorization: {request.prepare().headers["Authorization"]}'


class Closed(Exception):
    """The server has closed the socket."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Socket:
    """A socket, and what is said on it.

    Args:
        run: Whose.
        path: Where.
        protocol: The subprotocol to ask for.
        user: Who says to be there; '' for nobody.
        headers: More header fields.
        timeout: How long (seconds) to wait for what must come.
    """

    def __init__(
        self,
        run: Run,
        path: str = '/subscriptions',
        protocol: str = TRANSPORT,
        user: str = 'cylc',
        headers: tuple[str, ...] = (),
        timeout: float = PATIENCE,
    ) -> None:
        tls = {}
        if run.http['scheme'] == 'https':
            tls = {'ca_certs': str(run.service / 'ssl.cert')}
        login = [authorization(run, user)] if user else []
        self.protocol = protocol
        self.raw: WebSocket = create_connection(
            address(run, path),
            timeout=timeout,
            subprotocols=[protocol] if protocol else None,
            header=[*login, *headers],
            suppress_origin=True,
            sslopt=tls,
            http_no_proxy=['*'],
        )

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: Any) -> None:
        self.raw.shutdown()

    def say(self, **message: Any) -> None:
        """Send a message."""
        self.raw.send(json.dumps(message))

    def say_at_once(self, *messages: dict[str, Any]) -> None:
        """Send messages which arrive together."""
        self.raw.sock.sendall(b''.join(
            ABNF.create_frame(json.dumps(each), ABNF.OPCODE_TEXT).format()
            for each in messages
        ))

    def hear(self) -> dict[str, Any]:
        """Return the next message.

        Raises:
            Closed: There is none any more.
        """
        opcode, data = self.raw.recv_data()
        if opcode == ABNF.OPCODE_CLOSE:
            raise Closed(
                struct.unpack('!H', data[:2])[0], data[2:].decode())
        message: dict[str, Any] = json.loads(data)
        return message

    def until(self, type: str, id: str = '') -> dict[str, Any]:
        """Return the next message of a type, and pass over others."""
        while True:
            message = self.hear()
            if message['type'] == type and id in ('', message.get('id')):
                return message

    def init(self, **payload: Any) -> Socket:
        """Begin, and be let in."""
        self.say(type='connection_init', payload=payload)
        assert self.hear() == {'type': 'connection_ack'}
        return self

    def start(self, id: str, query: str, **variables: Any) -> None:
        """Begin an operation."""
        self.say(
            id=id,
            type='subscribe' if self.protocol == TRANSPORT else 'start',
            payload={'query': query, 'variables': variables},
        )

    def stop(self, id: str) -> None:
        """End an operation."""
        self.say(
            id=id, type='complete' if self.protocol == TRANSPORT else 'stop')

    @property
    def result(self) -> str:
        """Return the type of the messages with results."""
        return 'next' if self.protocol == TRANSPORT else 'data'

    def ask(self, id: str, query: str, **variables: Any) -> Any:
        """Return the data of an operation that has one result."""
        self.start(id, query, **variables)
        payload = self.until(self.result, id)['payload']
        assert 'errors' not in payload, payload
        assert self.hear() == {'id': id, 'type': 'complete'}
        return payload['data']

    def end(self) -> Closed:
        """Return how it ends."""
        try:
            while True:
                self.hear()
        except Closed as closed:
            return closed


@contextmanager
def refused(status: int) -> Iterator[WebSocketBadStatusException]:
    """Expect that the handshake fails with a status."""
    try:
        yield WebSocketBadStatusException('', 0)
    except WebSocketBadStatusException as exc:
        assert exc.status_code == status, exc
    else:
        raise AssertionError('the handshake went well')


def wait_until_paused(run: Run) -> None:
    """Wait until a workflow that is started so says so."""
    with Socket(run).init() as socket:
        run.wait_for(lambda: socket.ask('1', '{workflows {status}}') == {
            'workflows': [{'status': 'paused'}]})


class Raw:
    """A connection that sends whatever bytes it is told to.

    Args:
        run: Whose.
        context: TLS settings, None for plain HTTP.
        small: Take as little as possible of what is not read.
    """

    def __init__(
        self, run: Run, context: ssl.SSLContext | None, small: bool = False
    ) -> None:
        parts = urlsplit(run.url)
        self.host = str(parts.hostname)
        self.sock = socket.socket()
        if small:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.settimeout(PATIENCE)
        self.sock.connect((self.host, parts.port))
        if context:
            self.sock = context.wrap_socket(
                self.sock, server_hostname=self.host)

    def upgrade(self, login: str) -> Raw:
        """Become a WebSocket."""
        self.sock.sendall('\r\n'.join([
            'GET /subscriptions HTTP/1.1', f'Host: {self.host}', login,
            'Upgrade: websocket', 'Connection: Upgrade',
            'Sec-WebSocket-Version: 13',
            'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
            f'Sec-WebSocket-Protocol: {TRANSPORT}', '', '',
        ]).encode())
        head = b''
        while not head.endswith(b'\r\n\r\n'):
            byte = self.sock.recv(1)
            assert byte, head
            head += byte
        assert head.startswith(b'HTTP/1.1 101 '), head
        return self

    def say(self, **message: Any) -> None:
        """Send a message."""
        self.sock.sendall(frame(json.dumps(message).encode()))

    def is_open(self) -> bool:
        """Return True if a ping is answered."""
        try:
            self.sock.sendall(frame(b'', 0x89))
            while data := self.sock.recv(4096):
                if data.endswith(b'\x8a\x00'):
                    return True
        except OSError:
            pass
        return False

    def code(self) -> int:
        """Return the code with which the server closes."""
        data = b''
        while more := self.sock.recv(65536):
            data += more
        mark = data.rindex(b'\x88')
        (found,) = struct.unpack('!H', data[mark + 2:mark + 4])
        return int(found)

    def abort(self) -> None:
        """Break the connection, by a reset."""
        self.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.sock.close()


def frame(data: bytes, first: int = 0x81, length: int | None = None) -> bytes:
    """Return a frame of a client, masked by zeros.

    Args:
        data: What it holds.
        first: Its first byte.
        length: How long it says to be.
    """
    size = len(data) if length is None else length
    if size < 126:
        head = struct.pack('!BB', first, 0x80 | size)
    elif size < 65536:
        head = struct.pack('!BBH', first, 0x80 | 126, size)
    else:
        head = struct.pack('!BBQ', first, 0x80 | 127, size)
    return head + bytes(4) + data
