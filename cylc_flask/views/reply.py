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
"""Answers as bytes, which clients may keep and ask again about.

Whoever has kept an answer names it by its tag (RFC 9110, section 13), and is
told in a few bytes that it still holds.
"""

from __future__ import annotations

from dataclasses import dataclass
import re
from typing import Any

Fields = list[tuple[str, str]]

#: A browser may keep what it gets, for its user, but has to ask each time.
KEEP = (
    ('Cache-Control', 'private, no-cache'),
    ('Vary', 'Authorization, Cookie, Accept'),
)

DROP = ('Cache-Control', 'no-store')

OK = '200 OK'
NOT_MODIFIED = '304 NOT MODIFIED'

_TAGS = re.compile(r'"[^"]*"').findall


@dataclass(frozen=True)
class Reply:
    """An answer with its header fields.

    Args:
        body: What it says.
        fields: Those of the header.
        tag: As the header has it; '' where there is none.
    """

    body: bytes
    fields: Fields
    tag: str = ''

    def choose(
        self, environ: dict[str, Any]
    ) -> tuple[bytes, str, Fields]:
        """Return body, status and header fields for one client.

        Args:
            environ: The client's request, a GET or HEAD where there is a tag.
        """
        if self.is_kept(environ):
            return b'', NOT_MODIFIED, [('ETag', self.tag), *KEEP]
        return self.body, OK, self.fields

    def is_kept(self, environ: dict[str, Any]) -> bool:
        """Return True if the client says that it has this answer.

        Args:
            environ: The client's request.
        """
        wanted = environ.get('HTTP_IF_NONE_MATCH')
        return (
            wanted is not None
            and bool(self.tag)
            and is_known(wanted, self.tag)
        )


def plain(body: bytes, media_type: str, *fields: tuple[str, str]) -> Reply:
    """Return an answer which nobody has to ask for again."""
    return Reply(body, [*_about(body, media_type), *fields])


def tagged(body: bytes, media_type: str, tag: str) -> Reply:
    """Return an answer which clients may keep.

    Args:
        body: The answer.
        media_type: What it is.
        tag: Another for each other answer, and for each other type.
    """
    tag = f'"{tag}"'
    return Reply(
        body, [*_about(body, media_type), ('ETag', tag), *KEEP], tag)


def is_known(wanted: str, tag: str) -> bool:
    """Return True if a client has what has this tag.

    Args:
        wanted: The header If-None-Match.
        tag: With its quotes.

    Examples:
        >>> is_known('"a"', '"a"'), is_known('W/"b", "a"', '"a"')
        (True, True)
        >>> is_known(' * ', '"a"'), is_known('"b"', '"a"')
        (True, False)
    """
    return wanted == tag or wanted.strip() == '*' or tag in _TAGS(wanted)


def _about(body: bytes, media_type: str) -> Fields:
    return [
        ('Content-Type', media_type), ('Content-Length', str(len(body))),
    ]
