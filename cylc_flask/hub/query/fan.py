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
"""One subscription to many workflows.

In the feed of each it is a member of the group that all share who follow the
same there, whatever else these see: so each result is made once. What is due
to the client stands in one queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from cylc.flow import LOG
from cylc_flask.query.errors import Rejected
from cylc_flask.replica.feed import FAULT, FINISHED
from cylc_flask.replica.member import LEFT

if TYPE_CHECKING:
    from cylc_flask.replica.feed import Member
    from cylc_flask.workflows import Workflow

#: How many bytes may wait in all, and in each feed at least.
SIZE = 8_388_608
LEAST = 65_536

#: How often (seconds) it is looked whether they may be seen.
PERIOD = 1.0

#: The workflows that are followed, by the ids of their feeds.
Seen = Mapping[str, 'Workflow']


@dataclass(eq=False)
class _Branch:
    """What comes from one workflow.

    Args:
        flow: The workflow.
        member: Where it comes from; there as soon as that has been joined.
    """

    flow: Workflow
    member: Member = field(init=False)


class Fan:
    """Follows several workflows, whichever there are.

    Args:
        seen: Returns those which there are now, as far as they may be seen;
            the same object as long as they are the same.
        join: Follows one of them.
        gone: Returns what is to be told of one that is no longer there.
        on_ready: Called when there is something to take.
    """

    def __init__(
        self,
        seen: Callable[[], Seen],
        join: Callable[[Workflow, Callable[[], None]], Member],
        gone: Callable[[Workflow], bytes | None],
        on_ready: Callable[[], object] | None = None,
    ) -> None:
        self._seen = seen
        self._join = join
        self._gone = gone
        self._on_ready = on_ready
        self._now: Seen = {}
        self._branches: dict[str, _Branch] = {}
        #: Those which have something, in the order in which it came.
        self._ready: dict[_Branch, None] = {}
        self._own: deque[bytes] = deque()
        self._reason: str | None = None
        #: Called when it is followed no more.
        self.on_close: Callable[[], object] = _nothing
        self._look()

    @property
    def pending(self) -> bool:
        """True if there is something to take now."""
        return self._reason is None and (
            bool(self._ready) or bool(self._own) or self._is_stale
        )

    @property
    def ended(self) -> str | None:
        """Why nothing more will come."""
        return self._reason

    def look(self) -> None:
        """Have the client look, if there are other workflows by now."""
        if self._is_stale and self._on_ready is not None:
            self._on_ready()

    def take_now(self) -> bytes | None:
        """Return the next result, None if there is none yet."""
        try:
            if self._is_stale:
                self._look()
        except Rejected as exc:
            LOG.error('flask: a subscription cannot go on', exc_info=exc)
        if self._own:
            return self._own.popleft()
        while self._ready:
            branch = next(iter(self._ready))
            payload = branch.member.take_now()
            self._settle(branch)
            if payload is not None:
                return payload
        return None

    def take_step(self, size: int) -> bytes | None:
        """Return the next one if it is made, and has no more bytes.

        It is called while another feed is at work: so nothing is joined.
        """
        if self._own or self._is_stale:
            return None
        for branch in self._ready:
            payload = branch.member.take_step(size)
            if payload is not None:
                self._settle(branch)
                return payload
        return None

    def close(self) -> None:
        """Follow nothing any more."""
        self._end(LEFT)

    @property
    def _is_stale(self) -> bool:
        return self._reason is None and self._seen() is not self._now

    def _look(self) -> None:
        """Follow those which have come, and let go of those which are gone."""
        now = self._now = self._seen()
        ids = {flow.store.workflow.id for flow in now.values()}
        for feed in self._branches.keys() - now.keys():
            branch = self._branches.pop(feed)
            branch.member.close()
            self._ready.pop(branch, None)
            if branch.flow.store.workflow.id not in ids:
                words = self._gone(branch.flow)
                if words is not None:
                    self._own.append(words)
        for feed in now.keys() - self._branches.keys():
            self._begin(now[feed])

    def _begin(self, flow: Workflow) -> None:
        branch = _Branch(flow)
        try:
            branch.member = self._join(flow, partial(self._note, branch))
        except Rejected as exc:
            self._end(str(exc))
            raise
        self._branches[flow.feed.id] = branch
        if branch.member.pending:
            self._ready[branch] = None

    def _note(self, branch: _Branch) -> None:
        """Note that something has come from a workflow that is followed."""
        if self._branches.get(branch.flow.feed.id) is not branch:
            return
        room = max(LEAST, SIZE // max(1, len(self._branches)))
        if branch.member.queued > room:
            branch.member.lose()
        self._ready[branch] = None
        if self._on_ready is not None:
            self._on_ready()

    def _settle(self, branch: _Branch) -> None:
        """Let others have their turn, and note if nothing more comes."""
        self._ready.pop(branch, None)
        if branch.member.pending:
            self._ready[branch] = None
            return
        ended = branch.member.ended
        if ended is not None and ended in (FAULT, FINISHED):
            # After a fault a client that begins anew misses nothing.
            self._end(ended)

    def _end(self, reason: str) -> None:
        if self._reason is not None:
            return
        self._reason = reason
        branches = [*self._branches.values()]
        self._branches.clear()
        for branch in branches:
            branch.member.close()
        self._ready.clear()
        self._own.clear()
        self.on_close()


class Lookout:
    """Has fans look, every now and then, what may still be seen.

    Nobody tells when the rules or an account are others.

    Args:
        spawn: Has something done beside what is being done.
        sleep: Waits some seconds.
        period: How many, from one time to the next.
    """

    def __init__(
        self,
        spawn: Callable[[Callable[[], None]], object],
        sleep: Callable[[float], object],
        period: float = PERIOD,
    ) -> None:
        self._spawn = spawn
        self._sleep = sleep
        self._period = period
        self._fans: dict[Fan, None] = {}
        self._looking = False

    def add(self, fan: Fan) -> Callable[[], None]:
        """Have one more look; return what ends that."""
        self._fans[fan] = None
        if not self._looking:
            self._looking = True
            self._spawn(self._look)

        def stop() -> None:
            self._fans.pop(fan, None)
        return stop

    def _look(self) -> None:
        try:
            while self._fans:
                self._sleep(self._period)
                for fan in list(self._fans):
                    fan.look()
        finally:
            self._looking = False


class Once:
    """Has one result, and ends.

    Args:
        result: In JSON.
    """

    def __init__(self, result: bytes) -> None:
        self._result: bytes | None = result

    @property
    def pending(self) -> bool:
        """True if there is something to take now."""
        return self._result is not None

    @property
    def ended(self) -> str | None:
        """Why nothing more will come."""
        return None if self.pending else FINISHED

    def take_now(self) -> bytes | None:
        """Return the result, if it is not taken yet."""
        result, self._result = self._result, None
        return result

    def take_step(self, size: int) -> bytes | None:
        """Return nothing: it is no step."""
        return None

    def close(self) -> None:
        """Follow it no more."""
        self._result = None


def _nothing() -> None:
    """Do nothing."""
