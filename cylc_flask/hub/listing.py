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
"""The list of workflows: what each viewer may see of it, and what changes.

A row is written once for all who may see as much of a workflow. Nobody asks
for anything while nobody looks: as long as there are viewers, it is seen now
and then what has changed, and only those whom it concerns are woken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

import orjson

from cylc_flask.page import state
from cylc_flask.privilege import Privilege
from cylc_flask.replica.encode import dump

if TYPE_CHECKING:
    from cylc_flask.hub.flows import Entry, Flows
    from cylc_flask.hub.users.people import People, Person, View
    from cylc_flask.hub.users.powers import Powers

#: How often (seconds) it is seen what has changed.
PACE = 0.5

#: So many messages are kept for who is slow; then all is sent again.
KEPT = 16

#: What those may know who may not read everything: that it runs, not how.
COARSE = dict.fromkeys(('paused', 'stalled', 'stopping'), 'running')

#: More of a text helps nobody: all that is listed goes to all who look.
LONGEST = 500


class Face(NamedTuple):
    """What a row is made of; another one, if anything of it is."""

    status: str
    problem: str
    link: str
    connected: bool
    feed: str
    version: int


def face(entry: Entry) -> Face:
    """Return what the rows of a workflow follow from now."""
    flow = entry.workflow
    return Face(
        entry.status, entry.problem, entry.link, entry.connected,
        flow.feed.id, flow.store.version,
    )


def row(entry: Entry, level: Privilege) -> dict[str, Any]:
    """Return what is listed of a workflow for those who have a level."""
    store = entry.workflow.store
    flow = store.workflow
    found: dict[str, Any] = {
        'name': entry.name,
        'id': flow.id,
        'owner': flow.owner,
        'level': str(level),
        'status': COARSE.get(entry.status, entry.status),
    }
    if flow.cylc_version:
        found['version'] = flow.cylc_version[:LONGEST]
    if level >= Privilege.DESCRIPTION and flow.meta.title:
        found['title'] = flow.meta.title[:LONGEST]
    if level >= Privilege.STATE_TOTALS:
        found['totals'] = state.totals(flow.state_totals)
    if level >= Privilege.FULL_READ:
        found |= _details(entry)
    return found


def _details(entry: Entry) -> dict[str, Any]:
    """Return what only those may know who may read everything."""
    flow = entry.workflow.store.workflow
    found = {
        'status': entry.status,
        'words': state.words(entry.workflow.store)[:LONGEST],
        'host': flow.host[:LONGEST],
        'link': entry.link,
        'connected': entry.connected,
    }
    if entry.problem:
        found['problem'] = entry.problem[:LONGEST]
    return found


@dataclass
class _Rows:
    """The rows of one workflow, by the level of who may see them."""

    face: Face
    made: dict[Privilege, bytes] = field(default_factory=dict)


class Listing:
    """Rows of all workflows, and who looks at them.

    All of it is for the server's thread.

    Args:
        flows: The workflows that there are.
        people: Who may see what of them.
        spawn: Has something done beside what is done now.
        sleep: Waits some seconds, and lets others go on meanwhile.
        pace: How often (seconds) it is seen what has changed.
    """

    def __init__(
        self,
        flows: Flows,
        people: People,
        spawn: Callable[..., object],
        sleep: Callable[[float], object],
        pace: float = PACE,
    ) -> None:
        self.owner = flows.owner
        self.people = people
        #: Another one after each change of any row.
        self.version = 0
        self._flows = flows
        self._spawn = spawn
        self._sleep = sleep
        self._pace = pace
        self._rows: dict[str, _Rows] = {}
        self._names = flows.names
        self._sights: WeakValueDictionary[Powers, Sight] = (
            WeakValueDictionary())
        self._viewers: set[Viewer] = set()
        self._working = False

    def look(self, person: Person, wake: Callable[[], object]) -> Viewer:
        """Return what somebody sees from now on, until it is closed.

        Args:
            person: Who looks.
            wake: Called when there may be news; it must not wait.
        """
        viewer = Viewer(self, person, wake)
        self._viewers.add(viewer)
        if not self._working:
            self._working = True
            self._spawn(self._work)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Forget somebody who looked."""
        self._viewers.discard(viewer)

    def all(self, person: Person) -> bytes:
        """Return all that somebody may see, and do, in JSON."""
        self.see()  # forgets what is gone, though nobody follows
        powers = self.people.powers(person)
        rows = []
        for name, level in sorted(self.view(person)):
            text = self.row(name, level)
            if text is not None:
                operations = dump(sorted(powers.operations(name)))
                rows.append(orjson.Fragment(
                    b'%b,"operations":%b}' % (text[:-1], operations)))
        return orjson.dumps({'workflows': rows})

    def view(self, person: Person) -> View:
        """Return what somebody may see, by name and level."""
        return self.people.view(person, self._flows.names)

    def sight(self, person: Person) -> Sight:
        """Return what somebody sees, the same for all who are them."""
        powers = self.people.powers(person)
        found = self._sights.get(powers)
        if found is None:
            self.see()
            found = self._sights[powers] = Sight(self, person, powers)
        return found

    def row(self, name: str, level: Privilege) -> bytes | None:
        """Return a row as JSON, as it is now.

        None is for a workflow which has just gone.
        """
        entry = self._flows.find(name)
        if entry is not None and name in self._rows:
            self._renew(self._rows[name], entry)
        return self.last_row(name, level)

    def last_row(self, name: str, level: Privilege) -> bytes | None:
        """Return a row as it was when it was seen to last.

        It is the same object as long as it is equal.
        """
        entry = self._flows.find(name)
        if entry is None:
            return None
        rows = self._rows.get(name)
        if rows is None:
            rows = self._rows[name] = _Rows(face(entry))
        found = rows.made.get(level)
        if found is None:
            found = rows.made[level] = dump(row(entry, level))
        return found

    def _renew(self, rows: _Rows, entry: Entry) -> None:
        """Write the rows of a workflow anew, as far as they are others."""
        now = face(entry)
        if rows.face == now:
            return
        rows.face = now
        for level, before in rows.made.items():
            after = dump(row(entry, level))
            if after != before:
                rows.made[level] = after
                self.version += 1

    def _work(self) -> None:
        """See what has changed, for as long as anybody wants to know."""
        try:
            while self._viewers:
                self._sleep(self._pace)
                self.see()
        finally:
            self._working = False

    def see(self) -> None:
        """Take note of all changes, and wake those whom they may concern."""
        names = self._flows.names
        if names is not self._names:
            self._names = names
            self.version += 1
            for name in self._rows.keys() - names:
                del self._rows[name]
        for name, rows in list(self._rows.items()):
            entry = self._flows.find(name)
            if entry is not None:
                self._renew(rows, entry)
        for viewer in list(self._viewers):
            if viewer.is_behind:
                viewer.wake()


class Sight:
    """What all see of the list who are the same person.

    Args:
        listing: The list.
        person: Who.
        powers: What they may do; with others it is another sight.
    """

    def __init__(
        self, listing: Listing, person: Person, powers: Powers
    ) -> None:
        self.powers = powers
        #: Of the last message.
        self.number = 0
        #: The last messages.
        self.messages: deque[bytes] = deque(maxlen=KEPT)
        self._listing = listing
        self._person = person
        self._seen: dict[str, _Seen] = {}
        self._version = -1
        self._sets: dict[frozenset[str], int] = {}
        self._whole: tuple[int, bytes] = 0, b''

    @property
    def is_behind(self) -> bool:
        """Return True if there may be news."""
        return self._version != self._listing.version

    def whole(self) -> bytes:
        """Return all there is to see, in JSON."""
        self.update()
        number, message = self._whole
        if number != self.number or not message:
            message = self._message('all', self._seen.values(), (), 0)
            self._whole = self.number, message
        return message

    def update(self) -> None:
        """Write a message of what has changed, if anything has."""
        if not self.is_behind:
            return
        before, known = self._seen, len(self._sets)
        self._version = self._listing.version
        now = self._seen = dict(self._look())
        rows = [
            seen for name, seen in now.items() if before.get(name) != seen]
        gone = [name for name in before if name not in now]
        if rows or gone:
            self.number += 1
            self.messages.append(
                self._message('changes', rows, gone, known))

    def _look(self) -> Iterator[tuple[str, _Seen]]:
        """Yield what is seen now, by name."""
        for name, level in self._listing.view(self._person):
            text = self._listing.last_row(name, level)
            if text is not None:
                operations = self.powers.operations(name)
                number = self._sets.setdefault(operations, len(self._sets))
                yield name, _Seen(text, number)

    def _message(
        self, kind: str, rows: Iterable[_Seen], gone: Sequence[str],
        known: int,
    ) -> bytes:
        return orjson.dumps({
            'type': kind,
            # What may be done, by the numbers that rows have for it.
            'may': {
                str(number): sorted(operations)
                for operations, number in self._sets.items()
                if number >= known
            },
            'rows': [
                {'may': number, 'row': orjson.Fragment(text)}
                for text, number in rows
            ],
            'gone': gone,
        })


class _Seen(NamedTuple):
    """A row, and the number of what may be done with it."""

    text: bytes
    may: int


class Viewer:
    """Somebody who looks at the list.

    Args:
        listing: The list.
        person: Who looks.
        wake: Called when there may be news.
    """

    def __init__(
        self, listing: Listing, person: Person, wake: Callable[[], object],
    ) -> None:
        self.wake = wake
        self._listing = listing
        self._person = person
        self._sight = listing.sight(person)
        #: Of the message that was taken last, None if there was none.
        self._number: int | None = None

    @property
    def is_behind(self) -> bool:
        """Return True if there may be news."""
        sight = self._sight
        return (
            self._number != sight.number or sight.is_behind
            or sight.powers is not self._listing.people.powers(self._person)
        )

    def news(self) -> bytes | None:
        """Return the next message: all, or what has changed since the last.

        None means that nothing has.
        """
        now = self._listing.sight(self._person)
        if now is not self._sight:
            self._sight, self._number = now, None
        now.update()
        missed = (
            KEPT + 1 if self._number is None else now.number - self._number)
        if missed == 0:
            return None
        if missed > len(now.messages):
            message, self._number = now.whole(), now.number
            return message
        assert self._number is not None
        self._number += 1
        return now.messages[-missed]

    def close(self) -> None:
        """Look no longer."""
        self._listing.leave(self)
