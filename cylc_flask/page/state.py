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
"""The first state, as far as a level lets see it.

It has the shape of what a subscription adds, so that a script goes on from
there as if it had been told so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from cylc.flow.task_state import TASK_STATUSES_ORDERED
from cylc_flask.legacy.clock import Zone
from cylc_flask.privilege import Privilege
from cylc_flask.replica.delta import Element
from cylc_flask.replica.store import Store

Plain = dict[str, Any]
Names = tuple[tuple[str, str], ...]

#: Fields by their names in the schema and in the store.
BASIC: Names = (
    ('id', 'id'), ('name', 'name'), ('owner', 'owner'),
    ('cylcVersion', 'cylc_version'),
)
DETAILS: Names = (
    ('host', 'host'), ('status', 'status'), ('statusMsg', 'status_msg'),
    ('runMode', 'run_mode'), ('nEdgeDistance', 'n_edge_distance'),
    ('oldestActiveCyclePoint', 'oldest_active_cycle_point'),
    ('newestActiveCyclePoint', 'newest_active_cycle_point'),
)
META: Names = (
    ('title', 'title'), ('description', 'description'), ('URL', 'URL'),
)
ZONE: Names = (('hours', 'hours'), ('minutes', 'minutes'))
RECORD: Names = (('level', 'level'), ('message', 'message'))
TASK: Names = (('id', 'id'), ('meanElapsedTime', 'mean_elapsed_time'))
PROXY: Names = (
    ('id', 'id'), ('state', 'state'), ('isHeld', 'is_held'),
    ('isQueued', 'is_queued'), ('isRunahead', 'is_runahead'),
    ('isRetry', 'is_retry'), ('isWallclock', 'is_wallclock'),
    ('isXtriggered', 'is_xtriggered'), ('flowNums', 'flow_nums'),
    ('graphDepth', 'graph_depth'),
)
JOB: Names = (
    ('id', 'id'), ('state', 'state'), ('platform', 'platform'),
    ('jobId', 'job_id'), ('jobRunnerName', 'job_runner_name'),
    ('submittedTime', 'submitted_time'), ('startedTime', 'started_time'),
    ('finishedTime', 'finished_time'),
)

STALLED = 'stalled'

#: What a stalled workflow may be stalled by, in words.
FAULTS = (('failed', 'failed'), ('submit-failed', 'submit-failed'),
          ('expired', 'expired'))


def pick(element: Element, names: Names) -> Plain:
    """Return some fields of an element, as far as they hold anything.

    Examples:
        >>> from cylc_flask.compat import pb
        >>> pick(pb.PbJob(id='1/a/01', state='running'), JOB)
        {'id': '1/a/01', 'state': 'running'}
    """
    found = {}
    for name, field in names:
        value = getattr(element, field)
        if value:
            found[name] = value
    return found


def added(store: Store, level: Privilege) -> Plain:
    """Return all that a script has to know at first."""
    found: Plain = {'workflow': workflow(store, level)}
    if level >= Privilege.FULL_READ:
        found |= {
            'families': [
                _child(family, pick(family, BASIC[:1]))
                for family in store.families.values()
            ],
            'tasks': [*map(_task, store.tasks.values())],
            'taskProxies': [
                pick(proxy, PROXY) for proxy in store.task_proxies.values()
            ],
            'jobs': [pick(job, JOB) for job in store.jobs.values()],
        }
    return found


def workflow(store: Store, level: Privilege) -> Plain:
    """Return what may be known of the workflow itself."""
    flow = store.workflow
    found = pick(flow, BASIC)
    if level >= Privilege.DESCRIPTION:
        found['meta'] = pick(flow.meta, META)
    if level >= Privilege.STATE_TOTALS:
        found['lastUpdated'] = flow.last_updated
        found['stateTotals'] = totals(flow.state_totals)
        found['states'] = [*flow.states]
    if level >= Privilege.FULL_READ:
        found |= pick(flow, DETAILS)
        found['timeZoneInfo'] = {
            name: getattr(flow.time_zone_info, field) for name, field in ZONE
        }
        found['logRecords'] = [
            pick(record, RECORD) for record in flow.log_records
        ]
    return found


def header(store: Store, level: Privilege) -> Plain:
    """Return what stands at the top of the page, in words."""
    flow = store.workflow
    found: Plain = {'workflow': workflow(store, level)}
    if level >= Privilege.STATE_TOTALS:
        zone = Zone(flow.time_zone_info)
        found['updated'] = zone.text(flow.last_updated)
    if level >= Privilege.FULL_READ:
        found['status'] = flow.status or 'starting'
        found['words'] = words(store)
    return found


def words(store: Store) -> str:
    """Return what the workflow is about, and why."""
    flow = store.workflow
    text = flow.status_msg or flow.status or 'starting'
    if not text.startswith(STALLED):
        return str(text)
    number = Counter(
        proxy.state for proxy in store.task_proxies.values()
        if not proxy.graph_depth
    )
    reasons = [
        f'{number[state]} {"task" if number[state] == 1 else "tasks"} {word}'
        for state, word in FAULTS if number[state]
    ]
    return f'{text}: {", ".join(reasons)}' if reasons else str(text)


def totals(numbers: dict[str, int]) -> dict[str, int]:
    """Return how many tasks are in which state, in the order of a run."""
    return {
        state: numbers[state] for state in TASK_STATUSES_ORDERED
        if state in numbers and numbers[state]
    }


def count(states: Iterable[str]) -> dict[str, int]:
    """Count states, in the order of a run.

    Examples:
        >>> count(['running', 'waiting', 'running'])
        {'waiting': 1, 'running': 2}
    """
    return totals(Counter(states))


def _task(task: Element) -> Plain:
    found = _child(task, pick(task, TASK))
    if task.meta.title:
        found['meta'] = {'title': task.meta.title}
    return found


def _child(element: Element, found: Plain) -> Plain:
    if element.first_parent:
        found['firstParent'] = {'id': element.first_parent}
    return found
