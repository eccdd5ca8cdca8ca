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
"""The brake: who fails waits, nobody else does."""

from __future__ import annotations

import pytest

from cylc_flask.auth import throttle
from cylc_flask.auth.throttle import Throttle
from tests.unit.auth.sites import Clock


class Waits:
    """Stands for time: waiting moves the clock."""

    def __init__(self):
        self.clock = Clock()
        self.throttle = Throttle(self.sleep, self.clock)
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.clock.now += seconds

    def fail(self, address='10.0.0.1', user='cylc', times=1):
        """Return how long each of these failures waited."""
        self.slept.clear()
        for _ in range(times):
            self.throttle.failed(address, user)
        return self.slept[:]


@pytest.fixture
def waits():
    return Waits()


def test_longer_each_time(waits):
    assert waits.fail(times=8) == pytest.approx(
        [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 4, 4])


def test_never_longer_than_some_seconds(waits):
    assert waits.fail(times=2000)[-1] == 4


def test_others_are_not_concerned(waits):
    waits.fail(times=10)
    assert waits.fail(address='10.0.0.2') == [0.1]
    assert waits.fail(user='anon') == [0.1]
    assert waits.fail() == [4]


@pytest.mark.parametrize(('one', 'other'), [
    ('127.0.0.1', '127.9.9.9'),
    ('::1', '127.0.0.1'),
    ('::ffff:127.0.0.2', '127.0.0.1'),
    ('2001:db8::1', '2001:db8::9:1:2:3'),
    ('::ffff:192.0.2.1', '192.0.2.1'),
])
def test_addresses_that_one_client_has(waits, one, other):
    waits.fail(times=10, address=one)
    assert waits.fail(address=other) == [4]
    waits.throttle.succeeded(other, 'cylc')
    assert waits.fail(address=one) == [0.1]


@pytest.mark.parametrize(('one', 'other'), [
    ('2001:db8:0:1::1', '2001:db8:0:2::1'),
    ('::ffff:192.0.2.1', '::ffff:192.0.2.2'),
    ('fe80::1%eth0', 'fe81::1%eth0'),
    ('', '127.0.0.1'),
])
def test_addresses_that_different_clients_have(waits, one, other):
    waits.fail(times=10, address=one)
    assert waits.fail(address=other) == [0.1]


def test_success_is_not_delayed_and_forgives(waits):
    waits.fail(times=10)
    waits.slept.clear()
    waits.throttle.succeeded('10.0.0.1', 'cylc')
    assert not waits.slept
    assert waits.fail() == [0.1]


def test_time_forgives(waits):
    waits.fail(times=10)
    waits.clock.now += 590
    assert waits.fail() == [4]
    waits.clock.now += 601
    assert waits.fail() == [0.1]


def test_memory_is_bounded(waits):
    waits.fail(times=10)
    for number in range(throttle.CAPACITY - 1):
        waits.fail(user=f'user{number}')
    assert waits.fail() == [4]
    for number in range(throttle.CAPACITY):
        waits.fail(user=f'other{number}')
    assert len(waits.throttle._failures) == throttle.CAPACITY
    assert waits.fail() == [0.1]


def test_so_many_wait_at_once():
    """More of them are turned away at once, and hold no connection."""
    depth = 0

    def sleep(seconds):
        """Fail again while the others are still waiting."""
        nonlocal depth
        depth += 1
        answers.append(brake.failed('10.0.0.1', f'user{depth}'))

    answers = []
    brake = Throttle(sleep, Clock())
    for _ in range(2):
        depth = 0
        brake.failed('10.0.0.1', 'cylc')
        assert depth == throttle.SLEEPERS
        assert answers == [False] + [True] * (throttle.SLEEPERS - 1)
        answers.clear()


def test_one_waits_at_a_time_for_a_user():
    """Many guesses side by side are no faster than one after the other."""
    def sleep(seconds):
        answers.append(brake.failed('10.0.0.1', 'cylc'))
        answers.append(brake.failed('10.0.0.2', 'cylc'))

    answers = []
    brake = Throttle(sleep, Clock(), places=2)
    assert brake.failed('10.0.0.1', 'cylc')
    assert answers == [False, False, False, True]


def test_broken_sleep_gives_its_place_back():
    def sleep(seconds):
        calls.append(seconds)
        raise ConnectionError

    calls = []
    brake = Throttle(sleep, Clock())
    for _ in range(throttle.SLEEPERS + 1):
        with pytest.raises(ConnectionError):
            brake.failed('10.0.0.1', 'cylc')
    assert len(calls) == throttle.SLEEPERS + 1
