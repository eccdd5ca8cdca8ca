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
"""The audit log: who did what, from where, and what became of it.

Its lines are JSON objects, in files of which the oldest go. What a request
has to say is put in a queue; a thread of its own writes it down, so that no
request waits for a disk, or fails because it is full. Of what costs its sender
nothing only so much is written that it cannot drive out what has been done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from logging import Formatter, LogRecord, makeLogRecord
from logging.handlers import RotatingFileHandler
import os
from pathlib import Path
from queue import Empty, Full, Queue
import sys
from threading import Lock, Thread
import time

import orjson

from cylc.flow import LOG
from cylc_flask.auth.rate import Rate

FILE_NAME = 'audit.log'

#: So many records wait to be written at most; others are counted only.
CAPACITY = 10_000

#: So much is kept of each text, in characters.
LONGEST = 500

#: How something ended.
OK, DENIED, FAILED = OUTCOMES = ('ok', 'denied', 'failed')

#: What everybody may do, as often as they like.
LOGIN, LOGOUT, SCAN = CHEAP = ('login', 'logout', 'scan')

#: Of such, and of denials, so many records of one user are written, a second:
#: this rate, and so many seconds' worth of it at once. That comes to some
#: megabytes in a day.
RATE = 0.1
BURST = 1_000.0

#: All that is tried without a password, under whatever name.
GUESSES = 'failed log-ins'

#: The operation of a record which tells how many others were lost.
LOST = 'lost-records'

#: There is one such in so many seconds, at most.
PERIOD = 60.0


@dataclass(frozen=True)
class Record:
    """What somebody did.

    Args:
        time: When, in UTC (ISO 8601).
        user: Who; for a failed log-in who they said to be.
        address: From where: an address, or the name of a command.
        operation: What: a name of `operations`, or ``login`` and the like.
        workflow: On which workflow; '' for none.
        outcome: One of `OUTCOMES`.
        detail: Anything else: a reason, a token's name, arguments.
    """

    time: str
    user: str
    address: str
    operation: str
    workflow: str = ''
    outcome: str = OK
    detail: str = ''

    def to_line(self) -> str:
        """Return it as a line of the log, in which nothing can break out."""
        return orjson.dumps({
            name: _fit(value) for name, value in vars(self).items()
        }).decode()


class Audit:
    """Writes the audit log.

    Args:
        directory: That of the hub.
        size: Bytes in a file before the next is begun; 0 for no end.
        files: How many old ones are kept.
        now: Returns the time (seconds since 1970).
        clock: Returns seconds from a clock that is never set back.
    """

    def __init__(
        self,
        directory: Path,
        size: int,
        files: int,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._clock = clock
        self._queue: Queue[Record | None] = Queue(CAPACITY)
        self._rate = Rate(RATE, clock, BURST)
        #: How many records of whom were not written.
        self._lost: Counter[str] = Counter()
        self._lock = Lock()
        self._file = _File(directory / FILE_NAME, size, files)
        self._thread = Thread(
            target=self._write_all, name='cylc-flask-audit', daemon=True)
        self._thread.start()

    def note(
        self,
        user: str,
        address: str,
        operation: str,
        workflow: str = '',
        outcome: str = OK,
        detail: str = '',
    ) -> None:
        """Note what somebody did; see `Record`. It never waits or fails."""
        # Cut at once, as many may wait, and anybody can send long ones.
        texts = (user, address, operation, workflow, outcome, detail)
        record = Record(
            stamp(self._now()), *(text[:LONGEST] for text in texts))
        noise = _noise(record)
        try:
            if noise and self._is_too_much(noise):
                raise Full
            self._queue.put_nowait(record)
        except Full:
            with self._lock:
                self._lost[noise or f'of {record.user}'] += 1

    def _is_too_much(self, noise: str) -> bool:
        """Tell whether a record is one too many of its kind.

        Half of the places are for what has been done.
        """
        is_full = self._queue.qsize() >= self._queue.maxsize // 2
        return is_full or self._rate.take(noise) > 0

    def close(self, timeout: float = 5) -> None:
        """Write down what waits, for some seconds at most, and end."""
        try:
            self._queue.put(None, timeout=timeout)
        except Full:
            return
        self._thread.join(timeout)

    def _write_all(self) -> None:
        due, goes_on = 0.0, True
        while goes_on:
            with suppress(Empty):
                record = self._queue.get(timeout=PERIOD)
                if record is not None:
                    self._write(record)
                goes_on = record is not None
            now = self._clock()
            if not goes_on or (now >= due and self._queue.empty()):
                due = now + PERIOD if self._tell_lost() else due
        self._file.close()

    def _tell_lost(self) -> bool:
        """Write down how many records were lost; False if none were."""
        with self._lock:
            lost, self._lost = self._lost, Counter()
        if lost:
            whose = ', '.join(
                f'{number} {whose}' for whose, number in lost.most_common())
            self._write(Record(
                stamp(self._now()), '', '', LOST, outcome=FAILED,
                detail=f'{lost.total()} records came too fast to be written:'
                       f' {whose}'))
        return bool(lost)

    def _write(self, record: Record) -> None:
        try:
            self._file.emit(makeLogRecord({'msg': record.to_line()}))
        except Exception as exc:
            LOG.error(f'flask: not in the audit log: {record}: {exc}')


def append(directory: Path, record: Record) -> None:
    """Write one record, from a process that does nothing else.

    The line goes out in one piece, so that the hub can write there too.

    Raises:
        OSError: It cannot be written.
    """
    directory.mkdir(0o700, parents=True, exist_ok=True)
    with open(_open(directory / FILE_NAME), 'ab', buffering=0) as file:
        file.write(f'{record.to_line()}\n'.encode())


def stamp(seconds: float) -> str:
    """Return a time as records have it.

    Examples:
        >>> stamp(0)
        '1970-01-01T00:00:00.000Z'
    """
    text = datetime.fromtimestamp(seconds, UTC).isoformat(
        timespec='milliseconds')
    return text.replace('+00:00', 'Z')


def _noise(record: Record) -> str:
    """Return what a record is one of that costs its sender nothing.

    Examples:
        >>> _noise(Record('', 'ann', '', 'stop', outcome=DENIED))
        'denied of ann'
        >>> _noise(Record('', 'nobody', '', LOGIN, outcome=FAILED))
        'failed log-ins'
        >>> _noise(Record('', 'ann', '', 'stop', outcome=FAILED))
        ''
    """
    if record.outcome == DENIED:
        return f'{DENIED} of {record.user}'
    if record.operation not in CHEAP:
        return ''
    if record.outcome == FAILED:
        return GUESSES
    return f'{record.operation} of {record.user}'


class _File(RotatingFileHandler):
    """A file for lines; where it cannot be written, the hub goes on."""

    def __init__(self, path: Path, size: int, files: int) -> None:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        super().__init__(
            path, maxBytes=size, backupCount=files, encoding='utf-8',
            delay=True)
        self.setFormatter(Formatter('%(message)s'))
        self._complaint = ''

    def _open(self) -> TextIOWrapper:
        """Open the file for its owner alone."""
        return open(_open(Path(self.baseFilename)), 'a', encoding='utf-8')

    def emit(self, record: LogRecord) -> None:
        """Write a line, to a new file if somebody has taken the old one."""
        if self.stream and not self._is_still(self.stream):
            self.close()
        super().emit(record)

    def _is_still(self, stream: TextIOWrapper) -> bool:
        try:
            return os.path.samestat(
                os.fstat(stream.fileno()), os.stat(self.baseFilename))
        except OSError:
            return False

    def handleError(self, record: LogRecord) -> None:
        """Log what was not written, and why, once for each reason.

        The stream is opened anew, because it keeps what it could not write.
        """
        complaint = str(sys.exc_info()[1])
        if complaint != self._complaint:
            LOG.error(f'flask: no audit log: {complaint}')
        self._complaint = complaint
        try:
            self.close()
        except OSError:
            self.stream = None


def _open(path: Path) -> int:
    """Return a file to append to; a pipe in its place is not waited for."""
    flags = os.O_APPEND | os.O_CREAT | os.O_WRONLY | os.O_NONBLOCK
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _fit(text: str) -> str:
    """Return a text that is short, and Unicode."""
    return text[:LONGEST].encode(errors='replace').decode()
