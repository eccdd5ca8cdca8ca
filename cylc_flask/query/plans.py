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
"""Plans of operations, each made once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from graphql import GraphQLSchema

from cylc_flask.query.compile import compile_operation
from cylc_flask.query.fragments import Larder
from cylc_flask.query.run import Plan

if TYPE_CHECKING:
    from cylc_flask.query.documents import Operation

#: How many fields the plans that are kept may have together. A field takes
#: about a kilobyte.
FIELDS = 20_000

#: What a plan counts for beside its fields.
OVERHEAD = 20

#: So many characters of an operation count for one field.
CHARACTERS = 1_000

#: Operations with longer variables (bytes of JSON) are compiled each time.
LONG = 10_000

#: For how long (seconds) a plan is not tried again that has failed: there may
#: be something in the data that it cannot deal with.
REST = 60.0

#: Text, name and variables of an operation.
Key = tuple[str, str | None, bytes]


@dataclass
class _Known:
    """A plan, if there is one, and when it may be used again."""

    plan: Plan | None
    rests_until: float = 0.0

    def size(self, key: Key) -> int:
        """Return for how many fields it counts."""
        fields = self.plan.size if self.plan else 0
        return OVERHEAD + fields + (len(key[0]) + len(key[2])) // CHARACTERS


class Plans:
    """The plans of the operations that came last.

    Args:
        schema: The schema that they fit.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._larder = Larder()
        self._known: OrderedDict[Key, _Known] = OrderedDict()
        self._size = 0

    def get(self, operation: Operation) -> Plan | None:
        """Return the plan of an operation; None if there is none."""
        key = operation.key
        known = self._known.get(key)
        if known is None:
            known = _Known(compile_operation(
                self._schema, operation, self._larder
            ))
            if len(key[2]) <= LONG:
                self._keep(key, known)
        else:
            self._known.move_to_end(key)
        return known.plan if monotonic() >= known.rests_until else None

    def give_up(self, operation: Operation) -> None:
        """Have no plan for an operation for a while: it does not work."""
        if known := self._known.get(operation.key):
            known.rests_until = monotonic() + REST

    def _keep(self, key: Key, known: _Known) -> None:
        self._known[key] = known
        self._size += known.size(key)
        while self._size > FIELDS:
            oldest, gone = self._known.popitem(last=False)
            self._size -= gone.size(oldest)
