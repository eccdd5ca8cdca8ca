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

from cylc.flow.cycling.loader import DefaultCycler
from cylc_flask import intake
from cylc_flask.commands import Commands
from cylc_flask.errors import RequestError
from cylc_flask.query import mutations
from cylc_flask.replica.records import Records
from cylc_flask.workflows import Workflow
from tests.stores import recorded


class Accepting:
    """A scheduler that takes whatever comes."""

    id = 'accepted'

    def submit(self, command: str, user: str, **arguments: Any) -> Accepting:
        return self

    def broadcast(self, action: str, **arguments: Any) -> Any:
        return [arguments], {}


def workflow() -> Workflow:
    return Workflow(
        'running', 'x' * 20, recorded('8.7', 'running'), Records(),
        cast(Commands, Accepting()),
    )


def give(**arguments: Any) -> list[Any]:
    return mutations.give(
        workflow(), 'force_trigger_tasks', {'tasks': ['1/a'], **arguments},
        'me',
    )


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


def test_messages_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DefaultCycler, 'TYPE', 'integer', raising=False)
    with pytest.raises(RequestError, match='1001 messages are more than'):
        intake.put_messages(
            workflow(), '1/nobody/01', None, [['INFO', 'x']] * 1001)
    assert intake.put_messages(
        workflow(), '1/nobody/01', None, [['INFO', 'x']] * 1000) == 1000


def test_broadcasts_are_counted() -> None:
    with pytest.raises(RequestError, match='makes 20002 settings'):
        intake.put_broadcast(
            workflow(), ['*'], ['a', 'b'],
            [{'environment': {f'X{i}': '1' for i in range(10001)}}])


def test_broadcasts_are_made_once() -> None:
    made, _ = intake.put_broadcast(
        workflow(), ['*'] * 300, ['root'] * 300, [{'script': 'true'}])
    assert made == [{
        'point_strings': ['*'], 'namespaces': ['root'],
        'settings': [{'script': 'true'}],
    }]
