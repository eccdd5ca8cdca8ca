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
"""cylc-flow's resolvers on a replica, and its commands through the door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cylc.flow.id import Tokens
from cylc.flow.network.resolvers import BaseResolvers
from cylc_flask.errors import RequestError
from cylc_flask.query import mutations
from cylc_flask.replica.delta import KINDS, WORKFLOW

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import GraphQLResolveInfo

    from cylc_flask.commands import Ticket
    from cylc_flask.replica.store import Store
    from cylc_flask.workflows import Workflow

#: What Cylc's data store has of one workflow: {kind: {id: element}}.
Data = dict[str, Any]


def data_of(store: Store) -> Data:
    """Return a replica in the form of Cylc's data store; nothing is copied."""
    data: Data = {kind: getattr(store, kind) for kind in KINDS}
    data[WORKFLOW] = store.workflow
    return data


class Stores:
    """The replicas, as Cylc's resolvers look at its data store manager."""

    def __init__(self, flows: Iterable[Workflow]) -> None:
        self.data = {
            flow.store.workflow.id: data_of(flow.store) for flow in flows
        }


def ticket_of(flows: Iterable[Workflow], id_: str) -> Ticket | None:
    """Return a command by its id, from whichever workflow has it."""
    for flow in flows:
        if ticket := flow.commands.find(id_):
            return ticket
    return None


#: How many times an element may be compared with an id, in an operation: some
#: ten seconds' work.
MAX_COMPARED = 2_000_000


class Resolvers(BaseResolvers):
    """Resolves the operations of one caller, at one moment.

    Args:
        flows: The workflows that the caller may see.
        caller: Who it is, for the scheduler's log.
    """

    def __init__(self, flows: Iterable[Workflow], caller: str) -> None:
        self.flows = {flow.store.workflow.id: flow for flow in flows}
        super().__init__(Stores(self.flows.values()))  # type: ignore[arg-type]
        self.caller = caller
        self.begin()

    def begin(self) -> None:
        """Begin an operation, perhaps once more."""
        self._compared = 0

    async def get_nodes_all(
        self, node_type: str, args: dict[str, Any]
    ) -> list[Any]:
        """Return the elements of a kind that fit the arguments."""
        flows: Any = await self.get_workflows_data(args)
        self.check_work(args, sum(len(flow[node_type]) for flow in flows))
        theirs: Any = super().get_nodes_all
        found: list[Any] = await theirs(node_type, args)
        return found

    async def get_nodes_by_ids(
        self, node_type: str, args: dict[str, Any]
    ) -> list[Any]:
        """Return those of some elements that fit the arguments."""
        self.check_work(args, len(args.get('native_ids') or ()))
        theirs: Any = super().get_nodes_by_ids
        found: list[Any] = await theirs(node_type, args)
        return found

    def check_work(self, args: dict[str, Any], elements: int) -> None:
        """Refuse to compare too many elements with too many ids.

        Args:
            args: The ids are `ids` and `exids` of these.
            elements: How many elements there are.

        Raises:
            RequestError: They are too many, together with what the operation
                has compared before.
        """
        ids = len(args.get('ids') or ()) + len(args.get('exids') or ())
        self._compared += ids * elements
        if self._compared > MAX_COMPARED:
            raise RequestError(
                f'{ids} ids are too many for {elements} elements to be'
                f' compared with: at most {MAX_COMPARED} comparisons are made'
                ' for an operation'
            )

    async def mutator(
        self,
        _info: GraphQLResolveInfo,
        command: str,
        w_args: dict[str, Any],
        kwargs: dict[str, Any],
        _meta: dict[str, Any],
    ) -> list[dict[str, Any]]:
        """Give a command to each workflow that is meant."""
        found = await self.get_workflows_data(w_args)
        if not found:
            known = ', '.join(self.flows)
            return [{'response': [False, f'No matching workflow in {known}']}]
        return [
            {'id': id_, 'response': mutations.give(
                self.flows[id_], command, kwargs, self.caller
            )}
            for id_ in (data[WORKFLOW].id for data in found)
        ]

    def ticket(self, id_: str) -> Ticket | None:
        """Return a command by its id, from whichever workflow has it."""
        return ticket_of(self.flows.values(), id_)

    def flow_of(self, workflow: str | None) -> Workflow | None:
        """Return a workflow by its id; the only one where none is named."""
        if workflow is None:
            return next(iter(self.flows.values()), None)
        return self.flows.get(Tokens(workflow).workflow_id)
