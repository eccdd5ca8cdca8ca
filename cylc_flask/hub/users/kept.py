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
"""Files of the hub: read again when they change, changed by one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import fcntl
import os
from pathlib import Path
import stat
import time
from typing import Generic, TypeVar

from cylc.flow import LOG
from cylc_flask import private
from cylc_flask.errors import CylcFlaskError
from cylc_flask.private import UnusableFile

T = TypeVar('T')

#: Seconds: between two looks at a file, between two tries to lock it, and
#: until that is given up.
INTERVAL = 1.0
PAUSE = 0.05
PATIENCE = 10.0

#: By which a change of a file is seen.
Stamp = tuple[int, ...]

MISSING: Stamp = ()


class Kept(Generic[T]):
    """What a file says, which people and commands may change meanwhile.

    A file that is spoilt later leaves in force what was read last, so that a
    slip of the pen locks nobody out; one that is spoilt at the start is an
    error.

    Args:
        path: The file; where there is none, it is taken for empty.
        parse: Makes of its content what is wanted; `CylcFlaskError` refuses.
        clock: Returns seconds from a clock that is never set back.

    Raises:
        CylcFlaskError: The file cannot be used.
        OSError: It cannot be read.
    """

    def __init__(
        self,
        path: Path,
        parse: Callable[[bytes], T],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self._parse = parse
        self._clock = clock
        self._complaint = ''
        self._due = clock()
        #: There was no file at the last look, or an empty one.
        self._gone = False
        #: Counts how often something else was read.
        self.version = 0
        self._read(_stamp(path))

    def now(self) -> T:
        """Return what the file says, as of a second ago at most."""
        if self._clock() >= self._due:
            self._due = self._clock() + INTERVAL
            self._look()
        return self._value

    def update(self, edit: Callable[[T], bytes]) -> None:
        """Write the file anew, while nobody else does.

        Args:
            edit: Makes the new content of what the file says now.

        Raises:
            CylcFlaskError: It cannot be used, or others do not let go of it.
            OSError: It cannot be written.
        """
        private.make_directory(_with_parents(self.path.parent))
        with _locked(self.path):
            self._read(_stamp(self.path))
            content = edit(self._value)
            if len(content) >= private.MOST_BYTES:
                raise UnusableFile(self.path, 'there is no room for more')
            private.write(self.path, content)
            self._read(_stamp(self.path))

    def _look(self) -> None:
        """Read the file if it has changed; keep what there is if it is bad.

        Who writes it anew may take it away or empty it for a moment, and
        nothing is to be allowed meanwhile that it forbids.
        """
        try:
            stamp = _stamp(self.path)
            was_gone, self._gone = self._gone, _is_void(stamp)
            if stamp != self._stamp and (was_gone or not self._gone):
                self._read(stamp)
            self._complaint = ''
        except (CylcFlaskError, OSError) as exc:
            if str(exc) != self._complaint:
                LOG.error(f'flask: what was read before holds on: {exc}')
            self._complaint = str(exc)

    def _read(self, stamp: Stamp) -> None:
        # The stamp comes first: a change after it is seen the next time.
        content = b'' if stamp == MISSING else private.read(self.path)
        if content is None:
            raise UnusableFile(self.path, 'it has just gone')
        self._value = self._parse(content)
        self._stamp = stamp
        self._due = self._clock() + INTERVAL
        self.version += 1


def _stamp(path: Path) -> Stamp:
    """Return what tells a file from what it was before.

    Raises:
        UnusableFile: Others could have written it.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return MISSING
    if status.st_uid not in (0, os.geteuid()):
        raise UnusableFile(path, 'it belongs to somebody else')
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UnusableFile(path, 'others may write it (chmod go-w)')
    if status.st_uid == os.geteuid():
        private.tighten(path)
        status = path.stat()
    return (
        status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size,
    )


def _is_void(stamp: Stamp) -> bool:
    """Tell whether there is no file, or nothing in it."""
    return stamp == MISSING or stamp[-1] == 0


def _with_parents(directory: Path) -> Path:
    directory.parent.mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other writers of a file out.

    The lock has a file of its own, as the other is replaced. It ends with the
    process that holds it, however that ends.
    """
    handle = os.open(
        path.with_name(f'.{path.name}.lock'),
        os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600,
    )
    try:
        _lock(handle, path)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, path: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as exc:
            if time.monotonic() >= end:
                raise UnusableFile(
                    path, 'another process is changing it') from exc
            time.sleep(PAUSE)
