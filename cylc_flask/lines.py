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
"""Connections that stay: WebSockets and streams of events."""

from __future__ import annotations

from typing import Callable

Wake = Callable[[], object]

#: What is said to those who stay when the server ends.
GOING_AWAY = 'The server stops.'


class Lines:
    """Who stays, so that they can be counted, and told to leave.

    Args:
        limit: How many there may be.
    """

    def __init__(self, limit: int = 600) -> None:
        self._limit = limit
        self._wakes: set[Wake] = set()
        #: Why all have to end, '' as long as they do not.
        self.ending = ''

    def __len__(self) -> int:
        return len(self._wakes)

    @property
    def full(self) -> bool:
        """Return True if nobody else may stay."""
        return bool(self.ending) or len(self._wakes) >= self._limit

    def join(self, wake: Wake) -> None:
        """Take up a connection.

        Args:
            wake: Called when it has to look at `ending`; it must not wait.
        """
        self._wakes.add(wake)

    def leave(self, wake: Wake) -> None:
        """Forget a connection."""
        self._wakes.discard(wake)

    def end(self, reason: str = GOING_AWAY) -> None:
        """Tell all to end."""
        self.ending = reason
        for wake in list(self._wakes):
            wake()
