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
"""The workflows which this server serves; a suite server has one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from cylc_flask.legacy.graph import Grouping
from cylc_flask.legacy.meter import Meter
from cylc_flask.legacy.sessions import Sessions
from cylc_flask.replica.feed import Feed
from cylc_flask.usage import Usage

if TYPE_CHECKING:
    from cylc_flask.auth.users import User
    from cylc_flask.commands import Commands
    from cylc_flask.privilege import Privilege
    from cylc_flask.replica.records import Records
    from cylc_flask.replica.store import Store


@dataclass
class Workflow:
    """One workflow, as views see it.

    Args:
        name: Its name, e.g. ``demo/run1``.
        passphrase: The password of its owner.
        store: The replica of the scheduler's data store.
        records: The latest warnings and errors of its log.
        commands: The door through which it is changed.
        feed: What tells about each change of the replica.
    """

    name: str
    passphrase: str = field(repr=False)
    store: Store
    records: Records
    commands: Commands
    #: Tells subscribers what becomes of the replica.
    feed: Feed = field(default_factory=Feed)
    #: Cylc 7's clients by uuid, apart for each mount as in Cylc 7.
    sessions: dict[str, Sessions] = field(default_factory=lambda: {
        'rest': Sessions(), 'id': Sessions()
    })
    #: How often `identify` is called.
    identified: Meter = field(default_factory=Meter)
    #: Who still calls Cylc 7's API.
    usage: Usage = field(default_factory=Usage)
    #: Which families Cylc 7's graph views have closed, for all of them.
    grouping: Grouping = field(default_factory=Grouping)
    _made: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def made(self, what: str, make: Callable[[Store], Any]) -> Any:
        """Return what is made of the replica, made once for each version.

        Args:
            what: A name for it.
            make: Makes it; called if the replica has changed since.
        """
        version, result = self._made.get(what, (-1, None))
        now = self.store.version
        if version != now:
            result = make(self.store)
            self._made[what] = now, result
        return result


class Registry:
    """Workflows by name."""

    def __init__(self, *workflows: Workflow) -> None:
        self._workflows = workflows

    def all(self) -> list[Workflow]:
        """Return all workflows."""
        return [*self._workflows]

    def seen_by(self, user: User, need: Privilege) -> tuple[Workflow, ...]:
        """Return the workflows of which a user may see so much: here all.

        It is the same object until there are others.

        Args:
            user: Who the gate has let in.
            need: How much.
        """
        return self._workflows

    def may(self, user: User, operation: str, workflow: str) -> bool:
        """Return True if a user may do something with a workflow."""
        return user.may(operation)

    def only(self) -> Workflow:
        """Return the workflow of a server that has just one."""
        (workflow,) = self._workflows
        return workflow
