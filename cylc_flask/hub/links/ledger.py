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
"""Tells which deltas are in a snapshot already, and whether one is missing.

The two come by different ways: the first deltas may be as old as the
snapshot. To apply these once more would double what lists hold. Each element
has a stamp with the time of its last change, by which that can be told, and
each delta a checksum of all stamps, by which one that is missing shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Any

from cylc.flow.data_store_mgr import generate_checksum
from cylc_flask.hub.links.trouble import OutOfStep
from cylc_flask.replica.delta import KINDS, WORKFLOW

checksum: Any = generate_checksum

#: Seconds in which deltas come that are in the snapshot, at most: where the
#: scheduler's clock is put back, stamps do not tell.
OVERLAP = 30.0

#: Whose checksum is of their ids.
BY_ID = 'edges'


class Ledger:
    """The stamps of all elements of a store, by kind and id.

    Args:
        entire: The store, as PbEntireWorkflow.
    """

    def __init__(self, entire: Any) -> None:
        self._stamps: dict[str, dict[str, str]] = {
            kind: _stamps(getattr(entire, kind)) for kind in KINDS
        }
        #: When the snapshot was made, None when all that comes is newer.
        self._made: float | None = max(
            _time(stamp) for stamp in (
                entire.workflow.stamp,
                *(stamp for known in self._stamps.values()
                  for stamp in known.values()),
            )
        )
        self._overlap_ends = monotonic() + OVERLAP

    def take(self, delta: Any) -> bool:
        """Tell whether a delta is to be applied, and take note of it.

        The scheduler makes stamps, changes its store and publishes that, one
        after the other: a delta in the snapshot has no newer stamp than it.

        Raises:
            OutOfStep: Something is missing.
        """
        if self._made is not None:
            newest = max(_times(delta), default=self._made + 1)
            if newest <= self._made and monotonic() < self._overlap_ends:
                return False
            self._made = None
        for kind in KINDS:
            if delta.HasField(kind):
                self._note(kind, getattr(delta, kind))
        return True

    def _note(self, kind: str, part: Any) -> None:
        known = self._stamps[kind]
        if part.reloaded:
            known.clear()
        known.update(_stamps(part.added))
        for element in part.updated:
            if element.stamp and element.id in known:
                known[element.id] = element.stamp
        for id_ in part.pruned:
            known.pop(id_, None)
        stamps: Iterable[str] = known if kind == BY_ID else known.values()
        if part.checksum != checksum([*stamps]):
            raise OutOfStep(f'its {kind} are not as they should be')


def _stamps(elements: Iterable[Any]) -> dict[str, str]:
    return {element.id: element.stamp for element in elements}


def _times(delta: Any) -> Iterator[float]:
    """Yield when the changes were made that a delta is about."""
    for kind in KINDS:
        part = getattr(delta, kind)
        for field in (part.added, part.updated):
            yield from (
                _time(element.stamp) for element in field if element.stamp)
    workflow = getattr(delta, WORKFLOW)
    for element in (workflow.added, workflow.updated):
        if element.stamp:
            yield _time(element.stamp)


def _time(stamp: str) -> float:
    """Return when a stamp was made, 0 if it does not say.

    Examples:
        >>> _time('~me/demo//1/a@1700000000.5'), _time('')
        (1700000000.5, 0.0)
    """
    try:
        return float(stamp.rpartition('@')[2])
    except ValueError:
        return 0.0
