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

from io import BytesIO
import socket
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import gevent
from gevent import Timeout
from gevent.pywsgi import WSGIHandler

from cylc.flow import LOG
from cylc_flask.server import parse

if TYPE_CHECKING:
    from cylc_flask.server.green import Server

#: A connection may keep the thread for so long (seconds) before others
#: get their turn: gevent alone does not switch while a socket is readable.
TURN = 0.002

#: Bodies up to this size (bytes) travel in one packet with their header.
JOINED = 65536


class Handler(WSGIHandler):  # type: ignore[misc]
    """Reads requests with time-outs, and answers in one write.

    The body is read before the application is called, so that a slow
    client costs a greenlet and nothing else, and no view ever waits for
    a client.
    """

    server: Server
    body: bytes | None
    idle = True

    def handle(self) -> None:
        """Serve the connection until it ends."""
        sock = self.socket
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(self.server.limits.request_timeout)
        self.server.connections.add(self)
        try:
            super().handle()
        except Timeout:
            pass
        finally:
            self.server.connections.discard(self)

    def handle_one_request(self) -> bool | tuple[str, bytes] | None:
        """Read one request and answer it.

        Returns:
            What pywsgi wants: True to go on, None to close, or a status
            and the whole answer to send before closing.
        """
        try:
            if not self._read_line():
                return None
            with Timeout(self.server.limits.request_timeout):
                self._read_rest()
        except parse.BadRequest as exc:
            return self._refusal(exc.status, exc.text)
        except Timeout:
            return self._refusal('408 Request Timeout',
                                 'The request did not come in time.')
        except OSError:
            return None
        self.environ = self.get_environ()
        self.application = self.server.application
        self.handle_one_response()
        if self.close_connection or self.server.stopping:
            return None
        self._take_turns()
        return True

    def _read_line(self) -> bool:
        """Wait for a request line; False if there will be none."""
        self.idle = True
        with Timeout(self.server.idle_timeout(), False):
            line = self.rfile.readline(parse.MAX_LINE + 2)
            if line in (b'\r\n', b'\n'):
                # An empty line before a request is to be passed over.
                line = self.rfile.readline(parse.MAX_LINE + 2)
            self.idle = False
            if len(line) > parse.MAX_LINE:
                raise parse.BadRequest('414 URI Too Long',
                                       'The request line is too long.')
            if not line.endswith(b'\n'):
                return False
            self.requestline = line.decode('latin-1').rstrip()
            self.command, self.path, self.request_version = (
                parse.request_line(line)
            )
            return True
        return False

    def _read_rest(self) -> None:
        limits = self.server.limits
        self.response_length = 0
        self.headers = parse.headers(self.rfile, limits.header_size)
        if self.headers.get('expect').lower() == '100-continue':
            self.socket.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')
        self.body = parse.body(self.rfile, self.headers, limits.body_size)
        wish = self.headers.get('connection').lower()
        if self.request_version == 'HTTP/1.1':
            self.close_connection = wish == 'close'
        else:
            self.close_connection = wish != 'keep-alive'

    def get_environ(self) -> dict[str, Any]:
        """Return the WSGI environment of the request."""
        env: dict[str, Any] = self.server.get_environ()
        target = self.path
        if not target.startswith('/') and '://' in target:
            target = '/' + target.split('://', 1)[1].partition('/')[2]
        path, _, query = target.partition('?')
        for name, value in self.headers.items():
            if '_' not in name:
                env['HTTP_' + name.replace('-', '_').upper()] = value
        for name in ('CONTENT_TYPE', 'CONTENT_LENGTH'):
            value = env.pop('HTTP_' + name, None)
            if value is not None:
                env[name] = value
        self.wsgi_input = _Body(self.body or b'')
        env.update({
            'REQUEST_METHOD': self.command,
            'PATH_INFO': unquote_to_bytes(path).decode('latin-1'),
            'QUERY_STRING': query,
            'RAW_URI': self.path,
            'SERVER_PROTOCOL': self.request_version,
            'wsgi.input': self.wsgi_input,
            'wsgi.input_terminated': True,
        })
        if isinstance(self.client_address, tuple):
            env['REMOTE_ADDR'] = self.client_address[0]
            env['REMOTE_PORT'] = str(self.client_address[1])
        return env

    def _write_with_headers(self, data: bytes) -> None:
        """Send header and body at once, or Nagle delays the second."""
        self.headers_sent = True
        self.finalize_headers()
        head = bytearray(b'HTTP/1.1 ')
        head += self.status
        head += b'\r\n'
        for name, value in self.response_headers:
            head += b'%b: %b\r\n' % (name, value)
        head += b'\r\n'
        whole = not self.response_use_chunked
        if self.command == 'HEAD':
            data = b''
        if whole and len(data) <= JOINED:
            head += data
            self._sendall(head)
            return
        self._sendall(head)
        self._write(data)

    def finalize_headers(self) -> None:
        """Complete the header; say so where the connection will end."""
        super().finalize_headers()
        if self.close_connection or self.server.stopping:
            self.close_connection = True
            self.response_headers.append((b'Connection', b'close'))

    def log_request(self) -> None:
        """Write the access log, where there is one."""
        if self.server.access_log is not None:
            self.server.access_log(self.format_request())

    def handle_error(self, t: Any, v: Any, tb: Any) -> None:
        """Close where the client went away; else log, and answer 500."""
        if issubclass(t, OSError):
            self.close_connection = True
            return
        LOG.error('flask: fault in an answer', exc_info=(t, v, tb))
        self._send_error_response_if_possible(500)

    def _refusal(self, status: str, text: str) -> tuple[str, bytes]:
        """Return the answer to what is no request, and end the connection."""
        self.status = self._orig_status = status
        self.requestline = self.requestline or '-'
        content = text.encode() + b'\n'
        head = (
            f'HTTP/1.1 {status}\r\n'
            'Content-Type: text/plain; charset=utf-8\r\n'
            f'Content-Length: {len(content)}\r\n'
            'Connection: close\r\n\r\n'
        )
        return status, head.encode() + content

    def _take_turns(self) -> None:
        """Let others run if this connection had the thread for long."""
        if perf_counter() - self.server.turn_began() > TURN:
            gevent.sleep(0)


class _Body(BytesIO):
    """A body which is there already, in the form that pywsgi expects."""

    def _discard(self) -> None:
        """Do nothing: no byte of it is left on the connection."""
