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
"""A copy of the replica, as one is kept who sees nothing but its changes."""

from __future__ import annotations

from typing import Any

from cylc_flask.replica.change import Change
from cylc_flask.replica.delta import KINDS, WORKFLOW
from cylc_flask.replica.store import Store

#: Fields of the elements, by kind and id.
Copy = dict[str, dict[str, dict[str, Any]]]


def fields_of(element: Any) -> dict[str, Any]:
    """Return the fields of an element that hold anything."""
    return {field.name: value for field, value in element.ListFields()}


def copy_of(store: Store) -> Copy:
    """Return the copy that is right."""
    elements = {
        **{kind: getattr(store, kind) for kind in KINDS},
        WORKFLOW: {store.workflow.id: store.workflow},
    }
    return {
        kind: {id_: fields_of(element) for id_, element in found.items()}
        for kind, found in elements.items()
    }


def follow(copy: Copy, change: Change) -> None:
    """Bring a copy forward, by replacing alone."""
    if change.loaded:
        copy.update({kind: {} for kind in (*KINDS, WORKFLOW)})
    for kind, ids in change.pruned.items():
        for id_ in ids:
            del copy[kind][id_]
    for kind, elements in change.added.items():
        if kind == WORKFLOW:
            copy[kind].clear()
        for id_, element in elements.items():
            copy[kind][id_] = fields_of(element)
    for kind, elements in change.updated.items():
        for id_, element in elements.items():
            held = copy[kind][id_]
            held.update(fields_of(element))
            for name in change.cleared.get(kind, {}).get(id_, ()):
                del held[name]
