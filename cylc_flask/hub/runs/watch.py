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
"""Folders watched, each for itself and not what is deep below.

The run directories of busy workflows hold thousands of folders in which
something happens all the time, and nothing that matters here.
"""

from __future__ import annotations

from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass
import errno
import os
import select
import time

from inotify_simple import INotify, flags

from cylc.flow import LOG
from cylc_flask.hub.runs.scan import is_within

#: What is told of a folder, and of the files right in it.
EVENTS = (
    flags.CREATE | flags.DELETE | flags.MOVED_FROM | flags.MOVED_TO
    | flags.CLOSE_WRITE | flags.ATTRIB | flags.DELETE_SELF | flags.MOVE_SELF
    | flags.ONLYDIR
)

#: So many folders are watched at most; the user has other programs too.
MOST = 50_000

#: More than this lets the system tell only part of what happens.
TOO_MUCH = flags.Q_OVERFLOW | flags.UNMOUNT


@dataclass(frozen=True)
class Event:
    """Something has happened.

    Args:
        folder: To this folder.
        name: To what has this name in it, '' if to the folder itself.
    """

    folder: str
    name: str


#: Nobody knows what has happened.
ANYWHERE = Event('', '')


class Watch:
    """Folders that are watched, where the system can do it.

    It is used by one thread; any may `wake` that one.

    Args:
        notify: Whether to watch at all. Without it there is only waiting.
    """

    def __init__(self, notify: bool = True) -> None:
        #: Whether all folders are watched that should be.
        self.complete = notify
        self._folders: dict[int, set[str]] = {}
        self._numbers: dict[str, int] = {}
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        self._poll = select.poll()
        self._poll.register(self._woken, select.POLLIN)
        self._closed = False
        self._inotify: INotify | None = None
        if notify:
            self._open()

    def _open(self) -> None:
        try:
            self._inotify = INotify()
        except OSError as exc:
            self._give_up(exc)
        else:
            self._poll.register(self._inotify.fileno(), select.POLLIN)

    def __contains__(self, folder: str) -> bool:
        return folder in self._numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, folder: str) -> None:
        """Watch a folder, if it is there."""
        if self._inotify is None:
            return
        if len(self) >= MOST and folder not in self:
            self._give_up(OSError(errno.ENOSPC, 'too many folders'))
            return
        try:
            number = self._inotify.add_watch(folder, EVENTS)
        except OSError as exc:
            if exc.errno in (errno.ENOSPC, errno.ENOMEM):
                self._give_up(exc)
            self._drop(folder)
            return
        if self._numbers.get(folder) != number:
            self._drop(folder)
            self._numbers[folder] = number
            self._folders.setdefault(number, set()).add(folder)

    def keep(self, wanted: Container[str], within: Container[str]) -> None:
        """Watch no more what is within these folders and not wanted."""
        for folder in [*self._numbers]:
            if folder not in wanted and is_within(folder, within):
                self._drop(folder)

    def wait(self, seconds: float, settle: float) -> list[Event]:
        """Return what has happened, nothing if the time is over.

        Args:
            seconds: How long to wait.
            settle: How long to wait for more when there is something.
        """
        ready = self._poll.poll(max(seconds, 0) * 1000)
        numbers = {number for number, _ in ready}
        if self._woken in numbers:
            os.read(self._woken, 4096)
        if self._inotify is None or self._inotify.fileno() not in numbers:
            return []
        time.sleep(settle)
        return [
            happened
            for event in self._inotify.read(timeout=0)
            for happened in self._told(event.wd, event.mask, event.name)
        ]

    def wake(self) -> None:
        """End the waiting, from any thread.

        Not at the time of `close`; after it nothing happens.
        """
        with suppress(BlockingIOError):
            if not self._closed:
                os.write(self._waker, b'.')

    def close(self) -> None:
        """Watch no more, and wait no more."""
        self._closed = True
        if self._inotify is not None:
            self._inotify.close()
        os.close(self._woken)
        os.close(self._waker)

    def _told(self, number: int, mask: int, name: str) -> list[Event]:
        if mask & TOO_MUCH:
            return [ANYWHERE]
        folders = self._folders.get(number, set())
        if mask & flags.IGNORED:
            self._folders.pop(number, None)
            for folder in folders:
                del self._numbers[folder]
        return [Event(folder, name) for folder in folders]

    def _drop(self, folder: str) -> None:
        """Forget a folder, which may be gone already."""
        number = self._numbers.pop(folder, None)
        if number is None or self._inotify is None:
            return
        folders = self._folders[number]
        folders.discard(folder)
        if not folders:
            del self._folders[number]
            with suppress(OSError):
                self._inotify.rm_watch(number)

    def _give_up(self, cause: OSError) -> None:
        if self.complete:
            LOG.warning(
                'changes of workflows are seen at the next scan only, as'
                f' not all folders can be watched: {cause}')
        self.complete = False
