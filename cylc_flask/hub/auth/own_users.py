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
"""Cylc 7's two users, below the address of a workflow in the hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cylc_flask.auth.users import ANON, Account, LegacyUsers
from cylc_flask.public import public_level

if TYPE_CHECKING:
    from cylc_flask.config import Config
    from cylc_flask.workflows import Workflow


class OwnUsers:
    """The owner of a workflow and, if the hub allows that, the public.

    There is nobody as long as its passphrase is not known.

    Args:
        workflow: The workflow.
        config: The configuration.
    """

    def __init__(self, workflow: Workflow, config: Config) -> None:
        self._workflow = workflow
        self._config = config
        self._made_of = '', ''
        self._users: LegacyUsers | None = None

    def find(self, name: str) -> Account | None:
        """Return the account of that name, None where there is none."""
        if name == ANON and not self._config.hub.public:
            return None
        definition = self._workflow.store.side.definition
        made_of = self._workflow.passphrase, definition.public_privilege or ''
        if made_of != self._made_of:
            self._made_of = made_of
            self._users = self._make(*made_of)
        return self._users.find(name) if self._users else None

    def _make(self, passphrase: str, public: str) -> LegacyUsers | None:
        if not passphrase:
            return None
        return LegacyUsers(
            passphrase,
            public_level(public) if public else self._config.public_privilege,
        )


class NoUsers:
    """Nobody."""

    def find(self, name: str) -> None:
        """Return None, whatever the name."""
        return None
