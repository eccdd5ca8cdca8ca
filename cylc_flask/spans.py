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
"""Parts of files, as HTTP's ``Range`` asks for them."""

from __future__ import annotations

import re
from typing import NamedTuple

from cylc_flask.errors import RequestError

_RANGE = re.compile(
    r'bytes[ \t]*=[ \t]*([0-9]{0,18})[ \t]*-[ \t]*([0-9]{0,18})[ \t]*',
    re.IGNORECASE,
)


class Span(NamedTuple):
    """Bytes of a file: from `start`, and before `stop`."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        """Return how many they are."""
        return self.stop - self.start

    def told(self, size: int) -> str:
        """Return it as ``Content-Range`` has it.

        Examples:
            >>> Span(0, 10).told(20)
            'bytes 0-9/20'
        """
        return f'bytes {self.start}-{self.stop - 1}/{size}'


class Unsatisfiable(RequestError):
    """A range of which a file has nothing.

    Args:
        size: Of the file.
    """

    def __init__(self, size: int) -> None:
        super().__init__(
            f'The file has {size} bytes, and none of these.', 416,
            (('Content-Range', f'bytes */{size}'),),
        )


def span_of(header: str, size: int) -> Span | None:
    """Return what a ``Range`` means, None if it is to be passed over.

    That is what is no range of bytes, or more than one of them: the answer
    is the whole then, which HTTP always allows.

    Args:
        header: The value of the field.
        size: Of the file.

    Raises:
        Unsatisfiable: It is none of the file.

    Examples:
        >>> span_of('bytes=2-5', 10), span_of('bytes=-3', 10)
        (Span(start=2, stop=6), Span(start=7, stop=10))
        >>> span_of('bytes=7-', 10), span_of('lines=1-2', 10)
        (Span(start=7, stop=10), None)
    """
    found = _RANGE.fullmatch(header.strip())
    if not found or found.groups() == ('', ''):
        return None
    first, last = found.groups()
    if not first:
        return _suffix(int(last), size)
    start = int(first)
    stop = int(last) + 1 if last else size
    if last and stop <= start:
        return None
    if start >= size:
        raise Unsatisfiable(size)
    return Span(start, min(stop, size))


def _suffix(length: int, size: int) -> Span | None:
    """Return the end of a file."""
    if not length:
        raise Unsatisfiable(size)
    return Span(max(0, size - length), size) if size else None
