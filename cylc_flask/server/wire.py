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
"""The socket of one connection: bounded in time, and fair to others."""

from __future__ import annotations

from contextlib import suppress
from io import RawIOBase
import socket as std_socket
import struct
from time import monotonic
from typing import TYPE_CHECKING, Any

import gevent
from gevent.ssl import (
    OP_NO_RENEGOTIATION,
    PROTOCOL_TLS_SERVER,
    SSLContext,
    SSLSocket,
    TLSVersion,
)

if TYPE_CHECKING:
    from gevent.socket import socket as green_socket

    from cylc_flask.server.turns import Turns

#: A connection that reads and answers no more often than so many times a
#: second, but for a few at once, has precedence over others.
CALM = 40
AT_ONCE = 10

#: A client that takes an answer more slowly (bytes/s) has broken down.
SLOWEST = 10_000

#: How much (bytes) the kernel keeps for a client that stays; by itself it
#: would keep megabytes for each that does not read.
KEPT = 131_072

#: How long (seconds) a client may go on sending that was refused.
LINGER = 2.0

#: For SO_LINGER: close at once, and by a reset.
RESET = struct.pack('ii', 1, 0)

#: The first byte that a TLS client sends: a handshake record.
TLS_HANDSHAKE = b'\x16'

_ADVICE = b'This port speaks HTTPS: use https:// instead of http:// here.\n'
PLAIN_TO_TLS = (
    b'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n'
    b'Content-Length: %d\r\nConnection: close\r\n\r\n%b'
) % (len(_ADVICE), _ADVICE)


class TooLate(Exception):
    """The client has not sent something in time."""


def tls_context(certificate: str, key: str) -> SSLContext:
    """Return the TLS settings: version 1.2 at least, one certificate.

    The class is gevent's: with the standard one an idle client would
    block all others.

    Raises:
        OSError: The files cannot be read, or do not fit (SSLError).
    """
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.minimum_version = TLSVersion.TLSv1_2
    context.options |= OP_NO_RENEGOTIATION
    context.load_cert_chain(certificate, key)
    return context


class Wire(RawIOBase):
    """A connection, as the stream of what the client sends.

    Args:
        sock: Its socket, which is closed with the stream.
        turns: Who has the thread next.
    """

    def __init__(self, sock: green_socket, turns: Turns) -> None:
        super().__init__()
        self._sock = sock
        self._turns = turns
        self._greenlet = gevent.getcurrent()
        #: True while it waits for the client.
        self.waiting = False
        #: True while the client owes nothing: it has begun no request.
        self.idle = True
        #: When (seconds) that which it waits for was first wanted.
        self.since = monotonic()
        self._deadline = self.since
        self._load = 0.0
        self._used = self.since

    def expect(self, seconds: float, idle: bool = False) -> None:
        """Give the client so much time from now for what is read next.

        Args:
            seconds: The time.
            idle: Whether it may send nothing at all.
        """
        self.idle = idle
        self.since = monotonic()
        self._deadline = self.since + seconds

    def open(self, tls: SSLContext | None, seconds: float) -> bool:
        """Prepare the connection; False if the client speaks no TLS.

        Raises:
            OSError: The client is gone, or the handshake fails.
            TooLate: It takes longer than `seconds`.
        """
        if self._sock.family != std_socket.AF_UNIX:
            # Else an answer in two packets takes 40 ms.
            self._sock.setsockopt(
                std_socket.IPPROTO_TCP, std_socket.TCP_NODELAY, 1)
        if tls is None:
            return True
        self.waiting = True
        try:
            with gevent.Timeout(seconds, TooLate):
                return self._shake_hands(tls)
        finally:
            self.waiting = False

    def _shake_hands(self, tls: SSLContext) -> bool:
        first = self._sock.recv(1, std_socket.MSG_PEEK)
        if first != TLS_HANDSHAKE:
            self._sock.sendall(PLAIN_TO_TLS)
            self.linger()
            return False
        self._sock = tls.wrap_socket(
            self._sock, server_side=True, do_handshake_on_connect=False)
        self._sock.do_handshake()
        return True

    def readable(self) -> bool:
        """Return True: it is a stream to read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what there is, or wait for something.

        Raises:
            OSError: The client is gone.
            TooLate: Nothing came in time.
        """
        self.waiting = True
        left = self._deadline - monotonic()
        if left <= 0:
            raise TooLate
        self._sock.settimeout(left)
        try:
            count: int = self._sock.recv_into(buffer)
        except OSError as exc:
            if monotonic() >= self._deadline:
                raise TooLate from exc
            raise
        finally:
            self.waiting = False
        self.idle = False
        self.share()
        return count

    def share(self) -> None:
        """Let others go first where this client wants more than they."""
        now = monotonic()
        calmed = self._load - (now - self._used) * CALM
        self._load = calmed + 1 if calmed > 0 else 1
        self._used = now
        if self._load > AT_ONCE and self._turns.is_over():
            self._turns.wait()

    def expire(self) -> None:
        """End the wait for the client; to be called by the hub."""
        if self.waiting:
            self._greenlet.throw(TooLate)

    def send(self, data: bytes | bytearray, seconds: float) -> None:
        """Send all of it.

        Args:
            data: What to send; where there is much, it may take longer.
            seconds: How long the client may take nothing at all.

        Raises:
            OSError: The client is gone, or does not take it.
        """
        end = monotonic() + seconds + len(data) / SLOWEST
        rest = memoryview(data)
        try:
            while rest:
                left = min(seconds, end - monotonic())
                self._sock.settimeout(max(left, 0.001))
                rest = rest[self._sock.send(rest):]
        except OSError:
            self._reset()
            raise

    def hold(self) -> None:
        """Keep the connection for as long as its client stays.

        From now on others than the handler may `receive` and `push`.
        """
        self.waiting = self.idle = False
        self._sock.settimeout(None)
        self._sock.setsockopt(
            std_socket.SOL_SOCKET, std_socket.SO_SNDBUF, KEPT)

    def receive(self, size: int) -> bytes:
        """Wait for what the client sends, however long that takes."""
        data: bytes = self._sock.recv(size)
        self.share()
        return data

    def push(self, data: bytes, seconds: float) -> None:
        """Send all of it, while somebody else may be reading.

        Args:
            data: What to send; where there is much, it may take longer.
            seconds: How long the client may take nothing at all.

        Raises:
            OSError: The client is gone, or does not take it.
        """
        end = monotonic() + seconds + len(data) / SLOWEST
        rest = memoryview(data)
        try:
            while rest:
                left = min(seconds, end - monotonic())
                with gevent.Timeout(max(left, 0.001), TimeoutError):
                    rest = rest[self._sock.send(rest):]
        except (AssertionError, OSError) as exc:
            # The former is TLS that wants to read, while somebody reads.
            self._reset()
            raise ConnectionError from exc

    def push_now(self, data: bytes) -> int:
        """Send as much as goes without waiting; return how much that is.

        What is left has to be pushed next, before anything else.

        Raises:
            OSError: The client is gone.
        """
        # Whoever reads is not affected: it looks only before it waits.
        self._sock.settimeout(0)
        try:
            count: int = self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self._reset()
            raise
        finally:
            self._sock.settimeout(None)
        return count

    def _reset(self) -> None:
        """Have the kernel drop what is on its way."""
        self._sock.setsockopt(
            std_socket.SOL_SOCKET, std_socket.SO_LINGER, RESET)

    def linger(self) -> None:
        """Say that nothing more comes, and take what the client still sends.

        A close before that would reset the connection, and the reset would
        overtake the answer.
        """
        with suppress(OSError), gevent.Timeout(LINGER, False):
            self._sock.shutdown(std_socket.SHUT_WR)
            self._sock.settimeout(None)
            while self._sock.recv(65536):
                self._turns.wait()

    def close(self) -> None:
        """Close the connection, and say so first where it is encrypted."""
        if not self.closed:
            if isinstance(self._sock, SSLSocket):
                self._sock.settimeout(0)  # it shall not wait for the client
                with suppress(OSError, ValueError):
                    self._sock.unwrap()
            self._sock.close()
        super().close()
