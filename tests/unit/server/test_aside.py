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
"""Work that other threads of the system do for the server's."""

from __future__ import annotations

from collections.abc import Callable
import threading
import time
from typing import Any

from cylc_flask.server.thread import ASIDE, aside, compute
from tests.unit.server.served import Served, everything, get, one


def slow(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer with the number of the thread that has done some work."""
    name, seconds = here(), environ['PATH_INFO'].strip('/')
    if seconds == 'fault':
        try:
            aside(lambda: {}['nothing'])
        except KeyError:
            name = b'fault'
    elif seconds == 'compute':
        name = compute(here)
    elif seconds:
        name = aside(lambda: work(float(seconds)))
    start_response('200 OK', [('Content-Length', str(len(name)))])
    return [name]


def work(seconds: float) -> bytes:
    """Hold a thread up, and return its number."""
    time.sleep(seconds)
    return here()


def here() -> bytes:
    """Return the number of this thread, without giving it a name."""
    return str(threading.get_ident()).encode()


def test_others_are_served_meanwhile(
    serve: Callable[..., Served]
) -> None:
    served = serve(slow)
    waiting = [served.connect() for _ in range(ASIDE)]
    for sock in waiting:
        sock.sendall(get('/2'))
    before = time.monotonic()
    own = served.get().body
    quick = time.monotonic() - before
    others = {one(sock).body for sock in waiting}
    assert own not in others
    assert time.monotonic() - before > quick


def test_slow_disks_hold_no_computing_up(
    serve: Callable[..., Served]
) -> None:
    served = serve(slow)
    waiting = [served.connect() for _ in range(ASIDE)]
    for sock in waiting:
        sock.sendall(get('/2'))
    before = time.monotonic()
    computed = served.get('/compute').body
    quick = time.monotonic() - before
    assert computed not in {one(sock).body for sock in waiting}
    assert time.monotonic() - before > quick


def test_faults_come_back(serve: Callable[..., Served]) -> None:
    assert serve(slow).get('/fault').body == b'fault'


def test_end_amid_work(serve: Callable[..., Served]) -> None:
    """The thread ends all the same, and leaves no other behind."""
    served = serve(slow)
    with served.connect() as sock:
        sock.sendall(get('/0.5'))
        served.stop()
        everything(sock)
