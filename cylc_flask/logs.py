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
"""The logs of a workflow: which there are, and what is in them.

Names come from clients. So each step of a path is taken from the folder
before, and none leads out of it: a link is followed only to its neighbours,
as Cylc's own are, and nothing is opened that is no plain file.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
import errno
from itertools import islice
import os
from pathlib import Path
import re
import stat
from typing import Any, NamedTuple

from cylc_flask.errors import Forbidden, NotFound, RequestError, Unavailable

#: Folders that are shown, besides those of jobs.
FOLDERS = ('scheduler', 'config', 'install', 'remote-install', 'version')

#: Below it: CYCLE/TASK/NN, NN being the number of the submission.
JOBS = 'job'

#: Files that each job may have; others come after them.
JOB_FILES = (
    'job', 'job.out', 'job.err', 'job-activity.log', 'job.status',
)

#: How many names of a folder are told.
MOST_NAMES = 5000

#: How much (bytes) of a file is in memory at once.
PIECE = 262_144

#: A link to a link, once: Cylc makes none longer.
LINKS = 2

#: The last second of the year 9999.
LATEST = 253_402_300_799

_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_FOLDER = _OPEN | os.O_DIRECTORY
#: Should a pipe have come into the place, it is not waited for.
_FILE = _OPEN | os.O_NONBLOCK | os.O_NOCTTY

_MISSING = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP}
_DENIED = {errno.EACCES, errno.EPERM}


class Log:
    """A file which is open, as it was at that time.

    It may have grown since: that is for the next who opens it.

    Args:
        id_: Its path, as clients name it.
        handle: Its file descriptor, which is closed by `close`.
    """

    def __init__(self, id_: str, handle: int) -> None:
        self.id = id_
        self._handle = handle
        status = os.fstat(handle)
        self.size = status.st_size
        self.modified = _modified(status)
        #: The same for as long as it only grows.
        self.identity = f'{status.st_dev:x}-{status.st_ino:x}'
        #: Another after each change.
        self.version = (
            f'{self.identity}-{self.size:x}-{status.st_mtime_ns:x}'
        )

    @property
    def name(self) -> str:
        """Return the name of the file."""
        return self.id.rpartition('/')[2]

    def read(self, start: int, size: int) -> bytes:
        """Return so many bytes, fewer where the file ends.

        Raises:
            Unavailable: The disk does not give them.
        """
        try:
            return os.pread(self._handle, size, start)
        except OSError as exc:
            raise _fault(self.id, exc) from exc

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield a part of the file, without having all of it at once.

        Raises:
            Unavailable: The file has become shorter meanwhile.
        """
        while start < stop:
            piece = self.read(start, min(PIECE, stop - start))
            if not piece:
                raise Unavailable(f"'{self.id}' has become shorter.")
            start += len(piece)
            yield piece

    def close(self) -> None:
        """Close the file, once."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


class Folder(NamedTuple):
    """What is in a folder of logs."""

    id: str
    files: list[dict[str, Any]]
    folders: list[str]
    #: Whether there is more than that.
    more: bool = False


def find(log_dir: Path, id_: str) -> Log | Folder:
    """Return what is under a path: a file, open, or what is in a folder.

    Args:
        log_dir: The workflow's folder of logs.
        id_: For example ``1/foo/01/job.out`` or ``scheduler``; empty for
            the folder itself.

    Raises:
        NotFound: There is none.
        Forbidden: It is none to be read.
        Unavailable: The disk does not answer properly.
    """
    id_ = id_.removesuffix('/')
    try:
        if not id_:
            return _top(log_dir)
        return _find(log_dir, id_)
    except OSError as exc:
        raise _fault(id_, exc) from exc


def _find(log_dir: Path, id_: str) -> Log | Folder:
    parts = id_.split('/')
    if not all(map(is_name, parts)):
        raise _missing(id_)
    if parts[0] in FOLDERS:
        handle = _open_top(log_dir)
    else:
        handle = _open_top(log_dir / JOBS)
    for part in parts:
        try:
            handle, parent = _step(handle, part, id_), handle
        except BaseException:
            os.close(handle)
            raise
        os.close(parent)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return Log(id_, handle)
    try:
        return _look(handle, id_)
    finally:
        os.close(handle)


def is_name(part: str) -> bool:
    """Return True for what can be the name of one file, and is no way out.

    Examples:
        >>> is_name('job.out'), is_name('..'), is_name('a/b'), is_name('')
        (True, False, False, False)
    """
    if part in ('', '.', '..') or '/' in part or '\0' in part:
        return False
    try:
        return len(part.encode()) <= 255
    except UnicodeEncodeError:
        return False


def _open_top(path: Path) -> int:
    """Open a folder to which sites may have Cylc make links."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)


def _step(folder: int, name: str, id_: str, links: int = LINKS) -> int:
    """Open what has a name in a folder."""
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        target = os.readlink(name, dir_fd=folder)
        if not links or not is_name(target):
            raise Forbidden(f'{id_!r:.120} is a link out of its folder.')
        return _step(folder, target, id_, links - 1)
    if stat.S_ISDIR(mode):
        return os.open(name, _FOLDER, dir_fd=folder)
    if stat.S_ISREG(mode):
        handle = os.open(name, _FILE, dir_fd=folder)
        if stat.S_ISREG(os.fstat(handle).st_mode):
            return handle
        os.close(handle)
    raise Forbidden(f'{id_!r:.120} is no plain file.')


def _top(log_dir: Path) -> Folder:
    """Return the folders that are shown, cycle points among them."""
    with os.scandir(log_dir) as entries:
        there = {entry.name for entry in entries if entry.is_dir()}
    folders = [name for name in FOLDERS if name in there]
    if JOBS not in there:
        return Folder('', [], folders)
    handle = _open_top(log_dir / JOBS)
    try:
        cycles = _look(handle, '')
    finally:
        os.close(handle)
    return cycles._replace(files=[], folders=[*folders, *cycles.folders])


def _look(handle: int, id_: str) -> Folder:
    """Return what is in a folder that is open."""
    files, folders = [], []
    with os.scandir(handle) as entries:
        names = list(islice(entries, MOST_NAMES + 1))
        for entry in names[:MOST_NAMES]:
            if not is_name(entry.name):
                continue  # nobody could ask for it
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif file := _describe(entry.name, handle):
                files.append(file)
    more = len(names) > MOST_NAMES
    files.sort(key=lambda file: _rank(str(file['name'])))
    folders.sort(key=natural)
    return Folder(id_, files, folders, more)


def _describe(name: str, folder: int) -> dict[str, Any] | None:
    """Return what is told of a file, None if it is none to be read."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        link = None
        if stat.S_ISLNK(status.st_mode):
            link = os.readlink(name, dir_fd=folder)
            if not is_name(link):
                return None
            status = os.stat(link, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None  # it has just gone
    if not stat.S_ISREG(status.st_mode):
        return None
    return {
        'name': name,
        'size': status.st_size,
        'modified': moment(_modified(status)),
        'link': link,
    }


def _modified(status: os.stat_result) -> float:
    """Return when a file was changed, within what a date can say."""
    return min(max(status.st_mtime, 0), LATEST)


def moment(seconds: float) -> str:
    """Return a time as text.

    Examples:
        >>> moment(0)
        '1970-01-01T00:00:00Z'
    """
    when = datetime.fromtimestamp(seconds, UTC)
    return f'{when:%Y-%m-%dT%H:%M:%SZ}'


def _rank(name: str) -> tuple[int, tuple[Any, ...]]:
    if name in JOB_FILES:
        return JOB_FILES.index(name), ()
    return len(JOB_FILES), natural(name)


def natural(name: str) -> tuple[Any, ...]:
    """Return by what names are sorted, numbers in them by their value.

    Examples:
        >>> sorted(['10', '9', 'b', '09-a'], key=natural)
        ['9', '09-a', '10', 'b']
    """
    return tuple(
        (1, 0, part) if index % 2 == 0 else (0, int(part), '')
        for index, part in enumerate(re.split('([0-9]+)', name))
        if part
    )


def _missing(id_: str) -> NotFound:
    return NotFound(f'There is no log {id_!r:.120}.')


def _fault(id_: str, exc: OSError) -> RequestError:
    """Return what is told of a fault that the system has found."""
    if exc.errno in _MISSING:
        return _missing(id_)
    if exc.errno in _DENIED:
        return Forbidden(f'The scheduler may not read {id_!r:.120}.')
    reason = os.strerror(exc.errno) if exc.errno else str(exc)
    return Unavailable(f'{id_!r:.120} cannot be read: {reason}.')
