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
"""What the data store lacks: plain values, read on the main thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: {cycle point or '*': {namespace: settings}}
Broadcasts = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True, eq=False)
class Definition:
    """The workflow definition, the same object until the next reload.

    Nobody changes what it holds. It may be ahead of the store for the few
    milliseconds that a reload takes.
    """

    #: 1 at start, one more for each reload.
    serial: int
    workflow: str
    uuid: str
    owner: str
    host: str
    cylc_version: str
    run_dir: str
    run_mode: str
    cycling_mode: str
    initial_point: str
    #: ``[meta] public privilege`` as it is written there.
    public_privilege: str | None
    #: All namespaces, families and root too, in the order of the definition.
    namespaces: list[str]
    #: Tasks of the graph, in the order of the definition.
    tasks: list[str]
    #: {namespace: [namespace, ..., 'root']}, linearised.
    ancestors: dict[str, list[str]]
    #: {task: [task, first parent, ..., 'root']}
    first_parent_ancestors: dict[str, list[str]]
    #: {family: [members, families among them, by first parent]}
    first_parent_descendants: dict[str, list[str]]
    #: {namespace: {'title': ..., 'description': ..., 'URL': ..., ...}}
    meta: dict[str, dict[str, str]]
    #: The same of the workflow, with 'group'.
    suite_meta: dict[str, str]
    #: For the static graph: names of tasks, and of tasks and families.
    leaves: list[str]
    feet: list[str]
    #: {task: [workflow, remote task, status, graph string]}
    polling_tasks: dict[str, list[str]]
    #: Seconds from a cycle point to the next, the fewest of any sequence;
    #: None where cycle points are integers, or do not repeat.
    shortest_step: float | None = None


@dataclass(frozen=True)
class Side:
    """What is true beside a version of the store; replaced, never changed.

    Points are text, None where there is none.
    """

    broadcasts: Broadcasts
    #: Value of cylc-flow's StopMode, e.g. ``REQUEST(CLEAN)``.
    stop_mode: str | None
    #: None also where it is merely the final point.
    stop_point: str | None
    #: Unix time.
    stop_clock_time: float | None
    #: ``POINT/NAME``
    stop_task: str | None
    hold_point: str | None
    final_point: str | None
    #: The last point that the runahead limit lets run.
    runahead_point: str | None
    is_reloading: bool
    is_paused: bool
    definition: Definition
    #: Mean of the last intervals in seconds, None before the first.
    main_loop_interval: float | None = field(compare=False)

    def is_news_after(self, last: Side | None) -> bool:
        """Tell whether this is worth a new version of the replica.

        The main-loop interval never keeps still: it is news only once.
        """
        return last is None or self != last or (
            last.main_loop_interval is None
            and self.main_loop_interval is not None
        )
