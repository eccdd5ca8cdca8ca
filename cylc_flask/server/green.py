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
"""pywsgi with TLS, limits and an orderly end."""

from __future__ import annotations

from contextlib import suppress
import os
import socket as std_socket
from time import perf_counter
from typing import TYPE_CHECKING, Any, Callable, Iterable

from gevent import Timeout, sleep
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer
from gevent.socket import socket as green_socket
from gevent.ssl import PROTOCOL_TLS_SERVER, SSLContext, TLSVersion

from cylc_flask.server.handler import Handler

if TYPE_CHECKING:
    from cylc_flask.config import Limits

#: The first byte that a TLS client sends: a handshake record.
TLS_HANDSHAKE = b'\x16'

PLAIN_TO_TLS = (
    b'HTTP/1.1 400 Bad Request\r\n'
    b'Content-Type: text/plain\r\nContent-Length: 71\r\n'
    b'Connection: close\r\n\r\n'
    b'This server speaks HTTPS here: use https:// instead of http:// please.\n'
)


def tls_context(certificate: str, key: str) -> SSLContext:
    """Return the TLS settings: version 1.2 at least, one certificate.

    The class is gevent's: with the standard one an idle client would
    block all others.

    Raises:
        OSError: The files cannot be read, or do not fit (SSLError).
    """
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.minimum_version = TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


class Server(WSGIServer):  # type: ignore[misc]
    """An HTTP server on one listening socket.

    Args:
        listener: A listening socket; it is duplicated, and stays open.
        application: The WSGI application.
        limits: Time-outs in seconds, sizes in bytes, open connections.
        tls: TLS settings, None for plain HTTP.
        access_log: Called with one line for each request, or None.
        error_log: An object with ``write``, for ``wsgi.errors``.
    """

    handler_class = Handler
    base_env = {**WSGIServer.base_env, 'SERVER_SOFTWARE': 'cylc-flask'}

    def __init__(
        self,
        listener: std_socket.socket,
        application: Callable[..., Iterable[bytes]],
        limits: Limits,
        tls: SSLContext | None,
        access_log: Callable[[str], None] | None,
        error_log: Any,
    ) -> None:
        sock = green_socket(
            listener.family, listener.type, listener.proto,
            fileno=os.dup(listener.fileno()),
        )
        secure = {} if tls is None else {'ssl_context': tls}
        super().__init__(
            sock, application, spawn=Pool(limits.open_connections),
            log=None, error_log=error_log, **secure,
        )
        self.limits = limits
        self.access_log = access_log
        self.connections: set[Handler] = set()
        self.stopping = False
        self._turn = perf_counter()
        self._loop_check = self.loop.check()
        self._loop_check.start(self._new_turn)

    def update_environ(self) -> None:
        """Name the server without asking a name service."""
        name, port = '', ''
        if isinstance(self.address, tuple):
            name, port = self.address[0], str(self.address[1])
        self.environ['SERVER_NAME'] = name
        self.environ['SERVER_PORT'] = port

    def turn_began(self) -> float:
        """Return when the event loop last looked for other connections."""
        return self._turn

    def _new_turn(self) -> None:
        self._turn = perf_counter()

    def idle_timeout(self) -> float:
        """Return how long (seconds) a connection may wait for a request.

        Where the places run out, those who keep one without using it
        lose it soon.
        """
        idle: float = self.limits.idle_timeout
        if self.pool.free_count() < self.limits.open_connections // 10:
            return min(idle, 2.0)
        return idle

    def wrap_socket_and_handle(
        self, client_socket: green_socket, address: Any
    ) -> None:
        """Shake hands within a time, and serve.

        Somebody who speaks plain HTTP to a TLS port is told so.
        """
        secure = None
        with Timeout(self.limits.handshake_timeout, False):
            secure = self._shake_hands(client_socket)
        if secure is None:
            return
        try:
            self.handle(secure, address)
        finally:
            secure.close()

    def _shake_hands(self, client_socket: green_socket) -> Any:
        try:
            first = client_socket.recv(1, std_socket.MSG_PEEK)
            if first and first != TLS_HANDSHAKE:
                self._refuse_plain(client_socket)
                return None
            return self.wrap_socket(client_socket, **self.ssl_args)
        except OSError:  # an SSLError is one
            return None

    @staticmethod
    def _refuse_plain(client_socket: green_socket) -> None:
        client_socket.sendall(PLAIN_TO_TLS)
        # Read what the client sent, or the kernel answers with a reset
        # that overtakes the text.
        client_socket.shutdown(std_socket.SHUT_WR)
        while client_socket.recv(4096):
            pass

    def finish(self, timeout: float) -> None:
        """Stop listening, let answers end, then close what is left.

        Args:
            timeout: How long (seconds) to wait for answers.
        """
        self.stopping = True
        self.stop_accepting()
        for handler in list(self.connections):
            if handler.idle:
                with suppress(OSError, AttributeError):
                    handler.socket.shutdown(std_socket.SHUT_RD)
        with Timeout(timeout, False):
            while self.connections:
                sleep(0.01)
        self._loop_check.stop()
        self._loop_check.close()
        self.stop(timeout=0.1)
