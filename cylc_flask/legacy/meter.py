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
"""How often something is asked for, told once an hour."""

from __future__ import annotations

from collections.abc import Callable
import time

#: Seconds from one report to the next.
PERIOD = 3600


class Meter:
    """Counts calls.

    Args:
        clock: Returns the time in seconds; it must not go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._number = 0

    def note(self) -> tuple[int, int] | None:
        """Count a call.

        Returns:
            Once in a period, the number of calls and the seconds since the
            last time.

        Examples:
            >>> times = iter([0, 10, 3600, 3601])
            >>> meter = Meter(lambda: next(times))
            >>> meter.note(), meter.note(), meter.note()
            (None, (2, 3600), None)
        """
        self._number += 1
        now = self._clock()
        if now - self._began < PERIOD:
            return None
        report = self._number, round(now - self._began)
        self._began, self._number = now, 0
        return report
