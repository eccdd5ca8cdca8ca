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
import struct
from typing import Any

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
