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
"""Operations of GraphQL that stay open: what sockets and streams share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from graphql import OperationType

from cylc.flow import LOG
from cylc_flask.auth import gate
from cylc_flask.errors import RequestError
from cylc_flask.query.errors import Code, Rejected, of_request
from cylc_flask.views import current

if TYPE_CHECKING:
    from cylc_flask.auth.caller import Caller
    from cylc_flask.auth.users import User
    from cylc_flask.query.body import Reader
    from cylc_flask.query.engine import Engine, Operation
    from cylc_flask.query.subscriptions import Results

KINDS = frozenset(OperationType)

FAULT = 'The server has met a fault of its own; its log says more.'


@dataclass(frozen=True)
class Desk:
    """Takes operations of one caller, and carries them out.

    Made while the request is at hand; needs it no more afterwards, but for
    `take`.
    """

    engine: Engine
    reader: Reader
    caller: Caller

    @classmethod
    def of_request(cls) -> Desk:
        """Return the desk of the current request."""
        services = current.services()
        return cls(services.engine, services.reader, current.caller())

    def take(
        self,
        parameters: Any,
        user: User,
        kinds: frozenset[OperationType] = KINDS,
    ) -> Operation:
        """Return an operation that may be carried out.

        Args:
            parameters: What the client has sent for it.
            user: Who the client is.
            kinds: What can be carried out the way that it came.

        Raises:
            Rejected: It may not.
        """
        try:
            asked = self.reader.read(parameters)
            operation = self.engine.prepare(asked, user, kinds)
            if operation.kind is OperationType.MUTATION:
                gate.check_change()
        except RequestError as exc:
            raise Rejected([of_request(exc)], exc.status) from exc
        self.reader.remember(asked)
        return operation

    def run(self, operation: Operation, user: User) -> bytes:
        """Return the result of a query or a mutation, in JSON.

        Raises:
            Rejected: There is none.
        """
        return self.engine.execute(operation, self.caller, user).body

    def follow(
        self,
        operation: Operation,
        user: User,
        on_ready: Callable[[], None],
    ) -> Results:
        """Return where the results of a subscription come.

        Raises:
            Rejected: There are too many of them.
        """
        return self.engine.subscribe(operation, user, on_ready)


def errors_of(exc: Exception) -> list[Any]:
    """Return what a client is told; log what is a fault of ours."""
    if not isinstance(exc, Rejected):
        LOG.error('flask: fault in an operation', exc_info=exc)
        exc = Rejected.because(Code.INTERNAL, FAULT, 500)
    return [error.formatted for error in exc.errors]
