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
"""Messages of the plain feed: a snapshot, then numbered deltas."""

from __future__ import annotations

import struct
from typing import Any, Protocol

import orjson

from cylc_flask.compat import pb

from .change import Change
from .delta import KINDS
from .encode import (
    added,
    definition_data,
    dump,
    elements_of,
    side_data,
    written,
)
from .feed import Feed
from .side import Side
from .store import Store

Head = dict[str, Any]


class Codec(Protocol):
    """A way to write messages; all begin with the same head."""

    @property
    def binary(self) -> bool:
        """True if messages are no text."""

    def snapshot(self, head: Head, store: Store) -> bytes:
        """Return a message with all there is."""

    def delta(self, head: Head, change: Change) -> bytes:
        """Return a message about a change."""

    def words(self, head: Head) -> bytes:
        """Return a message which has nothing but its head."""


class Json:
    """One object for each message."""

    binary = False

    def snapshot(self, head: Head, store: Store) -> bytes:
        """Return a message with all there is."""
        return b'%b,"added":%b,"updated":{},"pruned":{}}' % (
            dump(head)[:-1], orjson.dumps(added(store, written)),
        )

    def delta(self, head: Head, change: Change) -> bytes:
        """Return a message about a change."""
        return dump({**head, **elements_of(change)})

    def words(self, head: Head) -> bytes:
        """Return a message which has nothing but its head."""
        return dump(head)


class Protobuf:
    """The head, as JSON after its length, and a message of cylc-flow's.

    That is PbEntireWorkflow or AllDeltas, with nothing for what is about
    side data alone.
    """

    binary = True

    def snapshot(self, head: Head, store: Store) -> bytes:
        """Return a message with all there is."""
        entire = pb.PbEntireWorkflow()
        entire.workflow.CopyFrom(store.workflow)
        for kind in KINDS:
            getattr(entire, kind).extend(getattr(store, kind).values())
        return self.words(head) + bytes(entire.SerializeToString())

    def delta(self, head: Head, change: Change) -> bytes:
        """Return a message about a change."""
        return self.words(head) + (change.raw or b'')

    def words(self, head: Head) -> bytes:
        """Return a message which has nothing but its head."""
        text = dump(head)
        return struct.pack('!I', len(text)) + text


#: By the name of the subprotocol.
CODECS: dict[str, Codec] = {
    'cylc-feed.json': Json(),
    'cylc-feed.protobuf': Protobuf(),
}


class PlainGroup:
    """All who follow one workflow in the same words.

    Args:
        store: The replica.
        feed: Its feed.
        codec: The words.
    """

    #: The workflow may always go on.
    finished = False

    def __init__(self, store: Store, feed: Feed, codec: Codec) -> None:
        self._store = store
        self._feed = feed
        self._codec = codec
        self._told = feed.history.version

    def burst(self) -> bytes:
        """Return a snapshot."""
        store = self._store
        self._told = store.version
        head = self._head('snapshot', store.version)
        head |= _beside(store.side, True, True)
        return self._codec.snapshot(head, store)

    def step(self, change: Change) -> bytes | None:
        """Return a delta; there is nothing new in a version told before."""
        if change.version <= self._told:
            return None
        self._told = change.version
        return self.delta(change)

    def delta(self, change: Change) -> bytes:
        """Return a delta for who knows the version before."""
        head = self._head('delta', change.version)
        head |= _beside(
            change.side, change.side_changed, change.definition_changed)
        return self._codec.delta(head, change)

    def end(self, reason: str) -> bytes:
        """Say that nothing more will come, and why."""
        head = self._head('end', self._told)
        return self._codec.words({**head, 'reason': reason})

    def _head(self, kind: str, version: int) -> Head:
        return {'type': kind, 'feed': self._feed.id, 'sequence': version}


def _beside(side: Side, side_too: bool, definition_too: bool) -> Head:
    """Return the side data for a head, as far as they are news."""
    head: Head = {}
    if side_too:
        head['side'] = side_data(side)
    if definition_too:
        head['definition'] = definition_data(side.definition)
    return head
