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
"""A delta does to the replica what it did to the scheduler's store."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cylc.flow.data_store_mgr import (
    DATA_TEMPLATE,
    DELTAS_MAP,
    MESSAGE_MAP,
    apply_delta,
)
from cylc_flask.compat import pb
from cylc_flask.replica.delta import KINDS
from cylc_flask.replica.store import Store
from tests.unit.replica.sides import SIDE

#: Few ids, so that relatives, doubles and strangers meet.
IDS = {
    'edges': ['e1', 'e2', 'e3'],
    'families': ['f1', 'f2'],
    'family_proxies': ['1/f1', '1/f2', '2/f1'],
    'jobs': ['1/t1/1', '1/t1/2', '1/t2/1'],
    'tasks': ['t1', 't2'],
    'task_proxies': ['1/t1', '1/t2', '2/t1'],
}

#: Fields of each kind: of a single value, and lists.
FIELDS = {
    'edges': ({'source': IDS['task_proxies'],
               'target': IDS['task_proxies']}, {}),
    'families': ({'name': ['x', 'y']},
                 {'child_tasks': IDS['tasks'], 'proxies': IDS[
                     'family_proxies']}),
    'family_proxies': (
        {'state': ['waiting', 'failed'], 'family': IDS['families'],
         'first_parent': IDS['family_proxies']},
        {'child_tasks': IDS['task_proxies'],
         'child_families': IDS['family_proxies'],
         'states': ['waiting', 'failed']},
    ),
    'jobs': ({'state': ['running', 'failed'],
              'task_proxy': IDS['task_proxies']},
             {'messages': ['started', 'succeeded']}),
    'tasks': ({'name': ['x', 'y']},
              {'parents': IDS['families'], 'proxies': IDS['task_proxies']}),
    'task_proxies': (
        {'state': ['waiting', 'failed'], 'task': IDS['tasks'],
         'first_parent': IDS['family_proxies']},
        {'edges': IDS['edges'], 'jobs': IDS['jobs']},
    ),
    'workflow': (
        {'status': ['running', 'paused'], 'states_updated': [True]},
        {'states': ['waiting', 'failed'], 'jobs': IDS['jobs'],
         'task_proxies': IDS['task_proxies'],
         'family_proxies': IDS['family_proxies']},
    ),
}

CLASSES = {
    'edges': pb.PbEdge,
    'families': pb.PbFamily,
    'family_proxies': pb.PbFamilyProxy,
    'jobs': pb.PbJob,
    'tasks': pb.PbTask,
    'task_proxies': pb.PbTaskProxy,
    'workflow': pb.PbWorkflow,
}


def elements(kind: str) -> st.SearchStrategy[Any]:
    """Return elements with some of their fields set.

    Not every line of cylc-flow has every list.
    """
    single, lists = FIELDS[kind]
    known = CLASSES[kind].DESCRIPTOR.fields_by_name
    return st.fixed_dictionaries(
        {'id': st.sampled_from(IDS.get(kind, ['w']))},
        optional={
            **{name: st.sampled_from(values)
               for name, values in single.items()},
            **{name: st.lists(st.sampled_from(values), unique=True)
               for name, values in lists.items() if name in known},
        },
    ).map(lambda fields: CLASSES[kind](**fields))


@st.composite
def workflows(draw: st.DrawFn) -> Any:
    """Return workflows, with the lists that are not just text."""
    workflow = draw(elements('workflow'))
    workflow.edges.edges.extend(
        draw(st.lists(st.sampled_from(IDS['edges']), unique=True)))
    for number in range(draw(st.integers(0, 12))):
        workflow.log_records.add(level='WARNING', message=str(number))
    workflow.state_totals.update(draw(st.dictionaries(
        st.sampled_from(['waiting', 'failed']), st.integers(1, 9))))
    return workflow


@st.composite
def parts(draw: st.DrawFn, kind: str) -> Any:
    """Return the part of a delta which is about one kind."""
    part = DELTAS_MAP[kind]()
    part.added.extend(draw(st.lists(elements(kind), max_size=4)))
    part.updated.extend(draw(st.lists(elements(kind), max_size=4)))
    part.pruned.extend(draw(
        st.lists(st.sampled_from(IDS[kind]), unique=True, max_size=2)))
    part.reloaded = draw(st.sampled_from([False, False, True]))
    return part


@st.composite
def workflow_parts(draw: st.DrawFn) -> Any:
    part = DELTAS_MAP['workflow']()
    if draw(st.booleans()):
        part.added.CopyFrom(draw(workflows()))
    part.updated.CopyFrom(draw(workflows()))
    part.reloaded = draw(st.sampled_from([False, False, True]))
    return part


def batches() -> st.SearchStrategy[dict[str, Any]]:
    """Return what a scheduler batches in one turn of its main loop."""
    return st.fixed_dictionaries({}, optional={
        **{kind: parts(kind) for kind in KINDS},
        'workflow': workflow_parts(),
    })


def publish(batch: dict[str, Any], data: dict[str, Any]) -> bytes:
    """Apply a batch to a store as the scheduler does, and publish it.

    The scheduler empties its store before a batch that is marked reloaded.
    """
    delta = pb.AllDeltas()
    for kind in (*KINDS, 'workflow'):
        if kind in batch and batch[kind].ListFields():
            if batch[kind].reloaded:
                data[kind] = deepcopy(DATA_TEMPLATE[kind])
            apply_delta(kind, batch[kind], data)
    for kind, part in batch.items():
        if part.ListFields():
            getattr(delta, kind).CopyFrom(part)
    published: bytes = delta.SerializeToString()
    return published


def settled(workflow: Any) -> Any:
    """Return a workflow with edges, be they none, as real ones have."""
    workflow = deepcopy(workflow)
    workflow.edges.SetInParent()
    return workflow


@given(st.lists(batches(), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_equals_the_schedulers_store(run: list[dict[str, Any]]) -> None:
    data = deepcopy(DATA_TEMPLATE)
    store = Store()
    for batch in run:
        store.apply(publish(batch, data), SIDE)
        for kind in KINDS:
            assert getattr(store, kind) == data[kind]
        assert settled(store.workflow) == settled(data['workflow'])
        for id_ in IDS['task_proxies']:
            assert {job.id for job in store.jobs_of(id_)} == {
                job.id for job in data['jobs'].values()
                if job.task_proxy == id_
            }


def test_kinds_in_the_schedulers_order() -> None:
    """An edge that goes and is listed by an update at once stays listed."""
    assert [*KINDS, 'workflow'] == list(MESSAGE_MAP)
    data = deepcopy(DATA_TEMPLATE)
    store = Store()
    edge = pb.PbEdge(id='e1', source='1/t1')
    store.apply(publish({
        'edges': pb.EDeltas(added=[edge]),
        'task_proxies': pb.TPDeltas(added=[pb.PbTaskProxy(id='1/t1')]),
    }, data), SIDE)
    store.apply(publish({
        'edges': pb.EDeltas(pruned=['e1']),
        'task_proxies': pb.TPDeltas(
            updated=[pb.PbTaskProxy(id='1/t1', edges=['e1'])]
        ),
    }, data), SIDE)
    assert store.task_proxies == data['task_proxies']
    assert store.task_proxies['1/t1'].edges == ['e1']
