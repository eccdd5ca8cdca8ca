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
"""Reads about the workflow as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from cylc_flask import validate
from cylc_flask.auth import gate
from cylc_flask.errors import RequestError
from cylc_flask.legacy import graph, latest
from cylc_flask.legacy import identify as identity
from cylc_flask.legacy.summary import StateSummary, state_summary
from cylc_flask.privilege import Privilege
from cylc_flask.views import current
from cylc_flask.views.rest import sessions
from cylc_flask.views.rest.arguments import Items, Literal, literal
from cylc_flask.views.rest.endpoint import Endpoints

if TYPE_CHECKING:
    from cylc_flask.workflows import Workflow

endpoints = Endpoints()

#: The number of Cylc 7's API, as in the contact files of its servers.
API = 2

#: No names, as those clients write it who write everything.
NONE = ['None']

#: The levels by which `identify` tells more.
IDENTIFY_LEVELS = (
    Privilege.IDENTITY, Privilege.DESCRIPTION, Privilege.STATE_TOTALS,
)


@endpoints.plain(Privilege.IDENTITY)
def ping_suite(flow: Workflow) -> bool:
    """Say that the server is there."""
    return True


@endpoints.plain(Privilege.IDENTITY)
def get_cylc_version(flow: Workflow) -> str:
    """Return the version of Cylc that runs the workflow."""
    return flow.store.side.definition.cylc_version


@endpoints.plain(Privilege.IDENTITY)
def apiversion(flow: Workflow) -> int:
    """Return the number of this API."""
    return API


@endpoints(Privilege.NONE)
def identify() -> bytes:
    """Say who we are, as far as the caller may know."""
    sessions.note_identify()
    for level in IDENTIFY_LEVELS:
        gate.is_denied(level)
    level = min(current.user().privilege, IDENTIFY_LEVELS[-1])
    flow = current.workflow()
    made: bytes = flow.made(
        f'identify {level}', lambda store: orjson.dumps(
            identity.identify(store, level, lambda _: _state_summary(flow))
        )
    )
    return made


@endpoints(Privilege.NONE)
def signout() -> bool:
    """Forget the caller's session; False if there was none."""
    return sessions.forget()


@endpoints.plain(Privilege.DESCRIPTION)
def get_suite_info(flow: Workflow) -> dict[str, str]:
    """Return the metadata of the workflow."""
    return flow.store.side.definition.suite_meta


@endpoints.plain(Privilege.FULL_READ)
def get_suite_state_summary(flow: Workflow) -> bytes:
    """Return the states of the workflow, its tasks and families."""
    made: bytes = flow.made(
        'summary bytes', lambda _: orjson.dumps([*_state_summary(flow)])
    )
    return made


def _state_summary(flow: Workflow) -> StateSummary:
    made: StateSummary = flow.made('summary', state_summary)
    return made


@endpoints(Privilege.FULL_READ)
def get_latest_state(full_mode: Literal = False) -> dict[str, Any]:
    """Return what is new since the caller's last call, or everything."""
    flow = current.workflow()
    return latest.latest_state(
        flow.store, flow.records, sessions.own(), full_mode,
        lambda _: orjson.Fragment(get_suite_state_summary(flow)),
    )


@endpoints(Privilege.FULL_READ)
def get_graph_raw(
    start_point_string: str,
    stop_point_string: str,
    group_nodes: Items = NONE,
    ungroup_nodes: Items = NONE,
    ungroup_recursive: Literal = False,
    group_all: Literal = False,
    ungroup_all: Literal = False,
) -> list[Any]:
    """Return the static graph between two points, with families closed."""
    flow = current.workflow()
    raw = flow.commands.graph(
        validate.text('start_point_string', start_point_string),
        _text_or_none(stop_point_string),
    )
    definition = flow.store.side.definition
    flow.grouping.change(
        definition, _names(group_nodes), _names(ungroup_nodes),
        ungroup_recursive, group_all, ungroup_all,
    )
    return graph.graph_raw(raw, definition, flow.grouping)


def _text_or_none(value: str) -> str | None:
    return next(iter(_names([value])), None)


def _names(values: Items) -> list[str]:
    """Return the names in literals; what is no literal is one name."""
    names: list[str] = []
    for value in values:
        try:
            found = literal('', value)
        except RequestError:
            found = value
        if isinstance(found, (list, tuple)):
            names += [str(name) for name in found]
        elif found is not None:
            names.append(found if isinstance(found, str) else value)
    return names
