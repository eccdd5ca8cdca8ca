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
"""GraphQL's subscriptions, followed through real runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cylc_ui import SUBSCRIPTIONS
from tests.harness import Starter
from tests.integration.test_replica import FLOW, PLUGINS

MAIN_LOOP = """
    [scheduler]
        [[main loop]]
            plugins = graphql check
            [[[graphql check]]]
                interval = PT0S
"""


@pytest.mark.parametrize('mode', ['live', 'simulation'])
def test_copies_equal_fresh_ones(start: Starter, mode: str) -> None:
    """All the while, in each view of the GUI, whatever the workflow does."""
    run = start.make(
        FLOW,
        global_config=MAIN_LOOP,
        environment={'CYLC_PYTHONPATH': f'{PLUGINS}:{PLUGINS.parents[2]}'},
    )
    path = run.home / 'report.json'
    run.environment['GRAPHQL_REPORT'] = str(path)
    run.play('--mode', mode, wait=False)
    assert run.wait_end(120) == 0, run.log()
    found: dict[str, Any] = json.loads(path.read_text())
    assert found['differences'] == []
    assert found['steps'] == 26
    assert found['compared'] > 150
    assert found['payloads'].keys() == SUBSCRIPTIONS.keys()
    assert min(found['payloads'].values()) > 1
