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
"""The limit on requests: by address, by time, within bounds."""

from __future__ import annotations

import pytest

from cylc_flask.auth import rate
from cylc_flask.auth.rate import Rate
from cylc_flask.errors import RequestError
from tests.unit.auth.sites import Clock

HERE = '10.0.0.1'


class Caller:
    """Somebody who asks, and counts what gets through."""

    def __init__(self, per_second):
        self.clock = Clock()
        self.rate = Rate(per_second, self.clock)

    def ask(self, times, address=HERE, every=0.0):
        passed = 0
        for _ in range(times):
            self.clock.now += every
            try:
                self.rate.check(address)
            except RequestError as exc:
                assert exc.status == 429
            else:
                passed += 1
        return passed

    def retry_after(self):
        with pytest.raises(RequestError) as caught:
            self.rate.check(HERE)
        return dict(caught.value.headers)['Retry-After']


def test_no_limit():
    assert Caller(0).ask(1000) == 1000


def test_a_burst_then_the_rate():
    caller = Caller(10)
    assert caller.ask(100) == 20
    assert caller.ask(100, every=0.05) == pytest.approx(50, abs=1)


def test_a_rest_fills_the_bucket_and_no_more():
    caller = Caller(10)
    caller.ask(100)
    caller.clock.now += 1
    assert caller.ask(100) == 10
    caller.clock.now += 1000
    assert caller.ask(100) == 20


def test_one_digest_exchange_passes_at_any_rate():
    assert Caller(0.01).ask(3) == 2


def test_who_goes_on_asking_gets_the_rate():
    caller = Caller(0.5)
    caller.ask(2)
    assert caller.ask(410, every=0.01) == 2


def test_when_to_come_again():
    caller = Caller(0.1)
    caller.ask(2)
    assert caller.retry_after() == '10'
    caller.clock.now += 4.5
    assert caller.retry_after() == '6'
    caller.clock.now += 6
    assert caller.ask(2) == 1


def test_another_burst():
    clock = Clock()
    rate = Rate(0.1, clock, 30)
    assert [rate.take('a') for _ in range(4)] == [0, 0, 0, 10]
    clock.now += 10
    assert rate.take('a') == 0


def test_addresses_are_apart():
    caller = Caller(1)
    assert caller.ask(10) == 2
    assert caller.ask(10, address='10.0.0.2') == 2


def test_the_limit_is_told():
    caller = Caller(2.5)
    caller.ask(5)
    with pytest.raises(RequestError, match='2.5 requests a second'):
        caller.rate.check(HERE)


def test_a_unix_socket_has_one_user_and_no_limit():
    assert Caller(1).ask(100, address='') == 100


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(rate, 'CAPACITY', 3)
    caller = Caller(1)
    for number in range(10):
        caller.ask(5, address=f'10.0.1.{number}')
    assert len(caller.rate._buckets) == 3
    # Who still calls is remembered.
    assert caller.ask(1, address='10.0.1.7') == 0
    caller.ask(1, address='10.0.1.100')
    assert caller.ask(1, address='10.0.1.7') == 0
