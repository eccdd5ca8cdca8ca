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
"""Following what schedulers publish, and commands to them, by ZeroMQ.

The sockets and their keys are real; what is said on them is what a real
scheduler has published, or nonsense.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
import json
from pathlib import Path
import shutil
import threading
import time
from typing import Any

import pytest
import zmq
import zmq.auth

from cylc_flask.address import Address, Info
from cylc_flask.compat import pb
from cylc_flask.hub.links import line as line_module
from cylc_flask.hub.links import zmqlink
from cylc_flask.hub.links.line import Line
from cylc_flask.hub.links.links import Links
from cylc_flask.hub.links.trouble import Declined, NoAnswer, NotSent
from cylc_flask.hub.relay import zmqcalls
from cylc_flask.hub.runs.contact import Contact
from cylc_flask.hub.runs.scan import Found, Status
from cylc_flask.process import Process
from cylc_flask.replica.store import Store
from tests.harness import free_port, wait_for
from tests.unit.hub.test_ledger import SIDE, contents, steps

#: Seconds within which all has to happen, on a busy machine.
SOON = 30

(_, SNAPSHOT), *STEPS = steps('8.5')
DELTAS = [raw for loaded, raw in STEPS if not loaded]

Reply = Callable[[dict[str, Any]], bytes | None]


def give_all(asked: dict[str, Any]) -> bytes:
    """Answer as a scheduler does."""
    if asked['command'] == 'pb_entire_workflow':
        return SNAPSHOT
    return json.dumps({'data': 'yes'}).encode()


class FakeScheduler:
    """The sockets of a scheduler.

    Args:
        service: Where its keys are.
    """

    def __init__(self, service: Path) -> None:
        self.reply: Reply = give_all
        self.asked: list[dict[str, Any]] = []
        self._context = zmq.Context()
        self._replier = self._open(service, zmq.REP)
        self._publisher = self._open(service, zmq.XPUB)
        self._publisher.setsockopt(zmq.XPUB_VERBOSE, 1)
        self.port = self._replier.bind_to_random_port('tcp://127.0.0.1')
        self.publish_port = self._publisher.bind_to_random_port(
            'tcp://127.0.0.1')
        self._ending = False
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def _open(self, service: Path, kind: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        public, secret = zmq.auth.load_certificate(
            service / 'server.key_secret')
        socket.curve_publickey, socket.curve_secretkey = public, secret or b''
        socket.curve_server = True
        socket.setsockopt(zmq.LINGER, 0)
        return socket

    def _live(self) -> None:
        while not self._ending:
            if not self._replier.poll(50):
                continue
            asked = json.loads(self._replier.recv())
            self.asked.append(asked)
            answer = self.reply(asked)
            while answer is None:
                if self._ending:
                    return
                time.sleep(0.05)
                answer = self.reply(asked)
            self._replier.send(answer)

    def publish(self, message: bytes, topic: bytes = b'all') -> None:
        self._publisher.send_multipart([topic, message])

    def close(self) -> None:
        self._ending = True
        self._thread.join(SOON)
        self._context.destroy(linger=0)


@dataclass
class Keeper:
    """A replica, and what was told about it."""

    told: list[tuple[str, ...]] = field(default_factory=list)
    store: Store = field(default_factory=Store)

    def linked(self, kind: str, passphrase: str) -> None:
        self.told.append(('linked', kind))

    def lost(self, trouble: str) -> None:
        self.told.append(('lost', trouble))

    def load(self, data: bytes, side: Any, done: Callable[[], object]) -> None:
        self.store.load(data, side)
        self.told.append(('load',))
        done()

    def apply(self, data: Any, side: Any, done: Callable[[], object]) -> None:
        self.store.apply(data, side)
        self.told.append(('apply',))
        done()

    def words(self) -> list[str]:
        return [what for what, *_ in self.told]

    def troubles(self) -> list[str]:
        return [rest[0] for what, *rest in self.told if what == 'lost']


@dataclass
class Scene:
    """A scheduler, and the thread of the links."""

    scheduler: FakeScheduler
    links: Links
    found: Found

    def follow(self) -> tuple[Line, Keeper]:
        keeper = Keeper()
        return self.links.open(self.found, keeper), keeper

    def begin(self) -> Keeper:
        """Follow, until the replica is loaded."""
        _, keeper = self.follow()
        wait_for(lambda: 'load' in keeper.words(), SOON)
        return keeper


@pytest.fixture
def scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setattr(line_module, 'FIRST_PAUSE', 0.05)
    service = tmp_path / 'cylc-run' / 'a' / '.service'
    service.mkdir(parents=True)
    zmq.auth.create_certificates(service, 'server')
    shutil.copy(service / 'server.key_secret', service / 'client.key_secret')
    scheduler = FakeScheduler(service)
    links = Links(lambda work, *args: work(*args))
    links.start()
    contact = Contact(
        'a', 'uuid', '127.0.0.1', scheduler.port, scheduler.publish_port, 1,
        'python', 'me', '5', '8.5.4')
    found = Found('a', service.parent, Status.RUNNING, contact)
    yield Scene(scheduler, links, found)
    links.stop()
    scheduler.close()


def final() -> dict[str, object]:
    """Return what the scheduler had at the end."""
    store = Store()
    store.load(SNAPSHOT, SIDE)
    for raw in DELTAS:
        store.apply(raw, SIDE)
    return contents(store)


def test_following(scene):
    """The replica becomes what the scheduler has, from step to step."""
    keeper = scene.begin()
    for raw in DELTAS:
        scene.scheduler.publish(raw)
        scene.scheduler.publish(raw, b'task_proxies')
        scene.scheduler.publish(raw)
    end = final()
    wait_for(lambda: contents(keeper.store) == end, SOON)
    assert keeper.words().count('load') == 1
    assert keeper.told[0] == ('linked', 'zmq')


def test_snapshot_comes_last(scene):
    """Nothing is missed between it and the first delta."""
    keeper = scene.begin()
    scene.scheduler.publish(DELTAS[0])
    wait_for(lambda: 'apply' in keeper.words(), SOON)
    assert [each['command'] for each in scene.scheduler.asked] == [
        'api', 'pb_entire_workflow']


def test_missing(scene):
    """What is lost on the way is made up for by another snapshot."""
    keeper = scene.begin()
    lost = next(
        number for number, raw in enumerate(DELTAS)
        if pb.AllDeltas.FromString(raw).task_proxies.added)
    for raw in DELTAS[lost + 1:lost + 4]:
        scene.scheduler.publish(raw)
    wait_for(lambda: keeper.words().count('load') > 1, SOON)
    assert 'not as they should be' in keeper.troubles()[0]


@pytest.mark.parametrize('snapshot', [
    b'', b'\xff\xff', b'{"error": {"message": "no"}}',
])
def test_no_snapshot(scene, snapshot):
    scene.scheduler.reply = lambda asked: snapshot
    _, keeper = scene.follow()
    wait_for(keeper.troubles, SOON)
    scene.scheduler.reply = give_all
    wait_for(lambda: 'load' in keeper.words(), SOON)


def test_nonsense(scene):
    """What is published may be anything."""
    keeper = scene.begin()
    scene.scheduler.publish(b'x', b'other')
    scene.scheduler.publish(b'\xff\xff\xff')
    wait_for(keeper.troubles, SOON)
    assert 'no sense' in keeper.troubles()[0]
    wait_for(lambda: keeper.words().count('load') == 2, SOON)


def test_shutdown(scene):
    """A scheduler says when it goes."""
    keeper = scene.begin()
    scene.scheduler.publish(b'AUTOMATIC', b'shutdown')
    wait_for(keeper.troubles, SOON)
    assert keeper.troubles()[0] == ''


def test_silence(scene, monkeypatch):
    """One that says nothing is asked whether it is there."""
    monkeypatch.setattr(zmqlink, 'SILENCE', 0.1)
    monkeypatch.setattr(zmqlink, 'PATIENCE', 0.3)
    keeper = scene.begin()
    wait_for(lambda: len(scene.scheduler.asked) > 3, SOON)
    assert not keeper.troubles()
    scene.scheduler.reply = lambda asked: None
    wait_for(keeper.troubles, SOON)
    assert 'not answer' in keeper.troubles()[0]


def test_without_keys(scene):
    (scene.found.run_dir / '.service' / 'client.key_secret').unlink()
    _, keeper = scene.follow()
    wait_for(keeper.troubles, SOON)


@pytest.mark.parametrize('host, known', [
    ('localhost', True), ('nowhere.invalid', False),
])
def test_names_of_hosts(scene, host, known):
    """They are not looked up by ZeroMQ, which would hold up all others."""
    contact = replace(scene.found.contact, host=host)
    scene.found = replace(scene.found, contact=contact)
    _, keeper = scene.follow()
    wait_for(lambda: keeper.told, SOON)
    assert ('linked', 'zmq') in keeper.told or (
        not known and f'host {host} is not found' in keeper.troubles()[0])
    line, _ = scene.follow()
    asking = line.calls.ask('set_graph_window_extent', 'alice', {'extent': 1})
    scene.scheduler.reply = lambda asked: give_all(asked) if (
        asked['command'] != 'graphql') else b'{}'
    with pytest.raises(Declined if known else NotSent):
        scene.links.run(asking).result(SOON)


def ask(scene: Scene, method: str, **arguments: Any) -> Any:
    line, _ = scene.follow()
    return scene.links.run(
        line.calls.ask(method, 'alice', arguments)).result(SOON)


def hold(response: Any) -> Reply:
    """Return what answers to the command "hold"."""
    def reply(asked: dict[str, Any]) -> bytes:
        if asked['command'] != 'graphql':
            return give_all(asked)
        return json.dumps({'data': {'hold': {'result': [
            {'id': '~me/a', 'response': response}]}}}).encode()
    return reply


SUBMIT = {'command': 'hold', 'arguments': {'tasks': ['1/a']}}


def test_command(scene):
    """It is sent once, in the name of who gives it."""
    scene.scheduler.reply = hold([True, 'id-1'])
    said = ask(scene, 'submit', **SUBMIT)
    assert (said['ticket'], said['state']) == ('id-1', 'queued')
    (asked,) = [
        each for each in scene.scheduler.asked if each['command'] == 'graphql']
    assert asked['meta']['auth_user'] == 'alice'
    assert asked['args']['variables'] == {
        'workflows': ['~me/a'], 'tasks': ['1/a']}


def test_an_end_in_between(scene, monkeypatch):
    """Who is about to ask when all ends asks nothing, and waits for nobody."""
    line, keeper = scene.follow()
    wait_for(lambda: 'load' in keeper.words(), SOON)
    locate = zmqcalls.located

    async def located(contact: Contact) -> Contact:
        found = await locate(contact)
        await line.calls.close()
        return found
    monkeypatch.setattr(zmqcalls, 'located', located)
    with pytest.raises(NotSent, match='followed no more'):
        scene.links.run(line.calls.ask('submit', 'alice', SUBMIT)).result(SOON)
    assert all(
        asked['command'] != 'graphql' for asked in scene.scheduler.asked)


def test_refused(scene):
    scene.scheduler.reply = hold([False, 'No such task'])
    with pytest.raises(Declined, match='No such task'):
        ask(scene, 'submit', **SUBMIT)


@pytest.mark.parametrize('answer', [
    b'', b'{}', b'[]', b'{"error": {"message": "why"}}', b'{"error": "why"}',
])
def test_errors(scene, answer):
    def reply(asked: dict[str, Any]) -> bytes:
        return answer if asked['command'] == 'graphql' else give_all(asked)
    scene.scheduler.reply = reply
    with pytest.raises(Declined):
        ask(scene, 'submit', **SUBMIT)


def test_no_answer(scene, monkeypatch):
    """Nobody knows what became of it, and the next one is sent afresh."""
    monkeypatch.setattr(zmqcalls, 'PATIENCE', 0.3)

    def mute(asked: dict[str, Any]) -> bytes | None:
        if asked['command'] == 'graphql' and not late:
            return None
        return hold([True, 'id-2'])(asked)
    late: list[int] = []
    scene.scheduler.reply = mute
    line, _ = scene.follow()
    with pytest.raises(NoAnswer):
        scene.links.run(line.calls.ask(
            'submit', 'alice', SUBMIT)).result(SOON)
    late.append(1)
    said = scene.links.run(line.calls.ask(
        'submit', 'alice', SUBMIT)).result(SOON)
    assert said['ticket'] == 'id-2'


@pytest.mark.parametrize('read_only', [True, False])
def test_no_way_around(scene, read_only):
    """What may not be done by the web server is not done without it."""
    scene.scheduler.reply = hold([True, 'id-1'])
    scene.found = replace(scene.found, http=Info(
        Address('http', '127.0.0.1', free_port()), 'basic', 'a',
        Process.current(), {}, read_only))
    if read_only:
        with pytest.raises(NotSent):
            ask(scene, 'submit', **SUBMIT)
    else:
        assert ask(scene, 'submit', **SUBMIT)['ticket'] == 'id-1'


def test_no_way(scene):
    with pytest.raises(Declined, match='web server'):
        ask(scene, 'graph', start='1', stop='2')
    (scene.found.run_dir / '.service' / 'client.key_secret').unlink()
    with pytest.raises(NotSent):
        ask(scene, 'submit', **SUBMIT)
