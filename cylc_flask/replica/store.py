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
"""The replica of one scheduler's data store."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cylc_flask.compat import pb

from . import change
from .change import Change
from .delta import (
    KINDS,
    Draft,
    Element,
    Elements,
    apply,
    copy,
    go_on,
    paced,
)
from .side import Side


class Store:
    """Elements by kind and id, the side data, and a version number.

    An element is replaced when it changes, never altered, and so are the
    dictionaries of them: whoever has taken these at once has the store as it
    was then, for as long as it takes.
    """

    workflow: Element
    edges: Elements
    families: Elements
    family_proxies: Elements
    jobs: Elements
    tasks: Elements
    task_proxies: Elements
    side: Side

    def __init__(self, rest: Callable[[], object] = go_on) -> None:
        self.rest = rest
        #: One more for each snapshot, delta or change of side data.
        self.version = 0
        self.workflow = pb.PbWorkflow()
        self._jobs_of: dict[str, dict[str, None]] = {}
        self._hold({kind: {} for kind in KINDS})

    def load(self, snapshot: bytes, side: Side) -> Change:
        """Take over a whole store, given as PbEntireWorkflow."""
        entire = pb.PbEntireWorkflow.FromString(snapshot)
        self._hold({
            kind: {
                element.id: copy(element)
                for element in paced(getattr(entire, kind), self.rest)
            }
            for kind in KINDS
        })
        self.workflow = copy(entire.workflow)
        self._jobs_of.clear()
        self._index(self.jobs.values())
        self.side = side
        self.version += 1
        return change.loaded(
            self.version, self._elements, self.workflow, side
        )

    def apply(self, delta: bytes | None, side: Side) -> Change:
        """Apply AllDeltas, or take over side data alone.

        Either all of it, or nothing and an exception: the version before
        stays readable.
        """
        draft = None
        if delta is not None:
            draft = Draft(self.workflow, self._elements, self.rest)
            apply(draft, pb.AllDeltas.FromString(delta))
        last = getattr(self, 'side', None)
        step = change.stepped(self.version + 1, draft, delta, side, last)
        if draft is not None:
            self._commit(draft)
        self.side = side
        self.version += 1
        return step

    def jobs_of(self, task_proxy: str) -> list[Element]:
        """Return the jobs of a task proxy, the first submission first."""
        ids = self._jobs_of.get(task_proxy, ())
        return sorted(
            (self.jobs[id_] for id_ in ids),
            key=lambda job: int(job.submit_num),
        )

    def _hold(self, elements: dict[str, Elements]) -> None:
        self._elements = elements
        for kind in KINDS:
            setattr(self, kind, elements[kind])

    def _commit(self, draft: Draft) -> None:
        changes = draft.changes['jobs']
        if 'jobs' in draft.cleared:
            self._jobs_of.clear()
        for id_ in changes:
            if (old := self.jobs.get(id_)) is not None:
                self._forget(old)
        self._hold(draft.outcome())
        self.workflow = draft.workflow
        self._index(job for job in changes.values() if job is not None)

    def _index(self, jobs: Iterable[Element]) -> None:
        for job in jobs:
            self._jobs_of.setdefault(job.task_proxy, {})[job.id] = None

    def _forget(self, job: Element) -> None:
        siblings = self._jobs_of.get(job.task_proxy)
        if siblings is not None:
            siblings.pop(job.id, None)
            if not siblings:
                del self._jobs_of[job.task_proxy]
