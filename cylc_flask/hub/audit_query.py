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
"""Search the audit log.

It reads files, and takes its time: servers have it done by another thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import count
import os
from pathlib import Path
import re
from typing import BinaryIO

import orjson

from cylc_flask.errors import CylcFlaskError
from cylc_flask.hub.audit import FILE_NAME, Record, stamp
from cylc_flask.hub.users.grants import matches

_AGE = re.compile(r'(\d{1,9})([smhdw])').fullmatch
_UNITS = {
    's': 'seconds', 'm': 'minutes', 'h': 'hours', 'd': 'days', 'w': 'weeks',
}
_NAMES = tuple(item.name for item in fields(Record))


@dataclass(frozen=True)
class Query:
    """What is wanted of the log; '' stands for anything.

    Args:
        since: The first time, as records have it.
        until: The first time that is too late.
        user: Whose doings.
        workflow: A glob; it matches what is in a folder, too.
        operation: What they did.
        outcome: How it ended.
        limit: How many records at most, the latest.
    """

    since: str = ''
    until: str = ''
    user: str = ''
    workflow: str = ''
    operation: str = ''
    outcome: str = ''
    limit: int = 100

    def wants(self, record: Record) -> bool:
        """Return True if a record is wanted."""
        return (
            record.time >= self.since
            and (not self.until or record.time < self.until)
            and self.user in ('', record.user)
            and self.operation in ('', record.operation)
            and self.outcome in ('', record.outcome)
            and (not self.workflow or bool(
                record.workflow and matches(self.workflow, record.workflow)
            ))
        )


def search(
    directory: Path,
    query: Query,
    permitted: Callable[[Record], bool] = lambda record: True,
) -> list[Record]:
    """Return what is wanted, in the order in which it was written.

    Args:
        directory: That of the hub.
        query: What is wanted.
        permitted: Says which records the caller may see.

    Raises:
        OSError: The log cannot be read.
    """
    found: deque[Record] = deque()
    with ExitStack() as stack:
        for file in _newest_first(directory / FILE_NAME, stack):
            room = query.limit - len(found)
            if room <= 0 or _ends_before(file, query.since):
                break
            part = deque(
                (record for record in _records(file)
                 if query.wants(record) and permitted(record)),
                maxlen=room)
            found.extendleft(reversed(part))
    return [*found]


def when(text: str, now: datetime | None = None) -> str:
    """Return a time as records have it.

    Args:
        text: ISO 8601 (of this place, if it names no other), or how long
            ago: ``90s``, ``15m``, ``2h``, ``7d`` or ``4w``.
        now: The time.

    Raises:
        CylcFlaskError: It is neither.

    Examples:
        >>> when('2h', datetime(2030, 1, 1, 12, tzinfo=UTC))
        '2030-01-01T10:00:00.000Z'
        >>> when('2030-01-01T12:00+01:00')
        '2030-01-01T11:00:00.000Z'
    """
    try:
        if _AGE(text):
            moment = (now or datetime.now(UTC)) - timedelta(
                seconds=seconds_of(text))
        else:
            moment = datetime.fromisoformat(text)
        return stamp(moment.timestamp())
    except (ValueError, OverflowError, OSError) as exc:
        raise CylcFlaskError(
            f'{text[:64]!r} is no time: take 2030-12-31T23:59Z, or 15m, 2h,'
            ' 7d for so long ago') from exc


def seconds_of(text: str) -> float:
    """Return how long a time such as ``2h`` is, in seconds.

    Raises:
        CylcFlaskError: It is none.
    """
    match = _AGE(text)
    if match is None:
        raise CylcFlaskError(
            f'{text[:64]!r} is no length of time: take 15m, 2h, 7d or 4w')
    number, unit = match.groups()
    try:
        return timedelta(**{_UNITS[unit]: int(number)}).total_seconds()
    except OverflowError as exc:
        raise CylcFlaskError(f'{text} is too long a time') from exc


def _newest_first(path: Path, stack: ExitStack) -> Iterator[BinaryIO]:
    """Open one file after the other, none twice though they are renamed."""
    seen: set[int] = set()
    for number in count():
        name = f'{path}.{number}' if number else str(path)
        try:
            handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            if number:
                return
            continue
        file = stack.enter_context(os.fdopen(handle, 'rb'))
        inode = os.fstat(file.fileno()).st_ino
        if inode not in seen:
            seen.add(inode)
            yield file


def _ends_before(file: BinaryIO, time: str) -> bool:
    """Return True if a file was finished before a time."""
    return stamp(os.fstat(file.fileno()).st_mtime) < time


def _records(file: BinaryIO) -> Iterator[Record]:
    """Yield what the lines say; a line cut short says nothing."""
    for line in file:
        try:
            row = orjson.loads(line)
            yield Record(**{name: str(row[name]) for name in _NAMES})
        except (ValueError, KeyError, TypeError):
            continue
