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
"""Times of day in the workflow's own time zone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from metomi.isodatetime.parsers import TimePointParser


class Zone:
    """The time zone in which a scheduler writes its times.

    Args:
        info: PbTimeZone, or what has its fields.
    """

    def __init__(self, info: Any) -> None:
        self._suffix: str = info.string_extended or 'Z'
        self._zone = timezone(
            timedelta(hours=info.hours, minutes=info.minutes)
        )

    def text(self, epoch: float) -> str:
        """Return a Unix time as text, to the second."""
        time = datetime.fromtimestamp(epoch, self._zone)
        return f'{time:%Y-%m-%dT%H:%M:%S}{self._suffix}'

    def read(self, text: str) -> tuple[float, str] | tuple[None, None]:
        """Return the Unix time of a time in the store, and its text here.

        A job elsewhere may have another time zone than the scheduler.
        """
        if not text:
            return None, None
        epoch = _epoch(text)
        return epoch, (
            text if text.endswith(self._suffix) else self.text(epoch)
        )


def _epoch(text: str) -> float:
    """Return a Unix time; the quick way reads nearly all of ISO 8601."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return float(TimePointParser().parse(text).seconds_since_unix_epoch)
