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
"""WebSockets by flask-sock on the server thread: whole, bounded, ended."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
import os
from pathlib import Path
import socket
import struct
import time
from typing import Any

from flask import Flask
from flask_sock import Sock
import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, TextMessage

from cylc_flask.server.thread import OPTIONS
from cylc_flask.views.sockets import BINARY, TEXT, frame_head
from tests.harness import wait_for
from tests.socket_client import frame
from tests.unit.server.served import Served, everything, get, wires

Serve = Callable[..., Served]

KEY = b64encode(bytes(16)).decode()

MEGABYTE = 1 << 20

HANDSHAKE = (
    'Upgrade: websocket', 'Connection: Upgrade', f'Sec-WebSocket-Key: {KEY}',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Extensions: permessage-deflate',
)


def prompt(ws: Any) -> None:
    """Send much without waiting, and at last whether that has worked."""
    ws.receive()
    rests = 0
    for number in range(100):
        data = frame_head(BINARY, 60000) + bytes([number]) * 60000
        if ws.sock.is_free and ws.sock.write_now(data):
            continue
        assert ws.sock.is_behind
        rests += 1
        ws.sock.write()
    ws.send(b'%d' % rests)


def echoing() -> Flask:
    """Return an application with some sockets, and a plain page."""
    app = Flask(__name__)
    app.config['SOCK_SERVER_OPTIONS'] = {
        **OPTIONS, 'max_message_size': MEGABYTE}
    sock = Sock(app)

    @sock.route('/echo')
    def echo(ws: Any) -> None:
        with suppress(OSError):  # the client has gone
            while True:
                ws.send(ws.receive())

    @sock.route('/big')
    def big(ws: Any) -> None:
        for number in range(3):
            ws.send(bytes([number]) * 3 * MEGABYTE)

    @sock.route('/deaf')
    def deaf(ws: Any) -> None:
        while ws.connected:
            ws.event.wait()
            ws.event.clear()

    sock.route('/prompt')(prompt)

    @sock.route('/faulty')
    def faulty(ws: Any) -> None:
        raise LookupError('on purpose')

    @app.route('/')
    def page() -> str:
        return 'here'

    return app


class Client:
    """A client that speaks raw frames."""

    def __init__(
        self, served: Served, path: str = '/echo', early: bytes = b''
    ) -> None:
        self.sock = served.connect()
        self.sock.sendall(get(path, *HANDSHAKE) + early)
        self.buffer = b''
        head = self.read_until(b'\r\n\r\n')
        assert head.startswith(b'HTTP/1.1 101 '), head
        assert b'extensions' not in head.lower()

    def read_until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            self.more()
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def read(self, size: int) -> bytes:
        while len(self.buffer) < size:
            self.more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def more(self) -> None:
        data = self.sock.recv(MEGABYTE)
        if not data:
            raise EOFError
        self.buffer += data

    def frame(self) -> tuple[int, bytes]:
        """Return the next frame."""
        first, length = self.read(2)
        if length == 126:
            (length,) = struct.unpack('!H', self.read(2))
        elif length == 127:
            (length,) = struct.unpack('!Q', self.read(8))
        return first, self.read(length)

    def say(self, text: bytes) -> None:
        self.sock.sendall(frame(text))

    def end(self) -> int:
        """Return the code with which the server closes."""
        while True:
            first, data = self.frame()
            if first == 0x88:
                return int(struct.unpack('!H', data[:2])[0])

    def abort(self) -> None:
        """Break the connection."""
        self.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.sock.close()


def files() -> int:
    return len(list(Path('/proc/self/fd').iterdir()))


def memory() -> int:
    """Return how much memory (bytes) this process has."""
    pages = Path('/proc/self/statm').read_text().split()[1]
    return int(pages) * os.sysconf('SC_PAGE_SIZE')


@pytest.fixture(params=['plain', 'tls'])
def served(
    request: pytest.FixtureRequest, serve: Serve, tls: tuple[str, str]
) -> Callable[..., Served]:
    """Start servers of either kind, with a short patience."""
    def start(**limits: Any) -> Served:
        return serve(
            echoing(), tls if request.param == 'tls' else None, **limits)
    return start


@pytest.fixture(autouse=True)
def no_faults(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail if something is logged that is not on purpose."""
    yield
    faults = [
        record for record in caplog.records
        if 'fault' in record.getMessage()
    ]
    assert not faults


def test_echo(served: Callable[..., Served]) -> None:
    client = Client(served())
    for text in (b'', b'a', b'b' * 70000):
        client.say(text)
        assert client.frame() == (0x81, text)


def test_what_comes_with_the_handshake(
    served: Callable[..., Served]
) -> None:
    early = b''.join(frame(b'%d' % n) for n in range(2000))
    client = Client(served(), early=early)
    client.say(b'last')
    for number in range(2000):
        assert client.frame() == (0x81, b'%d' % number)
    assert client.frame() == (0x81, b'last')


def test_large_messages_are_whole(served: Callable[..., Served]) -> None:
    client = Client(served(), '/big')
    time.sleep(0.2)  # so that buffers are full
    for number in range(3):
        first, data = client.frame()
        assert first == 0x82
        assert data == bytes([number]) * 3 * MEGABYTE
    assert client.end() == 1000


def test_messages_sent_without_waiting(
    served: Callable[..., Served]
) -> None:
    """Where the client is slow, the rest follows before what is next."""
    client = Client(served(), '/prompt')
    client.say(b'go')
    time.sleep(0.2)  # so that buffers are full
    for number in range(100):
        assert client.frame() == (0x82, bytes([number]) * 60000)
    _, rests = client.frame()
    assert 0 < int(rests) < 100
    assert client.end() == 1000


def test_prompt_messages_to_who_has_gone(
    served: Callable[..., Served]
) -> None:
    running = served()
    client = Client(running, '/prompt')
    client.say(b'go')
    client.read(60000)
    client.abort()
    wait_for(lambda: not wires(), 10, 'the end of the connection')
    assert running.get().body == b'here'


def test_pieces_of_a_frame(served: Callable[..., Served]) -> None:
    client = Client(served())
    for byte in frame(b'slowly'):
        client.sock.sendall(bytes([byte]))
        time.sleep(0.01)
    assert client.frame() == (0x81, b'slowly')


def test_close_is_answered(served: Callable[..., Served]) -> None:
    client = Client(served())
    client.sock.sendall(frame(struct.pack('!H', 1000), 0x88))
    assert client.end() == 1000
    with pytest.raises((EOFError, OSError)):
        client.frame()


@pytest.mark.parametrize('data, code', [
    (frame(b'x' * (MEGABYTE + 1)), 1009),
    (frame(b'x' * MEGABYTE, 0x01) + frame(b'yy', 0x80), 1009),
    (frame(b'x', 0x83), 1002),
    (frame(b'x', 0xc1), 1002),
    (b'\x81\x01x', 1002),
    (frame(b'\xff'), 1007),
    (frame(b'x' * 126, 0x89), 1002),
    (frame(b'x', 0x88), 1002),
    (b'GET / HTTP/1.1\r\n\r\n', 1002),
])
def test_bad_frames(
    served: Callable[..., Served], data: bytes, code: int
) -> None:
    client = Client(served())
    with suppress(OSError):
        client.sock.sendall(data)
    assert client.end() == code


def test_a_huge_length_takes_no_memory(
    served: Callable[..., Served]
) -> None:
    client = Client(served())
    before = memory()
    client.sock.sendall(frame(b'', length=1 << 40))
    with suppress(OSError):
        client.sock.sendall(b'x' * 3 * MEGABYTE)
    assert client.end() == 1009
    assert memory() - before < 30 * MEGABYTE


def test_idle_is_alive(served: Callable[..., Served]) -> None:
    """No time-out of HTTP's counts, not even after sending."""
    running = served(idle_timeout=0.2, request_timeout=0.2)
    client = Client(running)
    for _ in range(3):
        time.sleep(0.5)
        client.say(b'still here')
        assert client.frame() == (0x81, b'still here')


def test_who_does_not_read_is_closed(served: Callable[..., Served]) -> None:
    running = served(request_timeout=0.3)
    client = Client(running, '/echo')
    client.sock.settimeout(0.1)
    with suppress(OSError):
        while True:
            client.say(b'x' * 65000)
    wait_for(lambda: not wires(), 10, 'the end of the connection')
    assert running.get().body == b'here'


def test_what_is_not_taken_is_not_read(
    served: Callable[..., Served]
) -> None:
    """A client cannot fill the memory of a view that does not listen."""
    client = Client(served(), '/deaf')
    client.sock.settimeout(0.5)
    before = memory()
    sent = 0
    with suppress(OSError):
        while sent < 200 * MEGABYTE:
            client.sock.sendall(frame(b'x' * 1000) * 100)
            sent += 100_000
    assert sent < 100 * MEGABYTE
    assert memory() - before < 50 * MEGABYTE
    client.abort()


def test_disconnects_leave_nothing(served: Callable[..., Served]) -> None:
    running = served()
    Client(running).abort()
    wait_for(lambda: not wires(), 10, 'an empty server')
    before = files()
    for number in range(60):
        client = Client(running, '/deaf' if number % 2 else '/echo')
        if not number % 2:
            client.say(b'x' * 100)
        if number % 3:
            client.abort()
        else:
            client.sock.close()
    wait_for(lambda: not wires(), 10, 'an empty server')
    wait_for(lambda: files() <= before, 10, 'the files closed')


def test_end_of_the_server(served: Callable[..., Served]) -> None:
    running = served()
    clients = [Client(running, path) for path in ('/deaf', '/echo') * 5]
    began = time.monotonic()
    running.stop()
    assert time.monotonic() - began < 6
    for client in clients:
        with suppress(OSError, EOFError):
            everything(client.sock)
    assert not wires()


def test_open_sockets_are_not_idle(served: Callable[..., Served]) -> None:
    """They keep their places, and those who come find the others'."""
    running = served(open_connections=12)
    sockets = [Client(running) for _ in range(10)]
    for _ in range(5):
        running.connect()  # and says nothing
        time.sleep(0.3)
    assert running.get().body == b'here'
    for client in sockets:
        client.say(b'x')
        assert client.frame() == (0x81, b'x')


def test_no_answer_after_the_socket(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of a view puts no HTTP into the frames."""
    served = serve(echoing())
    sock = served.connect()
    sock.sendall(get('/faulty', *HANDSHAKE))
    head, _, rest = everything(sock).partition(b'\r\n\r\n')
    assert b' 101 ' in head
    assert not rest
    assert 'on purpose' in caplog.text
    caplog.clear()


def test_log(serve: Serve) -> None:
    lines: list[str] = []
    served = serve(echoing(), access_log=lines.append)
    client = Client(served)
    client.say(b'x' * 100)
    client.frame()
    client.abort()
    wait_for(lambda: lines, what='a line in the log')
    assert '"GET /echo HTTP/1.1" 101 ' in lines[0]


@pytest.mark.parametrize('missing', range(4))
def test_no_handshake(serve: Serve, missing: int) -> None:
    """What is no handshake is answered as HTTP, and nobody is stuck."""
    served = serve(echoing())
    headers = [*HANDSHAKE]
    del headers[missing]
    with served.connect() as sock:
        sock.sendall(get('/echo', *headers))
        assert sock.recv(100).startswith((b'HTTP/1.1 400', b'HTTP/1.1 500'))
    assert served.get().body == b'here'


def test_other_upgrades_are_passed_over(serve: Serve) -> None:
    served = serve(echoing())
    with served.connect() as sock:
        sock.sendall(get('/', 'Connection: Upgrade', 'Upgrade: h2c'))
        assert sock.recv(100).startswith(b'HTTP/1.1 200 OK')


def test_frames_are_those_of_wsproto() -> None:
    """What is not left to wsproto agrees with it."""
    for kind, cls in ((TEXT, TextMessage), (BINARY, BytesMessage)):
        for size in (0, 1, 125, 126, 65535, 65536, 100_000):
            peer = Connection(ConnectionType.CLIENT)
            peer.receive_data(frame_head(kind, size) + b'x' * size)
            (event,) = peer.events()
            assert isinstance(event, cls)
            assert len(event.data) == size
            assert event.message_finished
