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
"""Clients of the plain feed, which keep a copy of the workflow.

The copy is what JSON makes of the elements, for each codec: by kind, id and
field, without fields that hold nothing.
"""

from __future__ import annotations

from hashlib import sha256
import json
import struct
from typing import Any

import orjson

from cylc_flask.replica.delta import KINDS, WORKFLOW
from cylc_flask.replica.encode import added
from cylc_flask.replica.side import Definition, Side
from cylc_flask.replica.store import Store

Copy = dict[str, dict[str, dict[str, Any]]]


def all_json(store: Store) -> Copy:
    """Return the copy that is right."""
    return without_nothing({kind: {} for kind in KINDS} | added(store))


def without_nothing(copy: Copy) -> Copy:
    """Leave out the fields that hold nothing."""
    return {
        kind: {
            id_: {name: value for name, value in element.items()
                  if value or value not in ([], {}, None)}
            for id_, element in elements.items()
        }
        for kind, elements in copy.items()
    }


def digest(copy: Copy) -> str:
    """Return what is the same for equal copies only."""
    text = orjson.dumps(without_nothing(copy), option=orjson.OPT_SORT_KEYS)
    return sha256(text).hexdigest()


class Follower:
    """Follows by messages; `take` is what a codec's own ones do."""

    def __init__(self) -> None:
        self.feed = ''
        self.sequence = -1
        #: How many snapshots have come, and how many deltas.
        self.snapshots = self.deltas = 0
        self.ended: str | None = None
        self.side: dict[str, Any] = {}
        self.definition: dict[str, Any] = {}

    def take(self, message: Any) -> None:
        """Follow a message."""
        raise NotImplementedError

    @property
    def copy(self) -> Copy:
        """Return what is known."""
        raise NotImplementedError

    def take_all(self, member: Any) -> None:
        """Follow all that waits for a member."""
        while (message := member.take(0)) is not None:
            self.take(message)

    def head(self, head: dict[str, Any]) -> None:
        """Look at what all codecs have, and that nothing is missing."""
        assert self.ended is None
        match head['type']:
            case 'snapshot':
                self.snapshots += 1
                assert {'side', 'definition'} <= head.keys()
            case 'delta':
                self.deltas += 1
                assert head['feed'] == self.feed
                assert head['sequence'] == self.sequence + 1
            case 'end':
                assert head['sequence'] == self.sequence
                self.ended = head['reason']
        self.feed, self.sequence = head['feed'], head['sequence']
        self.side = head.get('side', self.side)
        self.definition = head.get('definition', self.definition)


class JsonFollower(Follower):
    """Follows JSON by replacing what it says."""

    def __init__(self) -> None:
        super().__init__()
        self._copy: Copy = {}

    def take(self, message: Any) -> None:
        """Follow a message."""
        found = json.loads(message)
        self.head(found)
        if found['type'] == 'end':
            return
        if found['type'] == 'snapshot':
            self._copy = {kind: {} for kind in (*KINDS, WORKFLOW)}
        for kind, ids in found['pruned'].items():
            for id_ in ids:
                del self._copy[kind][id_]
        for kind, elements in found['added'].items():
            self._copy[kind].update(elements)
        for kind, elements in found['updated'].items():
            for id_, element in elements.items():
                self._copy[kind][id_].update(element)

    @property
    def copy(self) -> Copy:
        """Return what is known."""
        return without_nothing(self._copy)


class ProtobufFollower(Follower):
    """Follows cylc-flow's own messages, with a replica."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()

    def take(self, message: Any) -> None:
        """Follow a message."""
        (length,) = struct.unpack('!I', message[:4])
        found = json.loads(message[4:4 + length])
        payload = bytes(message[4 + length:])
        self.head(found)
        if self.ended is not None:
            assert payload == b''
            return
        side = Side(**{
            **self.side, 'definition': Definition(**self.definition),
        })
        if found['type'] == 'snapshot':
            self.store.load(payload, side)
        else:
            self.store.apply(payload or None, side)

    @property
    def copy(self) -> Copy:
        """Return what is known."""
        return all_json(self.store)


FOLLOWERS: dict[str, type[Follower]] = {
    'cylc-feed.json': JsonFollower,
    'cylc-feed.protobuf': ProtobufFollower,
}
