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
"""Follows one run of a workflow, in whichever way works.

A `Line` is handled by the thread of the server, and lives in that of the
links. What goes wrong with it concerns no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
import random
from time import time
from typing import TYPE_CHECKING, Any, Protocol

from cylc.flow import LOG
from cylc_flask.address import SERVICE
from cylc_flask.hub.links import feedlink, zmqlink
from cylc_flask.hub.links.trouble import Ended, LinkFault, OutOfStep
from cylc_flask.hub.relay.calls import Calls
from cylc_flask.hub.runs.scan import CONTACT

if TYPE_CHECKING:
    from cylc_flask.hub.links.feedlink import Position
    from cylc_flask.hub.links.links import Links
    from cylc_flask.hub.runs.scan import Found
    from cylc_flask.replica.side import Side

#: Seconds until the next attempt: the first time, and at most.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0

#: Seconds after which a connection has proved good.
STEADY = 10.0

#: Seconds after the start of a scheduler in which its web server comes.
HEAD_START = 2.0

#: Seconds for which ZeroMQ does in place of a feed that fails.
SUBSTITUTE = 300.0

#: Bytes that may be on their way to a replica, so that the memory which a
#: fast scheduler takes has a bound.
IN_FLIGHT = 16_777_216

#: What a delta takes at least, with all around it.
LEAST = 1_000

Way = Callable[['Line', 'Found'], Awaitable[None]]


class Keeper(Protocol):
    """What is told of a run, by way of the server's thread."""

    def linked(self, kind: str, passphrase: str) -> None: ...
    def lost(self, trouble: str) -> None: ...
    def load(
        self, snapshot: bytes, side: Side, done: Callable[[], object]
    ) -> None: ...
    def apply(
        self, delta: bytes | None, side: Side, done: Callable[[], object]
    ) -> None: ...


class Line:
    """The line to one run of a workflow.

    Args:
        links: The thread it lives in.
        found: Where the scheduler is.
        keeper: Who is told.
    """

    def __init__(self, links: Links, found: Found, keeper: Keeper) -> None:
        self.links = links
        self.found = found
        self.calls = Calls(self)
        #: How far the feed has been followed, None to begin anew.
        self.position: Position | None = None
        self._keeper = keeper
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._faulty = False
        self._waiting = 0
        self._room = asyncio.Event()
        self._up_since: float | None = None
        self._pause = FIRST_PAUSE

    # For the server's thread

    def aim(self, found: Found) -> None:
        """Take note that the same run is seen in another way."""
        if found.http != self.found.http:
            self.links.call(self._aim, found)

    def resync(self) -> None:
        """Begin again with a snapshot: the replica has met a fault."""
        self.links.call(self._fault)

    def close(self) -> None:
        """Let go of the scheduler."""
        self.links.call(self._close)

    # For what follows

    def linked(self, kind: str, passphrase: str) -> None:
        """Tell that there is a connection."""
        self._up_since = self.links.time()
        self._tell(self._keeper.linked, kind, passphrase)

    async def load(self, snapshot: bytes, side: Side) -> None:
        """Hand a snapshot over."""
        await self._send(self._keeper.load, snapshot, side)

    async def apply(self, delta: bytes | None, side: Side) -> None:
        """Hand a delta over, or side data alone."""
        await self._send(self._keeper.apply, delta, side)

    async def _send(
        self, take: Callable[..., None], data: bytes | None, side: Side
    ) -> None:
        size = len(data or b'') + LEAST
        while self._waiting and self._waiting + size > IN_FLIGHT:
            self._room.clear()
            await self._room.wait()
        self._waiting += size
        done = partial(self.links.call, self._taken, size)
        self._tell(take, data, side, done)

    def _taken(self, size: int) -> None:
        self._waiting -= size
        self._room.set()

    def _tell(self, work: Callable[..., None], *args: Any) -> None:
        self.links.deliver(work, *args)

    # The life of a line, in the thread of the links

    def begin(self) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._live())

    def _close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _aim(self, found: Found) -> None:
        self.found = found
        self.calls.aim()
        self._wake.set()

    def _fault(self) -> None:
        self._faulty = True
        self._wake.set()

    async def _live(self) -> None:
        try:
            await self._await_server()
            while True:
                await self._turn()
        except asyncio.CancelledError:
            pass
        finally:
            self._task = None
            await self.calls.close()

    async def _turn(self) -> None:
        """Follow as long as it goes, and wait a while if it goes no more."""
        self._wake.clear()
        self._up_since = None
        if self._faulty:
            self._faulty, self.position = False, None
        try:
            await self._follow()
        except LinkFault as exc:
            self._note(exc)
        except Exception as exc:
            LOG.error(f'{self.found.name}: fault in a link', exc_info=exc)
            self._note(OutOfStep(f'internal error: {exc!r}'))
        else:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause * random.uniform(.5, 1)):
                await self._wake.wait()
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _note(self, fault: LinkFault) -> None:
        """Tell what is wrong, and have somebody look from outside."""
        if not isinstance(fault, Ended):
            LOG.debug(f'{self.found.name}: {fault}')
        if isinstance(fault, OutOfStep):
            self.position = None
        since = self._up_since
        if since is not None and self.links.time() - since > STEADY:
            self._pause = FIRST_PAUSE
        self._tell(
            self._keeper.lost, '' if isinstance(fault, Ended) else str(fault))
        self.links.look(self.found.name)

    async def _follow(self) -> None:
        """Follow by the feed, or else by Cylc's own means.

        Returns if the scheduler is seen in another way now.
        """
        trouble = ''
        if self.found.http is not None:
            try:
                return await self._until_woken(feedlink.follow)
            except Ended:
                raise
            except LinkFault as exc:
                if self._up_since is not None:
                    raise
                trouble = f'{exc}; '
        self.position = None
        try:
            async with asyncio.timeout(SUBSTITUTE if trouble else None):
                await self._until_woken(zmqlink.follow)
        except TimeoutError:
            pass  # to try the feed again
        except LinkFault as exc:
            raise type(exc)(f'{trouble}{exc}') from exc

    async def _until_woken(self, way: Way) -> None:
        """Follow in one way, unless something else comes in between."""
        following = asyncio.ensure_future(way(self, self.found))
        waking = asyncio.ensure_future(self._wake.wait())
        both = {following, waking}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                await following
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
        if self._faulty:
            self._faulty = False
            raise OutOfStep('its replica has met a fault')

    async def _await_server(self) -> None:
        """Wait for the web server of a scheduler that has just begun."""
        contact = self.found.run_dir / SERVICE / CONTACT
        try:
            age = time() - contact.stat().st_mtime
        except OSError:
            return
        if self.found.http is None and 0 <= age < HEAD_START:
            with suppress(TimeoutError):
                async with asyncio.timeout(HEAD_START - age):
                    await self._wake.wait()
