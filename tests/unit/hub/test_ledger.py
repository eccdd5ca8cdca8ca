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
"""Deltas after a snapshot which holds some of them already."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
import gzip
import json

import pytest

from cylc_flask.compat import pb
from cylc_flask.hub.links import ledger as ledger_module
from cylc_flask.hub.links.ledger import Ledger
from cylc_flask.hub.links.trouble import OutOfStep
from cylc_flask.replica.delta import KINDS
from cylc_flask.replica.store import Store
from tests.stores import DATA, LINES, recorded

SIDE = recorded('8.5', 'running').side


def steps(line: str) -> list[tuple[bool, bytes]]:
    """Return what a scheduler has published, the snapshot first."""
    path = DATA / 'stores' / line / 'steps.json.gz'
    return [
        (step['loaded'], b64decode(step['raw']))
        for step in json.loads(gzip.decompress(path.read_bytes()))
        if step['raw']
    ]


def contents(store: Store) -> dict[str, object]:
    return {
        **{kind: {
            id_: element.SerializeToString(deterministic=True)
            for id_, element in getattr(store, kind).items()
        } for kind in KINDS},
        'workflow': store.workflow.SerializeToString(deterministic=True),
    }


def whole(store: Store) -> pb.PbEntireWorkflow:
    """Return a snapshot of a store."""
    entire = pb.PbEntireWorkflow()
    entire.workflow.CopyFrom(store.workflow)
    for kind in KINDS:
        getattr(entire, kind).extend(getattr(store, kind).values())
    return entire


@dataclass
class History:
    """A store at each of its versions, and the deltas between them."""

    versions: list[Store]
    deltas: list[bytes]


def history(line: str) -> History:
    (is_snapshot, snapshot), *rest = steps(line)
    assert is_snapshot
    versions, deltas = [], []
    so_far: list[bytes] = []
    for number in range(len(rest) + 1):
        store = Store()
        store.load(snapshot, SIDE)
        so_far = [raw for loaded, raw in rest[:number] if not loaded]
        for raw in so_far:
            store.apply(raw, SIDE)
        versions.append(store)
    deltas = [raw for loaded, raw in rest if not loaded]
    return History(versions, deltas)


@pytest.mark.parametrize('line', LINES)
def test_any_overlap(line):
    """Deltas that are in the snapshot do nothing, those after it do."""
    past = history(line)
    last = len(past.deltas)
    for number in range(0, last + 1, 2):
        entire = whole(past.versions[number])
        ledger, replica = Ledger(entire), Store()
        replica.load(entire.SerializeToString(), SIDE)
        for raw in past.deltas[max(0, number - 3):]:
            if ledger.take(pb.AllDeltas.FromString(raw)):
                replica.apply(raw, SIDE)
        assert contents(replica) == contents(past.versions[last]), number


@pytest.mark.parametrize('line', LINES)
def test_missing(line):
    """A delta that is lost shows, where it changes what there is."""
    past = history(line)
    found = 0
    for number, lost in enumerate(past.deltas[:-1]):
        if not pb.AllDeltas.FromString(lost).task_proxies.added:
            continue
        ledger = Ledger(whole(past.versions[number]))
        try:
            for raw in past.deltas[number + 1:]:
                ledger.take(pb.AllDeltas.FromString(raw))
        except OutOfStep:
            found += 1
    assert found


def test_clock_put_back(monkeypatch):
    """What is older than the snapshot by its stamps alone is not lost."""
    past = history('8.5')
    entire = whole(past.versions[0])
    entire.workflow.stamp = 'a@9e99'
    delta = pb.AllDeltas.FromString(past.deltas[0])
    assert not Ledger(entire).take(delta)
    monkeypatch.setattr(ledger_module, 'OVERLAP', 0)
    assert Ledger(entire).take(delta)
