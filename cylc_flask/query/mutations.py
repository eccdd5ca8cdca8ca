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
"""Mutations: what a workflow is told, and what the client is answered.

Cylc's clients look for how it went in ``result``, not among the errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from cylc.flow.exceptions import CylcError
from cylc.flow.network.schema import runtime_schema_to_cfg
from cylc_flask import intake, validate
from cylc_flask.commands import speaking
from cylc_flask.errors import Refused, RequestError

if TYPE_CHECKING:
    from cylc_flask.workflows import Workflow

#: Whether it worked so far, and the command's id or what is wrong.
Response = list[Any]

#: How far the graph window may reach, in edges from active tasks. The
#: scheduler walks all of it, in its main loop.
MAX_EXTENT = 100

#: The highest number of a flow. Cylc counts on from it, and writes what it
#: comes to into a database which has an end to its numbers, as has the run
#: when that is met.
MAX_FLOW = 2**31 - 1

#: How many tasks, outputs or prerequisites one command may name, and how
#: long (characters) each may be. Cylc's main loop looks at each with patterns
#: that take time by the square of the one or the other.
MAX_ITEMS = 5_000
MAX_ITEM = 1_000

#: How many flows one command may put tasks in: Cylc writes all of them down
#: with each task that follows.
MAX_FLOWS = 100

Arguments = dict[str, Any]


def give(
    flow: Workflow, command: str, arguments: Arguments, caller: str
) -> Response:
    """Carry a mutation out, or queue it.

    Args:
        flow: The workflow that it is for.
        command: Its name in cylc-flow.
        arguments: Those of the mutation, without the workflows.
        caller: Who gives it.
    """
    try:
        check_texts(arguments)
        if direct := DIRECT.get(command):
            with speaking(caller):
                return direct(flow, arguments)
        ticket = flow.commands.submit(
            command, caller, **checked(command, arguments)
        )
    except RequestError as exc:
        return [False, exc.text]
    except (Refused, CylcError) as exc:
        return [False, str(exc)]
    return [True, ticket.id]


def check_texts(value: Any, name: str = '') -> None:
    """Refuse texts that can be neither logged nor stored, however deep."""
    if isinstance(value, str):
        validate.text(name, value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            check_texts(key, name)
            check_texts(inner, name or key)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            check_texts(inner, name)


def checked(command: str, arguments: Arguments) -> Arguments:
    """Return the arguments of a command, as the scheduler can bear them."""
    found = dict(arguments)
    # A null means what is left out; graphene hands it on.
    if 'flow' in found:
        found['flow'] = found['flow'] or []
    for name in ('tasks', 'flow', 'outputs', 'prerequisites'):
        if found.get(name) is not None:
            found[name] = _items(name, found[name])
    _check_flows(found.get('flow') or [])
    for name in ('point', 'cycle_point'):
        if found.get(name) is not None:
            found[name] = validate.point(name, found[name])
    if found.get('clock_time') is not None:
        validate.date_time('clock_time', found['clock_time'])
    return found


def _items(name: str, value: Any) -> list[str]:
    """Return a list of texts that is not too much for the scheduler."""
    items = validate.texts(name, value)
    most = MAX_FLOWS if name == 'flow' else MAX_ITEMS
    if len(items) > most:
        raise RequestError(
            f'{name} has {len(items)} items, which is more than {most}'
        )
    for item in items:
        if len(item) > MAX_ITEM:
            raise RequestError(
                f'{name} has an item of {len(item)} characters, which is more'
                f' than {MAX_ITEM}'
            )
    return items


def _check_flows(names: list[str]) -> None:
    """Refuse numbers of flows that are too high; Cylc sees to the rest."""
    for name in names:
        try:
            number = int(name)
        except ValueError:
            continue
        if abs(number) > MAX_FLOW:
            raise RequestError(
                f'flow must be at most {MAX_FLOW}, not {validate.shown(name)}'
            )


def _message(flow: Workflow, arguments: Arguments) -> Response:
    number = intake.put_messages(
        flow, arguments.get('task_job'), arguments.get('event_time'),
        arguments.get('messages'),
    )
    return [True, f'Messages queued: {number}']


def _ext_trigger(flow: Workflow, arguments: Arguments) -> Response:
    intake.put_ext_trigger(flow, arguments['message'], arguments['id'])
    return [True, 'Event queued']


def _broadcast(flow: Workflow, arguments: Arguments) -> Response:
    points = arguments.get('cycle_points')
    names = arguments.get('namespaces')
    settings = _settings(arguments.get('settings'))
    match arguments['mode'].value:
        case 'put_broadcast':
            done = intake.put_broadcast(flow, points, names, settings)
        case 'clear_broadcast':
            done = intake.clear_broadcast(flow, points, names, settings)
        case _:
            done = intake.expire_broadcast(flow, arguments.get('cutoff'))
    return [*done]


def _settings(value: Any) -> Any:
    """Return settings under Cylc's names instead of those of the schema."""
    if not isinstance(value, list):
        return value
    return [_setting(item) for item in value]


def _setting(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    # cylc-flow takes it for a text, without looking.
    validate.text('run_mode', item.get('run_mode', ''))
    return runtime_schema_to_cfg(item)


def _set_graph_window_extent(
    flow: Workflow, arguments: Arguments
) -> Response:
    extent = arguments['n_edge_distance']
    if not 0 <= extent <= MAX_EXTENT:
        raise RequestError(
            f'nEdgeDistance must be from 0 to {MAX_EXTENT}, not {extent}'
        )
    flow.commands.set_graph_window_extent(extent)
    return [True, f'Maximum edge distance set to {extent}']


#: What is done at once, without Cylc's command queue.
DIRECT: dict[str, Callable[[Workflow, Arguments], Response]] = {
    'put_messages': _message,
    'put_ext_trigger': _ext_trigger,
    'broadcast': _broadcast,
    'set_graph_window_extent': _set_graph_window_extent,
}
