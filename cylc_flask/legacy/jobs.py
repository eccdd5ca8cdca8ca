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
"""Jobs, as Cylc 7's oldest clients mean them: the latest of a task."""

from __future__ import annotations

from cylc_flask.errors import NotFound
from cylc_flask.legacy.ids import one
from cylc_flask.legacy.pool import Pool
from cylc_flask.replica.store import Store


def is_known(store: Store, job: str) -> bool:
    """Tell whether there is the task of a job, ``POINT/NAME/NN``.

    One that a reload has taken out of the graph may still run.
    """
    task, _, _ = job.rpartition('/')
    _, _, name = task.partition('/')
    return (
        name in store.side.definition.tasks
        or f'{store.workflow.id}//{task}' in store.task_proxies
    )


def latest_job(store: Store, task_id: str) -> str:
    """Return the id of a task's latest job, ``POINT/NAME/NN``.

    Raises:
        RequestError: That is no task id.
        NotFound: There is no such task, or it had no job.
    """
    proxy = Pool(store).get(one(task_id, store.side.definition))
    if proxy is None:
        raise NotFound(f'No such task: {task_id}')
    jobs = store.jobs_of(proxy.id)
    if not jobs:
        raise NotFound(f'No job of {task_id} yet')
    return f'{proxy.cycle_point}/{proxy.name}/{jobs[-1].submit_num:02d}'
