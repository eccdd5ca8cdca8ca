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
"""Which elements fit the arguments of a field, found out fast.

As cylc-flow's own filter says it, of which each element would cost a parsed
id.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache
import re
from typing import Any, Callable

from cylc.flow.data_store_mgr import JOBS
from cylc.flow.id import Tokens
from cylc.flow.network.resolvers import get_state_from_selectors
from cylc.flow.network.schema import DEF_TYPES
from cylc_flask.query.run import Element, Run

#: Tells whether an element, of which the state is known, is to be kept.
Test = Callable[[Element, str | None], bool]

Keep = Callable[[Run, Element], bool]

#: Cycle, name and job of an element.
Parts = tuple[str | None, str | None, str | None]

_selector: Callable[[Tokens], str | None] = get_state_from_selectors

#: Ids as schedulers make them; others are left to cylc-flow.
_ID = re.compile(
    r'~[^/:~\s]+/[^:~\s]+?//([^~/:\s]+)/([^~/:\s]+)(?:/([^~/:\s]+))?'
)

#: What makes a pattern of a text.
_GLOB = re.compile(r'[*?\[]')

#: How many patterns are kept; each takes a kilobyte or two.
PATTERNS = 1_000

#: The filters that compare a number or a flag of an element: which argument,
#: whether it says anything, the test.
_COMPARED: dict[str, Callable[[Any], Callable[[Element], bool]]] = {
    'is_held': lambda value: lambda node: node.is_held == value,
    'is_queued': lambda value: lambda node: node.is_queued == value,
    'mindepth': lambda value: lambda node: node.depth >= value,
    'maxdepth': lambda value: lambda node: node.depth <= value,
    'graph_depth': lambda value: lambda node: node.graph_depth <= value,
}


def make_filter(kind: str, args: dict[str, Any]) -> Keep | None:
    """Return what tells which elements fit; None if all of them do.

    Args:
        kind: What kind of elements.
        args: The arguments, ids as tokens.
    """
    tests = [*_state_tests(args), *_compared(args), *_id_tests(kind, args)]
    if not tests:
        return None
    state_of = _state_getter(kind)

    def keep(run: Run, node: Element) -> bool:
        state = state_of(run, node)
        return all(test(node, state) for test in tests)
    return keep


def _state_getter(kind: str) -> Callable[[Run, Element], str | None]:
    if kind in DEF_TYPES:
        return lambda *_: None

    def state_of(run: Run, node: Element) -> str | None:
        """Return the state; elements of deltas need not have one."""
        if node.state:
            return str(node.state)
        resolvers: Any = run.resolvers
        found: str | None = resolvers.get_node_state(node, kind)
        return found
    return state_of


def _state_tests(args: dict[str, Any]) -> Iterable[Test]:
    if states := args.get('states'):
        yield lambda _, state: state is None or state in states
    if exstates := args.get('exstates'):
        yield lambda _, state: state not in exstates


def _compared(args: dict[str, Any]) -> Iterable[Test]:
    for name, make in _COMPARED.items():
        value = args.get(name)
        if value is None or (not isinstance(value, bool) and value < 0):
            continue
        test = make(value)
        yield lambda node, _, test=test: test(node)  # type: ignore[misc]


def _id_tests(kind: str, args: dict[str, Any]) -> Iterable[Test]:
    parts_of = _parts_of_definition if kind in DEF_TYPES else parts
    if ids := args.get('ids'):
        match = _matcher(kind, ids)
        yield lambda node, state: match(parts_of(node), state)
    if exids := args.get('exids'):
        unwanted = _matcher(kind, exids)
        yield lambda node, state: not unwanted(parts_of(node), state)


def _parts_of_definition(node: Element) -> Parts:
    return None, node.name, None


def parts(node: Element) -> Parts:
    """Return what an id is made of.

    Raises:
        ValueError: It is no id.
    """
    if found := _ID.fullmatch(node.id):
        return found.groups()  # type: ignore[return-value]
    tokens = Tokens(node.id)
    return tokens['cycle'], tokens['task'], tokens['job']


def _matcher(
    kind: str, items: list[Tokens]
) -> Callable[[Parts, str | None], bool]:
    """Return what tells whether any of the items means an element.

    Most name one element and nothing else: these need not be compared.
    """
    named = [
        ((item['cycle'], item['task'], item['job']), _selector(item))
        for item in items if not item.is_null
    ]
    exact = {
        found for found, selector in named
        if selector is None and _is_exact(kind, found)
    }
    if kind != JOBS and any(job for (_, _, job), _ in named):
        exact.clear()  # to compare what has no job with one is an error
    others = [
        (_tests(found), selector) for found, selector in named
        if selector is not None or found not in exact
    ]

    def match(found: Parts, state: str | None) -> bool:
        if found in exact:
            return True
        for tests, selector in others:
            for index, test in tests:
                if not test(found[index]):  # type: ignore[arg-type]
                    break
            else:
                if selector is None or state is None or selector == state:
                    return True
        return False
    return match


def _is_exact(kind: str, item: Parts) -> bool:
    """Tell whether an item names one element of a kind, and no pattern."""
    cycle, task, job = item
    if kind in DEF_TYPES:
        complete = task and not (cycle or job)
    else:
        complete = cycle and task and bool(job) is (kind == JOBS)
    return bool(complete) and not any(
        _GLOB.search(each) for each in item if each
    )


def _tests(item: Parts) -> list[tuple[int, Callable[[str], object]]]:
    """Return what parts are compared with, by their index."""
    return [
        (index, _pattern(part)) for index, part in enumerate(item) if part
    ]


@lru_cache(PATTERNS)
def _pattern(text: str) -> Callable[[str], object]:
    return re.compile(translate(text)).match
