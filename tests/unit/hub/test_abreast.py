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
"""Several things at once."""

from __future__ import annotations

from functools import partial
import threading

import pytest

from cylc_flask.hub.query.abreast import abreast

PATIENCE = 60


def test_none():
    assert abreast([]) == []


def test_one_is_done_here():
    assert abreast([threading.get_ident]) == [threading.get_ident()]


@pytest.mark.parametrize('number', [2, 5, 33])
def test_results_are_in_order(number):
    works = [partial(pow, each, 2) for each in range(number)]
    assert abreast(works) == [each ** 2 for each in range(number)]


def test_so_many_wait_for_each_other():
    barrier = threading.Barrier(3, timeout=PATIENCE)
    assert sorted(abreast([barrier.wait] * 6, most=3)) == [0, 0, 1, 1, 2, 2]


def test_no_more_than_that():
    running, most, lock = [], [], threading.Lock()

    def work():
        with lock:
            running.append(1)
            most.append(len(running))
        threading.Event().wait(0.005)
        with lock:
            running.pop()

    abreast([work] * 20, most=4)
    assert len(most) == 20 and max(most) <= 4
