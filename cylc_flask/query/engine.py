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
"""Carrying out operations: one door for HTTP, WebSockets and event streams."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Callable, Protocol

from graphql import OperationType

from cylc_flask.privilege import Privilege
from cylc_flask.query.answers import (
    Answer,
    Answers,
    Event,
    Sharing,
    Version,
)
from cylc_flask.query.documents import (
    ALL_KINDS,
    Documents,
    Operation,
    Request,
)
from cylc_flask.query.errors import Code, Rejected
from cylc_flask.query.execution import Executor, Result
from cylc_flask.query.limits import Paced, unpaced
from cylc_flask.query.resolvers import Resolvers
from cylc_flask.query.schema import make_schema
from cylc_flask.query.subscriptions import Source, make_source
from cylc_flask.replica.feed import TooMany

if TYPE_CHECKING:
    from cylc_flask.auth.users import User
    from cylc_flask.config import Config
    from cylc_flask.replica.feed import Member
    from cylc_flask.workflows import Registry

__all__ = ['Engine', 'Operation', 'Request', 'Result']


class Caller(Protocol):
    """Who gives an operation."""

    @property
    def name(self) -> str:
        """Return who it says to be, for the scheduler's log."""


class Engine:
    """Carries operations out, for whoever may have that done.

    Args:
        config: The configuration.
        workflows: What can be asked about.
        paced: In which queries are answered.
        make_event: Makes an event on which requests wait for each other.
    """

    def __init__(
        self,
        config: Config,
        workflows: Registry,
        paced: Paced = unpaced,
        make_event: Callable[[], Event] = threading.Event,
    ) -> None:
        self.schema = make_schema()
        self.workflows = workflows
        self.run = Executor(self.schema, config.limits, paced=paced).run
        self._answers = Answers(config.limits.answer_cache)
        self._sharing = Sharing(make_event)
        self._documents = Documents(
            self.schema, config.limits, config.introspection
        )

    def prepare(
        self,
        request: Request,
        user: User,
        kinds: frozenset[OperationType] = ALL_KINDS,
    ) -> Operation:
        """Return the operation that a client wants, if it may have that.

        Args:
            request: What the client sent.
            user: Who it is.
            kinds: What can be carried out the way that it came.

        Raises:
            Rejected: It cannot be carried out.
        """
        operation = self._documents.prepare(request)
        kind = operation.kind
        if kind not in kinds:
            raise Rejected.because(
                Code.METHOD, f'A {kind.value} cannot be sent in this way.',
                405,
            )
        self.check(operation, user)
        return operation

    @staticmethod
    def check(operation: Operation, user: User) -> None:
        """Refuse an operation for which the user's privilege is too low.

        Raises:
            Rejected: It is.
        """
        needed = operation.need.privilege
        if user.privilege < needed:
            raise Rejected.because(
                Code.FORBIDDEN,
                f"{operation.need.field} needs the privilege '{needed}', and"
                f" '{user.name}' has '{user.privilege}'.", 403,
            )

    def execute(self, operation: Operation, caller: Caller) -> Answer:
        """Carry out a query or a mutation.

        What is kept for others has been found on behalf of nobody, so that
        there is nothing of anybody in it. Whether somebody may have it was
        decided before.
        """
        if not operation.is_lasting:
            return Answer(self._run(operation, caller.name).encoded(), False)
        if known := self.find(operation):
            return known
        version = self._version(operation)
        return self._sharing.get(
            operation.key, version, lambda: self._make(operation, version))

    def _make(self, operation: Operation, version: Version) -> Answer:
        """Find an answer, and keep it if nothing has changed meanwhile."""
        result = self._run(operation, '')
        answer = Answer(result.encoded(), not result.errors)
        if answer.lasting and version == self._version(operation):
            self._answers.keep(operation.key, version, answer)
        return answer

    def find(self, operation: Operation) -> Answer | None:
        """Return the answer to a query if it is known already."""
        return self._answers.find(operation.key, self._version(operation))

    def _run(self, operation: Operation, caller: str) -> Result:
        return self.run(operation, Resolvers(self.workflows.all(), caller))

    def _version(self, operation: Operation) -> Version:
        """Return a value that is another when the answer may be another.

        What is asked of the schema alone has always the same answer; the
        GUI asks for all of it when it starts.
        """
        if operation.need.privilege is Privilege.NONE:
            return None
        return tuple(
            (flow.name, flow.store.version) for flow in self.workflows.all()
        )

    def subscribe(
        self,
        operation: Operation,
        caller: Caller,
        on_ready: Callable[[], None] | None = None,
    ) -> Member:
        """Follow a subscription.

        Args:
            operation: What to follow.
            caller: Who does.
            on_ready: Called when there is something to take.

        Raises:
            Rejected: There are too many of them.
        """
        source: Source = make_source(self, operation)
        try:
            return source.flow.feed.join(
                source.key, source.make_group, burst=source.burst,
                on_ready=on_ready, since=source.since,
            )
        except TooMany as exc:
            raise Rejected.because(
                Code.SUBSCRIPTIONS, str(exc), 429
            ) from exc
