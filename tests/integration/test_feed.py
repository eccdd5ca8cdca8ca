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
"""The plain feed of real schedulers: every copy equals the data store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
import json
from math import inf
from pathlib import Path
import random
import socket
import struct
import threading
import time
from typing import Any

from jsonschema import Draft202012Validator
import pytest
from websocket import ABNF, WebSocketException

from tests.followers import FOLLOWERS, Follower, digest
from tests.harness import ONE, Run, Starter, wait_for
from tests.integration.test_replica import FLOW
from tests.socket_client import BASIC, PATIENCE, Socket, refused

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / 'tests' / 'data' / 'plugins'
VALIDATOR = Draft202012Validator(
    json.loads((ROOT / 'docs' / 'feed.schema.json').read_text()))

#: How long (seconds) a run may take, on a busy machine.
LONGEST_RUN = 200

#: Messages up to this size (bytes) are validated, which takes long.
VALIDATED = 100_000

JSON, PROTOBUF = 'cylc-feed.json', 'cylc-feed.protobuf'

#: Why it ends when the scheduler does.
ENDED = 'The scheduler is stopping.'

FEED_CHECK = """
    [scheduler]
        [[main loop]]
            plugins = flask, feed check
            [[[feed check]]]
                interval = PT0S
"""


class Client(threading.Thread):
    """Takes all that is said about a workflow, to its end.

    It looks at the messages later: it has to be quick.

    Args:
        run: The workflow.
        codec: The words of its feed.
        patience: Returns after how many seconds to break the connection;
            not towards the end, which might not be seen.
        resumes: Go on then where the connection broke.
    """

    def __init__(
        self,
        run: Run,
        codec: str,
        patience: Callable[[], float] = lambda: inf,
        resumes: bool = True,
    ) -> None:
        super().__init__(daemon=True)
        self.run_ = run
        self.codec = codec
        self.patience = patience
        self.resumes = resumes
        self.messages: list[bytes] = []
        self.follower: Follower = FOLLOWERS[codec]()
        self.closed: tuple[int, str] | None = None
        self.lost = 0
        self.fault: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            while self.closed is None:
                self.connect()
        except Exception as exc:
            self.fault = exc
            raise

    def connect(self) -> None:
        """Follow as long as one connection lasts."""
        path = '/feed'
        if self.messages and self.resumes:
            path += '?feed={feed}&since={sequence}'.format(**self.head())
        end = time.monotonic() + self.patience()
        with Socket(
            self.run_, path, self.codec, timeout=LONGEST_RUN
        ) as sock:
            while time.monotonic() < end or self.near_the_end:
                opcode, data = sock.raw.recv_data()
                if opcode == ABNF.OPCODE_CLOSE:
                    self.closed = (
                        struct.unpack('!H', data[:2])[0], data[2:].decode())
                    return
                self.take(opcode, data)
        self.lost += 1

    @property
    def near_the_end(self) -> bool:
        path = self.run_.home / 'go'
        return path.exists() and bool(path.read_text())

    def take(self, opcode: int, data: bytes) -> None:
        text = self.codec == JSON
        assert opcode == (ABNF.OPCODE_TEXT if text else ABNF.OPCODE_BINARY)
        self.messages.append(data)

    def head(self) -> dict[str, Any]:
        """Return what the last message says about itself."""
        data = self.messages[-1]
        if self.codec != JSON:
            (length,) = struct.unpack('!I', data[:4])
            data = data[4:4 + length]
        found: dict[str, Any] = json.loads(data)
        return found

    def replay(self) -> list[str]:
        """Follow the messages, and return each state on the way."""
        digests = []
        for message in self.messages:
            if self.codec == JSON and len(message) < VALIDATED:
                VALIDATOR.validate(json.loads(message))
            self.follower.take(message)
            digests.append(digest(self.follower.copy))
        return digests


#: 5000 tasks that wait for another, and one for the world outside.
MANY = """
    [task parameters]
        i = 0001..5000
    [scheduling]
        [[queues]]
            [[[default]]]
                limit = 5
        [[xtriggers]]
            hello = echo(hello, succeed=True):PT1S
            never = echo(hello, succeed=False):PT1S
        [[graph]]
            R1 = '''
                start => t<i>
                @hello => greeted
                @never => waiting
            '''
    [runtime]
        [[start, greeted, waiting]]
        [[FAM]]
        [[t<i>]]
            inherit = FAM
"""


def play_checked(
    start: Starter, *options: str, flow: str = FLOW, **environment: str
) -> Run:
    """Play a workflow whose scheduler notes the states of its store."""
    run = start.make(
        flow,
        global_config=FEED_CHECK,
        config=BASIC,
        environment={'CYLC_PYTHONPATH': f'{PLUGINS}:{ROOT}', **environment},
    )
    run.environment['FEED_REPORT'] = str(run.home / 'report')
    run.environment['FEED_GO'] = str(run.home / 'go')
    run.play(*options)
    wait_for(lambda: report(run), 60)
    return run


def follow(run: Run, clients: list[Client]) -> list[str]:
    """Let all follow a workflow to its end, and return its states.

    Each copy was equal to one of these whenever a message had come, one
    after the other, and to the last in the end.
    """
    wait_for(lambda: all(client.messages for client in clients), 60)
    (run.home / 'go').touch()
    assert run.wait_end(LONGEST_RUN) == 0
    states = report(run)
    for client in clients:
        client.join(20)
        assert not client.is_alive()
        assert client.fault is None
        assert client.closed == (1001, ENDED)
    for client in clients:
        digests = client.replay()
        assert client.follower.ended == ENDED
        assert set(digests) <= set(states)
        assert in_order(digests, states)
        assert digests[-1] == states[-1]
    return states


def report(run: Run) -> list[str]:
    path = run.home / 'report'
    return path.read_text().split() if path.exists() else []


def test_equal_throughout_a_run(start: Starter) -> None:
    """Whatever is done to the workflow, and also if connections break."""
    run = play_checked(start)
    chance = random.Random(1)
    stay = [Client(run, JSON), Client(run, PROTOBUF)]
    go = [
        Client(run, codec, lambda: chance.uniform(0, 2))
        for codec in (JSON, PROTOBUF)
    ]
    assert len(set(follow(run, [*stay, *go]))) > 20
    for client in stay + go:
        # Nobody was too slow, hence nobody had to begin anew.
        assert client.follower.snapshots == 1
        assert client.follower.deltas > 20
        assert client.follower.definition['serial'] == 3
        assert client.follower.side['hold_point'] is None
    assert go[0].lost > 3 and go[1].lost > 3


@pytest.mark.parametrize('seed', ['1', '2'])
def test_bursts_equal_steps_in_any_run(start: Starter, seed: str) -> None:
    """Those who have just come have what the others have."""
    run = play_checked(start, '--mode', 'simulation', FEED_SEED=seed)
    chance = random.Random(seed)
    clients = [Client(run, JSON), Client(run, PROTOBUF)]
    newcomers = [
        Client(run, codec, lambda: chance.uniform(0, 0.5), resumes=False)
        for codec in (JSON, PROTOBUF)
    ]
    follow(run, [*clients, *newcomers])
    assert all(client.follower.snapshots == 1 for client in clients)
    assert all(client.follower.snapshots > 10 for client in newcomers)


def test_equal_with_many_tasks(start: Starter) -> None:
    """With 5000 of them, and tasks that wait for what is not one."""
    run = play_checked(
        start, '--mode', 'simulation', '--pause', flow=MANY, FEED_MANY='1')
    clients = [Client(run, JSON), Client(run, PROTOBUF)]
    follow(run, clients)
    for client in clients:
        assert client.follower.deltas
        assert len(client.follower.copy['task_proxies']) > 4_900


def in_order(digests: list[str], states: list[str]) -> bool:
    """Tell whether all of the first come in this order in the second."""
    position = 0
    for each in digests:
        if each not in states[position:]:
            return False
        position = states.index(each, position)
    return True


# One workflow for what does not need much


@pytest.fixture(scope='module')
def run(mod_start: Starter) -> Run:
    return mod_start(ONE, '--pause', config=BASIC | {
        'limits': {'feed_bytes': 4_000_000},
    })


@pytest.fixture
def connect(run: Run) -> Iterator[Callable[..., Socket]]:
    """Connect to the feed."""
    socks = []

    def connect(path: str = '/feed', codec: str = JSON) -> Socket:
        socks.append(Socket(run, path, codec))
        return socks[-1]

    yield connect
    for sock in socks:
        with suppress(OSError, WebSocketException):
            sock.raw.shutdown()


def put(run: Run, value: str, ballast: int = 0) -> None:
    """Change something, which comes to everybody with all broadcasts."""
    more = {f'B{number}': 'x' * 90_000 for number in range(ballast)}
    answer = run.request('POST', 'put_broadcast', json={
        'point_strings': ['*'],
        'namespaces': ['one'],
        'settings': [{'environment': {'A': value, **more}}],
    })
    assert answer.status_code == 200, answer.text


def value_of(message: dict[str, Any]) -> str:
    side = message.get('side', {})
    if 'broadcasts' not in side:
        return ''
    environment = side['broadcasts'].get('*', {}).get('one', {})
    return str(environment.get('environment', {}).get('A', ''))


def until(sock: Socket, value: str) -> list[dict[str, Any]]:
    """Return the messages up to the one with a value."""
    found: list[dict[str, Any]] = []
    end = time.monotonic() + PATIENCE
    while not found or value_of(found[-1]) != value:
        assert time.monotonic() < end, found
        found.append(sock.hear())
    return found


def test_resume(run: Run, connect: Callable[..., Socket]) -> None:
    with closing(connect().raw) as raw:
        first = json.loads(raw.recv())
    put(run, 'x1')
    put(run, 'x2')
    sock = connect(f'/feed?feed={first["feed"]}&since={first["sequence"]}')
    found = until(sock, 'x2')
    assert {message['type'] for message in found} == {'delta'}
    assert [message['sequence'] for message in found] == list(range(
        first['sequence'] + 1, first['sequence'] + 1 + len(found)))
    put(run, 'x3')
    assert until(sock, 'x3')[0]['sequence'] == found[-1]['sequence'] + 1


def test_resume_where_nothing_happened(
    run: Run, connect: Callable[..., Socket]
) -> None:
    first = connect().hear()
    sock = connect(f'/feed?feed={first["feed"]}&since={first["sequence"]}')
    put(run, 'y')
    assert until(sock, 'y')[0]['sequence'] == first['sequence'] + 1


@pytest.mark.parametrize('query', [
    'feed=other&since=1', 'since=1', 'feed={feed}&since=0',
    'feed={feed}&since=999999',
])
def test_what_cannot_be_resumed_begins_anew(
    connect: Callable[..., Socket], query: str
) -> None:
    feed = connect().hear()['feed']
    assert connect(f'/feed?{query.format(feed=feed)}').hear()['type'] == (
        'snapshot')


@pytest.mark.parametrize('since', ['', 'x', '-1', '1' * 30, '%D9%A1'])
def test_bad_number(connect: Callable[..., Socket], since: str) -> None:
    feed = connect().hear()['feed']
    closed = connect(f'/feed?feed={feed}&since={since}').end()
    assert (closed.code, closed.reason) == (
        1008, 'since has to be the number of a message.')


def test_slow_reader_begins_anew(
    run: Run, connect: Callable[..., Socket]
) -> None:
    """And holds up nobody: another one gets all of it meanwhile."""
    slow, quick = connect(), connect()
    for sock in (slow, quick):
        assert sock.hear()['type'] == 'snapshot'
    found: list[dict[str, Any]] = []
    for number in range(9):
        put(run, f's{number}', ballast=8)
        found += until(quick, f's{number}')
    assert {message['type'] for message in found} == {'delta'}
    late = until(slow, f's{number}')
    assert len(late) < len(found)
    assert 'snapshot' in {message['type'] for message in late}
    numbers = [message['sequence'] for message in late]
    assert numbers == sorted(set(numbers))
    run.request('POST', 'clear_broadcast', json={})
    put(run, 'end')
    assert until(slow, 'end')[-1] == until(quick, 'end')[-1]


def test_what_clients_say_is_passed_over(
    run: Run, connect: Callable[..., Socket]
) -> None:
    sock = connect()
    sock.hear()
    for _ in range(100):
        sock.raw.send('x' * 1000)
    put(run, 'said')
    until(sock, 'said')


def test_privilege(run: Run) -> None:
    """The public may not read so much."""
    with refused(403):
        Socket(run, '/feed', JSON, user='anon')
    with refused(401):
        Socket(run, '/feed', JSON, user='')


def test_subprotocol_has_to_be_known(run: Run) -> None:
    with refused(400):
        Socket(run, '/feed', 'graphql-ws')


def test_nothing_is_left(run: Run) -> None:
    """Clients by the hundred, who just go."""
    def opened() -> int:
        assert run.process
        return len(list(Path(f'/proc/{run.process.pid}/fd').iterdir()))

    before = opened()
    for number in range(5):
        socks = [
            Socket(run, '/feed', codec) for codec in (JSON, PROTOBUF) * 10
        ]
        for sock in socks[::2]:
            sock.hear()
        put(run, f'z{number}')
        for sock in socks:
            sock.raw.sock.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            sock.raw.sock.close()
    wait_for(lambda: opened() <= before + 1)
    assert 'ERROR' not in run.log()
