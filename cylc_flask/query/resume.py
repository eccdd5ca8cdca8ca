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
"""How a subscription goes on where a client had come to.

With the extension ``resume`` each result tells by what to go on from there; a
client that begins anew gives back the last that it has got. What is missed
since then comes in place of all there is, as long as it is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from cylc_flask.query.errors import Code, Rejected

#: The name among the extensions of requests and of results.
EXTENSION = 'resume'


@dataclass(frozen=True)
class Mark:
    """Up to where a client has followed.

    Args:
        feed: The feed whose versions these are, '' to begin with.
        version: Of the replica.
    """

    feed: str = ''
    version: int = 0


def mark_of(extensions: dict[str, Any]) -> Mark | None:
    """Return where a request goes on from, None if it does not say.

    Raises:
        Rejected: What it says is no mark.

    Examples:
        >>> mark_of({'resume': {'feed': '0ac1', 'version': 7}})
        Mark(feed='0ac1', version=7)
        >>> mark_of({'resume': {}}), mark_of({})
        (Mark(feed='', version=0), None)
    """
    given = extensions.get(EXTENSION)
    if given is None:
        return None
    if not isinstance(given, dict):
        raise _bad(' is no object', given)
    feed, version = given.get('feed', ''), given.get('version', 0)
    if not isinstance(feed, str):
        raise _bad('.feed is no text', feed)
    if type(version) is not int or version < 0:
        raise _bad('.version is no number of a version', version)
    return Mark(feed, version)


def marked(result: bytes, mark: Mark) -> bytes:
    """Return a result, in JSON, with what to go on from.

    Examples:
        >>> marked(b'{"data":null}', Mark('0ac1', 7))
        b'{"data":null,"extensions":{"resume":{"feed":"0ac1","version":7}}}'
    """
    extensions = orjson.dumps({EXTENSION: mark})
    return b'%b,"extensions":%b}' % (result[:-1], extensions)


def _bad(text: str, value: object) -> Rejected:
    return Rejected.because(
        Code.INPUT, f'extensions.{EXTENSION}{text}: {value!r:.80}'
    )
