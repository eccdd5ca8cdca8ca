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
"""Read operations made into closures over the elements of the data store.

They give what graphql-core gives, in a fraction of the time: which fields
there are, their arguments and their fragments are found out once, and a value
that has the form already in which it is wanted costs no call. What cannot be
compiled is left to graphql-core, and so is whatever goes wrong: errors are
told by that one alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from inspect import unwrap
from typing import TYPE_CHECKING, Any

from graphene.types.schema import identity_resolve
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
)

from cylc.flow.data_store_mgr import EDGES
from cylc.flow.network import schema as cylc
from cylc_flask.compat import Descriptor, pb
from cylc_flask.query import finders, leaves, nulls, objects
from cylc_flask.query.finders import Site, given
from cylc_flask.query.fragments import Fragments, Larder, renderer
from cylc_flask.query.objects import Field, Selection
from cylc_flask.query.run import Find, NotCompiled, Plan, Run
from cylc_flask.query.schema import without_nulls
from cylc_flask.query.selections import Fields, Selections

if TYPE_CHECKING:
    from cylc_flask.query.documents import Operation

#: How many fields a plan may have; fragments in fragments are many.
MAX_FIELDS = 2_000

#: So many items of an argument count for one more.
ITEMS = 20

#: The messages of the elements of a store by the names of their types.
ELEMENTS: dict[str, Any] = {
    name: getattr(pb, f'Pb{name}') for name in (
        'Edge', 'Family', 'FamilyProxy', 'Job', 'Task', 'TaskProxy',
        'Workflow',
    )
}


def compile_operation(
    schema: GraphQLSchema, operation: Operation, larder: Larder
) -> Plan | None:
    """Return the plan of a read operation; None if there can be none."""
    try:
        return _Compiler(schema, operation, larder).plan()
    except Exception:
        # An argument that cannot be read, too many fields, or a field whose
        # resolver is not known here: all of it is for graphql-core.
        return None


class TooLarge(NotCompiled):
    """A plan that would take more time and memory than it gains."""


@dataclass(frozen=True)
class _Spot:
    """Where in an operation something is selected.

    Args:
        nodes: The fields that select it.
        strip: Whether what is empty there is set to null.
        outer: Whether no list is around it.
    """

    nodes: list[FieldNode]
    strip: bool
    outer: bool


class _Compiler:
    """Compiles one operation with its variables."""

    def __init__(
        self, schema: GraphQLSchema, operation: Operation, larder: Larder
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._larder = larder
        self._live = operation.kind is OperationType.SUBSCRIPTION
        self._selections = Selections(schema, operation)
        self._middleware = nulls.has_middleware(operation)
        self._strips = nulls.strips_all(
            schema, operation, self._selections.variables
        )
        self._size = 0

    def plan(self) -> Plan:
        """Return the plan.

        Raises:
            NotCompiled: There can be none.
        """
        selection = self._selection(
            self._selections.root, None, self._selections.first(),
            _Spot([], False, True),
        )
        return Plan(selection.build, self._live, self._size)

    def _object(
        self, kind: Any, source: Descriptor | None, spot: _Spot
    ) -> Selection:
        """Compile what is selected of an object.

        Args:
            kind: Its type.
            source: The message that it is made of; None if that is a
                dictionary or something else.
            spot: Where it is.
        """
        if not is_object_type(kind):
            raise NotCompiled(str(kind))
        try:
            fields = self._selections.of(kind, spot.nodes)
        except GraphQLError:
            return Selection(_fault, False)
        return self._selection(kind, source, fields, spot)

    def _selection(
        self,
        kind: GraphQLObjectType,
        source: Descriptor | None,
        selected: Fields,
        spot: _Spot,
    ) -> Selection:
        fields = [
            self._field_or_fault(
                kind, key, source, replace(spot, nodes=nodes)
            ) for key, nodes in selected.items()
        ]
        build = (
            objects.of_anything(fields) if source is None
            else objects.of_message(fields)
        )
        if self._strips and any(field.may_be_null for field in fields):
            build = objects.without_nulls(build)
        return Selection(build, all(field.own for field in fields))

    def _field_or_fault(
        self,
        parent: GraphQLObjectType,
        key: str,
        source: Descriptor | None,
        spot: _Spot,
    ) -> Field:
        """Compile a field; one that cannot be is a fault once it is reached.

        Perhaps there is no element that has it.
        """
        try:
            return self._field(parent, key, source, spot)
        except TooLarge:
            raise
        except Exception:
            if parent is self._selections.root:
                raise
            return Field(key, fill=_fault, own=False)

    def _field(
        self,
        parent: GraphQLObjectType,
        key: str,
        source: Descriptor | None,
        spot: _Spot,
    ) -> Field:
        self._grow(len(spot.nodes))
        node = spot.nodes[0]
        name = node.name.value
        if name == '__typename':
            return Field(key, constant=parent.name)
        definition = parent.fields[name]
        args = self._selections.arguments(definition, node)
        self._grow(sum(
            len(value) for value in args.values() if isinstance(value, list)
        ) // ITEMS)
        strip = self._middleware and nulls.flag_of(key, args, spot.strip)
        site = Site(
            name, parent.name, get_named_type(definition.type).name,
            without_nulls(definition, args), self._live,
        )
        field = self._resolved(
            definition.type, unwrap(definition.resolve), site, source,
            replace(spot, strip=strip),
        )
        if strip:
            field = nulls.nulled(field, site, source, definition.type)
        if self._strips:
            field = nulls.stripped(field, definition.type)
        return replace(field, key=key)

    def _grow(self, size: int) -> None:
        """Note how large the plan becomes.

        Raises:
            TooLarge: It becomes too large.
        """
        self._size += size
        if self._size > MAX_FIELDS:
            raise TooLarge

    def _resolved(
        self,
        kind: Any,
        resolve: Any,
        site: Site,
        source: Descriptor | None,
        spot: _Spot,
    ) -> Field:
        """Compile a field, by what resolves it."""
        if isinstance(resolve, partial):
            return self._default(kind, resolve, source, spot)
        if resolve is identity_resolve:
            build = self._object(kind, None, spot).build
            return Field(fill=lambda run, root, _: build(run, root))
        if resolve is cylc.Condition.resolve_task_id:
            return Field(name='task_proxy')
        name = finders.RENAMED.get(site.name, site.name)
        make = finders.LISTS.get(resolve)
        find = make(site) if make else None
        if source is not None and name not in source.fields_by_name:
            # The messages of this line do not have the field.
            name, find = '', find and finders.of_nothing(find)
        if find is not None:
            return self._elements(kind, name, find, spot)
        if resolve in finders.ONES:
            return self._one(kind, name, resolve, site, spot)
        return self._made(kind, name, resolve, site, source, spot)

    def _default(
        self, kind: Any, resolve: Any, source: Descriptor | None, spot: _Spot
    ) -> Field:
        """Compile a field that is what the source has under a name."""
        name, default = resolve.args
        if source is None:
            return self._anything(kind, name, default, spot)
        field = source.fields_by_name.get(name)
        if field is None:
            value = None
            if default is not None:
                value = leaves.serializer(kind)(default)
            return Field(constant=value)
        if is_leaf_type(get_named_type(kind)):
            return Field(name=name, fill=leaves.of_field(kind, field))
        message = leaves.message_of(kind, field)
        item, make = kind, objects.one
        if is_list_type(kind):
            item, make = kind.of_type, objects.listed
            spot = replace(spot, outer=False)
        inner = self._object(item, message, spot)
        return Field(
            name=name, fill=make(given, inner.build), own=inner.own
        )

    def _anything(
        self, kind: Any, name: str, default: Any, spot: _Spot
    ) -> Field:
        """Compile a field of a dictionary, or of anything else."""
        if is_leaf_type(get_named_type(kind)):
            fill = leaves.any_leaf(kind)
        elif is_list_type(kind):
            return self._elements(kind, name, given, spot)
        else:
            fill = objects.one(given, self._object(kind, None, spot).build)
        return Field(name=name, fill=fill, default=default)

    def _elements(
        self, kind: Any, name: str, find: Find, spot: _Spot
    ) -> Field:
        """Compile a list of elements of a store.

        If no list is around it, it is what may be long: so its elements
        become JSON one by one.
        """
        item = kind.of_type
        if item.name == 'Workflow':
            build = self._element(item, spot).build
            return Field(name=name, fill=objects.listed(find, build))
        inner = self._element(item, replace(spot, outer=False))
        if not spot.outer:
            fill = objects.listed(find, inner.build)
        elif inner.own:
            nodes = cylc.NODE_MAP.get(item.name, EDGES)
            fill = objects.encoded(
                find, Fragments(inner.build, nodes, self._larder).render
            )
        else:
            fill = objects.encoded(find, renderer(inner.build))
        return Field(name=name, fill=fill, own=False)

    def _element(self, kind: Any, spot: _Spot) -> Selection:
        """Compile an element of a store, or one of several kinds."""
        if not is_abstract_type(kind):
            message = ELEMENTS[kind.name].DESCRIPTOR
            return self._object(kind, message, spot)
        inner = {
            ELEMENTS[each.name]: self._element(each, spot)
            for each in self._schema.get_possible_types(kind)
        }
        return Selection(
            objects.of_either({
                message: each.build for message, each in inner.items()
            }), False,
        )

    def _one(
        self, kind: Any, name: str, resolve: Any, site: Site, spot: _Spot
    ) -> Field:
        """Compile a field that is one element, found elsewhere."""
        if resolve is cylc.get_nodes_edges:
            inner = self._object(kind, None, spot)
        else:
            inner = self._element(kind, spot)
            if not name:
                raise NotCompiled(f'{site.parent}.{site.field}')
        make = finders.ONES[resolve]
        if 'id' in site.args:
            make = finders.node_of_id
        return Field(
            name=name, fill=objects.one(make(site), inner.build), own=False
        )

    def _made(
        self,
        kind: Any,
        name: str,
        resolve: Any,
        site: Site,
        source: Descriptor | None,
        spot: _Spot,
    ) -> Field:
        """Compile a field that is made of what an element holds."""
        if resolve is cylc.resolve_json_dump:
            return self._json(kind, name, spot)
        if resolve in leaves.MADE and name:
            return Field(name=name, fill=leaves.MADE[resolve](site))
        if resolve is not cylc.resolve_mapping_to_list or source is None:
            raise NotCompiled(f'{site.parent}.{site.field}')
        message = leaves.value_of(source.fields_by_name[name])
        inner = self._object(
            kind.of_type, message, replace(spot, outer=False)
        )
        return Field(
            name=name, fill=objects.listed(leaves.mapped(site), inner.build),
            own=inner.own,
        )

    def _json(self, kind: Any, name: str, spot: _Spot) -> Field:
        """Compile a field that elements hold as JSON."""
        if not name:
            return Field(constant={})
        if not is_list_type(kind):
            return Field(name=name, fill=leaves.from_json)
        inner = self._object(kind.of_type, None, replace(spot, outer=False))
        fill = objects.listed_anything(
            leaves.from_json, inner.build, self._strips
        )
        return Field(name=name, fill=fill, own=inner.own)


def _fault(_: Run, __: Any, ___: Any = None) -> Any:
    raise NotCompiled('a field that could not be compiled')
