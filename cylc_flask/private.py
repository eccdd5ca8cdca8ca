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
"""Files which only their owner may read: passphrases, keys, addresses."""

from __future__ import annotations

from contextlib import suppress
import os
from pathlib import Path
import stat
import tempfile

from cylc_flask.errors import CylcFlaskError

#: More than any file of ours holds, a chain of certificates included.
MOST_BYTES = 1_048_576

OTHERS = stat.S_IRWXG | stat.S_IRWXO


class UnusableFile(CylcFlaskError):
    """A file or directory which is not what it has to be.

    Args:
        path: The file.
        fault: What is wrong with it, and what would help.
    """

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(f'{path}: {fault}')


def write(path: Path, content: bytes) -> None:
    """Write a file at once or not at all, with mode 0600.

    The old content stays when the disk is full, and no reader ever sees a
    half of the new one. The directory is synchronised too, because readers
    may be on other hosts of a shared file system.

    Raises:
        OSError: It cannot be written.
    """
    handle, new = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.')
    try:
        with os.fdopen(handle, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise
    _synchronise(path.parent)


def _synchronise(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path) -> bytes | None:
    """Return what a file holds, None if there is none.

    A named pipe in its place is not waited for.

    Raises:
        OSError: It cannot be read.
        UnusableFile: It is no file, or too long to be one of ours.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        _check(path, os.fstat(handle))
        return os.read(handle, MOST_BYTES)
    finally:
        os.close(handle)


def _check(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UnusableFile(path, 'a directory is in the place of the file')
    if not stat.S_ISREG(status.st_mode):
        raise UnusableFile(path, 'not a regular file')
    if status.st_size >= MOST_BYTES:
        raise UnusableFile(path, f'too long ({status.st_size} bytes)')


def tighten(path: Path) -> None:
    """Take from others what they may do with a file.

    Raises:
        OSError: It is missing, or not ours.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & OTHERS:
        path.chmod(mode & ~OTHERS)


def make_directory(path: Path) -> None:
    """Make one directory with mode 0700, unless it is there.

    Raises:
        OSError: It cannot be made.
        UnusableFile: Something else has its name, were it a link to one.
    """
    with suppress(FileExistsError):
        path.mkdir(0o700)
    if path.is_symlink() or not path.is_dir():
        raise UnusableFile(path, 'not a directory')
