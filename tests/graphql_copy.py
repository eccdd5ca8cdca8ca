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
"""What a client of GraphQL knows, made of bursts and deltas."""

from __future__ import annotations

from hashlib import sha256
import json
from typing import Any

#: Fields of related elements of another kind, which change with that one:
#: a client that wants them up to date follows that kind too.
RELATED = {
    ('taskProxies', 'task'): ('meanElapsedTime', 'meta'),
    ('taskProxies', 'jobs'): ('state',),
    ('jobs', 'taskProxy'): ('outputs',),
}

#: New records only come with each delta, as cylc-flow documents it.
INCREMENTAL = ('logRecords',)

Key = tuple[str, str]


class Copy:
    """The elements that a client knows, by kind and id."""

    def __init__(self) -> None:
        self.elements: dict[Key, dict[str, Any]] = {}
        self.shutdown = False

    def take_payload(self, payload: bytes | str) -> None:
        """Follow the result of a subscription to deltas."""
        result = json.loads(payload)
        assert 'errors' not in result, result['errors']
        self.take(result['data']['deltas'])

    def take(self, deltas: dict[str, Any]) -> None:
        """Follow one payload."""
        self.shutdown = bool(deltas.get('shutdown'))
        added, updated = deltas.get('added'), deltas.get('updated')
        for part in (added, updated):
            workflow = (part or {}).get('workflow') or {}
            if workflow.get('reloaded'):
                self.elements.clear()
        for kind, element in elements_of(added):
            self.elements[kind, element['id']] = dict(element)
        for kind, element in elements_of(updated):
            self.elements.setdefault((kind, element['id']), {}).update(element)
        for kind, ids in (deltas.get('pruned') or {}).items():
            if isinstance(ids, list):
                for id_ in ids:
                    self.elements.pop((kind, id_), None)


def elements_of(part: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return the elements in a part of a payload, with their kinds."""
    found: list[tuple[str, dict[str, Any]]] = []
    for kind, value in (part or {}).items():
        values = value if isinstance(value, list) else [value]
        found += [
            (kind, each) for each in values
            if isinstance(each, dict) and each.get('id')
        ]
    return found


def digest(copy: Copy) -> str:
    """Return what is the same for copies that say the same, only."""
    text = json.dumps(settled(copy), sort_keys=True)
    return sha256(text.encode()).hexdigest()


def settled(copy: Copy) -> dict[str, Any]:
    """Return what can be compared: what neither is nothing, nor gone."""
    ids = {id_ for _, id_ in copy.elements}
    return {
        f'{kind} {id_}': _settled(kind, element, ids)
        for (kind, id_), element in copy.elements.items()
    }


def _settled(kind: str, element: dict[str, Any], ids: set[str]) -> Any:
    return {
        name: _plain(kind, name, value, ids)
        for name, value in element.items()
        if name not in (*INCREMENTAL, 'reloaded')
        and _plain(kind, name, value, ids) not in (None, [], {})
    }


def _plain(kind: str, name: str, value: Any, ids: set[str]) -> Any:
    """Return a value without what does not belong to the element."""
    hidden = RELATED.get((kind, name), ())
    if isinstance(value, dict):
        return {
            key: inner for key, inner in value.items() if key not in hidden
        }
    if isinstance(value, list) and value and isinstance(value[0], dict):
        kept = [
            {key: inner for key, inner in each.items() if key not in hidden}
            for each in value
            if 'id' not in each or each['id'] in ids
        ]
        return sorted(kept, key=repr)
    return value
