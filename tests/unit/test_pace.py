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
"""Time is given away amid long work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
import sys
from threading import Event, Thread
from time import perf_counter, sleep, thread_time
from typing import Any

import gevent
from gevent import GreenletExit
import pytest

from cylc_flask.pace import AT_ONCE, NAP, SERVED, SLICE, Pace

#: How often the thread that comes first lets go.
WAITS = 20


@pytest.fixture
def waits() -> list[float]:
    """How long the others of the thread were served, each time."""
    return []


@pytest.fixture
def pace(waits: list[float]) -> Pace:
    return Pace(0.2, waits.append)


def work() -> None:
    """Work for as long as is allowed at once, and a bit longer."""
    end = thread_time() + 1.1 * SLICE
    while thread_time() < end:
        pass


def long_work() -> None:
    """Work for so long that others have to be served."""
    end = thread_time() + 1.1 * SERVED
    while thread_time() < end:
        pass


@contextmanager
def beside(target: Callable[[], object]) -> Iterator[None]:
    """Have something done again and again in another thread."""
    stop = Event()

    def go_on() -> None:
        while not stop.is_set():
            target()

    thread = Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def time_of_waits() -> float:
    """Return how long it takes who waits for a disk again and again."""
    began = perf_counter()
    for _ in range(WAITS):
        sleep(0.0002)
    return perf_counter() - began


@pytest.fixture
def slow_switch() -> Iterator[None]:
    """Have threads keep Python for long, to tell that from other noise."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.05)
    yield
    sys.setswitchinterval(before)


@contextmanager
def resting(pace: Pace) -> Iterator[Callable[[], object]]:
    """Do some work that lets nobody else of its thread go on."""
    yield pace.rest


@pytest.mark.usefixtures('slow_switch')
@pytest.mark.parametrize('doing', [resting, Pace.work])
def test_who_comes_first_goes_on(pace: Pace, doing: Any) -> None:
    """As often as it lets go, it gets its turn back soon."""
    def paced() -> None:
        with doing(pace) as give:
            work()
            give()

    with beside(work):
        hindered = time_of_waits()
    with beside(paced):
        assert time_of_waits() < hindered / 2


def test_others_are_served_at_once_while_nobody_works(
    pace: Pace, waits: list[float]
) -> None:
    with pace.work() as pause:
        for _ in range(100):
            work()
            pause()
    assert len(waits) >= 100 * SLICE / SERVED / 2
    assert NAP in waits


def test_share_while_somebody_works(pace: Pace, waits: list[float]) -> None:
    """A fifth of the time is one part of work and four of waiting."""
    with beside(work), pace.work() as pause:
        for _ in range(20):
            work()
            pause()
    assert max(waits) >= 4 * SLICE


def test_short_work_is_not_interrupted(
    pace: Pace, waits: list[float]
) -> None:
    with pace.work() as pause:
        long_work()
        pause()
        for _ in range(5):
            pause()
            pace.rest()
    assert len(waits) == 1


def test_nobody_pays_for_what_others_have_done(
    pace: Pace, waits: list[float]
) -> None:
    end = thread_time() + 0.1
    while thread_time() < end:
        pass
    with beside(work), pace.work() as pause:
        long_work()
        pause()
    assert max(waits) < 0.1


def test_turns() -> None:
    """A few works go on in turns, each of the others waits for one to end."""
    done: list[int] = []
    begun: list[int] = []
    active = 0

    def wait(seconds: float) -> None:
        gevent.sleep(max(seconds, 0.001))

    def go_through(number: int) -> None:
        nonlocal active
        with pace.work() as pause:
            long_work()
            pause()
            begun.append(number)
            active += 1
            assert active <= AT_ONCE
            for _ in range(10):
                long_work()
                assert pause() > 0
            active -= 1
        done.append(number)

    pace = Pace(0.5, wait)
    greenlets = [gevent.spawn(go_through, n) for n in range(2 * AT_ONCE)]
    gevent.joinall(greenlets, raise_error=True)
    assert begun == sorted(begun)
    assert sorted(done) == begun


def test_who_is_stopped_holds_nobody_up(waits: list[float]) -> None:
    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) <= AT_ONCE:
            raise GreenletExit

    pace = Pace(0.5, wait)
    for _ in range(AT_ONCE):
        with suppress(GreenletExit), pace.work() as pause:
            long_work()
            pause()
    with pace.work() as pause:
        long_work()
        pause()
    assert len(waits) == AT_ONCE + 1


def test_nobody_sees_what_is_half_done(
    pace: Pace, waits: list[float]
) -> None:
    with pace.work() as pause:
        with pace.alone():
            with pace.alone():
                long_work()
                assert pause() == 0
            long_work()
            pause()
        assert waits == []
        long_work()
        pause()
    assert len(waits) == 1
