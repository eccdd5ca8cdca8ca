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
"""What has been applied to a replica that follows Cylc's own publisher.

A snapshot and the deltas come by different ways: some of these are in it
already. To apply them once more would double what lists hold. Each element
has a stamp with the time of its last change, by which that can be told, and
each delta a checksum of all stamps, by which one that is missing shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cylc.flow.data_store_mgr import generate_checksum
from cylc_flask.hub.trouble import OutOfStep
from cylc_flask.replica.delta import KINDS, LISTED_BY_WORKFLOW, WORKFLOW

checksum: Any = generate_checksum

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
        self._workflow_time = _time(entire.workflow.stamp)
        #: What was published before this may be in the snapshot.
        self._newest = max(
            (_time(stamp) for known in self._stamps.values()
             for stamp in known.values()),
            default=0.0,
        )

    def sift(self, delta: Any) -> None:
        """Take out of a delta what has been applied, and note the rest.

        Raises:
            OutOfStep: Something is missing.
        """
        if delta.HasField(WORKFLOW):
            self._sift_workflow(delta.workflow)
        for kind in KINDS:
            if delta.HasField(kind):
                self._sift(kind, getattr(delta, kind))

    def _sift(self, kind: str, part: Any) -> None:
        known = self._stamps[kind]
        if part.reloaded:
            known.clear()
        for field in (part.added, part.updated):
            _keep(field, [
                element for element in field
                if not _is_old(element, known.get(element.id))
            ])
        # Renewed since, where it was removed in between.
        gone = [id_ for id_ in part.pruned
                if _time(known.get(id_, '')) <= part.time]
        if len(gone) < len(part.pruned):
            part.pruned[:] = gone
        known.update(_stamps(part.added))
        for element in part.updated:
            if element.stamp and element.id in known:
                known[element.id] = element.stamp
        for id_ in gone:
            known.pop(id_, None)
        self._check(kind, part)

    def _check(self, kind: str, part: Any) -> None:
        """Compare a checksum, once nothing can be out of order any more."""
        known = self._stamps[kind]
        stamps: Iterable[str] = known if kind == BY_ID else known.values()
        if part.time > self._newest and (
            part.checksum != checksum([*stamps])
        ):
            raise OutOfStep(f'its {kind} are not as they should be')

    def _sift_workflow(self, part: Any) -> None:
        update = part.updated
        time = _time(update.stamp) or part.time
        if not part.reloaded and time <= self._workflow_time:
            part.ClearField('updated')
        for kind in LISTED_BY_WORKFLOW:
            holder = update.edges if kind == 'edges' else update
            ids = getattr(holder, kind)
            new = [id_ for id_ in ids if id_ not in self._stamps[kind]]
            if not part.reloaded and len(new) < len(ids):
                ids[:] = new
        added = _time(part.added.stamp)
        self._workflow_time = max(
            self._workflow_time, added, _time(update.stamp))


def _stamps(elements: Iterable[Any]) -> dict[str, str]:
    return {element.id: element.stamp for element in elements}


def _is_old(element: Any, stamp: str | None) -> bool:
    """Tell whether an element as it was is known as it was then, or later.

    Without a stamp it holds nothing that could be doubled.
    """
    if stamp is None or not element.stamp:
        return False
    return element.stamp == stamp or _time(element.stamp) < _time(stamp)


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


def _keep(field: Any, kept: list[Any]) -> None:
    """Have a list of elements hold no others than these of it."""
    if len(kept) < len(field):
        copies = [type(element).FromString(element.SerializeToString())
                  for element in kept]
        del field[:]
        field.extend(copies)
