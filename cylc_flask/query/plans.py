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

#: Operations with longer variables (bytes of JSON) are compiled each time.
LONG = 10_000


class Plans:
    """The plans of the operations that came last.

    Args:
        schema: The schema that they fit.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._larder = Larder()
        self._known: OrderedDict[object, Plan | None] = OrderedDict()
        self._size = 0

    def get(self, operation: Operation) -> Plan | None:
        """Return the plan of an operation; None if there is none."""
        key = operation.key
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        plan = compile_operation(self._schema, operation, self._larder)
        if len(key[2]) <= LONG:
            self._keep(key, plan)
        return plan

    def give_up(self, operation: Operation) -> None:
        """Have no plan for an operation any more: it does not work."""
        if operation.key in self._known:
            self._size -= _size(self._known.pop(operation.key))
            self._keep(operation.key, None)

    def _keep(self, key: object, plan: Plan | None) -> None:
        self._known[key] = plan
        self._size += _size(plan)
        while self._size > FIELDS:
            _, oldest = self._known.popitem(last=False)
            self._size -= _size(oldest)


def _size(plan: Plan | None) -> int:
    return OVERHEAD + (plan.size if plan else 0)
