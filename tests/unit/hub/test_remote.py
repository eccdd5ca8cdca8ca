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
"""What becomes of requests that a scheduler does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from cylc_flask.errors import RequestError, Unavailable
from cylc_flask.hub.flows import Tools
from cylc_flask.hub.links.links import Links
from cylc_flask.hub.relay import remote
from cylc_flask.hub.relay.remote import RemoteCommands
from tests.harness import wait_for
from tests.stores import recorded

#: Seconds within which all has to happen, on a busy machine.
SOON = 30


def deliver(work: Callable[..., Any], *args: Any) -> None:
    work(*args)


class Mute:
    """A scheduler that never answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.cancelled: list[str] = []

    async def ask(self, method: str, user: str, arguments: Any) -> None:
        self.asked.append(user)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.append(user)
            raise


@pytest.fixture
def mute() -> Mute:
    return Mute()


@pytest.fixture
def commands(mute: Mute) -> Iterator[RemoteCommands]:
    side = recorded('8.5', 'running').side
    links = Links(deliver)
    links.start()
    made = RemoteCommands(
        'a', links, Tools(deliver), lambda: None, lambda: side)
    line: Any = SimpleNamespace(calls=mute)
    made.attach(line)
    yield made
    links.stop()


def dated(links: Links, mute: Mute) -> RemoteCommands:
    """Return the commands of a workflow without our plugin."""
    side = recorded('8.5', 'running').side
    side = replace(side, runahead_point=None, definition=replace(
        side.definition, cycling_mode='gregorian', shortest_step=None,
        initial_point='20200101T0000Z'))
    made = RemoteCommands(
        'a', links, Tools(deliver), lambda: None, lambda: side)
    line: Any = SimpleNamespace(calls=mute)
    made.attach(line)
    return made


@pytest.mark.parametrize('task', ['99991231T00Z/foo', '20400101T0000Z/*'])
def test_future(commands, mute, task):
    """What would keep a scheduler counting for ever does not get there."""
    far = dated(commands._links, mute)
    with pytest.raises(RequestError, match='too far in the future'):
        far.submit('set', 'alice', tasks=['20200102T00Z/foo', task])
    with pytest.raises(RequestError, match='too far in the future'):
        far.put_messages(f'{task}/01', None, [('INFO', 'x')])
    assert mute.asked == []


def test_points_of_messages(commands, mute):
    with pytest.raises(RequestError, match='not a cycle point'):
        commands.put_messages('20200101T00Z/foo/01', None, [('INFO', 'x')])
    far = dated(commands._links, mute)
    with pytest.raises(RequestError, match='not a cycle point'):
        far.put_messages('x/foo/01', None, [('INFO', 'x')])
    assert mute.asked == []


@pytest.mark.parametrize('task', ['20200102T00Z/foo', '*/foo', '99999/foo'])
def test_near(commands, mute, task, monkeypatch):
    monkeypatch.setattr(remote, 'PATIENCE', 0.1)
    for each in commands, dated(commands._links, mute):
        with pytest.raises(Unavailable):
            each.submit('set', 'alice', tasks=[task])
    assert len(mute.asked) == 2


def test_patience(commands, mute, monkeypatch):
    """What nobody waits for any more is given up."""
    monkeypatch.setattr(remote, 'PATIENCE', 0.2)
    with pytest.raises(Unavailable, match='may have been carried out'):
        commands.submit('pause', 'alice')
    wait_for(lambda: mute.cancelled == ['alice'], SOON)


def test_crowd(commands, mute, monkeypatch):
    """One scheduler that hangs does not keep everybody waiting."""
    monkeypatch.setattr(remote, 'AT_ONCE', 1)
    monkeypatch.setattr(remote, 'PATIENCE', 1)

    def wait() -> None:
        with pytest.raises(Unavailable):
            commands.submit('pause', 'alice')
    waiting = threading.Thread(target=wait)
    waiting.start()
    wait_for(lambda: mute.asked, SOON)
    with pytest.raises(Unavailable, match='nothing was done'):
        commands.submit('pause', 'bob')
    waiting.join()
    assert mute.asked == ['alice']
