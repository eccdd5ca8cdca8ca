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
"""The last warnings and errors of the scheduler's log."""

from __future__ import annotations

from collections import deque
from itertools import islice
import logging
from typing import NamedTuple

from ansimarkup import strip

KEPT = 1000

#: So much of a record is kept, in characters: clients can have any of their
#: texts logged.
LONGEST = 10_000


def text_of(record: logging.LogRecord) -> str:
    """Return what a log record says, without Cylc's marks for colours."""
    return str(strip(record.getMessage()))


class Record(NamedTuple):
    """A log record, with its running number from 1 on."""

    number: int
    level: int
    text: str
    #: Unix time.
    time: float


class Records:
    """A window on the newest records, which each reader follows by number."""

    def __init__(self, kept: int = KEPT) -> None:
        self._records: deque[Record] = deque(maxlen=kept)
        self.newest = 0

    def add(self, level: int, text: str, time: float) -> None:
        """Append a record; the oldest goes when there are too many."""
        self.newest += 1
        self._records.append(
            Record(self.newest, level, text[:LONGEST], time)
        )

    def since(self, number: int) -> tuple[list[Record], int]:
        """Return what came after a record, and the newest number.

        Examples:
            >>> records = Records()
            >>> records.add(30, 'low disk', 0.0)
            >>> records.since(0)
            ([Record(number=1, level=30, text='low disk', time=0.0)], 1)
            >>> records.since(1)
            ([], 1)
        """
        kept = len(self._records)
        skipped = max(0, kept - max(0, self.newest - number))
        return list(islice(self._records, skipped, kept)), self.newest
