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
"""Where lines begin, in files that may be large."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable

from cylc_flask.errors import Unavailable

if TYPE_CHECKING:
    from cylc_flask.logs import Log

#: After so many bytes it is noted how many lines have ended.
STRIDE = 1_048_576

#: How many of these are counted for one request.
MOST_STRIDES = 256

#: How many files are remembered.
MOST_FILES = 64

#: What is looked at again, to see that a file is still the same.
SAMPLE = 64


@dataclass
class _Marks:
    """What is known of a file."""

    #: How many lines end before each multiple of a stride.
    ended: list[int] = field(default_factory=lambda: [0])
    #: What is just before the last of these.
    sample: bytes = b''


class LineNumbers:
    """Counts the lines of logs, each part of a file once.

    Args:
        pause: Called between two strides, lets others go on.
    """

    def __init__(self, pause: Callable[[], object]) -> None:
        self._pause = pause
        self._files: OrderedDict[str, _Marks] = OrderedDict()

    def number_at(self, log: Log, offset: int) -> int | None:
        """Return the number of the line that has a byte, the first being 1.

        None means that too much would have to be counted at once; another
        call goes on from there.
        """
        marks, index = self._marks(log), offset // STRIDE
        if not self._count(log, marks, lambda: len(marks.ended) > index):
            return None
        rest = log.read(index * STRIDE, offset - index * STRIDE)
        return 1 + marks.ended[index] + rest.count(b'\n')

    def start_of(self, log: Log, number: int) -> int:
        """Return where a line begins; the last one if there are not so many.

        Raises:
            Unavailable: Too much would have to be counted at once; another
                call goes on from there.
        """
        before = number - 1
        if before < 1:
            return 0
        marks = self._marks(log)
        if not self._count(log, marks, lambda: marks.ended[-1] >= before):
            raise Unavailable('The lines are being counted.', 1)
        index = bisect_left(marks.ended, before) - 1
        data = log.read(index * STRIDE, STRIDE)
        missing = before - marks.ended[index]
        if data.count(b'\n') < missing:
            return _last_line(log)
        return index * STRIDE + _after(data, missing)

    def _marks(self, log: Log) -> _Marks:
        """Return what is known of a file, nothing if it is another now."""
        marks = self._files.get(log.identity)
        if marks is None or marks.sample != _sample(log, marks):
            marks = self._files[log.identity] = _Marks()
        self._files.move_to_end(log.identity)
        if len(self._files) > MOST_FILES:
            self._files.popitem(last=False)
        return marks

    def _count(
        self, log: Log, marks: _Marks, enough: Callable[[], bool]
    ) -> bool:
        """Count on; False if that takes too long.

        Others may do so at the same time. What has no end yet is not
        counted: it may still grow.
        """
        for _ in range(MOST_STRIDES):
            index = len(marks.ended)
            if enough() or index * STRIDE > log.size:
                return True
            data = log.read((index - 1) * STRIDE, STRIDE)
            if len(data) < STRIDE:
                return True
            if index == len(marks.ended):
                marks.ended.append(marks.ended[-1] + data.count(b'\n'))
                marks.sample = data[-SAMPLE:]
            self._pause()
        return enough()


def _sample(log: Log, marks: _Marks) -> bytes:
    end = (len(marks.ended) - 1) * STRIDE
    return log.read(end - SAMPLE, SAMPLE) if end else b''


def _after(data: bytes, number: int) -> int:
    """Return what follows the end of a line.

    Examples:
        >>> _after(b'ab\\nc\\nd', 2)
        5
    """
    return bisect_left(
        range(len(data) + 1), number,
        key=lambda end: data.count(b'\n', 0, end),
    )


def _last_line(log: Log) -> int:
    """Return where the last line begins, if it is no longer than a stride."""
    start = max(0, log.size - STRIDE)
    data = log.read(start, log.size - start)
    return start + data.rfind(b'\n', 0, max(0, len(data) - 1)) + 1
