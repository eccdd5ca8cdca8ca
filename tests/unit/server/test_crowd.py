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
"""More clients than there are places."""

from __future__ import annotations

import resource
import socket
import struct
import time

from gevent import GreenletExit
import pytest

from cylc_flask.server import listen
from cylc_flask.server.crowd import PATIENCE, PAUSE
from cylc_flask.server.thread import GRACE, sleep
from tests.harness import wait_for
from tests.unit.server.served import (
    echo,
    everything,
    get,
    one,
    post,
    small,
    wires,
)

#: Makes close() reset the connection.
RESET = struct.pack('ii', 1, 0)


def use(sock: socket.socket) -> None:
    """Send a request, and read the answer."""
    sock.sendall(get())
    assert one(sock).status == 200


def is_closed(sock: socket.socket) -> bool:
    """Return whether the server has closed an idle connection."""
    sock.settimeout(0.2)
    try:
        return sock.recv(1) == b''
    except TimeoutError:
        return False
    finally:
        sock.settimeout(20)


def test_idle_connection_makes_room_for_a_new_one(serve):
    served = serve(small, open_connections=10)
    old = [served.connect() for _ in range(9)]
    for sock in old:
        use(sock)
    use(old[0])
    assert not any(map(is_closed, old))
    time.sleep(PAUSE)
    for count in (1, 2, 3):
        use(served.connect())
        # Those go first that were used least lately.
        assert [is_closed(sock) for sock in old[:5]] == [
            number in range(1, count + 1) for number in range(5)]


@pytest.mark.parametrize('limit', [1, 2, 5])
def test_few_places_serve_many(limit, serve):
    served = serve(small, open_connections=limit)
    for _ in range(limit * 3):
        use(served.connect())
    assert len(wires()) <= limit


@pytest.mark.parametrize('data', [
    pytest.param(b'', id='nothing'),
    pytest.param(b'GET', id='part of a header'),
    pytest.param(post(b'abc')[:-1], id='part of a body'),
])
def test_slow_clients_make_room(data, serve):
    served = serve(small, open_connections=5)
    slow = [served.connect() for _ in range(5)]
    for sock in slow:
        sock.sendall(data)
    began = time.monotonic()
    use(served.connect())
    # Long before the time of their requests is over.
    assert time.monotonic() - began < 15


def test_new_connection_has_a_moment_to_begin(serve):
    served = serve(small, open_connections=3)
    socks = [served.connect() for _ in range(3)]
    for sock in socks:
        use(sock)


def test_slow_handshakes_make_room(serve, tls):
    served = serve(small, tls, open_connections=5, handshake_timeout=60)
    for _ in range(5):
        served.connect_plain()
    began = time.monotonic()
    use(served.connect())
    assert time.monotonic() - began < 20


def test_slow_client_has_its_time_where_there_is_room(serve):
    served = serve(small, open_connections=5)
    with served.connect() as slow:
        slow.sendall(get()[:-1])
        time.sleep(PATIENCE + 0.5)
        slow.sendall(get()[-1:])
        assert one(slow).status == 200


def test_answers_under_way_are_not_cut_off(serve):
    """Who comes later waits for one to end."""
    def app(environ, start_response):
        if environ['PATH_INFO'] == '/slow':
            sleep(PATIENCE + 1)
        return small(environ, start_response)

    served = serve(app, open_connections=3)
    slow = [served.connect() for _ in range(3)]
    for sock in slow:
        sock.sendall(get('/slow', 'Connection: close'))
    wait_for(lambda: len(wires()) == 3)
    late = served.connect()
    late.sendall(get())
    for sock in slow:
        assert b'200 OK' in everything(sock)
    assert one(late).status == 200


def test_limit_is_for_all_listeners(serve):
    listeners = listen.listen(['127.0.0.1', '127.0.0.2'], 30000, 60000)
    served = serve(small, listeners=listeners, open_connections=4)
    for _ in range(4):
        for listener in listeners:
            served.address = listener.getsockname()
            use(served.connect())
    assert len(wires()) <= 4


def test_many_come_and_go(serve, tls, caplog):
    """By a clean end or by a reset, in any phase: nothing is left."""
    requests = [b'', b'G', get(), get()[:-2], post(b'abc')[:-1], get() * 50]
    for served in (serve(echo), serve(echo, tls)):
        use(served.connect())
        for number in range(300):
            sock = served.connect_plain()
            sock.sendall(requests[number % len(requests)])
            if number % 2:
                sock.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            sock.close()
        wait_for(lambda: len(wires()) == 1)
        served.close()
    assert not caplog.records


def test_no_more_files_can_be_opened(serve, caplog):
    """The server waits, and goes on when it can."""
    served = serve(small)
    use(served.connect())
    waiting = [served.connect() for _ in range(3)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for sock in waiting:
        use(sock)
    late = socket.socket()
    served.clients.append(late)
    late.settimeout(20)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (late.fileno(), hard))
        late.connect(served.address)
        late.sendall(get())
        for sock in waiting:
            use(sock)
        time.sleep(0.3)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert one(late).status == 200
    assert 'Too many open files' in caplog.text


def test_application_which_will_not_end_keeps_no_place(serve):
    """Its greenlet cannot be helped, but the client is told."""
    def app(environ, start_response):
        while True:
            try:
                sleep(60)
            except GreenletExit:
                pass

    served = serve(app)
    with served.connect() as sock:
        sock.sendall(get())
        wait_for(lambda: any(not wire.idle for wire in wires()))
        began = time.monotonic()
        served.stop()
        assert time.monotonic() - began < GRACE + 3
        assert not wires()
        assert everything(sock) == b''
