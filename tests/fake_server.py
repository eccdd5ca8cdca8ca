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
"""A web server of a scheduler that says what a test makes it say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Response

from cylc_flask.address import Address, Info
from cylc_flask.hub.runs.scan import Found, Status
from cylc_flask.process import Process
from tests.harness import free_port

#: Seconds within which all has to happen, on a busy machine.
SOON = 30

PROTOCOLS = ['cylc-feed.protobuf', 'cylc-relay']

Talk = Callable[[ServerConnection], Awaitable[None]]


class FakeServer:
    """The web server of a scheduler, which talks as it is told to."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.port = free_port()
        #: What was asked for, the arguments of each handshake.
        self.asked: list[dict[str, str]] = []
        self.logins: list[str] = []
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        self._ready.wait(SOON)

    def found(self, run_dir: Path, authentication: str = 'basic') -> Found:
        """Return the workflow, as discovery would."""
        return Found('a', run_dir, Status.RUNNING, http=Info(
            Address('http', '127.0.0.1', self.port), authentication, 'a',
            Process.current(), {}))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(SOON)

    def _live(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with serve(
            self._talk, '127.0.0.1', self.port, process_request=self._request,
            subprotocols=PROTOCOLS,  # type: ignore[arg-type]
            close_timeout=0.1, max_size=None,
        ):
            self._ready.set()
            await self._stop.wait()

    async def _talk(self, connection: ServerConnection) -> None:
        await self.talk(connection)

    def _request(self, connection: Any, request: Any) -> Response | None:
        query = parse_qs(urlsplit(request.path).query)
        self.asked.append({key: value[0] for key, value in query.items()})
        self.logins.append(request.headers.get('Authorization', ''))
        if not self.status:
            return None
        return Response(self.status, 'no', Headers(self.headers), b'')
