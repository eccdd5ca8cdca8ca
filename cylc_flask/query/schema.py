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
"""cylc-flow's schema, and what ours has beyond it.

Every type, field, argument and description of cylc-flow's stays as it is, so
that the official GUI and all of Cylc 8's queries work.
"""

from __future__ import annotations

from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Callable

import graphene
from graphene.utils.str_converters import to_snake_case
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
)

from cylc.flow.network import schema as cylc
from cylc_flask.coroutines import drive
from cylc_flask.errors import RequestError
from cylc_flask.query import commands, graph, pages

#: How many items a list may have by which elements are chosen, how long
#: (characters) a text, and how many brackets. Cylc compares each with each,
#: and what it makes of patterns takes time by the square of their brackets.
MAX_ITEMS = 1_000
MAX_TEXT = 1_000
MAX_BRACKETS = 50

#: How many fields elements may be sorted by: each element gets a list of them.
MAX_KEYS = 20


class Queries(
    cylc.Queries, commands.CommandQuery, graph.GraphQuery, pages.PageQuery
):
    """What can be asked."""

    class Meta:
        description = cylc.Queries._meta.description


class Subscriptions(cylc.Subscriptions, commands.CommandQuery):
    """What can be followed."""

    class Meta:
        description = cylc.Subscriptions._meta.description


def make_schema(
    queries: Any = Queries, mutations: Any = cylc.Mutations
) -> GraphQLSchema:
    """Return the schema; its resolvers run to their end when called.

    Args:
        queries: What can be asked.
        mutations: What can be commanded.
    """
    made = graphene.Schema(
        query=queries, mutation=mutations, subscription=Subscriptions,
    )
    schema: GraphQLSchema = made.graphql_schema
    assert schema.subscription_type is not None
    for name, field in schema.subscription_type.fields.items():
        if resolve := cylc.SUB_RESOLVERS.get(to_snake_case(name)):
            field.resolve = _rooted(resolve)
    for found in schema.type_map.values():
        if isinstance(found, GraphQLObjectType):
            for field in found.fields.values():
                _drive(field)
                if found is schema.mutation_type:
                    _bound_workflows(field)
                else:
                    _tolerate(field)
    return schema


def _rooted(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Have the field of a subscription look into the delta by itself."""
    @wraps(resolve)
    async def resolve_root(_root: Any, info: Any, **args: Any) -> Any:
        return await resolve(None, info, **args)
    return resolve_root


def _drive(field: GraphQLField) -> None:
    """Have a field resolved by a function in place of a coroutine."""
    if field.resolve is not None and iscoroutinefunction(field.resolve):
        field.resolve = _driven(field.resolve)


def _driven(resolve: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(resolve)
    def resolve_now(*args: Any, **kwargs: Any) -> Any:
        return drive(resolve(*args, **kwargs))
    return resolve_now


def _tolerate(field: GraphQLField) -> None:
    """Have null mean what is left out, which Cylc's resolvers do not know.

    An object with a null in it is left out as a whole.
    """
    resolve = field.resolve
    if resolve is None or not field.args:
        return

    @wraps(resolve)
    def resolve_without_nulls(root: Any, info: Any, **args: Any) -> Any:
        return resolve(root, info, **without_nulls(field, args))
    field.resolve = resolve_without_nulls


def without_nulls(field: GraphQLField, args: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a field as Cylc's resolvers know them.

    Raises:
        RequestError: One of them is too much.
    """
    defaults = {
        argument.out_name or name: None
        if argument.default_value is Undefined else argument.default_value
        for name, argument in field.args.items()
    }
    for name, value in args.items():
        _check_size(name, value)
        if value is None:
            args[name] = defaults.get(name)
        elif isinstance(value, list) and None in value:
            args[name] = [item for item in value if item is not None]
        elif isinstance(value, dict) and None in value.values():
            args[name] = defaults.get(name)
    return args


def _bound_workflows(field: GraphQLField) -> None:
    """Have a mutation refuse more workflows than can be looked for."""
    resolve: Callable[..., Any] = field.resolve or (lambda *_, **__: None)

    @wraps(resolve)
    def resolve_bound(root: Any, info: Any, **args: Any) -> Any:
        _check_size('workflows', args.get('workflows'))
        return resolve(root, info, **args)
    field.resolve = resolve_bound


def _check_size(name: str, value: Any) -> None:
    """Refuse an argument that is too much to compare elements with.

    Raises:
        RequestError: It is.
    """
    most = MAX_ITEMS
    if isinstance(value, dict):
        value, most = value.get('keys'), MAX_KEYS
    items = value if isinstance(value, list) else [value]
    if len(items) > most:
        raise RequestError(
            f'{name} has {len(items)} items, which is more than {most}'
        )
    for item in items:
        if isinstance(item, str) and (
            len(item) > MAX_TEXT or item.count('[') > MAX_BRACKETS
        ):
            raise RequestError(
                f'{name} has a text of {len(item)} characters: at most'
                f' {MAX_TEXT}, with {MAX_BRACKETS} brackets'
            )
