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
"""Who has the thread next, where many want it."""

from __future__ import annotations

from collections import deque
from time import perf_counter

import gevent
from gevent.hub import Waiter

#: How long (seconds) the thread may be busy until it looks who else calls.
TURN = 0.002


class Turns:
    """Lets those go first who ask for little.

    gevent alone stays with a connection for as long as its client sends
    something, and with all that do before it looks for others. Those who
    `wait` here are served in their order, for the time of a turn, after
    whoever else has something to do.
    """

    def __init__(self) -> None:
        loop = gevent.get_hub().loop
        self._waiting: deque[Waiter] = deque()
        self._began = perf_counter()
        # Called first of all after the loop has looked what is there...
        self._start = loop.check(priority=2)
        self._start.start(self._begin)
        # ... and last of all.
        self._end = loop.timer(0, priority=-2)

    def is_over(self) -> bool:
        """Return True if others should have the thread now."""
        return perf_counter() - self._began > TURN

    def wait(self) -> None:
        """Let others go first."""
        waiter = Waiter()
        self._waiting.append(waiter)
        self._wake()
        waiter.get()

    def close(self) -> None:
        """Release what the event loop has of this."""
        for watcher in (self._start, self._end):
            watcher.stop()
            watcher.close()

    def _begin(self) -> None:
        self._began = perf_counter()

    def _wake(self) -> None:
        if not self._end.active:
            self._end.start(self._go_on)

    def _go_on(self) -> None:
        end = perf_counter() + TURN
        for _ in range(len(self._waiting)):
            self._waiting.popleft().switch(None)
            if perf_counter() > end:
                break
        if self._waiting:
            self._wake()
