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
"""Having operations resolved, and what comes of that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from graphql import (
    ExecutionContext,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationType,
    execute,
)

from cylc.flow import LOG
from cylc.flow.network.graphql import (
    CylcExecutionContext,
    IgnoreFieldMiddleware,
)
from cylc_flask.errors import RequestError
from cylc_flask.query.errors import Code, coded, error, of_request
from cylc_flask.query.fragments import encode
from cylc_flask.query.limits import Meter, Paced, TooMuch, unpaced
from cylc_flask.query.nulls import has_middleware
from cylc_flask.query.plans import Plans

if TYPE_CHECKING:
    from cylc_flask.config import Limits
    from cylc_flask.query.documents import Operation
    from cylc_flask.query.resolvers import Resolvers


@dataclass(frozen=True)
class Result:
    """What an operation gives."""

    data: dict[str, Any] | None
    errors: list[GraphQLError] = field(default_factory=list)

    def payload(self) -> dict[str, Any]:
        """Return it as the client gets it, errors first."""
        payload: dict[str, Any] = {}
        if self.errors:
            payload['errors'] = [exc.formatted for exc in self.errors]
        payload['data'] = self.data
        return payload

    def encoded(self) -> bytes:
        """Return it in JSON."""
        return encode(self.payload())


class Executor:
    """Has operations resolved.

    Args:
        schema: The schema that they fit.
        limits: How much an answer may be.
        compiled: Whether queries and subscriptions are compiled, rather than
            left to graphql-core.
        paced: In which each is.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits,
        compiled: bool = True,
        paced: Paced = unpaced,
    ) -> None:
        self.schema = schema
        self._limits = limits
        self._paced = paced
        self._plans = Plans(schema) if compiled else None

    def run(
        self,
        operation: Operation,
        resolvers: Resolvers,
        root: Any = None,
        **context: Any,
    ) -> Result:
        """Have an operation resolved.

        Args:
            operation: What to resolve.
            resolvers: What it is resolved by.
            root: The value that the fields of the root belong to.
            context: What else resolvers ask for.
        """
        with self._paced() as pause:
            given = operation, resolvers, root, context
            try:
                return (
                    self._run_compiled(*given, Meter(self._limits, pause))
                    or self._run(*given, Meter(self._limits, pause))
                )
            except TooMuch as exc:
                return Result(None, [error(exc.code, str(exc))])

    def _run_compiled(
        self,
        operation: Operation,
        resolvers: Resolvers,
        root: Any,
        context: dict[str, Any],
        meter: Meter,
    ) -> Result | None:
        """Return the result of a plan; None if it comes to nothing.

        Reading changes nothing, so that it can begin again elsewhere.
        """
        if self._plans is None or operation.kind is OperationType.MUTATION:
            return None
        plan = self._plans.get(operation)
        if plan is None:
            return None
        resolvers.begin()
        try:
            return Result(plan.run(resolvers, root, context, meter))
        except RequestError:
            return None
        except Exception as exc:
            LOG.debug('flask: a plan has not worked', exc_info=exc)
            self._plans.give_up(operation)
            return None

    def _run(
        self,
        operation: Operation,
        resolvers: Resolvers,
        root: Any,
        context: dict[str, Any],
        meter: Meter,
    ) -> Result:
        """Have graphql-core resolve an operation.

        Each value is shown to whoever judges if there is to wait for it.
        There never is; but so it is there that an answer is found to grow
        without end.
        """
        mutates = operation.kind is OperationType.MUTATION
        resolvers.begin()
        found = execute(
            self.schema,
            operation.document,
            root_value=root,
            context_value={
                'resolvers': resolvers,
                'meta': {'auth_user': resolvers.caller},
                **context,
            },
            variable_values=operation.variables,
            operation_name=operation.name,
            middleware=_middleware(operation),
            execution_context_class=_context_class(operation),
            is_awaitable=_never if mutates else meter,
        )
        assert isinstance(found, ExecutionResult)
        return Result(found.data, _judge_all(found.errors or ()))


def _middleware(operation: Operation) -> list[Any] | None:
    """Return what sets empty fields to null, where that is asked for.

    It costs a quarter of the time, hence only there.
    """
    if has_middleware(operation):
        middleware: Any = IgnoreFieldMiddleware
        return [middleware()]
    return None


def _context_class(operation: Operation) -> Any:
    """Return Cylc's only where it can have something to do.

    It looks through the operation, each time, for an argument.
    """
    if 'stripNull' in operation.key[0]:
        return CylcExecutionContext
    return ExecutionContext


def _never(_: object) -> bool:
    """Tell graphql-core that no resolver gives something to wait for."""
    return False


def _judge_all(found: Iterable[GraphQLError]) -> list[GraphQLError]:
    """Return what the client may know of errors; log one fault of ours.

    A field may have failed in each of thousands of elements.
    """
    told, logged = [], False
    for exc in found:
        told.append(_judge(exc))
        extensions = told[-1].extensions or {}
        if extensions.get('code') == Code.INTERNAL and not logged:
            logged = True
            LOG.error(
                'flask: fault in a resolver', exc_info=exc.original_error
            )
    return told


def _judge(found: GraphQLError) -> GraphQLError:
    """Return what the client may know of an error."""
    cause = found.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return coded(found, Code.INPUT)
    if isinstance(cause, RequestError):
        told = of_request(cause)
    elif isinstance(cause, (TypeError, ValueError)) and _is_of_cylc(cause):
        # An argument that it cannot read, or sort by.
        told = error(Code.INPUT, ' '.join(str(cause).split()))
    else:
        told = error(Code.INTERNAL, 'The server failed; its log says more.')
    return GraphQLError(
        told.message, found.nodes, path=found.path,
        extensions=told.extensions,
    )


def _is_of_cylc(cause: Exception) -> bool:
    """Return True if cylc-flow has raised an error, or what it has called."""
    names = [
        str(frame.f_globals.get('__name__'))
        for frame, _ in walk_tb(cause.__traceback__)
    ]
    theirs = [name for name in names if name.startswith('cylc')]
    return bool(theirs) and theirs[-1].startswith('cylc.flow.')
