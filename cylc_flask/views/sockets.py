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
"""WebSockets by flask-sock: the handshake, and one talk on each.

A view is a function that talks until it returns, in one loop: it waits,
takes what messages have come, and sends. Whatever else it waits for calls
`wake`.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
import struct
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable, NoReturn, Protocol, cast

from flask import Flask, Response, current_app, g, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed
from simple_websocket.errors import ConnectionError as NoConnection
from wsproto.events import Ping
from wsproto.utilities import RemoteProtocolError

from cylc.flow import LOG
from cylc_flask.auth import gate
from cylc_flask.errors import RequestError, Unavailable
from cylc_flask.lines import Lines
from cylc_flask.privilege import Privilege, requires
from cylc_flask.views import current, errors

if TYPE_CHECKING:
    from simple_websocket import Server

    from cylc_flask.auth.users import User

EXTENSION = 'cylc_flask_sockets'

#: What says why a socket is closed. Clients come back after the last one.
GONE, LOST, POLICY, FAULT, FORBIDDEN = 1001, 1006, 1008, 1011, 4403

#: The first byte of a frame that is a whole message.
TEXT, BINARY = b'\x81', b'\x82'

#: Who was busy for so long (seconds) may have left an answer unread.
BUSY = 1.0

VERSION = '13'


class Event(Protocol):
    """What can be waited for."""

    def set(self) -> object: ...
    def clear(self) -> object: ...
    def wait(self, timeout: float | None = None) -> object: ...


def _spawn(work: Callable[..., object], *args: Any) -> None:
    threading.Thread(target=work, args=args, daemon=True).start()


@dataclass(frozen=True)
class SockTools:
    """What sockets and streams need of the server they run in.

    Args:
        spawn: Has something done beside what is being done.
        make_event: Makes what can be waited for.
        options: What flask-sock shall use.
        lines: Who stays.
    """

    spawn: Callable[..., None] = _spawn
    make_event: Callable[[], Event] = threading.Event
    options: Mapping[str, Any] = field(default_factory=dict)
    lines: Lines = field(default_factory=Lines)


def tools() -> SockTools:
    """Return what the server has for sockets."""
    return cast(SockTools, current_app.extensions[EXTENSION])


class Talk:
    """A WebSocket, as its view sees it.

    Args:
        websocket: What flask-sock gives.
        interval: How often (seconds) the client has to give a sign of life.
    """

    def __init__(self, websocket: Server, interval: float) -> None:
        self._websocket = websocket
        self._interval = interval
        self._ping_at = monotonic() + interval
        self._now: Callable[[], User | None] | None = None
        self._waits = False
        self.lines = tools().lines
        self.user: User | None = None
        self.identify()

    @property
    def subprotocol(self) -> str:
        """Return what client and server have agreed upon."""
        return str(self._websocket.subprotocol)

    @property
    def ending(self) -> str:
        """Return why the view has to come to an end, '' if it need not."""
        return self.lines.ending

    def identify(self) -> None:
        """Take note of who is calling, if that is known."""
        if g.user is not None:
            self.user = g.user
            self._now = gate.watch()

    def wake(self) -> None:
        """Let the view look what there is to do."""
        self._websocket.event.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until there may be something to do.

        Args:
            seconds: How long at most.

        Raises:
            ConnectionClosed: The client has gone, or must.
        """
        websocket = self._websocket
        if websocket.sock.is_behind:
            self._write()
        left = self._keep_alive()
        if seconds is not None:
            left = min(left, max(seconds, 0))
        if websocket.connected:
            self._waits = True
            try:
                websocket.event.wait(left)
            finally:
                self._waits = False
        websocket.event.clear()
        if not websocket.connected and not websocket.input_buffer:
            raise ConnectionClosed(
                websocket.close_reason, websocket.close_message)
        self.check_user()

    def messages(self) -> Iterator[str | bytes]:
        """Yield the messages that have come."""
        while self._websocket.input_buffer:
            yield self._websocket.input_buffer.pop(0)

    def send(self, *parts: bytes, kind: bytes = TEXT) -> None:
        """Send a message; text is UTF-8 already.

        Raises:
            ConnectionClosed: The client has gone, or does not take it.
        """
        self._write(frame_head(kind, sum(map(len, parts))), *parts)

    def send_all(self, texts: list[tuple[bytes, ...]]) -> None:
        """Send messages in their order, each given in parts.

        Raises:
            ConnectionClosed: The client has gone, or does not take them.
        """
        if texts:
            self._write(*chain.from_iterable(
                (frame_head(TEXT, sum(map(len, parts))), *parts)
                for parts in texts
            ))

    @property
    def is_free(self) -> bool:
        """Return True if a message can be sent for a view that waits."""
        websocket = self._websocket
        return (
            self._waits and websocket.connected and websocket.sock.is_free
            and (self._now is None or self._now() == self.user)
        )

    def send_now(self, *parts: bytes) -> None:
        """Send a text without waiting, while it `is_free`.

        What does not go is sent by the view, which is woken.
        """
        head = frame_head(TEXT, sum(map(len, parts)))
        if not self._websocket.sock.write_now(b''.join((head, *parts))):
            self.wake()

    def close(self, code: int, reason: str) -> None:
        """Say that it is over."""
        with suppress(ConnectionClosed, OSError):
            self._websocket.close(code, reason)
        self._websocket.connected = False

    def end(self, code: int, reason: str) -> ConnectionClosed:
        """Say that it is over, and return what ends the view."""
        self.close(code, reason)
        return ConnectionClosed(code, reason)

    def _write(self, *parts: bytes) -> None:
        websocket = self._websocket
        if not websocket.connected:
            raise ConnectionClosed(
                websocket.close_reason, websocket.close_message)
        try:
            websocket.sock.write(*parts)
        except OSError as exc:
            websocket.connected = False
            raise ConnectionClosed(LOST, str(exc)) from exc

    def _keep_alive(self) -> float:
        """Ping where it is time to, and return when (seconds) it is next."""
        now = monotonic()
        late = now - self._ping_at
        if late < 0:
            return -late
        self._ping_at = now + self._interval
        if late < BUSY:
            if not self._websocket.pong_received:
                raise self.end(POLICY, 'There is no answer to pings.')
            self._websocket.pong_received = False
            self._write(self._websocket.ws.send(Ping()))
        return self._interval

    def check_user(self) -> None:
        """End the talk with somebody who is no longer who they were."""
        if self._now is None:
            return
        user = self._now()
        if user is None:
            raise self.end(FORBIDDEN, 'The session has ended.')
        if user != self.user:
            raise self.end(FORBIDDEN, 'The privilege has changed.')


def frame_head(kind: bytes, length: int) -> bytes:
    """Return what comes before a message from a server.

    Examples:
        >>> frame_head(TEXT, 5), frame_head(BINARY, 256)
        (b'\\x81\\x05', b'\\x82~\\x01\\x00')
    """
    if length < 126:
        return kind + struct.pack('!B', length)
    if length < 65536:
        return kind + struct.pack('!BH', 126, length)
    return kind + struct.pack('!BQ', 127, length)


def init_app(app: Flask, sock_tools: SockTools) -> None:
    """Prepare an application for sockets."""
    app.extensions[EXTENSION] = sock_tools
    app.config['SOCK_SERVER_OPTIONS'] = {
        **sock_tools.options,
        'max_message_size':
            app.extensions['cylc_flask'].config.limits.message_size,
        'subprotocols': [],
    }
    for fault in (RemoteProtocolError, NoConnection):
        app.register_error_handler(fault, _bad_handshake)


def add(
    app: Flask,
    path: str,
    view: Callable[[Talk], None],
    privilege: Privilege,
    subprotocols: tuple[str, ...],
    later: bool = False,
    commands: bool = False,
) -> None:
    """Serve a socket.

    Args:
        app: The application.
        path: Where.
        view: Talks with one client, until it returns.
        privilege: What the client needs.
        subprotocols: What can be spoken; the client says what it speaks.
        later: The first message may tell who the client is; a browser need
            not say.
        commands: What comes on it may change something, and is checked when
            it comes.
    """
    def talk(websocket: Server) -> None:
        _talk(websocket, view)

    talk.__name__ = view.__name__
    talk.__doc__ = view.__doc__
    requires(privilege)(talk)
    gate.before_login(talk, partial(_check_handshake, subprotocols))
    gate.before_privilege(talk, _check_room)
    if later:
        gate.login_later(gate.for_browsers(talk))
    if commands:
        gate.changes_later(talk)
    app.config['SOCK_SERVER_OPTIONS']['subprotocols'] += subprotocols
    Sock(app).route(path, provide_automatic_options=False)(talk)
    app.add_url_rule(
        path, f'{view.__name__}_without_upgrade', _no_socket(privilege),
        methods=('GET', 'HEAD', 'POST'), provide_automatic_options=False,
    )


def _no_socket(privilege: Privilege) -> Callable[[], NoReturn]:
    """Return a view for who comes to a socket without being one."""
    @requires(privilege)
    def no_socket() -> NoReturn:
        """Tell that a WebSocket is needed."""
        raise RequestError(
            'This is a WebSocket: connect by ws:// or wss://.', 426,
            (('Upgrade', 'websocket'),),
        )

    return no_socket


def _talk(websocket: Server, view: Callable[[Talk], None]) -> None:
    """Let a view talk, and end that properly, come what may."""
    talk = Talk(websocket, current.config().limits.ping_interval)
    talk.lines.join(talk.wake)
    try:
        view(talk)
    except ConnectionClosed:
        pass
    except Exception as exc:
        LOG.error(f'flask: fault in {request.path!r:.80}', exc_info=exc)
        talk.close(FAULT, 'The server failed; its log says more.')
    finally:
        talk.lines.leave(talk.wake)


def _check_handshake(subprotocols: tuple[str, ...]) -> None:
    """Check what flask-sock and those below it do not, or not well."""
    environ = request.environ
    if environ['REQUEST_METHOD'] != 'GET':
        raise RequestError(
            'A WebSocket begins with GET.', 405, (('Allow', 'GET'),))
    if environ.get('HTTP_SEC_WEBSOCKET_VERSION') != VERSION:
        raise RequestError(
            f'This is for version {VERSION} of WebSockets.', 426,
            (('Upgrade', 'websocket'), ('Sec-WebSocket-Version', VERSION)),
        )
    _check_key(environ.get('HTTP_SEC_WEBSOCKET_KEY', ''))
    offered = environ.get('HTTP_SEC_WEBSOCKET_PROTOCOL', '').split(',')
    for name in offered:
        if name.strip() in subprotocols:
            environ['HTTP_SEC_WEBSOCKET_PROTOCOL'] = name.strip()
            return
    raise RequestError(
        'Sec-WebSocket-Protocol has to name one of '
        f'{", ".join(subprotocols)}.'
    )


def _check_key(key: str) -> None:
    try:
        nonce = b64decode(key, validate=True)
        request.environ['HTTP_HOST'].encode().decode('idna')
    except ValueError as exc:
        raise RequestError(f'Bad handshake: {exc}') from exc
    if len(nonce) != 16:
        raise RequestError('Sec-WebSocket-Key is not of 16 bytes.')


def _check_room() -> None:
    """Refuse who would be one too many."""
    if tools().lines.full:
        raise Unavailable(
            'There are too many sockets and streams (limits.sockets).', 30)


def _bad_handshake(exc: Exception) -> Response:
    """Answer what is no handshake."""
    return errors.page(400, f'Bad handshake: {exc}')
