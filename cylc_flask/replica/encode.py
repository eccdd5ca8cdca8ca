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
"""Elements and side data as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
import json as std_json
from typing import Any

import orjson

from .change import Change
from .delta import KINDS, WORKFLOW, Element, paced
from .side import Definition, Side
from .store import Store

Convert = Callable[[Any], Any]

#: How to make JSON of the fields of each class, by their names.
_converters: dict[type, dict[str, Convert]] = {}


def dump(result: Any) -> bytes:
    """Return JSON; what orjson has no way to write, Python's own has.

    Durations in broadcasts are numbers of Cylc's own kind: as text.
    """
    try:
        return orjson.dumps(
            result, default=str, option=orjson.OPT_NON_STR_KEYS
        )
    except TypeError:
        # Whole numbers of more than 64 bits, broken Unicode.
        return std_json.dumps(result, default=str).encode()


def plain(element: Element) -> dict[str, Any]:
    """Return those fields of an element which hold anything.

    Examples:
        >>> from cylc_flask.compat import pb
        >>> plain(pb.PbJob(id='1/a/01', submit_num=1, messages=['started']))
        {'id': '1/a/01', 'submit_num': 1, 'messages': ['started']}
    """
    known = _converters.setdefault(type(element), {})
    result = {}
    for field, value in element.ListFields():
        name = field.name
        convert = known.get(name)
        if convert is None:
            convert = known[name] = _converter(field, value)
        result[name] = convert(value)
    return result


def nothing(element: Element, name: str) -> Any:
    """Return what stands for a field without value.

    Examples:
        >>> from cylc_flask.compat import pb
        >>> [nothing(pb.PbTaskProxy(), name)
        ...  for name in ('jobs', 'outputs', 'runtime', 'state')]
        [[], {}, None, None]
    """
    value = getattr(element, name)
    if hasattr(value, 'keys'):
        return {}
    return [] if hasattr(value, 'append') else None


def written(element: Element) -> orjson.Fragment:
    """Return an element as JSON, to be put into more of that.

    All elements of a store, written at once, would be many megabytes.
    """
    return orjson.Fragment(dump(plain(element)))


def added(
    store: Store, form: Callable[[Element], Any] = plain
) -> dict[str, Any]:
    """Return all elements of a store by kind and id, in some form."""
    found = {
        kind: {
            id_: form(element)
            for id_, element in paced(elements.items(), store.rest)
        }
        for kind in KINDS if (elements := getattr(store, kind))
    }
    found[WORKFLOW] = {store.workflow.id: form(store.workflow)}
    return found


def elements_of(change: Change) -> dict[str, Any]:
    """Return what was added, updated and pruned by a change."""
    return {
        'added': {
            kind: {id_: plain(element) for id_, element in elements.items()}
            for kind, elements in change.added.items()
        },
        'updated': {
            kind: {
                id_: plain(element) | {
                    name: nothing(element, name)
                    for name in change.cleared.get(kind, {}).get(id_, ())
                }
                for id_, element in elements.items()
            }
            for kind, elements in change.updated.items()
        },
        'pruned': change.pruned,
    }


def side_data(side: Side) -> dict[str, Any]:
    """Return side data, without the definition, which is big."""
    return {
        item.name: getattr(side, item.name)
        for item in fields(Side) if item.name != 'definition'
    }


def definition_data(definition: Definition) -> dict[str, Any]:
    """Return what is known of the definition."""
    return {
        item.name: getattr(definition, item.name)
        for item in fields(Definition)
    }


def _converter(field: Any, value: Any) -> Convert:
    """Return what makes JSON of a field, found out by a value of it."""
    if not hasattr(value, 'MergeFrom'):
        return _same
    if hasattr(value, 'ListFields'):
        return plain
    if hasattr(value, 'keys'):
        inner = field.message_type.fields_by_name['value']
        return dict if inner.message_type is None else _plain_map
    return list if field.message_type is None else _plain_list


def _same(value: Any) -> Any:
    return value


def _plain_list(values: Any) -> list[Any]:
    return [plain(value) for value in values]


def _plain_map(values: Any) -> dict[str, Any]:
    return {key: plain(value) for key, value in values.items()}
