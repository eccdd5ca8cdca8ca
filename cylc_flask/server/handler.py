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
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from gevent import GreenletExit
from gevent.pywsgi import WSGIHandler, format_date_time

from cylc.flow import LOG
from cylc_flask.server import parse, sock
from cylc_flask.server.wire import TooLate, Wire

if TYPE_CHECKING:
    from gevent.socket import socket as green_socket

    from cylc_flask.server.green import Server

#: Bodies up to this size (bytes) travel in one packet with their header.
JOINED = 65536

CONTINUE = b'HTTP/1.1 100 Continue\r\n\r\n'

#: Before the address of an IPv4 client on an IPv6 socket.
MAPPED = '::ffff:'


class ClientGone(Exception):
    """An answer cannot be sent: there is nobody to take it."""


class Handler(WSGIHandler):  # type: ignore[misc]
    """Reads requests within a time, and answers in one write.

    The body is read before the application is called, so that a slow
    client costs a greenlet and nothing else, and no view ever waits for
    a client.
    """

    server: Server
    headers: dict[str, str]
    body: bytes | None
    socket: sock.Socket | None
    response_headers: list[tuple[bytes, bytes]]
    result: Any
    status: Any
    _orig_status: Any
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
        if not self.rfile.peek(1):
            return False
        self._reset()
        try:
            if not self._read_request():
                return False
            self.environ = self.get_environ()
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

    def _read_request(self) -> bool:
        """Read a request; False if there is none."""
        limits = self.server.limits
        self.wire.expect(limits.request_timeout)
        line = self.rfile.readline(limits.header_size + 1)
        if line == b'\r\n':
            # An empty line before a request is to be passed over.
            line = self.rfile.readline(limits.header_size + 1)
        if not line:
            return False
        self._line = line
        if len(line) > limits.header_size:
            raise parse.BadRequest('414 URI Too Long',
                                   'The request line is too long.')
        self.command, self.path, self.request_version = (
            parse.request_line(line)
        )
        self.headers = parse.headers(
            self.rfile, limits.header_size - len(line))
        parse.check_host(self.request_version, self.headers)
        self.close_connection = not parse.keeps(
            self.request_version, self.headers)
        self.body = self._read_body(limits.body_size)
        return True

    def _read_body(self, limit: int) -> bytes | None:
        found, version = self.headers, self.request_version
        length = parse.body_length(version, found, limit)
        if length is None:
            return None
        if version != 'HTTP/1.0' and '100-continue' in found.get(
            'expect', ''
        ).lower():
            self.wire.send(CONTINUE, self.server.limits.request_timeout)
        data = parse.body(self.rfile, length, limit)
        if length == parse.CHUNKED:
            # The application gets it as if it had been sent in one piece.
            del found['transfer-encoding']
            found['content-length'] = str(len(data))
        return data

    def get_environ(self) -> dict[str, Any]:
        """Return the WSGI environment of the request."""
        host, path, query = parse.split_target(self.command, self.path)
        env: dict[str, Any] = self.server.get_environ()
        for name, value in self.headers.items():
            if key := _key(name):
                env[key] = value
        if host:
            env['HTTP_HOST'] = host
        if '%' in path:
            path = unquote_to_bytes(path).decode('latin-1')
        env['REQUEST_METHOD'] = self.command
        env['PATH_INFO'] = path
        env['QUERY_STRING'] = query
        env['RAW_URI'] = self.path
        env['SERVER_PROTOCOL'] = self.request_version
        env['wsgi.input'] = BytesIO(self.body or b'')
        env['wsgi.input_terminated'] = True
        if isinstance(self.client_address, tuple):
            env['REMOTE_ADDR'] = self.client_address[0]
            env['REMOTE_PORT'] = str(self.client_address[1])
        if 'upgrade' in self.headers:
            self.socket = sock.offer(
                env, self.wire, self.rfile, self.server.limits.request_timeout)
        return env

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

    def finalize_headers(self) -> None:
        """Complete the header: date, length, and how it goes on."""
        headers = [
            item for item in self.response_headers
            if item[0].lower() != b'connection'
        ]
        if self.provided_date is None:
            headers.append((b'Date', format_date_time(time())))
        if self.provided_content_length is None:
            headers += self._framing()
        if self.close_connection or self.server.crowd.stopping:
            self.close_connection = True
            headers.append((b'Connection', b'close'))
        elif self.request_version == 'HTTP/1.0':
            headers.append((b'Connection', b'keep-alive'))
        self.response_headers = headers

    def _framing(self) -> list[tuple[bytes, bytes]]:
        """Return what tells the client where an answer ends."""
        if self.code in (204, 304) or self.code < 200:
            return []
        if hasattr(self.result, '__len__'):
            length = sum(map(len, self.result))
            return [(b'Content-Length', b'%d' % length)]
        if self.command == 'HEAD':
            return []
        if self.request_version == 'HTTP/1.0':
            self.close_connection = True
            return []
        self.response_use_chunked = True
        return [(b'Transfer-Encoding', b'chunked')]

    def _write_with_headers(self, data: bytes) -> None:
        """Send the header, and a small body in the same packet."""
        self.finalize_headers()
        self.headers_sent = True
        head = bytearray(b'HTTP/1.1 %b\r\n' % self.status)
        for item in self.response_headers:
            head += b'%b: %b\r\n' % item
        head += b'\r\n'
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


@lru_cache(1024)
def _key(name: str) -> str:
    """Return the name of a header field in a WSGI environment.

    It is empty for names that are the same there as those of others.

    Examples:
        >>> _key('user-agent'), _key('content-type'), _key('user_agent')
        ('HTTP_USER_AGENT', 'CONTENT_TYPE', '')
    """
    if '_' in name:
        return ''
    key = name.upper().replace('-', '_')
    return key if name in ('content-type', 'content-length') else f'HTTP_{key}'


def _printable(line: bytes) -> str:
    """Return what a client sent in a form that is fit for a log.

    Examples:
        >>> _printable(b'GET /\\x1b[2J HTTP/1.1\\r\\n')
        'GET /\\\\x1b[2J HTTP/1.1'
    """
    text = line.rstrip(b'\r\n').decode('latin-1')
    return text.encode('unicode_escape').decode()
