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

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from cylc_flask.page import state
from cylc_flask.privilege import Privilege
from cylc_flask.replica.encode import dump

if TYPE_CHECKING:
    from cylc_flask.hub.flows import Entry, Flows
    from cylc_flask.hub.people import People, Person, View
    from cylc_flask.hub.powers import Powers

#: How often (seconds) it is seen what has changed.
PACE = 0.5

#: What those may know who may not read everything: that it runs, not how.
COARSE = dict.fromkeys(('paused', 'stalled', 'stopping'), 'running')

#: More of a title helps nobody.
LONGEST = 200


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
        found['version'] = flow.cylc_version
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
        'words': state.words(entry.workflow.store),
        'host': flow.host,
        'link': entry.link,
        'connected': entry.connected,
    }
    if entry.problem:
        found['problem'] = entry.problem
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

    def row(self, name: str, level: Privilege) -> bytes | None:
        """Return a row as JSON; the same object as long as it is equal.

        None is for a workflow which has just gone.
        """
        entry = self._flows.find(name)
        if entry is None:
            return None
        rows = self._rows.get(name)
        now = face(entry)
        if rows is None:
            rows = self._rows[name] = _Rows(now)
        elif rows.face != now:
            self._renew(rows, entry, now)
        found = rows.made.get(level)
        if found is None:
            found = rows.made[level] = dump(row(entry, level))
        return found

    def _renew(self, rows: _Rows, entry: Entry, now: Face) -> None:
        """Write the rows of a workflow anew, as far as they are others."""
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
            if entry is not None and rows.face != (now := face(entry)):
                self._renew(rows, entry, now)
        for viewer in list(self._viewers):
            if viewer.is_behind:
                viewer.wake()


class Viewer:
    """What somebody sees of the list.

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
        self._seen: dict[str, tuple[bytes, int]] = {}
        self._version = -1
        self._powers: Powers | None = None
        self._sets: dict[frozenset[str], int] = {}

    @property
    def is_behind(self) -> bool:
        """Return True if there may be news."""
        listing = self._listing
        return (
            self._version != listing.version
            or self._powers is not listing.people.powers(self._person)
        )

    def news(self) -> bytes | None:
        """Return what is new, in JSON: at first all, later the changes.

        None means that nothing is.
        """
        first = self._version < 0
        known = len(self._sets)
        rows, gone = self._compare()
        if not (first or rows or gone):
            return None
        return orjson.dumps({
            'type': 'all' if first else 'changes',
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

    def close(self) -> None:
        """Look no longer."""
        self._listing.leave(self)

    def _compare(self) -> tuple[list[tuple[bytes, int]], list[str]]:
        """Return rows which are new or others now, and names that are gone.
        """
        listing, before = self._listing, self._seen
        now: dict[str, tuple[bytes, int]] = {}
        rows = []
        for name, level in listing.view(self._person):
            text = listing.row(name, level)
            if text is None:
                continue
            now[name] = known = text, self._may(name)
            if before.get(name) != known:
                rows.append(known)
        self._seen = now
        self._version = listing.version
        self._powers = listing.people.powers(self._person)
        return rows, [name for name in before if name not in now]

    def _may(self, name: str) -> int:
        """Return the number of what may be done with a workflow."""
        powers = self._listing.people.powers(self._person)
        operations = powers.operations(name)
        return self._sets.setdefault(operations, len(self._sets))
