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
"""What is true beside a store, as far as the store itself tells.

A scheduler without our plugin has nothing else. What cannot be known is left
out, as if it were not set.
"""

from __future__ import annotations

from collections.abc import Iterable
import json
from typing import TYPE_CHECKING, Any

from cylc.flow.c3mro import C3
from cylc_flask.replica.side import Broadcasts, Definition, Side

if TYPE_CHECKING:
    from cylc_flask.hub.runs.scan import Found

ROOT = 'root'

#: What a workflow says of itself that matters here.
FIELDS = ('status', 'status_msg', 'broadcasts', 'cylc_version', 'host',
          'owner', 'run_mode', 'cycling_mode')

TO_STOP, TO_HOLD = 'running to stop at ', 'running to hold at '
STOPPING, RELOADING, PAUSED = 'stopping', 'reloading', 'paused'
STOP_MODE = 'REQUEST(CLEAN)'


class Deriver:
    """Derives side data; what has not changed stays the same object.

    Args:
        found: The workflow, as it is seen from outside.
    """

    def __init__(self, found: Found) -> None:
        self._found = found
        self._facts: dict[str, str] = {}
        self._broadcasts: Broadcasts = {}
        self._text = ''
        #: Any point of it, for the form that they have.
        self._point = ''
        self._serial = 0
        self._definition: Definition

    def load(self, entire: Any) -> Side:
        """Return the side data of a whole store, as PbEntireWorkflow."""
        self._facts = dict.fromkeys(FIELDS, '')
        self._note(entire.workflow)
        self._point = next(
            (each.cycle_point for each in entire.task_proxies), '')
        self._define(entire.workflow, entire.tasks, entire.families)
        return self._side()

    def follow(self, delta: Any) -> Side:
        """Return the side data after a delta, as AllDeltas."""
        part = delta.workflow
        self._note(part.added)
        self._note(part.updated)
        if part.reloaded and delta.tasks.reloaded:
            workflow = type(part.added)()
            workflow.CopyFrom(part.added)
            workflow.MergeFrom(part.updated)
            self._define(workflow, delta.tasks.added, delta.families.added)
        return self._side()

    def _note(self, workflow: Any) -> None:
        for name in FIELDS:
            if workflow.HasField(name):
                self._facts[name] = getattr(workflow, name)

    def _side(self) -> Side:
        facts = self._facts
        said = facts['status_msg']
        return Side(
            broadcasts=self._read_broadcasts(),
            stop_mode=STOP_MODE if facts['status'] == STOPPING else None,
            stop_point=_after(said, TO_STOP),
            stop_clock_time=None,
            stop_task=None,
            hold_point=_after(said, TO_HOLD),
            final_point=None,
            runahead_point=None,
            is_reloading=said.startswith(RELOADING),
            is_paused=facts['status'] == PAUSED,
            definition=self._definition,
            main_loop_interval=None,
        )

    def _read_broadcasts(self) -> Broadcasts:
        text = self._facts['broadcasts']
        if text != self._text:
            read = json.loads(text) if text else {}
            self._broadcasts = read if isinstance(read, dict) else {}
            self._text = text
        return self._broadcasts

    def _define(
        self, workflow: Any, tasks: Iterable[Any], families: Iterable[Any]
    ) -> None:
        self._serial += 1
        facts = self._facts
        by_name = {task.name: task for task in tasks}
        parts = {**{family.name: family for family in families}, **by_name}
        namespaces = list(workflow.ns_def_order) or [*parts]
        suite_meta = _meta(workflow.meta)
        contact = self._found.contact
        first = {name: _name(each.first_parent)
                 for name, each in parts.items()}
        self._definition = Definition(
            serial=self._serial,
            workflow=self._found.name,
            uuid=contact.uuid if contact else '',
            owner=facts['owner'],
            host=facts['host'],
            cylc_version=facts['cylc_version'],
            run_dir=str(self._found.run_dir),
            run_mode=facts['run_mode'],
            cycling_mode=facts['cycling_mode'],
            initial_point=self._point,
            public_privilege=suite_meta.get('public privilege'),
            namespaces=namespaces,
            tasks=[name for name in namespaces if name in by_name],
            ancestors=_ancestors(parts),
            first_parent_ancestors={
                name: _line(name, first) for name in by_name},
            first_parent_descendants=_descendants(first),
            meta={name: _meta(each.meta) for name, each in parts.items()},
            suite_meta={'group': '', **suite_meta},
            leaves=list(workflow.edges.leaves),
            feet=list(workflow.edges.feet),
            polling_tasks={
                each.local_proxy: [
                    each.workflow, each.remote_proxy, each.req_state,
                    each.graph_string,
                ] for each in workflow.edges.workflow_polling_tasks
            },
        )


def _after(text: str, start: str) -> str | None:
    return text[len(start):] if text.startswith(start) else None


def _name(id_: str) -> str:
    """Return the name in the id of a definition.

    Examples:
        >>> _name('~me/demo//$namespace|FAM')
        'FAM'
    """
    return id_.rpartition('|')[2]


def _meta(meta: Any) -> dict[str, str]:
    """Return [meta] items; those of the user are JSON in one field."""
    result = {'title': meta.title, 'description': meta.description,
              'URL': meta.URL}
    try:
        own = json.loads(meta.user_defined or '{}')
    except ValueError:
        return result
    if isinstance(own, dict):
        result |= {key: str(value) for key, value in own.items()}
    return result


def _ancestors(parts: dict[str, Any]) -> dict[str, list[str]]:
    """Return the linearised ancestors of all, each first its own.

    Tasks have theirs written down, the root first.
    """
    parents: dict[str, list[str]] = {}
    result: dict[str, list[str]] = {}
    for name, each in parts.items():
        if names := list(getattr(each, 'namespace', ())):
            result[name] = names[::-1]
        else:
            parents[name] = [*map(_name, each.parents)]
    for names in [*parents.values(), *result.values()]:
        for name in names:
            if name not in result:
                parents.setdefault(name, [ROOT])
    parents[ROOT] = []
    linear: Any = C3(parents)  # type: ignore[no-untyped-call]
    return result | {name: list(linear.mro(name)) for name in parents}


def _line(name: str, first: dict[str, str]) -> list[str]:
    """Return a task with its first parents, the root last."""
    result = [name]
    while (name := first.get(name, '')) and name not in result:
        result.append(name)
    return result


def _descendants(first: dict[str, str]) -> dict[str, list[str]]:
    """Return the members of families, at any depth, by first parents."""
    result: dict[str, list[str]] = {}
    for name in first:
        for family in _line(name, first)[1:]:
            result.setdefault(family, []).append(name)
    return result
