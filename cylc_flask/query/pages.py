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
"""Long lists in pages, by Relay's connections, beside the plain lists.

A cursor is the id of an element, so that a page begins where the last one
has ended though elements have come and gone in between.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable

import graphene
from graphene import relay

from cylc.flow.network import schema as cylc
from cylc_flask.query.errors import Code, error

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

ARGUMENTS = {
    'first': graphene.Int(description='So many, from the beginning.'),
    'after': graphene.String(description='Those that follow this cursor.'),
    'last': graphene.Int(description='So many, from the end.'),
    'before': graphene.String(description='Those that precede this cursor.'),
}


def _connection(kind: Any) -> Any:
    """Return the type for pages of a type."""
    class Connection(relay.Connection):
        class Meta:
            node = kind
            name = f'{kind.__name__}Connection'
            description = f'A page of a list of `{kind.__name__}`.'

        total_count = graphene.Int(
            required=True, description='How many there are on all pages.'
        )
        nodes = graphene.List(
            kind, description='The elements, without their cursors.'
        )
    return Connection


def _resolver(
    listed: Callable[..., Any], node: Any, connection: Any
) -> Callable[..., Any]:
    """Return what finds a page of what another resolver lists."""
    async def resolve(
        _root: Any,
        info: GraphQLResolveInfo,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        **args: Any,
    ) -> Any:
        # Cylc's resolvers look there what they are to find.
        kind: Any = info.schema.get_type(node.__name__)
        found = await listed(None, info._replace(return_type=kind), **args)
        return _page(connection, found, first, after, last, before)
    return resolve


def _page(
    connection: Any,
    elements: Sequence[Any],
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> Any:
    """Return a page, as Relay's specification says which."""
    for name, number in (('first', first), ('last', last)):
        if number is not None and number < 0:
            raise error(Code.INPUT, f'{name} must not be negative: {number}')
    start, stop = 0, len(elements)
    if after is not None:
        start = _find(elements, 'after', after) + 1
    if before is not None:
        stop = _find(elements, 'before', before)
    low, high = start, max(start, stop)
    if first is not None:
        high = min(high, low + first)
    if last is not None:
        low = max(low, high - last)
    nodes = elements[low:high]
    edges = [
        connection.Edge(node=node, cursor=_cursor(node)) for node in nodes
    ]
    return connection(
        edges=edges,
        nodes=nodes,
        total_count=len(elements),
        page_info=relay.PageInfo(
            has_previous_page=low > 0,
            has_next_page=high < len(elements),
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )


def _cursor(element: Any) -> str:
    return b64encode(element.id.encode()).decode()


def _find(elements: Sequence[Any], name: str, cursor: str) -> int:
    """Return where the element of a cursor is."""
    try:
        id_ = b64decode(cursor, validate=True).decode()
    except ValueError as exc:
        raise error(
            Code.INPUT, f'{name} is no cursor: {cursor!r:.80}'
        ) from exc
    for index, element in enumerate(elements):
        if element.id == id_:
            return index
    raise error(
        Code.INPUT, f'{name}: {id_!r:.200} is there no more; begin again.'
    )


def _field(node: Any, listed: Any, args: dict[str, Any]) -> Any:
    connection = _connection(node)
    return graphene.Field(
        connection,
        description=f'{node._meta.description} In pages.',
        args={**args, **ARGUMENTS},
        resolver=_resolver(listed, node, connection),
    )


class PageQuery:
    """The fields of the query root."""

    tasks_connection = _field(
        cylc.Task, cylc.get_nodes_all, cylc.ALL_DEF_ARGS
    )
    task_proxies_connection = _field(
        cylc.TaskProxy, cylc.get_nodes_all, cylc.ALL_PROXY_ARGS
    )
    jobs_connection = _field(
        cylc.Job, cylc.get_nodes_all, cylc.ALL_JOB_ARGS
    )
    edges_connection = _field(
        cylc.Edge, cylc.get_edges_all, cylc.ALL_EDGE_ARGS
    )
