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
"""Checks cycle points of workflows that run elsewhere.

Cylc reads points as the one workflow of its process has them. Here there are
many, and each has its own; the scheduler has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cylc.flow.exceptions import CylcError
from cylc_flask.errors import RequestError
from cylc_flask.legacy.points import INTEGER, is_point, key
from cylc_flask.validate import shown, within_reach

if TYPE_CHECKING:
    from cylc_flask.replica.side import Definition, Side

#: The arguments that are points, or lists of them.
NAMES = ('point', 'cycle_point', 'cutoff', 'point_strings')

EVERY_POINT = '*'

#: Seconds between the cycles of a workflow of which that is not known.
DAY = 86_400.0


def check_points(arguments: dict[str, Any], definition: Definition) -> None:
    """Refuse what can be no cycle point of a workflow.

    Args:
        arguments: Those of a command.
        definition: Of the workflow.

    Raises:
        RequestError: One of its arguments should be a point, and is none.
    """
    if not definition.cycling_mode:
        return
    for name in NAMES:
        value = arguments.get(name)
        for point in value if isinstance(value, list) else [value]:
            if point not in (None, EVERY_POINT):
                _check(name, point, definition)


def check_tasks(tasks: Iterable[str], side: Side) -> None:
    """Refuse tasks too far in the future for a scheduler.

    One without our plugin would not refuse them itself.

    Args:
        tasks: Each begins with its point.
        side: Tells how far the workflow is.

    Raises:
        RequestError: One of them is.
    """
    definition = side.definition
    if definition.cycling_mode in ('', INTEGER):
        return
    for task in tasks:
        within_reach(
            task, side, lambda point: key(point, definition), DAY)


def _check(name: str, point: Any, definition: Definition) -> None:
    try:
        good = isinstance(point, str) and is_point(point, definition)
    except (CylcError, ValueError, OverflowError):
        good = False
    if not good:
        raise RequestError(f'{name} is not a cycle point: {shown(point)}')
