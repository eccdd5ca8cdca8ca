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
"""One HTTP connection: pywsgi's handler, made fast, strict and bounded."""

from __future__ import annotations

from functools import lru_cache
from io import BufferedReader, BytesIO
from time import time
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, cast

from gevent import GreenletExit
from gevent.pywsgi import WSGIHandler, format_date_time

from cylc.flow import LOG
from cylc_flask.server import heads, parse, sock
from cylc_flask.server.wire import TooLate, Wire

if TYPE_CHECKING:
    from gevent.socket import socket as green_socket

    from cylc_flask.server.green import Server

#: Bodies up to this size (bytes) travel in one packet with their header.
JOINED = 65536

CONTINUE = b'HTTP/1.1 100 Continue\r\n\r\n'

#: Before the address of an IPv4 client on an IPv6 socket.
MAPPED = '::ffff:'


Fields = list[tuple[str, str]]


class Said(NamedTuple):
    """How an answer begins, as the application has it.

    Args:
        text: The lines, without what is said of the connection.
        code: The status.
        has_date: There is a date.
        has_length: It tells how long the body is.
        closes: The connection shall end.
    """

    text: bytes
    code: int
    has_date: bool
    has_length: bool
    closes: bool


class ClientGone(Exception):
    """An answer cannot be sent: there is nobody to take it."""


class Handler(WSGIHandler):  # type: ignore[misc]
    """Reads requests within a time, and answers in one write.

    The body is read before the application is called, so that a slow
    client costs a greenlet and nothing else, and no view ever waits for
    a client.
    """

    server: Server
    socket: sock.Socket | None
    result: Any
    status: Any
    _orig_status: Any
    _said: Said
    time_finish: float

    def __init__(
        self, connection: green_socket, address: Any, server: Server
    ) -> None:
        self.server = server
        self.client_address = address
        if isinstance(address, tuple):
            self.client_address = address[0].removeprefix(MAPPED), address[1]
        self.wire = Wire(connection, server.crowd.turns)
        self.rfile = BufferedReader(self.wire)

    def handle(self) -> None:
        """Serve the connection until it ends."""
        server = self.server
        server.crowd.enter(self.wire)
        try:
            if self.wire.open(server.tls, server.limits.handshake_timeout):
                while self.handle_one_request():
                    pass
        except (OSError, ClientGone, TooLate):
            pass  # the client has gone, or may as well go
        finally:
            server.crowd.leave(self.wire)
            self.wire.close()

    def handle_one_request(self) -> bool:
        """Read one request and answer it; False if no more can come."""
        self.wire.expect(self.server.limits.idle_timeout, idle=True)
        data = self.rfile.peek(1)
        if not data:
            return False
        self._reset()
        try:
            if not self._read_request(heads.cut(data)):
                return False
        except parse.BadRequest as exc:
            self._refuse(exc)
            return False
        except TooLate:
            self._refuse(parse.BadRequest(
                '408 Request Timeout', 'The request did not come in time.'))
            return False
        self.application = self.server.application
        self.handle_one_response()
        self.wire.share()
        return not self.close_connection

    def _reset(self) -> None:
        """Forget the last request."""
        self.time_start = time()
        self.time_finish = 0
        self._line = b''
        self.command = ''
        self.request_version = 'HTTP/1.1'
        self.status = self._orig_status = self.result = None
        self.socket = None
        self.headers_sent = self.response_use_chunked = False
        self.response_length = self.code = 0

    def _read_request(self, cut: heads.Cut | None) -> bool:
        """Read a request; False if there is none.

        Args:
            cut: Its head, if that is there already.
        """
        limits, known = self.server.limits, self.server.heads
        self.wire.expect(limits.request_timeout)
        head = cut and known.find(cut, limits.header_size)
        if cut and head:
            self.rfile.read(cut.size)
            credentials = cut.credentials
        else:
            line = self._read_line(limits.header_size)
            if not line:
                return False
            fields, credentials = heads.read(
                self.rfile, line, limits.header_size)
            head = heads.Head.of(
                line, fields, limits.body_size, self.server.environ)
            if cut:
                known.keep(cut, head, credentials)
        self._take(head, credentials)
        return True

    def _read_line(self, limit: int) -> bytes:
        """Read the line that a request begins with; empty if there is none."""
        line = self.rfile.readline(limit + 1)
        if line == b'\r\n':
            # An empty line before a request is to be passed over.
            line = self.rfile.readline(limit + 1)
        self._line = line
        if len(line) > limit:
            raise parse.BadRequest('414 URI Too Long',
                                   'The request line is too long.')
        if line:
            self.command, _, self.request_version = parse.request_line(line)
        return line

    def _take(self, head: heads.Head, credentials: str | None) -> None:
        """Make the WSGI environment of a request, and read its body."""
        self._line = head.line
        self.command = head.method
        self.request_version = head.version
        self.close_connection = not head.keeps
        self.environ = env = head.environ.copy()
        if credentials is not None:
            env['HTTP_AUTHORIZATION'] = credentials
        body = b''
        if head.length is not None:
            body = self._read_body(head)
            # The application gets it as if it had been sent in one piece.
            env.pop('HTTP_TRANSFER_ENCODING', None)
            env['CONTENT_LENGTH'] = str(len(body))
        env['wsgi.input'] = BytesIO(body)
        if isinstance(self.client_address, tuple):
            env['REMOTE_ADDR'] = self.client_address[0]
            env['REMOTE_PORT'] = str(self.client_address[1])
        if 'upgrade' in head.fields:
            self.socket = sock.offer(
                env, self.wire, self.rfile, self.server.limits.request_timeout)

    def _read_body(self, head: heads.Head) -> bytes:
        assert head.length is not None
        limits = self.server.limits
        if head.version != 'HTTP/1.0' and '100-continue' in head.fields.get(
            'expect', ''
        ).lower():
            self.wire.send(CONTINUE, limits.request_timeout)
        return parse.body(self.rfile, head.length, limits.body_size)

    def handle_one_response(self) -> None:
        """Have the application answer; what it fails to do is a 500."""
        try:
            self.run_application()
        except ClientGone:
            self.close_connection = True
        except GreenletExit:
            self._fail('503 Service Unavailable', 'The server stops.')
        except BaseException as exc:
            LOG.error('flask: fault in an answer', exc_info=exc)
            self._fail('500 Internal Server Error',
                       'The server failed; its log says more.')
        finally:
            if self.socket is not None and self.socket.used:
                self._hang_up(self.socket)
            self.log_request()

    def _hang_up(self, socket: sock.Socket) -> None:
        """End what was a WebSocket."""
        self.close_connection = True
        self._orig_status = '101 Switching Protocols'
        self.response_length = socket.sent
        socket.finish()

    def start_response(
        self, status: str, headers: Fields, exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Take what the application says first, as WSGI has it."""
        if exc_info and self.headers_sent:
            raise exc_info[1].with_traceback(exc_info[2])
        secret = any(name == 'Set-Cookie' for name, _ in headers)
        say = said_once if secret else said_often
        self._said = said = say(status, tuple(headers))
        self.status = self._orig_status = status
        self.code = said.code
        if said.closes:
            self.close_connection = True
        return cast('Callable[[bytes], None]', self.write)

    def _head(self) -> bytes:
        """Complete the header: date, length, and how it goes on."""
        head = self._said.text
        if not self._said.has_date:
            head += _date(int(time()))
        if not self._said.has_length:
            head += self._framing()
        if self.close_connection or self.server.crowd.stopping:
            self.close_connection = True
            head += b'Connection: close\r\n'
        elif self.request_version == 'HTTP/1.0':
            head += b'Connection: keep-alive\r\n'
        return head + b'\r\n'

    def _framing(self) -> bytes:
        """Return what tells the client where an answer ends."""
        if self.code in (204, 304) or self.code < 200:
            return b''
        if hasattr(self.result, '__len__'):
            return b'Content-Length: %d\r\n' % sum(map(len, self.result))
        if self.command == 'HEAD':
            return b''
        if self.request_version == 'HTTP/1.0':
            self.close_connection = True
            return b''
        self.response_use_chunked = True
        return b'Transfer-Encoding: chunked\r\n'

    def _write_with_headers(self, data: bytes) -> None:
        """Send the header, and a small body in the same packet."""
        head = self._head()
        self.headers_sent = True
        if self.response_use_chunked or len(data) > JOINED:
            self._sendall(head)
            self._write(data)
        else:
            self._sendall(head if self.command == 'HEAD' else head + data)

    def _write(self, data: bytes) -> None:
        if self.command != 'HEAD':
            super()._write(data)

    def _sendall(self, data: bytes | bytearray) -> None:
        if self.socket is not None and self.socket.used:
            raise ClientGone  # it speaks HTTP no more
        try:
            self.wire.send(data, self.server.limits.request_timeout)
        except OSError as exc:
            raise ClientGone from exc
        self.response_length += len(data)

    def _fail(self, status: str, text: str) -> None:
        """Say that there is no answer, if it has not begun yet."""
        if self.headers_sent:
            self.close_connection = True
        else:
            self._say(status, text)

    def _refuse(self, fault: parse.BadRequest) -> None:
        """Answer to what is no request."""
        self._say(fault.status, fault.text)
        self.log_request()
        self.wire.linger()

    def _say(self, status: str, text: str) -> None:
        """Answer in place of the application, for the last time."""
        self.close_connection = True
        self.status = self._orig_status = status
        content = text.encode() + b'\n'
        head = (
            f'HTTP/1.1 {status}\r\n'
            'Content-Type: text/plain; charset=utf-8\r\n'
            f'Content-Length: {len(content)}\r\n'
            'Connection: close\r\n\r\n'
        ).encode()
        self._sendall(head if self.command == 'HEAD' else head + content)

    def log_request(self) -> None:
        """Write the access log, where there is one."""
        if self.server.access_log is not None:
            self.time_finish = time()
            self.requestline = _printable(self._line)
            self.server.access_log(self.format_request())


def said_once(status: str, headers: tuple[tuple[str, str], ...]) -> Said:
    """Return the beginning of an answer.

    Raises:
        ValueError: It could be read as something else.
        TypeError: It is no text.
    """
    text = ''.join([
        'HTTP/1.1 ', status, '\r\n',
        *(part for name, value in headers if name.lower() != 'connection'
          for part in (name, ': ', value, '\r\n')),
    ])
    values = {name.lower(): value for name, value in headers}
    lines = 1 + sum(name.lower() != 'connection' for name, _ in headers)
    if text.count('\r') != lines or text.count('\n') != lines:
        raise ValueError(f'a line break in a header: {text!r:.200}')
    return Said(
        text.encode('latin-1'), int(status.split(' ', 1)[0]),
        'date' in values, 'content-length' in values,
        values.get('connection', '').lower() == 'close',
    )


#: Many answers begin with the same.
said_often = lru_cache(256)(said_once)


@lru_cache(2)
def _date(now: int) -> bytes:
    return b'Date: %b\r\n' % format_date_time(now)


def _printable(line: bytes) -> str:
    """Return what a client sent in a form that is fit for a log.

    Examples:
        >>> _printable(b'GET /\\x1b[2J HTTP/1.1\\r\\n')
        'GET /\\\\x1b[2J HTTP/1.1'
    """
    text = line.rstrip(b'\r\n').decode('latin-1')
    return text.encode('unicode_escape').decode()
