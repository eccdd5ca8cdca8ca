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
"""What tasks wait for, and what they have put out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cylc_flask.errors import RequestError
from cylc_flask.legacy.points import order
from cylc_flask.legacy.pool import Pool
from cylc_flask.replica.side import Definition
from cylc_flask.replica.store import Store

#: Outputs that every task has, in the order of a job's life.
STANDARD_OUTPUTS = (
    'expired', 'submitted', 'submit-failed', 'started', 'succeeded', 'failed',
)

SATISFIED = {True: 'satisfied', False: 'NOT satisfied'}

CLOCK = 'wall_clock('


def task_requisites(
    store: Store, items: Sequence[str], list_prereqs: bool = False
) -> list[Any]:
    """Return {NAME.POINT: requisites}, and the items that match nothing."""
    if not items:
        raise RequestError('No items: name at least one task')
    proxies, bad = Pool(store).filter(items)
    definition = store.side.definition
    describe = _listed if list_prereqs else _described
    return [
        {
            f'{proxy.name}.{proxy.cycle_point}': describe(proxy, definition)
            for proxy in proxies
        },
        bad,
    ]


def _listed(proxy: Any, definition: Definition) -> dict[str, Any]:
    return {
        'prerequisites': [
            _text(condition)
            for prerequisite in proxy.prerequisites
            for condition in _conditions(prerequisite, definition)
        ],
    }


def _described(proxy: Any, definition: Definition) -> dict[str, Any]:
    return {
        'meta': definition.meta.get(proxy.name, {}),
        'prerequisites': [
            line
            for prerequisite in proxy.prerequisites
            for line in _prerequisite(prerequisite, definition)
        ],
        'outputs': _outputs(proxy),
        'extras': _extras(proxy),
    }


def _prerequisite(
    prerequisite: Any, definition: Definition
) -> list[list[Any]]:
    """Return lines of text and whether they are satisfied.

    With an "or" that is the expression, and below it what its numbers mean.
    """
    conditions = _conditions(prerequisite, definition)
    if '|' not in prerequisite.expression:
        return [
            [_text(each), each.satisfied and each.message]
            for each in conditions
        ]
    return [
        [prerequisite.expression, prerequisite.satisfied],
        *(
            [f'\t{each.expr_alias} = {_text(each)}', each.satisfied]
            for each in conditions
        ),
    ]


def _conditions(prerequisite: Any, definition: Definition) -> list[Any]:
    """Return the conditions, but those on points before the first.

    Cylc 8 has these too, satisfied from the start; Cylc 7 dropped them. In
    an "or" the expression needs them.
    """
    if '|' in prerequisite.expression:
        return list(prerequisite.conditions)
    first = order(definition.initial_point, definition)
    return [
        each for each in prerequisite.conditions
        if order(_split(each)[0], definition) >= first  # type: ignore[operator]
    ]


def _text(condition: Any) -> str:
    point, name = _split(condition)
    return f'{name}.{point} {condition.req_state}'


def _split(condition: Any) -> tuple[str, str]:
    point, _, name = condition.task_proxy.rpartition('/')
    return point, name


def _outputs(proxy: Any) -> list[list[Any]]:
    id_ = f'{proxy.name}.{proxy.cycle_point}'
    outputs = {
        output.message: output.satisfied for output in proxy.outputs.values()
    }
    custom = sorted(outputs.keys() - set(STANDARD_OUTPUTS))
    return [
        [f'{id_} {message}', outputs.get(message, False)]
        for message in (*STANDARD_OUTPUTS, *custom)
    ]


def _extras(proxy: Any) -> dict[str, str]:
    """Return what a task waits for beside other tasks."""
    extras = {
        f'External trigger "{message}"': SATISFIED[trigger.satisfied]
        for message, trigger in proxy.external_triggers.items()
    }
    for trigger in proxy.xtriggers.values():
        kind = 'xclock' if trigger.id.startswith(CLOCK) else 'xtrigger'
        extras[f'{kind} "{trigger.label} = {trigger.id}"'] = (
            SATISFIED[trigger.satisfied]
        )
    return dict(sorted(extras.items()))
