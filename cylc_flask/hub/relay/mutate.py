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
"""GraphQL mutations for Cylc's own network protocol."""

from __future__ import annotations

from typing import Any

from graphene.utils.str_converters import to_camel_case
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
)

from cylc.flow.network.schema import schema
from cylc_flask.hub.links.trouble import Declined, NoAnswer
from cylc_flask.operations import operation_of

#: What methods are called as commands, and how their arguments.
DIRECT = {
    'put_messages': 'put_messages',
    'put_ext_trigger': 'put_ext_trigger',
    'set_graph_window_extent': 'set_graph_window_extent',
    'broadcast': 'broadcast',
}
NAMES = {
    'event_id': 'id',
    'extent': 'n_edge_distance',
    'action': 'mode',
    'point_strings': 'cycle_points',
    'cancel_settings': 'settings',
}


def document(
    command: str, workflow: str, arguments: dict[str, Any]
) -> tuple[str, dict[str, Any], str]:
    """Return a mutation, its variables, and the name of its field.

    Args:
        command: Its name in cylc-flow.
        workflow: The id of the workflow.
        arguments: Those of the command, as for JSON.

    Raises:
        Declined: There is no such command, or not with such arguments.
    """
    name = to_camel_case(operation_of(command))
    field = _fields().get(name)
    if field is None:
        raise Declined(f'Cylc has no way to send "{command}".')
    types, given, variables = ['$workflows: [WorkflowID]!'], [
        'workflows: $workflows'], {'workflows': [workflow]}
    for key, value in arguments.items():
        argument = to_camel_case(key)
        if argument not in field.args:
            raise Declined(f'{command} has no argument "{key}" here.')
        kind = field.args[argument].type
        types.append(f'${argument}: {kind}')
        given.append(f'{argument}: ${argument}')
        variables[argument] = _value(kind, value)
    text = (
        f'mutation ({", ".join(types)}) {{'
        f' {name}({", ".join(given)}) {{ result }} }}'
    )
    return text, variables, name


def direct(
    method: str, arguments: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return which command a method of `Commands` is, and its arguments."""
    return DIRECT[method], {
        NAMES.get(name, name): value for name, value in arguments.items()
    }


def response_of(data: Any, field: str) -> Any:
    """Return the response for the workflow, out of an answer.

    Raises:
        NoAnswer: There is none.
    """
    try:
        (result,) = data[field]['result']
        return result['response']
    except (KeyError, TypeError, ValueError) as exc:
        raise NoAnswer('its scheduler answers something else') from exc


def ticket_of(response: Any) -> str:
    """Return the id of a command that is queued.

    Raises:
        Declined: It is not.
        NoAnswer: Nobody knows.
    """
    try:
        taken, text = response
    except (TypeError, ValueError) as exc:
        raise NoAnswer('its scheduler answers something else') from exc
    if not taken:
        raise Declined(str(text))
    return str(text)


def result_of(method: str, response: Any) -> Any:
    """Return what a method of `Commands` returns.

    Raises:
        Declined: It was not done.
        NoAnswer: Nobody knows.
    """
    if method == 'broadcast':
        if isinstance(response, dict):
            raise Declined(str(response.get('error')))
        return response
    ticket_of(response)
    return None


def _fields() -> dict[str, GraphQLField]:
    mutations: GraphQLObjectType = schema.graphql_schema.mutation_type
    fields: dict[str, GraphQLField] = mutations.fields
    return fields


def _value(kind: Any, value: Any) -> Any:
    """Return a value as a variable; those of enumerations go by name."""
    if isinstance(value, dict) and set(value) == {'value'}:
        value = value['value']
    named = get_named_type(kind)
    if value is None or not isinstance(named, GraphQLEnumType):
        return value
    for name, item in named.values.items():
        if value in (name, getattr(item.value, 'value', item.value)):
            return name
    raise Declined(f'{value!r:.80} is none of {", ".join(named.values)}.')
