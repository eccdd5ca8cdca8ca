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

#: States which Cylc 8 reaches, each by its output.
REACHED = ('expired', 'failed', 'succeeded')

#: States which it gives to no task by hand, and what to do instead.
OUT_OF_REACH = {
    'running': 'outputs=started lets go on what waits for it',
    'submit-failed': 'reset it to failed',
    'submitted': 'outputs=submitted lets go on what waits for it',
}

READY = 'ready'
WAITING = 'waiting'

#: An output which Cylc 8 takes, and does nothing with.
SUBMIT_FAILED = 'submit-failed'

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
    if state in REACHED:
        return Wanted(outputs=[state])
    if state in (READY, WAITING):
        _check_not_begun(store, items, state)
        return Wanted(prerequisites=['all']) if state == READY else None
    if state in OUT_OF_REACH:
        raise RequestError(
            f'state={state}: Cylc 8 puts no task into this state;'
            f' {OUT_OF_REACH[state]}'
        )
    if state:
        raise RequestError(
            f'state={state}: not a state to reset to; allowed are'
            f' {", ".join(sorted([*REACHED, READY, WAITING]))}'
        )
    if not outputs:
        raise RequestError('reset_task_states needs a state, or outputs')
    return Wanted(outputs=_labels(store, items, outputs))


def _check_not_begun(
    store: Store, items: Sequence[str], state: str
) -> None:
    """Refuse to take tasks back to their start: Cylc 8 has no way back."""
    proxies, _ = Pool(store).filter(items)
    begun = sorted(
        f'{proxy.name}.{proxy.cycle_point}'
        for proxy in proxies if proxy.state != WAITING
    )
    if begun:
        raise RequestError(
            f'state={state}: Cylc 8 cannot make {", ".join(begun)} {state}'
            ' again; use trigger_tasks to run them again, or remove_tasks'
        )


def _labels(
    store: Store, items: Sequence[str], outputs: Sequence[str]
) -> list[str]:
    """Return how the graph calls outputs, which may be given as messages.

    Raises:
        RequestError: One is to be undone, or no task has it.
    """
    undone = [output for output in outputs if output.startswith(UNSET)]
    if undone:
        raise RequestError(
            f'outputs={",".join(undone)}: Cylc 8 cannot undo an output; use'
            ' remove_tasks to let a task start afresh'
        )
    proxies, _ = Pool(store).filter(items)
    labels = {
        name: output.label for proxy in proxies
        for output in proxy.outputs.values()
        for name in (output.message, output.label)
        if output.label != SUBMIT_FAILED
    }
    unknown = sorted(set(outputs) - set(labels))
    if proxies and unknown:
        raise RequestError(
            f'outputs={",".join(unknown)}: no output of these tasks that'
            f' can be set; they have {", ".join(sorted(labels))}'
        )
    return [labels.get(output, output) for output in outputs]
