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
"""A line to servers that do as they should, and to others.

These are real servers; what they say is made up here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
import json
from pathlib import Path
import socket
import struct
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from cylc_flask.address import SERVICE
from cylc_flask.hub.links import feedlink, line, sockets
from cylc_flask.hub.links.line import Line
from cylc_flask.hub.links.links import Links
from cylc_flask.hub.links.trouble import LinkFault
from cylc_flask.hub.runs.scan import Found
from cylc_flask.process import Process
from cylc_flask.proof import challenge_of
from cylc_flask.replica.codec import CODECS, PlainGroup
from cylc_flask.replica.feed import Feed
from tests.fake_server import SOON, FakeServer, Talk
from tests.harness import wait_for
from tests.stores import recorded

PASSWORD = 'secret-secret'


def snapshot() -> bytes:
    store = recorded('8.5', 'running')
    group = PlainGroup(store, Feed(), CODECS['cylc-feed.protobuf'])
    return group.burst()


SNAPSHOT = snapshot()
(HEAD_LENGTH,) = struct.unpack('!I', SNAPSHOT[:4])
HEAD = json.loads(SNAPSHOT[4:4 + HEAD_LENGTH])


def message(payload: bytes = b'', **changes: Any) -> bytes:
    """Return a message that is like the snapshot, but for some items."""
    head = {**HEAD, **changes}
    text = json.dumps({
        key: value for key, value in head.items() if value is not None
    }).encode()
    return struct.pack('!I', len(text)) + text + payload


def delta(number: int, **changes: Any) -> bytes:
    """Return a delta of side data."""
    return message(
        type='delta', sequence=HEAD['sequence'] + number, definition=None,
        **changes)


@dataclass
class Keeper:
    """Notes what is told; nothing is done with it, unless by the test."""

    told: list[tuple[Any, ...]] = field(default_factory=list)
    held: list[Callable[[], object]] | None = None

    def linked(self, kind: str, passphrase: str) -> None:
        self.told.append(('linked', kind, passphrase))

    def lost(self, trouble: str) -> None:
        self.told.append(('lost', trouble))

    def load(self, data: bytes, side: Any, done: Callable[[], object]) -> None:
        self._take('load', side, done)

    def apply(self, data: Any, side: Any, done: Callable[[], object]) -> None:
        self._take('apply', side, done)

    def _take(self, what: str, side: Any, done: Callable[[], object]) -> None:
        self.told.append((what, side))
        if self.held is None:
            done()
        else:
            self.held.append(done)

    def words(self) -> list[str]:
        return [what for what, *_ in self.told]

    def troubles(self) -> list[str]:
        return [rest[0] for what, *rest in self.told if what == 'lost']


@dataclass
class Site:
    """The thread of the links, and fake servers."""

    links: Links
    run_dir: Path
    servers: list[FakeServer] = field(default_factory=list)

    def serve(self, talk: Talk) -> FakeServer:
        self.servers.append(FakeServer(talk))
        return self.servers[-1]

    def follow(self, found: Found) -> tuple[Line, Keeper]:
        keeper = Keeper()
        return self.links.open(found, keeper), keeper


@pytest.fixture
def site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    async def follow(line: Line, found: Found) -> None:
        raise LinkFault('no ZeroMQ')
    monkeypatch.setattr(line_module.zmqlink, 'follow', follow)
    monkeypatch.setattr(line_module, 'FIRST_PAUSE', 0.05)
    (tmp_path / SERVICE).mkdir()
    (tmp_path / SERVICE / 'passphrase').write_text(PASSWORD)
    links = Links(lambda work, *args: work(*args))
    links.start()
    site = Site(links, tmp_path)
    yield site
    links.stop()
    for server in site.servers:
        server.close()


line_module = line


async def stay(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def begin(connection: ServerConnection) -> None:
    """Do as one should."""
    await connection.send(SNAPSHOT)
    await connection.send(delta(1))
    await stay(connection)


def test_following(site):
    server = site.serve(begin)
    line, keeper = site.follow(server.found(site.run_dir))
    wait_for(lambda: len(keeper.told) == 3, SOON)
    assert keeper.words() == ['linked', 'load', 'apply']
    assert keeper.told[0] == ('linked', 'feed', PASSWORD)
    first, second = keeper.told[1][1], keeper.told[2][1]
    assert first.definition.tasks == HEAD['definition']['tasks']
    assert second.definition is first.definition
    line.close()
    wait_for(lambda: line._task is None, SOON)


def test_digest(site):
    """A challenge is answered on the socket's own path."""
    challenge = 'Digest realm="a", nonce="n", algorithm=SHA-256, qop="auth"'
    server = site.serve(begin)
    server.status = 401
    server.headers = [('WWW-Authenticate', challenge)]
    _, keeper = site.follow(server.found(site.run_dir, 'digest'))
    wait_for(lambda: len(server.logins) >= 2, SOON)
    server.status = 0
    wait_for(lambda: 'load' in keeper.words(), SOON)
    said = challenge_of(server.logins[1])
    assert said['uri'] == '/feed'
    assert said['algorithm'] == 'SHA-256'
    assert PASSWORD not in ''.join(server.logins)


def test_going_on(site):
    """After a break only what was missed has to come."""
    async def break_off(connection: ServerConnection) -> None:
        if len(server.asked) == 1:
            await connection.send(SNAPSHOT)
            await connection.send(delta(1))
            connection.transport.abort()
        else:
            await connection.send(delta(2))
            await stay(connection)
    server = site.serve(break_off)
    _, keeper = site.follow(server.found(site.run_dir))
    wait_for(lambda: keeper.words().count('apply') == 2, SOON)
    assert server.asked == [{}, {
        'feed': HEAD['feed'], 'since': str(HEAD['sequence'] + 1)}]
    assert keeper.words() == [
        'linked', 'load', 'apply', 'lost', 'linked', 'apply']


@pytest.mark.parametrize('nonsense', [
    'text', b'', b'\xff\xff\xff\xff', b'\0\0\0\2[]', b'\0\0\0\1{',
    message(type=None), message(type='other'), message(sequence='x'),
    message(side=None), message(side=[]), message(definition=1),
    message(side={**HEAD['side'], 'is_paused': 'no'}),
    message(definition={**HEAD['definition'], 'tasks': {'a': 'b'}}),
    message(definition={**HEAD['definition'], 'meta': {'a': 1}}),
    delta(1), message(sequence=None), message(feed=None),
], ids=range(17))
def test_nonsense_at_first(site, nonsense):
    """What cannot be understood is followed by another attempt."""
    async def talk(connection: ServerConnection) -> None:
        await connection.send(nonsense)
        await stay(connection)
    server = site.serve(talk)
    _, keeper = site.follow(server.found(site.run_dir))
    wait_for(keeper.troubles, SOON)
    server.talk = begin
    wait_for(lambda: 'apply' in keeper.words(), SOON)
    assert server.asked[-1] == {}


@pytest.mark.parametrize('wrong', [
    delta(2), delta(0), delta(1, feed='another'), message(type='delta'),
], ids=['gap', 'again', 'other', 'stale'])
def test_out_of_order(site, wrong):
    """A gap is mended by a snapshot."""
    async def talk(connection: ServerConnection) -> None:
        await connection.send(SNAPSHOT)
        if len(server.asked) == 1:
            await connection.send(wrong)
        await stay(connection)
    server = site.serve(talk)
    _, keeper = site.follow(server.found(site.run_dir))
    wait_for(lambda: keeper.words().count('load') == 2, SOON)
    assert server.asked == [{}, {}]


def test_resync(site):
    """So is what the replica cannot apply."""
    server = site.serve(begin)
    line, keeper = site.follow(server.found(site.run_dir))
    wait_for(lambda: 'apply' in keeper.words(), SOON)
    line.resync()
    wait_for(lambda: keeper.words().count('load') == 2, SOON)
    assert server.asked == [{}, {}]


def test_good_end(site):
    """Who ends it in good order is not in trouble."""
    async def talk(connection: ServerConnection) -> None:
        await connection.send(SNAPSHOT)
        await connection.send(message(type='end', reason='stopping'))
        await stay(connection)
    server = site.serve(talk)
    _, keeper = site.follow(server.found(site.run_dir))
    wait_for(keeper.troubles, SOON)
    assert keeper.troubles()[0] == ''


def test_leaving_at_once(site):
    """Who lets nobody stay is not asked all the time."""
    async def talk(connection: ServerConnection) -> None:
        await connection.close(1000)
    server = site.serve(talk)
    site.follow(server.found(site.run_dir))
    wait_for(lambda: len(server.asked) > 2, SOON)
    number = len(server.asked)
    site.links.run(asyncio.sleep(0.5)).result(SOON)
    assert len(server.asked) - number < 10


def test_fault_of_ours(site, monkeypatch):
    """A line survives it."""
    server = site.serve(begin)
    with monkeypatch.context() as patch:
        patch.setattr(feedlink, 'passphrase_of', None)
        _, keeper = site.follow(server.found(site.run_dir))
        wait_for(keeper.troubles, SOON)
        assert 'internal error' in keeper.troubles()[0]
    wait_for(lambda: 'apply' in keeper.words(), SOON)


@pytest.mark.parametrize('status, text', [
    (401, 'passphrase'), (404, '404'), (503, '503'),
])
def test_refused(site, status, text):
    server = site.serve(begin)
    server.status = status
    _, keeper = site.follow(server.found(site.run_dir))
    wait_for(keeper.troubles, SOON)
    assert text in keeper.troubles()[0]
    assert 'no ZeroMQ' in keeper.troubles()[0]


def test_redirection(site):
    """The passphrase goes to nobody else."""
    other = site.serve(begin)
    server = site.serve(begin)
    server.status = 302
    server.headers = [('Location', f'ws://127.0.0.1:{other.port}/feed')]
    _, keeper = site.follow(server.found(site.run_dir))
    wait_for(keeper.troubles, SOON)
    assert '302' in keeper.troubles()[0]
    assert other.logins == []


@pytest.mark.parametrize('unix_socket', ['', '/nowhere/http.sock'])
def test_another_host(site, unix_socket):
    """What is there on a host for itself alone is not taken for ours."""
    server = site.serve(begin)
    found = server.found(site.run_dir)
    found = replace(found, http=replace(
        found.http, process=Process('elsewhere', 1, 1),
        address=replace(found.http.address, socket=unix_socket)))
    _, keeper = site.follow(found)
    wait_for(keeper.troubles, SOON)
    assert 'its own host only' in keeper.troubles()[0]
    assert server.logins == []


def test_nobody_there(site):
    server = site.serve(begin)
    found = server.found(site.run_dir)
    server.close()
    site.servers.remove(server)
    _, keeper = site.follow(found)
    wait_for(keeper.troubles, SOON)


def test_silence(site, monkeypatch):
    """Neither a handshake nor a snapshot is waited for without end."""
    monkeypatch.setattr(sockets, 'OPENING', 0.3)
    monkeypatch.setattr(feedlink, 'FIRST', 0.3)
    with socket.create_server(('127.0.0.1', 0)) as mute:
        server = site.serve(stay)
        found = server.found(site.run_dir)
        _, keeper = site.follow(found)
        wait_for(keeper.troubles, SOON)
        assert 'not begin' in keeper.troubles()[0]
        server.port = mute.getsockname()[1]
        _, keeper = site.follow(server.found(site.run_dir))
        wait_for(keeper.troubles, SOON)
        assert 'not answer' in keeper.troubles()[0]


def test_too_long(site, monkeypatch):
    """No message is longer than sensible."""
    monkeypatch.setattr(sockets, 'MOST_BYTES', 1_000)
    server = site.serve(begin)
    _, keeper = site.follow(server.found(site.run_dir))
    wait_for(keeper.troubles, SOON)
    assert 'load' not in keeper.words()


def test_slow_replica(site, monkeypatch):
    """A fast scheduler waits for a slow replica."""
    monkeypatch.setattr(line_module, 'IN_FLIGHT', 5_000)

    async def talk(connection: ServerConnection) -> None:
        await connection.send(SNAPSHOT)
        for number in range(1, 50):
            await connection.send(delta(number))
        await stay(connection)
    server = site.serve(talk)
    keeper = Keeper(held=[])
    site.links.open(server.found(site.run_dir), keeper)
    wait_for(lambda: 'load' in keeper.words(), SOON)
    site.links.run(asyncio.sleep(0.3)).result(SOON)
    assert len(keeper.told) < 10
    held, keeper.held = keeper.held, None
    for done in held:
        done()
    wait_for(lambda: keeper.words().count('apply') == 49, SOON)


def test_long_messages(site, monkeypatch):
    """Few of them wait, so that they have a bound in memory."""
    monkeypatch.setattr(line_module, 'IN_FLIGHT', 1_000)
    sent = []

    async def talk(connection: ServerConnection) -> None:
        await connection.send(SNAPSHOT)
        for number in range(1, 50):
            await connection.send(message(
                bytes(4_000_000), type='delta', definition=None,
                sequence=HEAD['sequence'] + number))
            sent.append(number)
        await stay(connection)
    server = site.serve(talk)
    keeper = Keeper(held=[])
    site.links.open(server.found(site.run_dir), keeper)
    wait_for(lambda: len(sent) > 4, SOON)
    site.links.run(asyncio.sleep(0.5)).result(SOON)
    # The system's buffers may take some 40 MB.
    assert len(sent) < 20


def test_called_away(site, monkeypatch):
    """What waits for a slow replica comes again at another address."""
    monkeypatch.setattr(line_module, 'IN_FLIGHT', 1_000)

    async def talk(connection: ServerConnection) -> None:
        await connection.send(SNAPSHOT)
        await connection.send(delta(1))
        await stay(connection)
    old, new = site.serve(talk), site.serve(stay)
    keeper = Keeper(held=[])
    line = site.links.open(old.found(site.run_dir), keeper)
    wait_for(lambda: 'load' in keeper.words(), SOON)
    site.links.run(asyncio.sleep(0.2)).result(SOON)
    line.aim(new.found(site.run_dir))
    wait_for(lambda: new.asked, SOON)
    assert 'apply' not in keeper.words()
    assert new.asked[0]['since'] == str(HEAD['sequence'])


def test_harm_to_nobody_else(site):
    """While some do as they like, others are followed."""
    async def flood(connection: ServerConnection) -> None:
        while True:
            await connection.send('x' * 1_000)

    for _ in range(3):
        site.follow(site.serve(flood).found(site.run_dir))
        site.follow(site.serve(stay).found(site.run_dir))
    _, keeper = site.follow(site.serve(begin).found(site.run_dir))
    wait_for(lambda: 'apply' in keeper.words(), SOON)


def test_seen_elsewhere(site):
    """Another address of the same run is gone to at once."""
    old, new = site.serve(begin), site.serve(begin)
    line, keeper = site.follow(old.found(site.run_dir))
    wait_for(lambda: 'apply' in keeper.words(), SOON)
    line.aim(new.found(site.run_dir))
    wait_for(lambda: new.asked, SOON)
    wait_for(lambda: keeper.words().count('linked') == 2, SOON)
    assert not keeper.troubles()


def test_another_feed(site):
    """A server that has begun anew sends a snapshot, whatever one knows."""
    async def talk(connection: ServerConnection) -> None:
        if len(server.asked) == 1:
            await connection.send(SNAPSHOT)
            connection.transport.abort()
        else:
            payload = SNAPSHOT[4 + HEAD_LENGTH:]
            await connection.send(message(payload, feed='new', sequence=1))
            await connection.send(message(
                type='delta', feed='new', sequence=2, definition=None))
            await stay(connection)
    server = site.serve(talk)
    _, keeper = site.follow(server.found(site.run_dir))
    wait_for(lambda: 'apply' in keeper.words(), SOON)
    assert keeper.words() == [
        'linked', 'load', 'lost', 'linked', 'load', 'apply']


def test_a_server_that_comes_later(site, monkeypatch):
    """What is followed by ZeroMQ is followed by its feed then."""
    async def follow(line: Line, found: Found) -> None:
        line.linked('zmq', '')
        await asyncio.Event().wait()
    monkeypatch.setattr(line_module.zmqlink, 'follow', follow)
    server = site.serve(begin)
    found = server.found(site.run_dir)
    line, keeper = site.follow(replace(found, http=None))
    wait_for(lambda: keeper.told, SOON)
    line.aim(found)
    wait_for(lambda: 'apply' in keeper.words(), SOON)
    assert [rest[0] for what, *rest in keeper.told if what == 'linked'] == [
        'zmq', 'feed']


def test_a_substitute(site, monkeypatch):
    """Where a feed fails ZeroMQ does, until the feed is tried again."""
    async def follow(line: Line, found: Found) -> None:
        line.linked('zmq', '')
        server.status = 0
        await asyncio.Event().wait()
    monkeypatch.setattr(line_module.zmqlink, 'follow', follow)
    monkeypatch.setattr(line_module, 'SUBSTITUTE', 0.2)
    server = site.serve(begin)
    server.status = 503
    _, keeper = site.follow(server.found(site.run_dir))
    wait_for(lambda: 'apply' in keeper.words(), SOON)
    assert keeper.words() == ['linked', 'linked', 'load', 'apply']


def test_end_of_the_thread(tmp_path):
    """What is asked after the end is not done."""
    links = Links(lambda work, *args: work(*args))
    links.start()
    links.stop()
    links.call(pytest.fail)
    with pytest.raises(RuntimeError):
        links.run(asyncio.sleep(0))
    Links(lambda work, *args: None).stop()
