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
"""What is said of a step from a version of the replica to the next."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from cylc.flow.data_store_mgr import DATA_TEMPLATE
from cylc_flask.compat import pb
from cylc_flask.replica.change import Change
from cylc_flask.replica.delta import KINDS, WORKFLOW
from cylc_flask.replica.store import Store
from tests.stores import LINES, recorded
from tests.unit.replica.copies import Copy, copy_of, follow
from tests.unit.replica.sides import DEFINITION, SIDE
from tests.unit.replica.test_delta import batches, publish, workflows


def delta(**parts: Any) -> bytes:
    message: bytes = pb.AllDeltas(**parts).SerializeToString()
    return message


@pytest.fixture
def store() -> Store:
    store = Store()
    store.load(pb.PbEntireWorkflow(
        workflow=pb.PbWorkflow(
            id='w', status='running', jobs=['1/one/01'],
            state_totals={'running': 1},
        ),
        task_proxies=[
            pb.PbTaskProxy(id='1/one', state='running', edges=['e', 'f']),
        ],
        edges=[pb.PbEdge(id='e', source='1/one')],
        jobs=[pb.PbJob(id='1/one/01', messages=['started'])],
    ).SerializeToString(), SIDE)
    return store


def apply(store: Store, **parts: Any) -> Change:
    return store.apply(delta(**parts), SIDE)


def test_snapshot(store: Store) -> None:
    other = Store()
    change = other.load(pb.PbEntireWorkflow(
        workflow=store.workflow, jobs=store.jobs.values(),
    ).SerializeToString(), SIDE)
    assert change.added == {
        'jobs': store.jobs, 'workflow': {'w': store.workflow},
    }
    assert (change.loaded, change.reloaded, change.raw) == (True, True, None)
    assert change.side is SIDE
    assert change.side_changed and change.definition_changed


def test_later_deltas_do_not_show() -> None:
    """A snapshot's elements are not those of the store as it goes on."""
    store = Store()
    job = pb.PbJob(id='1/one/01')
    change = store.load(
        pb.PbEntireWorkflow(jobs=[job]).SerializeToString(), SIDE)
    apply(store, jobs=pb.JDeltas(pruned=['1/one/01']))
    assert change.added['jobs'] == {'1/one/01': job}


def test_added(store: Store) -> None:
    raw = delta(jobs=pb.JDeltas(added=[pb.PbJob(id='1/one/02')]))
    change = store.apply(raw, SIDE)
    assert change == Change(
        2, SIDE, raw=raw, added={'jobs': {'1/one/02': store.jobs['1/one/02']}}
    )


def test_updated_has_what_differs(store: Store) -> None:
    """And its id; what is said again is not there, lists are whole."""
    change = apply(store, task_proxies=pb.TPDeltas(updated=[
        pb.PbTaskProxy(id='1/one', state='running', edges=['g'], stamp='x'),
    ]))
    assert change.updated == {'task_proxies': {'1/one': pb.PbTaskProxy(
        id='1/one', edges=['e', 'f', 'g'], stamp='x',
    )}}
    assert not change.added and not change.pruned and not change.cleared


def test_added_and_updated_in_one(store: Store) -> None:
    job = pb.PbJob(id='1/one/02', state='running')
    change = apply(store, jobs=pb.JDeltas(added=[job], updated=[job]))
    assert change.added == {'jobs': {'1/one/02': job}}
    assert not change.updated


def test_added_and_pruned_in_one(store: Store) -> None:
    change = apply(store, jobs=pb.JDeltas(
        added=[pb.PbJob(id='1/one/02')], pruned=['1/one/02', 'unknown'],
    ))
    assert not change.added and not change.updated and not change.pruned


def test_pruned_from_lists(store: Store) -> None:
    """Relatives are updated with the list; an empty one is cleared."""
    change = apply(
        store, edges=pb.EDeltas(pruned=['e']),
        jobs=pb.JDeltas(pruned=['1/one/01']),
    )
    assert change.pruned == {'edges': ['e'], 'jobs': ['1/one/01']}
    assert change.updated == {
        'task_proxies': {'1/one': pb.PbTaskProxy(id='1/one', edges=['f'])},
        'workflow': {'w': pb.PbWorkflow(id='w')},
    }
    assert change.cleared == {'workflow': {'w': ('jobs',)}}


def test_maps_are_whole(store: Store) -> None:
    change = apply(store, workflow=pb.WDeltas(updated=pb.PbWorkflow(
        state_totals={'failed': 2}, states_updated=True,
    )))
    found = change.updated['workflow']['w']
    assert dict(found.state_totals) == {'failed': 2}


def test_reload(store: Store) -> None:
    """All is new; what is not there any more is pruned as well."""
    change = apply(
        store,
        **{kind: type(getattr(pb.AllDeltas(), kind))(reloaded=True)
           for kind in KINDS if kind != 'jobs'},
        jobs=pb.JDeltas(reloaded=True, added=[pb.PbJob(id='2/one/01')]),
        workflow=pb.WDeltas(reloaded=True, added=pb.PbWorkflow(id='w')),
    )
    assert change.reloaded and not change.loaded
    assert change.pruned == {
        'edges': ['e'], 'jobs': ['1/one/01'], 'task_proxies': ['1/one'],
    }
    assert set(change.added) == {'jobs', 'workflow'}
    assert not change.updated


def test_kind_alone_is_no_reload(store: Store) -> None:
    change = apply(store, jobs=pb.JDeltas(reloaded=True))
    assert not change.reloaded
    assert change.pruned == {'jobs': ['1/one/01']}


def test_side_data_alone(store: Store) -> None:
    paused = replace(SIDE, is_paused=True)
    change = store.apply(None, paused)
    assert change == Change(2, paused, side_changed=True)
    assert not store.apply(None, paused).side_changed
    reloaded = replace(SIDE, definition=replace(DEFINITION, serial=2))
    assert store.apply(None, reloaded).definition_changed


@given(st.lists(batches(), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_replacing_is_enough(run: list[dict[str, Any]]) -> None:
    """Whoever replaces what a change says has every field of the store."""
    data = deepcopy(DATA_TEMPLATE)
    store = Store()
    copy: Copy = {kind: {} for kind in (*KINDS, WORKFLOW)}
    for batch in run:
        follow_workflow(copy, store.apply(publish(batch, data), SIDE))
        right = copy_of(store)
        if not copy[WORKFLOW]:
            assert right[WORKFLOW] == {'': {}}
            right[WORKFLOW] = {}
        assert copy == right


def follow_workflow(copy: Copy, change: Change) -> None:
    """Follow, where the workflow may have no id at first."""
    for id_ in change.updated.get(WORKFLOW, ()):
        if id_ not in copy[WORKFLOW]:
            copy[WORKFLOW] = {id_: next(iter(copy[WORKFLOW].values()), {})}
    follow(copy, change)


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_recorded_stores(data: st.DataObject) -> None:
    """The same from real elements, each changed, pruned or kept."""
    line = data.draw(st.sampled_from(LINES))
    store = recorded(line, data.draw(st.sampled_from(['mixed', 'running'])))
    copy = copy_of(store)
    parts = {}
    for kind in KINDS:
        held = getattr(store, kind)
        ids = st.lists(st.sampled_from(sorted(held)), max_size=3) if (
            held) else st.just([])
        part = getattr(pb.AllDeltas(), kind)
        others = list(held.values())
        for id_ in data.draw(ids):
            update = part.updated.add()
            update.CopyFrom(data.draw(st.sampled_from(others)))
            update.id = id_
        part.pruned.extend(set(data.draw(ids)))
        parts[kind] = part
    change = apply(
        store, **parts, workflow=pb.WDeltas(updated=data.draw(workflows()))
    )
    follow_workflow(copy, change)
    assert copy == copy_of(store)
