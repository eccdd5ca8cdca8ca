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
"""Reading what the data store lacks, on the main thread."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Mapping

from cylc.flow import __version__ as CYLC_VERSION
from cylc_flask.replica.side import Broadcasts, Definition, Side

if TYPE_CHECKING:
    from cylc.flow.config import WorkflowConfig
    from cylc.flow.scheduler import Scheduler

#: Items of [meta] which are there even where nothing is written.
META = ('title', 'description', 'URL')

#: The item of [meta] by which a workflow grants more or less to the public.
PUBLIC_PRIVILEGE = 'public privilege'


class SideReader:
    """Reads side data; what has not changed stays the same object."""

    def __init__(self, schd: Scheduler) -> None:
        self._schd = schd
        self._config: WorkflowConfig | None = None
        self._definition: Definition
        self._serial = 0
        self._broadcasts: Broadcasts = {}

    def read(self) -> Side:
        """Return the side data of this moment."""
        schd = self._schd
        pool = schd.pool
        final = schd.config.final_point
        stop = pool.stop_point
        intervals = schd.main_loop_intervals
        return Side(
            broadcasts=self._read_broadcasts(),
            stop_mode=schd.stop_mode.value if schd.stop_mode else None,
            stop_point=None if stop == final else _text(stop),
            stop_clock_time=schd.stop_clock_time,
            stop_task=pool.stop_task_id,
            hold_point=_text(pool.hold_point),
            final_point=_text(final),
            runahead_point=_text(pool.runahead_limit_point),
            is_reloading=bool(schd.reload_pending),
            is_paused=schd.is_paused,
            definition=self._read_definition(),
            main_loop_interval=(
                sum(intervals) / len(intervals) if intervals else None
            ),
        )

    def _read_broadcasts(self) -> Broadcasts:
        """Return the broadcasts, copied only if they have changed.

        Cylc's own server thread may set one at any time, under this lock.
        """
        manager = self._schd.broadcast_mgr
        with manager.lock:
            if manager.broadcasts != self._broadcasts:
                self._broadcasts = deepcopy(manager.broadcasts)
        return self._broadcasts

    def _read_definition(self) -> Definition:
        """Return the definition, made anew only after a reload."""
        config = self._schd.config
        if config is not self._config:
            self._serial += 1
            self._definition = read_definition(self._schd, self._serial)
            self._config = config
        return self._definition


def read_definition(schd: Scheduler, serial: int) -> Definition:
    """Return what the workflow is by its definition."""
    config: Any = schd.config
    suite_meta = _meta(config.cfg['meta'], (*META, 'group'))
    return Definition(
        serial=serial,
        workflow=schd.workflow,
        uuid=schd.uuid_str,
        owner=schd.owner,
        host=schd.host,
        cylc_version=CYLC_VERSION,
        run_dir=schd.workflow_run_dir,
        run_mode=schd.get_run_mode().value,
        cycling_mode=config.cfg['scheduling']['cycling mode'],
        initial_point=str(config.initial_point),
        public_privilege=suite_meta.get(PUBLIC_PRIVILEGE),
        namespaces=list(config.ns_defn_order),
        tasks=[name for name in config.ns_defn_order
               if name in config.taskdefs],
        ancestors=_lists(config.get_linearized_ancestors()),
        first_parent_ancestors=_lists(
            config.get_first_parent_ancestors(pruned=True)
        ),
        first_parent_descendants=_lists(
            config.get_first_parent_descendants()
        ),
        meta={
            name: _meta(settings['meta'], META)
            for name, settings in config.cfg['runtime'].items()
        },
        suite_meta=suite_meta,
        leaves=list(config.leaves),
        feet=list(config.feet),
        polling_tasks=_lists(config.workflow_polling_tasks),
        shortest_step=_shortest_step(config.sequences),
    )


def _shortest_step(sequences: Iterable[Any]) -> float | None:
    """Return the seconds between dates; a single date has no step."""
    steps = [
        recurrence.duration.get_seconds()
        for sequence in sequences
        if (recurrence := getattr(sequence, 'recurrence', None))
        and recurrence.duration
    ]
    return min(steps, default=None)


def _text(point: object | None) -> str | None:
    return None if point is None else str(point)


def _lists(lists: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: list(names) for name, names in lists.items()}


def _meta(items: Mapping[str, Any], always: tuple[str, ...]) -> dict[str, str]:
    """Return [meta] items as text, the usual ones even if empty."""
    return dict.fromkeys(always, '') | {
        key: str(value) for key, value in items.items() if value is not None
    }
