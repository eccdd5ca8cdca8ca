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
"""The incremental state, of which a client gets only what is new to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import logging
from typing import Any

from cylc_flask.legacy.clock import Zone
from cylc_flask.legacy.summary import state_summary
from cylc_flask.replica.records import Records
from cylc_flask.replica.side import Definition
from cylc_flask.replica.store import Store


@dataclass
class Session:
    """What a client has been told; nothing before its first call."""

    version: int | None = None
    serial: int | None = None
    record: int | None = None


def latest_state(
    store: Store,
    records: Records,
    session: Session,
    full_mode: object = False,
    summarise: Callable[[Store], Any] = state_summary,
) -> dict[str, Any]:
    """Return what is new to this client, or everything, and remember that.

    Args:
        full_mode: Whether everything is wanted, as the client put it.
        summarise: Where the caller has the state summary from, in the form
            in which it is to stand in the answer.
    """
    side = store.side
    definition = side.definition
    is_full = bool(full_mode) or session.version is None
    answer: dict[str, Any] = {
        'cylc_version': definition.cylc_version,
        'full_mode': is_full or full_mode,
    }
    if side.main_loop_interval is not None:
        answer['mean_main_loop_interval'] = side.main_loop_interval
    if is_full or session.version != store.version:
        answer['summary'] = summarise(store)
    if is_full or session.serial != definition.serial:
        answer.update(_inheritance(definition))
    errors = _errors(store, records, session)
    if is_full or errors:
        answer.update(err_content=errors, err_size=len(errors))
    session.version, session.serial = store.version, definition.serial
    session.record = records.newest
    return answer


def _inheritance(definition: Definition) -> dict[str, Any]:
    """Return who inherits from whom; cylc-flow keeps families as sets."""
    rank = {name: i for i, name in enumerate(definition.namespaces)}
    return {
        'ancestors': definition.ancestors,
        'ancestors_pruned': definition.first_parent_ancestors,
        'descendants': {
            family: sorted(members, key=rank.__getitem__)
            for family, members in definition.first_parent_descendants.items()
        },
    }


def _errors(store: Store, records: Records, session: Session) -> str:
    """Return the log lines since the client's last call.

    What was logged before its first call is none of its business.
    """
    if session.record is None:
        return ''
    zone = Zone(store.workflow.time_zone_info)
    return '\n'.join(
        f'{zone.text(record.time)} {logging.getLevelName(record.level)}'
        f' - {record.text}'
        for record in records.since(session.record)[0]
    )
