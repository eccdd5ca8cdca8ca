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
"""No value gets to the scheduler that could stop it."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc.flow.cycling.iso8601 import init as init_iso8601
from cylc.flow.cycling.loader import (
    INTEGER_CYCLING_TYPE,
    ISO8601_CYCLING_TYPE,
    DefaultCycler,
)
from cylc_flask import validate
from cylc_flask.errors import RequestError


@pytest.fixture(autouse=True)
def integer_cycling() -> Iterator[None]:
    """Let cycle points be numbers, as a scheduler would set it."""
    before = getattr(DefaultCycler, 'TYPE', None)
    DefaultCycler.TYPE = INTEGER_CYCLING_TYPE
    yield
    DefaultCycler.TYPE = before


@pytest.fixture
def date_time_cycling(integer_cycling: None) -> None:
    DefaultCycler.TYPE = ISO8601_CYCLING_TYPE
    init_iso8601(time_zone='Z')


@pytest.mark.parametrize('value, job', [
    ('1/foo/01', '1/foo/01'),
    ('1/foo/1', '1/foo/01'),
    ('01/foo/123', '1/foo/123'),
    ('//1/foo/01', '1/foo/01'),
])
def test_task_job(value: str, job: str) -> None:
    assert validate.task_job(value) == job


@pytest.mark.parametrize('value', [
    None, 1, [], '', 'foo', '1/foo', '1/foo/', '1/foo/xx', '1/foo/0',
    '1/foo/00', '1/foo/-1', '1/foo/1.5', '1/foo/NN', 'x/foo/01', '*/foo/01',
    '1/foo/01/02', '1/foo/²', '1/fo\ud800o/01', '1/fo\0o/01',
    '1/foo/9999999999', '~u/w//1/foo/01',
])
def test_no_task_job(value: object) -> None:
    with pytest.raises(RequestError, match='task_job'):
        validate.task_job(value)


@pytest.mark.parametrize('value', [
    None, 1, '', 'x', '*', '1/2', ' ', '\ud800', '1' * 5000, '20200101T00Z',
    '+P1', '^',
])
def test_no_point(value: object) -> None:
    with pytest.raises(RequestError, match='point_string'):
        validate.point('point_string', value)


def test_point_is_made_standard(date_time_cycling: None) -> None:
    assert validate.point('p', '2020-01-01T00Z') == '20200101T0000Z'


@pytest.mark.parametrize('value', ['20200230T00Z', 'today', '1', '²'])
def test_no_date_time_point(date_time_cycling: None, value: str) -> None:
    with pytest.raises(RequestError, match='point_string'):
        validate.point('point_string', value)


@pytest.mark.parametrize('value', [
    None, '2030-01-01T00:00:00Z', '20300101T0000Z', '2030-01-01T00:00+12:45',
])
def test_event_time(value: str | None) -> None:
    assert validate.event_time(value) == value


@pytest.mark.parametrize('value', [
    1, '', 'tomorrow', '2030-13-01', [], '\ud800',
])
def test_no_event_time(value: object) -> None:
    with pytest.raises(RequestError, match='event_time'):
        validate.event_time(value)


def test_messages() -> None:
    pairs = [['INFO', 'hi'], ('', 'größe\n')]
    assert validate.messages(pairs) == [('INFO', 'hi'), ('', 'größe\n')]
    assert validate.messages([]) == []


@pytest.mark.parametrize('value', [
    None, 'abc', {}, ['abc'], [['INFO']], [['INFO', 'a', 'b']],
    [[1, 'a']], [['INFO', None]], [['INFO', 'a\ud800']], [['INFO', 'a\0']],
])
def test_no_messages(value: object) -> None:
    with pytest.raises(RequestError):
        validate.messages(value)


def test_settings_are_divided() -> None:
    good = {'environment': {'A': 'café'}}
    bad = [
        {'environment': {'A': 1}}, {'script': None}, 'script', {},
        {'environment': {'A': '\ud800'}}, {'a': {'b': {'c': {'d': {}}}}},
    ]
    assert validate.settings([good, *bad]) == ([good], bad)
    assert validate.settings(good) == ([good], [])


@pytest.mark.parametrize('value', [None, 'script', 1])
def test_no_settings(value: object) -> None:
    with pytest.raises(RequestError, match='settings'):
        validate.settings(value)


def test_cancel_settings_ignore_values() -> None:
    value = [{'environment': {'A': None}}, {'script': 1}]
    assert validate.cancel_settings(value) == value
    assert validate.cancel_settings(None) == []


@pytest.mark.parametrize('value', ['script', [1], [{'a\ud800': 1}]])
def test_no_cancel_settings(value: object) -> None:
    with pytest.raises(RequestError, match='cancel_settings'):
        validate.cancel_settings(value)


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda children: st.lists(children, max_size=3)
    | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize('check', [
    validate.task_job, validate.event_time, validate.messages,
    validate.settings, validate.cancel_settings,
    lambda value: validate.point('point', value),
    lambda value: validate.texts('texts', value),
])
@given(value=anything)
def test_anything_is_taken_or_refused(check, value):
    """Whatever comes, the answer is a value or a clear error."""
    try:
        check(value)
    except RequestError as exc:
        assert exc.text
