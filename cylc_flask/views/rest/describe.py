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
"""What the endpoints say of themselves, for people to read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cylc_flask.privilege import Privilege
from cylc_flask.views.rest.endpoint import Endpoint, Endpoints
from cylc_flask.views.rest.outcome import WAIT

#: In words, what an argument is, by its annotation.
KINDS = {
    'Items': 'any number of times',
    'Literal': "a literal: True, None, ['a', 'b']",
    'str': 'text',
}

#: The same of arguments in a JSON document.
JSON = 'in a JSON document'

WAITING = 'seconds to wait for the outcome'


@dataclass(frozen=True)
class Argument:
    """An argument of an endpoint."""

    name: str
    kind: str
    needed: bool


@dataclass(frozen=True)
class Description:
    """An endpoint, as it is told to people."""

    name: str
    verb: str
    text: str
    arguments: list[Argument]


@dataclass(frozen=True)
class Section:
    """Endpoints that need the same privilege."""

    privilege: Privilege
    endpoints: list[Description]


def describe(endpoints: Endpoints) -> list[Section]:
    """Describe endpoints, by the privilege that they need."""
    by_level: dict[Privilege, list[Description]] = {}
    for _, endpoint in sorted(endpoints.by_name.items()):
        by_level.setdefault(endpoint.privilege, []).append(
            _describe(endpoint)
        )
    return [Section(*each) for each in sorted(by_level.items())]


def _describe(endpoint: Endpoint) -> Description:
    changes = endpoint.privilege >= Privilege.SHUTDOWN
    return Description(
        endpoint.name,
        'POST' if changes else 'GET',
        endpoint.function.__doc__ or '',
        [*_arguments(endpoint)],
    )


def _arguments(endpoint: Endpoint) -> Iterator[Argument]:
    signature = endpoint.signature
    for name in signature.order:
        kind = JSON if endpoint.takes_json else KINDS.get(
            signature.kinds[name].partition(' ')[0], ''
        )
        yield Argument(name, kind, name in signature.needed)
    if WAIT in signature.extra:
        yield Argument(WAIT, WAITING, False)
