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
"""Clients of WebSockets that follow a workflow, many in one process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
import json
import selectors
import time
from typing import Any

from websocket import create_connection

from benchmarks.peers import UISERVER, HttpAsker

#: How long (seconds) viewers wait for what must come.
PATIENCE = 300

#: How our servers and cylc-uiserver are followed: the protocol, and what
#: starts an operation.
OUR_WAY = 'graphql-transport-ws', 'subscribe'
THEIR_WAY = 'graphql-ws', 'start'

PING, CLOSE = 0x89, 0x88


class Viewer:
    """A client that follows.

    Args:
        server: Whom.
    """

    def __init__(self, server: HttpAsker) -> None:
        protocol, self._start = (
            THEIR_WAY if server.name == UISERVER else OUR_WAY)
        path = server.path.replace('graphql', 'subscriptions')
        login = server.headers['Authorization']
        self.raw = create_connection(
            f'ws://127.0.0.1:{server.port}{path}', timeout=PATIENCE,
            subprotocols=[protocol], header=[f'Authorization: {login}'],
            suppress_origin=True, http_no_proxy=['*'],
        )
        self.raw.send('{"type": "connection_init", "payload": {}}')
        while 'connection_ack' not in self.raw.recv():
            pass
        self._buffer = bytearray()
        #: How many messages with data have come, and their bytes.
        self.messages = self.bytes = 0

    def follow(self, query: str, **variables: Any) -> None:
        """Begin to follow."""
        self.raw.send(json.dumps({
            'id': '1', 'type': self._start,
            'payload': {'query': query, 'variables': variables},
        }))
        self.raw.sock.setblocking(False)

    def read(self) -> None:
        """Take what has come.

        Raises:
            AssertionError: It is an error.
        """
        data = self.raw.sock.recv(1 << 20)
        assert data, 'the server has hung up'
        self._buffer += data
        while (end := end_of_frame(self._buffer)) is not None:
            frame = bytes(self._buffer[:end])
            del self._buffer[:end]
            assert b'"errors"' not in frame[:200], frame[:1000]
            assert frame[0] != CLOSE, frame
            if frame[0] == PING:
                self.raw.pong(frame[2:])
            elif b'"deltas"' in frame[:500]:
                self.messages += 1
                self.bytes += end


def end_of_frame(data: bytes | bytearray) -> int | None:
    """Return where the first frame ends, None if it is not whole."""
    if len(data) < 2:
        return None
    length, start = data[1], 2
    if length >= 126:
        start = 4 if length == 126 else 10
        length = int.from_bytes(data[2:start], 'big')
    end = start + length
    return end if len(data) >= end else None


@contextmanager
def viewers(server: HttpAsker, number: int) -> Iterator[list[Viewer]]:
    """Connect some viewers, and hang up in the end."""
    found: list[Viewer] = []
    try:
        for _ in range(number):
            found.append(Viewer(server))
        yield found
    finally:
        for viewer in found:
            viewer.raw.shutdown()


def await_messages(
    viewers: Sequence[Viewer], messages: int, settling: float = 0.0
) -> float:
    """Wait until each viewer has so many messages.

    Args:
        viewers: Who.
        messages: How many in all.
        settling: How long (seconds) to go on reading after that.

    Returns:
        When (by the performance counter) the last of them had them.

    Raises:
        AssertionError: Not in time.
    """
    done, end = 0.0, time.perf_counter() + PATIENCE
    with selectors.DefaultSelector() as selector:
        for viewer in viewers:
            selector.register(
                viewer.raw.sock, selectors.EVENT_READ, viewer)
        while (left := end - time.perf_counter()) > 0:
            for key, _ in selector.select(min(left, 0.2)):
                key.data.read()
            if not done and all(
                viewer.messages >= messages for viewer in viewers
            ):
                done = time.perf_counter()
                end = done + settling
    assert done, 'what must come has not come'
    return done
