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
"""What the gate lets through, whatever a request says of itself."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from cylc_flask.app import create_app
from cylc_flask.commands import Commands
from cylc_flask.config import Config
from cylc_flask.replica.records import Records
from cylc_flask.workflows import Registry, Workflow
from tests.stores import LINES, recorded

PASSPHRASE = 'x' * 20


@pytest.mark.parametrize(('upgrade', 'status'), [
    ({}, 405),
    ({'Upgrade': 'xwebsocket'}, 405),
    ({'Upgrade': 'h2c, websocket'}, 405),
    # There is no such socket.
    ({'Upgrade': 'websocket', 'Connection': 'Upgrade'}, 400),
])
@pytest.mark.parametrize('path', ['/hold_suite', '/id/stop_now'])
def test_no_command_by_get(
    path: str, upgrade: dict[str, str], status: int
) -> None:
    """Not even for who pretends to be a WebSocket."""
    # No command can be given here: one that got through would be a 500.
    flow = Workflow(
        'nobody', PASSPHRASE, recorded(LINES[0], 'mixed'), Records(),
        cast(Commands, None),
    )
    config = replace(
        Config(), authentication='basic', control_by_get=False)
    app = create_app(config, Registry(flow), frozenset({'localhost'}))
    client = app.test_client()
    answer = client.get(path, auth=('cylc', PASSPHRASE), headers=upgrade)
    assert answer.status_code == status, answer.text
