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
"""The place of a hub: its folder, which one hub at a time has, and sockets."""

from __future__ import annotations

from dataclasses import dataclass
import fcntl
import json
import os
from pathlib import Path
import socket
import time
from typing import TYPE_CHECKING

from cylc_flask import __version__, certificate, private
from cylc_flask.address import Address, advertised_host
from cylc_flask.errors import CylcFlaskError
from cylc_flask.server import listen

if TYPE_CHECKING:
    from cylc_flask.config import Config

LOCK = 'hub.lock'
FILE_NAME = 'hub.json'

ABSENT = 'the hub does not run: start it with "cylc flask hub"'

#: How long (seconds) to try to lock the folder, and between two tries.
PATIENCE = 1.0
PAUSE = 0.05


@dataclass(frozen=True)
class Place:
    """Where a hub is.

    Args:
        directory: Its folder.
        listeners: Its listening sockets.
        address: Where clients reach it.
        lock: Held as long as it runs.
    """

    directory: Path
    listeners: list[socket.socket]
    address: Address
    lock: int

    def announce(self, url: str) -> None:
        """Let other commands of the same user know where it is."""
        data = {'url': url, 'pid': os.getpid(), 'host': socket.gethostname(),
                'version': __version__}
        content = json.dumps(data, indent=2).encode() + b'\n'
        private.write(self.directory / FILE_NAME, content)

    def leave(self) -> None:
        """Listen no more, and let another hub have the folder."""
        (self.directory / FILE_NAME).unlink(missing_ok=True)
        listen.close(self.listeners)
        os.close(self.lock)


def take(config: Config) -> Place:
    """Take the folder, and listen.

    Raises:
        CylcFlaskError: Another hub has it, or a setting cannot be used.
        OSError: A file cannot be written.
    """
    hub = config.hub
    directory = Path(hub.directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    private.make_directory(directory)
    private.tighten(directory)
    lock = _own(directory)
    try:
        listeners = listen.listen(hub.bind, *ports(config))
    except BaseException:
        os.close(lock)
        raise
    scheme = 'https' if hub.certificate else 'http'
    port: int = listeners[0].getsockname()[1]
    address = Address(scheme, advertised_host(hub.bind), port)
    return Place(directory, listeners, address, lock)


def ports(config: Config) -> tuple[int, int]:
    """Return the first and the last of the ports to try."""
    if isinstance(config.hub.port, int):
        return config.hub.port, config.hub.port
    first, _, last = config.hub.port.partition('..')
    return int(first), int(last)


def url_of(config: Config) -> str:
    """Return where the hub says to be, if it runs.

    Raises:
        CylcFlaskError: It does not.
    """
    directory = Path(config.hub.directory)
    try:
        content = private.read(directory / FILE_NAME)
        url = str(json.loads(content or b'')['url'])
    except (ValueError, KeyError, TypeError, OSError) as exc:
        raise CylcFlaskError(ABSENT) from exc
    lock = _lock(directory)
    if lock is not None:
        # It was killed, and has left the file.
        os.close(lock)
        raise CylcFlaskError(ABSENT)
    return url


def hosts(address: Address, config: Config) -> frozenset[str]:
    """Return the names by which clients may call the hub."""
    names = {
        'localhost', socket.gethostname(), socket.getfqdn(), address.host,
        *config.hub.bind,
    }
    if config.hub.certificate:
        names |= set(certificate.names(Path(config.hub.certificate)))
    return frozenset(name.lower() for name in names if name)


def _own(directory: Path) -> int:
    """Lock a folder; others may look for a moment whether it is locked.

    Raises:
        CylcFlaskError: It is.
    """
    end = time.monotonic() + PATIENCE
    while (lock := _lock(directory)) is None:
        if time.monotonic() > end:
            raise CylcFlaskError(
                f'another hub runs in {directory} (hub.directory)')
        time.sleep(PAUSE)
    return lock


def _lock(directory: Path) -> int | None:
    """Return what locks a folder as long as it is open; None if locked."""
    handle = os.open(
        directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
