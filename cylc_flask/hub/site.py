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
"""What the hub consists of, for its views to use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import current_app, g

from cylc_flask.hub.audit import OK
from cylc_flask.hub.auth.callers import HubUser

if TYPE_CHECKING:
    from concurrent.futures import Future

    from cylc_flask.commands import Event
    from cylc_flask.config import Config
    from cylc_flask.hub.audit import Audit
    from cylc_flask.hub.flows import Flows
    from cylc_flask.hub.life.launch import Launcher
    from cylc_flask.hub.runs.discovery import Discovery
    from cylc_flask.hub.users.grants import Decision
    from cylc_flask.hub.users.people import People, Person

EXTENSION = 'cylc_flask_hub'

T = TypeVar('T')


@dataclass(frozen=True)
class Site:
    """The hub.

    Args:
        config: The configuration.
        people: Who uses it, and what they may do.
        audit: Where it is written what they have done.
        flows: All workflows.
        launcher: Runs the commands of their life cycle.
        discovery: Looks which workflows there are.
        aside: Has slow work done by another thread, and returns what comes
            of it.
        deliver: Has something done in the server's thread, from any.
        make_event: Makes an event on which requests can wait.
    """

    config: Config
    people: People
    audit: Audit
    flows: Flows
    launcher: Launcher
    discovery: Discovery
    aside: Callable[[Callable[[], Any]], Any]
    deliver: Callable[..., None]
    make_event: Callable[[], Event]

    @property
    def directory(self) -> Path:
        """Return where the hub keeps its files."""
        return Path(self.config.hub.directory)

    def wait(self, future: Future[Any], seconds: float) -> bool:
        """Wait for what another thread does; False if it takes longer."""
        event = self.make_event()
        future.add_done_callback(lambda _: self.deliver(event.set))
        event.wait(seconds)
        return future.done()


def site() -> Site:
    """Return the hub that answers the current request."""
    return cast(Site, current_app.extensions[EXTENSION])


def person() -> Person:
    """Return who is calling, where no stranger can be."""
    found = cast(HubUser, g.user).person
    assert found is not None
    return found


def decide(operation: str, workflow: str = '') -> Decision:
    """Decide if the caller may do something.

    Args:
        operation: A level, a command or part of the life cycle.
        workflow: The name of the workflow; '' for what concerns none.
    """
    return site().people.may(person(), operation, workflow)


def note(
    operation: str, workflow: str = '', outcome: str = OK, detail: str = '',
) -> None:
    """Write to the audit log what the caller has done; see `Record`."""
    site().audit.note(
        g.user.name, g.visitor.address, operation, workflow, outcome, detail)
