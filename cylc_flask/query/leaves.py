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
"""Values without fields of their own: scalars, and lists of them."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, Callable

from graphql import (
    Undefined,
    is_leaf_type,
    is_list_type,
    is_object_type,
)
from graphql.pyutils import is_iterable

from cylc.flow.network import schema as cylc
from cylc.flow.task_state import TASK_STATUSES_ORDERED
from cylc_flask.compat import Descriptor, FieldDescriptor, is_repeated, pb
from cylc_flask.query.finders import Site
from cylc_flask.query.run import Element, Fill, Find, NotCompiled, Run

#: Completes a value as GraphQL's type says, None apart.
Serialize = Callable[[Any], Any]

#: Fields of which the values have already the form of scalars, one of each
#: kind that there is.
_MODELS = {
    'state': ('ID', 'String'), 'depth': ('Int',), 'is_held': ('Boolean',),
}

#: Scalars by the types of protobuf fields that need no conversion.
_SAME = {
    (scalar, pb.PbTaskProxy.DESCRIPTOR.fields_by_name[name].cpp_type)
    for name, scalars in _MODELS.items() for scalar in scalars
}

_sort: Callable[..., list[Element]] = cylc.sort_elements

#: How many values of enumerations are remembered, of each.
_ENUM_VALUES = 100


def _check(kind: Any, field: FieldDescriptor) -> None:
    """Refuse a protobuf field that is not of the form that its type has."""
    item = kind.of_type if is_list_type(kind) else kind
    message = field.message_type
    if (
        is_repeated(field) is not is_list_type(kind)
        or is_leaf_type(item) is not (message is None)
        or not (is_leaf_type(item) or is_object_type(item))
        or (message is not None and message.GetOptions().map_entry)
    ):
        raise NotCompiled(f'{field.full_name} is no {kind}')


def of_field(kind: Any, field: FieldDescriptor) -> Fill | None:
    """Return what makes a leaf, or a list of leaves, of a protobuf field.

    None if its value is what is wanted as it is.
    """
    _check(kind, field)
    item = kind.of_type if is_list_type(kind) else kind
    is_same = (str(item), field.cpp_type) in _SAME
    if is_list_type(kind):
        return _listed(list if is_same else _each(serializer(item)))
    if is_same:
        return None
    serialize = serializer(kind)
    return lambda run, source, raw: serialize(raw)


def _listed(make: Callable[[Any], list[Any]]) -> Fill:
    def fill(run: Run, _: Any, raw: Any) -> list[Any]:
        run.values += 3 * len(raw)
        return make(raw)
    return fill


def _each(serialize: Serialize) -> Callable[[Any], list[Any]]:
    return lambda raw: [serialize(value) for value in raw]


def message_of(kind: Any, field: FieldDescriptor) -> Descriptor:
    """Return the message that a protobuf field holds, or a list of it."""
    _check(kind, field)
    message: Descriptor = field.message_type
    return message


def value_of(field: FieldDescriptor) -> Descriptor:
    """Return the message that a map of protobuf holds."""
    message: Descriptor = (
        field.message_type.fields_by_name['value'].message_type
    )
    return message


def serializer(kind: Any) -> Serialize:
    """Return what completes a leaf as graphql-core does."""
    if str(kind) == 'Float':
        return _finite
    complete = _completer(kind)
    return _remembering(complete) if hasattr(kind, 'values') else complete


def _finite(value: Any) -> float:
    if not isinstance(value, float) or not isfinite(value):
        raise NotCompiled(f'{value!r} is no finite number')
    return value


def _completer(kind: Any) -> Serialize:
    def complete(value: Any) -> Any:
        found = kind.serialize(value)
        if found is None or found is Undefined:
            raise NotCompiled(f'{value!r} is no {kind}')
        return found
    return complete


def _remembering(complete: Serialize) -> Serialize:
    """Return what looks for the names of an enumeration's values once."""
    known: dict[str, Any] = {}

    def remember(value: Any) -> Any:
        try:
            return known[value]
        except KeyError:
            found = complete(value)
            if len(known) < _ENUM_VALUES:
                known[value] = found
            return found
    return remember


def any_leaf(kind: Any) -> Fill:
    """Return what completes a leaf, or lists of leaves, of what there is."""
    if is_list_type(kind):
        return _any_list(kind.of_type)
    if not is_leaf_type(kind):
        raise NotCompiled(str(kind))
    serialize = _completer(kind)
    return lambda run, source, raw: None if raw is None else serialize(raw)


def _any_list(kind: Any) -> Fill:
    item = any_leaf(kind)

    def fill(run: Run, source: Any, raw: Any) -> Any:
        if raw is None:
            return None
        if not is_iterable(raw):
            raise NotCompiled(f'{type(raw)} is no list')
        found = [item(run, source, value) for value in raw]
        run.values += 3 * len(found)
        return found
    return fill


def from_json(_: Run, __: Any, raw: Any) -> Any:
    """Stand for ``resolve_json_dump``."""
    return json.loads(raw or '{}')


def broadcasts(site: Site) -> Fill:
    """Stand for ``resolve_broadcasts``, of all there are."""
    if site.args['ids']:
        raise NotCompiled('broadcasts to some tasks')
    return lambda run, source, raw: json.loads(raw)


def state_totals(_: Site) -> Fill:
    """Stand for ``resolve_state_totals``."""
    def fill(_: Run, __: Any, raw: Any) -> dict[str, int]:
        totals = dict.fromkeys(TASK_STATUSES_ORDERED, 0)
        totals.update(dict(raw))
        return totals
    return fill


def state_tasks(site: Site) -> Fill:
    """Stand for ``resolve_state_tasks``."""
    states = site.args['states']

    def fill(_: Run, __: Any, raw: Any) -> dict[str, list[str]]:
        data = dict(raw)
        return {
            state: list(data[state].task_proxies)
            for state in states if state in data
        }
    return fill


def mapped(site: Site) -> Find:
    """Stand for ``resolve_mapping_to_list``."""
    args = site.args
    order = args.get('sort_order', [])
    satisfied = args.get('satisfied')
    limit = args['limit']

    def find(_: Run, __: Any, raw: Any) -> list[Element]:
        given = dict(raw)
        mapping = {key: given[key] for key in order if key in given}
        mapping.update(given)
        found: list[Element] = _sort([
            value for value in mapping.values()
            if satisfied is None or value.satisfied is satisfied
        ], args)
        return found[:limit] if limit else found
    return find


#: What makes a value without fields, by the resolver that it stands for.
MADE: dict[Any, Callable[[Site], Fill]] = {
    cylc.resolve_state_totals: state_totals,
    cylc.resolve_state_tasks: state_tasks,
    cylc.resolve_broadcasts: broadcasts,
}
