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
"""One who follows the replica, with a queue of what is not yet taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

#: Why a member that left by itself gets nothing more.
LEFT = 'closed'


class Event(Protocol):
    """What threading.Event is, and that of the server's library."""

    def set(self) -> object:
        """Wake who waits."""

    def clear(self) -> object:
        """Let who comes wait."""

    def wait(self, timeout: float | None = None) -> object:
        """Wait until it is set, or some seconds have passed."""


class Source(Protocol):
    """Where a member's payloads come from."""

    def burst(self) -> bytes | None:
        """Return the whole as it is now."""

    def leave(self, member: Member) -> None:
        """Forget a member."""


class Member:
    """A place in a group.

    To begin with, and each time that it falls too far behind, a member is
    due a burst; only after that do steps wait for it again.

    Args:
        source: The group.
        make_event: Makes an event to wait for.
        messages: How many payloads may wait to be taken.
        size: How many bytes.
        on_ready: Called when there is something to take, or the end has
            come. It must not wait, nor take anything but a step.
    """

    def __init__(
        self,
        source: Source,
        make_event: Callable[[], Event],
        messages: int,
        size: int,
        on_ready: Callable[[], object] | None = None,
    ) -> None:
        self.is_due = True
        self._source = source
        self._make_event = make_event
        self._messages = messages
        self._size = size
        self._on_ready = on_ready
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._words: bytes | None = None
        self._reason: str | None = None
        self._event: Event | None = None

    # For who follows

    @property
    def pending(self) -> bool:
        """True if there is something to take now."""
        return (
            self.is_due or bool(self._queue) or self._words is not None
        )

    @property
    def queued(self) -> int:
        """How many bytes wait to be taken."""
        return self._queued

    @property
    def ended(self) -> str | None:
        """Why nothing more will come, once all has been taken."""
        return None if self.pending else self._reason

    def take(self, timeout: float | None = None) -> bytes | None:
        """Return the next payload; None if there is none in time.

        Args:
            timeout: How long (seconds) to wait for it; None means as long
                as it takes.
        """
        payload = self._next()
        if payload is not None or self._reason is not None or timeout == 0:
            return payload
        if self._event is None:
            self._event = self._make_event()
        self._event.clear()
        self._event.wait(timeout)
        return self._next()

    def take_now(self) -> bytes | None:
        """Return the next payload, None if there is none yet."""
        return self.take(0)

    def take_step(self, size: int) -> bytes | None:
        """Return the next payload, where that is a step which waits already.

        Args:
            size: How many bytes it may have.
        """
        if self.is_due or not self._queue or len(self._queue[0]) > size:
            return None
        return self._take_step()

    def close(self) -> None:
        """Leave; nothing is kept for this member any more."""
        self.end(LEFT, None)
        self._words = None
        self.is_due = False
        self._empty()
        self._source.leave(self)

    # For the group

    def put(self, payload: bytes) -> None:
        """Hand over a step, unless a burst will have it."""
        if self.is_due:
            return
        self._queue.append(payload)
        self._queued += len(payload)
        if len(self._queue) > self._messages or self._queued > self._size:
            self.lose()
        else:
            self._tell()

    def lose(self) -> None:
        """Begin again with a burst, in place of all that waits."""
        self._empty()
        if self._reason is None and not self.is_due:
            self.is_due = True
            self._tell()

    def end(self, reason: str, words: bytes | None) -> None:
        """Let this be the end, after what waits and some last words."""
        if self._reason is None:
            self._reason = reason
            self._words = words
            self._tell()

    def _next(self) -> bytes | None:
        if self.is_due:
            burst = self._source.burst()
            self.is_due = False
            if burst is not None:
                return burst
        if self._queue:
            return self._take_step()
        words, self._words = self._words, None
        return words

    def _take_step(self) -> bytes:
        payload = self._queue.popleft()
        self._queued -= len(payload)
        return payload

    def _empty(self) -> None:
        self._queue.clear()
        self._queued = 0

    def _tell(self) -> None:
        if self._event is not None:
            self._event.set()
        if self._on_ready is not None:
            self._on_ready()
