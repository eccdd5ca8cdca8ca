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
"""The workflows, as far as somebody may see them."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, cast

from cylc_flask.hub.auth.callers import HubUser
from cylc_flask.workflows import Registry, Workflow

if TYPE_CHECKING:
    from cylc_flask.auth.users import User
    from cylc_flask.hub.flows import Flows
    from cylc_flask.hub.users.people import People, View
    from cylc_flask.privilege import Privilege

Seen = tuple[Workflow, ...]

#: How many lists are kept.
CAPACITY = 256


class Sight(Registry):
    """All workflows, for users who see different ones.

    Args:
        flows: The workflows.
        people: Who may see what.
    """

    def __init__(self, flows: Flows, people: People) -> None:
        super().__init__()
        self._flows = flows
        self._people = people
        self._kept: OrderedDict[tuple[View, Privilege], Seen] = OrderedDict()
        flows.watch(self._forget)

    def all(self) -> list[Workflow]:
        """Return all workflows."""
        return self._flows.all()

    def seen_by(self, user: User, need: Privilege) -> Seen:
        """Return those of which a user may see so much.

        It is the same object, for all who may see the same, until there are
        others.
        """
        person = cast(HubUser, user).person
        if person is None:
            return ()
        key = self._people.view(person, self._flows.names), need
        seen = self._kept.get(key)
        if seen is None:
            seen = self._kept[key] = self._look(*key)
            if len(self._kept) > CAPACITY:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return seen

    def may(self, user: User, operation: str, workflow: str) -> bool:
        """Return True if a user may do something with a workflow."""
        person = cast(HubUser, user).person
        return person is not None and bool(
            self._people.may(person, operation, workflow))

    def _look(self, view: View, need: Privilege) -> Seen:
        entries = (
            self._flows.find(name)
            for name, level in sorted(view) if level >= need
        )
        return tuple(entry.workflow for entry in entries if entry)

    def _forget(self, kind: str, entry: object) -> None:
        """Note that there are others, perhaps under the old names."""
        if kind != 'changed':
            self._kept.clear()
