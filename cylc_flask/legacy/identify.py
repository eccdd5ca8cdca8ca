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
"""Who a workflow is, and as much more as the caller may know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
import heapq
from typing import Any

from cylc_flask.legacy.summary import StateSummary, state_summary
from cylc_flask.privilege import Privilege
from cylc_flask.replica.store import Store

#: So many tasks of a state are shown; when there are more, one less, and
#: how many are left out.
SHOWN = 6

TIMES = ('submitted_time', 'started_time', 'finished_time')


def identify(
    store: Store,
    privilege: Privilege,
    summarise: Callable[[Store], StateSummary] = state_summary,
) -> dict[str, Any]:
    """Return what a caller of this privilege may know of the workflow.

    Args:
        summarise: Where the caller has the state summary from.
    """
    answer: dict[str, Any] = {}
    definition = store.side.definition
    if privilege >= Privilege.IDENTITY:
        answer.update(
            name=definition.workflow,
            owner=definition.owner,
            version=definition.cylc_version,
        )
    if privilege >= Privilege.DESCRIPTION:
        meta = definition.suite_meta
        answer['meta'] = meta
        for key in ('title', 'description', 'group'):
            answer[key] = meta.get(key, '')
    if privilege >= Privilege.STATE_TOTALS:
        answer.update(_states(summarise(store)))
    return answer


def _states(summary: StateSummary) -> dict[str, Any]:
    by_point: dict[str, Counter[str]] = {}
    by_state: dict[str, list[tuple[float, str, str]]] = {}
    for task in summary.tasks.values():
        state, point = task['state'], task['label']
        by_point.setdefault(point, Counter())[state] += 1
        last = max(task[time] or 0 for time in TIMES)
        by_state.setdefault(state, []).append((last, task['name'], point))
    return {
        'update-time': summary.workflow['last_updated'],
        'states': [summary.workflow['state totals'], by_point],
        'tasks-by-state': {
            state: _newest(tasks) for state, tasks in by_state.items()
        },
    }


def _newest(tasks: list[tuple[float, str, str]]) -> list[list[Any]]:
    if len(tasks) <= SHOWN:
        return [list(task) for task in sorted(tasks, reverse=True)]
    shown: list[list[Any]] = [
        list(task) for task in heapq.nlargest(SHOWN - 1, tasks)
    ]
    return [*shown, [None, len(tasks) - len(shown), None]]
