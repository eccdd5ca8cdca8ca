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
"""How much memory the replica takes, and that this does not grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
import ctypes
from functools import partial
import gc
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from cylc_flask.compat import pb
from cylc_flask.replica.codec import Json, PlainGroup
from cylc_flask.replica.delta import KINDS, copy
from cylc_flask.replica.feed import Feed
from cylc_flask.replica.store import Store
from tests.stores import LINES, recorded
from tests.unit.replica.sides import SIDE

NUMBER = 5_000

#: What may be there twice for a while, and what the allocator keeps.
SLACK = 4_000_000


def memory() -> int:
    """Return how much memory (bytes) this process has in use."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    lines = Path('/proc/self/smaps_rollup').read_text().splitlines()
    (size,) = [line.split()[1] for line in lines if line.startswith('Rss:')]
    return int(size) * 1024


def elements(number: int) -> Any:
    """Return a store with many tasks, like those of a real one."""
    source = recorded(LINES[-1], 'mixed')
    entire = pb.PbEntireWorkflow(workflow=source.workflow)
    for serial in range(number):
        for kind in KINDS:
            like = [*getattr(source, kind).values()]
            if kind.startswith('famil'):
                continue
            element = getattr(entire, kind).add()
            element.CopyFrom(like[serial % len(like)])
            element.id = f'{kind}/{serial}'
            if kind == 'jobs':
                element.task_proxy = f'task_proxies/{serial}'
    return entire


def of_messages() -> int:
    """Return what these take as the scheduler has them: one by one."""
    pieces = [
        (type(element), element.SerializeToString())
        for kind in KINDS for element in getattr(elements(NUMBER), kind)
    ]
    before = memory()
    held = {}
    for serial, (kind, piece) in enumerate(pieces):
        held[serial] = kind()
        held[serial].MergeFromString(piece)
    return memory() - before


def of_replica() -> int:
    """Return what they take here, after each task has changed thrice."""
    snapshot = elements(NUMBER).SerializeToString()
    before = memory()
    store = Store()
    store.load(snapshot, SIDE)
    for state in ('preparing', 'running', 'succeeded'):
        store.apply(updates(range(NUMBER), state), SIDE)
    return memory() - before


def updates(serials: Any, state: str) -> bytes:
    """Return a delta that changes the state of some tasks."""
    return bytes(pb.AllDeltas(task_proxies=pb.TPDeltas(updated=[
        pb.PbTaskProxy(id=f'task_proxies/{serial}', state=state)
        for serial in serials
    ])).SerializeToString())


def of_a_long_run() -> tuple[int, int]:
    """Return what a replica and its feed have after a while, and later."""
    store, feed = Store(), Feed(messages=100)
    snapshot = elements(200)
    feed.publish(store.load(snapshot.SerializeToString(), SIDE))
    member = feed.join('all', lambda: PlainGroup(store, feed, Json()))
    deltas = life(snapshot)

    def live(number: int) -> int:
        for _ in range(number):
            feed.publish(store.apply(next(deltas), SIDE))
            assert member.take(0)
        return memory()

    return live(1_000), live(3_000)


def life(snapshot: Any) -> Iterator[bytes]:
    """Yield deltas: tasks come, change and go, and there are reloads."""
    serial = 0
    while True:
        serial += 1
        yield arrival(snapshot, serial)
        for state in ('preparing', 'running', 'succeeded'):
            yield updates([f'new/{serial}', serial % 200], state)
        yield departure(serial)
        if not serial % 50:
            yield reload(snapshot)


def arrival(snapshot: Any, serial: int) -> bytes:
    delta = pb.AllDeltas()
    task = delta.task_proxies.added.add()
    task.CopyFrom(snapshot.task_proxies[serial % 200])
    task.id = f'task_proxies/new/{serial}'
    job = delta.jobs.added.add()
    job.CopyFrom(snapshot.jobs[serial % 200])
    job.id, job.task_proxy = f'{task.id}/01', task.id
    delta.workflow.updated.task_proxies.append(task.id)
    return bytes(delta.SerializeToString())


def departure(serial: int) -> bytes:
    id_ = f'task_proxies/new/{serial}'
    return bytes(pb.AllDeltas(
        task_proxies=pb.TPDeltas(pruned=[id_]),
        jobs=pb.JDeltas(pruned=[f'{id_}/01']),
    ).SerializeToString())


def reload(snapshot: Any) -> bytes:
    delta = pb.AllDeltas()
    for kind in KINDS:
        part = getattr(delta, kind)
        part.reloaded = True
        part.added.extend(copy(item) for item in getattr(snapshot, kind))
    return bytes(delta.SerializeToString())


def elsewhere(function: Callable[[], Any]) -> Any:
    """Return what a function finds in a process of its own."""
    with ProcessPoolExecutor(1, get_context('spawn')) as pool:
        return pool.submit(function).result()


def test_replica_takes_little_more_than_the_store() -> None:
    theirs, ours = elsewhere(of_messages), elsewhere(of_replica)
    assert ours < 1.3 * theirs


def test_nothing_grows() -> None:
    before, after = elsewhere(of_a_long_run)
    assert after - before < SLACK


def test_nothing_is_left_of_what_has_gone() -> None:
    """Not even where it is looked up."""
    store = Store()
    snapshot = elements(200)
    store.load(snapshot.SerializeToString(), SIDE)
    count = partial(len, store._jobs_of)
    before = count()
    deltas = life(snapshot)
    for _ in range(60):
        store.apply(next(deltas), SIDE)
    assert (count(), len(store.jobs)) == (before, 200)
