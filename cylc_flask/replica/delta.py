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
"""What a delta of the data store does to the elements that it speaks of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from cylc.flow.data_store_mgr import CLEAR_FIELD_MAP, DEQUE_FIELD_MAP
from cylc_flask.compat import RENEWED_KINDS

#: A protobuf message of the data store.
Element = Any

T = TypeVar('T')

#: Elements of one kind by id.
Elements = dict[str, Element]

WORKFLOW = 'workflow'

#: The kinds of elements, in the order in which the scheduler applies them.
KINDS = (
    'edges', 'families', 'family_proxies', 'jobs', 'tasks', 'task_proxies'
)

#: Who lists an element of a kind: (kind, the field with their id, the list).
LISTED_BY = {
    'edges': (
        ('task_proxies', 'source', 'edges'),
        ('task_proxies', 'target', 'edges'),
    ),
    'family_proxies': (
        ('families', 'family', 'proxies'),
        ('family_proxies', 'first_parent', 'child_families'),
    ),
    'task_proxies': (
        ('tasks', 'task', 'proxies'),
        ('family_proxies', 'first_parent', 'child_tasks'),
    ),
}

#: The kinds whose ids the workflow lists; edges are one message further down.
LISTED_BY_WORKFLOW = ('edges', 'family_proxies', 'jobs', 'task_proxies')


def go_on() -> None:
    """Give no time away."""


def paced(items: Iterable[T], rest: Callable[[], object]) -> Iterator[T]:
    """Yield items, and rest after each: there may be many."""
    for item in items:
        yield item
        rest()


def copy(element: Element) -> Element:
    """Return an equal element which shares no memory with this one.

    An element out of a delta keeps the whole delta in memory, and one that
    is merged into again and again never gives its old values back.
    """
    new = type(element)()
    new.CopyFrom(element)
    return new


class Draft:
    """The outcome of a delta, apart from the elements it starts from.

    An element is copied before it is changed, so that a delta which turns
    out to be unusable leaves no trace, and so that an element which a reader
    holds does not change under its hands.

    Args:
        workflow: What it starts from.
        elements: The same, by kind and id.
        rest: Called amid much to do; it may give time to other threads.
    """

    def __init__(
        self,
        workflow: Element,
        elements: Mapping[str, Elements],
        rest: Callable[[], object] = go_on,
    ) -> None:
        self.rest = rest
        self.old_workflow = workflow
        self.workflow = copy(workflow)
        #: True if the workflow came whole.
        self.workflow_is_new = False
        self.cleared: set[str] = set()
        #: Elements (kind, id) which came whole.
        self.added: set[tuple[str, str]] = set()
        #: Fields which may have changed, of those that did not.
        self.touched: dict[tuple[str, str], set[str]] = {}
        #: Added elements (kind, id) which the scheduler has in its store as
        #: the same objects that it publishes: what it did to them, it has
        #: done to the delta, and must not be done again.
        self.shared: set[tuple[str, str]] = set()
        #: The new elements by kind and id; None stands for a removed one.
        self.changes: dict[str, dict[str, Element | None]] = {
            kind: {} for kind in KINDS
        }
        self._elements = elements

    def get(self, kind: str, id_: str) -> Element | None:
        """Return an element as it is now, for reading."""
        try:
            return self.changes[kind][id_]
        except KeyError:
            if kind in self.cleared:
                return None
            return self._elements[kind].get(id_)

    @property
    def is_reloaded(self) -> bool:
        """True if nothing is left of what was there."""
        return self.cleared.issuperset(KINDS)

    def before(self, kind: str) -> Elements:
        """Return the elements of a kind that this started from."""
        return self._elements[kind]

    def touch(self, kind: str, id_: str, names: Iterable[str]) -> None:
        """Note which fields of an element are about to change.

        The workflow goes by the name of its kind.
        """
        self.touched.setdefault((kind, id_), set()).update(names)

    def own(self, kind: str, id_: str) -> Element | None:
        """Return an element for changing."""
        if (element := self.changes[kind].get(id_)) is not None:
            return element
        if (element := self.get(kind, id_)) is not None:
            element = self.changes[kind][id_] = copy(element)
        return element

    def clear(self, kind: str) -> None:
        """Forget all elements of a kind."""
        self.cleared.add(kind)
        self.changes[kind].clear()

    def outcome(self) -> dict[str, Elements]:
        """Return all elements by kind; what this started from stays."""
        return {
            kind: self._outcome(kind) if (
                kind in self.cleared or self.changes[kind]
            ) else elements
            for kind, elements in self._elements.items()
        }

    def _outcome(self, kind: str) -> Elements:
        elements = {} if kind in self.cleared else dict(self._elements[kind])
        for id_, element in self.changes[kind].items():
            if element is None:
                elements.pop(id_, None)
            else:
                elements[id_] = element
        return elements


def apply(draft: Draft, delta: Any) -> None:
    """Apply an AllDeltas message as the scheduler applied it to its store."""
    for kind in KINDS:
        if delta.HasField(kind):
            part = getattr(delta, kind)
            if part.reloaded:
                draft.clear(kind)
            _add(draft, kind, part)
            _update(draft, kind, part)
            _prune(draft, kind, part.pruned)
    if delta.HasField(WORKFLOW):
        _apply_workflow(draft, delta.workflow)


def _add(draft: Draft, kind: str, part: Any) -> None:
    for element in paced(part.added, draft.rest):
        draft.changes[kind][element.id] = copy(element)
        draft.shared.add((kind, element.id))
        draft.added.add((kind, element.id))


def _update(draft: Draft, kind: str, part: Any) -> None:
    """Merge the updates, unless the added elements have them already.

    To merge once more would double what their lists hold. An element that
    the scheduler renews has the first update, and is shared no longer.
    """
    for update in paced(part.updated, draft.rest):
        if (kind, update.id) in draft.shared:
            if kind in RENEWED_KINDS:
                draft.shared.remove((kind, update.id))
            continue
        element = draft.own(kind, update.id)
        if element is not None:
            draft.touch(kind, update.id, _names(update))
            _merge(element, update, CLEAR_FIELD_MAP[kind])


def _names(element: Element) -> list[str]:
    return [field.name for field, _ in element.ListFields()]


def _merge(element: Element, update: Element, replaced: set[str]) -> None:
    for field, _ in update.ListFields():
        if field.name in replaced:
            element.ClearField(field.name)
    element.MergeFrom(update)


def _prune(draft: Draft, kind: str, ids: Iterable[str]) -> None:
    """Remove elements, and their ids from the lists of their relatives."""
    gone: dict[tuple[str, str, str], list[str]] = {}
    removed = []
    for id_ in ids:
        element = draft.get(kind, id_)
        if element is None:
            continue
        removed.append(id_)
        for holder, key, field in LISTED_BY.get(kind, ()):
            place = (holder, getattr(element, key), field)
            gone.setdefault(place, []).append(id_)
        draft.changes[kind][id_] = None
    for (holder, holder_id, field), listed in gone.items():
        if (holder, holder_id) not in draft.shared:
            draft.touch(holder, holder_id, (field,))
            _unlist(draft.own(holder, holder_id), field, listed)
    if removed and kind in LISTED_BY_WORKFLOW:
        holder_element = draft.workflow
        draft.touch(WORKFLOW, WORKFLOW, (kind,))
        if kind == 'edges':
            holder_element = holder_element.edges
        _unlist(holder_element, kind, removed)


def _unlist(element: Element | None, field: str, ids: list[str]) -> None:
    """Take each of the ids out of a list once, where it is there.

    Which lists an element has depends on the line of cylc-flow.
    """
    values = getattr(element, field, None)
    if not values:
        return
    surplus = Counter(ids)
    kept = []
    for value in values:
        if surplus[value]:
            surplus[value] -= 1
        else:
            kept.append(value)
    values[:] = kept


def _apply_workflow(draft: Draft, part: Any) -> None:
    workflow, update = draft.workflow, part.updated
    draft.touch(WORKFLOW, WORKFLOW, _names(update))
    if part.reloaded:
        workflow.Clear()
        draft.workflow_is_new = True
    if part.added.ListFields():
        workflow.CopyFrom(part.added)
        draft.workflow_is_new = True
    if update.states_updated:
        for name in CLEAR_FIELD_MAP[WORKFLOW]:
            workflow.ClearField(name)
        draft.touch(WORKFLOW, WORKFLOW, CLEAR_FIELD_MAP[WORKFLOW])
    _merge(workflow, update, CLEAR_FIELD_MAP[WORKFLOW])
    for name, length in DEQUE_FIELD_MAP[WORKFLOW].items():
        if getattr(update, name):
            del getattr(workflow, name)[:-length]
    if part.HasField('pruned'):
        workflow.pruned = True
        draft.touch(WORKFLOW, WORKFLOW, ('pruned',))
