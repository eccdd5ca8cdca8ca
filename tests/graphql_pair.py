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
"""Operations carried out twice: compiled, and by graphql-core alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import replace
import json
from random import Random
from re import search
from typing import TYPE_CHECKING, Any, cast

from graphql import GraphQLError

from cylc_flask.auth.users import User
from cylc_flask.config import Config, Limits
from cylc_flask.privilege import Privilege
from cylc_flask.query.documents import Documents, Operation, Request
from cylc_flask.query.engine import Engine
from cylc_flask.query.errors import Rejected
from cylc_flask.query.execution import Executor, Result
from cylc_flask.query.resolvers import Resolvers
from cylc_flask.query.subscriptions import make_source
from cylc_flask.replica.records import Records
from cylc_flask.workflows import Registry, Workflow
from tests.graphql_operations import LEFT, Writer
from tests.graphql_reduction import reduce
from tests.graphql_words import words_of
from tests.stores import recorded_graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLSchema

    from cylc_flask.commands import Commands
    from cylc_flask.replica.graph import RawGraph
    from cylc_flask.replica.store import Store

#: What is not compiled: some fields, and a name that Cylc uses for itself.
NOT_COMPILED = (
    *(rf'\b{name}\b' for name in (*LEFT, '__type', 'broadcasts')),
    r'\bleaves: ',
)

#: The most that an answer may hold here: graphql-core takes its time.
VALUES = 10_000


class Recorded:
    """Expands the graph in place of a scheduler."""

    def graph(self, start: str, stop: str | None) -> RawGraph:
        """Return what a scheduler has returned."""
        return recorded_graph('8.7')


def workflow(store: Store) -> Workflow:
    """Return a workflow with a recorded store."""
    name = store.workflow.id.partition('/')[2]
    return Workflow(name, '', store, Records(), cast('Commands', Recorded()))


class Observed(Executor):
    """Compiles operations, and counts those that are left to graphql-core.

    Args:
        schema: The schema.
        limits: How much an answer may be.
    """

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        super().__init__(schema, limits)
        self.runs = 0
        #: How often which field was the reason; an error is one too.
        self.left: Counter[str] = Counter()
        #: Texts of others: there is no reason for these.
        self.unexplained: list[str] = []
        #: Keys of operations that are expected to fail sooner or later.
        self.failed: set[Hashable] = set()

    def run(
        self, operation: Operation, *args: Any, **context: Any
    ) -> Result:
        """Have an operation resolved."""
        self.runs += 1
        return super().run(operation, *args, **context)

    def _run(self, operation: Operation, *args: Any) -> Result:
        result = super()._run(operation, *args)
        if result.errors:
            self.failed.add(operation.key)
        text = operation.key[0]
        reason = 'error' if operation.key in self.failed else next(
            (each for each in NOT_COMPILED if search(each, text)), ''
        )
        self.left[reason] += 1
        if not reason:
            self.unexplained.append(text)
        return result


#: Whoever asks may see all.
OWNER = User('cylc', Privilege.FULL_CONTROL)


class Pair:
    """Two engines for the same workflows.

    Args:
        stores: The stores of the workflows.
    """

    def __init__(self, *stores: Store) -> None:
        self.flows = [workflow(store) for store in stores]
        limits = replace(Limits(), query_values=VALUES)
        config, registry = Config(limits=limits), Registry(*self.flows)
        self.plain = Engine(config, registry)
        self.compiled = Engine(config, registry)
        self.plain.run = Executor(
            self.plain.schema, limits, compiled=False).run
        self.executor = Observed(self.compiled.schema, limits)
        self.compiled.run = self.executor.run
        self.words = words_of(stores)
        #: What has been compared: requests that were `invalid`, `operations`,
        #: `answers`, those `telling` something, with `errors`, `too much`,
        #: and of subscriptions those with no news: `silent`.
        self.counts: Counter[str] = Counter()
        self._documents = Documents(self.plain.schema, limits, True)

    def operation(self, seed: str, kind: str) -> tuple[Request, Operation]:
        """Return a valid operation, the same for the same seed."""
        random = Random(seed)
        self.words.random = random
        while True:
            self.words.odd = False
            writer = Writer(self.plain.schema, self.words, random)
            request = writer.request(kind)
            try:
                found = self._documents.prepare(request)
            except (Rejected, GraphQLError):
                self.counts['invalid'] += 1
            else:
                self.counts['operations'] += 1
                if self.words.odd:
                    self.executor.failed.add(found.key)
                return request, found

    def prepare(self, request: Request) -> Operation | None:
        """Return the operation of a request, None if it is not valid."""
        try:
            return self._documents.prepare(request)
        except (Rejected, GraphQLError):
            return None

    def answers(self, operation: Operation) -> list[bytes]:
        """Return all answers to a query, graphql-core's first.

        What is compiled keeps parts of an answer from the second time on.
        """
        return [
            engine.run(operation, Resolvers(self.flows, 'me')).encoded()
            for engine in (self.plain, *[self.compiled] * 3)
        ]

    def compare(
        self, request: Request, operation: Operation, where: str
    ) -> None:
        """Have a query answered in both ways.

        Raises:
            AssertionError: The answers differ.
        """
        answers = self.answers(operation)
        self.count(answers[0])
        if len({*answers}) > 1:
            raise self.difference(request, where, self.answers)

    def count(self, answer: bytes | None) -> None:
        """Take an answer into account."""
        if answer is None:
            self.counts['silent'] += 1
            return
        self.counts['answers'] += 1
        document = json.loads(answer)
        self.counts['errors'] += 'errors' in document
        self.counts['too much'] += b'TOO_MANY_VALUES' in answer
        self.counts['telling'] += tells(document['data'])

    def difference(
        self, request: Request, where: str,
        answers: Callable[[Operation], list[Any]],
    ) -> AssertionError:
        """Return the error for a request whose answers differ."""
        def shows(text: str) -> bool:
            operation = self.prepare(replace(request, query=text))
            return operation is not None and len({*answers(operation)}) > 1

        text = request.query
        if shows(text):
            text = reduce(text, shows)
        operation = self.prepare(replace(request, query=text))
        assert operation is not None
        told = '\n'.join(
            str(each)[:2_000] for each in dict.fromkeys(answers(operation))
        )
        return AssertionError(
            f'{where}:\n{text}\nVARIABLES {json.dumps(request.variables)}\n'
            f'ANSWERS, graphql-core first:\n{told}'
        )


class Follower:
    """Follows a subscription in both ways.

    Raises:
        Rejected: It cannot be followed.
    """

    def __init__(
        self, pair: Pair, request: Request, operation: Operation
    ) -> None:
        self._pair = pair
        self._request = request
        self._groups = self._make(operation)

    def _make(self, operation: Operation) -> list[Any]:
        return [
            make_source(
                engine, operation, *engine.about(operation, OWNER)
            ).make_group()
            for engine in (self._pair.plain, self._pair.compiled)
        ]

    def compare(self, where: str, method: str, *args: Any) -> None:
        """Have the subscribers told something, in both ways.

        Args:
            where: What tells a reader when this was.
            method: Of a group.
            args: Its arguments.

        Raises:
            AssertionError: What they are told differs.
        """
        def told(groups: list[Any]) -> list[Any]:
            return [getattr(group, method)(*args) for group in groups]

        answers = told(self._groups)
        self._pair.count(answers[0])
        if len({*answers}) > 1:
            raise self._pair.difference(
                self._request, where, lambda found: told(self._make(found)))


def tells(value: Any) -> bool:
    """Tell whether there is anything in an answer but names of types."""
    if isinstance(value, dict):
        return any(map(tells, value.values()))
    if isinstance(value, list):
        return any(map(tells, value))
    return bool(value) and value not in TYPES


TYPES = (
    'TaskProxy', 'FamilyProxy', 'Task', 'Family', 'Job', 'Edge', 'Workflow',
    'Queries', 'Subscriptions', 'Deltas', 'Added', 'Updated', 'Pruned',
)
