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
"""No broadcast gets to the scheduler that would stop it, now or later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc.flow.cycling.loader import INTEGER_CYCLING_TYPE, DefaultCycler
from cylc_flask import broadcasts
from cylc_flask.errors import RequestError


@pytest.fixture(autouse=True)
def integer_cycling() -> Iterator[None]:
    """Let cycle points be numbers, as a scheduler would set it."""
    before = getattr(DefaultCycler, 'TYPE', None)
    DefaultCycler.TYPE = INTEGER_CYCLING_TYPE
    yield
    DefaultCycler.TYPE = before


def test_settings_are_divided() -> None:
    good = {'environment': {'A': 'café'}}
    bad = [
        {'environment': {'A': 1}}, {'script': None}, 'script', {},
        {'environment': {'A': '\ud800'}}, {'a': {'b': {'c': {'d': {}}}}},
    ]
    assert broadcasts.settings([good, *bad]) == ([good], bad)
    assert broadcasts.settings(good) == ([good], [])


def test_settings_are_taken_apart() -> None:
    """Cylc would write only the first to its database."""
    value = {'environment': {'A': '1', 'B': '2'}, 'script': 'true', 'x': 'y'}
    assert broadcasts.settings([value]) == (
        [
            {'environment': {'A': '1'}}, {'environment': {'B': '2'}},
            {'script': 'true'},
        ],
        [{'x': 'y'}],
    )


GOOD: list[tuple[str, str]] = [
    ('script', 'x' * 50_000),
    ('environment.A', ''),
    ('environment.A', '[x]'),
    ('execution time limit', ''),
    ('execution time limit', 'P30D'),
    ('execution retry delays', '3*PT1M, PT1H'),
    ('execution retry delays', '1000*PT0S'),
    ('execution retry delays', ''),
    ('execution polling intervals', 'PT1S, 2*PT1M'),
    ('events.execution timeout', 'P1Y'),
    ('events.execution timeout', ''),
    ('events.failed handlers', 'echo %(id)s %(submit_num)02d, mail'),
    ('events.handlers', 'echo %(no_such_variable)s 100%%'),
    ('events.mail events', 'failed'),
    ('simulation.default run length', 'PT1S'),
    ('remote.host', 'größe.example.org'),
    ('remote.host', '$(rose host-select x)'),
]

BAD: list[tuple[str, str]] = [
    ('no such item', 'x'),
    ('script.x', 'x'),
    ('environment', 'x'),
    ('', 'x'),
    ('environment.A]B', 'x'),
    ('environment.[x]y', 'x'),
    ('environment.A\nB', 'x'),
    ('environment.' + 'A' * 300, 'x'),
    ('script', 'x' * 100_001),
    ('events.handlers', '<a,' * 2_000),
    ('events.handlers', '100%'),
    ('events.failed handlers', 'echo %(id)s, echo %(message)d'),
    ('events.failed handlers', 'echo %(id'),
    ('execution time limit', 'P1000Y'),
    ('execution time limit', 'PT1E400S'),
    ('execution time limit', '-PT1H'),
    ('execution time limit', '1e300'),
    ('execution polling intervals', 'PT0S'),
    ('execution polling intervals', 'PT0.001S'),
    ('submission polling intervals', 'PT1H, PT1E400S'),
    ('execution retry delays', '1000000000*PT1S'),
    ('execution retry delays', '600*PT1S, 600*PT1M'),
    ('execution retry delays', 'PT1M, -PT1S'),
    ('execution retry delays', ','),
    ('execution retry delays', '1*'),
    ('events.execution timeout', 'P1000000Y'),
    ('simulation.default run length', ''),
    ('remote.retrieve job logs retry delays', 'PT1M'),
    ('remote.host', 'a..b'),
    ('remote.host', 'x' * 64),
    ('remote.host', '\ufffe'),
]


def short(value: str) -> str:
    return value[:40]


def nested(path: str, value: str) -> dict[str, Any]:
    setting: Any = value
    for name in reversed(path.split('.')):
        setting = {name: setting}
    return setting


@pytest.mark.parametrize('path, value', GOOD, ids=short)
def test_good_setting(path: str, value: str) -> None:
    setting = nested(path, value)
    assert broadcasts.settings([setting]) == ([setting], [])


@pytest.mark.parametrize('path, value', BAD, ids=short)
def test_bad_setting(path: str, value: str) -> None:
    setting = nested(path, value)
    assert broadcasts.settings([setting]) == ([], [setting])


@pytest.mark.parametrize('value', [None, 'script', 1])
def test_no_settings(value: object) -> None:
    with pytest.raises(RequestError, match='settings'):
        broadcasts.settings(value)


def test_points_are_divided() -> None:
    good, bad = broadcasts.points(['*', '01', '2', 'x', '', '²', '9' * 5000])
    assert good == ['*', '1', '2']
    assert bad == ['x', '', '²', '9' * 5000]


def test_cancel_settings_ignore_values() -> None:
    value = [{'environment': {'A': None}}, {'script': 1}]
    assert broadcasts.cancel_settings(value) == value
    assert broadcasts.cancel_settings(None) == []


@pytest.mark.parametrize('value', [
    'script', [1], [{'a\ud800': 1}], [{}], [{'environment': {}}],
    [{'environment': {'A': 1}, 'meta': {}}], {'environment': {}},
    [{'a': {'b': {'c': {'d': {'e': 1}}}}}],
])
def test_no_cancel_settings(value: object) -> None:
    """What names no setting would cancel all of them."""
    with pytest.raises(RequestError, match='cancel_settings'):
        broadcasts.cancel_settings(value)


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda children: st.lists(children, max_size=3)
    | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize('check', [
    broadcasts.settings, broadcasts.cancel_settings, broadcasts.points,
])
@given(value=anything)
def test_anything_is_taken_or_refused(check, value):
    """Whatever comes, the answer is a value or a clear error."""
    try:
        check(value)
    except RequestError as exc:
        assert exc.text
