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
"""Discovery: tells which workflows come, change and go."""

from __future__ import annotations

from collections.abc import Callable, Container
from concurrent.futures import Future
from dataclasses import replace
from enum import Enum
import os
from pathlib import Path
import queue
import threading
import time

from cylc.flow import LOG
from cylc_flask.address import SERVICE
from cylc_flask.hub.runs.scan import (
    MARKS,
    SIGNS,
    Found,
    RunRoot,
    Status,
    Sweep,
    is_passed_over,
    is_within,
)
from cylc_flask.hub.runs.watch import ANYWHERE, Event, Watch

#: Seconds between scans of everything, which files on other hosts need.
PERIOD = 15.0

#: The part of the time that these may take, were there ever so many.
SHARE = 0.05

#: Seconds between looks at the processes, whose end no file tells.
PULSE = 1.0

#: Seconds in which what happens together is gathered.
SETTLE = 0.1

#: Seconds to wait for the end of a thread.
GRACE = 5.0


class Change(Enum):
    """What has become of a workflow."""

    ADDED = 'added'
    CHANGED = 'changed'
    REMOVED = 'removed'


Tell = Callable[[Change, Found], object]


class Discovery:
    """A thread that knows the workflows of a run root.

    Args:
        root: Where they are.
        tell: Called in that thread with each change, and what was found;
            of what is removed, with what was known last.
        period: Seconds between scans of everything.
        notify: Whether to be told by the system of what changes meanwhile.
    """

    def __init__(
        self,
        root: RunRoot,
        tell: Tell,
        period: float = PERIOD,
        notify: bool = True,
    ) -> None:
        self._watch = Watch(notify)
        self._root = root.watched_by(self._watch.add)
        self._tell = tell
        self._period = period
        #: All that was found, under all its names.
        self._all: dict[str, Found] = {}
        self._told: dict[str, Found] = {}
        self._asked: queue.SimpleQueue[Future[list[Found]] | str] = (
            queue.SimpleQueue())
        #: Who is told when all has been looked at.
        self._waiting: list[Future[list[Found]]] = []
        self._is_there = False
        self._next_scan = self._next_pulse = self._next_asked = 0.0
        self._lock = threading.Lock()
        self._ending = False
        self._thread = threading.Thread(
            target=self._live, name='cylc-flask-discovery', daemon=True)

    def start(self) -> None:
        """Begin; `scan` tells when all is known."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for that, unless a file server hangs."""
        with self._lock:
            self._ending = True
            self._watch.wake()
        if self._thread.ident is None:
            self._finish()
        else:
            self._thread.join(GRACE)

    def known(self) -> list[Found]:
        """Return the workflows as they were told, from any thread."""
        return [*self._told.values()]

    def scan(self) -> Future[list[Found]]:
        """Look at everything now; done when all that changed is told.

        May be called from any thread. At the end it is cancelled.
        """
        future: Future[list[Found]] = Future()
        self._ask(future)
        return future

    def look(self, name: str) -> None:
        """Look at one workflow soon, as when it does not answer.

        What can be no name, or leads out of the root, is passed over.
        """
        if not any(map(is_passed_over, name.split('/'))):
            self._ask(name)

    def _ask(self, what: Future[list[Found]] | str) -> None:
        with self._lock:
            if not self._ending:
                self._asked.put(what)
                self._watch.wake()
            elif isinstance(what, Future):
                what.cancel()

    def _live(self) -> None:
        events: list[Event] = []
        while not self._ending:
            try:
                self._turn(events)
                events = self._watch.wait(self._patience(), SETTLE)
            except Exception as exc:
                LOG.error('fault in the discovery', exc_info=exc)
                time.sleep(PULSE)
                events = [ANYWHERE]
        self._finish()

    def _patience(self) -> float:
        """Return how long (seconds) to wait if nothing happens."""
        due = self._next_pulse
        if self._waiting:
            due = min(due, self._next_asked)
        return due - time.monotonic()

    def _finish(self) -> None:
        with self._lock:
            self._watch.close()
        for what in (*self._waiting, *self._questions()):
            if isinstance(what, Future):
                what.cancel()

    def _turn(self, events: list[Event]) -> None:
        """Look where something may have changed, and tell."""
        names = {
            name for event in events
            if (name := self._affected(event)) is not None
        }
        for what in self._questions():
            if isinstance(what, Future):
                self._waiting.append(what)
            else:
                names.add(what)
        names.update(self._pulse())
        is_asked = self._waiting and time.monotonic() >= self._next_asked
        if is_asked or '' in names:
            self._look_at_all()
        elif names:
            self._look_at(outermost(names))

    def _questions(self) -> list[Future[list[Found]] | str]:
        return [self._asked.get() for _ in range(self._asked.qsize())]

    def _affected(self, event: Event) -> str | None:
        """Return the name under which something may have changed.

        '' stands for all of them. Of what happens in a run directory only
        the marks matter, and in the folder of Cylc's files, where those of
        databases come and go, only the signs.
        """
        if event == ANYWHERE:
            return ''
        folder, base = os.path.split(event.folder)
        if base == SERVICE:
            is_sign = not event.name or event.name in SIGNS
            return self._name(folder) if is_sign else None
        own = self._name(event.folder)
        if not event.name or event.name in MARKS:
            return own
        if own in self._all or is_passed_over(event.name):
            return None
        return f'{own}/{event.name}' if own else event.name

    def _name(self, folder: str) -> str:
        return folder[len(self._root.folder('')):].strip('/')

    def _pulse(self) -> list[str]:
        """Return where the passing of time makes a look necessary."""
        now = time.monotonic()
        if now < self._next_pulse:
            return []
        self._next_pulse = now + PULSE
        came = not self._is_there and os.path.isdir(self._root.path)
        if now >= self._next_scan or came:
            return ['']
        return [
            name for name, found in self._all.items()
            if found.process and not found.process.is_alive()
        ]

    def _look_at_all(self) -> None:
        before = time.monotonic()
        self._is_there = os.path.isdir(self._root.path)
        self._look_at([''])
        now = time.monotonic()
        self._next_scan = now + max(self._period, (now - before) / SHARE)
        # Those who ask time and again leave half of the time to others.
        self._next_asked = now + (now - before)
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_result(self.known())

    def _look_at(self, names: list[str]) -> None:
        sweep = self._root.sweep(*names)
        self._watch.keep(
            sweep.visited, within={*map(self._root.folder, names)})
        self._all = merged(self._all, {*names}, sweep)
        self._publish(without_aliases(self._all, self._root.path))

    def _publish(self, found: dict[str, Found]) -> None:
        """Tell what has become of the workflows, those which go first."""
        old, self._told = self._told, found
        for name in old.keys() - found.keys():
            self._say(Change.REMOVED, old[name])
        for name, workflow in found.items():
            if name not in old:
                self._say(Change.ADDED, workflow)
            elif workflow != old[name]:
                self._say(Change.CHANGED, workflow)

    def _say(self, change: Change, found: Found) -> None:
        try:
            self._tell(change, found)
        except Exception as exc:
            LOG.error(f'{found.name}, {change.value}', exc_info=exc)


def outermost(names: set[str]) -> list[str]:
    """Return names without those below others.

    Examples:
        >>> outermost({'a/b', 'c', 'a', 'a/b/c', 'ab'})
        ['a', 'ab', 'c']
    """
    return sorted(
        name for name in names
        if not is_within(os.path.dirname(name) or '/', names)
    )


def merged(
    known: dict[str, Found], names: Container[str], sweep: Sweep
) -> dict[str, Found]:
    """Return what is known after a sweep at these names.

    What cannot be read is taken to be as it was: it may be a file server
    that has a pause.
    """
    result = {
        name: found for name, found in known.items()
        if not is_within(name, names)
    }
    result.update(sweep.found)
    result.update({
        name: outlived(found) for name, found in known.items()
        if is_within(name, sweep.unreadable)
    })
    return result


def outlived(found: Found) -> Found:
    """Return a workflow as it is if nothing but its process is known."""
    if found.process is None or found.process.is_alive():
        return found
    return replace(found, status=Status.CRASHED, process=None, http=None)


def without_aliases(known: dict[str, Found], root: Path) -> dict[str, Found]:
    """Return workflows under one name each, were there links to others."""
    by_identity: dict[tuple[int, int], list[Found]] = {}
    for found in known.values():
        by_identity.setdefault(found.identity, []).append(found)
    return {
        found.name: found
        for group in by_identity.values()
        for found in [group[0] if len(group) == 1 else proper(group, root)]
    }


def proper(group: list[Found], root: Path) -> Found:
    """Return that of several names which is no link within the root."""
    real_root = os.path.realpath(root)

    def rank(found: Found) -> tuple[bool, str]:
        place = os.path.join(real_root, found.name)
        return os.path.realpath(found.run_dir) != place, found.name

    return min(group, key=rank)
