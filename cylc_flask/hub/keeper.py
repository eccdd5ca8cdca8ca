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
"""Keeps a replica as its scheduler has the data store.

Everything here happens on the thread that owns the replicas.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
import logging
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from cylc.flow import LOG
from cylc_flask.hub import blank
from cylc_flask.replica.delta import WORKFLOW, go_on

if TYPE_CHECKING:
    from cylc_flask.hub.entry import Entry
    from cylc_flask.query.limits import Paced
    from cylc_flask.replica.change import Change
    from cylc_flask.replica.side import Definition, Side

Work = Callable[[], None]

#: How long (seconds) replicas are written to before others are served.
SPELL = 0.003


class InTurn:
    """Does pieces of work one after the other, each of which may wait.

    Args:
        spawn: Has something done soon, beside what is done now.
        rest: Has others served who wait in this thread.
    """

    def __init__(
        self,
        spawn: Callable[[Work], object],
        rest: Callable[[], object] = go_on,
    ) -> None:
        self._spawn = spawn
        self._rest = rest
        self._todo: deque[Work] = deque()
        self._working = False

    def add(self, work: Work) -> None:
        """Do some work when all before it is done."""
        self._todo.append(work)
        if not self._working:
            self._working = True
            self._spawn(self._work)

    def _work(self) -> None:
        since = monotonic()
        try:
            while self._todo:
                try:
                    self._todo.popleft()()
                except Exception as exc:
                    LOG.error('fault in a replica', exc_info=exc)
                if monotonic() - since > SPELL:
                    self._rest()
                    since = monotonic()
        finally:
            self._working = False


class Keeper:
    """Takes what a link says about one run of a workflow.

    What comes after its end is not heard.

    Args:
        entry: The workflow.
        paced: In which long work is done.
        changed: Called when something of interest to lists has changed.
        resync: Asks the link to begin again with a snapshot.
    """

    def __init__(
        self,
        entry: Entry,
        paced: Paced,
        changed: Callable[[Entry], None],
        resync: Callable[[], None],
    ) -> None:
        self._entry = entry
        self._paced = paced
        self._changed = changed
        self._resync = resync
        self._open = True
        #: Deltas have nothing to build on.
        self._broken = True
        #: The workflow as the scheduler has it, where we say otherwise.
        self._said: Any = None
        self._theirs: Definition | None = None
        self._ours: Definition | None = None

    def close(self) -> None:
        """Hear nothing more."""
        self._open = False
        self._entry.link, self._entry.connected = '', False

    # For the link

    def linked(self, kind: str, passphrase: str) -> None:
        """Take note that there is a connection, and of what kind.

        The replica goes on from where it was, unless it is loaded next.
        """
        def note() -> None:
            entry = self._entry
            entry.link, entry.connected, entry.trouble = kind, True, ''
            if passphrase:
                entry.workflow.passphrase = passphrase
            if self._said is not None and not self._broken:
                entry.write(blank.restoring(self._said))
            self._said = None
            self._changed(entry)
        self._hear(note)

    def lost(self, trouble: str) -> None:
        """Take note that there is none, and why; '' if that is as it should.
        """
        def note() -> None:
            entry = self._entry
            entry.link, entry.connected, entry.trouble = '', False, trouble
            flow = entry.workflow.store.workflow
            if trouble:
                self._said = self._said or flow
                entry.mark(flow.status, f'unreachable: {trouble}')
            self._changed(entry)
        self._hear(note)

    def load(
        self, snapshot: bytes, side: Side, done: Callable[[], object]
    ) -> None:
        """Replace what the replica holds, and call something then."""
        def load() -> None:
            self._broken = False
            self._write(
                lambda: self._entry.workflow.store.load(
                    snapshot, self._numbered(side)))
        self._hear(load, done)

    def apply(
        self, delta: bytes | None, side: Side, done: Callable[[], object]
    ) -> None:
        """Bring the replica forward, and call something then."""
        def apply() -> None:
            if not self._broken:
                self._write(
                    lambda: self._entry.workflow.store.apply(
                        delta, self._numbered(side)))
        self._hear(apply, done)

    def _hear(
        self, work: Work, done: Callable[[], object] | None = None
    ) -> None:
        def listen() -> None:
            try:
                if self._open:
                    work()
            finally:
                if done is not None:
                    done()
        self._entry.in_turn.add(listen)

    def _write(self, write: Callable[[], Change]) -> None:
        """Write to the store, and tell everybody about it."""
        flow = self._entry.workflow
        before, rest = flow.store.workflow, flow.store.rest
        try:
            with self._paced() as pause:
                flow.store.rest = pause
                change = write()
        except Exception as exc:
            LOG.error(f'{flow.name}: out of step', exc_info=exc)
            self._begin_again()
            return
        finally:
            flow.store.rest = rest
        if flow.store.workflow.id != self._entry.id:
            LOG.error(f'{flow.name}: its scheduler has another workflow')
            change = self._entry.clear()
            self._begin_again()
        self._note_records(before.log_records)
        flow.feed.publish(change)
        if WORKFLOW in change.added or (
            WORKFLOW in change.updated
        ) or change.definition_changed:
            self._changed(self._entry)

    def _begin_again(self) -> None:
        """Take nothing more but a snapshot."""
        self._broken = True
        self._resync()

    def _numbered(self, side: Side) -> Side:
        """Return side data whose definition is one of our own.

        Each scheduler begins to count from one. Where a workflow's files
        are, and whose, we know better than anybody who says to be it.
        """
        if side.definition is not self._theirs:
            self._theirs = side.definition
            entry = self._entry
            entry.serial += 1
            self._ours = replace(
                side.definition, serial=entry.serial, workflow=entry.name,
                owner=entry.owner, run_dir=str(entry.found.run_dir),
            )
        assert self._ours is not None
        return replace(side, definition=self._ours)

    def _note_records(self, before: Any) -> None:
        """Note what is new among the latest records of the log."""
        flow = self._entry.workflow
        old = [(record.level, record.message) for record in before]
        new = [
            (record.level, record.message)
            for record in flow.store.workflow.log_records
        ]
        levels = logging.getLevelNamesMapping()
        for level, message in new[overlap(old, new):]:
            with suppress(KeyError):
                flow.records.add(levels[level], message, time())


def overlap(old: list[Any], new: list[Any]) -> int:
    """Return how many items a list begins with that another ends with.

    Examples:
        >>> overlap([1, 2, 3], [2, 3, 4]), overlap([1], [2]), overlap([], [1])
        (2, 0, 0)
    """
    most = min(len(old), len(new))
    return next(
        (size for size in range(most, 0, -1) if old[-size:] == new[:size]), 0)
