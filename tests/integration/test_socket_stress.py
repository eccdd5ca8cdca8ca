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
"""Hundreds of clients, most of them bad, and a scheduler that runs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle, islice
import random
import resource
import ssl
import statistics
import threading
import time

import psutil
import pytest

from tests.harness import Run, Starter, wait_for
from tests.socket_client import BASIC, Raw, Socket, authorization, frame

#: Many tasks, and something new all the time.
FLOW = """
    [scheduling]
        cycling mode = integer
        [[graph]]
            P1 = t<m>[-P1] => t<m>
    [task parameters]
        m = 1..40
    [runtime]
        [[t<m>]]
            [[[simulation]]]
                default run length = PT1S
"""

IDLE = 500
DEAF = 100
ABRUPT = 300
BROKEN = 100

#: All there is to know, so that what nobody reads soon fills any buffer.
ALL = """
    subscription {
        deltas {
            added {taskProxies {
                id state name cyclePoint flowNums isHeld isQueued isRunahead
                graphDepth task {id name meanElapsedTime}
            }}
            updated {taskProxies {
                id state name cyclePoint flowNums isHeld isQueued isRunahead
                graphDepth task {id name meanElapsedTime}
            }}
        }
    }
"""

STATUS = '{workflows {id stateTotals}}'

POINTS = '{taskProxies(states: ["succeeded"]) {cyclePoint}}'

MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    """Let the test and its scheduler open as many files as they need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Witness(threading.Thread):
    """Somebody who behaves, and notes how long everything takes."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self._over = threading.Event()
        self.times: list[float] = []
        self.points: list[int] = []

    def run(self) -> None:
        with Socket(self._run).init() as socket:
            while not self._over.wait(0.1):
                began = time.monotonic()
                socket.ask('1', STATUS)
                self.times.append(time.monotonic() - began)
                found = socket.ask('2', POINTS)['taskProxies']
                self.points += [int(each['cyclePoint']) for each in found]

    def stop(self) -> None:
        self._over.set()
        self.join()


class Mob:
    """Clients of all sorts.

    Args:
        run: Whom they call.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._all: list[Raw] = []
        self._login = authorization(run)
        self._context = None
        if run.http['scheme'] == 'https':
            self._context = ssl.create_default_context(
                cafile=str(run.service / 'ssl.cert'))

    def connect(self, small: bool = False) -> Raw:
        self._all.append(Raw(self._run, self._context, small))
        return self._all[-1]

    def enter(self, small: bool = False) -> Raw:
        """Return a client that has been let in."""
        raw = self.connect(small).upgrade(self._login)
        raw.say(type='connection_init')
        return raw

    def follow(self, small: bool = False) -> Raw:
        """Return a client that follows the workflow."""
        raw = self.enter(small)
        raw.say(id='1', type='subscribe', payload={'query': ALL})
        return raw

    def leave(self) -> None:
        """Break off all connections that are left."""
        while self._all:
            with suppress(OSError):
                self._all.pop().abort()

    def deaf(self) -> None:
        """Come, want much, and read nothing."""
        raw = self.follow(small=True)
        for id in '23456':
            raw.say(id=id, type='subscribe', payload={'query': ALL})

    def idle(self, number: int) -> list[Raw]:
        return [self.enter() for _ in range(number)]

    def break_off(self, number: int) -> None:
        """Come, at different lengths, and go without a word."""
        for stage in islice(cycle(range(5)), number):
            match stage:
                case 0:
                    raw = self.connect()
                    raw.sock.sendall(b'GET /subscriptions HTTP/1.1\r\n')
                case 1:
                    raw = self.connect().upgrade(self._login)
                case 2:
                    raw = self.enter()
                case 3:
                    raw = self.follow()
                case _:
                    raw = self.follow()
                    raw.sock.sendall(frame(b'x' * 500)[:100])
            raw.abort()

    def babble(self, number: int) -> None:
        """Send what is no frame, or far too much of one."""
        noise = random.Random(1)
        for stage in islice(cycle(range(5)), number):
            raw = self.enter()
            with suppress(OSError):
                match stage:
                    case 0:
                        raw.sock.sendall(frame(b'', length=1 << 40))
                        raw.sock.sendall(b'x' * 2 * MEGABYTE)
                    case 1:
                        raw.sock.sendall(frame(b'x' * 2 * MEGABYTE))
                    case 2:
                        raw.sock.sendall(frame(b'x', 0x87))
                    case 3:
                        raw.sock.sendall(noise.randbytes(2000))
                    case _:
                        raw.sock.sendall(frame(b'\xff' * 100))
            raw.abort()


@pytest.mark.parametrize('method', ['http', 'https'])
def test_stress(start: Starter, method: str) -> None:
    run = start(FLOW, '--mode=simulation', config={
        **BASIC, 'method': method,
        'limits': {
            'request_timeout': 3, 'ping_interval': 60,
            'open_connections': 2000, 'sockets': 1000,
        },
    })
    assert run.process
    process = psutil.Process(run.process.pid)
    mob = Mob(run)
    witness = Witness(run)
    witness.start()
    try:
        # The first time of everything takes memory that stays.
        mob.break_off(20)
        mob.babble(20)
        mob.idle(IDLE)
        mob.leave()
        wait_for(lambda: len(connections(process)) <= 3, 20, 'quiet')
        files, memory = process.num_fds(), process.memory_info().rss

        idle = mob.idle(IDLE)
        for _ in range(DEAF):
            mob.deaf()
        full = process.memory_info().rss
        mob.break_off(ABRUPT)
        mob.babble(BROKEN)
        wait_for(
            lambda: len(connections(process)) <= IDLE + 2, 30,
            'the end of those who do not read')
        assert all(raw.is_open() for raw in idle)
        mob.leave()
        wait_for(lambda: len(connections(process)) <= 3, 20, 'quiet')
        wait_for(lambda: process.num_fds() <= files + 2, 20, 'few files')
        grown = process.memory_info().rss - memory
    finally:
        mob.leave()
        witness.stop()
    times = sorted(witness.times)
    told = (
        f'{method}: memory {memory >> 20} MB, {full >> 20} MB with'
        f' {IDLE + DEAF} clients, {grown >> 20} MB more in the end; p50'
        f' {statistics.median(times) * 1000:.0f} ms, p99'
        f' {times[-len(times) // 100] * 1000:.0f} ms of {len(times)}'
    )
    print(told)
    assert grown < 40 * MEGABYTE, told
    assert statistics.median(times) < 2, told
    assert max(witness.points) > min(witness.points), 'no progress'
    last = max(witness.points)
    wait_for(lambda: newest(run) > last, 30, 'another point')
    last_ones = [*mob.idle(100), *(mob.follow() for _ in range(100))]
    assert run.stop() == 0
    assert {raw.code() for raw in last_ones} == {1001}
    mob.leave()
    assert 'fault' not in run.log()
    assert 'Traceback' not in run.log()


def connections(process: psutil.Process) -> list[object]:
    """Return the connections of clients."""
    return [
        each for each in process.net_connections('tcp')
        if each.status not in ('LISTEN', 'NONE')
    ]


def newest(run: Run) -> int:
    """Return the last point of which a task has succeeded."""
    with Socket(run).init() as socket:
        found = socket.ask('1', POINTS)['taskProxies']
    return max((int(each['cyclePoint']) for each in found), default=0)
