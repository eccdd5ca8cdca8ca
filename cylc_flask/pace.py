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
"""Long work in the server thread, so that the scheduler comes first.

Python lets one thread run at a time. The scheduler lets go with each line
that it writes to a file, and while another thread computes, it gets its turn
back only five milliseconds later. So whatever may take long here calls a
`Pace` every now and then, which gives time away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import process_time, sleep, thread_time

#: How long (seconds) we work before others may go on.
SLICE = 0.0005

#: The least (seconds) that another thread needs to wake up.
NAP = 0.00005

#: Who has worked for so long (seconds) in a nap of ours has more to do.
BUSY = 0.00002


class Pace:
    """Gives time away.

    Args:
        share: How much of one processor we may take while the scheduler is
            at work too.
        wait: Waits some seconds, and has others served in this thread.
    """

    def __init__(self, share: float, wait: Callable[[float], object]) -> None:
        self._longer = 1 / share - 1
        self._wait = wait
        self._since = 0.0
        self._waiting = False
        self._alone = False

    def rest(self) -> None:
        """Let the scheduler go on, and nobody else in this thread."""
        if thread_time() - self._since > SLICE:
            sleep(NAP)
            self._since = thread_time()

    def pause(self) -> None:
        """Let the scheduler go on, and others in this thread.

        One of these may come by here as well. It is done before the first
        goes on, hence two of them at most take memory for what they make.
        """
        if self._alone:
            self.rest()
            return
        worked = thread_time() - self._since
        if worked > SLICE:
            self._give(worked * self._longer if _others_work() else 0)
            self._since = thread_time()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let nobody in this thread see what is done here amid it."""
        before, self._alone = self._alone, True
        try:
            yield
        finally:
            self._alone = before

    def _give(self, seconds: float) -> None:
        if self._waiting:
            sleep(seconds)
            return
        self._waiting = True
        try:
            self._wait(seconds)
        finally:
            self._waiting = False


def _others_work() -> bool:
    """Return True if another thread goes on as soon as it can."""
    before = process_time() - thread_time()
    sleep(NAP)
    return process_time() - thread_time() - before > BUSY
