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
"""Cycle points as text: which are the same, which is the earlier."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
import re
from typing import Any

from metomi.isodatetime.parsers import TimePointParser

from cylc_flask.errors import RequestError
from cylc_flask.replica.side import Definition

INTEGER = 'integer'

#: No point is longer, in characters.
MAX_LENGTH = 100


def key(point: str, definition: Definition) -> Any:
    """Return what points of this workflow compare by.

    Raises:
        ValueError: It is no point in this cycling mode.
    """
    if len(point) > MAX_LENGTH:
        raise ValueError('longer than any point')
    if definition.cycling_mode == INTEGER:
        return int(point)
    return _instant(point, definition.initial_point)


def order(point: str, definition: Definition) -> int | str:
    """Return what points of the store sort by.

    Those of one workflow are written alike, so that text will do for dates.
    """
    return int(point) if definition.cycling_mode == INTEGER else point


def is_point(point: str, definition: Definition) -> bool:
    """Tell whether this is a point in this cycling mode."""
    return _key_or_none(point, definition) is not None


def check(point: str, definition: Definition) -> None:
    """Refuse what is no point in this cycling mode."""
    if not is_point(point, definition):
        raise RequestError(f'Invalid cycle point: {point}')


def find(
    point: str, points: Collection[str], definition: Definition
) -> str | None:
    """Return which of these is the same point, None if none is.

    Cylc 7 took any way of writing a date: ``20200101T00Z``, ``2020-01-01``.
    What is no point at all is the same as nothing.
    """
    if point in points:
        return point
    wanted = _key_or_none(point, definition)
    if wanted is None:
        return None
    alike = (
        other for other in points
        if _key_or_none(other, definition) == wanted
    )
    return next(alike, None)


def _key_or_none(point: str, definition: Definition) -> Any:
    try:
        return key(point, definition)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _instant(point: str, initial_point: str) -> Any:
    """Return a date; one without time zone has that of the workflow.

    A workflow may have points in a form which only it can read: text then.
    """
    digits = _expanded_digits(initial_point)
    try:
        zone = _parser((0, 0), digits).parse(initial_point).time_zone
    except ValueError:
        return point
    return _parser((int(zone.hours), int(zone.minutes)), digits).parse(point)


def _expanded_digits(point: str) -> int:
    """Return how many digits more than four the years have.

    Examples:
        >>> _expanded_digits('20200101T0000Z')
        0
        >>> _expanded_digits('+0020200101T0000Z')
        2
        >>> _expanded_digits('-002020-01-01')
        2
    """
    match = re.match(r'[+-](\d+)(-?)', point)
    if match is None:
        return 0
    return max(0, len(match[1]) - (4 if match[2] else 8))


@lru_cache(maxsize=64)
def _parser(zone: tuple[int, int], digits: int) -> TimePointParser:
    return TimePointParser(
        num_expanded_year_digits=digits, assumed_time_zone=zone
    )
