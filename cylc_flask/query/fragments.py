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
from typing import Any, Callable

import orjson

from cylc_flask.query.run import Build, Element, Run

#: How many bytes of JSON are kept, of all selections together. The elements
#: that they were made of are held too.
KEPT = 33_554_432

#: After so many seconds without use, the fragments of a selection go.
IDLE = 60.0

#: Shorter lists are made each time: it hardly takes longer.
FEW = 50


#: Makes the JSON of each of some elements.
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

    def account(self, fragments: Fragments, more: int) -> None:
        """Note that fragments were used and are so many bytes more by now."""
        now = monotonic()
        self._used[fragments] = now
        self._used.move_to_end(fragments)
        self._size += more
        while self._used:
            oldest, used = next(iter(self._used.items()))
            if self._size <= self._max and now - used < IDLE:
                break
            self._size -= oldest.clear()
            del self._used[oldest]


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
        self._kept: dict[str, tuple[Element, bytes, int]] = {}
        self._size = 0
        self._is_wanted_again = False

    def render(self, run: Run, elements: list[Element]) -> list[bytes]:
        """Return the JSON of each element.

        What is asked for once is not kept.
        """
        if len(elements) < FEW:
            return self._render_all(run, elements)
        if not self._is_wanted_again:
            self._is_wanted_again = True
            return self._render_all(run, elements)
        before = self._size
        parts = self._render_kept(run, elements)
        if len(self._kept) > 1.2 * len(elements):
            self._prune(run)
        self._larder.account(self, self._size - before)
        return parts

    def clear(self) -> int:
        """Forget all of it, and return how many bytes these were."""
        size, self._size = self._size, 0
        self._kept.clear()
        self._is_wanted_again = False
        return size

    def _render_kept(self, run: Run, elements: list[Element]) -> list[bytes]:
        kept, build = self._kept, self._build
        parts = []
        for element in elements:
            found = kept.get(element.id)
            if found is not None and found[0] is element:
                run.values += found[2]
            else:
                values = run.values
                found = (
                    element, encode(build(run, element)), run.values - values
                )
                self._keep(element.id, found)
            parts.append(found[1])
            if run.values >= run.due:
                run.report()
        return parts

    def _keep(self, id_: str, made: tuple[Element, bytes, int]) -> None:
        if (old := self._kept.get(id_)) is not None:
            self._size -= len(old[1])
        self._kept[id_] = made
        self._size += len(made[1])

    def _prune(self, run: Run) -> None:
        """Forget those of elements that are no more."""
        stores = run.stores.values()
        for id_, (element, part, _) in [*self._kept.items()]:
            if not any(
                store[self._kind].get(id_) is element for store in stores
            ):
                del self._kept[id_]
                self._size -= len(part)


def renderer(build: Build) -> Render:
    """Return what makes the JSON of each of some elements.

    Objects for all of them at a time would keep the garbage collector busy.
    """
    def render(run: Run, elements: list[Element]) -> list[bytes]:
        parts = []
        for element in elements:
            parts.append(encode(build(run, element)))
            if run.values >= run.due:
                run.report()
        return parts
    return render


def joined(parts: list[bytes]) -> Any:
    """Return the JSON of a list, as a part of what is encoded later."""
    return orjson.Fragment(b'[%b]' % b','.join(parts)) if parts else []
