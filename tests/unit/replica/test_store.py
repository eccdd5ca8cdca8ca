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
"""What a store promises to its readers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from google.protobuf.message import DecodeError
import pytest

from cylc_flask.compat import pb
from cylc_flask.replica.store import Store
from tests.unit.replica.sides import SIDE


def job(number: int, task: str = '1/one') -> Any:
    return pb.PbJob(
        id=f'{task}/{number:02}', task_proxy=task, submit_num=number
    )


def snapshot(**elements: Any) -> bytes:
    entire: bytes = pb.PbEntireWorkflow(
        workflow=pb.PbWorkflow(id='w', status='running'), **elements
    ).SerializeToString()
    return entire


def jobs(**lists: Any) -> bytes:
    """Return a delta which is about jobs."""
    delta: bytes = pb.AllDeltas(jobs=pb.JDeltas(**lists)).SerializeToString()
    return delta


@pytest.fixture
def store() -> Store:
    store = Store()
    store.load(snapshot(
        task_proxies=[pb.PbTaskProxy(id='1/one', state='running')],
        jobs=[job(10), job(9)],
    ), SIDE)
    return store


def numbers(store: Store, task: str = '1/one') -> list[int]:
    return [job.submit_num for job in store.jobs_of(task)]


def test_load_replaces_all(store: Store) -> None:
    assert store.workflow.status == 'running'
    assert list(store.task_proxies) == ['1/one']
    store.load(snapshot(jobs=[job(1, '2/one')]), SIDE)
    assert store.task_proxies == {}
    assert numbers(store) == []
    assert numbers(store, '2/one') == [1]


def test_version_grows_with_each_change(store: Store) -> None:
    seen = [store.version]
    store.apply(jobs(added=[job(11)]), SIDE)
    seen.append(store.version)
    store.apply(None, replace(SIDE, is_paused=True))
    seen.append(store.version)
    store.load(snapshot(), SIDE)
    seen.append(store.version)
    assert seen == [1, 2, 3, 4]


def test_side_comes_with_each_change(store: Store) -> None:
    paused = replace(SIDE, is_paused=True)
    store.apply(None, paused)
    assert store.side is paused
    store.apply(jobs(added=[job(11)]), SIDE)
    assert store.side is SIDE


def test_jobs_of_a_task_proxy(store: Store) -> None:
    assert numbers(store) == [9, 10]
    store.apply(jobs(added=[job(1, '2/one'), job(11)]), SIDE)
    assert numbers(store) == [9, 10, 11]
    store.apply(jobs(updated=[pb.PbJob(id='1/one/10', state='failed')]), SIDE)
    assert [job.state for job in store.jobs_of('1/one')] == ['', 'failed', '']
    store.apply(jobs(pruned=['1/one/09', '2/one/01', 'unknown']), SIDE)
    assert numbers(store) == [10, 11]
    assert numbers(store, '2/one') == []
    store.apply(jobs(reloaded=True, added=[job(12)]), SIDE)
    assert numbers(store) == [12]


def test_elements_are_replaced(store: Store) -> None:
    """A reader may hold one while deltas come."""
    held, workflow = store.task_proxies['1/one'], store.workflow
    store.apply(pb.AllDeltas(
        task_proxies=pb.TPDeltas(
            updated=[pb.PbTaskProxy(id='1/one', state='failed')]
        ),
        workflow=pb.WDeltas(updated=pb.PbWorkflow(status='paused')),
    ).SerializeToString(), SIDE)
    assert (held.state, workflow.status) == ('running', 'running')
    assert store.task_proxies['1/one'].state == 'failed'
    assert store.workflow.status == 'paused'


@pytest.mark.parametrize('pruned', [['1/one/09'], ['1/one/09', '1/one/10']])
def test_the_store_as_it_was_can_be_held(
    store: Store, pruned: list[str]
) -> None:
    """A reader may be amid a walk through it while deltas come."""
    held, tasks = store.jobs, store.task_proxies
    walk = iter(held)
    next(walk)
    store.apply(jobs(added=[job(11)], pruned=pruned), SIDE)
    assert [*walk] == ['1/one/09']
    assert [*held] == ['1/one/10', '1/one/09']
    assert '1/one/11' in store.jobs
    assert store.task_proxies is tasks
    store.load(snapshot(), SIDE)
    assert [*held] == ['1/one/10', '1/one/09']


def test_all_or_nothing(store: Store) -> None:
    """Names that are no UTF-8 are found only when they are read."""
    good = jobs(added=[job(11)], pruned=['1/one/09'])
    for bad in (
        b'\xff',
        good[:-3],
        good.replace(b'1/one/09', b'1/one/\xff9'),
    ):
        with pytest.raises((DecodeError, UnicodeDecodeError)):
            store.apply(bad, replace(SIDE, is_paused=True))
        assert numbers(store) == [9, 10]
        assert store.version == 1
        assert store.side is SIDE


def test_updates_of_strangers_are_ignored(store: Store) -> None:
    store.apply(jobs(updated=[pb.PbJob(id='1/two/01', state='failed')]), SIDE)
    assert '1/two/01' not in store.jobs
