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
from dataclasses import replace
from typing import Any

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
from cylc_flask.replica.side import Side
from tests.stores import recorded


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


@pytest.mark.parametrize('value, time', [
    (None, None),
    ('2030-01-01T00:00:00Z', '2030-01-01T00:00:00Z'),
    ('2030-01-01T00:00:00+13', '2030-01-01T00:00:00+13'),
    ('20300101T0000Z', '2030-01-01T00:00:00Z'),
    ('20300101T000000Z', '2030-01-01T00:00:00Z'),
    ('2030-01-01T00:00Z', '2030-01-01T00:00:00Z'),
    ('2030-01-01T00:00+12:45', '2029-12-31T11:15:00Z'),
    ('2030-01-01T00:00:00.5Z', '2030-01-01T00:00:00Z'),
    ('2030-W01-2T00Z', '2030-01-01T00:00:00Z'),
    ('2030-001T00Z', '2030-01-01T00:00:00Z'),
])
def test_event_time(value: str | None, time: str | None) -> None:
    """A time comes out in the one form that Cylc reads."""
    assert validate.event_time(value) == time


@pytest.mark.parametrize('value', [
    1, '', 'tomorrow', '2030-13-01', [], '\ud800', '1' * 500,
    '9999-12-31T23:59:59-14', '0000-01-01T00:00:00Z',
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


def test_event_id() -> None:
    for value in ('1', 'of 1999', "it's 100 % ~new", 'Zürich', ''):
        assert validate.event_id(value) == value


@pytest.mark.parametrize('value', [
    '$(id)', '`id`', '$HOME', 'a" && id #', 'a\\', 'a\nb', '~root/x', '~',
    'a\0', 1, None,
])
def test_no_event_id(value: object) -> None:
    with pytest.raises(RequestError, match='event_id'):
        validate.event_id(value)


@pytest.mark.parametrize('message', ['submitted', 'submit-failed'])
def test_submissions_are_not_for_jobs_to_report(message: str) -> None:
    """About a task that has gone they stop the scheduler."""
    with pytest.raises(RequestError, match='not for jobs'):
        validate.messages([['INFO', 'started'], ['INFO', message]])


@pytest.mark.parametrize('value', [
    '1969-12-31T23:59:59Z', '2200-01-01T00:00:00Z', '9999-12-31T23:59:59Z',
    '0000-01-01T00:00:00Z', '9999-12-31T23:59:59-1200', '2030' * 30,
])
def test_times_of_other_ages(value: str) -> None:
    """Cylc adds run times to such times, up to the end of its calendar."""
    with pytest.raises(RequestError, match='event_time'):
        validate.event_time(value)


def test_long_points_are_not_even_parsed() -> None:
    with pytest.raises(RequestError, match='is not a cycle point'):
        validate.point('p', '1' * (validate.MAX_DATE + 1))


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize('value', [
    deep(5000), ['x' * 1_000_000], [10 ** 5000], {'a': deep(5000)},
    [['x'] * 9999],
])
def test_bad_values_are_shown_in_short(value: object) -> None:
    """Deep and large ones too, of which repr() would be the end."""
    with pytest.raises(RequestError) as caught:
        validate.messages([value])
    assert len(caught.value.text) < 200
    assert len(validate.shown(value)) <= validate.SHOWN


# Tasks in the future

def side(**changes: Any) -> Side:
    """Return side data of a workflow with a task a day from 2020 on."""
    store = recorded('8.7', 'running')
    definition = replace(
        store.side.definition, initial_point='20200101T0000Z',
        shortest_step=86400.0,
    )
    return replace(
        store.side, definition=definition, runahead_point='20200110T0000Z',
        **changes,
    )


@pytest.mark.parametrize('task', [
    '20200110T0000Z/foo', '20200101T0000Z/foo', '19000101T0000Z/foo',
    '20300101T0000Z/foo', '*/foo', '9999*/foo', '^/foo', '$/foo', 'x/foo',
    'foo', '20200230T00Z/foo',
])
def test_within_reach(date_time_cycling: None, task: str) -> None:
    validate.within_reach(task, side())


@pytest.mark.parametrize('task', [
    '99991231T0000Z/foo', '99991231T00Z/*', '99991231', '20400101T00Z/foo',
])
def test_not_within_reach(date_time_cycling: None, task: str) -> None:
    """Cylc would count for minutes, and other commands would wait."""
    with pytest.raises(RequestError, match='too far in the future'):
        validate.within_reach(task, side())


def test_end_of_the_calendar(date_time_cycling: None) -> None:
    """A task there would make the scheduler calculate what comes after."""
    yearly = side()
    yearly = replace(yearly, definition=replace(
        yearly.definition, shortest_step=365 * 86400.0
    ))
    validate.within_reach('59000101T00Z/foo', yearly)
    late = replace(yearly, runahead_point='99000101T0000Z')
    with pytest.raises(RequestError, match='end of the calendar'):
        validate.within_reach('99990101T00Z/foo', late)


def test_before_the_runahead_point_is_known(date_time_cycling: None) -> None:
    begun = replace(side(), runahead_point=None)
    validate.within_reach('20200105T00Z/foo', begun)
    with pytest.raises(RequestError, match='after 20200101T0000Z'):
        validate.within_reach('99990101T00Z/foo', begun)


def test_integers_are_all_within_reach() -> None:
    """Cylc calculates these."""
    validate.within_reach(
        f'{"9" * 30}/foo', recorded('8.7', 'running').side
    )


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda children: st.lists(children, max_size=3)
    | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize('check', [
    validate.task_job, validate.event_time, validate.messages,
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
