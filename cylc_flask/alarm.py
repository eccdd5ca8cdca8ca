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
"""Having the scheduler look at its queues at once, on the main thread.

Cylc's main loop sleeps for up to a second at the end of each turn, and
commands wait for that. All that is done here is to end this sleep early:
what follows is an ordinary turn, as after any other sleep.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from cylc.flow.scheduler import Scheduler

#: The least time from one early turn to the next, in seconds: however many
#: commands come in, the scheduler has the rest of it for itself.
PAUSE = 0.1

_SLEEP: Any = asyncio.sleep
_TURN: Any = Scheduler._main_loop


class Alarm:
    """Wakes the main loop of a scheduler, if it sleeps.

    Args:
        schd: The scheduler.
        loop: The event loop of its main thread.
    """

    def __init__(
        self, schd: Scheduler, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._schd = schd
        self._loop = loop
        self._next = 0.0
        self._is_set = False

    def ring(self) -> None:
        """Have the next turn begin, now or when the last is long enough ago.

        Whoever rings before that is served by the same turn.
        """
        if self._is_set:
            return
        self._is_set = True
        self._loop.call_at(self._next, self._wake)

    def _wake(self) -> None:
        self._is_set = False
        if not self._schd.command_queue.qsize():
            return  # a turn has come by itself
        self._next = self._loop.time() + PAUSE
        sleep = find_sleep(self._loop)
        if sleep is not None and not sleep.done():
            sleep.set_result(None)


def find_sleep(
    loop: asyncio.AbstractEventLoop,
) -> asyncio.Future[None] | None:
    """Return what the main loop waits for in its sleep.

    None if it does not sleep: whatever else it waits for is not ours.
    """
    for task in asyncio.all_tasks(loop):
        codes = [*_codes(task.get_coro())]
        if codes[-2:] == [_TURN.__code__, _SLEEP.__code__]:
            future: asyncio.Future[None] | None = getattr(
                task, '_fut_waiter', None
            )
            return future
    return None


def _codes(coroutine: Any) -> Iterator[Any]:
    """Yield the code of a coroutine, and of those it waits for."""
    while coroutine is not None and hasattr(coroutine, 'cr_code'):
        yield coroutine.cr_code
        coroutine = coroutine.cr_await
