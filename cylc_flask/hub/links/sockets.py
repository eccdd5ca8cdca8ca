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
"""WebSockets to the web server of a scheduler, opened as its owner."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from getpass import getuser
from pathlib import Path
from socket import gethostname
import ssl
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from cylc_flask import __version__, private
from cylc_flask.address import SERVICE, Info
from cylc_flask.config import is_loopback
from cylc_flask.hub.links.trouble import LinkFault
from cylc_flask.private import UnusableFile
from cylc_flask.proof import USER, CallFailed, challenge_of, digest, trust

#: Seconds for a connection and its handshakes.
OPENING = 10

#: Seconds for the other side to agree that it is over.
CLOSING = 2

#: No message is longer than that of a store with a hundred thousand tasks.
MOST_BYTES = 268_435_456

#: So many of them may wait here, whatever their length.
MOST_MESSAGES = 4

#: What a server is told of its caller.
AGENT = f'cylc-flask/{__version__} prog_name/cylc-flask-hub'

FAULTS = (OSError, WebSocketException, CallFailed, UnusableFile, ValueError)


class Connect(connect):
    """Opens a connection, and goes nowhere else, whatever is answered."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow no redirection: the passphrase is for one server only."""
        return exc


def passphrase_of(run_dir: Path) -> str:
    """Return the passphrase of a workflow, '' if it has none.

    Raises:
        OSError: The file cannot be read.
        UnusableFile: It is none.
    """
    content = private.read(run_dir / SERVICE / 'passphrase')
    return (content or b'').decode()


async def open_socket(
    info: Info,
    run_dir: Path,
    path: str,
    subprotocol: str,
    query: dict[str, str] | None = None,
) -> ClientConnection:
    """Return a connection to a WebSocket of a workflow's server.

    Args:
        info: What the server says of itself.
        run_dir: The run directory of the workflow.
        path: Where the WebSocket is.
        subprotocol: What to speak on it.
        query: Arguments for it.

    Raises:
        LinkFault: There is none.
    """
    if is_out_of_reach(info):
        raise LinkFault('its web server is there for its own host only')
    target = f'{path}?{urlencode(query)}' if query else path
    try:
        async with asyncio.timeout(OPENING):
            return await _log_in(info, run_dir, target, subprotocol)
    except TimeoutError as exc:
        raise LinkFault('its web server does not answer') from exc
    except InvalidStatus as exc:
        raise LinkFault(_refusal(exc)) from exc
    except FAULTS as exc:
        raise LinkFault(f'its web server: {exc}') from exc


def is_out_of_reach(info: Info) -> bool:
    """Tell whether a server listens where only another host can reach it.

    Somebody else may listen there on this one.
    """
    address = info.address
    is_near = bool(address.socket) or is_loopback(address.host)
    return is_near and info.process.host != gethostname()


async def leave(socket: ClientConnection) -> None:
    """End a connection, whatever the other side does meanwhile."""
    try:
        await socket.close()
    finally:
        socket.transport.abort()


async def _log_in(
    info: Info, run_dir: Path, target: str, subprotocol: str
) -> ClientConnection:
    """Open a connection; by Digest that takes a challenge first."""
    password = passphrase_of(run_dir)
    tls = None
    if info.address.scheme == 'https':
        tls = trust(
            run_dir / SERVICE / 'ssl.cert',
            check_name=not info.address.socket,
        )
    login = ''
    if info.authentication == 'basic':
        login = f'Basic {b64encode(f"{USER}:{password}".encode()).decode()}'
    try:
        return await _open(info, target, subprotocol, login, tls)
    except InvalidStatus as exc:
        challenge = challenge_of(
            exc.response.headers.get('WWW-Authenticate', ''))
        if login or exc.response.status_code != 401 or not challenge:
            raise
    login = digest(challenge, 'GET', target, password, 1)
    return await _open(info, target, subprotocol, login, tls)


async def _open(
    info: Info,
    target: str,
    subprotocol: str,
    login: str,
    tls: ssl.SSLContext | None,
) -> ClientConnection:
    """Make one handshake."""
    address = info.address
    host = f'[{address.host}]' if ':' in address.host else address.host
    place = 'localhost' if address.socket else f'{host}:{address.port}'
    headers = {'From': f'{getuser()}@{gethostname()}'}
    if login:
        headers['Authorization'] = login
    unix: dict[str, Any] = {}
    if address.socket:
        unix = {'unix': True, 'path': address.socket}
    return await Connect(
        f'{"wss" if tls else "ws"}://{place}{target}',
        subprotocols=[subprotocol],  # type: ignore[list-item]
        additional_headers=headers,
        user_agent_header=AGENT,
        compression=None,
        proxy=None,
        max_size=MOST_BYTES,
        max_queue=MOST_MESSAGES,
        open_timeout=None,
        close_timeout=CLOSING,
        ssl=tls,
        **unix,
    )


def _refusal(exc: InvalidStatus) -> str:
    """Return why a handshake was refused, in words."""
    status = exc.response.status_code
    if status == 401:
        return 'its web server does not accept the passphrase'
    return f'its web server refuses with status {status}'
