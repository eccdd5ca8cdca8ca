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
"""What is written down about commands to a workflow."""

from __future__ import annotations

from typing import Any, cast

import pytest

from cylc_flask.commands import Commands
from cylc_flask.errors import Refused
from cylc_flask.hub.audited import AuditedCommands


class Failing:
    """Fails, as it was told."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def submit(self, *args: Any, **arguments: Any) -> None:
        raise self._fault


@pytest.mark.parametrize('fault', [Refused('why not'), KeyError('a fault')])
def test_failure_is_written_down(fault: Exception) -> None:
    """Were it a fault of ours."""
    noted: list[tuple[str, ...]] = []
    commands = AuditedCommands(
        cast(Commands, Failing(fault)), 'nwp',
        lambda *words: noted.append(words))
    with pytest.raises(type(fault)):
        commands.submit('kill_tasks', 'alice', tasks=['1/a'])
    assert noted == [('kill', 'nwp', 'failed', str(fault))]
