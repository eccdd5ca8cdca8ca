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
"""The static graph between two points, with families closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import graphene

from cylc_flask import validate
from cylc_flask.errors import RequestError
from cylc_flask.legacy.graph import Grouping
from cylc_flask.query.errors import of_request

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

    from cylc_flask.replica.graph import RawGraph
    from cylc_flask.workflows import Workflow


class GraphNode(graphene.ObjectType):
    """A node of the static graph."""

    class Meta:
        description = 'A task, or a closed family, at a cycle point.'

    id = graphene.ID()
    name = graphene.String()
    cycle_point = graphene.String()
    family = graphene.Boolean(description='True if it is a closed family.')
    ghost = graphene.Boolean(
        description='True if it is not in the n-window, so that nothing is'
        ' known of it but its place in the graph.'
    )


class GraphEdge(graphene.ObjectType):
    """An edge of the static graph."""

    class Meta:
        description = 'A dependency between two nodes.'

    source = graphene.ID()
    target = graphene.ID()
    suicide = graphene.Boolean()
    conditional = graphene.Boolean()


class StaticGraph(graphene.ObjectType):
    """The static graph."""

    class Meta:
        description = 'The graph as it is defined, between two cycle points.'

    start = graphene.String(description='The first point.')
    stop = graphene.String(description='The last point.')
    nodes = graphene.List(graphene.NonNull(GraphNode))
    edges = graphene.List(graphene.NonNull(GraphEdge))
    leaves = graphene.List(
        graphene.String, description='Tasks on which nothing depends.'
    )
    feet = graphene.List(
        graphene.String, description='Tasks which depend on nothing.'
    )


def resolve_graph(
    _root: Any,
    info: GraphQLResolveInfo,
    start: str,
    stop: str | None = None,
    workflow: str | None = None,
    **grouping: Any,
) -> StaticGraph | None:
    """Have the scheduler expand the graph, and close families in it."""
    flow = info.context['resolvers'].flow_of(workflow)
    if flow is None:
        return None
    try:
        return _static_graph(flow, start, stop, grouping)
    except RequestError as exc:
        raise of_request(exc) from exc


def _static_graph(
    flow: Workflow, start: str, stop: str | None, grouping: dict[str, Any]
) -> StaticGraph:
    if stop is not None:
        validate.text('stop', stop)
    raw = flow.commands.graph(validate.text('start', start), stop)
    definition = flow.store.side.definition
    closed = Grouping.of(definition, **grouping)
    edges, names = _edges(raw, closed.outermost(definition))
    families = definition.first_parent_descendants
    prefix = f'{flow.store.workflow.id}//'
    known = flow.store.task_proxies, flow.store.family_proxies
    return StaticGraph(
        start=raw.start,
        stop=raw.stop,
        nodes=[
            GraphNode(
                id=f'{prefix}{point}/{name}', name=name, cycle_point=point,
                family=name in families,
                ghost=not any(f'{prefix}{point}/{name}' in ids
                              for ids in known),
            ) for name, point in names
        ],
        edges=[
            GraphEdge(
                source=f'{prefix}{source.point}/{source.name}',
                target=f'{prefix}{target.point}/{target.name}',
                suicide=suicide, conditional=conditional,
            ) for source, target, suicide, conditional in edges
        ],
        leaves=definition.leaves,
        feet=definition.feet,
    )


def _edges(raw: RawGraph, family_of: dict[str, str]) -> tuple[Any, Any]:
    """Return each edge and each node once, families in place of members."""
    def closed(node: Any) -> Any:
        return node._replace(name=family_of.get(node.name, node.name))

    edges: dict[Any, None] = {}
    nodes: dict[Any, None] = {}
    for edge in raw.edges:
        source = closed(edge.left)
        nodes[source] = None
        if edge.right is None:
            continue
        target = closed(edge.right)
        nodes[target] = None
        if source != target:
            edges[source, target, edge.suicide, edge.conditional] = None
    return list(edges), list(nodes)


class GraphQuery:
    """The field of the query root."""

    graph = graphene.Field(
        StaticGraph,
        description='The graph as it is defined, between two cycle points;'
        ' the scheduler expands it.',
        start=graphene.String(
            required=True, description='The first cycle point.'
        ),
        stop=graphene.String(
            description='The last cycle point; by default, a few after.'
        ),
        workflow=graphene.ID(description='Where there are several.'),
        group=graphene.List(
            graphene.NonNull(graphene.String),
            description='Families to close into one node each.',
        ),
        ungroup=graphene.List(
            graphene.NonNull(graphene.String),
            description='Families to leave open, with `groupAll`.',
        ),
        group_all=graphene.Boolean(description='Close all families.'),
        resolver=resolve_graph,
    )
