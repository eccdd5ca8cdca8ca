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
"""Nonces: ours, fresh, and used once per count."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc_flask.auth.nonces import Nonces
from tests.unit.auth.sites import Clock


def make(capacity=100, secret=b'secret'):
    clock = Clock()
    return Nonces(secret, clock, capacity), clock


def read(nonces, text=None):
    nonce = nonces.read(text or nonces.new())
    assert nonce
    return nonce


def test_form_is_that_of_cylc_7():
    nonces, _ = make()
    time, _, rest = nonces.new().partition(':')
    assert time == '1795353262'
    assert len(rest) == 32
    assert set(rest) <= set('0123456789abcdef')


def test_each_is_new():
    nonces, _ = make()
    assert len({nonces.new() for _ in range(1000)}) == 1000


def test_ours_are_known_again():
    nonces, clock = make()
    text = nonces.new()
    clock.now += 1e6
    nonce = read(nonces, text)
    assert (nonce.born, nonce.serial) == (1795353262, 1)


def test_of_another_secret():
    nonces, _ = make()
    others, _ = make(secret=b'other')
    assert nonces.read(others.new()) is None


@pytest.mark.parametrize('change', [
    lambda text: '2' + text[1:],
    lambda text: '0' + text,
    lambda text: text[:-1],
    lambda text: text + '0',
    lambda text: text.upper(),
    lambda text: text.replace(':', ':0'),
    lambda text: text.replace(':00000001', ':00000002'),
    lambda text: text + '\n',
    lambda text: text.replace('1', '\u0661'),
])
def test_altered(change):
    nonces, _ = make()
    text = nonces.new()
    altered = change(text)
    assert altered != text
    assert nonces.read(altered) is None


@given(st.text())
def test_any_text(text):
    nonces, _ = make()
    assert nonces.read(text) is None


def test_fresh_for_ten_minutes():
    nonces, clock = make()
    nonce = read(nonces)
    for step, fresh in ((0, True), (600, True), (0.5, False)):
        clock.now += step
        assert nonces.is_fresh(nonce) is fresh


@given(st.lists(st.integers(0, 200), max_size=60))
def test_no_count_twice(counts):
    """In any order: what is a little late is taken, once."""
    nonces, _ = make()
    nonce = read(nonces)
    used: set[int] = set()
    for count in counts:
        late = bool(used) and count <= max(used) - 64
        assert nonces.use(nonce, count) is (count not in used and not late)
        if not late:
            used.add(count)


def test_leap_of_the_count():
    nonces, _ = make()
    nonce = read(nonces)
    counts = (1, 0xffff_ffff, 2, 0xffff_fffe, 0xffff_ffff)
    assert [nonces.use(nonce, count) for count in counts] == [
        True, True, False, True, False]


def test_memory_is_bounded():
    """The first to go is the one used first; it is not good again."""
    nonces, _ = make(capacity=3)
    unused, *used = (read(nonces) for _ in range(5))
    for nonce in used:
        assert nonces.use(nonce, 1)
    assert len(nonces._used) == 3
    assert [nonces.use(nonce, 2) for nonce in used] == [
        False, True, True, True]
    assert not nonces.use(unused, 1)
    assert nonces.use(read(nonces), 1)


def test_entries_go_with_the_nonce():
    nonces, clock = make()
    old = [read(nonces) for _ in range(10)]
    assert all(nonces.use(nonce, 1) for nonce in old)
    clock.now += 601
    assert nonces.use(read(nonces), 1)
    assert len(nonces._used) == 1
    clock.now -= 601
    assert not any(nonces.use(nonce, 1) for nonce in old)


def test_clock_set_back():
    nonces, clock = make()
    assert nonces.use(read(nonces), 1)
    clock.now -= 86400
    nonce = read(nonces)
    assert nonces.is_fresh(nonce)
    assert nonces.use(nonce, 1)
    assert not nonces.use(nonce, 1)


def test_threads():
    """For servers that have some: only one of them wins."""
    nonces, _ = make(capacity=10)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(50):
            nonce = read(nonces)
            wins = pool.map(lambda _, n=nonce: nonces.use(n, 1), range(8))
            assert sum(wins) == 1
