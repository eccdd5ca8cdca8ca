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
"""The accounts of one workflow, as its definition has them now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cylc.flow import LOG
from cylc_flask.auth.users import Account, LegacyUsers
from cylc_flask.privilege import PUBLIC_LEVELS, Privilege

if TYPE_CHECKING:
    from cylc_flask.config import Config
    from cylc_flask.workflows import Workflow


class WorkflowUsers:
    """The owner and the public of a workflow.

    The definition may set the level of the public, and a reload may change
    it; the configuration has it otherwise.
    """

    def __init__(self, workflow: Workflow, config: Config) -> None:
        self._workflow = workflow
        self._default = config.public_privilege
        self._serial = 0
        self._users = self._make(None)

    def find(self, name: str) -> Account | None:
        """Return the account of that name, None where there is none."""
        definition = self._workflow.store.side.definition
        if definition.serial != self._serial:
            self._users = self._make(definition.public_privilege)
            self._serial = definition.serial
        return self._users.find(name)

    def _make(self, text: str | None) -> LegacyUsers:
        level = self._default if text is None else public_level(text)
        return LegacyUsers(self._workflow.passphrase, level)


def public_level(text: str) -> Privilege:
    """Return the level that a definition grants to the public.

    What makes no sense there, or grants control, is as little as possible.
    """
    allowed = [str(level) for level in PUBLIC_LEVELS]
    if text in allowed:
        return Privilege.parse(text)
    LOG.warning(
        f'flask: [meta] public privilege = {text!r:.80} is not one of'
        f' {", ".join(allowed)}; taken as identity'
    )
    return Privilege.IDENTITY
