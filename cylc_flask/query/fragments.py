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
"""JSON of single elements, kept as long as the elements are the same."""

from __future__ import annotations

from collections import OrderedDict
from time import monotonic
from typing import Any, Callable, NamedTuple

import orjson

from cylc_flask.query.run import Build, Element, Run

#: How many bytes of JSON are kept, of all selections together. The elements
#: that they were made of are held too.
KEPT = 33_554_432

#: After so many seconds without use, the fragments of a selection go.
IDLE = 60.0

#: Shorter lists are made each time: it hardly takes longer.
FEW = 50

#: What is needed (bytes) to keep one, beside its JSON.
OVERHEAD = 200

#: So many elements that are not kept become JSON together.
CHUNK = 100

#: Makes the JSON of elements, without the brackets of a list.
Render = Callable[[Run, list[Element]], list[bytes]]


def encode(payload: Any) -> bytes:
    """Return JSON; what it has no form for is text."""
    return orjson.dumps(
        payload, default=str, option=orjson.OPT_NON_STR_KEYS
    )


class Larder:
    """Where the fragments of all selections are kept.

    Args:
        size: How many bytes they may have.
    """

    def __init__(self, size: int = KEPT) -> None:
        self._max = size
        self._size = 0
        self._used: OrderedDict[Fragments, float] = OrderedDict()

    def account(self, fragments: Fragments) -> None:
        """Note that fragments were used, and what they take by now."""
        now = monotonic()
        self._used[fragments] = now
        self._used.move_to_end(fragments)
        self._size += fragments.size - fragments.accounted
        fragments.accounted = fragments.size
        while self._used:
            oldest, used = next(iter(self._used.items()))
            if self._size <= self._max and now - used < IDLE:
                break
            self._size -= oldest.accounted
            oldest.clear()
            del self._used[oldest]


class Fragment(NamedTuple):
    """The JSON of an element, and how many values it has."""

    element: Element
    json: bytes
    values: int


class Fragments:
    """The JSON of elements of one kind under one selection.

    This must depend on nothing but the element. An element is replaced when
    it changes, so a fragment holds as long as its element is the same object.

    Args:
        build: Makes an object of an element.
        kind: Under which name stores have the elements.
        larder: Where it is noted what they take.
    """

    def __init__(self, build: Build, kind: str, larder: Larder) -> None:
        self._build = build
        self._render_all = renderer(build)
        self._kind = kind
        self._larder = larder
        #: By the addresses of their elements, which they keep in being.
        self._kept: dict[int, Fragment] = {}
        #: How many bytes they have, and had when the larder was told last.
        self.size = self.accounted = 0
        self._is_wanted_again = False

    def render(self, run: Run, elements: list[Element]) -> list[bytes]:
        """Return the JSON of the elements.

        What is asked for once is not kept.
        """
        if len(elements) < FEW:
            return self._render_all(run, elements)
        if not self._is_wanted_again:
            self._is_wanted_again = True
            return self._render_all(run, elements)
        try:
            return self._render_kept(run, elements)
        finally:
            if len(self._kept) > 1.2 * self._count(run):
                self._prune(run)
            self._larder.account(self)

    def clear(self) -> None:
        """Forget all of it."""
        self._kept.clear()
        self.size = self.accounted = 0
        self._is_wanted_again = False

    def _render_kept(self, run: Run, elements: list[Element]) -> list[bytes]:
        """Make what is not kept.

        What is, is found without a look into the elements: these are all
        over the memory.
        """
        kept = self._kept
        parts = []
        for element in elements:
            found = kept.get(id(element)) or self._make(run, element)
            parts.append(found.json)
            run.values += found.values
            if run.values >= run.due:
                run.report()
        return parts

    def _make(self, run: Run, element: Element) -> Fragment:
        before = run.values
        # A copy, since the encoder leaves room behind what it makes.
        json = bytes(memoryview(encode(self._build(run, element))))
        made = Fragment(element, json, run.values - before)
        run.values = before
        self._kept[id(element)] = made
        self.size += len(json) + OVERHEAD
        return made

    def _count(self, run: Run) -> int:
        """Return how many elements there are now."""
        return sum(len(store[self._kind]) for store in run.stores.values())

    def _prune(self, run: Run) -> None:
        """Forget those of elements that are no more."""
        stores = run.stores.values()
        for key, found in [*self._kept.items()]:
            id_, element = found.element.id, found.element
            if not any(
                store[self._kind].get(id_) is element for store in stores
            ):
                del self._kept[key]
                self.size -= len(found.json) + OVERHEAD


def renderer(build: Build) -> Render:
    """Return what makes the JSON of some elements.

    Objects for all of them at a time would keep the garbage collector busy.
    """
    def render(run: Run, elements: list[Element]) -> list[bytes]:
        parts = []
        for start in range(0, len(elements), CHUNK):
            chunk = [
                build(run, element)
                for element in elements[start:start + CHUNK]
            ]
            parts.append(encode(chunk)[1:-1])
            if run.values >= run.due:
                run.report()
        return parts
    return render


def joined(parts: list[bytes]) -> Any:
    """Return the JSON of a list, as a part of what is encoded later."""
    return orjson.Fragment(b'[%b]' % b','.join(parts)) if parts else []
