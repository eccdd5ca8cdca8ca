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
"""Who gets what of each change, and what is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import gc
import logging
import threading
from typing import Any
import weakref

from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc_flask.replica.change import Change
from cylc_flask.replica.feed import BEHIND, FAULT, KEPT, Feed, TooMany
from cylc_flask.replica.history import History
from cylc_flask.replica.member import LEFT
from tests.unit.replica.sides import SIDE


class Numbers:
    """A group whose bursts and steps are the versions they are of."""

    finished = False

    def __init__(self, site: Site) -> None:
        self.site = site
        self.made: list[str] = []
        self.fault = ''
        self.finished = False

    def burst(self) -> bytes | None:
        return self._make(f'burst {self.site.version}')

    def step(self, change: Change) -> bytes | None:
        assert not change.loaded
        return self._make(f'step {change.version}')

    def end(self, reason: str) -> bytes | None:
        return self._make(f'end {reason}')

    def _make(self, text: str) -> bytes:
        self.made.append(text)
        if self.fault and text.startswith(self.fault):
            raise ValueError(text)
        return text.encode()


class Site:
    """A feed, and what is published there; its work is done when asked."""

    def __init__(self, **options: Any) -> None:
        self.version = 0
        self.todo: list[Callable[[], None]] = []
        self.feed = Feed(spawn=self.todo.append, **options)
        self.group = Numbers(self)
        self.publish(loaded=True)

    def publish(self, number: int = 1, loaded: bool = False) -> None:
        for _ in range(number):
            self.version += 1
            self.feed.publish(Change(self.version, SIDE, loaded=loaded))

    def work(self) -> None:
        while self.todo:
            self.todo.pop()()

    def join(self, key: str = 'one', **options: Any) -> Any:
        return self.feed.join(key, lambda: self.group, **options)


@pytest.fixture
def site() -> Site:
    return Site()


def all_of(member: Any) -> list[str]:
    """Take everything that waits."""
    found = []
    while member.pending:
        if (payload := member.take(0)) is not None:
            found.append(payload.decode())
    return found


def test_steps_can_be_taken_as_they_are_made(site: Site) -> None:
    """But for those that are too long; bursts are for who waits."""
    found: list[bytes | None] = []
    member = site.join(on_ready=lambda: found.append(member.take_step(6)))
    assert member.take_step(6) is None
    assert all_of(member) == ['burst 1']
    site.publish(2)
    site.work()
    assert found == [b'step 2', b'step 3']
    site.publish(8)
    site.work()
    assert found[8:] == [None, None]
    assert all_of(member) == ['step 10', 'step 11']
    site.publish(loaded=True)
    assert found[10:] == [None]
    assert all_of(member) == ['burst 12']


def test_groups_compute_alone() -> None:
    course: list[str] = []

    @contextmanager
    def alone() -> Iterator[None]:
        course.append('alone')
        yield
        course.append(site.group.made[-1])

    site = Site(alone=alone)
    member = site.join()
    member.take(0)
    site.publish()
    site.work()
    site.feed.close('over')
    assert course == [
        'alone', 'burst 1', 'alone', 'step 2', 'alone', 'end over']


def test_burst_then_steps(site: Site) -> None:
    member = site.join()
    assert all_of(member) == ['burst 1']
    site.publish(2)
    assert all_of(member) == []
    site.work()
    assert all_of(member) == ['step 2', 'step 3']
    assert member.ended is None


def test_no_burst(site: Site) -> None:
    member = site.join(burst=False)
    assert not member.pending
    site.publish()
    site.work()
    assert all_of(member) == ['step 2']


def test_work_is_done_once_for_equal_ones(site: Site) -> None:
    members = [site.join() for _ in range(3)]
    for member in members:
        assert all_of(member) == ['burst 1']
    site.publish()
    site.work()
    payloads = [member.take(0) for member in members]
    assert payloads[0] is payloads[1] is payloads[2]
    assert site.group.made == ['burst 1', 'step 2']
    assert (site.feed.groups, site.feed.members) == (1, 3)


def test_one_who_comes_later(site: Site) -> None:
    """The others get the steps before it gets the burst that has them."""
    first = site.join()
    all_of(first)
    site.publish(2)
    second = site.join()
    assert all_of(second) == ['burst 3']
    site.publish()
    third = site.join(burst=False)
    assert all_of(third) == []
    site.work()
    assert all_of(first) == ['step 2', 'step 3', 'step 4']
    assert all_of(second) == ['step 4']


def test_burst_is_made_when_it_is_taken(site: Site) -> None:
    member = site.join()
    site.publish(3)
    site.work()
    assert all_of(member) == ['burst 4']
    assert site.group.made == ['burst 4']


def test_group_goes_with_its_last_member(site: Site) -> None:
    first, second = site.join(), site.join()
    all_of(first)
    first.close()
    assert site.feed.groups == 1
    second.close()
    second.close()
    assert (site.feed.groups, site.feed.members) == (0, 0)
    assert (first.take(0), first.ended) == (None, LEFT)
    group = weakref.ref(site.group)
    site.group = Numbers(site)
    del first, second
    gc.collect()
    assert group() is None
    assert all_of(site.join()) == ['burst 1']


def test_too_many_groups() -> None:
    site = Site(groups=2)
    one, _, again = site.join('1'), site.join('2'), site.join('2')
    with pytest.raises(TooMany, match='2 different') as caught:
        site.join('3')
    assert caught.value.limit == 2
    one.close()
    assert all_of(site.join('3')) == all_of(again) == ['burst 1']


def test_group_that_cannot_be_made(site: Site) -> None:
    def fail() -> Numbers:
        raise ValueError
    with pytest.raises(ValueError):
        site.feed.join('one', fail)
    assert site.feed.groups == 0


# Those who are slow


def test_too_many_messages() -> None:
    """Only the slow one begins again."""
    site = Site(messages=3)
    slow, quick = site.join(), site.join()
    all_of(slow), all_of(quick)
    for number in range(2, 7):
        site.publish()
        site.work()
        assert all_of(quick) == [f'step {number}']
    assert all_of(slow) == ['burst 6']
    site.publish()
    site.work()
    assert all_of(slow) == all_of(quick) == ['step 7']


def test_just_enough_messages() -> None:
    site = Site(messages=3)
    member = site.join()
    all_of(member)
    site.publish(3)
    site.work()
    assert all_of(member) == ['step 2', 'step 3', 'step 4']


def test_too_many_bytes() -> None:
    site = Site(size=len('step 2') * 2)
    member = site.join()
    all_of(member)
    site.publish(2)
    site.work()
    assert member.take(0) == b'step 2'
    site.publish()
    site.work()
    assert all_of(member) == ['step 3', 'step 4']
    site.publish(3)
    site.work()
    assert all_of(member) == ['burst 7']


def test_group_that_falls_behind(site: Site) -> None:
    member, other = site.join(), site.join()
    all_of(member)
    site.publish(BEHIND + 1)
    site.work()
    assert all_of(member) == [f'burst {BEHIND + 2}']
    assert not any(text.startswith('step') for text in site.group.made)
    site.publish()
    assert site.join(burst=False).pending is False
    site.work()
    assert all_of(member) == [f'step {BEHIND + 3}']
    assert all_of(other) == [f'burst {BEHIND + 3}']


def test_join_without_burst_where_nothing_is_known(site: Site) -> None:
    """Steps have nothing to follow: a burst is needed all the same."""
    all_of(site.join())
    site.publish(BEHIND + 1)
    site.work()
    assert all_of(site.join(burst=False)) == [f'burst {BEHIND + 2}']


@pytest.mark.parametrize('missed, begins', [
    (0, []), (2, ['step 2', 'step 3']), (BEHIND + 1, None),
])
def test_coming_back(
    site: Site, missed: int, begins: list[str] | None
) -> None:
    """With what was missed, or with the whole if that is much."""
    stays = site.join()
    all_of(stays)
    site.publish(missed)
    site.work()
    all_of(stays)
    back = site.join(since=1)
    whole = [f'burst {site.version}']
    assert all_of(back) == (whole if begins is None else begins)
    site.publish()
    site.work()
    assert all_of(back) == all_of(stays) == [f'step {site.version}']
    assert all_of(site.join(since=site.version + 1)) == [
        f'burst {site.version}']


def test_snapshot_begins_anew(site: Site) -> None:
    member = site.join()
    all_of(member)
    site.publish()
    site.work()
    site.publish(loaded=True)
    site.publish()
    site.work()
    assert all_of(member) == ['burst 4']


def test_bursts_are_kept_within_bounds() -> None:
    site = Site(size=2)
    members = [site.join(key) for key in ('1', '2', '1', '2')]
    assert len('burst 1' * 2) > KEPT * 2
    for member in members:
        all_of(member)
    assert site.group.made == ['burst 1'] * 3


# The end


def test_close(site: Site) -> None:
    """What has been published comes first, and the last words last."""
    member, late, gone = site.join(), site.join(), site.join()
    all_of(member)
    gone.close()
    site.publish()
    site.feed.close('over')
    site.feed.close('twice')
    assert member.ended is None
    assert all_of(member) == ['step 2', 'end over']
    assert all_of(late) == ['burst 2', 'end over']
    assert (member.ended, late.ended) == ('over', 'over')
    assert member.take() is None
    assert (site.feed.groups, site.feed.members) == (0, 0)
    site.work()
    member.close()


def test_join_after_the_end(site: Site) -> None:
    site.feed.close('over')
    member = site.join()
    assert all_of(member) == ['burst 1', 'end over']
    assert member.ended == 'over'
    assert site.feed.groups == 0


@pytest.mark.parametrize('fault', ['burst', 'step', 'end'])
def test_fault_ends_the_group_alone(
    site: Site, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    member, other = site.join('1'), site.join('1')
    sound = site.feed.join('2', lambda: Numbers(site))
    all_of(sound)
    if fault != 'burst':
        all_of(member)
    site.group.fault = fault
    with caplog.at_level(logging.ERROR):
        assert all_of(member) == []
        site.publish()
        site.work()
        site.feed.close('over')
    assert caplog.text.count('fault in a subscription') == 1
    for each in (member, other):
        all_of(each)
        assert each.ended == FAULT
        each.close()
    assert all_of(sound) == ['step 2', 'end over']


def test_join_where_a_step_fails(site: Site) -> None:
    all_of(site.join())
    site.group.fault = 'step'
    site.publish()
    member = site.join(burst=False)
    assert (member.pending, member.ended) == (False, FAULT)
    assert site.feed.groups == 0


# Waiting


def test_on_ready(site: Site) -> None:
    """One can look after many, by what they say."""
    ready: list[str] = []
    members = {
        name: site.join(name, on_ready=lambda name=name: ready.append(name))
        for name in ('1', '2')
    }
    for member in members.values():
        all_of(member)
    assert ready == []
    site.publish()
    site.work()
    assert ready == ['1', '2']
    assert [all_of(members[name]) for name in ready] == [['step 2']] * 2
    members['1'].close()
    ready.clear()
    site.feed.close('over')
    assert ready == ['2']


def test_leaving_while_steps_are_handed_out(site: Site) -> None:
    second = site.join()
    first = site.join(on_ready=second.close)
    third = site.join(on_ready=second.close)
    for member in (first, second, third):
        all_of(member)
    site.publish()
    site.work()
    assert all_of(first) == all_of(third) == ['step 2']
    assert all_of(second) == []


def test_waiting_in_a_thread(site: Site) -> None:
    member = site.join()
    found: list[bytes | None] = []

    def follow() -> None:
        while member.ended is None:
            found.append(member.take(60))

    thread = threading.Thread(target=follow)
    thread.start()
    for _ in range(3):
        site.publish()
        site.work()
    site.feed.close('over')
    thread.join(10)
    assert not thread.is_alive()
    assert found[-1] == b'end over'


def test_waiting_for_nothing(site: Site) -> None:
    member = site.join()
    all_of(member)
    assert member.take(0.01) is None
    assert member.take(0) is None


# Any course of events


@given(st.lists(st.sampled_from([
    'publish', 'publish', 'publish', 'work', 'load', 'join', 'take', 'slow',
])))
def test_nobody_misses_anything(course: list[str]) -> None:
    """Each step follows what came before, or else a burst begins anew."""
    site = Site(messages=3)
    members = [(site.join(), [0])]
    for event in course:
        match event:
            case 'publish':
                site.publish()
            case 'load':
                site.publish(loaded=True)
            case 'work':
                site.work()
            case 'join':
                members.append((site.join(), [0]))
            case 'take' | 'slow':
                for member, seen in members[event == 'slow':]:
                    check(all_of(member), seen)
    site.feed.close('over')
    for member, seen in members:
        texts = all_of(member)
        assert texts.pop() == 'end over'
        check(texts, seen)
        assert seen == [site.version]


def check(texts: list[str], seen: list[int]) -> None:
    for text in texts:
        kind, number = text.split()
        if kind == 'step':
            assert int(number) == seen[0] + 1
        assert int(number) >= seen[0]
        seen[0] = int(number)


def test_group_that_is_finished() -> None:
    """It ends with what it had to tell, and makes room."""
    site = Site()
    member, late = site.join(), site.join()
    assert all_of(member) == ['burst 1']
    site.group.finished = True
    site.publish()
    site.work()
    assert all_of(member) == ['step 2']
    assert member.ended == 'finished'
    assert all_of(late) == ['burst 2']
    assert late.ended == 'finished'
    assert not site.feed.groups


def test_finished_at_once() -> None:
    site = Site()
    site.group.finished = True
    member = site.join()
    assert all_of(member) == ['burst 1']
    assert member.ended == 'finished'
    assert not site.feed.groups


def test_stir() -> None:
    """Groups look again, but nothing of that is history."""
    site = Site()
    member = site.join()
    all_of(member)
    site.feed.stir(site.version, SIDE)
    site.work()
    assert all_of(member) == ['step 1']
    assert site.feed.history.version == 1


# History


def change(version: int, size: int = 0, loaded: bool = False) -> Change:
    return Change(version, SIDE, raw=b'x' * size, loaded=loaded)


def versions(history: History, since: int) -> list[int] | None:
    found = history.since(since)
    return found if found is None else [each.version for each in found]


def test_history() -> None:
    history = History(3, 100)
    history.add(change(1, loaded=True))
    assert versions(history, 1) == []
    assert versions(history, 0) is None
    for version in (2, 3, 4, 5):
        history.add(change(version, 10))
    assert versions(history, 2) == [3, 4, 5]
    assert versions(history, 4) == [5]
    assert versions(history, 5) == []
    assert versions(history, 1) is None
    assert versions(history, 6) is None
    history.add(change(6, loaded=True))
    assert versions(history, 5) is None
    assert versions(history, 6) == []


def test_history_within_bounds() -> None:
    history = History(100, 25)
    for version in range(1, 5):
        history.add(change(version, 10))
    assert versions(history, 2) == [3, 4]
    assert versions(history, 1) is None
    history.add(change(5, 26))
    assert versions(history, 4) is None
    history.add(change(6, 25))
    assert versions(history, 5) == [6]
