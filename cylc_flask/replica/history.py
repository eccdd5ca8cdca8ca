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
"""The last changes, for those who come back after a short absence."""

from __future__ import annotations

from collections import deque
from itertools import islice

from .change import Change


class History:
    """The changes up to the newest version, as many as there is room for.

    Args:
        number: How many changes to keep.
        size: How many bytes of deltas.
    """

    def __init__(self, number: int, size: int) -> None:
        self.version = 0
        self._number = number
        self._room = size
        self._changes: deque[Change] = deque()

    def add(self, change: Change) -> None:
        """Append a change; nothing leads from before a snapshot to it."""
        self.version = change.version
        if change.loaded:
            while self._changes:
                self._forget()
            return
        self._changes.append(change)
        self._room -= len(change.raw or b'')
        while len(self._changes) > self._number or self._room < 0:
            self._forget()

    def since(self, version: int) -> list[Change] | None:
        """Return what came after a version; None if that is not known."""
        missed = self.version - version
        if not 0 <= missed <= len(self._changes):
            return None
        return list(islice(self._changes, len(self._changes) - missed, None))

    def _forget(self) -> None:
        self._room += len(self._changes.popleft().raw or b'')
