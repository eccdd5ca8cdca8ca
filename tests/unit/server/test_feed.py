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
"""The feed as it is in the server's thread: with greenlets."""

from __future__ import annotations

from functools import partial
from typing import Any

import gevent
from gevent.event import Event
import pytest

from cylc_flask.replica.change import Change
from cylc_flask.replica.feed import Feed
from tests.unit.replica.sides import SIDE


class Slow:
    """A group that notes when its steps are made."""

    finished = False

    def __init__(self, name: str, course: list[str]) -> None:
        self.name = name
        self.course = course

    def burst(self) -> bytes | None:
        return b'burst'

    def step(self, change: Change) -> bytes | None:
        self.course.append(self.name)
        return str(change.version).encode()

    def end(self, reason: str) -> bytes | None:
        return None


@pytest.fixture
def workers() -> list[Any]:
    """What the feed has spawned."""
    return []


@pytest.fixture
def feed(workers: list[Any]) -> Feed:
    return Feed(
        Event, lambda work: workers.append(gevent.spawn(work)),
        partial(gevent.sleep, 0),
    )


def publish(feed: Feed, *versions: int) -> None:
    for version in versions:
        feed.publish(Change(version, SIDE))


def test_others_have_their_turn_between_groups(
    feed: Feed, workers: list[Any]
) -> None:
    course: list[str] = []
    for name in 'ab':
        feed.join(name, partial(Slow, name, course)).take(0)

    def other() -> None:
        while not workers[0].ready():
            course.append('-')
            gevent.sleep(0)

    publish(feed, 1)
    gevent.joinall([*workers, gevent.spawn(other)], timeout=5)
    assert course[:4] == ['a', '-', 'b', '-']


def test_workers_end(feed: Feed, workers: list[Any]) -> None:
    """One at a time, and none where there is nobody to tell."""
    publish(feed, 1)
    assert workers == []
    member = feed.join('a', partial(Slow, 'a', []))
    member.take(0)
    publish(feed, 2, 3)
    assert len(workers) == 1
    gevent.joinall(workers, timeout=5)
    publish(feed, 4)
    gevent.joinall(workers, timeout=5)
    assert len(workers) == 2
    assert [member.take(0) for _ in range(4)] == [b'2', b'3', b'4', None]


def test_worker_that_is_ended(feed: Feed, workers: list[Any]) -> None:
    member = feed.join('a', partial(Slow, 'a', []))
    member.take(0)
    publish(feed, 1)
    gevent.sleep(0)
    gevent.killall(workers)
    publish(feed, 2)
    gevent.joinall(workers, timeout=5)
    assert [member.take(0) for _ in range(3)] == [b'1', b'2', None]


def test_many_wait(feed: Feed) -> None:
    """Each wakes by itself; whoever never takes holds up nobody."""
    make = partial(Slow, 'a', [])
    found: list[list[bytes | None]] = []
    idle = [feed.join('a', make) for _ in range(50)]

    def follow() -> None:
        member = feed.join('a', make)
        mine: list[bytes | None] = []
        found.append(mine)
        while member.ended is None:
            mine.append(member.take(10))

    greenlets = [gevent.spawn(follow) for _ in range(50)]
    gevent.sleep(0)
    for version in range(1, 4):
        publish(feed, version)
        gevent.sleep(0.01)
    feed.close('over')
    assert len(gevent.joinall(greenlets, timeout=5)) == 50
    assert [[each for each in mine if each] for mine in found] == [
        [b'burst', b'1', b'2', b'3']
    ] * 50
    assert all(each.take(0) == b'burst' for each in idle)
    assert feed.members == 0
