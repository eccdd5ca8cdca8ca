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
"""Points which are the same, however they are written."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st
import pytest

from cylc_flask.errors import RequestError
from cylc_flask.legacy.points import check, find, order
from tests.stores import recorded

INTEGER = recorded('8.5', 'running').side.definition
DATES = recorded('8.5', 'mixed').side.definition

POINTS = ['20200101T0000+0100', '20200102T0000+0100']

#: Anything, and what looks a little like a point.
TEXTS = st.text() | st.text('0123456789TWZ+-:,./P ', max_size=25)


@pytest.mark.parametrize('point', [
    '20200101T0000+0100',
    '20200101T00+01',
    '20200101T00',
    '20200101',
    '2020-01-01T00:00+01:00',
    '20191231T23Z',
    '2020-001',
    '2020-W01-3',
    '2020',
])
def test_dates(point):
    assert find(point, POINTS, DATES) == '20200101T0000+0100'
    check(point, DATES)


@pytest.mark.parametrize('point', ['20200101T00Z', '2021', '1', 'x', '', '*'])
def test_no_such_date(point):
    assert find(point, POINTS, DATES) is None


@pytest.mark.parametrize('point, written', [
    ('1', '1'), ('01', '1'), ('+1', '1'), ('3', None), ('x', None),
    ('', None), ('2020', None),
])
def test_integers(point, written):
    assert find(point, ['1', '2', '10'], INTEGER) == written


def test_a_form_of_the_workflow_s_own():
    """[scheduler]cycle point format may be anything."""
    definition = replace(DATES, initial_point='2020-01')
    assert find('20200201T00Z', ['2020-01', '2020-02'], definition) == (
        '2020-02'
    )


def test_years_of_more_digits():
    definition = replace(DATES, initial_point='+0020200101T0000Z')
    points = ['+0020200101T0000Z', '-0020200101T0000Z']
    assert find('+00202001', points, definition) is None
    assert find('+0020200101', points, definition) == points[0]
    assert find('-002020-01-01T01+01', points, definition) == points[1]


def test_a_form_which_nobody_else_can_read():
    definition = replace(DATES, initial_point='1st of May')
    check('2nd of May', definition)
    assert find('2nd of May', ['1st of May'], definition) is None


def test_what_lies_among_points_but_is_none():
    assert find('20200101', ['*', *POINTS], DATES) == POINTS[0]


@pytest.mark.parametrize('definition', [INTEGER, DATES])
@pytest.mark.parametrize('point', ['foo', '', '*', '1/1', 'None', '\ud800'])
def test_check(definition, point):
    with pytest.raises(RequestError, match='Invalid cycle point: '):
        check(point, definition)


@pytest.mark.parametrize('definition', [INTEGER, DATES])
@given(point=TEXTS)
@example(point='-W10-')
@example(point='--0101')
def test_nothing_breaks_it(definition, point):
    assert find(point, POINTS, definition) in (None, *POINTS)
    try:
        check(point, definition)
    except RequestError:
        pass


def test_order():
    assert sorted(['10', '9', '-1'], key=lambda x: order(x, INTEGER)) == [
        '-1', '9', '10',
    ]
    assert sorted(POINTS, key=lambda x: order(x, DATES)) == POINTS
