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
"""What somebody may do with which workflows, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import translate
from functools import cached_property, lru_cache
import re
from typing import NamedTuple

from cylc_flask.operations import LEVELS, NEEDED
from cylc_flask.privilege import Privilege

#: Goes before what is forbidden.
NOT = '!'

#: Matches all workflows, and what concerns none.
ALL = '*'

#: No name of a workflow has more characters, to Cylc.
LONGEST = 254

#: A pattern that matches nothing.
NEVER = '(?!)'


@dataclass(frozen=True)
class Decision:
    """Whether something may be done, and why or why not."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True)
class Grant:
    """What may be done with some workflows.

    Args:
        may: Levels and operations; those with a ``!`` in front are forbidden,
            a level with all that needs it.
        workflows: Globs, as `cylc stop` takes them: ``*`` matches slashes. One
            that matches a folder matches all that is in it.
        source: Who says so, to begin a sentence.

    Examples:
        >>> grant = Grant(('full-read', 'hold', '!stop'), ('nwp/*',))
        >>> grant.gives('hold'), grant.gives('kill'), grant.forbids('stop')
        (True, False, True)
        >>> grant.covers('nwp/global/run1'), grant.covers('nwpx')
        (True, False)
    """

    may: tuple[str, ...]
    workflows: tuple[str, ...] = (ALL,)
    source: str = 'a rule'

    @cached_property
    def level(self) -> Privilege:
        """Return the highest level that is given."""
        return max(
            (LEVELS[word] for word in self.may if word in LEVELS),
            default=Privilege.NONE,
        )

    @cached_property
    def given(self) -> frozenset[str]:
        """Return the operations that are given, by level or by name."""
        return frozenset(
            operation for operation, needed in NEEDED.items()
            if operation in self.may
            or (needed is not None and needed <= self.level)
        )

    @cached_property
    def forbidden(self) -> frozenset[str]:
        """Return the operations that are forbidden, by level or by name."""
        words = {
            word.removeprefix(NOT) for word in self.may if word[:1] == NOT
        }
        least = min(
            (LEVELS[word] for word in words if word in LEVELS), default=None)
        return frozenset(
            operation for operation, needed in NEEDED.items()
            if operation in words
            or (least and (needed or Privilege.FULL_READ) >= least)
        )

    def gives(self, operation: str) -> bool:
        """Return True if an operation is given."""
        return operation in self.given

    def forbids(self, operation: str) -> bool:
        """Return True if an operation is forbidden."""
        return operation in self.forbidden

    def covers(self, workflow: str) -> bool:
        """Return True if it is about a workflow, '' being none at all."""
        if not workflow:
            return ALL in self.workflows
        return (
            len(workflow) <= LONGEST and is_normal(workflow)
            and bool(self._pattern.match(workflow))
        )

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _pattern(self.workflows)


class Sum(NamedTuple):
    """What several grants come to, for one workflow.

    Args:
        level: One of which nothing is forbidden, so that whoever looks at no
            more than the level lets too little through, not too much. Whoever
            may do anything may know that the workflow is there.
        operations: All that may be done, the levels included.
    """

    level: Privilege
    operations: frozenset[str]


#: What the owner has.
EVERYTHING = Grant(tuple(NEEDED), source='the owner may do everything')


@lru_cache(4_096)
def is_normal(workflow: str) -> bool:
    """Return True if a name means what it looks like.

    Examples:
        >>> [is_normal(name) for name in ('a/b', 'a/../b', '/a', 'a//b')]
        [True, False, False, False]
    """
    return not {'', '.', '..'}.intersection(workflow.split('/'))


def matches(glob: str, workflow: str) -> bool:
    """Return True if a glob matches a workflow, or a folder that it is in.

    Examples:
        >>> matches('nwp', 'nwp/run1'), matches('n*p', 'nwpx')
        (True, False)
    """
    return bool(_pattern((glob,)).match(workflow))


@lru_cache(1_024)
def _pattern(globs: tuple[str, ...]) -> re.Pattern[str]:
    # Without globs it would match all.
    return re.compile('|'.join(
        translate(pattern) for glob in globs for pattern in (glob, f'{glob}/*')
    ) or NEVER)


def decide(
    grants: Sequence[Grant], operation: str, workflow: str,
) -> Decision:
    """Decide if somebody with these grants may do something.

    What one grant forbids none can give. The decision and its reason follow
    from the name of the workflow alone, whether there is such a one or not.

    Args:
        grants: All that they have.
        operation: A level or an operation.
        workflow: The name of the workflow, '' where it concerns none.
    """
    about = [grant for grant in grants if grant.covers(workflow)]
    if not about:
        return Decision(False, f'no rule gives you {_anything_on(workflow)}')
    for grant in about:
        if grant.forbids(operation):
            return Decision(False, f'{grant.source} forbids {operation}')
    if operation in sum_of(about).operations:
        # Any operation brings the least level, hence the second.
        giving = [grant for grant in about if grant.gives(operation)]
        giving = giving or [grant for grant in about if grant.given]
        return Decision(True, giving[0].source)
    return Decision(False, _lack(about, operation))


def _anything_on(workflow: str) -> str:
    return f'anything on "{workflow}"' if workflow else 'that'


def _lack(about: Sequence[Grant], operation: str) -> str:
    needed = NEEDED.get(operation)
    if needed is None:
        return f'no rule gives you {operation} here'
    level = level_of(about)
    return f'{operation} needs {needed}, you have {level} here'


def level_of(about: Iterable[Grant]) -> Privilege:
    """Return the level that grants for one workflow come to."""
    return sum_of(about).level


def sum_of(about: Iterable[Grant]) -> Sum:
    """Return what grants for one workflow come to."""
    given: set[str] = set()
    forbidden: set[str] = set()
    for grant in about:
        given |= grant.given
        forbidden |= grant.forbidden
    return _sum(frozenset(given), frozenset(forbidden))


@lru_cache(1_024)
def _sum(given: frozenset[str], forbidden: frozenset[str]) -> Sum:
    rest = given - forbidden
    if not rest:
        return Sum(Privilege.NONE, rest)
    barred = min(
        (NEEDED[word] or Privilege.FULL_CONTROL for word in forbidden),
        default=Privilege.FULL_CONTROL + 1,
    )
    level = max(
        (level for word, level in LEVELS.items()
         if word in rest and level < barred),
        default=Privilege.IDENTITY,
    )
    levels = {word for word in LEVELS if LEVELS[word] <= level}
    return Sum(level, frozenset(rest - LEVELS.keys() | levels))


def check_words(words: Iterable[str]) -> None:
    """Refuse what is no level and no operation.

    Raises:
        ValueError: With what is wrong, and what was probably meant.
    """
    for word in words:
        name = word.removeprefix(NOT)
        if name not in NEEDED:
            near = get_close_matches(name, NEEDED, n=1)
            hint = (
                f'did you mean {near[0]}?' if near
                else f'there are {", ".join(NEEDED)}'
            )
            raise ValueError(f'no level or operation "{name:.64}": {hint}')
