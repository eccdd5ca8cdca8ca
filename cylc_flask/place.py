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
"""Where a scheduler's server listens, with what it needs to be there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
import resource
import socket
from typing import TYPE_CHECKING

from cylc.flow.hostuserutil import get_host
from cylc.flow.pathutil import get_workflow_run_dir
from cylc_flask import certificate
from cylc_flask.address import Address, advertised_host
from cylc_flask.config import Config, Limits, port_range, unix_socket_path
from cylc_flask.credentials import Files
from cylc_flask.server import listen

if TYPE_CHECKING:
    from cylc.flow.scheduler import Scheduler


@dataclass(frozen=True)
class Place:
    """A place to listen; it is kept while server threads come and go."""

    config: Config
    workflow: str
    run_dir: Path
    passphrase: str = field(repr=False)
    files: Files
    listeners: list[socket.socket]
    address: Address
    tls: tuple[str, str] | None

    @property
    def log_dir(self) -> Path:
        """Return the folder of the workflow's logs."""
        return self.run_dir / 'log'

    @property
    def limits(self) -> Limits:
        """Return the limits, with files left for the scheduler to open.

        It does not survive the lack of them, and each connection is one.
        """
        limits = self.config.limits
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = limits.open_connections
        if files != resource.RLIM_INFINITY:
            most = min(most, max(files // 2, 1))
        return replace(
            limits, open_connections=most,
            sockets=min(limits.sockets, most * 3 // 4),
        )

    @property
    def hosts(self) -> frozenset[str]:
        """Return the names by which clients may call the server."""
        names = {'localhost', socket.gethostname(), *_own_names(),
                 self.address.host}
        if self.tls:
            names.update(certificate.names(Path(self.tls[0])))
        return frozenset(name.lower() for name in names if name)

    def announce(self, uuid: str) -> None:
        """Tell clients where the server is."""
        self.files.announce(self.address, uuid)

    def leave(self) -> None:
        """Listen no more, and take back what was announced."""
        self.files.withdraw()
        listen.close(self.listeners)


def take(schd: Scheduler, config: Config) -> Place:
    """Find the credentials and listen.

    Raises:
        CylcFlaskError: Some setting or file cannot be used.
        OSError: A file cannot be read or written.
    """
    run_dir = Path(get_workflow_run_dir(schd.workflow))
    files = Files(schd.workflow, run_dir, config)
    host = advertised_host(config.addresses)
    credentials = files.prepare([host, *_own_names()])
    listeners, address = _listen(config, schd.workflow, files.service, host)
    tls = None
    if credentials.certificate and credentials.key:
        tls = str(credentials.certificate), str(credentials.key)
    return Place(
        config, schd.workflow, run_dir, credentials.passphrase, files,
        listeners, address, tls,
    )


def _listen(
    config: Config, workflow: str, service: Path, host: str
) -> tuple[list[socket.socket], Address]:
    if config.unix_socket:
        path = str(unix_socket_path(config, workflow, service))
        return [listen.listen_unix(path)], Address(config.method, socket=path)
    listeners = listen.listen(config.addresses, *port_range(config))
    port = listeners[0].getsockname()[1]
    return listeners, Address(config.method, host, port)


def _own_names() -> list[str]:
    """Return the host's names, the one that Cylc uses first.

    Cylc 7's clients call a short name by its full one.
    """
    name: str = get_host()  # type: ignore[no-untyped-call]
    return list(dict.fromkeys(
        (name, socket.gethostname(), socket.getfqdn())
    ))
