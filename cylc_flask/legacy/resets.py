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
"""Resets of task states, in terms of what Cylc 8 can set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cylc_flask.errors import RequestError
from cylc_flask.legacy.pool import Pool
from cylc_flask.replica.store import Store

#: States which Cylc 8 reaches by an output.
OUTPUTS = {
    'expired': 'expired',
    'failed': 'failed',
    'running': 'started',
    'submit-failed': 'submit-failed',
    'submitted': 'submitted',
    'succeeded': 'succeeded',
}

READY = 'ready'
WAITING = 'waiting'

#: What stands before an output that is to be undone.
UNSET = '!'


@dataclass(frozen=True)
class Wanted:
    """What Cylc 8 is to set."""

    outputs: list[str] = field(default_factory=list)
    prerequisites: list[str] = field(default_factory=list)


def plan(
    store: Store, items: Sequence[str], state: str, outputs: Sequence[str]
) -> Wanted | None:
    """Return what to set, None if nothing is to be done.

    Args:
        store: The replica.
        items: Task patterns.
        state: A state of Cylc 7, or empty.
        outputs: Names of outputs; with a state they are not looked at.

    Raises:
        RequestError: Cylc 8 cannot do that.
    """
    if state in OUTPUTS:
        return Wanted(outputs=[OUTPUTS[state]])
    if state == READY:
        return Wanted(prerequisites=['all'])
    if state == WAITING:
        _check_waiting(store, items)
        return None
    if state:
        raise RequestError(
            f'state={state}: not a state to reset to; allowed are'
            f' {", ".join(sorted([*OUTPUTS, READY, WAITING]))}'
        )
    if not outputs:
        raise RequestError('reset_task_states needs a state, or outputs')
    _check_outputs(store, items, outputs)
    return Wanted(outputs=list(outputs))


def _check_waiting(store: Store, items: Sequence[str]) -> None:
    """Refuse to make tasks wait again: Cylc 8 has no way back."""
    proxies, _ = Pool(store).filter(items)
    begun = sorted(
        f'{proxy.name}.{proxy.cycle_point}'
        for proxy in proxies if proxy.state != WAITING
    )
    if begun:
        raise RequestError(
            f'state=waiting: Cylc 8 cannot make {", ".join(begun)} wait'
            ' again; use trigger_tasks to run them again, or remove_tasks'
        )


def _check_outputs(
    store: Store, items: Sequence[str], outputs: Sequence[str]
) -> None:
    """Refuse to undo outputs, and to set those that no task has."""
    undone = [output for output in outputs if output.startswith(UNSET)]
    if undone:
        raise RequestError(
            f'outputs={",".join(undone)}: Cylc 8 cannot undo an output; use'
            ' remove_tasks to let a task start afresh'
        )
    proxies, _ = Pool(store).filter(items)
    known = {
        name for proxy in proxies
        for output in proxy.outputs.values()
        for name in (output.label, output.message)
    }
    unknown = sorted(set(outputs) - known)
    if proxies and unknown:
        raise RequestError(
            f'outputs={",".join(unknown)}: no output of these tasks; they'
            f' have {", ".join(sorted(known))}'
        )
