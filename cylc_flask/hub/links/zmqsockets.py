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
"""Cylc's own client and subscriber, as an event loop needs them.

Theirs wait in ways that stop all others of the loop; their connections and
messages are the same here.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
import socket
from typing import TYPE_CHECKING, Any

import zmq

from cylc.flow.exceptions import CylcError
from cylc.flow.network import ZMQSocketBase, deserialize, serialize
from cylc.flow.network.client import WorkflowRuntimeClient
from cylc.flow.network.server import PB_METHOD_MAP
from cylc.flow.network.subscriber import WorkflowSubscriber
from cylc_flask.hub.links.trouble import Declined, LinkFault, NoAnswer

if TYPE_CHECKING:
    import zmq.asyncio

    from cylc_flask.hub.runs.contact import Contact

#: No message is longer than that of a store with a hundred thousand tasks.
MOST_BYTES = 268_435_456

#: Deltas that may wait here; more than that are lost, which shows.
MOST_MESSAGES = 1_000

#: Seconds to look up where a host is.
LOOKUP = 10.0

#: Seconds within which a scheduler answers, were it busy.
PATIENCE = 30.0


class Careful(ZMQSocketBase):
    """Leaves no socket behind where there are no keys for it."""

    def _socket_connect(self, *args: Any) -> None:
        try:
            super()._socket_connect(*args)  # type: ignore[no-untyped-call]
        except BaseException:
            if self.socket is not None:
                self.socket.close(linger=0)
            raise


class Requests(Careful, WorkflowRuntimeClient):  # type: ignore[misc]
    """Sends requests, one at a time."""

    def __init__(
        self, contact: Contact, context: zmq.asyncio.Context
    ) -> None:
        self._lock = asyncio.Lock()
        super().__init__(
            contact.workflow, contact.host, contact.port,
            scheduler_version=contact.version, context=context,
        )

    def _socket_options(self) -> None:
        super()._socket_options()  # type: ignore[no-untyped-call]
        self.socket.setsockopt(zmq.MAXMSGSIZE, MOST_BYTES)
        self.socket.setsockopt(zmq.LINGER, 0)

    async def ask(
        self,
        command: str,
        patience: float = PATIENCE,
        user: str = '',
        **arguments: Any,
    ) -> Any:
        """Return what a scheduler answers; after a fault this is of no use.

        Raises:
            NoAnswer: It does not, in time.
            Declined: That is an error.
        """
        header: dict[str, Any] = self.header
        meta = {**header['meta'], **({'auth_user': user} if user else {})}
        message = serialize(
            {'command': command, 'args': arguments, 'meta': meta})
        async with self._lock:
            try:
                async with asyncio.timeout(patience):
                    await self.socket.send_string(message)
                    answer: bytes = await self.socket.recv()
            except TimeoutError as exc:
                raise NoAnswer('its scheduler does not answer') from exc
            except zmq.ZMQError as exc:
                raise NoAnswer(f'its scheduler: {exc}') from exc
        if command in PB_METHOD_MAP:
            return answer
        return _data(answer)

    def close(self) -> None:
        """End the connection."""
        self.stop(stop_loop=False)  # type: ignore[no-untyped-call]


class Deltas(Careful, WorkflowSubscriber):
    """Receives what a scheduler publishes."""

    def __init__(
        self,
        contact: Contact,
        context: zmq.asyncio.Context,
        topics: set[bytes],
    ) -> None:
        super().__init__(
            contact.workflow, contact.host, contact.publish_port,
            context=context, topics=topics,
        )

    def _socket_options(self) -> None:
        super()._socket_options()
        self.socket.setsockopt(zmq.MAXMSGSIZE, MOST_BYTES)
        self.socket.setsockopt(zmq.RCVHWM, MOST_MESSAGES)
        self.socket.setsockopt(zmq.LINGER, 0)

    async def receive(self, patience: float) -> tuple[bytes, bytes]:
        """Return the next topic and message.

        Raises:
            TimeoutError: There is none in time.
            LinkFault: It makes no sense.
        """
        async with asyncio.timeout(patience):
            try:
                topic, message = await self.socket.recv_multipart()
            except (ValueError, zmq.ZMQError) as exc:
                raise LinkFault(f'its publisher: {exc}') from exc
        return topic, message

    def close(self) -> None:
        """End the connection."""
        self.stop(stop_loop=False)  # type: ignore[no-untyped-call]


async def located(contact: Contact) -> Contact:
    """Return a contact with the address of its host in place of the name.

    ZeroMQ would look names up in the one thread that all connections share,
    again and again, were it for those which nobody knows.

    Raises:
        LinkFault: There is no such host.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKUP):
            found = await loop.getaddrinfo(
                contact.host, contact.port, family=socket.AF_INET)
    except OSError as exc:
        raise LinkFault(
            f'its host {contact.host} is not found: {exc}') from exc
    return replace(contact, host=str(found[0][4][0]))


def connect(
    contact: Contact, context: zmq.asyncio.Context
) -> Requests:
    """Return a client.

    Raises:
        LinkFault: There are no keys for it.
    """
    try:
        return Requests(contact, context)
    except (CylcError, OSError, zmq.ZMQError) as exc:
        raise LinkFault(str(exc)) from exc


def subscribe(
    contact: Contact, context: zmq.asyncio.Context, topics: set[bytes]
) -> Deltas:
    """Return a subscriber.

    Raises:
        LinkFault: There are no keys for it.
    """
    try:
        return Deltas(contact, context, topics)
    except (CylcError, OSError, zmq.ZMQError) as exc:
        raise LinkFault(str(exc)) from exc


def _data(answer: bytes) -> Any:
    try:
        response = deserialize(answer.decode())
    except (ValueError, RecursionError) as exc:
        raise Declined('its scheduler answers what is no JSON') from exc
    if not isinstance(response, dict) or 'data' not in response:
        error = isinstance(response, dict) and response.get('error')
        if isinstance(error, dict):
            error = error.get('message')
        raise Declined(str(error or 'its scheduler answers with nothing'))
    return response['data']
