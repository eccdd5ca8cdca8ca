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
"""The static graph as Cylc 7 gave it, with families closed into one node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cylc_flask.errors import NotFound
from cylc_flask.replica.graph import Node, RawGraph
from cylc_flask.replica.side import Definition

ROOT = 'root'


class Grouping:
    """Which families are closed: one state for all clients of a workflow."""

    def __init__(self) -> None:
        self._closed: list[str] | None = None

    @classmethod
    def of(
        cls,
        definition: Definition,
        group: Sequence[str] | None = None,
        ungroup: Sequence[str] | None = None,
        group_all: bool | None = None,
    ) -> Grouping:
        """Return the state in which just these families are closed.

        Raises:
            NotFound: There is no such family.
        """
        made = cls()
        families = _families(definition)
        for name in (*(group or ()), *(ungroup or ())):
            if name not in families:
                raise NotFound(f'No such family: {name!r:.80}')
        closed = families if group_all else group or ()
        made._closed = [
            name for name in closed if name not in (ungroup or ())
        ]
        return made

    def change(
        self,
        definition: Definition,
        group_nodes: Sequence[str] = (),
        ungroup_nodes: Sequence[str] = (),
        ungroup_recursive: object = False,
        group_all: object = False,
        ungroup_all: object = False,
    ) -> None:
        """Close or open families, as the first of these that is given says.

        The first call of all closes every family, unless it is to open them.

        Raises:
            NotFound: There is no such node; nothing is changed then.
        """
        if group_all or (self._closed is None and not ungroup_all):
            self._closed = _families(definition)
        elif ungroup_all:
            self._closed = []
        elif group_nodes:
            self._close(definition, group_nodes)
        elif ungroup_nodes:
            self._open(definition, ungroup_nodes, bool(ungroup_recursive))

    def outermost(self, definition: Definition) -> dict[str, str]:
        """Return {name: the closed family that stands for it}."""
        descendants = definition.first_parent_descendants
        closed = [name for name in self._closed or () if name in descendants]
        inner = {name for family in closed for name in descendants[family]}
        return {
            name: family
            for family in closed if family not in inner
            for name in descendants[family]
        }

    def _close(self, definition: Definition, nodes: Sequence[str]) -> None:
        """Close the first parents of these nodes; root stays open."""
        parents = [_parent(definition, node) for node in nodes]
        closed = self._closed or []
        self._closed = closed + [
            parent for parent in dict.fromkeys(parents)
            if parent != ROOT and parent not in closed
        ]

    def _open(
        self, definition: Definition, nodes: Sequence[str], recursive: bool
    ) -> None:
        """Open these families, and those within if that is wanted."""
        opened = set()
        for node in nodes:
            _check(definition, node)
            opened.add(node)
            if recursive:
                opened.update(
                    definition.first_parent_descendants.get(node, ())
                )
        self._closed = [
            name for name in self._closed or () if name not in opened
        ]


def graph_raw(
    graph: RawGraph, definition: Definition, grouping: Grouping
) -> list[Any]:
    """Return [edges, polling tasks, leaves, feet]; equal edges stay."""
    family_of = grouping.outermost(definition)
    edges = sorted(
        (
            _id(edge.left, family_of),
            '' if edge.right is None else _id(edge.right, family_of),
            edge.suicide,
            edge.conditional,
        )
        for edge in graph.edges
    )
    return [
        [
            [left, right or None, None, suicide, conditional]
            for left, right, suicide, conditional in edges
        ],
        definition.polling_tasks,
        definition.leaves,
        definition.feet,
    ]


def _id(node: Node, family_of: dict[str, str]) -> str:
    return f'{family_of.get(node.name, node.name)}.{node.point}'


def _families(definition: Definition) -> list[str]:
    return [
        family for family in definition.first_parent_descendants
        if family != ROOT
    ]


def _parent(definition: Definition, node: str) -> str:
    """Return the first parent of a task or a family.

    Cylc 7 took the name of a family that is nobody's heir, and root's, as
    nothing to do.
    """
    _check(definition, node)
    parents = (
        family for family in definition.ancestors[node][1:]
        if node in definition.first_parent_descendants.get(family, ())
    )
    return next(parents, ROOT)


def _check(definition: Definition, node: str) -> None:
    if node not in definition.ancestors:
        raise NotFound(f'No such node: {node}')
