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
"""Answers to queries, kept as bytes for as long as they are true."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Callable, NamedTuple, Protocol

#: Bytes in a tag: enough for two different answers never to have the same.
TAG_SIZE = 16

#: What is needed (bytes) to keep an answer, beside itself and its key.
OVERHEAD = 1_000

#: Of so many sets of workflows the latest version is known.
SCOPES = 100

#: Equal operations have equal keys: text, name, and variables in JSON. What
#: follows are the names of the workflows that it is asked of.
Key = tuple[str, str | None, bytes, *tuple[str, ...]]

Scope = tuple[str, ...]

#: Tells the moments apart at which answers may differ; None stands for all
#: moments.
Version = Hashable | None


@dataclass(frozen=True)
class Answer:
    """The answer to an operation, in JSON.

    Args:
        body: The whole of it.
        lasting: It is the same to all who may ask, until the workflow
            changes.
    """

    body: bytes
    lasting: bool

    @cached_property
    def tag(self) -> str:
        """Return a text that no other answer has."""
        return tag_of(self.body)


class Event(Protocol):
    """What threading.Event is, and that of the server's library."""

    def set(self) -> object:
        """Wake who waits."""

    def wait(self) -> object:
        """Wait until it is set."""


@dataclass
class _Making:
    """An answer that is being made, for whoever asks the same now."""

    version: Version
    done: Event
    answer: Answer | None = None


class Sharing:
    """Has an answer made once for all who ask at the same time.

    Args:
        make_event: Makes an event on which they wait.
    """

    def __init__(self, make_event: Callable[[], Event]) -> None:
        self._make_event = make_event
        self._making: dict[Key, _Making] = {}

    def get(
        self, key: Key, version: Version, make: Callable[[], Answer]
    ) -> Answer:
        """Return the answer that somebody else is making, or make it.

        Args:
            key: Of the operation.
            version: Of what it asks for, now; one that was begun before the
                last change does not do.
            make: Makes the answer; may let others go on meanwhile.
        """
        other = self._making.get(key)
        if other is not None and other.version == version:
            other.done.wait()
            if other.answer is not None:
                return other.answer
        making = self._making[key] = _Making(version, self._make_event())
        try:
            making.answer = make()
        finally:
            if self._making.get(key) is making:
                del self._making[key]
            making.done.set()
        return making.answer


def tag_of(body: bytes) -> str:
    """Return a text that no other body has."""
    return blake2b(body, digest_size=TAG_SIZE).hexdigest()


class _Kept(NamedTuple):
    version: Version
    answer: Answer
    size: int


class Answers:
    """The answers of now, those that were asked for last.

    Args:
        room: How many bytes they may take in all; 0 to keep none.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._versions: OrderedDict[Scope, Version] = OrderedDict()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: Key, version: Version) -> Answer | None:
        """Return an answer, if it is there and still true.

        Args:
            key: Of the operation.
            version: Of what it asks for, now.
        """
        self._let_go(key[3:], version)
        kept = self._kept.get(key)
        if kept is None or kept.version != version:
            return None
        self._kept.move_to_end(key)
        return kept.answer

    def keep(self, key: Key, version: Version, answer: Answer) -> None:
        """Keep an answer, in place of those not asked for the longest.

        Args:
            key: Of the operation.
            version: Of what it asks for, when it was answered.
            answer: What it is.
        """
        size = len(answer.body) + len(key[0]) + len(key[2]) + OVERHEAD
        self._let_go(key[3:], version)
        self._drop(key)
        if size > self._room:
            return
        self._kept[key] = _Kept(version, answer, size)
        self.size += size
        while self.size > self._room:
            self._drop(next(iter(self._kept)))

    def _let_go(self, scope: Scope, version: Version) -> None:
        """Forget all answers of another version than this, which is newer.

        Args:
            scope: The workflows that it is a version of.
            version: The version.
        """
        if version is None or version == self._versions.get(scope):
            return
        self._versions[scope] = version
        self._versions.move_to_end(scope)
        self._forget(scope, version)
        if len(self._versions) > SCOPES:
            self._forget(self._versions.popitem(last=False)[0])

    def _forget(self, scope: Scope, *but: Version) -> None:
        """Forget the answers of some workflows, but for some versions."""
        for key in [
            key for key, kept in self._kept.items()
            if key[3:] == scope and kept.version not in (None, *but)
        ]:
            self._drop(key)

    def _drop(self, key: Key) -> None:
        if kept := self._kept.pop(key, None):
            self.size -= kept.size
