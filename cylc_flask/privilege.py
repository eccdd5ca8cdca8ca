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
"""The six privilege levels of Cylc, and the label that a view carries."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Callable, TypeVar

View = TypeVar('View', bound=Callable[..., Any])

LABEL = 'cylc_flask_privilege'
OPERATIONS = 'cylc_flask_operations'


class Privilege(IntEnum):
    """What a caller may do; each level includes the ones before it.

    ``NONE`` is no level of Cylc's: it is the word by which a view says
    that anybody who is known may call it.
    """

    NONE = 0
    IDENTITY = 1
    DESCRIPTION = 2
    STATE_TOTALS = 3
    FULL_READ = 4
    SHUTDOWN = 5
    FULL_CONTROL = 6

    def __str__(self) -> str:
        return self.name.lower().replace('_', '-')

    @classmethod
    def parse(cls, text: str) -> Privilege:
        """Return the level which Cylc writes so.

        Raises:
            ValueError: There is none of that name.

        Examples:
            >>> Privilege.parse('state-totals')
            <Privilege.STATE_TOTALS: 3>
        """
        for level in cls:
            if level and str(level) == text:
                return level
        raise ValueError(f'no privilege level "{text}"')


#: What the public can be granted at most.
PUBLIC_LEVELS = tuple(
    level for level in Privilege
    if Privilege.NONE < level < Privilege.FULL_CONTROL
)


def requires(
    privilege: Privilege, *operations: str
) -> Callable[[View], View]:
    """Label a view with the privilege that its caller needs.

    The label decides nothing: the gate reads it, and refuses a view that
    has none.

    Args:
        privilege: The level.
        operations: What the caller does, by the names of `operations`; some
            users may do single ones.
    """
    def label(view: View) -> View:
        setattr(view, LABEL, privilege)
        setattr(view, OPERATIONS, operations)
        return view
    return label


def required(view: Callable[..., Any]) -> Privilege | None:
    """Return the label of a view, None where it was forgotten."""
    return getattr(view, LABEL, None)


def operations_of(view: Callable[..., Any]) -> tuple[str, ...]:
    """Return what the caller of a view does, nothing where it only reads."""
    return getattr(view, OPERATIONS, ())
