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
"""One looks, and others get what comes of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
import time

import pytest

from cylc_flask.hub.life.shared import Shared
from tests.unit.auth.sites import Clock


class Waiting:
    """An event which tells who waits for it."""

    def __init__(self, waits: list[str]) -> None:
        self._event = Event()
        self._waits = waits

    def set(self) -> None:
        self._event.set()

    def wait(self, timeout: float | None = None) -> bool:
        self._waits.append('one')
        return self._event.wait(30)


def test_who_waits_shares_it() -> None:
    """And where it fails, it is tried again."""
    waits: list[str] = []
    begun, go_on, looks = Event(), Event(), []

    def look() -> int:
        looks.append(time.monotonic())
        begun.set()
        assert go_on.wait(30)
        if len(looks) == 1:
            raise OSError('no disk')
        return len(looks)
    shared = Shared(look, lambda: Waiting(waits), 60)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(shared)
        assert begun.wait(30)
        second = pool.submit(shared)
        while not waits:
            time.sleep(0.01)
        assert len(looks) == 1
        go_on.set()
        with pytest.raises(OSError, match='no disk'):
            first.result(30)
        assert second.result(30) == 2
    begun.clear()
    assert shared() == 2


def test_it_is_kept_for_a_while() -> None:
    clock, looks = Clock(), []

    def look() -> int:
        looks.append(1)
        clock.now += 5
        return len(looks)
    shared = Shared(look, Event, 2, clock)
    assert [shared(), shared()] == [1, 1]
    clock.now += 1.9
    assert shared() == 1
    clock.now += 0.1
    assert shared() == 2
