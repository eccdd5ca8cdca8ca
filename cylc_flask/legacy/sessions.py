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
"""Who has called of late: sessions by the caller's uuid."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
import time
from typing import NamedTuple

from cylc_flask.legacy.latest import Session

#: Seconds of silence after which a session is forgotten.
SILENCE = 60.0

#: A client without a uuid leaves a session behind each time it calls.
LIMIT = 10_000


class Visit(NamedTuple):
    """What a call means to the table of sessions."""

    session: Session
    #: Nothing was known of this uuid.
    is_new: bool
    #: The uuids of sessions that ended meanwhile.
    forgotten: list[str]


@dataclass
class _Entry:
    last_call: float
    session: Session = field(default_factory=Session)


class Sessions:
    """The sessions of one mount, in the order of their last calls.

    Args:
        clock: Returns the time in seconds; it must not go back.
        limit: How many are kept; beyond that the most silent one goes.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        limit: int = LIMIT,
    ) -> None:
        self._clock = clock
        self._limit = limit
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def visit(self, uuid: str) -> Visit:
        """Note an allowed call, and forget those that have been silent.

        The caller's own session is safe, however long ago it called: only
        the calls of others end it.
        """
        now = self._clock()
        is_new = uuid not in self._entries
        entry = self._entries.setdefault(uuid, _Entry(now))
        entry.last_call = now
        self._entries.move_to_end(uuid)
        return Visit(entry.session, is_new, self._sweep(now))

    def sign_out(self, uuid: str) -> bool:
        """Forget a session at once, and tell whether there was one."""
        return self._entries.pop(uuid, None) is not None

    def _sweep(self, now: float) -> list[str]:
        forgotten = []
        while len(self._entries) > 1:
            uuid, entry = next(iter(self._entries.items()))
            if (
                now - entry.last_call <= SILENCE
                and len(self._entries) <= self._limit
            ):
                break
            del self._entries[uuid]
            forgotten.append(uuid)
        return forgotten
