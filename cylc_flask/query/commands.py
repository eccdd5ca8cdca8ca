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
"""What became of a command: ``command(id)``, to ask for or to follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import graphene

from cylc_flask.commands import State, Ticket

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

    from cylc_flask.query.resolvers import Resolvers

CommandState = graphene.Enum(
    'CommandState', [(state.value, state.value) for state in State],
    description=lambda state: 'How far a command has come.'
    if state is None else None,
)


class Command(graphene.ObjectType):
    """A command, from its acceptance to its outcome."""

    class Meta:
        description = 'A command, from its acceptance to its outcome.'

    id = graphene.ID(description='As the mutation has returned it.')
    command = graphene.String(description='Its name, e.g. `hold`.')
    user = graphene.String(description='Who gave it.')
    time = graphene.Float(
        description='When it was accepted, in seconds since 1970.'
    )
    state = CommandState(description='How far it has come.')
    finished = graphene.Boolean(
        description='True if its state does not change any more.'
    )
    warnings = graphene.Int(
        description='How many warnings the scheduler gave.'
    )
    text = graphene.String(description='The warnings, or why it failed.')

    @staticmethod
    def resolve_state(ticket: Ticket, _: GraphQLResolveInfo) -> str:
        """Return the state under the name that the schema has for it."""
        return ticket.state.value


def resolve_command(
    root: Any, info: GraphQLResolveInfo, id: str
) -> Ticket | None:
    """Return the command that is asked for, or the one that is followed."""
    if isinstance(root, Ticket):
        return root
    resolvers: Resolvers = info.context['resolvers']
    return resolvers.ticket(id)


class CommandQuery:
    """The field of both roots, queries and subscriptions."""

    command = graphene.Field(
        Command,
        description='What became of a command; null if nobody gave it, or'
        ' long ago.',
        id=graphene.ID(
            required=True, description='As the mutation has returned it.'
        ),
        resolver=resolve_command,
    )
