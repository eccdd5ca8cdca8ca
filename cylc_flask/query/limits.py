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
"""How much an operation may ask for, found out before anything is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    Lexer,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    TokenKind,
)

from cylc_flask.query.errors import Code, Rejected

if TYPE_CHECKING:
    from cylc_flask.config import Limits

#: Enters some work, and gives what is to be called now and then amid it: that
#: may let others go on meanwhile, and returns for how long (seconds).
Paced = Callable[[], AbstractContextManager[Callable[[], float]]]

#: Fields by which a schema is asked for.
INTROSPECTION = ('__schema', '__type')


def check_text(text: str, limits: Limits) -> None:
    """Refuse a document that is too long to be looked at.

    Raises:
        Rejected: It is, and by how much.
    """
    # A character is one byte at least.
    size = len(text)
    if size <= limits.query_size:
        size = len(text.encode(errors='replace'))
    if size > limits.query_size:
        raise _too_much(
            Code.SIZE, f'The document has {size} bytes',
            'query_size', limits.query_size,
        )
    tokens = _count_tokens(text)
    if tokens > limits.query_tokens:
        raise _too_much(
            Code.TOKENS, f'The document has {tokens} tokens',
            'query_tokens', limits.query_tokens,
        )


def _count_tokens(text: str) -> int:
    """Count tokens, up to where there are none: the parser says so then."""
    lexer = Lexer(Source(text))
    number = 0
    try:
        while lexer.advance().kind is not TokenKind.EOF:
            number += 1
    except GraphQLSyntaxError:
        pass
    return number


def check_document(
    document: DocumentNode, limits: Limits, introspection: bool
) -> None:
    """Refuse a document which asks for too much.

    Raises:
        Rejected: It does, and by how much.
    """
    fragments = {
        node.name.value: node for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    measure = _Measure(fragments)
    for node in document.definitions:
        if not isinstance(node, OperationDefinitionNode):
            continue
        size = measure.of(node.selection_set)
        if size.depth > limits.query_depth:
            raise _too_much(
                Code.DEPTH, f'The selections are {size.depth} levels deep',
                'query_depth', limits.query_depth,
            )
        if size.aliases > limits.query_aliases:
            raise _too_much(
                Code.ALIASES, f'The operation has {size.aliases} aliases',
                'query_aliases', limits.query_aliases,
            )
        if size.introspects and not introspection:
            raise Rejected.because(
                Code.INTROSPECTION,
                'This server does not tell its schema (introspection).',
            )


def _too_much(code: Code, found: str, key: str, limit: int) -> Rejected:
    return Rejected.because(
        code, f'{found}, which is more than {limit} (limits.{key}).'
    )


class _Size:
    """What there is to a selection, its fragments put in their places."""

    __slots__ = ('aliases', 'depth', 'introspects')

    def __init__(self) -> None:
        self.depth = 0
        self.aliases = 0
        self.introspects = False


class _Measure:
    """Sizes of selections, that of each fragment found once.

    A fragment in itself is an error that the validation names; here it
    counts for nothing.
    """

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._sizes: dict[str, _Size] = {}

    def of(self, selections: SelectionSetNode | None) -> _Size:
        """Return the size of a selection."""
        size = _Size()
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                self._add(size, self.of(node.selection_set), 1)
                size.aliases += node.alias is not None
                size.introspects |= node.name.value in INTROSPECTION
            elif isinstance(node, InlineFragmentNode):
                self._add(size, self.of(node.selection_set))
            elif isinstance(node, FragmentSpreadNode):
                self._add(size, self._of_fragment(node.name.value))
        return size

    def _of_fragment(self, name: str) -> _Size:
        if name not in self._sizes:
            self._sizes[name] = _Size()
            if node := self._fragments.get(name):
                self._sizes[name] = self.of(node.selection_set)
        return self._sizes[name]

    @staticmethod
    def _add(size: _Size, inner: _Size, levels: int = 0) -> None:
        size.depth = max(size.depth, inner.depth + levels)
        size.aliases += inner.aliases
        size.introspects |= inner.introspects


class TooMuch(BaseException):
    """An answer that is given up; no resolver can catch it by mistake.

    Args:
        code: What kind of error it is.
        text: Which limit it has passed.
    """

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code


def go_on() -> float:
    """Let nobody else go on."""
    return 0.0


@contextmanager
def unpaced() -> Iterator[Callable[[], float]]:
    """Do some work without a pause."""
    yield go_on


#: How many values are counted between two looks at the clock.
SPAN = 64


class Meter:
    """Counts the values of an answer, and looks at the time that it takes.

    Args:
        limits: How many there may be, and how long.
        pause: Called now and then; it may let others go on meanwhile, and
            returns for how long (seconds).
    """

    def __init__(
        self, limits: Limits, pause: Callable[[], float] = go_on
    ) -> None:
        self._limits = limits
        self._pause = pause
        self._left = limits.query_values
        self._due = self._left - SPAN
        self._end = monotonic() + limits.query_time

    def __call__(self, _: object) -> bool:
        """Count one value, in the place where graphql-core shows it.

        It never returns True.

        Raises:
            TooMuch: There are too many, or they take too long.
        """
        self._left -= 1
        if self._left < self._due or self._left < 0:
            self._look()
        return False

    def spend(self, values: int) -> None:
        """Count values.

        Raises:
            TooMuch: There are too many, or they take too long.
        """
        self._left -= values
        self._look()

    def _look(self) -> None:
        self._due = self._left - SPAN
        if self._left < 0:
            raise TooMuch(
                Code.VALUES, 'The answer has more than'
                f' {self._limits.query_values} values (limits.query_values).',
            )
        if monotonic() > self._end:
            raise TooMuch(
                Code.TIME, 'The answer takes more than'
                f' {self._limits.query_time:g} seconds (limits.query_time).',
            )
        self._end += self._pause()
