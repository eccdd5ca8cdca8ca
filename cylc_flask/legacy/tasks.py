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
"""What Cylc 7 tells about one task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cylc_flask.errors import NotFound
from cylc_flask.legacy.ids import one
from cylc_flask.legacy.points import find
from cylc_flask.legacy.pool import Pool
from cylc_flask.replica.side import Definition
from cylc_flask.replica.store import Store

#: Broadcasts to every point.
EVERY_POINT = '*'


def task_info(
    definition: Definition, names: Iterable[str]
) -> dict[str, dict[str, str]]:
    """Return the [meta] items of tasks; of other names nothing."""
    return {
        name: definition.meta[name]
        if name in definition.first_parent_ancestors else {}
        for name in names
    }


def ping_task(
    store: Store, task_id: str, exists_only: object = False
) -> list[Any]:
    """Return whether a task runs, or is there at all, and that in words."""
    proxy = Pool(store).get(one(task_id, store.side.definition))
    if proxy is None:
        return [False, 'task not found']
    if exists_only:
        return [True, 'task found']
    if proxy.state == 'running':
        return [True, 'task running']
    return [False, 'task not running']


def task_jobfile_path(definition: Definition, task_id: str) -> str:
    """Return where the newest job file of a task is, or would be."""
    name, point = one(task_id, definition)
    return f'{definition.run_dir}/log/job/{point}/{name}/NN/job'


def task_broadcast(store: Store, task_id: str) -> dict[str, Any]:
    """Return the broadcast settings that a task will run with.

    Those to its point count more than those to every point; in each, those
    to itself most and those to root least.
    """
    definition, broadcasts = store.side.definition, store.side.broadcasts
    name, point = one(task_id, definition)
    ancestors = definition.ancestors.get(name)
    if ancestors is None:
        raise NotFound(f'No such task: {name}')
    settings: dict[str, Any] = {}
    for key in (EVERY_POINT, find(point, broadcasts, definition)):
        for namespace in reversed(ancestors):
            _merge(settings, broadcasts.get(key or '', {}).get(namespace, {}))
    return settings


def _merge(settings: dict[str, Any], others: dict[str, Any]) -> None:
    """Overlay nested settings, without sharing any part of them."""
    for key, value in others.items():
        if isinstance(value, dict):
            section = settings.setdefault(key, {})
            _merge(section, value)
        else:
            settings[key] = value
