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
"""Fanning changes of the replica out to all who follow it.

Everything here happens on the thread that owns the replica. What a group
computes does not wait for anything, so that nobody sees it half done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from contextlib import AbstractContextManager, nullcontext
import secrets
import threading
from typing import Protocol

from cylc.flow import LOG
from cylc_flask.errors import CylcFlaskError

from .change import Change
from .history import History
from .member import Event, Member
from .side import Side

__all__ = ['FAULT', 'Change', 'Feed', 'Group', 'Member', 'TooMany']

#: How many changes behind the replica a group may be before it gives up
#: steps for a burst, and a member who comes back.
BEHIND = 100

#: How many times the bytes of a member's queue all bursts may take that are
#: kept for those who come next.
KEPT = 4

#: How much memory the elements of a delta take, to one byte of it.
WEIGHT = 8

#: Why members of a group end that has told all there is to tell.
FINISHED = 'finished'

#: Why members of a group end in which something goes wrong.
FAULT = 'internal error'


class TooMany(CylcFlaskError):
    """There are as many groups as there may be."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f'there are {limit} different subscriptions already, which is'
            ' as many as there may be (limits.groups)'
        )
        self.limit = limit


class Group(Protocol):
    """What equal subscriptions share: computed once, encoded once."""

    @property
    def finished(self) -> bool:
        """Return True as soon as nothing more can come."""

    def burst(self) -> bytes | None:
        """Return the whole as the replica is now; steps follow from here.

        Whatever this group knew before is void.
        """

    def step(self, change: Change) -> bytes | None:
        """Return what a change means here; None if that is nothing.

        The replica may be ahead of the change. It is never a snapshot.
        """

    def end(self, reason: str) -> bytes | None:
        """Return the last words."""


def call(work: Callable[[], None]) -> None:
    """Do some work at once."""
    work()


def go_on() -> None:
    """Let nobody else go first."""


class Feed:
    """Tells groups of members about each change.

    Args:
        make_event: Makes an event on which members wait.
        spawn: Has some work done soon, beside what is done now.
        pause: Lets others go first; called between two groups.
        messages: How many payloads may wait for a member.
        size: How many bytes of them.
        groups: How many groups there may be.
        alone: Entered where a group computes: nobody else of the thread may
            go on then, as the changes and the replica have to fit.
    """

    def __init__(
        self,
        make_event: Callable[[], Event] = threading.Event,
        spawn: Callable[[Callable[[], None]], object] = call,
        pause: Callable[[], object] = go_on,
        messages: int = 1_000,
        size: int = 8_388_608,
        groups: int = 200,
        alone: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        #: Tells one feed from another, whose versions mean something else.
        self.id = secrets.token_hex(8)
        self.history = History(messages, size // WEIGHT)
        self.alone = alone
        self._make_event = make_event
        self._spawn = spawn
        self._pause = pause
        self._messages = messages
        self._size = size
        self._limit = groups
        self._groups: dict[Hashable, Shared] = {}
        self._bursts: dict[Hashable, bytes | None] = {}
        self._room = KEPT * size
        self._working = False
        self._reason: str | None = None

    def publish(self, change: Change) -> None:
        """Tell everybody about a change, soon."""
        self.history.add(change)
        self._tell(change)

    def stir(self, version: int, side: Side) -> None:
        """Have groups look again: something beside the replica changed.

        Args:
            version: Of the replica, which is as it was.
            side: Its side data.
        """
        self._tell(Change(version, side))

    def _tell(self, change: Change) -> None:
        self._bursts.clear()
        self._room = KEPT * self._size
        for shared in list(self._groups.values()):
            shared.note(change)
        if not self._working and self._behind():
            self._working = True
            self._spawn(self._work)

    def join(
        self,
        key: Hashable,
        make_group: Callable[[], Group],
        burst: bool = True,
        on_ready: Callable[[], object] | None = None,
        since: int | None = None,
    ) -> Member:
        """Return a new member of the group of equal subscriptions.

        Args:
            key: Equal for those that are equal.
            make_group: Makes the group, if there is none.
            burst: Begin with the whole; otherwise with the next change.
            on_ready: As Member has it.
            since: Begin with the steps from this version on, if they are
                known and few, in place of the whole. Nobody else gets a turn
                while they are made, and who asks again has them made again.

        Raises:
            TooMany: There is no room for one more group.
        """
        shared = self._groups.get(key) or self._make(key, make_group)
        member = Member(
            shared, self._make_event, self._messages, self._size, on_ready
        )
        missed = None
        if since is not None and self.history.version - since <= BEHIND:
            missed = self.history.since(since)
        if missed is not None or not burst:
            shared.catch_up()
            member.is_due = shared.is_lost
        shared.enter(member)
        shared.tell(member, missed or ())
        return member

    def close(self, reason: str) -> None:
        """Let everybody know the last, and why there is no more."""
        if self._reason is None:
            self._reason = reason
            for shared in list(self._groups.values()):
                shared.catch_up()
                shared.finish(reason)

    @property
    def members(self) -> int:
        """How many members there are, in all groups."""
        return sum(len(each.members) for each in self._groups.values())

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self._groups)

    def _make(
        self, key: Hashable, make_group: Callable[[], Group]
    ) -> Shared:
        if len(self._groups) >= self._limit:
            raise TooMany(self._limit)
        shared = Shared(self, key, make_group())
        if self._reason is None:
            self._groups[key] = shared
        else:
            shared.finish(self._reason)
        return shared

    def _behind(self) -> list[Shared]:
        return [each for each in self._groups.values() if each.pending]

    def _work(self) -> None:
        try:
            while behind := self._behind():
                for shared in behind:
                    shared.catch_up()
                    self._pause()
        finally:
            self._working = False

    # For groups

    def burst(self, shared: Shared) -> bytes | None:
        """Return the burst of a group, made once for each version."""
        if shared.key in self._bursts:
            return self._bursts[shared.key]
        with self.alone():
            payload = shared.group.burst()
        size = len(payload or b'')
        if size <= self._room and self._groups.get(shared.key) is shared:
            self._room -= size
            self._bursts[shared.key] = payload
        return payload

    def forget(self, shared: Shared) -> None:
        """Forget a group, and what is kept for it."""
        if self._groups.get(shared.key) is shared:
            del self._groups[shared.key]
            kept = self._bursts.pop(shared.key, None)
            self._room += len(kept or b'')


class Shared:
    """A group with its members, and the changes it has not seen yet."""

    def __init__(self, feed: Feed, key: Hashable, group: Group) -> None:
        self.key = key
        self.group = group
        self.pending: deque[Change] = deque()
        self.members: dict[Member, None] = {}
        #: True while the group knows nothing: a burst has to come first.
        self.is_lost = False
        self._feed = feed
        self._reason: str | None = None
        self._words: bytes | None = None

    def enter(self, member: Member) -> None:
        """Take up a member; at the end, for as long as that takes."""
        if self._reason is None:
            self.members[member] = None
        else:
            member.is_due = member.is_due and self._reason != FAULT
            member.end(self._reason, self._words)

    def tell(self, member: Member, changes: Iterable[Change]) -> None:
        """Tell one member alone what the others knew before."""
        try:
            for change in changes:
                with self._feed.alone():
                    payload = self.group.step(change)
                if payload is not None:
                    member.put(payload)
        except Exception as exc:
            self._fail(exc)

    def leave(self, member: Member) -> None:
        """Forget a member, and with the last one the group."""
        self.members.pop(member, None)
        if not self.members:
            self._feed.forget(self)

    def note(self, change: Change) -> None:
        """Remember a change until there is time for it."""
        if change.loaded or len(self.pending) >= BEHIND:
            self._lose()
        elif not self.is_lost:
            self.pending.append(change)

    def catch_up(self) -> None:
        """Step to the newest version.

        Where all members are due a burst anyway there is no use in it.
        """
        if self.pending and all(each.is_due for each in self.members):
            self._lose()
        try:
            while self.pending:
                with self._feed.alone():
                    payload = self.group.step(self.pending.popleft())
                if payload is not None:
                    for member in list(self.members):
                        member.put(payload)
                if self.group.finished:
                    self._end(FINISHED)
        except Exception as exc:
            self._fail(exc)

    def burst(self) -> bytes | None:
        """Return the whole, after others have got the steps up to it."""
        self.catch_up()
        if self._reason == FAULT:
            return None
        try:
            payload = self._feed.burst(self)
        except Exception as exc:
            self._fail(exc)
            return None
        self.is_lost = False
        if self.group.finished:
            self._end(FINISHED)
        return payload

    def finish(self, reason: str) -> None:
        """End in good order."""
        try:
            with self._feed.alone():
                self._words = self.group.end(reason)
        except Exception as exc:
            self._fail(exc)
        else:
            self._end(reason)

    def _lose(self) -> None:
        self.pending.clear()
        self.is_lost = True
        for member in list(self.members):
            member.lose()

    def _fail(self, exc: Exception) -> None:
        """End because of a fault, which is nobody else's."""
        LOG.error('flask: fault in a subscription', exc_info=exc)
        self._lose()
        for member in list(self.members):
            member.is_due = False
        self._end(FAULT)

    def _end(self, reason: str) -> None:
        self._reason = reason
        for member in list(self.members):
            member.end(reason, self._words)
        self.pending.clear()
        self.members.clear()
        self._feed.forget(self)
