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
"""Side data out of a store, compared with what the scheduler itself has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cylc_flask.compat import pb
from cylc_flask.hub.links.derived import Deriver
from cylc_flask.hub.runs.scan import Found, Status
from tests.stores import DATA, LINES, recorded

FOUND = Found('demo/run1', Path('/run'), Status.RUNNING)

#: What Cylc's data store tells.
TOLD = (
    'owner', 'host', 'cylc_version', 'run_mode', 'cycling_mode',
    'public_privilege', 'namespaces', 'tasks', 'leaves', 'feet',
    'polling_tasks', 'first_parent_ancestors',
)


def entire(line: str, name: str) -> pb.PbEntireWorkflow:
    return pb.PbEntireWorkflow.FromString(
        (DATA / 'stores' / line / name).with_suffix('.pb').read_bytes())


@pytest.mark.parametrize('line', LINES)
@pytest.mark.parametrize('name', ['paused', 'running', 'mixed', 'nested'])
def test_definition(line, name):
    theirs = recorded(line, name).side.definition
    ours = Deriver(FOUND).load(entire(line, name)).definition
    for field in TOLD:
        assert getattr(ours, field) == getattr(theirs, field), field
    for task in theirs.tasks:
        assert ours.ancestors[task] == theirs.ancestors[task]
        assert ours.meta[task] == theirs.meta[task]
    for family in ours.first_parent_descendants:
        assert set(ours.first_parent_descendants[family]) <= set(
            theirs.first_parent_descendants[family])
    assert ours.suite_meta == theirs.suite_meta


@pytest.mark.parametrize('line', LINES)
@pytest.mark.parametrize('name', ['paused', 'running', 'mixed', 'nested'])
def test_side(line, name):
    theirs = recorded(line, name).side
    ours = Deriver(FOUND).load(entire(line, name))
    assert ours.broadcasts == theirs.broadcasts
    assert ours.is_paused == theirs.is_paused
    assert ours.is_reloading == theirs.is_reloading
    assert (ours.stop_mode is None) == (theirs.stop_mode is None)


def delta(**fields: str) -> pb.AllDeltas:
    result = pb.AllDeltas()
    for name, value in fields.items():
        setattr(result.workflow.updated, name, value)
    return result


def test_what_changes():
    deriver = Deriver(FOUND)
    before = deriver.load(entire('8.5', 'running'))
    side = deriver.follow(delta(status='paused', status_msg='paused'))
    assert side == replace(before, is_paused=True, stop_point=None,
                           hold_point=None)
    assert side.definition is before.definition
    side = deriver.follow(delta(
        status='running', status_msg='running to hold at 7',
        broadcasts='{"*": {"root": {"script": "true"}}}',
    ))
    assert (side.is_paused, side.hold_point) == (False, '7')
    assert side.broadcasts == {'*': {'root': {'script': 'true'}}}
    again = deriver.follow(delta(status_msg='running to stop at 9'))
    assert (again.stop_point, again.hold_point) == ('9', None)
    assert again.broadcasts is side.broadcasts
    assert deriver.follow(delta(status='stopping')).stop_mode


def test_nonsense_of_users():
    """What [meta] holds may be anything."""
    whole = entire('8.5', 'running')
    whole.workflow.meta.user_defined = '[]'
    whole.tasks[0].meta.user_defined = '{"a": 1, "b": null}'
    definition = Deriver(FOUND).load(whole).definition
    assert definition.suite_meta.keys() == {
        'title', 'description', 'URL', 'group'}
    assert definition.meta[whole.tasks[0].name]['a'] == '1'
