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
"""What an operation selects, with its variables and fragments put in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_variable_values,
)
from graphql.execution.collect_fields import (
    collect_fields,
    collect_sub_fields,
)
from graphql.execution.values import get_argument_values

if TYPE_CHECKING:
    from cylc_flask.query.documents import Operation

#: The fields of an object by their names in the answer. Several with the
#: same name select the same, and more of it.
Fields = dict[str, list[FieldNode]]


class Selections:
    """The selections of an operation.

    Args:
        schema: The schema that it fits.
        operation: The operation.
    """

    def __init__(self, schema: GraphQLSchema, operation: Operation) -> None:
        variables = get_variable_values(
            schema, operation.definition.variable_definitions,
            operation.variables,
        )
        root = schema.get_root_type(operation.kind)
        assert isinstance(variables, dict) and root is not None
        self.variables = variables
        #: The type whose fields are asked for first.
        self.root = root
        self._schema = schema
        self._operation = operation
        self._fragments = {
            node.name.value: node for node in operation.document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }

    def first(self) -> Fields:
        """Return the fields of the root."""
        return collect_fields(
            self._schema, self._fragments, self.variables, self.root,
            self._operation.definition.selection_set,
        )

    def of(self, kind: GraphQLObjectType, nodes: list[FieldNode]) -> Fields:
        """Return the fields of an object.

        Args:
            kind: Its type.
            nodes: The fields that it is the value of.

        Raises:
            GraphQLError: A directive cannot be read.
        """
        return collect_sub_fields(
            self._schema, self._fragments, self.variables, kind, nodes
        )

    def arguments(
        self, field: GraphQLField, node: FieldNode
    ) -> dict[str, Any]:
        """Return the arguments of a field.

        Raises:
            GraphQLError: They cannot be read.
        """
        return get_argument_values(field, node, self.variables)
