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
"""The two protocols of GraphQL on WebSockets, without the sockets.

Messages go in, and what is to be done comes out. Names of messages and close
codes are those of graphql-ws (5 and 6), which calls its protocol
``graphql-transport-ws``, and of the older subscriptions-transport-ws, which
calls its own ``graphql-ws``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

from cylc_flask.nesting import depth

#: As deep as a request may be, within its message.
MAX_DEPTH = 33

#: Why a socket is closed.
NORMAL = 1000
BAD_REQUEST = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
INIT_TIMEOUT = 4408
DUPLICATE = 4409
TOO_MANY_INITS = 4429
INTERNAL = 4500

#: A request is made of these.
TEXTS = ('query', 'operationName')
OBJECTS = ('variables', 'extensions')


@dataclass(frozen=True)
class Send:
    """Send this message."""

    text: bytes


@dataclass(frozen=True)
class Login:
    """Find out who is there, then call `welcome` or `refuse`."""

    payload: dict[str, Any]


@dataclass(frozen=True)
class Start:
    """Begin an operation."""

    id: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Stop:
    """End an operation without another word."""

    id: str


@dataclass(frozen=True)
class Close:
    """Close the socket."""

    code: int
    reason: str


Action = Send | Login | Start | Stop | Close


class BadMessage(Exception):
    """A message that makes no sense, with the code that says so."""

    def __init__(self, reason: str, code: int = BAD_REQUEST) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


@dataclass
class Protocol:
    """What both protocols have in common.

    Args:
        limit: How many operations may go on at a time.
    """

    limit: int
    #: The operations that go on.
    ids: set[str] = field(default_factory=set)
    #: True once the client has said who it is, or that it is there.
    begun: bool = False
    #: True once it may begin operations.
    ready: bool = False

    name: ClassVar[str]
    #: The type of the message that brings a result.
    result: ClassVar[str]

    def receive(self, message: str | bytes) -> list[Action]:
        """Return what a message makes necessary."""
        try:
            return self._dispatch(_parse(message))
        except BadMessage as exc:
            return [Close(exc.code, exc.reason)]

    def welcome(self) -> list[Action]:
        """Let a client in."""
        self.ready = True
        return [Send(b'{"type":"connection_ack"}')]

    def refuse(self, reason: str) -> list[Action]:
        """Send a client away."""
        return [Close(FORBIDDEN, reason)]

    def timed_out(self) -> list[Action]:
        """Send a client away that has not said that it is there."""
        return [Close(INIT_TIMEOUT, 'Connection initialisation timeout')]

    def head(self, id: str) -> bytes:
        """Return what comes before a result of an operation.

        After the result, as JSON, comes `TAIL`.
        """
        return b'{"id":%b,"type":"%b","payload":' % (
            orjson.dumps(id), self.result.encode())

    def complete(self, id: str) -> list[Action]:
        """End an operation that has come to its end."""
        if id not in self.ids:
            return []
        self.ids.remove(id)
        return [_send(id=id, type='complete')]

    def reject(self, id: str, errors: list[Any]) -> list[Action]:
        """End an operation that could not be carried out."""
        raise NotImplementedError

    def _dispatch(self, message: dict[str, Any]) -> list[Action]:
        """Return what a message makes necessary."""
        raise NotImplementedError

    def _init(self, message: dict[str, Any]) -> list[Action]:
        if self.begun:
            raise BadMessage(
                'Too many initialisation requests', TOO_MANY_INITS)
        self.begun = True
        return [Login(_object(message, 'payload') or {})]

    def _start(self, id: str, message: dict[str, Any]) -> list[Action]:
        """Begin an operation, if there are not too many."""
        parameters = _parameters(message)
        if len(self.ids) >= self.limit:
            return self.reject(id, [{
                'message':
                    f'{len(self.ids)} operations go on: {self.limit} at most'
                    ' on a socket (limits.subscriptions)',
                'extensions': {'code': 'TOO_MANY_SUBSCRIPTIONS'},
            }])
        self.ids.add(id)
        return [Start(id, parameters)]

    def _stop(self, id: str) -> list[Action]:
        if id not in self.ids:
            return []
        self.ids.remove(id)
        return [Stop(id)]


TAIL = b'}'


class TransportWs(Protocol):
    """graphql-transport-ws: the protocol of the graphql-ws library."""

    name = 'graphql-transport-ws'
    result = 'next'

    def reject(self, id: str, errors: list[Any]) -> list[Action]:
        """End an operation that could not be carried out."""
        self.ids.discard(id)
        return [_send(id=id, type='error', payload=errors)]

    def _dispatch(self, message: dict[str, Any]) -> list[Action]:
        match message.get('type'):
            case 'connection_init':
                return self._init(message)
            case 'ping':
                return [_pong(_object(message, 'payload'))]
            case 'pong':
                return []
            case 'subscribe':
                return self._subscribe(_id(message), message)
            case 'complete':
                return self._stop(_id(message))
        raise _unknown(message)

    def _subscribe(self, id: str, message: dict[str, Any]) -> list[Action]:
        if not self.ready:
            raise BadMessage('Unauthorized', UNAUTHORIZED)
        if id in self.ids:
            raise BadMessage(
                f'Subscriber for {id} already exists', DUPLICATE)
        return self._start(id, message)


class LegacyWs(Protocol):
    """graphql-ws: the protocol of subscriptions-transport-ws.

    It has keep-alive messages, which are not sent: once it has got one, a
    client breaks the connection when the next one takes longer than it
    thinks right. The pings of WebSockets do that work.
    """

    name = 'graphql-ws'
    result = 'data'

    def refuse(self, reason: str) -> list[Action]:
        """Send a client away."""
        return [
            _send(type='connection_error', payload={'message': reason}),
            *super().refuse(reason),
        ]

    def reject(self, id: str, errors: list[Any]) -> list[Action]:
        """End an operation that could not be carried out.

        As a result, since that is what clients show.
        """
        self.ids.discard(id)
        return [
            _send(id=id, type='data',
                  payload={'data': None, 'errors': errors}),
            _send(id=id, type='complete'),
        ]

    def _dispatch(self, message: dict[str, Any]) -> list[Action]:
        match message.get('type'):
            case 'connection_init':
                return self._init(message)
            case 'connection_terminate':
                return [Close(NORMAL, 'As you wish')]
            case 'start':
                return self._replace(_id(message), message)
            case 'stop':
                id = _id(message)
                return [*self._stop(id), _send(id=id, type='complete')]
        raise _unknown(message)

    def _replace(self, id: str, message: dict[str, Any]) -> list[Action]:
        """Begin an operation in place of one that has the same id."""
        if not self.ready:
            raise BadMessage('Unauthorized', UNAUTHORIZED)
        return [*self._stop(id), *self._start(id, message)]


PROTOCOLS = {cls.name: cls for cls in (TransportWs, LegacyWs)}


def _parse(message: str | bytes) -> dict[str, Any]:
    if isinstance(message, bytes):
        raise BadMessage('Invalid message: it is binary')
    try:
        found = orjson.loads(message)
    except ValueError as exc:
        raise BadMessage('Invalid message: it is no JSON') from exc
    if not isinstance(found, dict):
        raise BadMessage('Invalid message: it is no object')
    if depth(found, MAX_DEPTH) > MAX_DEPTH:
        raise BadMessage(
            f'Invalid message: more than {MAX_DEPTH} levels deep')
    return found


def _id(message: dict[str, Any]) -> str:
    """Return the id of an operation; numbers will do, too."""
    found = message.get('id')
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if not isinstance(found, str) or not found:
        raise BadMessage('Invalid message: "id" has to be a text')
    return found


def _object(found: dict[str, Any], key: str) -> dict[str, Any] | None:
    value = found.get(key)
    if value is None or isinstance(value, dict):
        return value
    raise BadMessage(f'Invalid message: "{key}" has to be an object')


def _parameters(message: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of an operation, which have the right types."""
    found = _object(message, 'payload')
    if found is None:
        raise BadMessage('Invalid message: there is no "payload"')
    for key in OBJECTS:
        _object(found, key)
    for key in TEXTS:
        if not isinstance(found.get(key), str | None):
            raise BadMessage(f'Invalid message: "{key}" has to be a text')
    return found


def _pong(payload: dict[str, Any] | None) -> Send:
    if payload is None:
        return _send(type='pong')
    return _send(type='pong', payload=payload)


def _send(**message: Any) -> Send:
    return Send(orjson.dumps(message))


def _unknown(message: dict[str, Any]) -> BadMessage:
    found = message.get('type')
    return BadMessage(f'Invalid message: unknown type {found!r:.40}')
