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
"""Follows a workflow by the feed of its web server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from cylc_flask.hub.links.sockets import leave, open_socket, passphrase_of
from cylc_flask.hub.links.trouble import Ended, LinkFault, OutOfStep
from cylc_flask.replica.decode import definition_of, side_of, split

if TYPE_CHECKING:
    from cylc_flask.hub.links.line import Line
    from cylc_flask.hub.runs.scan import Found
    from cylc_flask.replica.side import Definition, Side

KIND = 'feed'

PROTOCOL = 'cylc-feed.protobuf'

#: Seconds for the snapshot to come.
FIRST = 60


@dataclass
class Position:
    """How far a feed has been followed.

    Args:
        feed: Which one.
        sequence: The number of the last message.
        side: What is true beside it.
    """

    feed: str
    sequence: int
    side: Side


async def follow(line: Line, found: Found) -> None:
    """Follow the feed, for as long as it goes.

    Raises:
        LinkFault: It goes no more.
    """
    assert found.http is not None
    position = line.position
    query = {}
    if position is not None:
        query = {'feed': position.feed, 'since': str(position.sequence)}
    socket = await open_socket(
        found.http, found.run_dir, '/feed', PROTOCOL, query)
    try:
        passphrase = passphrase_of(found.run_dir)
        if position is not None:
            line.linked(KIND, passphrase)
        await _listen(line, socket, passphrase)
    except ConnectionClosed as exc:
        raise LinkFault(f'its feed has ended: {exc}') from exc
    finally:
        await leave(socket)


async def _listen(
    line: Line, socket: ClientConnection, passphrase: str
) -> None:
    if line.position is None:
        try:
            async with asyncio.timeout(FIRST):
                message = await socket.recv()
        except TimeoutError as exc:
            raise LinkFault('its feed does not begin') from exc
        line.linked(KIND, passphrase)
        await _take(line, message)
        del message
    async for message in socket:
        await _take(line, message)
    raise Ended('its feed has ended')


async def _take(line: Line, message: str | bytes) -> None:
    """Hand a message over."""
    if isinstance(message, str):
        raise OutOfStep('its feed sends text')
    try:
        head, payload = split(message)
        kind = head['type']
        if kind == 'end':
            raise Ended(str(head.get('reason')))
        feed, sequence = str(head['feed']), int(head['sequence'])
        position = line.position
        side = _side(head, position.side if position else None)
        if kind == 'snapshot':
            await line.load(payload, side)
            line.position = Position(feed, sequence, side)
            return
    except (ValueError, KeyError, TypeError) as exc:
        raise OutOfStep(f'its feed makes no sense: {exc!r:.200}') from exc
    if position is None or kind != 'delta' or (
        (feed, sequence) != (position.feed, position.sequence + 1)
    ):
        raise OutOfStep(f'its feed has {kind} {sequence:d} out of order')
    await line.apply(payload or None, side)
    # Not before: who is called away while there is no room gets it again.
    line.position = Position(feed, sequence, side)


def _side(head: dict[str, Any], last: Side | None) -> Side:
    """Return the side data of a message, the last ones if it has none.

    The definition stays the same object as long as no other comes.
    """
    definition: Definition
    if 'definition' in head:
        definition = definition_of(head['definition'])
    elif last is not None:
        definition = last.definition
    else:
        raise ValueError('there is no definition')
    if 'side' in head:
        return side_of(head['side'], definition)
    if last is None:
        raise ValueError('there are no side data')
    if definition is not last.definition:
        raise ValueError('a definition comes without side data')
    return last
