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
"""What ``stripNull`` does to an answer, known before there is one.

cylc-flow does it in two steps. A middleware sets to null what is not set in
the element, or holds nothing; it looks at the argument of the field, or of
the nearest field around it that has one. And if the operation itself says
``stripNull: true`` anywhere, all that is null goes from the whole answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable

from graphql import (
    GraphQLSchema,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    get_named_type,
    is_leaf_type,
    is_list_type,
    visit,
)

from cylc.flow.network.graphql import (
    EMPTY_VALUES,
    STRIP_ARG,
    CylcVisitor,
    strip_null,
)
from cylc.flow.network.schema import NODE_MAP
from cylc_flask.compat import Descriptor, is_repeated
from cylc_flask.query.finders import Site
from cylc_flask.query.objects import Field
from cylc_flask.query.run import Fill, NotCompiled, Run

if TYPE_CHECKING:
    from cylc_flask.query.documents import Operation

#: Takes nulls out of a value.
strip_all: Callable[[Any], Any] = strip_null

#: Under this name the middleware notes the arguments of a field, among the
#: names of the fields below it.
_TAKEN = 'leaves'


def has_middleware(operation: Operation) -> bool:
    """Tell whether empty fields can be set to null."""
    return (
        'stripNull' in operation.key[0]
        or operation.kind is OperationType.SUBSCRIPTION
    )


def strips_all(
    schema: GraphQLSchema, operation: Operation, variables: dict[str, Any]
) -> bool:
    """Tell whether all nulls go from the answer."""
    if 'stripNull' not in operation.key[0]:
        return False
    info = TypeInfo(schema)
    visitor = CylcVisitor(info, variables, {'stripNull': True})
    visit(operation.definition, TypeInfoVisitor(info, visitor), None)
    return visitor.arg_flag


def flag_of(key: str, args: dict[str, Any], inherited: bool) -> bool:
    """Return whether the middleware looks after a field.

    Args:
        key: Its name in the answer.
        args: Its arguments.
        inherited: What holds for the field around it.
    """
    if key == _TAKEN and args:
        raise NotCompiled('a field that the middleware takes for arguments')
    return bool(args.get(STRIP_ARG, inherited))


def nulled(
    field: Field, site: Site, source: Descriptor | None, kind: Any
) -> Field:
    """Return a field that is null where there is nothing.

    Args:
        field: As it is otherwise.
        site: What it is.
        source: The message that has it, if that is known.
        kind: Its type.
    """
    if field.fill is None and not field.name:
        empty = field.constant in EMPTY_VALUES
        return replace(field, constant=None) if empty else field
    is_object = not (is_list_type(kind) or is_leaf_type(kind))
    make = _emptied(field.fill, is_object)
    if source is None:
        make = _unless_empty(site.name, make)
    elif site.kind not in NODE_MAP and site.name in source.fields_by_name:
        make = _if_set(source, site.name, make)
    return replace(field, fill=make)


def stripped(field: Field, kind: Any) -> Field:
    """Return a field whose value has no nulls in it.

    Objects see to that themselves.
    """
    make = field.fill
    if make is None or not (
        is_list_type(kind) or str(kind) == 'GenericScalar'
    ) or not is_leaf_type(get_named_type(kind)):
        return field
    return replace(field, fill=lambda run, source, raw: strip_all(
        make(run, source, raw)
    ))


def _emptied(fill: Fill | None, is_object: bool) -> Fill:
    """Return what makes null of an empty value.

    An object of which nothing is selected is none.
    """
    found = fill or (lambda run, source, raw: raw)
    if is_object:
        return found

    def fill_or_null(run: Run, source: Any, raw: Any) -> Any:
        value = found(run, source, raw)
        return None if value in EMPTY_VALUES else value
    return fill_or_null


def _if_set(source: Descriptor, name: str, make: Fill) -> Fill:
    """Return what makes null of what an element does not have set."""
    if is_repeated(source.fields_by_name[name]):
        return lambda run, element, raw: (
            make(run, element, raw) if len(getattr(element, name)) else None
        )
    return lambda run, element, raw: (
        make(run, element, raw) if element.HasField(name) else None
    )


def _unless_empty(name: str, make: Fill) -> Fill:
    """Return what makes null of what is empty in a dictionary."""
    def fill(run: Run, source: Any, raw: Any) -> Any:
        if isinstance(source, dict) and name in source:
            value = source[name]
            if value in EMPTY_VALUES or (
                hasattr(value, 'ListFields') and not value.ListFields()
            ):
                return None
        return make(run, source, raw)
    return fill
