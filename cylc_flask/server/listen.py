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
"""Listening sockets, made before the server thread so that they outlive it."""

from __future__ import annotations

from contextlib import suppress
import errno
import os
from random import randrange
import socket
import stat
from typing import Iterable, Iterator

from cylc_flask.errors import CylcFlaskError

BACKLOG = 128

#: All addresses of the machine: those of IPv6, and through them those of
#: IPv4; where there is no IPv6, those of IPv4.
ANY = ('::', '0.0.0.0')

#: Why a port cannot be had, though another one perhaps can.
TAKEN = (errno.EADDRINUSE, errno.EACCES)

#: Why an address cannot be had on this machine.
ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def listen(
    addresses: Iterable[str], first: int, last: int
) -> list[socket.socket]:
    """Listen on one port of a range, the same on all addresses.

    The search starts anywhere in the range, as Cylc's own does, so that
    schedulers which start together do not race for the same port.

    Args:
        addresses: Addresses and names of this machine, or '' for all.
        first: The first port of the range.
        last: The last one.

    Raises:
        CylcFlaskError: No port of the range can be had, or an address is
            not one of this machine.
    """
    addresses = list(addresses)
    shown = ', '.join(address or 'all addresses' for address in addresses)
    reasons: set[str] = set()
    for port in _ports(first, last):
        try:
            return _listen_all(addresses, port)
        except (OSError, UnicodeError) as exc:
            if getattr(exc, 'errno', None) not in TAKEN:
                raise CylcFlaskError(f'cannot listen on {shown}: {exc}'
                                     ) from exc
            reasons.add(str(exc))
    ports = f'port {first}' if first == last else f'port in {first}..{last}'
    raise CylcFlaskError(
        f'no free {ports} on {shown} ({"; ".join(sorted(reasons))})')


def listen_unix(path: str) -> socket.socket:
    """Listen on a Unix socket which only its owner may use.

    A socket file that nobody listens on any more is replaced.

    Raises:
        CylcFlaskError: The path cannot be used.
    """
    sock = socket.socket(socket.AF_UNIX)
    try:
        _clear_unix(path)
        sock.bind(path)
        # Nobody can connect before it listens.
        os.chmod(path, 0o600)
        sock.listen(BACKLOG)
    except OSError as exc:
        sock.close()
        raise CylcFlaskError(
            f'cannot listen on the Unix socket {path}: {exc}'
        ) from exc
    return sock


def close(sockets: Iterable[socket.socket]) -> None:
    """Stop listening; the file of a Unix socket goes too."""
    for sock in sockets:
        path = sock.getsockname() if sock.family == socket.AF_UNIX else ''
        sock.close()
        if path:
            with suppress(OSError):
                os.unlink(path)


def _ports(first: int, last: int) -> Iterator[int]:
    count = last - first + 1
    start = randrange(count)
    for number in range(count):
        yield first + (start + number) % count


def _listen_all(addresses: list[str], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    # An IPv4 address beside "::" says which of these there shall be.
    both = len(addresses) == 1
    try:
        for address in addresses:
            sockets.append(_listen_one(address, port, both))
    except BaseException:
        close(sockets)
        raise
    return sockets


def _listen_one(address: str, port: int, both: bool) -> socket.socket:
    """Listen on the first address of a name that this machine has."""
    absent: OSError | None = None
    for name in (address,) if address else ANY:
        for found in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM):
            try:
                return _bind(found[0], found[4], both)
            except OSError as exc:
                if exc.errno not in ABSENT:
                    raise
                absent = exc
    assert absent is not None
    raise absent


def _bind(
    family: socket.AddressFamily, where: tuple[object, ...], both: bool
) -> socket.socket:
    sock = socket.socket(family)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(
                socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not both)
        sock.bind(where)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _clear_unix(path: str) -> None:
    """Remove the socket file of a server that has gone."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise FileExistsError(errno.EEXIST, 'this is no socket')
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
    raise OSError(errno.EADDRINUSE, 'somebody listens there')
