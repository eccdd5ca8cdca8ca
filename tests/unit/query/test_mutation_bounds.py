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
"""What a mutation may ask of a scheduler, before that is asked."""

from __future__ import annotations

from typing import Any, cast

import pytest

from cylc_flask.commands import Commands
from cylc_flask.query import mutations
from cylc_flask.replica.records import Records
from cylc_flask.workflows import Workflow
from tests.stores import recorded


class Accepting:
    """A scheduler that takes whatever comes."""

    id = 'accepted'

    def submit(self, command: str, user: str, **arguments: Any) -> Accepting:
        return self


def give(**arguments: Any) -> list[Any]:
    flow = Workflow(
        'running', 'x' * 20, recorded('8.7', 'running'), Records(),
        cast(Commands, Accepting()),
    )
    return mutations.give(
        flow, 'force_trigger_tasks', {'tasks': ['1/a'], **arguments}, 'me')


@pytest.mark.parametrize('flow', [
    None, [], ['new'], ['none'], ['1', '2147483647'], ['nonsense'],
    ['1'] * 100,
])
def test_flows(flow: list[str] | None) -> None:
    """Cylc refuses by itself what is no number."""
    assert give(flow=flow) == [True, 'accepted']


@pytest.mark.parametrize(('flow', 'text'), [
    (['1', '2147483648'], 'flow must be at most 2147483647'),
    (['-2147483648'], 'flow must be at most 2147483647'),
    ([' 99_999_999_999 '], 'flow must be at most 2147483647'),
    (['1'] * 101, 'flow has 101 items, which is more than 100'),
])
def test_flows_that_end_the_scheduler(flow: list[str], text: str) -> None:
    """Its database cannot hold them."""
    worked, told = give(flow=flow)
    assert not worked
    assert told.startswith(text)


@pytest.mark.parametrize('name', ['tasks', 'outputs', 'prerequisites'])
def test_lists_that_stop_the_main_loop(name: str) -> None:
    """Cylc would look at them for minutes."""
    assert give(**{name: ['x' * 1000] * 5000}) == [True, 'accepted']
    assert give(**{name: ['1/a'] * 5001}) == [
        False, f'{name} has 5001 items, which is more than 5000']
    assert give(**{name: ['1/a', '[' * 1001]}) == [
        False,
        f'{name} has an item of 1001 characters, which is more than 1000']
