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
"""Commands by Cylc's own network protocol, for schedulers without our plugin.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from cylc_flask.hub.links.trouble import Declined, LinkFault, NoAnswer, NotSent
from cylc_flask.hub.links.zmqsockets import Requests, connect, located
from cylc_flask.hub.relay import mutate
from cylc_flask.hub.relay.outcomes import Outcomes
from cylc_flask.hub.relay.relay import ENDED

if TYPE_CHECKING:
    import zmq.asyncio

    from cylc_flask.hub.relay.calls import Settle
    from cylc_flask.hub.runs.contact import Contact
    from cylc_flask.hub.runs.scan import Found

#: Seconds after which a connection is given up that nobody uses.
IDLE = 60.0

#: Seconds to wait for an answer.
PATIENCE = 40.0


class ZmqCalls:
    """A connection for commands.

    Args:
        found: The workflow.
        contact: Where its scheduler is.
        context: What sockets belong to.
        settle: Told of outcomes.
    """

    #: What Cylc's protocol has a way for.
    METHODS = frozenset({
        'submit', 'put_messages', 'put_ext_trigger', 'broadcast',
        'set_graph_window_extent',
    })

    def __init__(
        self,
        found: Found,
        contact: Contact,
        context: zmq.asyncio.Context,
        settle: Settle,
    ) -> None:
        self._contact = contact
        self._context = context
        self._client: Requests | None = None
        self._lock = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._outcomes = Outcomes(found.run_dir, settle)
        self._closed = False

    async def ask(
        self, method: str, user: str, arguments: dict[str, Any]
    ) -> Any:
        """Return what a method of `Commands` returns there.

        Raises:
            NotSent: It was not asked.
            NoAnswer: It was, and nobody knows how it went.
            Declined: It has an error for an answer, or there is no way.
        """
        if method not in self.METHODS:
            raise Declined(
                'This needs the web server in the scheduler: play the'
                ' workflow with --main-loop=flask.', 'unavailable')
        if method == 'submit':
            return await self._submit(user, arguments)
        command, given = mutate.direct(method, arguments)
        return mutate.result_of(
            method, await self._mutate(command, user, given))

    async def close(self) -> list[str]:
        """End the connection; return the commands without an outcome."""
        self._closed = True
        self._drop()
        return await self._outcomes.close()

    async def _submit(self, user: str, arguments: dict[str, Any]) -> Any:
        place = await self._outcomes.mark()
        response = await self._mutate(
            arguments['command'], user, arguments['arguments'])
        ticket = mutate.ticket_of(response)
        self._outcomes.watch(ticket, place)
        return {'ticket': ticket, 'state': 'queued', 'warnings': 0, 'text': ''}

    async def _mutate(
        self, command: str, user: str, arguments: dict[str, Any]
    ) -> Any:
        """Return the response to a mutation."""
        owner, name = self._contact.owner, self._contact.workflow
        text, variables, field = mutate.document(
            command, f'~{owner}/{name}', arguments)
        async with self._lock:
            client = await self._connect()
            try:
                data = await client.ask(
                    'graphql', PATIENCE, user,
                    request_string=text, variables=variables,
                )
            except (NoAnswer, asyncio.CancelledError):
                self._drop()
                raise
        return mutate.response_of(data, field)

    async def _connect(self) -> Requests:
        if self._client is None:
            try:
                contact = await located(self._contact)
                if self._closed:
                    raise NotSent(ENDED)
                self._client = connect(contact, self._context)
            except LinkFault as exc:
                raise NotSent(str(exc)) from exc
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(
            IDLE, self._leave)
        return self._client

    def _leave(self) -> None:
        if not self._lock.locked():
            self._drop()

    def _drop(self) -> None:
        """End the connection, which may be of no use any more."""
        if self._idle is not None:
            self._idle.cancel()
        if self._client is not None:
            self._client.close()
        self._client = self._idle = None
