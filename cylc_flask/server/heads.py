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
"""The heads of requests: read strictly, and once if they come again.

A client sends the same head again and again, but for its credentials. What
those prove is asked each time; what the rest means does not change.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
import re
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import unquote_to_bytes

from cylc_flask.server import parse

#: How many heads are known, those that came last, and how long (bytes) and
#: of how many lines they are at most.
KNOWN = 256
LONGEST = 4_096
LINES = 100

#: Fields whose heads are not kept: secrets, and what asks for more.
UNKNOWN = ('cookie', 'expect', 'transfer-encoding', 'upgrade')

_CREDENTIALS = b'\r\nAuthorization:', b'\r\nauthorization:'
_END = b'\r\n\r\n'
_VALUE = re.compile(rb'[^\x00-\x08\x0a-\x1f\x7f]*').fullmatch


@dataclass(frozen=True, slots=True)
class Head:
    """What a request says before its body, but for the credentials.

    Args:
        line: The first line, as it was sent.
        method: The verb.
        version: Of HTTP.
        fields: The other header fields, by their names in lower case.
        keeps: The client wants to keep the connection.
        length: How many bytes the body has, `parse.CHUNKED`, or None.
        environ: All that, as WSGI has it.
    """

    line: bytes
    method: str
    version: str
    fields: dict[str, str]
    keeps: bool
    length: int | None
    environ: dict[str, Any]

    @classmethod
    def of(
        cls,
        line: bytes,
        fields: dict[str, str],
        limit: int,
        environ: dict[str, Any],
    ) -> Head:
        """Make sense of the lines of a request.

        Args:
            line: The first one.
            fields: Those of the header.
            limit: How many bytes the body may have.
            environ: What WSGI wants beside.

        Raises:
            BadRequest: There is none in them.
        """
        method, target, version = parse.request_line(line)
        parse.check_host(version, fields)
        length = parse.body_length(version, fields, limit)
        return cls(
            line, method, version, fields, parse.keeps(version, fields),
            length, environ | _request(method, target, version, fields),
        )


class Cut(NamedTuple):
    """The bytes of a head, and the credentials which were cut out of it."""

    rest: bytes
    credentials: str | None
    size: int


class Heads:
    """Heads that have come before."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Head] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, cut: Cut, limit: int) -> Head | None:
        """Return the head in some bytes, if it has come before.

        Args:
            cut: The bytes.
            limit: How many a head may have.
        """
        head = self._known.get(cut.rest)
        if head is None or cut.size - 2 > limit:
            return None
        self._known.move_to_end(cut.rest)
        return head

    def keep(self, cut: Cut, head: Head, credentials: str | None) -> None:
        """Know a head again.

        Args:
            cut: Its bytes.
            head: What they mean.
            credentials: Those that were found in reading it.
        """
        if (
            cut.credentials == credentials
            and len(cut.rest) <= LONGEST
            and cut.rest.count(b'\n') <= LINES
            and not any(name in head.fields for name in UNKNOWN)
        ):
            self._known[cut.rest] = head
            if len(self._known) > KNOWN:
                self._known.popitem(last=False)


def cut(data: bytes) -> Cut | None:
    """Take the credentials out of a head; None if it is not whole.

    Examples:
        >>> cut(b'A / HTTP/1.1\\r\\nAuthorization: a b\\r\\n\\r\\n...')
        Cut(rest=b'A / HTTP/1.1\\r\\n\\r\\n', credentials='a b', size=36)
        >>> cut(b'A / HTTP/1.1\\r\\n')
    """
    end = data.find(_END) + len(_END)
    if end < len(_END):
        return None
    for mark in _CREDENTIALS:
        begin = data.find(mark, 0, end)
        if begin == 0:
            return None  # there is no request before it
        if begin > 0:
            stop = data.index(b'\r\n', begin + 2)
            value = data[begin + len(mark):stop]
            if not _VALUE(value):
                return None
            return Cut(
                data[:begin] + data[stop:end],
                value.decode('latin-1').strip(' \t'), end,
            )
    return Cut(data[:end], None, end)


def read(
    stream: BinaryIO, line: bytes, limit: int
) -> tuple[dict[str, str], str | None]:
    """Read the header fields, and return the credentials apart.

    Args:
        stream: The connection, behind the first line.
        line: The first line.
        limit: How many bytes a head may have.

    Raises:
        BadRequest: They are malformed, or too many.
    """
    fields = parse.headers(stream, limit - len(line))
    return fields, fields.pop('authorization', None)


def _request(
    method: str, target: str, version: str, fields: dict[str, str]
) -> dict[str, Any]:
    """Return a request as WSGI has it.

    Raises:
        BadRequest: Its target is malformed.
    """
    host, path, query = parse.split_target(method, target)
    environ: dict[str, Any] = {
        key: value for name, value in fields.items() if (key := _key(name))
    }
    if host:
        environ['HTTP_HOST'] = host
    if '%' in path:
        path = unquote_to_bytes(path).decode('latin-1')
    return environ | {
        'REQUEST_METHOD': method,
        'PATH_INFO': path,
        'QUERY_STRING': query,
        'RAW_URI': target,
        'SERVER_PROTOCOL': version,
        'wsgi.input_terminated': True,
    }


@lru_cache(1024)
def _key(name: str) -> str:
    """Return the name of a header field in a WSGI environment.

    It is empty for names that are the same there as those of others.

    Examples:
        >>> _key('user-agent'), _key('content-type'), _key('user_agent')
        ('HTTP_USER_AGENT', 'CONTENT_TYPE', '')
    """
    if '_' in name:
        return ''
    key = name.upper().replace('-', '_')
    return key if name in ('content-type', 'content-length') else f'HTTP_{key}'
