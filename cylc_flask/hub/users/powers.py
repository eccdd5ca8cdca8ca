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
"""What somebody may do, by all that they are given and forbidden."""

from __future__ import annotations

from cylc_flask.hub.users.grants import Decision, Grant, Sum, decide, sum_of
from cylc_flask.hub.users.tokens import Token
from cylc_flask.privilege import Privilege

#: Of so many workflows it is remembered what may be done.
CAPACITY = 10_000


class Powers:
    """What somebody may do.

    Args:
        grants: All that they have.
        token: By which they came: it takes away what is not in its scope.
    """

    def __init__(
        self, grants: tuple[Grant, ...], token: Token | None = None,
    ) -> None:
        self._grants = grants
        self._scope = token.grant if token else None
        self._sums: dict[str, Sum] = {}

    def may(self, operation: str, workflow: str) -> Decision:
        """Decide if something may be done."""
        decision = decide(self._grants, operation, workflow)
        if not decision or self._scope is None:
            return decision
        scope = decide((self._scope,), operation, workflow)
        if scope:
            return decision
        return Decision(False, f'{self._scope.source}: {scope.reason}')

    def level(self, workflow: str) -> Privilege:
        """Return how much may be seen of a workflow."""
        return self._sum(workflow).level

    def operations(self, workflow: str) -> frozenset[str]:
        """Return all that may be done with a workflow."""
        return self._sum(workflow).operations

    def _sum(self, workflow: str) -> Sum:
        found = self._sums.get(workflow)
        if found is None:
            found = self._add_up(workflow)
            if len(self._sums) >= CAPACITY:
                self._sums.clear()
            self._sums[workflow] = found
        return found

    def _add_up(self, workflow: str) -> Sum:
        own = _sum_of(self._grants, workflow)
        if self._scope is None:
            return own
        scope = _sum_of((self._scope,), workflow)
        return Sum(
            min(own.level, scope.level), own.operations & scope.operations)


def _sum_of(grants: tuple[Grant, ...], workflow: str) -> Sum:
    return sum_of(grant for grant in grants if grant.covers(workflow))
