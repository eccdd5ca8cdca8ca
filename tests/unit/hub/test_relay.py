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
"""Commands by way of a web server, which may have its faults."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from cylc_flask.address import SERVICE
from cylc_flask.commands import State
from cylc_flask.hub.links import sockets
from cylc_flask.hub.links.links import Links
from cylc_flask.hub.links.trouble import Declined, NoAnswer, NotSent
from cylc_flask.hub.relay import relay
from cylc_flask.hub.relay.relay import Relay
from tests.fake_server import SOON, FakeServer, Talk
from tests.harness import wait_for

QUEUED = {'ticket': 't1', 'state': 'queued', 'warnings': 0, 'text': ''}
DONE = {'ticket': 't1', 'state': 'succeeded', 'warnings': 0, 'text': ''}

SUBMIT = {'command': 'pause', 'arguments': {}}


@dataclass
class Scene:
    """A relay to a fake server, in a thread of links."""

    links: Links
    server: FakeServer
    relay: Relay
    settled: list[tuple[Any, ...]] = field(default_factory=list)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.links.run(coroutine).result(SOON)

    def ask(self, method: str = 'submit', **arguments: Any) -> Any:
        return self.run(self.relay.ask(method, 'alice', arguments or SUBMIT))


@pytest.fixture
def scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    monkeypatch.setattr(relay, 'AGAIN', 0.05)
    (tmp_path / SERVICE).mkdir()
    (tmp_path / SERVICE / 'passphrase').write_text('secret-secret')
    links = Links(lambda work, *args: work(*args))
    links.start()
    server = FakeServer(answering())
    settled: list[tuple[Any, ...]] = []

    async def make() -> Relay:
        return Relay(
            server.found(tmp_path), lambda *outcome: settled.append(outcome))
    made = links.run(make()).result(SOON)
    yield Scene(links, server, made, settled)
    links.run(made.close()).result(SOON)
    links.stop()
    server.close()


def answering(*more: dict[str, Any], **answers: Any) -> Talk:
    """Return what answers by the method, and says more after the first."""
    async def talk(connection: ServerConnection) -> None:
        async for text in connection:
            asked = json.loads(text)
            result = answers.get(asked['method'], QUEUED)
            await connection.send(json.dumps(
                {'id': asked['id'], 'result': result}))
            for said in more:
                await connection.send(json.dumps(said))
    return talk


def test_outcome(scene):
    scene.server.talk = answering(DONE)
    assert scene.ask() == QUEUED
    wait_for(lambda: scene.settled, SOON)
    assert scene.settled == [('t1', State.SUCCEEDED, 0, '')]
    assert scene.run(scene.relay.close()) == []


def test_outcome_at_once(scene):
    scene.server.talk = answering(submit=DONE)
    assert scene.ask()['state'] == 'succeeded'
    assert len(scene.settled) == 1


def test_one_connection(scene):
    """All commands share it."""
    async def ask() -> list[Any]:
        return await asyncio.gather(*(
            scene.relay.ask('find', '', {'ticket': 'x'}) for _ in range(20)))
    assert scene.run(ask()) == [QUEUED] * 20
    assert len(scene.server.asked) == 1


@pytest.mark.parametrize('kind, status', [('refused', 400), ('request', 404)])
def test_errors(scene, kind, status):
    async def talk(connection: ServerConnection) -> None:
        asked = json.loads(await connection.recv())
        await connection.send(json.dumps({'id': asked['id'], 'error': {
            'kind': kind, 'text': 'why', 'status': status}}))
        await connection.wait_closed()
    scene.server.talk = talk
    with pytest.raises(Declined, match='why') as caught:
        scene.ask()
    assert (caught.value.kind, caught.value.status) == (kind, status)


def test_nobody_there(scene):
    """What was not sent has not been done."""
    scene.server.status = 503
    with pytest.raises(NotSent, match='503'):
        scene.ask()


def test_sent_once(scene):
    """What was sent may have been done, and is not sent again."""
    heard: list[str] = []

    async def talk(connection: ServerConnection) -> None:
        heard.append(str(await connection.recv()))
        connection.transport.abort()
    scene.server.talk = talk
    with pytest.raises(NoAnswer):
        scene.ask()
    assert len(heard) == 1


def test_silence(scene, monkeypatch):
    async def talk(connection: ServerConnection) -> None:
        await connection.wait_closed()
    scene.server.talk = talk
    monkeypatch.setattr(relay, 'PATIENCE', 0.2)
    with pytest.raises(NoAnswer):
        scene.ask()


@pytest.mark.parametrize('nonsense', [
    '', '[]', '1', 'null', '{}', '{"id": 1}', '{"id": 1, "error": 1}', '"x"',
    '{"id": 1, "error": {}}', '{"id": 1, "result": {"ticket": 1}}',
    '{"id": 1, "result": {"ticket": "t", "state": "odd"}}',
])
def test_nonsense(scene, nonsense):
    """Nobody waits for an answer that cannot be understood."""
    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(nonsense)
        await connection.wait_closed()
    scene.server.talk = talk
    with pytest.raises(NoAnswer):
        scene.ask()
    scene.server.talk = answering()
    assert scene.ask() == QUEUED
    assert len(scene.server.asked) == 2


def test_outcome_after_a_break(scene):
    """It is asked for on the next connection."""
    async def break_off(connection: ServerConnection) -> None:
        asked = json.loads(await connection.recv())
        await connection.send(json.dumps(
            {'id': asked['id'], 'result': QUEUED}))
        scene.server.talk = answering(find=DONE)
        connection.transport.abort()
    scene.server.talk = break_off
    assert scene.ask() == QUEUED
    wait_for(lambda: scene.settled, SOON)
    assert scene.settled == [('t1', State.SUCCEEDED, 0, '')]


def test_outcome_that_nobody_knows(scene):
    """A server that has begun anew knows no commands."""
    async def break_off(connection: ServerConnection) -> None:
        asked = json.loads(await connection.recv())
        await connection.send(json.dumps(
            {'id': asked['id'], 'result': QUEUED}))
        scene.server.talk = answering(find=None)
        connection.transport.abort()
    scene.server.talk = break_off
    scene.ask()
    wait_for(lambda: scene.settled, SOON)
    assert scene.settled[0][1] is State.DROPPED
    assert 'not known' in scene.settled[0][3]


def test_left_at_the_end(scene):
    """Commands without an outcome are told of when there will be none."""
    scene.ask()
    assert scene.run(scene.relay.close()) == ['t1']


def test_another_address(scene):
    """Where the server goes, outcomes are asked for."""
    scene.ask()
    other = FakeServer(answering(find=DONE))

    async def aim() -> None:
        info = other.found(scene.relay._run_dir).http
        assert info is not None
        scene.relay.aim(info)
    try:
        scene.run(aim())
        wait_for(lambda: scene.settled, SOON)
    finally:
        other.close()
    assert len(scene.server.asked) == len(other.asked) == 1
    assert scene.run(scene.relay.close()) == []


def test_a_server_that_comes_and_goes(scene):
    """It is asked once for each time, however long that goes on."""
    async def fall(connection: ServerConnection) -> None:
        asked = json.loads(await connection.recv())
        if asked['method'] == 'submit':
            await connection.send(json.dumps(
                {'id': asked['id'], 'result': QUEUED}))
        connection.transport.abort()
    scene.server.talk = fall
    scene.ask()
    wait_for(lambda: len(scene.server.asked) > 5, SOON)
    assert len(scene.relay._tasks) <= 2


def test_end_while_waiting(scene):
    """Who waits is told at once that there will be no answer."""
    heard: list[int] = []

    async def mute(connection: ServerConnection) -> None:
        await connection.recv()
        heard.append(1)
        await connection.wait_closed()
    scene.server.talk = mute
    waiting = scene.links.run(scene.relay.ask('submit', 'alice', SUBMIT))
    wait_for(lambda: heard, SOON)
    scene.run(scene.relay.close())
    with pytest.raises(NoAnswer, match='no more'):
        waiting.result(SOON)
    with pytest.raises(NotSent):
        scene.ask()
    assert not scene.relay._tasks


def test_idle(scene, monkeypatch):
    """A connection is not kept for nothing."""
    monkeypatch.setattr(relay, 'IDLE', 0.1)
    left = []

    async def talk(connection: ServerConnection) -> None:
        await answering(submit=DONE)(connection)
        left.append(1)
    scene.server.talk = talk
    scene.ask()
    wait_for(lambda: left, SOON)
    scene.ask()
    assert len(scene.server.asked) == 2


def test_too_long(scene, monkeypatch):
    monkeypatch.setattr(sockets, 'MOST_BYTES', 100)
    scene.server.talk = answering(submit={'x': 'y' * 1000})
    with pytest.raises(NoAnswer):
        scene.ask()
