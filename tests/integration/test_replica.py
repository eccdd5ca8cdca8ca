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
"""The replica equals the scheduler's own store, at each turn of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Run, Starter

PLUGINS = Path(__file__).parent.parent / 'data' / 'plugins'

MAIN_LOOP = """
    [scheduler]
        [[main loop]]
            plugins = replica check
            [[[replica check]]]
                interval = PT0S
"""

FLOW = """
    [scheduler]
        [[events]]
            stall timeout = PT1H
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        final cycle point = 20
        runahead limit = P2
        [[queues]]
            [[[default]]]
                limit = 4
        [[graph]]
            P1 = '''
                a[-P1] => a => FAM:succeed-all => z
                a => bad:fail? => fix
                # later: fix => late
                keep[-P3] => a & keep
            '''
            P2 = z => odd
    [runtime]
        [[root]]
            script = true
            [[[simulation]]]
                default run length = PT1S
        [[FAM, SUB]]
        [[SUB]]
            inherit = FAM
        [[m1, m2]]
            inherit = FAM
        [[m3]]
            inherit = SUB
        [[bad]]
            script = false
            execution retry delays = 2*PT1S
            [[[simulation]]]
                fail cycle points = all
                fail try 1 only = False
        [[a, fix, z, odd]]
        [[keep]]
            script = sleep 3
        # later: [[late]]
"""


def report(start: Starter, mode: str) -> dict[str, Any]:
    """Run the workflow to its end, and return what the plugin found."""
    run: Run = start.make(
        FLOW,
        global_config=MAIN_LOOP,
        environment={'CYLC_PYTHONPATH': str(PLUGINS)},
    )
    path = run.home / 'report.json'
    run.environment['REPLICA_REPORT'] = str(path)
    run.play('--mode', mode, wait=False)
    assert run.wait_end(120) == 0, run.log()
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize('mode', ['live', 'simulation'])
def test_equal_in_a_run(start: Starter, mode: str) -> None:
    found = report(start, mode)
    assert found['differences'] == []
    assert found['compared'] > 80
    assert found['steps'] == 24
    assert all(found['kinds'].values())
    assert found['reloads'] == 2
    assert 'late' in found['tasks']
    records = found['records']
    assert 'replica check: a warning' in records
    assert 'replica check: not to be seen' not in records
    # One delta was lost, and one was garbled.
    assert records.count('flask: lost touch with the data store') == 2
    sides = found['sides']
    red = {'environment': {'COLOUR': 'red'}}
    assert any(
        side['broadcasts'] == {'*': {'root': red, 'FAM': red},
                               '2': {'root': red, 'FAM': red}}
        for side in sides
    )
    assert sides[-1]['broadcasts'] == {}
    assert {side['hold_point'] for side in sides} == {None, '5'}
    assert {side['is_paused'] for side in sides} == {True, False}
    assert sides[-1]['stop_point'] == '6'
