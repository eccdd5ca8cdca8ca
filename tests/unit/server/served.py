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
"""A server thread in the test's process, and clients that know no manners."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
import gc
from http.client import HTTPResponse
from io import BytesIO
import json
import socket
import ssl
from typing import Any

from cylc_flask.config import Limits
from cylc_flask.server import listen
from cylc_flask.server.thread import ServerThread, Serving
from cylc_flask.server.wire import Wire

Application = Callable[..., Any]

#: How long (seconds) a client waits for what must come.
PATIENCE = 20


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer with what the request was."""
    body = environ['wsgi.input'].read()
    told = {key: value for key, value in environ.items()
            if isinstance(value, str)} | {'body': body.decode('latin-1')}
    content = json.dumps(told).encode()
    start_response('200 OK', [
        ('Content-Type', 'application/json'),
        ('Content-Length', str(len(content))),
    ])
    return [content]


def small(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer with four bytes, as ping_suite does."""
    start_response('200 OK', [('Content-Length', '4')])
    return [b'true']


class Answer:
    """An answer, and how many bytes it took."""

    def __init__(self, response: HTTPResponse) -> None:
        self.status = response.status
        self.reason = response.reason
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Recorded(BytesIO):
    """Bytes that http.client takes for a socket."""

    def makefile(self, *_: Any) -> Recorded:
        return self

    def close(self) -> None:
        """Stay open: more answers may follow."""


def answers(data: bytes, *methods: str) -> list[Answer]:
    """Return the answers in some bytes, without an interim 100."""
    stream, found = Recorded(data), []
    while stream.tell() < len(data):
        method = methods[len(found)] if len(found) < len(methods) else 'GET'
        response = HTTPResponse(stream, method=method)  # type: ignore
        response.begin()
        found.append(Answer(response))
    return found


def everything(sock: socket.socket) -> bytes:
    """Return what comes until the server closes the connection."""
    return b''.join(iter(lambda: sock.recv(65536), b''))


def one(sock: socket.socket, method: str = 'GET') -> Answer:
    """Return the next answer."""
    response = HTTPResponse(sock, method=method)
    response.begin()
    answer = Answer(response)
    response.close()
    return answer


def wires() -> list[Wire]:
    """Return the connections that there are."""
    return [
        item for item in gc.get_objects()
        if isinstance(item, Wire) and not item.closed
    ]


class Served:
    """A server thread on a free port, and its clients.

    Args:
        app: The WSGI application.
        tls: Paths of a certificate and its key, None for plain HTTP.
        listeners: What to listen on, else a port of 127.0.0.1.
        access_log: Called with each line for the access log.
        limits: Those which are not as usual.
    """

    def __init__(
        self,
        app: Application = echo,
        tls: tuple[str, str] | None = None,
        listeners: list[socket.socket] | None = None,
        access_log: Callable[[str], None] | None = None,
        **limits: Any,
    ) -> None:
        self.tls = tls
        self.listeners = listeners or listen.listen(
            ['127.0.0.1'], 30000, 60000)
        self.address = self.listeners[0].getsockname()
        self.clients: list[socket.socket] = []
        self.serving = Serving(
            self.listeners, lambda: app, Limits(**limits), tls, access_log)
        self.thread = ServerThread(self.serving)
        self.thread.start()

    def wait(self) -> Served:
        """Wait until it serves."""
        self.thread.ready.result(PATIENCE)
        return self

    def connect(self) -> socket.socket:
        """Return a new connection, encrypted where the server wants it."""
        sock = self.connect_plain()
        if self.tls:
            context = ssl.create_default_context(cafile=self.tls[0])
            sock = context.wrap_socket(sock, server_hostname='localhost')
            self.clients.append(sock)
        return sock

    def connect_plain(self) -> socket.socket:
        """Return a new connection that is not encrypted."""
        sock = socket.socket(self.listeners[0].family)
        self.clients.append(sock)
        sock.settimeout(PATIENCE)
        sock.connect(self.address)
        return sock

    def ask(self, data: bytes) -> bytes:
        """Return what the server says to some bytes, until it closes."""
        with self.connect() as sock:
            sock.sendall(data)
            return everything(sock)

    def get(self, path: str = '/') -> Answer:
        """Return the answer to a plain request."""
        with self.connect() as sock:
            sock.sendall(get(path))
            return one(sock)

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run something in the server thread, and return what it returns."""
        done: Future[Any] = Future()

        def work() -> None:
            try:
                done.set_result(function(*args))
            except Exception as exc:
                done.set_exception(exc)

        self.thread.deliver(work)
        return done.result(PATIENCE)

    def stop(self) -> None:
        """Stop the thread, and wait until it has."""
        self.thread.stop()
        self.thread.ended.result(PATIENCE)

    def close(self) -> None:
        """Stop all there is."""
        for sock in self.clients:
            sock.close()
        self.stop()
        listen.close(self.listeners)


def get(path: str = '/', *headers: str, version: str = '1.1') -> bytes:
    """Return a request."""
    lines = [f'GET {path} HTTP/{version}', 'Host: localhost', *headers]
    return '\r\n'.join([*lines, '', '']).encode('latin-1')


def post(body: bytes, *headers: str, path: str = '/') -> bytes:
    """Return a request with a body of some length."""
    lines = [
        f'POST {path} HTTP/1.1', 'Host: localhost',
        f'Content-Length: {len(body)}', *headers]
    return '\r\n'.join([*lines, '', '']).encode('latin-1') + body


def chunks(*parts: bytes) -> Iterator[bytes]:
    """Yield the chunks of a body."""
    for part in (*parts, b''):
        yield b'%x\r\n%b\r\n' % (len(part), part)
