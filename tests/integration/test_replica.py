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

from importlib.metadata import version
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
    [meta]
        title = A replica
        public privilege = shutdown
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
            [[[meta]]]
                title = Some
                importance = low
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
    assert found['steps'] == 26
    assert all(found['kinds'].values())
    assert found['reloads'] == 2
    records = found['records']
    assert 'replica check: a warning' in records
    assert 'replica check: not to be seen' not in records
    # One delta was lost, and one was garbled.
    assert records.count('flask: lost touch with the data store') == 2
    check_sides(found)
    check_definition(found['definition'], mode)


def check_sides(found: dict[str, Any]) -> None:
    sides = found['sides']

    def seen(name: str) -> set[Any]:
        return {side[name] for side in sides}

    red = {'environment': {'COLOUR': 'red'}}
    assert any(
        side['broadcasts'] == {'*': {'root': red, 'FAM': red},
                               '2': {'root': red, 'FAM': red}}
        for side in sides
    )
    assert sides[-1]['broadcasts'] == {}
    assert seen('hold_point') == {None, '5'}
    assert seen('is_paused') == {False, True}
    assert seen('stop_point') == {None, '6'}
    assert seen('stop_task') == {None, '5/z'}
    assert seen('stop_clock_time') == {None, 4102444800}
    assert seen('final_point') == {'20'}
    assert {'1', '3'} & seen('runahead_point')
    intervals = [each for each in found['intervals'] if each]
    assert intervals
    assert all(0 < interval < 60 for interval in intervals)


def check_definition(definition: dict[str, Any], mode: str) -> None:
    assert definition.pop('meta').items() >= {
        'late': {'title': '', 'description': '', 'URL': ''},
        'm3': {'title': 'Some', 'description': '', 'URL': '',
               'importance': 'low'},
    }.items()
    assert definition.pop('suite_meta') == {
        'title': 'A replica', 'description': '', 'URL': '', 'group': '',
        'public privilege': 'shutdown',
    }
    assert definition.pop('ancestors').items() >= {
        'SUB': ['SUB', 'FAM', 'root'],
        'm3': ['m3', 'SUB', 'FAM', 'root'],
    }.items()
    assert definition.pop('first_parent_ancestors')['m3'] == [
        'm3', 'SUB', 'FAM', 'root'
    ]
    descendants = definition.pop('first_parent_descendants')
    assert set(descendants) == {'FAM', 'SUB', 'root'}
    assert descendants['SUB'] == ['m3']
    tasks = [
        'm1', 'm2', 'm3', 'bad', 'a', 'fix', 'z', 'odd', 'keep', 'late'
    ]
    assert definition.pop('tasks') == tasks
    assert definition.pop('namespaces') == ['root', 'FAM', 'SUB', *tasks]
    assert set(definition.pop('leaves')) == set(tasks)
    assert set(definition.pop('feet')) == {*tasks, 'FAM'} - {'m1', 'm2', 'm3'}
    assert len(definition.pop('uuid')) == 36
    assert definition.pop('run_dir').endswith('/cylc-run/one')
    assert definition.pop('cylc_version') == version('cylc-flow')
    assert definition.pop('owner') and definition.pop('host')
    assert definition == {
        'serial': 3,
        'workflow': 'one',
        'run_mode': mode,
        'cycling_mode': 'integer',
        'initial_point': '1',
        'public_privilege': 'shutdown',
        'polling_tasks': {},
        'shortest_step': None,
    }
