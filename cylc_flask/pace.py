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
from contextlib import contextmanager, suppress
from functools import partial
from time import monotonic, process_time, sleep, thread_time

#: How long (seconds) we work before others may go on.
SLICE = 0.0005

#: The least (seconds) that another thread needs to wake up. It is also what
#: gevent needs to look at its sockets: it does not, to wait for no time.
NAP = 0.00005

#: Who has worked for so long (seconds) in a nap of ours has more to do.
BUSY = 0.00002

#: How long (seconds) we work before others in this thread are served, if
#: nothing else is to be waited for: gevent takes a millisecond for it.
SERVED = 0.003

#: How many long works go on in turns: each has its memory.
AT_ONCE = 4

#: How often (seconds) others look whether it is their turn.
PATIENCE = 0.005

#: Called amid some work; returns for how long (seconds) that was put off.
Pause = Callable[[], float]


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
        #: How long we have worked since others in this thread were served.
        self._unserved = 0.0
        #: When all that was worked is made up for.
        self._even = 0.0
        self._alone = False
        #: The long works that have begun, by the time at which they did.
        self._line: list[object] = []

    def rest(self) -> None:
        """Let the scheduler go on, and nobody else in this thread."""
        if thread_time() - self._since > SLICE:
            sleep(NAP)
            self._since = thread_time()

    @contextmanager
    def work(self) -> Iterator[Pause]:
        """Do some work, and call what is yielded every now and then.

        It lets the scheduler go on, and others in this thread. These may do
        such work too, a few of them in turns.
        """
        who = object()
        self._since = thread_time()
        try:
            yield partial(self._pause, who)
        finally:
            with suppress(ValueError):
                self._line.remove(who)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let nobody in this thread see what is done here amid it."""
        before, self._alone = self._alone, True
        try:
            yield
        finally:
            self._alone = before

    def _pause(self, who: object) -> float:
        if self._alone:
            self.rest()
            return 0.0
        worked = thread_time() - self._since
        if worked < SLICE:
            return 0.0
        began = monotonic()
        debt = self._debt(worked)
        self._unserved += worked
        if debt or self._unserved > SERVED:
            self._serve(who, debt)
        self._since = thread_time()
        return monotonic() - began

    def _serve(self, who: object, seconds: float) -> None:
        """Have others in this thread served, and wait for one's turn."""
        self._unserved = 0.0
        if who not in self._line:
            self._line.append(who)
        self._wait(max(NAP, seconds))
        while self._line.index(who) >= AT_ONCE:
            self._wait(PATIENCE)

    def _debt(self, worked: float) -> float:
        """Nap, and return how long (seconds) to wait for having worked."""
        if not _others_work():
            return 0.0
        now = monotonic()
        self._even = max(self._even, now) + worked * self._longer
        return self._even - now


def _others_work() -> bool:
    """Return True if another thread goes on as soon as it can."""
    before = process_time() - thread_time()
    sleep(NAP)
    return process_time() - thread_time() - before > BUSY
