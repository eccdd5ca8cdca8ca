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
"""Two executors for one store: compiled operations, and graphql-core."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from cylc_flask.commands import Commands
from cylc_flask.config import Limits
from cylc_flask.query.documents import Documents, Operation, Request
from cylc_flask.query.execution import Executor, Result
from cylc_flask.query.resolvers import Resolvers, data_of
from cylc_flask.query.schema import make_schema
from cylc_flask.query.subscriptions import SUBSCRIPTION
from cylc_flask.replica.delta import KINDS, WORKFLOW, copy
from cylc_flask.replica.records import Records
from cylc_flask.workflows import Workflow
from tests.stores import recorded

SCHEMA = make_schema()
DOCUMENTS = Documents(SCHEMA, Limits(), True)


class Counting(Executor):
    """Counts the operations that are left to graphql-core."""

    left = 0

    def _run(self, *args: Any) -> Result:
        self.left += 1
        return super()._run(*args)


class Site:
    """A recorded store, and two executors.

    Args:
        line: Of cylc-flow, which the store comes from.
        name: Of the store.
        limits: How much an answer may be.
    """

    def __init__(
        self, line: str = '8.7', name: str = 'mixed', **limits: Any
    ) -> None:
        self.store = recorded(line, name)
        self.id = self.store.workflow.id
        bounds = replace(Limits(), **limits)
        self.plain = Executor(SCHEMA, bounds, compiled=False)
        self.compiled = Counting(SCHEMA, bounds)

    def id_of(self, kind: str, number: int = 0) -> str:
        """Return the id of one of the elements of a kind."""
        return [*getattr(self.store, kind)][number]

    def resolvers(self) -> Resolvers:
        """Return what operations are resolved by."""
        flow = Workflow(
            self.store.workflow.name, '', self.store, Records(),
            cast('Commands', None),
        )
        return Resolvers([flow], 'me')

    def grow(self, copies: int) -> None:
        """Make more task proxies of those that there are."""
        proxies = self.store.task_proxies
        for id_, proxy in [*proxies.items()]:
            for number in range(copies):
                new = copy(proxy)
                new.id = f'{id_}_{number}'
                proxies[new.id] = new

    def operation(self, text: str, **variables: Any) -> Operation:
        """Return an operation."""
        return DOCUMENTS.prepare(Request(text, variables))

    def both(self, text: str, **variables: Any) -> list[bytes]:
        """Return both answers to a query, graphql-core's first."""
        found = self.operation(text, **variables)
        return [
            executor.run(found, self.resolvers()).encoded()
            for executor in (self.plain, self.compiled)
        ]

    def follow(
        self, text: str, part: str = 'added', **variables: Any
    ) -> list[bytes]:
        """Return both results of a subscription.

        Args:
            text: The subscription.
            part: Of the delta, where all elements are.
            variables: Its variables.
        """
        found = self.operation(text, **variables)
        results = []
        for executor in (self.plain, self.compiled):
            delta = self.delta(part)
            resolvers = self.resolvers()
            resolvers.delta_store[SUBSCRIPTION] = {  # type: ignore[index]
                self.id: delta
            }
            results.append(executor.run(
                found, resolvers, delta, sub_id=SUBSCRIPTION
            ).encoded())
        return results

    def delta(self, part: str) -> dict[str, Any]:
        """Return a delta with all elements in one of its parts.

        Those that are updated tell nothing but a state.
        """
        found: dict[str, Any] = {
            'id': self.id, 'added': self._part(), 'updated': self._part(),
            'pruned': {kind: [] for kind in KINDS},
        }
        data = data_of(self.store)
        if part == 'updated':
            data = {kind: {
                id_: _state_of(element)
                for id_, element in getattr(self.store, kind).items()
            } for kind in KINDS}
            data[WORKFLOW] = type(self.store.workflow)(
                id=self.id, status='stopping')
        found[part].update(data)
        found['pruned']['jobs'] = ['~me/gone//1/gone/01']
        return found

    def _part(self) -> dict[str, Any]:
        empty: dict[str, Any] = {kind: {} for kind in KINDS}
        return {**empty, WORKFLOW: type(self.store.workflow)()}


def _state_of(element: Any) -> Any:
    update = type(element)(id=element.id)
    if hasattr(element, 'state'):
        update.state = 'failed'
    return update
