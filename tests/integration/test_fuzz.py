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
"""Requests of all sorts, most of them bad, against a real scheduler.

``make fuzz`` sends many more of them, and watches the memory.
"""

from __future__ import annotations

from base64 import b64encode
from http.client import HTTPException, HTTPResponse
import os
import socket

from hypothesis import HealthCheck, given, settings
import psutil
import pytest

from cylc_flask.privilege import Privilege
from tests.harness import Run, Starter
from tests.strategies import ENDPOINTS, Request, requests

#: How many requests are sent in all, and how many of them are different.
REQUESTS = int(os.environ.get('FUZZ_REQUESTS', '2000'))
DIFFERENT = 400

#: From so many requests on, the memory has to keep still.
WARM = 20_000

#: Whether the memory is watched. There is no reload among the requests
#: then: each leaves some 45 kB behind in cylc-flow, with us or without.
IS_LONG = REQUESTS > 2 * WARM

#: How many bytes of memory more there may be after that.
GROWTH = 10_000_000

FLOW = """
    [scheduler]
        UTC mode = True
        allow implicit tasks = True
        [[events]]
            abort on stall timeout = False
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        runahead limit = P2
        [[graph]]
            P1 = tick[-P1] => tick => work & wait
    [runtime]
        [[FAM]]
        [[work, wait]]
            inherit = FAM
"""

#: What a client must never see.
SECRETS = (b'Traceback', b'File "', b'site-packages')


class Client:
    """A connection which is made anew where the server has closed it."""

    def __init__(self, run: Run) -> None:
        self._address = run.http['host'], run.http['port']
        login = b64encode(f'cylc:{run.passphrase}'.encode())
        self._login = (
            (b'Host', b'localhost'), (b'Authorization', b'Basic ' + login),
        )
        self._sock: socket.socket | None = None

    def send(self, request: Request) -> tuple[int, bytes]:
        """Return status and body of the answer."""
        names = {name for name, _ in request.headers}
        message = request.message(*(
            header for header in self._login if header[0] not in names
        ))
        for _ in range(2):
            if self._sock is None:
                self._sock = socket.create_connection(self._address, 30)
            try:
                self._sock.sendall(message)
                return self._receive(request)
            except (OSError, HTTPException):
                # It was closed after the answer before this.
                self.close()
        raise AssertionError(f'no answer to {message[:2000]!r}')

    def _receive(self, request: Request) -> tuple[int, bytes]:
        assert self._sock is not None
        response = HTTPResponse(
            self._sock, method=request.method.decode('latin-1')
        )
        response.begin()
        body = response.read()
        if response.will_close:
            self.close()
        response.close()
        return response.status, body

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
        self._sock = None


@pytest.fixture(scope='module')
def corpus() -> list[Request]:
    """Return requests, none of which stops the workflow if it is good."""
    found: list[Request] = []

    @settings(
        max_examples=DIFFERENT, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests())
    def collect(request: Request) -> None:
        reloads = b'reload' in request.target
        if not may_stop(request) and not (reloads and IS_LONG):
            found.append(request)

    collect()
    return found


def may_stop(request: Request) -> bool:
    """Tell whether a request may end the workflow, if it is a good one.

    That is also what lets it run to its end; it is paused.
    """
    path = request.target.partition(b'?')[0].decode('latin-1')
    return 'release_suite' in path or any(
        endpoint.privilege is Privilege.SHUTDOWN and name in path
        for name, endpoint in ENDPOINTS.items()
    )


@pytest.fixture(scope='module')
def run(mod_start: Starter) -> Run:
    return mod_start(
        FLOW, '--mode=simulation', '--pause', name='one',
        config={'authentication': 'basic', 'limits': {'wait': 1}},
    )


@pytest.mark.timeout(7200)
def test_requests(run: Run, corpus: list[Request]) -> None:
    """Each gets an answer; none is a 500, or shows our inside."""
    assert run.process
    process = psutil.Process(run.process.pid)
    client = Client(run)
    files = memory = 0
    for number in range(REQUESTS):
        request = corpus[number % len(corpus)]
        status, body = client.send(request)
        assert status < 500 or status in (501, 503, 505), (request, body)
        assert not any(secret in body for secret in SECRETS), request
        if number == min(WARM, REQUESTS // 5):
            files, memory = process.num_fds(), process.memory_info().rss
    client.close()
    assert process.num_fds() <= files + 10
    grown = process.memory_info().rss - memory
    print(f'{REQUESTS} requests: {memory} bytes, and {grown} more')
    if IS_LONG:
        assert grown <= GROWTH


def test_scheduler_is_well_after_that(run: Run) -> None:
    """Its main loop turns, and it can do so again after a restart."""
    assert run.alive
    assert run.post('hold_suite', wait=1)[0] is True
    run.stop()
    run.play('--mode=simulation', '--pause')
    assert run.get('ping_suite') is True
    run.wait_for(lambda: run.post('hold_suite', wait=1)[1].startswith(
        'Command succeeded'), 30, 'a turn of the main loop')
    assert run.alive
