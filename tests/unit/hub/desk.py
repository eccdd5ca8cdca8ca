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
"""A hub without a server: workflows, people, orders, and GraphQL."""

from __future__ import annotations

from collections.abc import Sequence
import json
from pathlib import Path
import threading
from types import SimpleNamespace
from typing import Any, cast

from cylc_flask.commands import State, Ticket, TicketBook
from cylc_flask.config import Config
from cylc_flask.hub.audit import Audit
from cylc_flask.hub.auth.callers import HubUser
from cylc_flask.hub.flows import Flows, Tools
from cylc_flask.hub.life import launch
from cylc_flask.hub.life.launch import Launcher
from cylc_flask.hub.life.orders import Orders, Sender
from cylc_flask.hub.links.links import Links
from cylc_flask.hub.query.engine import HubEngine, Services
from cylc_flask.hub.query.fan import Lookout
from cylc_flask.hub.runs.discovery import Change
from cylc_flask.hub.runs.scan import Found, Status
from cylc_flask.hub.sight import Sight
from cylc_flask.hub.site import Site
from cylc_flask.hub.users import passwords
from cylc_flask.hub.users.people import People
from cylc_flask.privilege import Privilege
from cylc_flask.query.documents import Request
from cylc_flask.workflows import Workflow
from tests.pump import Pump
from tests.stores import DATA, recorded

#: As the recorded stores have it.
OWNER = 'root'

#: Workflows by the names that the recorded stores have for them.
STORES = {'accept': 'running', 'mixed': 'mixed', 'nested': 'nested'}

#: Alice reads all, Bob knows of some and may do a little, Carol of nothing.
RULES = """
[[rule]]
users = ["alice"]
workflows = ["*"]
may = ["full-read"]

[[rule]]
users = ["bob"]
workflows = ["mixed", "mine"]
may = ["hold", "play", "install"]

[[rule]]
users = ["bob"]
workflows = ["nested"]
may = ["full-control", "!stop"]

[[rule]]
users = ["*"]
workflows = ["secret"]
may = ["!identity"]
"""

#: Where a file "NAME.go" is missing, the command waits for it.
SCRIPT = """\
#!/bin/sh
for name; do :; done
echo "did $1 $name"
while test ! -e {gates}/$(basename "$name").go; do sleep 0.02; done
test ! -e {gates}/$(basename "$name").bad && exit
echo "it failed" >&2; exit 1
"""


class Scheduler:
    """Takes commands, and does nothing."""

    def __init__(self) -> None:
        self.given: list[tuple[str, str, dict[str, Any]]] = []
        self.book = TicketBook(threading.Event, lambda: None)

    def submit(
        self, command: str, user: str, unmatched: Sequence[str] = (),
        **arguments: Any,
    ) -> Ticket:
        self.given.append((command, user, arguments))
        ticket = self.book.issue(command, user, unmatched)
        self.book.enter(ticket)
        return ticket

    def find(self, ticket: str) -> Ticket | None:
        return self.book.find(ticket)

    def settle(self, ticket: str, text: str = '') -> None:
        self.book.settle(ticket, State.SUCCEEDED, text=text)

    def close(self, reason: str) -> None:
        """End; nobody waits."""


class Desk(Pump):
    """All of it, for tests to ask.

    Args:
        folder: A home of its own.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        directory = folder / 'hub'
        directory.mkdir(0o700)
        (directory / 'rules.toml').write_text(RULES)
        (directory / 'rules.toml').chmod(0o600)
        cylc = folder / 'cylc'
        cylc.write_text(SCRIPT.format(gates=folder))
        cylc.chmod(0o755)
        self.audit = Audit(directory, 100_000, 1)
        self.people = People(directory, OWNER)
        for name in ('alice', 'bob', 'carol'):
            self.people.accounts.add(name, 'correct horse', Privilege.NONE)
        self.flows = Flows(
            OWNER, cast(Links, None), Tools(lambda work, *args: work(*args)))
        self.sight = Sight(self.flows, self.people)
        self.schedulers: dict[str, Scheduler] = {}
        for name in (*STORES, 'secret'):
            self.add(name)
        self.launcher = Launcher(self.deliver, threading.Event, at_once=2)
        self.orders = Orders(self.people, self.audit, self.launcher)
        self.scans = 0
        self.engine = self.make_engine(Config())

    def make_engine(self, config: Config) -> HubEngine:
        site = Site(
            config, self.people, self.audit, self.flows, self.launcher,
            cast(Any, SimpleNamespace(scan=self._scan)),
            lambda work: work(), self.deliver, threading.Event,
        )
        # Tests say themselves when it is looked.
        lookout = Lookout(lambda look: None, lambda seconds: None)
        return HubEngine(config, self.sight, Services(
            site, self.orders, self._spawn, lookout))

    def close(self) -> None:
        self.launcher.close()
        self.launcher.join(0)
        self.audit.close()

    def _scan(self) -> None:
        self.scans += 1

    @staticmethod
    def _spawn(work: Any, *args: Any) -> None:
        threading.Thread(target=work, args=args, daemon=True).start()

    # Workflows

    def add(self, name: str) -> Workflow:
        """Have a workflow, as it was recorded if it was."""
        self._note(name, Change.ADDED)
        entry = self.flows.find(name)
        assert entry is not None
        flow = entry.workflow
        scheduler = self.schedulers[name] = Scheduler()
        flow.commands = cast(Any, scheduler)
        entry.commands = cast(Any, scheduler)
        if store := STORES.get(name):
            path = DATA / 'stores' / '8.5' / f'{store}.pb'
            flow.store.load(path.read_bytes(), recorded('8.5', store).side)
        return flow

    def remove(self, name: str) -> None:
        self._note(name, Change.REMOVED)

    def flow(self, name: str) -> Workflow:
        entry = self.flows.find(name)
        assert entry is not None
        return entry.workflow

    def _note(self, name: str, change: Change) -> None:
        self.flows.note(
            change, Found(name, self.folder / name, Status.STOPPED))

    def define(self, name: str) -> None:
        """Have the files of a workflow."""
        path = self.folder / 'cylc-run' / name
        path.mkdir(parents=True, exist_ok=True)
        (path / 'flow.cylc').touch()

    def go(self, *names: str, bad: bool = False) -> None:
        """Let the commands for some workflows end."""
        for name in names:
            base = name.rpartition('/')[2]
            if bad:
                (self.folder / f'{base}.bad').touch()
            (self.folder / f'{base}.go').touch()

    # People

    def user(self, name: str = OWNER) -> HubUser:
        return HubUser(
            name, Privilege.NONE, frozenset(),
            person=self.people.by_name(name),
        )

    def sender(self, name: str = OWNER) -> Sender:
        person = self.people.by_name(name)
        assert person is not None
        return Sender(person, '127.0.0.9')

    def rule(self, text: str) -> None:
        """Let there be other rules."""
        path = self.folder / 'hub' / 'rules.toml'
        path.write_text(text)

    def noted(self) -> list[dict[str, str]]:
        """Return what is in the audit log."""
        self.audit.close()
        path = self.folder / 'hub' / 'audit.log'
        return [
            json.loads(line) for line in path.read_text().splitlines()
        ] if path.exists() else []

    # GraphQL

    def ask(self, text: str, name: str = OWNER, **variables: Any) -> Any:
        """Return what a query or a mutation gives."""
        user = self.user(name)
        operation = self.engine.prepare(Request(text, variables), user)
        caller = SimpleNamespace(name=f'{name}@here:test', address='1.2.3.4')
        answer = self.engine.execute(operation, caller, user)
        return json.loads(answer.body)

    def names(self, text: str, name: str = OWNER) -> list[str]:
        """Return the names of the workflows which a query is about."""
        return [flow['name'] for flow in self.ask(text, name)['data'][
            'workflows']]


def make(folder: Path, monkeypatch: Any) -> Desk:
    """Return a desk in a home of its own."""
    monkeypatch.setenv('HOME', str(folder))
    monkeypatch.setattr(passwords, 'METHOD', 'scrypt:1024:8:1')
    monkeypatch.setattr(launch, 'bin_directory', lambda: folder)
    return Desk(folder)
