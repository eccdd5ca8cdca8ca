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
"""The command lines in what is written for the hub's programs work."""

from __future__ import annotations

import os
import subprocess

from tests.harness import need, wait_for
from tests.hub_client import PATIENCE, Client
from tests.hub_run import HubRun
from tests.integration.test_docs import ROOT, blocks

PAGE = ROOT / 'docs' / 'hub-api.md'

#: Where a hub is that nobody has told anything else.
URL = 'http://127.0.0.1:8020'

FLOW = """
[scheduling]
    [[graph]]
        R1 = one
[runtime]
    [[one]]
        script = true
        [[[simulation]]]
            default run length = PT1H
"""


def test_commands() -> None:
    need('curl')
    text = '\n'.join(
        block.text for block in blocks(PAGE)
        if block.tested_by == 'tests/integration/test_hub_docs.py')
    hub = HubRun(FLOW, 'cylc-flask-demo')
    try:
        hub.source('my-source', FLOW)
        hub.run.play('--pause', '--mode=simulation')
        hub.start()
        with Client(hub) as owner:
            wait_for(
                lambda: owner.get(
                    'workflows/cylc-flask-demo/get_suite_state_summary'
                ).status_code == 200, PATIENCE)
        result = subprocess.run(
            ('bash', '-euo', 'pipefail', '-c', text.replace(URL, hub.url)),
            cwd=hub.run.home,
            env={**os.environ, **hub.run.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=4 * PATIENCE,
        )
    finally:
        hub.close()
    assert result.returncode == 0, result.stdout + result.stderr
    for said in ('"name":"cylc-flask-demo"', 'INSTALLED trial/try from',
                 'event: end', '"state":"succeeded"', '[true,"'):
        assert said in result.stdout, result.stdout + result.stderr
    for unsaid in ('Traceback', '"errors"', '[false'):
        assert unsaid not in result.stdout, result.stdout
