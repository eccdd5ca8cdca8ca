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
"""From the text of a document to an operation that may be carried out."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_variable_values,
    parse,
    validate,
)
import orjson

from cylc_flask.query import limits as checks
from cylc_flask.query.errors import Code, Rejected, coded
from cylc_flask.query.levels import Need, need_of
from cylc_flask.query.resume import Mark, mark_of

if TYPE_CHECKING:
    from cylc_flask.config import Limits

#: How much text of known documents is kept, in characters. In memory they are
#: two hundred times as large.
KEPT = 250_000

#: After so many errors, a document is not looked at further.
MAX_ERRORS = 20

ALL_KINDS = frozenset(OperationType)


@dataclass(frozen=True)
class Request:
    """What a client sends, of the types that it must have.

    Args:
        query: The text of the document.
        variables: Its variables by name.
        operation_name: Which of its operations is meant.
        extensions: What else the client has to say.
    """

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    extensions: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """An operation that has been found valid.

    Args:
        document: The document that it is in.
        definition: The operation itself.
        variables: As the client sent them, those that it declares.
        key: Equal operations with equal variables have equal keys.
        need: What it needs.
        mark: Where a subscription goes on from, None if it does not say.
    """

    document: DocumentNode
    definition: OperationDefinitionNode
    variables: dict[str, Any]
    key: tuple[str, str | None, bytes]
    need: Need
    mark: Mark | None = None

    @property
    def kind(self) -> OperationType:
        """Return whether it is a query, a mutation or a subscription."""
        return self.definition.operation

    @property
    def is_lasting(self) -> bool:
        """Return True if its answer is the same until the replicas change."""
        return self.kind is OperationType.QUERY and not self.need.beside

    @property
    def name(self) -> str | None:
        """Return the name that it has in the document."""
        return self.definition.name.value if self.definition.name else None


@dataclass
class _Document:
    """A valid document, and what its operations need."""

    text: str
    node: DocumentNode
    needs: dict[str | None, Need] = field(default_factory=dict)


class Documents:
    """Documents by their text, each parsed and validated once.

    Args:
        schema: The schema that they must fit.
        limits: How much they may ask for.
        introspection: Whether they may ask for the schema.
    """

    def __init__(
        self, schema: GraphQLSchema, limits: Limits, introspection: bool
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._introspection = introspection
        self._known: OrderedDict[str, _Document] = OrderedDict()
        self._kept = 0

    def prepare(self, request: Request) -> Operation:
        """Return the operation that a client wants.

        Raises:
            Rejected: It is none, or asks for too much.
        """
        document = self._document(request.query)
        definition = _definition(document.node, request.operation_name)
        declared = {
            node.variable.name.value
            for node in definition.variable_definitions
        }
        variables = {
            name: value for name, value in request.variables.items()
            if name in declared
        }
        name = definition.name.value if definition.name else None
        if name not in document.needs:
            document.needs[name] = need_of(
                self._schema, document.node, definition
            )
        return Operation(
            document.node, definition, variables,
            (request.query, name, self._coerced(definition, variables)),
            document.needs[name], mark_of(request.extensions),
        )

    def _document(self, text: str) -> _Document:
        if found := self._known.get(text):
            self._known.move_to_end(text)
            return found
        checks.check_text(text, self._limits)
        document = self._parse(text)
        self._known[text] = found = _Document(text, document)
        self._kept += len(text)
        while self._kept > KEPT:
            _, oldest = self._known.popitem(last=False)
            self._kept -= len(oldest.text)
        return found

    def _parse(self, text: str) -> DocumentNode:
        try:
            document = parse(text)
        except GraphQLError as exc:
            raise Rejected([coded(exc, Code.PARSE)]) from exc
        checks.check_document(document, self._limits, self._introspection)
        try:
            errors = validate(self._schema, document, max_errors=MAX_ERRORS)
        except GraphQLError as exc:
            # It looks for the variables of a subscription's directives.
            errors = [exc]
        if errors:
            raise Rejected(coded(exc, Code.VALIDATION) for exc in errors)
        return document

    def _coerced(
        self, definition: OperationDefinitionNode, variables: dict[str, Any]
    ) -> bytes:
        """Check the variables, and return them as a key."""
        try:
            found = get_variable_values(
                self._schema, definition.variable_definitions,
                variables, max_errors=MAX_ERRORS,
            )
            key = orjson.dumps(variables, option=orjson.OPT_SORT_KEYS)
        except (TypeError, ValueError) as exc:
            raise Rejected.because(
                Code.INPUT, f'The variables cannot be read: {exc}'
            ) from exc
        if isinstance(found, list):
            raise Rejected(coded(exc, Code.INPUT) for exc in found)
        return key


def _definition(
    document: DocumentNode, name: str | None
) -> OperationDefinitionNode:
    """Return the operation of a name, or the only one.

    Raises:
        Rejected: There is no such operation.
    """
    found = [
        node for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    ]
    if name:
        found = [
            node for node in found if node.name and node.name.value == name
        ]
        if not found:
            raise Rejected.because(
                Code.OPERATION, f'Unknown operation named "{name:.80}".'
            )
    if len(found) != 1:
        raise Rejected.because(
            Code.OPERATION,
            'Must provide operation name if query contains multiple'
            ' operations.' if found else 'The document has no operation.',
        )
    return found[0]
