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
"""Requests, read from a connection: strictly, and within limits.

What a proxy and this server could read differently (two lengths, folded
lines, blanks before a colon) is refused: RFC 9112, sections 2 to 7.
"""

from __future__ import annotations

from io import BytesIO
import re
from typing import BinaryIO, Iterator

MAX_LINE = 8190

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_VERSION = re.compile(r'HTTP/1\.[01]').fullmatch
_FORBIDDEN = re.compile(r'[\x00-\x08\x0a-\x1f\x7f]').search
_HEX = re.compile(rb'[0-9A-Fa-f]{1,16}').match


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


class Headers(dict[str, str]):
    """Header fields by their lower-case names."""

    #: What pywsgi asks of a header object, and never finds here.
    status = ''

    def get(self, name: str, default: str = '') -> str:  # type: ignore
        """Return the value of a field, whatever the case of its name."""
        return super().get(name.lower(), default)


def request_line(line: bytes) -> tuple[str, str, str]:
    """Return method, target and version of a request.

    Raises:
        BadRequest: It is none of HTTP/1.

    Examples:
        >>> request_line(b'GET /ping_suite HTTP/1.1\\r\\n')
        ('GET', '/ping_suite', 'HTTP/1.1')
    """
    words = line.decode('latin-1').rstrip('\r\n').split(' ')
    if len(words) != 3:
        raise malformed('The request line needs a method, a target and a'
                        ' version.')
    method, target, version = words
    if not _VERSION(version):
        raise BadRequest('505 HTTP Version Not Supported',
                         'This server speaks HTTP/1.0 and HTTP/1.1.')
    if not _TOKEN(method):
        raise malformed('The method has characters that no method has.')
    if not target or not target.isascii() or _FORBIDDEN(target):
        raise malformed('The target has characters that must be escaped.')
    return method, target, version


def headers(stream: BinaryIO, limit: int) -> Headers:
    """Read the header fields, up to the empty line.

    Args:
        stream: The connection, behind the request line.
        limit: How many bytes they may have in all.

    Raises:
        BadRequest: They are malformed, or more than that.
    """
    found = Headers()
    for line in _lines(stream, limit):
        name, colon, value = line.partition(':')
        if not colon or not _TOKEN(name):
            raise malformed('A header line is not NAME: VALUE.')
        value = value.strip(' \t')
        if _FORBIDDEN(value):
            raise malformed(f'Control characters in the header {name}.')
        _put(found, name.lower(), value)
    return found


def _put(found: Headers, name: str, value: str) -> None:
    """Add a field; repeated ones are joined as RFC 9110 says."""
    if name not in found:
        found[name] = value
    elif name in ('content-length', 'host', 'authorization',
                  'transfer-encoding', 'content-type'):
        raise malformed(f'The header {name} is there twice.')
    else:
        found[name] += ('; ' if name == 'cookie' else ',') + value


def _lines(stream: BinaryIO, limit: int) -> Iterator[str]:
    while True:
        line = stream.readline(limit + 1)
        limit -= len(line)
        if limit < 0:
            raise BadRequest('431 Request Header Fields Too Large',
                             'The header fields are too large.')
        if line in (b'\r\n', b'\n'):
            return
        if not line.endswith(b'\n'):
            raise malformed('The request ends within its header.')
        yield line.decode('latin-1').rstrip('\r\n')


def body(stream: BinaryIO, found: Headers, limit: int) -> bytes | None:
    """Read the body of a request.

    Args:
        stream: The connection, behind the header.
        found: The header; a chunked body gets its length put there.
        limit: How many bytes the body may have.

    Returns:
        The body, or None if the header gives neither length nor chunks.

    Raises:
        BadRequest: It is malformed, cut short or too large.
    """
    encoding = found.get('transfer-encoding')
    length = found.get('content-length')
    if encoding:
        if encoding.lower() != 'chunked' or length:
            raise malformed('A body is either chunked or has a length.')
        data = _chunks(stream, limit)
        found['content-length'] = str(len(data))
        return data
    if not length:
        return None
    if not (length.isascii() and length.isdigit()):
        raise malformed('Content-Length is not a number.')
    size = int(length[:20])
    _check_size(size, limit)
    return _exactly(stream, size)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise BadRequest('413 Content Too Large',
                         f'The body is larger than {limit} bytes.')


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise malformed('The request ends within its body.')
    return data


def _chunks(stream: BinaryIO, limit: int) -> bytes:
    data = BytesIO()
    while True:
        line = stream.readline(MAX_LINE)
        number = _HEX(line)
        if not number or not line.endswith(b'\n'):
            raise malformed('A chunk begins with its size.')
        size = int(number[0], 16)
        if not size:
            break
        _check_size(data.tell() + size, limit)
        data.write(_exactly(stream, size))
        if _exactly(stream, 2) != b'\r\n':
            raise malformed('A chunk ends with a line break.')
    for _ in _lines(stream, MAX_LINE):
        pass  # trailers say nothing that a view reads
    return data.getvalue()
