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
"""The window on the scheduler's warnings."""

from cylc_flask.replica.records import Records


def texts(records: Records, number: int) -> list[str]:
    return [record.text for record in records.since(number)[0]]


def test_each_reader_gets_what_is_new_to_it() -> None:
    records = Records()
    assert records.since(0) == ([], 0)
    records.add(30, 'one', 1.0)
    records.add(40, 'two', 2.0)
    found, newest = records.since(0)
    assert [tuple(record) for record in found] == [
        (1, 30, 'one', 1.0), (2, 40, 'two', 2.0)
    ]
    assert newest == 2
    records.add(50, 'three', 3.0)
    assert texts(records, newest) == ['three']
    assert texts(records, 3) == []


def test_the_oldest_go() -> None:
    records = Records(kept=3)
    for number in range(1, 6):
        records.add(30, str(number), 0.0)
    assert texts(records, 0) == ['3', '4', '5']
    assert texts(records, 1) == ['3', '4', '5']
    assert texts(records, 4) == ['5']
    assert records.newest == 5


def test_numbers_of_another_scheduler() -> None:
    """A reader may come with a number from before a restart."""
    records = Records()
    records.add(30, 'one', 0.0)
    assert texts(records, 99) == []
    assert texts(records, -99) == ['one']
