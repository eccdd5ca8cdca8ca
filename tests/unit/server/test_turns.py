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
"""Who asks for little is served before those who flood the server."""

from __future__ import annotations

import time

from cylc_flask.server.turns import TURN
from tests.unit.server.served import chunks, everything, get, one, small

#: Connections that flood.
FLOOD = 40


def spin(seconds: float) -> None:
    """Use the thread."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_quiet_client_goes_before_a_flood(serve):
    """All have a request there when the thread becomes free."""
    order: list[str] = []

    def app(environ, start_response):
        path = environ['PATH_INFO']
        if path == '/stop':
            time.sleep(0.5)
        else:
            order.append(path)
            spin(TURN / 2)
        return small(environ, start_response)

    served = serve(app)
    flood = [served.connect() for _ in range(FLOOD)]
    quiet, stop = served.connect(), served.connect()
    for sock in flood:
        for _ in range(15):
            sock.sendall(get('/flood'))
            assert one(sock).status == 200
    order.clear()
    stop.sendall(get('/stop'))
    time.sleep(0.2)
    for sock in flood:
        sock.sendall(get('/flood'))
    quiet.sendall(get('/quiet'))
    for sock in (stop, quiet, *flood):
        assert one(sock).status == 200
    assert len(order) == FLOOD + 1
    # Two turns of two requests, and the one before others are looked for.
    assert order.index('/quiet') <= 5


def test_requests_in_one_packet_do_not_delay_others(serve):
    served = serve(lambda *args: (spin(TURN / 2), small(*args))[1])
    with served.connect() as flood, served.connect() as quiet:
        flood.sendall(get() * 1000)
        flood.recv(1)
        quiet.sendall(get())
        assert one(quiet).status == 200
        flood.settimeout(0)
        done = len(flood.recv(1_000_000)) // 60
        assert done < 500


def test_body_in_many_chunks_does_not_delay_others(serve):
    served = serve()
    body = b''.join(chunks(*[b'a'] * 150_000))
    head = (b'POST / HTTP/1.1\r\nHost: h\r\n'
            b'Transfer-Encoding: chunked\r\n\r\n')
    with served.connect() as large, served.connect() as quiet:
        large.sendall(head + body[:-5])
        quiet.sendall(get('/quiet'))
        assert one(quiet).status == 200
        large.sendall(body[-5:])
        assert len(one(large).json['body']) == 150_000


def test_all_of_a_flood_are_served(serve):
    served = serve(small)
    flood = [served.connect() for _ in range(FLOOD)]
    for sock in flood:
        sock.sendall(get() * 99 + get('/', 'Connection: close'))
    for sock in flood:
        assert everything(sock).count(b'200 OK') == 100
