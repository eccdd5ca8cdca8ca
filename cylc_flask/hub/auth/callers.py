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
"""Who uses the hub, as views and the gate see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cylc_flask.auth.users import User
from cylc_flask.privilege import Privilege

if TYPE_CHECKING:
    from cylc_flask.hub.users.people import Person


@dataclass(frozen=True)
class HubUser(User):
    """A user of the hub.

    Below the address of a workflow, their privilege and their operations are
    those for it; elsewhere those which concern no workflow.

    Args:
        person: Who it is; None for who has not logged in.
    """

    person: Person | None = None


#: Who has not logged in, and sees what is needed for that.
STRANGER = HubUser('', Privilege.NONE, frozenset())
