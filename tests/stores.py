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
"""Stores recorded from real schedulers, see tests/data/stores/record.py."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
import gzip
import json
from pathlib import Path
from typing import Any

from cylc_flask.replica.change import Change
from cylc_flask.replica.graph import Edge, Node, RawGraph
from cylc_flask.replica.side import Definition, Side
from cylc_flask.replica.store import Store

DATA = Path(__file__).parent / 'data'

#: The lines of cylc-flow that the stores come from; each can read all.
LINES = ('8.5', '8.7')


def recorded(line: str, name: str, **changes: Any) -> Store:
    """Return a store: ``paused``, ``running``, ``mixed`` or ``nested``.

    Args:
        line: Of cylc-flow.
        changes: Other values for its side data.
    """
    path = DATA / 'stores' / line / name
    side = json.loads(path.with_suffix('.json').read_text())
    definition = Definition(**side.pop('definition'))
    store = Store()
    store.load(
        path.with_suffix('.pb').read_bytes(),
        Side(**{**side, 'definition': definition, **changes}),
    )
    return store


def recorded_steps(line: str, store: Store) -> Iterator[Change]:
    """Bring a store forward, by what a real scheduler has published.

    It starts with a snapshot; tasks are removed, the definition is reloaded
    and so on, until most is gone.
    """
    path = DATA / 'stores' / line / 'steps.json.gz'
    definition = None
    for step in json.loads(gzip.decompress(path.read_bytes())):
        raw, side = step['raw'], step['side']
        if side['definition'] is not None:
            definition = Definition(**side['definition'])
        take = store.load if step['loaded'] else store.apply
        yield take(
            b64decode(raw) if raw else None,  # type: ignore[arg-type]
            Side(**{**side, 'definition': definition}),
        )


def recorded_graph(line: str) -> RawGraph:
    """Return the graph of the store ``running``, of its two points."""
    path = DATA / 'stores' / line / 'running-graph.json'
    graph = json.loads(path.read_text())
    return RawGraph(graph['start'], graph['stop'], tuple(
        Edge(Node(*left), Node(*right) if right else None, suicide, either)
        for left, right, suicide, either in graph['edges']
    ))


def exchanges(endpoint: str) -> dict[str, dict[str, Any]]:
    """Return what Cylc 7 was asked and answered, by the name of the case."""
    path = DATA / 'transcripts' / 'http' / f'{endpoint}.json'
    return {
        exchange['case']: exchange
        for exchange in json.loads(path.read_text())['exchanges']
    }


def answer(endpoint: str, case: str) -> Any:
    """Return Cylc 7's answer in one case."""
    return exchanges(endpoint)[case]['response']['json']
