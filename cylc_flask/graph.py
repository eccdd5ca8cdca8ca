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
"""The static graph between two points, made on the main thread on demand.

Cylc's own function for this is not called: it takes time by the square of
the number of points in 8.5, has no limit, clears a parser that others share,
and its answer would have to be taken apart again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
import sys
from time import thread_time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from metomi.isodatetime.exceptions import IsodatetimeError

from cylc.flow.cycling import loader
from cylc.flow.exceptions import CylcError
from cylc.flow.graphnode import GraphNodeParser
from cylc_flask.errors import RequestError
from cylc_flask.replica.graph import Edge, Node, RawGraph
from cylc_flask.sequences import Point, Sequence, count_at_most, points

if TYPE_CHECKING:
    from cylc.flow.config import WorkflowConfig
    from cylc.flow.scheduler import Scheduler

# Parts of cylc-flow which have no types.
_Parser: Any = GraphNodeParser
_relative: Any = loader.get_point_relative

#: How long the scheduler may be kept from its work, in seconds of its CPU.
PATIENCE = 2.0

#: How much of a bad point is shown, in characters.
SHOWN = 60

#: How many graphs of one definition are kept.
KEPT = 4

Kept = dict[tuple[str, str | None], RawGraph]

#: The graphs of a definition, the least recently used first. They go with it.
_kept: WeakKeyDictionary[WorkflowConfig, Kept] = WeakKeyDictionary()


class BadPoint(RequestError):
    """A text which is no cycle point, or no interval after one."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(f'{what}: "{text[:SHOWN]}" is not a cycle point')


class TooManyEdges(RequestError):
    """A graph which is larger than the server may make."""

    def __init__(self, edges: int, limit: int) -> None:
        # A number of many thousand digits cannot even be printed.
        super().__init__(
            f'the graph would have about {min(edges, sys.maxsize)} edges,'
            f' more than {limit}:'
            ' ask for fewer cycle points'
        )


class TooSlow(RequestError):
    """A graph which takes too long to make."""

    def __init__(self) -> None:
        super().__init__(
            f'the graph takes more than {PATIENCE:g} s to make:'
            ' ask for fewer cycle points, nearer to the first one'
        )


def expand(
    schd: Scheduler, start: str, stop: str | None, limit: int
) -> RawGraph:
    """Return all edges between two points.

    Args:
        schd: The scheduler; this is for its own thread.
        start: A cycle point.
        stop: A cycle point, an offset from the start such as ``+P2``, or
            None for the first few points that have edges.
        limit: How many edges there may be.

    Raises:
        BadPoint: Start or stop cannot be understood.
        TooManyEdges: There would be more edges than that. This is found out
            before they are made.
        TooSlow: The scheduler would have to wait too long.
    """
    kept = _kept.setdefault(schd.config, {})
    graph = kept.pop((start, stop), None)
    if graph is None:
        graph = Expansion(schd.config, start, stop, limit).graph()
    elif len(graph.edges) > limit:
        raise TooManyEdges(len(graph.edges), limit)
    kept[start, stop] = graph
    if len(kept) > KEPT:
        del kept[next(iter(kept))]
    return graph


class Expansion:
    """The edges of a definition, between two points."""

    def __init__(
        self,
        config: WorkflowConfig,
        start: str,
        stop: str | None,
        limit: int,
    ) -> None:
        self._config: Any = config
        self._limit = limit
        self._end = thread_time() + PATIENCE
        self._parser: Any = _Parser()
        self._start = _parse('start point', start)
        self._stop = None if stop is None else _parse(
            'stop point', stop, self._start
        )
        final = config.final_point
        #: Nothing is drawn after this one. No final point is no bound.
        self._last: Point | None = self._stop
        if final is not None and (self._stop is None or final < self._stop):
            self._last = final
        #: How many points of each sequence are drawn, None for all.
        self._most = int(self._config.VIS_N_POINTS) if stop is None else None

    def graph(self) -> RawGraph:
        """Return the graph.

        Raises:
            TooManyEdges: It would have more edges than allowed.
        """
        self._check_size()
        earliest = self._earliest()
        by_point: dict[Point, list[Edge]] = {}
        for sequence, edges in self._config.edges.items():
            for point in islice(self._points(sequence), self._most):
                made = list(self._edges_at(point, edges, earliest))
                if made:
                    by_point.setdefault(point, []).extend(made)
        drawn: Iterable[Point] = by_point
        if self._most is not None:
            drawn = sorted(by_point)[:self._most]
        return RawGraph(
            start=str(self._start),
            stop=None if self._stop is None else str(self._stop),
            edges=tuple(sorted(
                (edge for point in drawn for edge in by_point[point]),
                key=lambda edge: (edge.left, edge.right or (), *edge[2:]),
            )),
        )

    def _check(self) -> None:
        if thread_time() > self._end:
            raise TooSlow

    def _check_size(self) -> None:
        estimate = 0
        for sequence, edges in self._config.edges.items():
            numbers = (
                count_at_most(sequence, self._start, self._last), self._most
            )
            estimate += len(edges) * min(
                number for number in numbers if number is not None
            )
        if estimate > self._limit:
            raise TooManyEdges(estimate, self._limit)

    def _points(self, sequence: Sequence) -> Iterator[Point]:
        return points(sequence, self._start, self._last, self._check)

    def _earliest(self) -> Point:
        """Return the first point that has a task: nothing is drawn before."""
        firsts = [
            first for sequence in self._config.sequences
            if (first := next(self._points(sequence), None)) is not None
        ]
        return min(firsts, default=self._start)

    def _edges_at(
        self, point: Point, edges: Iterable[Any], earliest: Point
    ) -> Iterator[Edge]:
        """Yield the edges of one sequence at one of its points."""
        label = str(point)
        for left, right, suicide, conditional in edges:
            target = Node(right, label) if right else None
            name, left_point = self._resolve(left, point)
            if left_point is point or left_point >= earliest:
                source = Node(name, str(left_point))
                yield Edge(source, target, suicide, conditional)
            elif target is not None:
                yield Edge(target, None, suicide, conditional)

    def _resolve(self, left: str, point: Point) -> tuple[str, Point]:
        """Return the name on an edge's left, and its point."""
        if left.startswith('@'):
            return left, point
        name, offset, _, from_start, _, _ = self._parser.parse(left)
        if not offset:
            return name, point
        origin = self._start if from_start else point
        return name, _relative(offset, origin)


def _parse(what: str, text: str, origin: Point | None = None) -> Point:
    """Return a point, which may be relative to another one."""
    try:
        if origin is not None and 'P' in text:
            return _relative(text, origin).standardise()
        return loader.get_point(text).standardise()
    except (CylcError, IsodatetimeError, ValueError) as exc:
        raise BadPoint(what, text) from exc
