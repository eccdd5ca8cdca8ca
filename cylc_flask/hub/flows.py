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
"""The workflows of the hub, as views and listeners see them.

Everything but `tell` is for the thread of the server.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
import threading
from typing import TYPE_CHECKING, Any

from cylc.flow import LOG
from cylc_flask.config import Limits
from cylc_flask.hub import blank
from cylc_flask.hub.entry import Entry
from cylc_flask.hub.keeper import InTurn, Keeper
from cylc_flask.hub.relay.remote import RemoteCommands
from cylc_flask.hub.runs.discovery import Change
from cylc_flask.hub.runs.scan import Found, Status
from cylc_flask.query.limits import Paced, unpaced
from cylc_flask.replica.feed import Feed, call, go_on
from cylc_flask.replica.records import Records
from cylc_flask.replica.store import Store
from cylc_flask.workflows import Registry, Workflow

if TYPE_CHECKING:
    from cylc_flask.commands import Event
    from cylc_flask.hub.links.links import Links

__all__ = ['Entry', 'Flows', 'Tools']

#: Told of what has become of a workflow: 'added', 'changed' or 'removed'.
Listener = Callable[[str, Entry], object]

REMOVED = 'The workflow has been removed.'
ENDING = 'The hub is stopping.'


@dataclass(frozen=True)
class Tools:
    """What the server's thread has for workflows.

    Args:
        deliver: Has something done in that thread, from any.
        make_store: Makes a replica.
        make_feed: Makes what tells about its changes.
        make_event: Makes what requests wait on.
        spawn: Has something done beside what is being done.
        paced: In which long work is done.
        limits: How long to wait for a scheduler, and for how many commands.
        rest: Has others served who wait in that thread.
    """

    deliver: Callable[..., None]
    make_store: Callable[[], Store] = Store
    make_feed: Callable[[], Feed] = Feed
    make_event: Callable[[], Event] = threading.Event
    spawn: Callable[[Callable[[], None]], object] = call
    paced: Paced = unpaced
    limits: Limits = field(default_factory=Limits)
    rest: Callable[[], object] = go_on


class Flows(Registry):
    """All workflows that discovery has found, running or not.

    Args:
        owner: The name of the user whose they are.
        links: Connects to their schedulers.
        tools: Of the server's thread.
    """

    def __init__(self, owner: str, links: Links, tools: Tools) -> None:
        super().__init__()
        self.owner = owner
        self._links = links
        self._tools = tools
        self._entries: dict[str, Entry] = {}
        self._names: frozenset[str] = frozenset()
        self._listeners: dict[object, Listener] = {}

    def all(self) -> list[Workflow]:
        """Return all workflows."""
        return [entry.workflow for entry in self._entries.values()]

    def entries(self) -> list[Entry]:
        """Return all that is known of them."""
        return [*self._entries.values()]

    def find(self, name: str) -> Entry | None:
        """Return the workflow of a name, None if there is none."""
        return self._entries.get(name)

    @property
    def names(self) -> frozenset[str]:
        """Return all names; the same object as long as they are the same."""
        return self._names

    def watch(self, listener: Listener) -> Callable[[], None]:
        """Have somebody told what becomes of workflows; return what ends it.

        That is told after it has happened, and also when something changes
        in a workflow of which lists tell: its status or its totals.
        """
        key = object()
        self._listeners[key] = listener

        def stop() -> None:
            self._listeners.pop(key, None)
        return stop

    def tell(self, change: Change, found: Found) -> None:
        """Take note of what discovery has seen; from any thread."""
        self._tools.deliver(self.note, change, found)

    def note(self, change: Change, found: Found) -> None:
        """Do what follows from what discovery has seen."""
        entry = self._entries.get(found.name)
        if change is Change.REMOVED:
            if entry is not None:
                self._remove(entry)
        elif entry is None:
            self._add(found)
        elif is_another(entry.found, found):
            self._remove(entry)
            self._add(found)
        else:
            self._update(entry, found)

    def close(self) -> None:
        """Let go of all schedulers, and tell all who follow."""
        for entry in self._entries.values():
            self._unlink(entry)
            self._end(entry, ENDING)
        self._listeners.clear()

    def _add(self, found: Found) -> None:
        store = self._tools.make_store()
        feed = self._tools.make_feed()
        commands = RemoteCommands(
            found.name, self._links, self._tools,
            lambda: feed.stir(store.version, store.side), lambda: store.side,
        )
        flow = Workflow(found.name, '', store, Records(), commands, feed)
        entry = Entry(
            found, self.owner, flow,
            InTurn(self._tools.spawn, self._tools.rest), commands,
        )
        entry.clear()
        self._entries[found.name] = entry
        self._names |= {found.name}
        self._link(entry)
        self._say('added', entry)

    def _update(self, entry: Entry, found: Found) -> None:
        before, entry.found = entry.found, found
        if entry.line is not None and run_of(before) == run_of(found):
            entry.line.aim(found)
        else:
            self._unlink(entry)
            entry.in_turn.add(lambda: entry.mark(
                blank.status_of(found), blank.words(found),
                found.status is not Status.RUNNING,
            ))
            self._link(entry)
        self._say('changed', entry)

    def _remove(self, entry: Entry) -> None:
        self._unlink(entry)
        del self._entries[entry.name]
        self._names -= {entry.name}
        self._end(entry, REMOVED)
        self._say('removed', entry)

    @staticmethod
    def _end(entry: Entry, reason: str) -> None:
        entry.commands.close(reason)
        entry.workflow.feed.close(reason)

    def _link(self, entry: Entry) -> None:
        """Follow a workflow, if it runs."""
        if run_of(entry.found) is None:
            entry.commands.detach(blank.words(entry.found))
            return

        def resync() -> None:
            if entry.line is not None:
                entry.line.resync()
        entry.keeper = Keeper(
            entry, self._tools.paced, self._changed, resync)
        entry.line = self._links.open(entry.found, entry.keeper)
        entry.commands.attach(entry.line)

    def _unlink(self, entry: Entry) -> None:
        entry.trouble = ''
        if entry.line is not None and entry.keeper is not None:
            entry.keeper.close()
            entry.line.close()
        entry.line = entry.keeper = None

    def _changed(self, entry: Entry) -> None:
        if self._entries.get(entry.name) is entry:
            self._say('changed', entry)

    def _say(self, kind: str, entry: Entry) -> None:
        for listener in [*self._listeners.values()]:
            try:
                listener(kind, entry)
            except Exception as exc:
                LOG.error(f'{entry.name}, {kind}', exc_info=exc)


def is_another(before: Found, now: Found) -> bool:
    """Tell whether a workflow has taken the place of another of its name.

    Where one has run nothing is left of that; the number of a folder that is
    no more may be that of the next.
    """
    has_run = before.status is not Status.INSTALLED
    return before.identity != now.identity or (
        has_run and now.status is Status.INSTALLED)


def run_of(found: Found) -> Any:
    """Return what tells one run of a workflow from another.

    None if it does not run, or nobody knows where.
    """
    contact = found.contact
    if found.status is not Status.RUNNING or contact is None:
        return None
    return contact.uuid, contact.host, contact.pid, contact.port
