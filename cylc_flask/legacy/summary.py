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
"""The state summary: what Cylc 7's clients show."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from cylc_flask.legacy.clock import Zone
from cylc_flask.legacy.points import order
from cylc_flask.legacy.states import group_state, status_string, task_state
from cylc_flask.replica.side import Definition
from cylc_flask.replica.store import Store

Summary = dict[str, Any]

#: What was never asked for has no job: nothing is known of these.
NO_JOB: Summary = {
    'batch_sys_name': None,
    'execution_time_limit': None,
    'finished_time': None,
    'finished_time_string': None,
    'latest_message': '',
    'started_time': None,
    'started_time_string': None,
    'submit_method_id': None,
    'submitted_time': None,
    'submitted_time_string': None,
}


class StateSummary(NamedTuple):
    """The answer, in the order in which it goes over the wire."""

    workflow: Summary
    tasks: dict[str, Summary]
    families: dict[str, Summary]


def state_summary(store: Store) -> StateSummary:
    """Return the state of the workflow, its tasks and its families.

    All task proxies of the store count: they are what Cylc 7 called the
    task pool. The same for a version of the store; worth keeping.
    """
    tasks = _tasks(store)
    return StateSummary(
        _workflow(store, tasks),
        tasks,
        _families(store.side.definition, tasks),
    )


def _workflow(store: Store, tasks: dict[str, Summary]) -> Summary:
    definition = store.side.definition
    states = sorted(task['state'] for task in tasks.values())
    zone = store.workflow.time_zone_info
    return {
        'last_updated': store.workflow.last_updated,
        'run_mode': definition.run_mode,
        'status_string': status_string(store),
        'states': states,
        'state totals': dict(Counter(states)),
        **_points(definition, tasks),
        'namespace definition order': definition.namespaces,
        'reloading': store.side.is_reloading,
        'suite_urls': {
            name: meta.get('URL', '')
            for name, meta in definition.meta.items()
        } | {'suite': definition.suite_meta.get('URL', '')},
        'time zone info': {
            'hours': zone.hours,
            'minutes': zone.minutes,
            'string_basic': zone.string_basic,
            'string_extended': zone.string_extended,
        },
    }


def _points(definition: Definition, tasks: dict[str, Summary]) -> Summary:
    """Return the ends of the pool, and how far the runahead pool goes."""
    pool: set[str] = set()
    runahead: set[str] = set()
    for task in tasks.values():
        (runahead if task['state'] == 'runahead' else pool).add(task['label'])

    def by_order(point: str) -> int | str:
        return order(point, definition)

    return {
        'oldest cycle point string': min(pool, key=by_order, default=None),
        'newest cycle point string': max(pool, key=by_order, default=None),
        'newest runahead cycle point string': max(
            runahead, key=by_order, default=None
        ),
    }


def _tasks(store: Store) -> dict[str, Summary]:
    meta = store.side.definition.meta
    means = {
        task.name: float(task.mean_elapsed_time)
        for task in store.tasks.values()
        if task.HasField('mean_elapsed_time')
    }
    zone = Zone(store.workflow.time_zone_info)
    tasks = {}
    for id_, proxy in store.task_proxies.items():
        name, point = proxy.name, proxy.cycle_point
        about = meta.get(name, {})
        tasks[f'{name}.{point}'] = {
            'name': name,
            'label': point,
            'state': task_state(proxy),
            'spawned': 'True',
            'submit_num': proxy.job_submits,
            'title': about.get('title', ''),
            'description': about.get('description', ''),
            'logfiles': [],
            'mean_elapsed_time': means.get(name),
            **_jobs(store.jobs_of(id_), zone),
        }
    return tasks


def _jobs(jobs: list[Any], zone: Zone) -> Summary:
    """Return what is known of the last job, and where all of them went."""
    if not jobs:
        return {'job_hosts': {}, **NO_JOB}
    job = jobs[-1]
    submitted, submitted_text = zone.read(job.submitted_time)
    started, started_text = zone.read(job.started_time)
    finished, finished_text = zone.read(job.finished_time)
    messages = job.messages
    return {
        'job_hosts': {str(each.submit_num): each.platform for each in jobs},
        'host': job.platform,
        'batch_sys_name': job.job_runner_name,
        'submit_method_id': job.job_id or None,
        'execution_time_limit': job.execution_time_limit or None,
        'latest_message': messages[-1] if messages else job.state,
        'submitted_time': submitted,
        'submitted_time_string': submitted_text,
        'started_time': started,
        'started_time_string': started_text,
        'finished_time': finished,
        'finished_time_string': finished_text,
    }


def _families(
    definition: Definition, tasks: dict[str, Summary]
) -> dict[str, Summary]:
    """Return the families of first parents that have a task in the pool."""
    ancestors = definition.first_parent_ancestors
    states: dict[tuple[str, str], set[str]] = {}
    for task in tasks.values():
        for family in ancestors.get(task['name'], ())[1:]:
            states.setdefault((family, task['label']), set()).add(
                task['state']
            )
    return {
        f'{family}.{point}': {
            'name': family,
            'label': point,
            'state': group_state(members),
            'title': definition.meta[family].get('title') or None,
            'description': definition.meta[family].get('description') or None,
        }
        for (family, point), members in states.items()
    }
