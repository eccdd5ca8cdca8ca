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
from contextlib import contextmanager
import sys
from threading import Event, Thread
from time import perf_counter, sleep, thread_time

import pytest

from cylc_flask.pace import SLICE, Pace

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


@pytest.mark.usefixtures('slow_switch')
@pytest.mark.parametrize('name', ['rest', 'pause'])
def test_who_comes_first_goes_on(pace: Pace, name: str) -> None:
    """As often as it lets go, it gets its turn back soon."""
    give = getattr(pace, name)

    def paced() -> None:
        work()
        give()

    with beside(work):
        hindered = time_of_waits()
    with beside(paced):
        assert time_of_waits() < hindered / 2


def test_others_are_served_at_once_while_nobody_works(
    pace: Pace, waits: list[float]
) -> None:
    for _ in range(10):
        work()
        pace.pause()
    assert len(waits) == 10
    assert 0 in waits


def test_share_while_somebody_works(pace: Pace, waits: list[float]) -> None:
    """A fifth of the time is one part of work and four of waiting."""
    with beside(work):
        for _ in range(20):
            work()
            pace.pause()
    assert max(waits) >= 4 * SLICE


def test_short_work_is_not_interrupted(
    pace: Pace, waits: list[float]
) -> None:
    work()
    pace.pause()
    for _ in range(5):
        pace.pause()
        pace.rest()
    assert len(waits) == 1


def test_no_more_than_two_are_at_it() -> None:
    """What is begun while another waits is done before that goes on."""
    depth = []

    def serve(_: float) -> None:
        depth.append(len(depth))
        for _ in range(3):
            work()
            pace.pause()

    pace = Pace(0.2, serve)
    work()
    pace.pause()
    assert depth == [0]
    work()
    pace.pause()
    assert depth == [0, 1]


def test_nobody_sees_what_is_half_done(
    pace: Pace, waits: list[float]
) -> None:
    with pace.alone():
        with pace.alone():
            work()
            pace.pause()
        work()
        pace.pause()
    assert waits == []
    work()
    pace.pause()
    assert len(waits) == 1
