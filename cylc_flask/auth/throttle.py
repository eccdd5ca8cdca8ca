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
"""Failed log-ins are answered late, and later each time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from cylc_flask.auth.client import client_of

#: Seconds: the first delay (it doubles), the longest one, and how long a
#: failure is remembered.
FIRST = 0.1
LONGEST = 4.0
MEMORY = 600.0

#: How many addresses and names are remembered, and delayed at once.
CAPACITY = 1_000
SLEEPERS = 64


@dataclass(slots=True)
class _Failures:
    """How often somebody failed, and when last."""

    number: int
    last: float


class Throttle:
    """Slow down who guesses passwords, and nobody else.

    Only the answer to a failure waits. The right password is let in at
    once, however many wrong ones come from the same address: on a shared
    host, somebody else's guesses must not lock the owner out. One failure of
    a user at an address waits at a time, and so many in all that they cannot
    hold all connections; others are turned away at once, and learn nothing.
    All addresses count as one that a client can choose among.

    Args:
        sleep: Waits some seconds, letting others go on.
        clock: Returns seconds from a clock that is never set back.
        places: How many may wait at once.
    """

    def __init__(
        self,
        sleep: Callable[[float], object],
        clock: Callable[[], float],
        places: int = SLEEPERS,
    ) -> None:
        self._sleep = sleep
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()
        self._places = places
        self._sleepers: set[tuple[str, str]] = set()
        self._lock = Lock()

    def failed(self, address: str, user: str) -> bool:
        """Note a failed log-in, and return after a while.

        Returns:
            False, at once, if it is to be turned away.
        """
        who = client_of(address), user
        with self._lock:
            delay = self._note(who)
            if who in self._sleepers or len(self._sleepers) >= self._places:
                return False
            self._sleepers.add(who)
        try:
            self._sleep(delay)
        finally:
            with self._lock:
                self._sleepers.discard(who)
        return True

    def succeeded(self, address: str, user: str) -> None:
        """Forgive what failed before."""
        with self._lock:
            self._failures.pop((client_of(address), user), None)

    def _note(self, who: tuple[str, str]) -> float:
        """Count a failure; return how long to wait for it."""
        now = self._clock()
        failures = self._failures.pop(who, None)
        if failures is None or now - failures.last > MEMORY:
            failures = _Failures(0, now)
        failures.number += 1
        failures.last = now
        self._failures[who] = failures
        if len(self._failures) > CAPACITY:
            self._failures.popitem(last=False)
        return min(FIRST * 2.0 ** min(failures.number - 1, 32), LONGEST)
