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
"""Where a server listens, and the file which says so: ``http.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
import json
from pathlib import Path
import socket
from types import UnionType
from typing import Sequence
from urllib.parse import quote

from cylc_flask import private
from cylc_flask.private import UnusableFile
from cylc_flask.process import Process

SERVICE = '.service'
FILE_NAME = 'http.json'

#: What a server listens on when it listens on everything.
ALL_ADDRESSES = ('', '0.0.0.0', '::')

LOOPBACK = '127.0.0.1'

#: The keys which we read, and what their values are.
KEYS: dict[str, type | UnionType] = {
    'scheme': str,
    'host': str,
    'port': int | None,
    'socket': str,
    'authentication': str,
    'realm': str,
    'run_host': str,
    'pid': int,
    'started': int,
    'versions': dict,
}


@dataclass(frozen=True)
class Address:
    """Where clients reach a server: at a host and port, or at a socket.

    Examples:
        >>> Address('https', 'host.example', 43001).url
        'https://host.example:43001/'
        >>> Address('http', '::1', 43001).url
        'http://[::1]:43001/'
        >>> Address('http', socket='/run/a.sock').url
        'http+unix://%2Frun%2Fa.sock/'
    """

    scheme: str
    host: str = ''
    port: int | None = None
    socket: str = ''

    @property
    def url(self) -> str:
        """Return the root, as requests and its relatives take it."""
        if self.socket:
            return f'{self.scheme}+unix://{quote(self.socket, safe="")}/'
        host = f'[{self.host}]' if ':' in self.host else self.host
        return f'{self.scheme}://{host}:{self.port}/'


def advertised_host(addresses: Sequence[str]) -> str:
    """Return the host by which clients reach a server.

    Args:
        addresses: What the server listens on.

    Examples:
        >>> advertised_host(['::1', '127.0.0.1'])
        '127.0.0.1'
        >>> advertised_host(['127.0.0.1', '192.0.2.7'])
        '192.0.2.7'
    """
    # Here, as clients need none of these, and they take long to import.
    from cylc.flow.hostuserutil import get_host
    from cylc_flask.config import is_loopback

    if any(address in ALL_ADDRESSES for address in addresses):
        host: str = get_host()  # type: ignore[no-untyped-call]
        return host
    reachable = [name for name in addresses if not is_loopback(name)]
    if reachable:
        return reachable[0]
    # By number, since Cylc 7 clients put their own name for "localhost".
    numbers = [_resolve(name) for name in addresses]
    return LOOPBACK if LOOPBACK in numbers else numbers[0]


def _resolve(name: str) -> str:
    """Return the address which listening on a name comes to."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return str(found[0][4][0])


@dataclass(frozen=True)
class Info:
    """What a server says about itself to those who may read its files."""

    address: Address
    authentication: str
    realm: str
    process: Process
    versions: dict[str, str]
    #: Whether nobody is to command the workflow, in whatever way.
    read_only: bool = False

    def dump(self) -> bytes:
        """Return the content of the file."""
        data = {
            'url': self.address.url,
            **asdict(self.address),
            'authentication': self.authentication,
            'realm': self.realm,
            'pid': self.process.pid,
            'run_host': self.process.host,
            'started': self.process.started,
            'versions': self.versions,
            'read_only': self.read_only,
        }
        return json.dumps(data, indent=2).encode() + b'\n'

    @classmethod
    def parse(cls, content: bytes) -> Info:
        """Return what a file says.

        Raises:
            ValueError: It is not such a file.
        """
        try:
            data = json.loads(content)
        except RecursionError as exc:
            raise ValueError('too deep') from exc
        if not isinstance(data, dict):
            raise ValueError('no JSON object')
        for key, kind in KEYS.items():
            if not isinstance(data.get(key), kind):
                raise ValueError(f'{key} is {data.get(key)!r:.40}')
        return cls(
            Address(
                data['scheme'], data['host'], data['port'], data['socket']),
            data['authentication'],
            data['realm'],
            Process(data['run_host'], data['pid'], data['started']),
            data['versions'],
            data.get('read_only') is True,
        )


def info_path(run_dir: Path) -> Path:
    """Return the file which says where the server of a workflow is."""
    return run_dir / SERVICE / FILE_NAME


def read_info(run_dir: Path) -> Info | None:
    """Return what the server of a workflow says, None if there is none.

    Raises:
        OSError: The file cannot be read.
        UnusableFile: It is none of ours.
    """
    path = info_path(run_dir)
    content = private.read(path)
    if content is None:
        return None
    try:
        return Info.parse(content)
    except ValueError as exc:
        raise UnusableFile(path, f'not written by cylc-flask: {exc}') from exc


def is_alive(info: Info) -> bool | None:
    """Return False if the scheduler has ended, None if it ran elsewhere."""
    return info.process.is_alive()
