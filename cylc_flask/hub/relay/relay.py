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
"""Commands by way of the web server of a scheduler.

It is connected to at the first command, and left when there is nothing to
say for a while. Outcomes that are outstanding when a connection breaks are
asked for on the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State as Socket

from cylc_flask.commands import State
from cylc_flask.hub.links.sockets import leave, open_socket
from cylc_flask.hub.links.trouble import Declined, LinkFault, NoAnswer, NotSent
from cylc_flask.replica.encode import dump

if TYPE_CHECKING:
    from cylc_flask.address import Info
    from cylc_flask.hub.relay.calls import Settle
    from cylc_flask.hub.runs.scan import Found

PATH = '/relay'
PROTOCOL = 'cylc-relay'

#: Seconds of silence after which a connection is given up.
IDLE = 60.0

#: Seconds to wait for an answer: longer than the other side does.
PATIENCE = 40.0

#: Seconds until outcomes are asked for again.
AGAIN = 2.0

UNKNOWN = 'the answer of its web server makes no sense'
ENDED = 'its scheduler is followed no more'


class Asked(NamedTuple):
    """A request, and where its answer comes from and goes."""

    method: str
    socket: ClientConnection
    answer: asyncio.Future[Any]


class Relay:
    """A connection for commands.

    Args:
        found: The workflow, with a web server.
        settle: Told of outcomes.
    """

    def __init__(self, found: Found, settle: Settle) -> None:
        assert found.http is not None
        self._info = found.http
        self._run_dir = found.run_dir
        self._settle = settle
        self._socket: ClientConnection | None = None
        self._opening = asyncio.Lock()
        self._numbers = count(1)
        self._pending: dict[int, Asked] = {}
        #: Commands whose outcome is still to come.
        self._tickets: dict[str, None] = {}
        #: Whether some of these may not be told of, if nobody asks.
        self._is_behind = False
        self._asks_again = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def aim(self, info: Info) -> None:
        """Go on at another address of the same run, if it is another."""
        if info != self._info:
            self._info, self._socket = info, None
            self._recall()

    async def ask(
        self, method: str, user: str, arguments: dict[str, Any]
    ) -> Any:
        """Return what a method returns there.

        Raises:
            NotSent: It was not asked.
            NoAnswer: It was, and nobody knows how it went.
            Declined: It has an error for an answer.
        """
        socket = await self._connect()
        number = next(self._numbers)
        answer = asyncio.get_running_loop().create_future()
        self._pending[number] = Asked(method, socket, answer)
        message = dump({
            'id': number, 'method': method, 'user': user,
            'arguments': arguments,
        })
        try:
            async with asyncio.timeout(PATIENCE):
                await socket.send(message, text=True)
                return await answer
        except TimeoutError as exc:
            raise NoAnswer('its web server does not answer') from exc
        except ConnectionClosed as exc:
            raise NoAnswer(f'its web server has gone: {exc}') from exc
        finally:
            self._pending.pop(number, None)

    async def close(self) -> list[str]:
        """End the connection; return the commands without an outcome."""
        self._closed = True
        self._give_up([*self._pending.values()], ENDED)
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            await leave(self._socket)
        left, self._tickets = [*self._tickets], {}
        return left

    async def _connect(self) -> ClientConnection:
        async with self._opening:
            socket = self._socket
            if socket is None or socket.state is not Socket.OPEN:
                socket = self._socket = await self._open()
                self._begin(self._listen(socket))
            return socket

    async def _open(self) -> ClientConnection:
        try:
            socket = await open_socket(
                self._info, self._run_dir, PATH, PROTOCOL)
        except LinkFault as exc:
            raise NotSent(str(exc)) from exc
        if self._closed:
            await leave(socket)
            raise NotSent(ENDED)
        return socket

    def _begin(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, socket: ClientConnection) -> None:
        """Take what comes, until the end or a long silence."""
        try:
            await self._hear(socket)
        except ConnectionClosed as exc:
            self._lose(socket, f'its web server has gone: {exc}')
        except (ValueError, KeyError, TypeError):
            self._lose(socket, UNKNOWN)
        finally:
            await leave(socket)

    async def _hear(self, socket: ClientConnection) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE):
                    message = await socket.recv()
            except TimeoutError:
                if not (self._pending or self._tickets):
                    return
            else:
                self._take(message)

    def _take(self, message: str | bytes) -> None:
        said = orjson.loads(message)
        if 'ticket' in said:
            self._note(said)
            return
        asked = self._pending.get(said['id'])
        if asked is None or asked.answer.done():
            return
        if 'error' in said:
            error = said['error']
            asked.answer.set_exception(Declined(
                str(error['text']), str(error['kind']),
                int(error['status']),
            ))
            return
        result = said['result']
        if asked.method == 'submit':
            # Now: the outcome may be the next to be taken.
            self._note(result)
        asked.answer.set_result(result)

    def _lose(self, socket: ClientConnection, reason: str) -> None:
        """Expect nothing of a connection any more."""
        self._give_up([
            asked for asked in self._pending.values()
            if asked.socket is socket
        ], reason)
        self._recall()

    @staticmethod
    def _give_up(pending: list[Asked], reason: str) -> None:
        for asked in pending:
            if not asked.answer.done():
                asked.answer.set_exception(NoAnswer(reason))

    def _note(self, said: Any) -> None:
        """Take note of how far a command has come."""
        ticket, state = str(said['ticket']), State(said['state'])
        warnings, text = int(said['warnings']), str(said['text'])
        if state in (State.RECEIVED, State.QUEUED):
            self._tickets[ticket] = None
        else:
            self._tickets.pop(ticket, None)
            self._settle(ticket, state, warnings, text)

    def _recall(self) -> None:
        """Have it asked what has become of commands."""
        self._is_behind = True
        if not self._asks_again:
            self._asks_again = True
            self._begin(self._ask_again())

    async def _ask_again(self) -> None:
        """Ask for the outcomes that are outstanding."""
        while self._tickets and self._is_behind:
            await asyncio.sleep(AGAIN)
            self._is_behind = False
            try:
                for ticket in [*self._tickets]:
                    await self._find(ticket)
            except LinkFault:
                self._is_behind = True
        self._asks_again = False

    async def _find(self, ticket: str) -> None:
        found = await self.ask('find', '', {'ticket': ticket})
        with suppress(ValueError, KeyError, TypeError):
            self._note(found)
            return
        if ticket in self._tickets:
            del self._tickets[ticket]
            self._settle(
                ticket, State.DROPPED, 0,
                'Its outcome is not known: the web server has begun anew.')
