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
"""Who says to be calling, for log lines and sessions: nothing is proved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import uuid4

from flask import request

from cylc_flask.auth.attempts import printable

#: Where it is kept beside the request.
KEY = 'cylc_flask.caller'

#: So much is kept of who says to be calling.
LENGTH = 320


@dataclass(frozen=True)
class Caller:
    """Who says to be calling, by the headers of Cylc 7's clients.

    Args:
        name: ``USER@HOST:PROGRAM``, for log lines.
        uuid: The client's session, a new one for clients that name none.
        returns: Whether it has named one, by which it can be known again.
        address: Where the request comes from, '' for a Unix socket.
    """

    name: str
    uuid: str
    returns: bool
    address: str = ''

    @classmethod
    def of(cls, agent: str, sender: str, address: str = '') -> Caller:
        """Read the headers User-Agent and From."""
        name, uuid = _read(agent, sender)
        return cls(name, uuid or str(uuid4()), bool(uuid), address)

    def __str__(self) -> str:
        return f'{self.name} {self.uuid}'


def caller_of(environ: dict[str, Any]) -> Caller:
    """Return who says to be sending a request."""
    found: Caller | None = environ.get(KEY)
    if found is None:
        found = environ[KEY] = Caller.of(
            environ.get('HTTP_USER_AGENT', ''), environ.get('HTTP_FROM', ''),
            environ.get('REMOTE_ADDR') or '',
        )
    return found


def caller() -> Caller:
    """Return who says to be calling."""
    return caller_of(request.environ)


@lru_cache(256)
def _read(agent: str, sender: str) -> tuple[str, str]:
    """Return the name and the uuid, '' where none is given."""
    words = _pairs(agent)
    user, at, host = sender.partition('@')
    if not at or '@' in host:
        user = host = 'Unknown'
    program = words.get('prog_name', 'Unknown')
    return (
        printable(f'{user}@{host}:{program}', LENGTH),
        printable(words.get('uuid', '')),
    )


def _pairs(agent: str) -> dict[str, str]:
    """Return the ``key/value`` words; none if one word is something else.

    Examples:
        >>> _pairs('cylc/7.8.15 prog_name/cylc-ping uuid/1')
        {'cylc': '7.8.15', 'prog_name': 'cylc-ping', 'uuid': '1'}
        >>> _pairs('cylc/7.8.15 (Linux)')
        {}
    """
    words = agent.split()
    if not all('/' in word for word in words):
        return {}
    return dict(word.split('/', 1) for word in words)
