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
"""Read HTTP/1 requests from a stream of bytes, strictly.

What a proxy and this server could read differently (two lengths, folded
lines, blanks before a colon, bare line feeds) is refused: RFC 9112,
sections 2 to 7.
"""

from __future__ import annotations

from io import BytesIO
import re
from typing import BinaryIO

#: The length of a body that comes in chunks.
CHUNKED = -1

#: How many header fields a request may have.
MOST_FIELDS = 200

#: How many bytes a line may have that says how long a chunk is.
CHUNK_LINE = 1024

_TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}"
_REQUEST = re.compile(rf'({_TOKEN}) ([!-~]+) HTTP/(\d)\.(\d)\r\n').fullmatch
_FIELDS = re.compile(
    rf'(?m)^({_TOKEN}):([^\x00-\x08\x0a-\x1f\x7f]*)\r\n').findall
_ABSOLUTE = re.compile(r'(?i)https?://([^/?#]+)([^#]*)').fullmatch
_HOST = re.compile(r"[0-9A-Za-z._~!$&'()*+,;=%:\[\]-]*").fullmatch
_CHUNK = re.compile(rb'([0-9A-Fa-f]{1,16})(?:[ \t]*;[^\r\n]*)?\r\n').fullmatch

#: Fields which have one value, or clients and proxies would disagree.
_SINGLE = frozenset((
    'authorization', 'content-length', 'content-type', 'host',
    'transfer-encoding',
))


class BadRequest(Exception):
    """A request which is answered by the connection itself, then closed.

    Args:
        status: Code and reason, e.g. ``400 Bad Request``.
        text: What is wrong.
    """

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def malformed(text: str) -> BadRequest:
    """Return the fault of a request that is no HTTP."""
    return BadRequest('400 Bad Request', text)


def request_line(line: bytes) -> tuple[str, str, str]:
    """Return method, target and version of a request.

    Raises:
        BadRequest: It is none of HTTP/1.

    Examples:
        >>> request_line(b'GET /ping_suite HTTP/1.1\\r\\n')
        ('GET', '/ping_suite', 'HTTP/1.1')
    """
    match = _REQUEST(line.decode('latin-1'))
    if not match:
        raise malformed('A request begins with METHOD TARGET HTTP/1.1, and'
                        ' its lines end with CR LF.')
    method, target, major, minor = match.groups()
    if major != '1':
        raise BadRequest('505 HTTP Version Not Supported',
                         'This server speaks HTTP/1.0 and HTTP/1.1.')
    return method, target, 'HTTP/1.0' if minor == '0' else 'HTTP/1.1'


def split_target(method: str, target: str) -> tuple[str, str, str]:
    """Return the host (if it has one), the path and the query of a target.

    Raises:
        BadRequest: It is of no form that a server serves.

    Examples:
        >>> split_target('GET', '/ping_task/t.1?exists_only=True')
        ('', '/ping_task/t.1', 'exists_only=True')
        >>> split_target('GET', 'http://localhost:43001?a=/b')
        ('localhost:43001', '/', 'a=/b')
        >>> split_target('OPTIONS', '*')
        ('', '/', '')
    """
    host = ''
    if not target.startswith('/'):
        if method == 'OPTIONS' and target == '*':
            return '', '/', ''
        absolute = _ABSOLUTE(target)
        if not absolute or not _HOST(absolute[1]):
            raise malformed('The target is neither a path nor a URL.')
        host, target = absolute.groups()
    path, _, query = target.partition('?')
    return host, path or '/', query


def headers(stream: BinaryIO, limit: int) -> dict[str, str]:
    """Read the header fields, up to the empty line.

    Args:
        stream: The connection, behind the request line.
        limit: How many bytes they may have in all.

    Returns:
        The values by the names in lower case.

    Raises:
        BadRequest: They are malformed, or too large or many.
    """
    lines = _lines(stream, limit)
    fields = _FIELDS(b''.join(lines).decode('latin-1'))
    if len(fields) < len(lines):
        raise malformed('A header line is not NAME: VALUE.')
    found: dict[str, str] = {}
    for name, value in fields:
        name = name.lower()
        value = value.strip(' \t')
        found[name] = _joined(found, name, value) if name in found else value
    return found


def _joined(found: dict[str, str], name: str, value: str) -> str:
    """Return the value of a field that is repeated (RFC 9110, 5.3)."""
    if name in _SINGLE:
        raise malformed(f'The header {name} is there twice.')
    return found[name] + ('; ' if name == 'cookie' else ', ') + value


def _lines(stream: BinaryIO, limit: int) -> list[bytes]:
    lines: list[bytes] = []
    while (line := stream.readline(limit + 2)) != b'\r\n':
        limit -= len(line)
        if limit < 0 or len(lines) == MOST_FIELDS:
            raise BadRequest('431 Request Header Fields Too Large',
                             'The header fields are too large, or too many.')
        if not line:
            raise malformed('The request ends within its header.')
        lines.append(line)
    return lines


def check_host(version: str, found: dict[str, str]) -> None:
    """Demand what RFC 9112 (3.2) does: a host, and a sound one.

    Raises:
        BadRequest: There is none.
    """
    if not _HOST(found.get('host', '')):
        raise malformed('The Host header is not HOST or HOST:PORT.')
    if 'host' not in found and version != 'HTTP/1.0':
        raise malformed('HTTP/1.1 requires a Host header.')


def keeps(version: str, found: dict[str, str]) -> bool:
    """Return whether the client wants to keep the connection.

    Examples:
        >>> keeps('HTTP/1.1', {}), keeps('HTTP/1.0', {})
        (True, False)
        >>> keeps('HTTP/1.1', {'connection': 'TE, Close'})
        False
    """
    wishes = found.get('connection', '').lower().replace(' ', '').split(',')
    if 'close' in wishes:
        return False
    return version != 'HTTP/1.0' or 'keep-alive' in wishes


def body_length(
    version: str, found: dict[str, str], limit: int
) -> int | None:
    """Return how many bytes the body has, `CHUNKED`, or None for no body.

    Raises:
        BadRequest: That is not clear, or more than `limit`.
    """
    length = found.get('content-length')
    coding = found.get('transfer-encoding')
    if coding is not None:
        if length is not None or version == 'HTTP/1.0':
            raise malformed('A body is either in chunks or has a length.')
        if coding.lower() != 'chunked':
            raise BadRequest('501 Not Implemented',
                             'The only Transfer-Encoding here is chunked.')
        return CHUNKED
    if length is None:
        return None
    if not (length.isascii() and length.isdecimal() and len(length) < 20):
        raise malformed('Content-Length is not a number.')
    return _limited(int(length), limit)


def body(stream: BinaryIO, length: int, limit: int) -> bytes:
    """Read the body of a request.

    Args:
        stream: The connection, behind the header.
        length: What `body_length` gave.
        limit: How many bytes the body may have; those count with it that
            hold chunks together.

    Raises:
        BadRequest: It is malformed, cut short or too large.
    """
    if length != CHUNKED:
        return _exactly(stream, length)
    data = BytesIO()
    used = 0
    while size := _chunk_size(line := stream.readline(CHUNK_LINE)):
        used = _limited(used + len(line) + size, limit)
        data.write(_exactly(stream, size))
        if _exactly(stream, 2) != b'\r\n':
            raise malformed('A chunk ends with CR LF.')
    headers(stream, CHUNK_LINE)  # trailers say nothing that a view reads
    return data.getvalue()


def _chunk_size(line: bytes) -> int:
    match = _CHUNK(line)
    if not match:
        raise malformed('A chunk begins with its size.')
    return int(match[1], 16)


def _limited(size: int, limit: int) -> int:
    if size > limit:
        raise BadRequest('413 Content Too Large',
                         f'The body is larger than {limit} bytes.')
    return size


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise malformed('The request ends within its body.')
    return data
