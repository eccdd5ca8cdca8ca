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
"""The points of a sequence between two others, in bounded time.

Cylc walks: from a sequence's beginning to the first point after a date, and
from that of an exclusion for each point. That is well for the dates which a
scheduler comes to by itself; a client may ask for the year 9999. Steps of a
fixed length, which are most, are calculated here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, Callable

from metomi.isodatetime.data import Duration

from cylc.flow.cycling import iso8601

#: Classes of cylc.flow.cycling and isodatetime, which have few types.
Point = Any
Sequence = Any
Instant = Any

#: Called at each step; raises to end it.
Check = Callable[[], None]

_parse: Any = iso8601.point_parse


def points(
    sequence: Sequence, start: Point, last: Point | None, check: Check
) -> Iterator[Point]:
    """Yield the points of a sequence from start to last, if there is one."""
    dates = _dates(sequence)
    if dates is None:
        point = sequence.get_first_point(start)
        while point is not None and (last is None or point <= last):
            check()
            yield point
            point = sequence.get_next_point_on_sequence(point)
        return
    excluded = Exclusions(sequence.exclusions)
    for instant in dates.between(_instant(start), _instant(last), check):
        text = str(instant)
        if not excluded.hold(instant, text):
            yield iso8601.ISO8601Point(text)


def count_at_most(
    sequence: Sequence, start: Point, last: Point | None
) -> int | None:
    """Return how many points there are, not minding exclusions.

    None means that they have no end. Months and years are taken to be a
    little shorter than they are.
    """
    dates = _dates(sequence)
    if dates is not None:
        return dates.span(_instant(start), _instant(last))[1]
    first, step = sequence.get_first_point(start), sequence.get_interval()
    # Not get_stop_point(): without a stop, it fails on some exclusions.
    last = _min(last, sequence.p_stop)
    if first is None:
        return 0
    if last is None:
        return None if step else 1
    steps = int(last - first) // int(step) if step else 0
    return max(0, steps + 1) if first <= last else 0


class Dates:
    """The instants of a recurrence; in Cylc it always has a start."""

    def __init__(self, recurrence: Any) -> None:
        self._recurrence = recurrence
        self._start: Instant = recurrence.start_point
        self._end: Instant | None = recurrence.end_point
        # A single date ends where it starts: any step leads out of it.
        self._step: Any = recurrence.duration or Duration(seconds=1)
        self._length: float = self._step.get_seconds()
        self._exact: bool = self._step.is_exact()

    def span(
        self, start: Instant, last: Instant | None
    ) -> tuple[int, int | None]:
        """Return how many come before start, and then until last.

        The latter is None if there is no end. Both are nominal if the steps
        are not of one length.
        """
        skipped = max(0, -int(-self._seconds_to(start) // self._length))
        last = _min(last, self._end)
        if last is None:
            return skipped, None
        steps = int(self._seconds_to(last) // self._length)
        return skipped, max(0, steps + 1 - skipped)

    def between(
        self, start: Instant, last: Instant | None, check: Check
    ) -> Iterator[Instant]:
        """Yield the instants from start to last, if there is one."""
        if not self._exact:
            yield from self._walk(start, last, check)
            return
        skipped, number = self.span(start, last)
        instant = self._start + self._step * skipped
        for _ in count() if number is None else range(number):
            check()
            yield instant
            instant += self._step

    def holds(self, instant: Instant) -> bool:
        """Tell whether this is one of them."""
        if not self._exact:
            return bool(self._recurrence.get_is_valid(instant))
        seconds = self._seconds_to(instant)
        return seconds >= 0 and not seconds % self._length and (
            self._end is None or instant <= self._end
        )

    def _walk(
        self, start: Instant, last: Instant | None, check: Check
    ) -> Iterator[Instant]:
        last = _min(last, self._end)
        instant = self._start
        while last is None or instant <= last:
            check()
            if instant >= start:
                yield instant
            instant += self._step

    def _seconds_to(self, instant: Instant) -> float:
        return float((instant - self._start).get_seconds())


class Exclusions:
    """What a sequence of dates leaves out; Cylc gives [] for nothing."""

    def __init__(self, exclusions: Any) -> None:
        self._points: set[str] = set()
        self._dates: list[Dates] = []
        if exclusions:
            self._points.update(map(str, exclusions.exclusion_points))
            self._dates += [
                Dates(sequence.recurrence)
                for sequence in exclusions.exclusion_sequences
            ]

    def hold(self, instant: Instant, text: str) -> bool:
        """Tell whether an instant, also given as text, is left out."""
        return text in self._points or any(
            dates.holds(instant) for dates in self._dates
        )


def _dates(sequence: Sequence) -> Dates | None:
    """Return the dates of a sequence, None if it is one of integers."""
    recurrence = getattr(sequence, 'recurrence', None)
    return None if recurrence is None else Dates(recurrence)


def _instant(point: Point | None) -> Instant | None:
    return None if point is None else _parse(point.value)


def _min(one: Any | None, other: Any | None) -> Any | None:
    """Return the lesser, where None is not a bound."""
    return min((x for x in (one, other) if x is not None), default=None)
