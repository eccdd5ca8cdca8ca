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
"""Commands: Cylc 7's names, Cylc 8's doings."""

from __future__ import annotations

from enum import IntEnum
import logging
import re
from typing import Any, NoReturn

from cylc.flow.workflow_status import StopMode
from cylc_flask import validate
from cylc_flask.errors import RequestError
from cylc_flask.legacy import ids, resets
from cylc_flask.legacy.pool import Pool
from cylc_flask.privilege import Privilege
from cylc_flask.views import current
from cylc_flask.views.rest.arguments import Items, Literal
from cylc_flask.views.rest.endpoint import Endpoints
from cylc_flask.views.rest.outcome import (
    WAIT,
    Answer,
    answer,
    give,
    nothing_to_do,
    submit,
)

endpoints = Endpoints()

#: Every task in the pool.
ALL = ['*/*']

#: The form of clock times in Cylc 7's scripts.
OLD_CLOCK_TIME = re.compile(
    r'(\d{4})/(\d\d)/(\d\d)-(\d\d):(\d\d)'
).fullmatch


class Level(IntEnum):
    """Levels of the log, by their numbers."""

    DEBUG = logging.DEBUG
    INFO = logging.INFO
    WARNING = logging.WARNING
    ERROR = logging.ERROR
    CRITICAL = logging.CRITICAL


def _submit_to(
    endpoint: str, items: Items, command: str, **arguments: Any
) -> Answer:
    """Give a command about the tasks which Cylc 7's patterns mean."""
    if items is ALL:
        return submit(command, tasks=ALL, **arguments)
    targets = Pool(current.workflow().store).targets(endpoint, items)
    return submit(
        command, unmatched=targets.unmatched, tasks=targets.ids, **arguments
    )


def _is_true(name: str, value: Any) -> bool:
    """Return a literal as a yes or no."""
    if isinstance(value, (bool, int, type(None))):
        return bool(value)
    raise RequestError(f'Bad argument value: {name}={value}')


@endpoints(Privilege.FULL_CONTROL, WAIT, operations=('pause',))
def hold_suite() -> Answer:
    """Pause the workflow: no new jobs are submitted."""
    return submit('pause')


@endpoints(
    Privilege.FULL_CONTROL, WAIT, operations=('resume', 'release_hold_point'),
)
def release_suite() -> Answer:
    """Resume the workflow, release all tasks, and forget the hold point."""
    return answer(give('resume'), give('release_hold_point'))


@endpoints(Privilege.FULL_CONTROL, WAIT, operations=('set_hold_point',))
def hold_after_point_string(point_string: str) -> Answer:
    """Hold all tasks after a cycle point."""
    return submit(
        'set_hold_point', point=validate.point('point_string', point_string)
    )


@endpoints(Privilege.FULL_CONTROL, WAIT, operations=('hold',))
def hold_tasks(items: Items) -> Answer:
    """Hold tasks."""
    return _submit_to('hold_tasks', items, 'hold')


@endpoints(Privilege.FULL_CONTROL, WAIT, operations=('release',))
def release_tasks(items: Items) -> Answer:
    """Release held tasks."""
    return _submit_to('release_tasks', items, 'release')


@endpoints(Privilege.FULL_CONTROL, WAIT, operations=('trigger',))
def trigger_tasks(items: Items, back_out: Literal = False) -> Answer:
    """Run tasks now, whatever they wait for."""
    _is_true('back_out', back_out)
    return _submit_to(
        'trigger_tasks', items, 'force_trigger_tasks', flow=[]
    )


@endpoints(Privilege.FULL_CONTROL, WAIT, operations=('kill',))
def kill_tasks(items: Items = ALL) -> Answer:
    """Kill the jobs of tasks, by default all."""
    return _submit_to('kill_tasks', items, 'kill_tasks')


@endpoints(Privilege.FULL_CONTROL, WAIT, operations=('poll',))
def poll_tasks(items: Items = ALL, poll_succ: str = '') -> Answer:
    """Poll the jobs of tasks, by default all."""
    return _submit_to('poll_tasks', items, 'poll_tasks')


@endpoints(Privilege.FULL_CONTROL, WAIT, operations=('remove',))
def remove_tasks(items: Items, spawn: Literal = False) -> Answer:
    """Remove tasks; Cylc 8 spawns what follows by itself."""
    _is_true('spawn', spawn)
    return _submit_to('remove_tasks', items, 'remove_tasks', flow=[])


@endpoints(Privilege.FULL_CONTROL, WAIT, operations=('remove',))
def remove_cycle(point_string: str, spawn: Literal = False) -> Answer:
    """Remove the tasks of one cycle, and of no other."""
    _is_true('spawn', spawn)
    point = validate.point('point_string', point_string)
    return _submit_to('remove_tasks', [f'{point}/*'], 'remove_tasks', flow=[])


@endpoints(Privilege.FULL_CONTROL, WAIT, operations=('set',))
def reset_task_states(
    items: Items, state: str = '', outputs: Items | None = None
) -> Answer:
    """Set the state or outputs of tasks, as far as Cylc 8 can."""
    wanted = resets.plan(
        current.workflow().store, items, state, outputs or []
    )
    if wanted is None:
        return nothing_to_do('reset_task_states', 'the tasks are waiting')
    return _submit_to(
        'reset_task_states', items, 'set', flow=[],
        outputs=wanted.outputs, prerequisites=wanted.prerequisites,
    )


@endpoints(Privilege.FULL_CONTROL, WAIT)
def insert_tasks(
    items: Items, stop_point_string: str = 'None', no_check: str = ''
) -> Answer:
    """Do nothing: Cylc 8 has each task in its graph at hand."""
    if stop_point_string not in ('None', ''):
        raise RequestError(
            f'stop_point_string={stop_point_string}: Cylc 8 has no stop'
            ' points of single tasks; use set_stop_after_point for the'
            ' workflow, or remove_tasks.'
        )
    Pool(current.workflow().store).filter(items)
    return nothing_to_do(
        'insert_tasks', 'Cylc 8 inserts tasks as it needs them; trigger a'
        ' task to run it now.'
    )


@endpoints(Privilege.FULL_CONTROL, WAIT)
def spawn_tasks(items: Items) -> Answer:
    """Do nothing: Cylc 8 spawns tasks on demand."""
    Pool(current.workflow().store).filter(items)
    return nothing_to_do(
        'spawn_tasks', 'Cylc 8 spawns tasks when something depends on them.'
    )


@endpoints(Privilege.FULL_CONTROL, WAIT)
def nudge() -> Answer:
    """Do nothing: Cylc 8 looks at its tasks all the time."""
    return nothing_to_do(
        'nudge', 'Cylc 8 checks its tasks at each turn of its main loop.'
    )


@endpoints(Privilege.FULL_CONTROL, WAIT)
def dry_run_tasks(items: Items, check_syntax: Literal = True) -> NoReturn:
    """Refuse: Cylc 8 writes no job files for a dry run."""
    raise RequestError(
        'Cylc 8 has no dry run of tasks: use "cylc view" and "cylc config'
        ' --item", or look at the job file after a submission.', 410,
    )


@endpoints(Privilege.FULL_CONTROL, WAIT)
def take_checkpoints(items: Items) -> NoReturn:
    """Refuse: Cylc 8 has no checkpoints."""
    raise RequestError(
        'Cylc 8 has no checkpoints: it restarts from where it was; use'
        ' "cylc trigger --flow=new" to run again from earlier tasks.', 410,
    )


@endpoints(Privilege.FULL_CONTROL, WAIT, operations=('reload',))
def reload_suite() -> Answer:
    """Reload the workflow definition."""
    return submit('reload_workflow')


@endpoints(Privilege.FULL_CONTROL, WAIT, operations=('set_verbosity',))
def set_verbosity(level: str) -> Answer:
    """Set the level of the log, 10 (debug) to 50 (critical)."""
    try:
        number = Level(int(level))
    except ValueError as exc:
        allowed = ', '.join(str(int(known)) for known in Level)
        raise RequestError(
            f'Bad argument value: level={level} (one of {allowed})'
        ) from exc
    return submit('set_verbosity', level=number)


@endpoints(Privilege.SHUTDOWN, WAIT, operations=('stop',))
def set_stop_cleanly(kill_active_tasks: Literal = False) -> Answer:
    """Stop when the running jobs have ended, or been killed."""
    kill = _is_true('kill_active_tasks', kill_active_tasks)
    return submit(
        'stop',
        mode=StopMode.REQUEST_KILL if kill else StopMode.REQUEST_CLEAN,
    )


@endpoints(Privilege.SHUTDOWN, WAIT, operations=('stop',))
def stop_now(terminate: Literal = False) -> Answer:
    """Stop and leave jobs running, at once if asked."""
    at_once = _is_true('terminate', terminate)
    return submit(
        'stop',
        mode=StopMode.REQUEST_NOW_NOW if at_once else StopMode.REQUEST_NOW,
    )


@endpoints(Privilege.SHUTDOWN, WAIT, operations=('stop',))
def set_stop_after_point(point_string: str) -> Answer:
    """Stop after a cycle point."""
    return submit(
        'stop', mode=None,
        cycle_point=validate.point('point_string', point_string),
    )


@endpoints(Privilege.SHUTDOWN, WAIT, operations=('stop',))
def set_stop_after_task(task_id: str) -> Answer:
    """Stop after a task has succeeded."""
    task = ids.one(task_id, current.workflow().store.side.definition)
    return submit('stop', mode=None, task=f'{task.point}/{task.name}')


@endpoints(Privilege.SHUTDOWN, WAIT, operations=('stop',))
def set_stop_after_clock_time(datetime_string: str) -> Answer:
    """Stop at a date and time, ISO 8601 or ``Y/M/D-H:M``."""
    found = OLD_CLOCK_TIME(datetime_string)
    if found:
        datetime_string = '{}-{}-{}T{}:{}'.format(*found.groups())
    validate.date_time('datetime_string', datetime_string)
    return submit('stop', mode=None, clock_time=datetime_string)
