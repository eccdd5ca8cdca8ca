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
"""What became of the replica between a version and the next."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass, field

from .delta import WORKFLOW, Draft, Element, Elements, paced
from .side import Side


@dataclass(frozen=True)
class Change:
    """A step to a new version; nobody changes what it holds.

    Whoever has a copy of the version before follows by replacing alone:
    elements that are added, fields of elements that are updated. Kinds are
    those of the store, and ``workflow``, whose one element goes by its id.
    """

    #: Of the store, after this.
    version: int
    side: Side
    #: A whole snapshot, all of it in `added`: what was before is void.
    loaded: bool = False
    #: The elements of each kind that are new, or made anew.
    added: dict[str, Elements] = field(default_factory=dict)
    #: Their id and the fields that changed, each with its whole new value.
    updated: dict[str, Elements] = field(default_factory=dict)
    #: The fields which hold nothing any more, such as lists without items,
    #: for elements in `updated`: these cannot have such fields.
    cleared: dict[str, dict[str, tuple[str, ...]]] = field(
        default_factory=dict)
    #: The ids of elements that are no more.
    pruned: dict[str, list[str]] = field(default_factory=dict)
    #: After a reload: whatever is not in `added` is gone.
    reloaded: bool = False
    #: AllDeltas as published; None if this is about side data, or loaded.
    raw: bytes | None = None
    side_changed: bool = False
    definition_changed: bool = False


def loaded(
    version: int, elements: Mapping[str, Elements], workflow: Element,
    side: Side,
) -> Change:
    """Return the step to a store that is altogether new."""
    return Change(
        version,
        side,
        loaded=True,
        added={
            **{kind: found for kind, found in elements.items() if found},
            WORKFLOW: {workflow.id: workflow},
        },
        reloaded=True,
        side_changed=True,
        definition_changed=True,
    )


def stepped(
    version: int, draft: Draft | None, raw: bytes | None, side: Side,
    last: Side | None,
) -> Change:
    """Return the step that a delta makes, before the draft is committed.

    Args:
        version: Of the store after it.
        draft: The outcome of the delta, None if only side data came.
        raw: The delta as it was published.
        side: What is true now beside the store.
        last: What was true before, if anything is known of that.
    """
    change = Change(
        version,
        side,
        raw=raw,
        reloaded=draft is not None and draft.is_reloaded,
        side_changed=side.is_news_after(last),
        definition_changed=(
            last is None or side.definition is not last.definition
        ),
    )
    if draft is not None:
        for kind in draft.changes:
            _compare(change, draft, kind)
        _compare_workflow(change, draft)
    return change


def _compare(change: Change, draft: Draft, kind: str) -> None:
    before = draft.before(kind)
    now = draft.changes[kind]
    gone = [id_ for id_, element in now.items()
            if element is None and id_ in before]
    if kind in draft.cleared:
        gone += [id_ for id_ in before if id_ not in now]
    if gone:
        change.pruned[kind] = gone
    for id_, element in paced(now.items(), draft.rest):
        if element is None:
            continue
        if (kind, id_) in draft.added:
            change.added.setdefault(kind, {})[id_] = element
        else:
            names = draft.touched[kind, id_]
            _update(change, kind, before[id_], element, names)


def _compare_workflow(change: Change, draft: Draft) -> None:
    new = draft.workflow
    if draft.workflow_is_new:
        change.added[WORKFLOW] = {new.id: new}
    else:
        names = draft.touched.get((WORKFLOW, WORKFLOW), set())
        _update(change, WORKFLOW, draft.old_workflow, new, names)


def _update(
    change: Change, kind: str, old: Element, new: Element, names: set[str]
) -> None:
    changed, cleared = difference(old, new, names)
    if changed is not None:
        change.updated.setdefault(kind, {})[new.id] = changed
    if cleared:
        change.cleared.setdefault(kind, {})[new.id] = cleared


def difference(
    old: Element, new: Element, names: set[str]
) -> tuple[Element | None, tuple[str, ...]]:
    """Return the fields of ``new`` that differ, and those that are no more.

    Args:
        old: An element.
        new: The same element later.
        names: The fields to compare; others are taken to be equal.

    Returns:
        An element with its id and what differs, None if nothing does, and
        the names of those fields of it which are empty.
    """
    before = {item.name: value for item, value in old.ListFields()
              if item.name in names}
    differs = [
        (item.name, value) for item, value in new.ListFields()
        if item.name in names
        and not _is_equal(before.pop(item.name, None), value)
    ]
    if not differs and not before:
        return None, ()
    changed = type(new)(id=new.id)
    for name, value in differs:
        _set(changed, name, value)
    return changed, tuple(before)


def _is_equal(old: object, new: object) -> bool:
    """Compare two values of a field; long lists mostly differ in length."""
    if isinstance(old, Sized) and isinstance(new, Sized):
        return len(old) == len(new) and old == new
    return old == new


def _set(element: Element, name: str, value: object) -> None:
    """Give a field which is empty the value of another element's field."""
    if not hasattr(value, 'MergeFrom'):
        setattr(element, name, value)
        return
    held = getattr(element, name)
    held.MergeFrom(value)
    if hasattr(held, 'SetInParent'):
        held.SetInParent()  # a message may be there and say nothing
