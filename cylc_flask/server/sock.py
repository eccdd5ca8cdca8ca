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
"""What flask-sock takes for the socket of a connection, made safe.

simple-websocket reads in a greenlet of its own, sends as if each send were
whole, and closes what it thinks is its own socket. Here it meets an object
that looks like one: the connection stays with its handler, which alone ends
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BufferedReader, BytesIO
from typing import TYPE_CHECKING, Any, Callable

from gevent import Greenlet
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from cylc_flask.server.wire import TooLate, Wire

if TYPE_CHECKING:
    from simple_websocket import Server

#: How much (bytes) is read at once: no less than a TLS record holds, since
#: nobody can see from outside what is left inside.
CHUNK = 16384

#: Parts up to this size (bytes) are sent in one piece.
JOINED = 65536


class Inbox(list[Any]):
    """Messages that have come, of which the view has to take the last one
    before more are read: a client cannot fill the memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self.empty = Event()
        self.empty.set()

    def append(self, item: Any) -> None:
        """Take a message from the reader."""
        super().append(item)
        self.empty.clear()

    def pop(self, index: Any = -1) -> Any:
        """Give a message to the view."""
        item = super().pop(index)
        if not self:
            self.empty.set()
        return item


def joined(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield some bytes in fewer parts: each costs a system call.

    Examples:
        >>> list(joined([b'head', b'body', b'tail']))
        [b'headbodytail']
        >>> [len(part) for part in joined([b'head', bytes(JOINED), b'tail'])]
        [4, 65536, 4]
    """
    few: list[bytes] = []
    size = 0
    for part in parts:
        if few and size + len(part) > JOINED:
            yield b''.join(few)
            few, size = [], 0
        few.append(part)
        size += len(part)
    yield b''.join(few)


class Socket:
    """A connection that may become a WebSocket.

    Args:
        wire: The connection.
        rfile: What reads from it, and may have read too much already.
        seconds: How long the client may take nothing at all.
    """

    def __init__(
        self, wire: Wire, rfile: BufferedReader[Wire], seconds: float
    ) -> None:
        self._wire = wire
        self._rfile = rfile
        self._seconds = seconds
        self._lock = BoundedSemaphore(1)
        self._early = b''
        self._unsent = b''
        self._reader: Greenlet | None = None
        self._inbox = Inbox()
        #: True as soon as it is one.
        self.used = False
        #: True once nothing can be sent any more.
        self.broken = False
        #: How many bytes have been sent.
        self.sent = 0

    # What simple-websocket calls

    def dup(self) -> None:
        """Refuse: there is one owner."""
        raise NotImplementedError

    def send(self, data: bytes) -> int:
        """Send all of it."""
        self.write(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        """Wait for what the client sends; nothing means that it has gone."""
        self._inbox.empty.wait()
        if self._early:
            data, self._early = self._early[:size], self._early[size:]
            return data
        try:
            return self._wire.receive(size)
        except AssertionError as exc:
            # TLS wants to write in order to read, while somebody writes.
            raise OSError(str(exc)) from exc

    def close(self) -> None:
        """Do nothing: the reader has ended, not the connection."""

    # What others call

    def write(self, *parts: bytes) -> None:
        """Send all of some bytes, with nothing of others in between.

        Whoever sends much lets others go first.

        Raises:
            OSError: The client has gone, or does not take it.
        """
        with self._lock:
            if self.broken:
                raise BrokenPipeError
            if not self.used:
                self._begin()
            if self._unsent:
                parts, self._unsent = (self._unsent, *parts), b''
            try:
                for part in joined(parts):
                    self._wire.push(part, self._seconds)
                    self.sent += len(part)
            except BaseException:
                self.broken = True
                raise
        self._wire.share()

    @property
    def is_behind(self) -> bool:
        """Return True if there is a rest to write, or no way to."""
        return self.broken or bool(self._unsent)

    @property
    def is_free(self) -> bool:
        """Return True if something can be written now."""
        return self.used and not (
            self.broken or self._unsent or self._lock.locked())

    def write_now(self, data: bytes) -> bool:
        """Send something without waiting, where it `is_free`.

        Returns:
            Whether all of it went. The rest goes before what is written
            next, be that nothing.
        """
        try:
            count = self._wire.push_now(data)
        except OSError:
            self.broken = True
            return False
        self.sent += count
        self._unsent = data[count:]
        return not self._unsent

    def read(self, target: Callable[[], None]) -> Greenlet:
        """Return the greenlet that reads, not yet started."""
        websocket: Server = target.__self__  # type: ignore[attr-defined]
        websocket.input_buffer = self._inbox
        self._reader = Greenlet(target)
        return self._reader

    def finish(self) -> None:
        """End the reader, and let the client take the last words."""
        if self._reader is not None:
            self._reader.kill()
        if not self.broken:
            self.broken = True
            self._wire.linger()

    def _begin(self) -> None:
        """Be a WebSocket from now on."""
        self.used = True
        self._wire.expect(0)
        with suppress(TooLate):  # nothing has been read too early
            self._early = self._rfile.read1()
        self._wire.hold()


class Body(BytesIO):
    """An empty body, by which simple-websocket finds the socket."""

    def __init__(self, socket: Socket) -> None:
        super().__init__()
        self._sock = socket

    @property
    def raw(self) -> Body:
        """Return what has a `_sock`."""
        return self


def make_reader(target: Callable[[], None]) -> Greenlet:
    """Return a greenlet for simple-websocket, in place of a thread."""
    socket: Socket = target.__self__.sock  # type: ignore[attr-defined]
    return socket.read(target)


#: What flask-sock shall use.
OPTIONS = {
    'thread_class': make_reader,
    'event_class': Event,
    'receive_bytes': CHUNK,
}


def offer(
    environ: dict[str, Any],
    wire: Wire,
    rfile: BufferedReader[Wire],
    seconds: float,
) -> Socket | None:
    """Let the application make a WebSocket of a connection, if asked for.

    Compression is not offered: it takes three times the memory for each
    client, and a small message could become a large one.
    """
    if (
        environ.get('HTTP_UPGRADE', '').lower() != 'websocket'
        or environ['REQUEST_METHOD'] != 'GET'
        or 'CONTENT_LENGTH' in environ
    ):
        return None
    socket = Socket(wire, rfile, seconds)
    environ.pop('HTTP_SEC_WEBSOCKET_EXTENSIONS', None)
    environ['SERVER_SOFTWARE'] = 'gevent'
    environ['wsgi.input'] = Body(socket)
    return socket
