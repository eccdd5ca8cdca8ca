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
"""The static graph between two points, before any grouping by families."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Node(NamedTuple):
    """A task (or ``@xtrigger``) at a point, both as text."""

    name: str
    point: str


class Edge(NamedTuple):
    """A dependency; ``right`` is None for a node that stands alone.

    Each node which is somebody's right is there alone as well, and so is
    one whose left is earlier than the first point: equal edges occur.
    """

    left: Node
    right: Node | None
    suicide: bool
    conditional: bool


@dataclass(frozen=True)
class RawGraph:
    """All edges from ``start`` to ``stop``, in a stable order.

    The points are as they were understood, e.g. ``+P2`` after ``20200101T00Z``
    has become a point; ``stop`` is None for Cylc's own few points.
    """

    start: str
    stop: str | None
    edges: tuple[Edge, ...]
