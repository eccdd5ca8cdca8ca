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
"""The thread of all connections to schedulers.

It has an event loop of asyncio's; nothing in it waits in any other way. What
comes in is handed over to the server's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from functools import cached_property
import threading
from typing import Any, TypeVar

import zmq.asyncio

from cylc_flask.hub.links.line import Keeper, Line
from cylc_flask.hub.runs.scan import Found

T = TypeVar('T')

#: Seconds for connections to end in good order.
GRACE = 5.0

#: Seconds for the loop to let go of what they had.
AFTERWARDS = 0.1


class Links:
    """Has connections to schedulers.

    Args:
        deliver: Has something done in the server's thread, in the order of
            the calls.
        look: Has somebody look from outside at a workflow that does not
            answer; from any thread.
    """

    def __init__(
        self,
        deliver: Callable[..., None],
        look: Callable[[str], object] = lambda name: None,
    ) -> None:
        self.deliver = deliver
        self.look = look
        self._loop = asyncio.new_event_loop()
        self._ending = False
        self._thread = threading.Thread(
            target=self._live, name='cylc-flask-links', daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End all connections, and wait for that a while."""
        if self._thread.ident is None:
            self._loop.close()
            return
        self._ending = True
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2 * GRACE)

    # From any thread

    def call(self, work: Callable[..., object], *args: Any) -> None:
        """Have something done in this thread; at the end it is not."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(work, *args)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Have something done in this thread that takes a while.

        Raises:
            RuntimeError: It has ended.
        """
        if self._ending or self._loop.is_closed():
            coroutine.close()
            raise RuntimeError('the links have ended')
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def open(self, found: Found, keeper: Keeper) -> Line:
        """Begin to follow a run of a workflow.

        Args:
            found: Where its scheduler is.
            keeper: Told about it, in the server's thread.
        """
        line = Line(self, found, keeper)
        self.call(line.begin)
        return line

    # In this thread

    def time(self) -> float:
        """Return the time by a clock that is never set back."""
        return self._loop.time()

    @cached_property
    def context(self) -> zmq.asyncio.Context:
        """Return what the sockets of ZeroMQ belong to."""
        return zmq.asyncio.Context()

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._finish())
        finally:
            if 'context' in self.__dict__:
                self.context.destroy(linger=0)
            self._loop.close()

    async def _finish(self) -> None:
        """Cancel all there is, and wait for that."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE)
            await asyncio.sleep(AFTERWARDS)
