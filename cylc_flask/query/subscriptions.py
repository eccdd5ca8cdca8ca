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
"""Subscriptions: one for all clients that follow the same."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Callable, Protocol

from graphql import FieldNode, GraphQLError, GraphQLSchema
from orjson import Fragment

from cylc.flow.data_store_mgr import (
    DELTA_ADDED,
    DELTA_PRUNED,
    DELTA_UPDATED,
)
from cylc_flask.compat import pb
from cylc_flask.query.errors import Code, Rejected, coded
from cylc_flask.query.resolvers import Resolvers, data_of
from cylc_flask.query.resume import Mark, marked
from cylc_flask.query.schema import MAX_ITEMS
from cylc_flask.query.selections import Selections
from cylc_flask.replica.delta import KINDS, WORKFLOW, copy

if TYPE_CHECKING:
    from cylc_flask.query.documents import Operation
    from cylc_flask.query.engine import Engine
    from cylc_flask.query.execution import Result
    from cylc_flask.replica.change import Change
    from cylc_flask.replica.feed import Group
    from cylc_flask.workflows import Workflow

#: Under which name the resolvers find the delta that they are to look at.
SUBSCRIPTION = 'subscription'

#: The root field that is about a command, rather than about workflows.
COMMAND = 'command'

#: One delta in the form of Cylc's resolvers.
DeltaStore = dict[str, Any]


class Results(Protocol):
    """What comes of a subscription: a member of a feed, or of several."""

    @property
    def pending(self) -> bool:
        """True if there is something to take now."""

    @property
    def ended(self) -> str | None:
        """Why nothing more will come, once all has been taken."""

    def take_now(self) -> bytes | None:
        """Return the next result, None if there is none yet."""

    def take_step(self, size: int) -> bytes | None:
        """Return the next one if it is made, and has no more bytes."""

    def close(self) -> None:
        """Follow it no more."""


@dataclass(frozen=True)
class Topic:
    """What somebody wants to follow.

    Args:
        field: The root field.
        workflows: Names, ids or globs of these; none for all.
        burst: Whether the first result tells all there is.
        command: The id of the command that it is about; '' for none.
    """

    field: str
    workflows: tuple[str, ...]
    burst: bool = True
    command: str = ''

    def covers(self, flow: Workflow) -> bool:
        """Tell whether a workflow is one of those."""
        return not self.workflows or any(
            fnmatchcase(name, glob)
            for name in (flow.store.workflow.id, flow.name)
            for glob in self.workflows
        )


@dataclass(frozen=True)
class Source:
    """Where the results of a subscription to one workflow come from.

    Args:
        key: Equal subscriptions have equal keys.
        make_group: Makes what computes the results.
        burst: Whether the first of them tells all there is.
        since: The version from which on they are asked for, if one is.
    """

    key: Hashable
    make_group: Callable[[], Group]
    burst: bool = True
    since: int | None = None


def topic_of(schema: GraphQLSchema, operation: Operation) -> Topic:
    """Return what a subscription is about.

    Raises:
        Rejected: It cannot be followed.
    """
    name, args = _root_field(schema, operation)
    wanted = args.get('workflows') or (
        args.get('ids') if name == 'workflows' else None
    )
    workflows = tuple(each for each in wanted or () if each is not None)
    if len(workflows) > MAX_ITEMS:
        raise Rejected.because(
            Code.INPUT, f'workflows has {len(workflows)} items, which is more'
            f' than {MAX_ITEMS}',
        )
    kind = args.get('delta_type', DELTA_ADDED)
    if kind not in (DELTA_ADDED, DELTA_UPDATED):
        raise Rejected.because(
            Code.INPUT, f'deltaType is "{DELTA_ADDED}" or "{DELTA_UPDATED}".'
        )
    return Topic(
        name, workflows, args.get('initial_burst', True),
        args['id'] if name == COMMAND else '',
    )


def make_source(
    engine: Engine, operation: Operation, topic: Topic, flow: Workflow
) -> Source:
    """Return where the results of a subscription to a workflow come from."""
    if topic.field == COMMAND:
        return Source(operation.key, lambda: CommandGroup(
            engine, operation, flow, topic.command
        ))
    mark = operation.mark
    return Source(
        (operation.key, mark is not None),
        lambda: DeltaGroup(engine, operation, flow),
        # Who goes on may have missed more than is remembered.
        topic.burst or bool(mark and mark.feed),
        mark.version if mark and mark.feed == flow.feed.id else None,
    )


def _root_field(
    schema: GraphQLSchema, operation: Operation
) -> tuple[str, dict[str, Any]]:
    """Return the name and the arguments of the only field of the root."""
    selections = Selections(schema, operation)
    try:
        nodes: list[FieldNode] = next(iter(selections.first().values()), [])
        if not nodes or nodes[0].name.value not in selections.root.fields:
            raise Rejected.because(
                Code.VALIDATION, 'There is nothing to subscribe to.'
            )
        name = nodes[0].name.value
        field = selections.root.fields[name]
        return name, selections.arguments(field, nodes[0])
    except GraphQLError as exc:
        raise Rejected([coded(exc, Code.INPUT)]) from exc


class DeltaGroup:
    """Results of one subscription to what the workflow does.

    Args:
        engine: Resolves them.
        operation: The subscription.
        flow: The workflow.
    """

    def __init__(
        self, engine: Engine, operation: Operation, flow: Workflow
    ) -> None:
        self._engine = engine
        self._operation = operation
        self._flow = flow

    @property
    def finished(self) -> bool:
        """Return False: the workflow may go on."""
        return False

    def burst(self) -> bytes | None:
        """Return all there is."""
        store = self._flow.store
        added = data_of(store)
        added[WORKFLOW] = copy(store.workflow)
        added[WORKFLOW].reloaded = True
        return self._encoded(self._delta(added, {}, {}), store.version)

    def step(self, change: Change) -> bytes | None:
        """Return what a change means for the subscribers, if anything."""
        if change.loaded:
            return self.burst()
        if not (change.added or change.updated or change.pruned):
            return None
        delta = self._delta(
            _with_workflow(change.added), _with_workflow(change.updated),
            change.pruned,
        )
        if change.reloaded:
            _mark_reloaded(delta)
        return self._encoded(delta, change.version)

    def end(self, reason: str) -> bytes | None:
        """Say that nothing more comes, where the subscribers can see it."""
        delta = self._delta({}, {}, {})
        delta['shutdown'] = True
        result = self._resolve(delta)
        root = next(iter((result.data or {}).values()), None)
        if isinstance(root, dict) and True in root.values():
            return result.encoded()
        return None

    def farewell(self) -> bytes | None:
        """Return what is told of a workflow that is there no more."""
        store = self._flow.store
        delta = self._delta({}, {}, {WORKFLOW: store.workflow.id})
        return self._encoded(delta, store.version)

    def _delta(
        self, added: Any, updated: Any, pruned: Mapping[str, Any]
    ) -> DeltaStore:
        empty: dict[str, Any] = {kind: {} for kind in KINDS}
        empty[WORKFLOW] = pb.PbWorkflow()
        lists: dict[str, Any] = {kind: [] for kind in KINDS}
        return {
            'id': self._flow.store.workflow.id,
            DELTA_ADDED: {**empty, **added},
            DELTA_UPDATED: {**empty, **updated},
            DELTA_PRUNED: {**lists, **pruned},
        }

    def _encoded(self, delta: DeltaStore, version: int) -> bytes | None:
        result = self._resolve(delta)
        if not (result.errors or _has_news(result.data)):
            return None
        if self._operation.mark is None:
            return result.encoded()
        return marked(result.encoded(), Mark(self._flow.feed.id, version))

    def _resolve(self, delta: DeltaStore) -> Result:
        resolvers = Resolvers([self._flow], 'subscription')
        resolvers.delta_store[SUBSCRIPTION] = {  # type: ignore[index]
            delta['id']: delta
        }
        return self._engine.run(
            self._operation, resolvers, delta, sub_id=SUBSCRIPTION
        )


class CommandGroup:
    """Results of one subscription to what becomes of a command.

    Args:
        engine: Resolves them.
        operation: The subscription.
        flow: The workflow.
        id_: The command's id.
    """

    def __init__(
        self, engine: Engine, operation: Operation, flow: Workflow, id_: str
    ) -> None:
        self._engine = engine
        self._operation = operation
        self._resolvers = Resolvers([flow], 'subscription')
        self._id = id_
        self._told: object = None
        #: True as soon as nothing more can come.
        self.finished = False

    def burst(self) -> bytes | None:
        """Return how far the command is."""
        ticket = self._resolvers.ticket(self._id)
        self.finished = ticket is None or ticket.finished
        self._told = ticket and ticket.state
        return self._engine.run(
            self._operation, self._resolvers, ticket
        ).encoded()

    def step(self, _: Change) -> bytes | None:
        """Return how far the command is, if that is further."""
        return self._news()

    def end(self, reason: str) -> bytes | None:
        """Return what became of the command at last."""
        return self._news()

    def _news(self) -> bytes | None:
        ticket = self._resolvers.ticket(self._id)
        if self.finished or (ticket and ticket.state == self._told):
            return None
        return self.burst()


def _with_workflow(kinds: dict[str, Any]) -> dict[str, Any]:
    """Return elements by kind, of the workflow the element itself."""
    if WORKFLOW not in kinds:
        return kinds
    (workflow,) = kinds[WORKFLOW].values()
    return {**kinds, WORKFLOW: workflow}


def _mark_reloaded(delta: DeltaStore) -> None:
    """Tell clients to forget what is not in this delta."""
    for part in (DELTA_ADDED, DELTA_UPDATED):
        if delta[part][WORKFLOW].id:
            delta[part][WORKFLOW] = copy(delta[part][WORKFLOW])
            delta[part][WORKFLOW].reloaded = True


def _has_news(data: Any) -> bool:
    """Tell whether there is anything in a result but names and ids.

    Examples:
        >>> _has_news({'deltas': {'id': '~me/a', 'added': {'jobs': []}}})
        False
        >>> _has_news({'deltas': {'id': '~me/a', 'pruned': {'jobs': ['1']}}})
        True
    """
    root = next(iter((data or {}).values()), None)
    if not isinstance(root, dict):
        return bool(root)
    return any(
        _has_leaf(value) for value in root.values()
        if isinstance(value, (dict, list, Fragment))
    ) or not any(isinstance(value, dict) for value in root.values())


def _has_leaf(value: Any) -> bool:
    if isinstance(value, dict):
        return any(
            _has_leaf(inner) for name, inner in value.items()
            if name != '__typename'
        )
    if isinstance(value, list):
        return bool(value)
    return value is not None and value is not False
