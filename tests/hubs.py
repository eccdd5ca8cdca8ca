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
"""A hub without schedulers, as WSGI has it, for tests of who may do what."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
import threading
from typing import Any, cast

import orjson
from werkzeug.test import Client, TestResponse

from cylc_flask.config import Config, Hub
from cylc_flask.hub.apps import Apps, ServerTools
from cylc_flask.hub.audit import FILE_NAME, Audit
from cylc_flask.hub.flows import Flows, Tools
from cylc_flask.hub.life.launch import Launcher
from cylc_flask.hub.links.links import Links
from cylc_flask.hub.process import front_of, suited
from cylc_flask.hub.runs.discovery import Change, Discovery
from cylc_flask.hub.runs.scan import Found, Status
from cylc_flask.hub.site import Site
from cylc_flask.hub.users.people import People

OWNER = 'me'
PASSWORD = 'correct horse'
PASSPHRASE = 'abcdefghij0123456789'
HERE = '127.0.0.1'

#: A way to hash passwords that takes no time.
QUICK = 'scrypt:1024:8:1'

#: What a browser says of a page that is opened by hand.
BROWSER = {
    'User-Agent': 'Mozilla/5.0', 'Accept': 'text/html',
    'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate',
}

#: What it says of what a page of ours does.
OWN_PAGE = {
    'User-Agent': 'Mozilla/5.0', 'Accept': 'text/html',
    'Origin': 'http://localhost', 'Sec-Fetch-Site': 'same-origin',
    'Sec-Fetch-Mode': 'navigate',
}

#: By these the same answer differs from one time to the next.
CHANGING = ('Date', 'Set-Cookie')


def deliver(work: Any, *args: Any) -> None:
    """Do at once what the server's thread would do soon."""
    work(*args)


def basic(name: str, password: str = PASSWORD) -> dict[str, str]:
    """Return the header by which somebody logs in with a password."""
    pair = b64encode(f'{name}:{password}'.encode()).decode()
    return {'Authorization': f'Basic {pair}'}


def bearer(token: str) -> dict[str, str]:
    """Return the header with a token."""
    return {'Authorization': f'Bearer {token}'}


class FakeHub:
    """All of a hub but its threads and its server.

    Args:
        directory: For its files.
        names: Of its workflows, none of which runs.
        hub: Settings of the table [hub].
        settings: Other settings.
    """

    def __init__(
        self,
        directory: Path,
        *names: str,
        hub: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.directory = directory
        #: Called where the server would wait.
        self.sleep: Callable[[float], object] = lambda seconds: None
        self.config = suited(Config(
            hub=Hub(directory=str(directory), **(hub or {})), **settings))
        self.people = People(directory, OWNER)
        self.audit = Audit(directory, 0, 1)
        self.flows = Flows(OWNER, cast(Links, None), Tools(deliver))
        self.site = Site(
            self.config, self.people, self.audit, self.flows,
            Launcher(deliver, threading.Event),
            cast(Discovery, None), lambda work: work(), deliver,
            threading.Event,
        )
        for name in names:
            self.add(name)
        self.apps = Apps(
            self.site, frozenset({'localhost'}),
            ServerTools(lambda seconds: self.sleep(seconds)))
        self.app = front_of(self.apps, self.config.hub)

    def add(self, name: str) -> None:
        """Add a workflow, whose passphrase is known."""
        found = Found(name, Path('/nowhere') / name, Status.STOPPED)
        self.flows.note(Change.ADDED, found)
        entry = self.flows.find(name)
        assert entry is not None
        entry.workflow.passphrase = PASSPHRASE

    def remove(self, name: str) -> None:
        """Remove a workflow."""
        entry = self.flows.find(name)
        assert entry is not None
        self.flows.note(Change.REMOVED, entry.found)

    def client(self) -> Client:
        """Return a client that keeps its cookies."""
        return Client(self.app)

    def call(
        self,
        path: str,
        headers: dict[str, str] | None = None,
        method: str = 'GET',
        address: str = HERE,
        client: Client | None = None,
        **options: Any,
    ) -> TestResponse:
        """Send a request, from an address."""
        if method == 'POST' and 'json' not in options:
            options.setdefault('data', b' ')
        return (client or self.client()).open(
            path, method=method, headers=headers,
            environ_base={'REMOTE_ADDR': address}, **options)

    def records(self) -> list[dict[str, str]]:
        """End the audit log, and return what is in it."""
        self.audit.close()
        path = self.directory / FILE_NAME
        if not path.exists():
            return []
        return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@contextmanager
def fake_hub(*args: Any, **options: Any) -> Iterator[FakeHub]:
    """Have a hub without schedulers, for a while."""
    hub = FakeHub(*args, **options)
    try:
        yield hub
    finally:
        hub.audit.close()


def shown(answer: TestResponse) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return all of an answer that does not change from call to call."""
    headers = [
        (name, value.partition('nonce=')[0])
        for name, value in answer.headers if name not in CHANGING
    ]
    return answer.status_code, headers, answer.get_data()
