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
"""How many passwords from one place may be compared at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from cylc_flask.auth.client import client_of
from cylc_flask.errors import Unavailable

#: A part of the places that there are for all.
MOST = 8


class Shares:
    """Keeps places free for others: who guesses could take all of them.

    Args:
        most: How many one client may have, by whichever address.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, address: str) -> Iterator[None]:
        """Take a place for a while.

        Raises:
            Unavailable: Too many are taken from there already.
        """
        client = client_of(address)
        if self._taken[client] >= self._most:
            raise Unavailable('Too many log in from your address just now.')
        self._taken[client] += 1
        try:
            yield
        finally:
            self._taken[client] -= 1
            if not self._taken[client]:
                del self._taken[client]
