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
"""Cylc 7's words for the states of tasks, families and the workflow."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from cylc_flask.legacy.clock import Zone
from cylc_flask.replica.side import Side
from cylc_flask.replica.store import Store

#: The state of a family is the first of these that a member has.
WORST_FIRST = (
    'submit-failed', 'failed', 'expired', 'submit-retrying', 'retrying',
    'running', 'submitted', 'ready', 'queued', 'waiting', 'held',
    'succeeded', 'runahead',
)

#: Cylc 8's words which Cylc 7 does not know.
WORDS = {'preparing': 'ready'}

#: Start of the labels by which cylc-flow delays another submission.
SUBMIT_RETRY = '_cylc_submit_retry'


def task_state(proxy: Any) -> str:
    """Return the state of a task proxy.

    What Cylc 8 says beside the state was a state of its own in Cylc 7, and
    only of a task which had not begun: a held task that runs is running.
    """
    state: str = proxy.state
    if state != 'waiting':
        return WORDS.get(state, state)
    if proxy.is_held:
        return 'held'
    if proxy.is_runahead:
        return 'runahead'
    if proxy.is_queued:
        return 'queued'
    if proxy.is_retry:
        return _retry_state(proxy)
    return state


def _retry_state(proxy: Any) -> str:
    for trigger in proxy.xtriggers.values():
        if trigger.label.startswith(SUBMIT_RETRY) and not trigger.satisfied:
            return 'submit-retrying'
    return 'retrying'


def group_state(states: Container[str]) -> str:
    """Return the state of a family whose members have these states."""
    return next(state for state in WORST_FIRST if state in states)


def status_string(store: Store) -> str:
    """Return what the workflow is about, the first thing that applies."""
    side = store.side
    if side.is_paused:
        return 'held'
    if side.stop_mode is not None:
        return 'stopping'
    if side.hold_point is not None:
        return f'running to hold at {side.hold_point}'
    end = _end(side, Zone(store.workflow.time_zone_info))
    return 'running' if end is None else f'running to stop at {end}'


def _end(side: Side, zone: Zone) -> str | None:
    """Return the point, the time or the task after which a run stops."""
    if side.stop_point is not None:
        return side.stop_point
    if side.stop_clock_time is not None:
        return zone.text(side.stop_clock_time)
    if side.stop_task is not None:
        point, _, name = side.stop_task.partition('/')
        return f'{name}.{point}'
    return side.final_point
