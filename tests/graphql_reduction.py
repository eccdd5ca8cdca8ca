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
"""Making a document that shows a difference as short as can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from graphql import DocumentNode, Node, parse, print_ast

#: What may be left out of a node, one item at a time.
PARTS = (
    'definitions', 'variable_definitions', 'selections', 'arguments',
    'directives', 'values', 'fields',
)


def reduce(text: str, shows: Callable[[str], bool]) -> str:
    """Return a document that still shows what this one does.

    Args:
        text: The document.
        shows: Tells whether another document does so too; False also where
            that is not valid.
    """
    while True:
        for shorter in _shorter(parse(text)):
            if shows(shorter):
                text = shorter
                break
        else:
            return text


def _shorter(document: DocumentNode) -> Iterator[str]:
    """Return the document without one of its parts, the large parts first."""
    for node, part, index in [*_places(document)]:
        items = getattr(node, part)
        item = items[index]
        setattr(node, part, (*items[:index], *items[index + 1:]))
        yield print_ast(document)
        inner = getattr(item, 'selection_set', None)
        if part == 'selections' and inner:
            # What is in a fragment, without the fragment.
            setattr(node, part, (
                *items[:index], *inner.selections, *items[index + 1:]))
            yield print_ast(document)
        setattr(node, part, items)


def _places(node: Node) -> Iterator[tuple[Any, str, int]]:
    for part in PARTS:
        items = getattr(node, part, None)
        if isinstance(items, (list, tuple)):
            yield from ((node, part, index) for index in range(len(items)))
    for key in node.keys:
        value = getattr(node, key, None)
        for inner in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(inner, Node):
                yield from _places(inner)
