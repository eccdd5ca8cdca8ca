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

from collections.abc import Sequence
import threading
from typing import TYPE_CHECKING, Callable, Protocol

from graphql import GraphQLSchema, OperationType

from cylc_flask.privilege import Privilege
from cylc_flask.query.answers import (
    Answer,
    Answers,
    Event,
    Key,
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
from cylc_flask.query.subscriptions import (
    Results,
    Topic,
    make_source,
    topic_of,
)
from cylc_flask.replica.feed import TooMany

if TYPE_CHECKING:
    from cylc_flask.auth.users import User
    from cylc_flask.config import Config
    from cylc_flask.replica.feed import Member
    from cylc_flask.workflows import Registry, Workflow

Flows = Sequence['Workflow']

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
        schema: What can be asked; that of one workflow, if none is given.
        answers: Where answers are kept, for all engines of a schema.
    """

    def __init__(
        self,
        config: Config,
        workflows: Registry,
        paced: Paced = unpaced,
        make_event: Callable[[], Event] = threading.Event,
        schema: GraphQLSchema | None = None,
        answers: Answers | None = None,
    ) -> None:
        self.schema = schema or make_schema()
        self.workflows = workflows
        self.run = Executor(self.schema, config.limits, paced=paced).run
        self._answers = (
            Answers(config.limits.answer_cache) if answers is None
            else answers)
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

    def check(self, operation: Operation, user: User) -> None:
        """Refuse an operation that a user may not give.

        Raises:
            Rejected: They may not.
        """
        needed = operation.need
        if self.may(operation, user):
            return
        if user.operations is not None and needed.commands:
            lack = ', '.join(sorted(
                each for each in needed.commands if not user.may(each)))
            text = f"'{user.name}' may not do this here: {lack}."
        else:
            text = (
                f"{needed.field} needs the privilege '{needed.privilege}',"
                f" and '{user.name}' has '{user.privilege}'."
            )
        raise Rejected.because(Code.FORBIDDEN, text, 403)

    def may(self, operation: Operation, user: User) -> bool:
        """Return True if a user may give an operation."""
        needed = operation.need
        if needed.commands:
            return all(map(user.may, needed.commands))
        return user.privilege >= needed.privilege

    def flows(self, operation: Operation, user: User) -> Flows:
        """Return the workflows that an operation of a user is about.

        Whoever gives a command may know at least that they are there.
        """
        need = operation.need.privilege
        if operation.kind is OperationType.MUTATION:
            need = Privilege.IDENTITY
        return self.workflows.seen_by(user, need)

    def execute(
        self, operation: Operation, caller: Caller, user: User
    ) -> Answer:
        """Carry out a query or a mutation.

        What is kept for others has been found on behalf of nobody, so that
        there is nothing of anybody in it but what they see. Whether somebody
        may have it was decided before.
        """
        flows = self.flows(operation, user)
        if not operation.is_lasting:
            resolvers = self.resolvers(flows, caller, user)
            return Answer(self.run(operation, resolvers).encoded(), False)
        key, version = _key(operation, flows), _version(operation, flows)
        if known := self._answers.find(key, version):
            return known
        return self._sharing.get(
            key, version, lambda: self._make(operation, flows))

    def resolvers(
        self, flows: Flows, caller: Caller, user: User
    ) -> Resolvers:
        """Return what resolves an operation of a user."""
        return Resolvers(flows, caller.name)

    def _make(self, operation: Operation, flows: Flows) -> Answer:
        """Find an answer, and keep it if nothing has changed meanwhile."""
        version = _version(operation, flows)
        result = self.run(operation, Resolvers(flows, ''))
        answer = Answer(result.encoded(), not result.errors)
        if answer.lasting and version == _version(operation, flows):
            self._answers.keep(_key(operation, flows), version, answer)
        return answer

    def find(self, operation: Operation, user: User) -> Answer | None:
        """Return the answer to a query of a user, if it is known already."""
        flows = self.flows(operation, user)
        return self._answers.find(
            _key(operation, flows), _version(operation, flows))

    def subscribe(
        self,
        operation: Operation,
        user: User,
        on_ready: Callable[[], None] | None = None,
    ) -> Results:
        """Follow a subscription.

        Args:
            operation: What to follow.
            user: Who does.
            on_ready: Called when there is something to take.

        Raises:
            Rejected: There are too many of them, or there is no such
                workflow.
        """
        topic, flow = self.about(operation, user)
        return self.join(operation, topic, flow, on_ready)

    def about(
        self, operation: Operation, user: User
    ) -> tuple[Topic, Workflow]:
        """Return what a subscription is about, and in which workflow.

        Raises:
            Rejected: There is no such workflow.
        """
        topic = topic_of(self.schema, operation)
        for flow in self.flows(operation, user):
            if topic.covers(flow):
                return topic, flow
        raise Rejected.because(
            Code.INPUT,
            f'No such workflow here: {", ".join(topic.workflows)!r:.200}',
        )

    def join(
        self,
        operation: Operation,
        topic: Topic,
        flow: Workflow,
        on_ready: Callable[[], None] | None = None,
    ) -> Member:
        """Follow a subscription, as far as it is about one workflow.

        Raises:
            Rejected: There are too many of them.
        """
        source = make_source(self, operation, topic, flow)
        try:
            return flow.feed.join(
                source.key, source.make_group, burst=source.burst,
                on_ready=on_ready, since=source.since,
            )
        except TooMany as exc:
            raise Rejected.because(
                Code.SUBSCRIPTIONS, str(exc), 429
            ) from exc


def _key(operation: Operation, flows: Flows) -> Key:
    """Return what is the same where the answer is."""
    text, name, variables = operation.key
    return text, name, variables, *(flow.name for flow in flows)


def _version(operation: Operation, flows: Flows) -> Version:
    """Return a value that is another when the answer may be another.

    What is asked of the schema alone has always the same answer; the GUI
    asks for all of it when it starts.
    """
    if operation.need.privilege is Privilege.NONE:
        return None
    return tuple((flow.feed.id, flow.store.version) for flow in flows)
