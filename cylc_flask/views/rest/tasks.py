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
"""Reads about tasks."""

from __future__ import annotations

from typing import Any

from cylc_flask.legacy import requisites, tasks
from cylc_flask.privilege import Privilege
from cylc_flask.views import current
from cylc_flask.views.rest.arguments import Items, Literal
from cylc_flask.views.rest.endpoint import Endpoints

endpoints = Endpoints()


@endpoints(Privilege.FULL_READ)
def get_task_info(names: Items) -> dict[str, Any]:
    """Return the metadata of tasks."""
    return tasks.task_info(
        current.workflow().store.side.definition, names
    )


@endpoints(Privilege.FULL_READ)
def get_task_requisites(
    items: Items | None = None, list_prereqs: str = ''
) -> list[Any]:
    """Return what tasks wait for, and what they have brought about."""
    return requisites.task_requisites(
        current.workflow().store, items or [], list_prereqs == 'True'
    )


@endpoints(Privilege.FULL_READ)
def get_task_jobfile_path(task_id: str) -> str:
    """Return where a task's latest job file is."""
    return tasks.task_jobfile_path(
        current.workflow().store.side.definition, task_id
    )


@endpoints(Privilege.FULL_READ)
def ping_task(task_id: str, exists_only: Literal = False) -> list[Any]:
    """Say if a task runs, or is there at all."""
    return tasks.ping_task(current.workflow().store, task_id, exists_only)


@endpoints(Privilege.FULL_READ)
def get_broadcast(task_id: str = 'None') -> dict[str, Any]:
    """Return the broadcast settings, all or those of one task."""
    store = current.workflow().store
    if task_id == 'None':
        return store.side.broadcasts
    return tasks.task_broadcast(store, task_id)
