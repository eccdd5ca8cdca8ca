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
"""Carries commands to one run of a workflow, and their outcome back.

In the thread of the links. What is sent is sent once: where nobody knows
what became of it, that is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from cylc_flask.commands import State
from cylc_flask.hub.links.trouble import NotSent
from cylc_flask.hub.relay.relay import ENDED, Relay
from cylc_flask.hub.relay.zmqcalls import ZmqCalls

if TYPE_CHECKING:
    from cylc_flask.hub.links.line import Line

#: Takes the outcome of a command: its id, state, warnings and text.
Settle = Callable[[str, State, int, str], None]

LOST = (
    'The connection to the scheduler has ended; whether the command was'
    ' carried out is not known.'
)


class Calls:
    """What can be asked of a scheduler, by whichever way there is.

    Args:
        line: The line to it.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._relay: Relay | None = None
        self._zmq: ZmqCalls | None = None
        self._closed = False
        #: Told of outcomes, in this thread.
        self.settle: Settle = lambda *outcome: None

    def aim(self) -> None:
        """Take note that the line is to another address of the same run."""
        if self._relay is not None and self._line.found.http is not None:
            self._relay.aim(self._line.found.http)

    async def ask(
        self, method: str, user: str, arguments: dict[str, Any]
    ) -> Any:
        """Return what a method of `Commands` returns there.

        Raises:
            NotSent: It was not asked.
            NoAnswer: It was, and nobody knows how it went.
            Declined: It has an error for an answer.
        """
        if self._closed:
            raise NotSent(ENDED)
        found = self._line.found
        if found.http is not None:
            if self._relay is None:
                self._relay = Relay(found, self._settled)
            try:
                return await self._relay.ask(method, user, arguments)
            except NotSent:
                # There is no way around a server that is read-only.
                if self._closed or found.http.read_only or (
                    method not in ZmqCalls.METHODS
                ):
                    raise
        if found.contact is None:
            raise NotSent('nobody knows where its scheduler is')
        if self._zmq is None:
            self._zmq = ZmqCalls(
                found, found.contact, self._line.links.context, self._settled)
        return await self._zmq.ask(method, user, arguments)

    async def close(self) -> None:
        """Tell what is known of all outcomes, and that no more will be."""
        self._closed = True
        for way in (self._relay, self._zmq):
            if way is not None:
                for ticket in await way.close():
                    self._settled(ticket, State.DROPPED, 0, LOST)

    def _settled(
        self, ticket: str, state: State, warnings: int, text: str
    ) -> None:
        self.settle(ticket, state, warnings, text)
