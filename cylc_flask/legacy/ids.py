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
"""Cylc 7's ways of naming tasks: NAME.POINT:STATE and POINT/NAME:STATE."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cylc.flow.id import Tokens
from cylc_flask.errors import RequestError
from cylc_flask.legacy.points import check
from cylc_flask.legacy.states import WORDS
from cylc_flask.replica.side import Definition

#: No name, point and state together are longer, in characters.
LONGEST = 500


class TaskId(NamedTuple):
    """One task at one point."""

    name: str
    point: str

    def __str__(self) -> str:
        return f'{self.name}.{self.point}'


@dataclass(frozen=True)
class Pattern:
    """What an item asks for; without a point, the task at all points."""

    item: str
    name: str
    point: str = '*'
    state: str | None = None

    @property
    def is_exact(self) -> bool:
        """Tell whether this is one task (or family) at one point."""
        return not (self.state or is_glob(self.name) or is_glob(self.point))

    @property
    def relative_id(self) -> str:
        """How Cylc 8 writes it, but for the state."""
        return f'{self.point}/{self.name}'


def is_glob(text: str) -> bool:
    """Tell whether this may match more than itself.

    Examples:
        >>> is_glob('fo?'), is_glob('foo')
        (True, False)
    """
    return not set('*?[').isdisjoint(text)


def parse(item: str, namespaces: Iterable[str] = ()) -> Pattern:
    """Read ``NAME[.POINT][:STATE]`` or ``[POINT/]NAME[:STATE]``.

    A bare name is a name (Cylc 8 would take it for a point), also one with
    dots if it is defined.

    Raises:
        RequestError: It cannot be read, or Cylc 8 could not.

    Examples:
        >>> parse('foo.1:failed')
        Pattern(item='foo.1:failed', name='foo', point='1', state='failed')
        >>> parse('1/fo*').relative_id
        '1/fo*'
        >>> parse('foo').relative_id
        '*/foo'
        >>> parse('a.b', ['a.b']).relative_id
        '*/a.b'
    """
    head, colon, state = item.rpartition(':')
    if not colon:
        head, state = item, ''
    if '/' in head:
        point, _, name = head.partition('/')
    elif '.' in head and head not in namespaces:
        name, _, point = head.rpartition('.')
    else:
        point, name = '*', head
    pattern = Pattern(item, name, point, WORDS.get(state, state) or None)
    if (
        len(item) > LONGEST or (colon and not state)
        or not _is_readable(pattern)
    ):
        raise RequestError(
            f'Malformed item: "{item[:LONGEST]}" (NAME[.POINT][:STATE]'
            ' or [POINT/]NAME[:STATE])'
        )
    return pattern


def _is_readable(pattern: Pattern) -> bool:
    """Tell whether Cylc 8 would read the same from what we write."""
    try:
        tokens = Tokens(pattern.relative_id, relative=True)
    except ValueError:
        return False
    return (tokens['cycle'], tokens['task'], tokens['job']) == (
        pattern.point, pattern.name, None
    ) and not (tokens['cycle_sel'] or tokens['task_sel'])


def one(task_id: str, definition: Definition) -> TaskId:
    """Read the id of one task, in either form.

    Raises:
        RequestError: It is malformed, or a pattern, or has no real point.
    """
    pattern = parse(task_id)
    if not pattern.is_exact:
        raise RequestError(f'Not a task id: "{task_id}" (NAME.POINT)')
    check(pattern.point, definition)
    return TaskId(pattern.name, pattern.point)
