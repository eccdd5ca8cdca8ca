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

import threading
import time

from cylc_flask.server.turns import TURN
from tests.unit.server.served import chunks, everything, get, one, small

#: Connections that flood.
FLOOD = 40

HEAD = (
    b'POST /large HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n')


class Recorder:
    """An application that takes time, and knows whom it served when."""

    def __init__(self) -> None:
        self.order: list[str] = []

    def __call__(self, environ, start_response):
        path = environ['PATH_INFO']
        if path == '/stop':
            # Nobody is served meanwhile.
            time.sleep(0.5)
        elif path != '/warm':
            self.order.append(path)
            end = time.perf_counter() + TURN / 2
            while time.perf_counter() < end:
                pass
        return small(environ, start_response)


def test_quiet_clients_go_before_a_flood(serve):
    """All have a request there when the thread becomes free."""
    app = Recorder()
    served = serve(app)
    first, *flood, last, stop = [served.connect() for _ in range(FLOOD + 3)]
    for sock in flood:
        sock.sendall(get('/warm') * 300)
    for sock in flood:
        received = b''
        while received.count(b'200 OK') < 300:
            received += sock.recv(100_000)
    stop.sendall(get('/stop'))
    time.sleep(0.1)
    for sock in (first, *flood, last):
        sock.sendall(get('/flood' if sock in flood else '/quiet'))
    for sock in (stop, first, last, *flood):
        assert one(sock).status == 200
    assert len(app.order) == FLOOD + 2
    # Two quiet ones, and what fits into a turn beside them.
    assert app.order[:8].count('/quiet') == 2


def test_requests_in_one_packet_do_not_delay_others(serve):
    app = Recorder()
    served = serve(app)
    first, flood, last, stop = [served.connect() for _ in range(4)]
    stop.sendall(get('/stop'))
    time.sleep(0.1)
    first.sendall(get('/quiet'))
    flood.sendall(get('/flood') * 150)
    last.sendall(get('/quiet'))
    for sock in (stop, first, last):
        assert one(sock).status == 200
    # Ten at once are nothing special yet.
    assert app.order[:18].count('/quiet') == 2


def test_body_in_many_chunks_does_not_delay_others(serve):
    app = Recorder()
    served = serve(app)
    first, large, last, stop = [served.connect() for _ in range(4)]
    body = b''.join(chunks(*[b'a'] * 150_000))
    stop.sendall(get('/stop'))
    time.sleep(0.1)
    first.sendall(get('/quiet'))
    sending = threading.Thread(target=large.sendall, args=(HEAD + body,))
    sending.start()
    time.sleep(0.1)
    last.sendall(get('/quiet'))
    for sock in (stop, first, last, large):
        assert one(sock).status == 200
    sending.join()
    assert app.order == ['/quiet', '/quiet', '/large']


def test_all_of_a_flood_are_served(serve):
    served = serve(small)
    flood = [served.connect() for _ in range(FLOOD)]
    for sock in flood:
        sock.sendall(get() * 99 + get('/', 'Connection: close'))
    for sock in flood:
        assert everything(sock).count(b'200 OK') == 100
