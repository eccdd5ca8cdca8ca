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
"""What the parts of a compiled operation share while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from cylc_flask.query.limits import Meter
    from cylc_flask.query.resolvers import Resolvers

#: A protobuf message of the data store.
Element = Any

#: A workflow's elements by kind and id.
Data = Mapping[str, Any]

#: After so many values, the meter is told of them.
SPAN = 1_000


class NotCompiled(Exception):
    """Something that is left to graphql-core."""


class Run:
    """One run of a plan.

    Args:
        resolvers: Whose stores it looks at.
        sub_id: Under which name these have a delta, if it is about one.
        meter: Told how much the answer holds.
    """

    __slots__ = (
        '_meter', '_told', 'due', 'resolvers', 'stores', 'sub_id', 'values'
    )

    def __init__(
        self, resolvers: Resolvers, sub_id: Any, meter: Meter
    ) -> None:
        self.resolvers = resolvers
        #: The stores by the ids of their workflows.
        self.stores: dict[str, Data] = _data_of(resolvers)
        self.sub_id = sub_id
        #: How many values graphql-core would have looked at by now.
        self.values = 0
        #: The number of them from which on `report` is to be called.
        self.due = SPAN
        self._told = 0
        self._meter = meter

    def report(self) -> None:
        """Tell the meter of the values since the last time.

        Raises:
            TooMuch: There are too many, or they took too long.
        """
        self._meter.spend(self.values - self._told)
        self._told = self.values
        self.due = self.values + SPAN

    @property
    def deltas(self) -> dict[str, Any]:
        """Return the delta by the id of its workflow."""
        return self.resolvers.delta_store[self.sub_id]


def _data_of(resolvers: Any) -> dict[str, Data]:
    data: dict[str, Data] = resolvers.data_store_mgr.data
    return data


#: Makes of the source of a field, and of what it has under the name of that
#: field, what is in the answer.
Fill = Callable[[Run, Any, Any], Any]

#: Makes an object of the answer.
Build = Callable[[Run, Any], Any]

#: Finds the elements that a field is about; the arguments are those of Fill.
Find = Callable[[Run, Any, Any], list[Element]]


class Plan:
    """A compiled operation.

    Args:
        build: Makes the data of the answer of a root.
        live: Whether it is about a delta.
        size: How many fields it has.
    """

    def __init__(self, build: Build, live: bool, size: int) -> None:
        self._build = build
        self._live = live
        self.size = size

    def run(
        self,
        resolvers: Resolvers,
        root: Any,
        context: dict[str, Any],
        meter: Meter,
    ) -> dict[str, Any]:
        """Return the data of the answer, ready to be encoded.

        Raises:
            TooMuch: It is too much.
            Exception: Whatever goes wrong; graphql-core tells what that is.
        """
        if self._live is not ('sub_id' in context):
            raise NotCompiled('it is not known whether there is a delta')
        run = Run(resolvers, context.get('sub_id'), meter)
        data: dict[str, Any] = self._build(run, root)
        # The answer as a whole is one value more.
        run.values += 1
        run.report()
        return data


def of_workflows(
    stores: Mapping[str, Data], ids: Iterable[str]
) -> Iterable[Data]:
    """Return the stores of the workflows that elements belong to."""
    if len(stores) == 1:
        return stores.values()
    wanted = dict.fromkeys(id_.partition('//')[0] for id_ in ids)
    return [stores[id_] for id_ in wanted if id_ in stores]
