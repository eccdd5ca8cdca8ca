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
"""What takes its time is done once for all who want it at the time."""

from __future__ import annotations

from collections.abc import Callable
import time
from typing import Generic, TypeVar

from cylc_flask.commands import Event

#: For how long (seconds) a result is good.
KEPT = 2.0

T = TypeVar('T')


class Shared(Generic[T]):
    """Looks something up, and hands the result to whoever comes meanwhile.

    All callers are on the server's thread, where others go on while one
    looks.

    Args:
        look: Does it.
        make_event: Makes an event on which the others wait.
        kept: For how long (seconds) the result is handed on after that.
        clock: Returns seconds from a clock that is never set back.
    """

    def __init__(
        self,
        look: Callable[[], T],
        make_event: Callable[[], Event],
        kept: float = KEPT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._make_event = make_event
        self._kept = kept
        self._clock = clock
        self._done: Event | None = None
        #: The result, and until when it is good.
        self._found: tuple[T, float] | None = None

    def __call__(self) -> T:
        """Return the result, of now or a little while ago.

        Where it fails for one, the next of those who wait tries it.
        """
        while (done := self._done) is not None:
            done.wait()
        if self._found is None or self._clock() >= self._found[1]:
            self._found = self._look_up()
        return self._found[0]

    def _look_up(self) -> tuple[T, float]:
        done = self._done = self._make_event()
        try:
            return self._look(), self._clock() + self._kept
        finally:
            self._done = None
            done.set()
