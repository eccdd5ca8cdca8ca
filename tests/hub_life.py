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
"""The life of a site, in quick: workflows and clients that come and go.

Simulated workflows go through two days of hourly cycles in some minutes.
Meanwhile somebody plays, stops, kills, renames and removes them, and others
look on in all the ways that there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
import json
import random
import shutil
import threading
from time import monotonic
from types import SimpleNamespace
from typing import Any

import psutil
import requests
from websocket import (
    WebSocket,
    WebSocketBadStatusException,
    WebSocketException,
    create_connection,
)

from cylc_flask.hub.runs import contact
from cylc_flask.replica.decode import split
from tests.harness import Run, wait_for
from tests.hub_client import token
from tests.hub_run import HubRun
from tests.hub_side import ask, of_scheduler
from tests.socket_client import LEGACY, TRANSPORT

#: How long (seconds) something may take on a busy machine.
PATIENCE = 90

#: Long enough for a client to see something, not for all to pile up.
STAY = 4.0

PROTOBUF, JSON, LIST = 'cylc-feed.protobuf', 'cylc-feed.json', 'cylc-list.json'

FLOW = """
    [meta]
        title = A day at the site
    [scheduler]
        UTC mode = True
        [[events]]
            stall timeout = PT9H
            abort on stall timeout = False
    [scheduling]
        initial cycle point = 20260101T00Z
        final cycle point = +P2D
        runahead limit = P2
        [[graph]]
            PT1H = post[-PT1H] => get => WORK:succeed-all => post
    [runtime]
        [[root]]
            [[[simulation]]]
                default run length = {length}
        [[WORK]]
        [[w1, w2, w3, w4]]
            inherit = WORK
        [[get]]
        [[post]]
            [[[simulation]]]
                fail cycle points = {fails}
                fail try 1 only = False
"""

#: A workflow stalls where this one fails.
STALLS = '20260101T03Z'

QUERY = """{
    workflows {id name status stateTotals}
    taskProxies {id state jobs {id}}
}"""

DELTAS = """subscription {deltas {
    id
    added {workflow {id status} taskProxies {id state} jobs {id state}}
    updated {workflow {id status} taskProxies {id state} jobs {id state}}
    pruned {workflow taskProxies jobs}
}}"""

#: What befits a server whose workflows come and go.
EXPECTED = {200, 404, 503}


class Life:
    """A site, and all that happens there.

    Args:
        names: Of the workflows; every second one has our plugin.
        most: How many may run at once.
        length: How long a task takes, as in ISO 8601.
        seed: Of what happens.
    """

    def __init__(
        self, names: tuple[str, ...], most: int, length: str, seed: int,
    ) -> None:
        self.chance = random.Random(seed)
        self.length = length
        self.most = most
        self.hub = HubRun(self.flow(), names[0])
        self.runs: list[Run] = [self.hub.run, *(
            self.hub.scheduler(name, self.flow(), number % 2 == 0)
            for number, name in enumerate(names[1:], 1)
        )]
        self.done: Counter[str] = Counter()
        self.faults: list[str] = []
        self.clients: list[threading.Thread] = []
        self.leaving = threading.Event()
        self.bearer = ''

    def flow(self) -> str:
        """Return a definition, of a workflow that may stall."""
        fails = STALLS if self.chance.random() < 0.4 else ''
        return FLOW.format(length=self.length, fails=fails)

    def start(self) -> Life:
        """Start the hub."""
        self.bearer = f'Bearer {token(self.hub)}'
        self.hub.start()
        wait_for(
            lambda: self.ask('GET', 'whoami').status_code == 200, PATIENCE)
        return self

    def close(self) -> None:
        """End all of it."""
        self.leave()
        self.hub.close()

    # What happens to workflows

    def live(self, seconds: float) -> None:
        """Have things happen for a while, one after the other."""
        end = monotonic() + seconds
        while monotonic() < end and not self.faults:
            run = self.chance.choice(self.runs)
            act = self.chance.choice(self._acts(run))
            act(run)
            self.done[act.__name__] += 1
            self.leaving.wait(self.chance.random())

    def _acts(self, run: Run) -> list[Callable[[Run], None]]:
        """Return what can happen to a workflow as it is."""
        if run.alive:
            if not is_up(run):
                return [self.wait]
            return [self.pause, self.resume, self.reload, self.stop,
                    self.kill, self.hold, self.wait]
        if not run.run_dir.exists():
            return [self.install]
        if len(self.alive()) >= self.most:
            return [self.wait, self.rename, self.remove]
        return [self.play] * 6 + [self.rename, self.remove]

    def alive(self) -> list[Run]:
        """Return the workflows that run."""
        return [run for run in self.runs if run.alive]

    def wait(self, run: Run) -> None:
        """Let it go on."""

    def play(self, run: Run) -> None:
        """Start it, or start it again."""
        run.process = None
        run.play('--mode=simulation', wait=False)

    def install(self, run: Run) -> None:
        """Make it, or make it anew."""
        run.define(self.flow())

    def rename(self, run: Run) -> None:
        """Have its folder under another name."""
        forget(run)
        name = f'{run.name.rpartition("/")[0] or "moved"}/{self.number()}'
        target = self.hub.folder(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if run.run_dir.exists():
            run.run_dir.rename(target)
        run.name, run.run_dir = name, target
        run.service = target / '.service'

    def number(self) -> str:
        """Return a name that nothing has had before."""
        return f'n{self.done.total()}'

    def remove(self, run: Run) -> None:
        """Remove it, as "cylc clean" does."""
        forget(run)
        shutil.rmtree(run.run_dir, ignore_errors=True)

    def pause(self, run: Run) -> None:
        """Pause it by the hub."""
        self._command(run, 'hold_suite')

    def resume(self, run: Run) -> None:
        """Let it go on, by the hub."""
        self._command(run, 'release_suite')

    def hold(self, run: Run) -> None:
        """Hold some tasks, by the hub."""
        self._command(run, 'hold_tasks', items=['w1', 'w2'])

    def reload(self, run: Run) -> None:
        """Reload it with another definition, by the hub."""
        run.define(self.flow())
        self._command(run, 'reload_suite')

    def stop(self, run: Run) -> None:
        """Stop it: by the hub, unless that does not know it yet."""
        answer = self._command(run, 'stop_now', terminate=True)
        if answer.status_code != 200:
            run.process.terminate()  # type: ignore[union-attr]
        self._await_end(run)

    def kill(self, run: Run) -> None:
        """Have it crash."""
        run.kill()

    def _command(self, run: Run, command: str, **data: Any) -> Any:
        answer = self.ask(
            'POST', f'workflows/{run.name}/{command}', data=data)
        # It may have ended by itself, or not be followed yet.
        if answer.status_code not in EXPECTED | {400}:
            self.faults.append(
                f'{command} {run.name}: {answer.status_code} {answer.text}')
        return answer

    def _await_end(self, run: Run) -> None:
        assert run.process
        try:
            run.process.wait(PATIENCE)
        except Exception:
            self.faults.append(f'{run.name} does not stop')

    def stop_all(self) -> None:
        """Stop all workflows, and wait until the hub has seen it."""
        for run in self.alive():
            run.process.terminate()  # type: ignore[union-attr]
        for run in self.runs:
            if run.process:
                self._await_end(run)
        wait_for(
            lambda: not {'running', 'paused', 'stalled', 'stopping',
                         'unreachable'} & {*self.statuses().values()},
            PATIENCE, 'all to be stopped', 0.5)

    # Those who look on

    def come(self, number: int) -> None:
        """Have so many clients come and go."""
        self.leaving.clear()
        self.clients = [
            threading.Thread(
                target=self._look_on, args=(random.Random(seed),),
                daemon=True)
            for seed in range(number)
        ]
        for client in self.clients:
            client.start()

    def leave(self) -> None:
        """Have all clients go, and not come back."""
        self.leaving.set()
        for client in self.clients:
            client.join(PATIENCE)
        self.clients = []

    def _look_on(self, chance: random.Random) -> None:
        ways = (self._query, self._read, self._subscribe, self._subscribe,
                self._feed, self._list, self._stream)
        while not self.leaving.is_set() and not self.faults:
            way = chance.choice(ways)
            try:
                way(chance)
            except (requests.RequestException, WebSocketException,
                    OSError) as exc:
                self._note_fault(way.__name__, exc)
            self.done[way.__name__] += 1

    def _note_fault(self, way: str, exc: Exception) -> None:
        """Note what must not happen to a client, whatever it looks at."""
        status = getattr(exc, 'status_code', 0)
        if not (isinstance(exc, WebSocketBadStatusException)
                and status in EXPECTED):
            self.faults.append(f'{way}: {exc!r}')

    def _somewhere(self, chance: random.Random) -> str:
        """Return the beginning of the paths of one workflow, or of all."""
        return chance.choice([
            '', f'workflows/{chance.choice(self.runs).name}/'])

    def _query(self, chance: random.Random) -> None:
        self._good(self.ask(
            'POST', f'{self._somewhere(chance)}graphql',
            json={'query': QUERY}))
        self.leaving.wait(chance.random())

    def _read(self, chance: random.Random) -> None:
        name = chance.choice(self.runs).name
        for path in ('workflows', '', f'workflows/{name}/',
                     f'workflows/{name}/get_suite_state_summary',
                     f'workflows/{name}/feed/snapshot', 'jobs'):
            self._good(self.ask('GET', path))
        self.leaving.wait(chance.random())

    def _good(self, answer: requests.Response) -> None:
        if answer.status_code not in EXPECTED:
            self.faults.append(
                f'{answer.url}: {answer.status_code} {answer.text:.500}')

    def _subscribe(self, chance: random.Random) -> None:
        protocol = chance.choice([TRANSPORT, LEGACY])
        begin = 'subscribe' if protocol == TRANSPORT else 'start'
        path = f'{self._somewhere(chance)}subscriptions'
        with self.socket(path, protocol) as line:
            for message in (
                {'type': 'connection_init'},
                {'type': begin, 'id': '1', 'payload': {'query': DELTAS}},
            ):
                line.send(json.dumps(message))
            self._hear(line, chance)

    def _feed(self, chance: random.Random) -> None:
        name = chance.choice(self.runs).name
        path = f'workflows/{name}/feed'
        with self.socket(path, chance.choice([PROTOBUF, JSON])) as line:
            self._hear(line, chance)

    def _list(self, chance: random.Random) -> None:
        with self.socket('list', LIST) as line:
            self._hear(line, chance)

    def _stream(self, chance: random.Random) -> None:
        with self.ask(
            'POST', 'graphql/stream', json={'query': DELTAS}, stream=True,
        ) as answer:
            self._good(answer)
            end = monotonic() + chance.random() * STAY
            for _ in answer.iter_content(None):
                if monotonic() > end or self.leaving.is_set():
                    return

    def _hear(self, line: WebSocket, chance: random.Random) -> None:
        """Listen for a while, perhaps to the end, and perhaps not at all."""
        end = monotonic() + chance.random() * STAY
        line.settimeout(0.5)
        while monotonic() < end and not self.leaving.is_set():
            with suppress(TimeoutError, WebSocketException):
                line.recv()
            if not line.connected:
                return
        if chance.random() < 0.5 and line.connected:
            line.send_close()  # else it goes without a word

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Send a request on a connection of its own."""
        return requests.request(
            method, f'{self.hub.url}/{path}', timeout=PATIENCE, headers={
                'Authorization': self.bearer, 'Accept': 'application/json',
                'Connection': 'close',
            }, **options)

    @contextmanager
    def socket(self, path: str, protocol: str) -> Iterator[WebSocket]:
        """Connect to a socket, for a while."""
        line = create_connection(
            f'{self.hub.url}/{path}'.replace('http', 'ws', 1),
            timeout=PATIENCE, subprotocols=[protocol], suppress_origin=True,
            header=[f'Authorization: {self.bearer}'], http_no_proxy=['*'])
        try:
            yield line
        finally:
            line.shutdown()

    # What is right

    def statuses(self) -> dict[str, str]:
        """Return what the hub says that workflows do."""
        return {
            row['name']: row['status']
            for row in self.ask('GET', 'workflows').json()['workflows']
        }

    def is_right(self) -> bool:
        """Return True if the list has what there is."""
        listed = self.statuses()
        there = {run.name: run for run in self.runs if run.run_dir.exists()}
        return listed.keys() == there.keys() and all(
            (listed[name] in ('running', 'paused', 'stalled', 'stopping'))
            == run.alive for name, run in there.items())

    def is_equal(self, run: Run) -> bool:
        """Return True if the replica of a workflow is its store."""
        before = self.replica(run)
        found = contact.read(run.service / 'contact')
        theirs = of_scheduler(ask(
            SimpleNamespace(found=SimpleNamespace(contact=found)),
            'pb_entire_workflow'))
        return theirs in (before, self.replica(run))

    def replica(self, run: Run) -> Any:
        """Return what the hub has of a workflow."""
        path = f'workflows/{run.name}/feed'
        with self.socket(path, PROTOBUF) as line:
            _, payload = split(line.recv())
        return of_scheduler(payload)

    def burden(self) -> dict[str, int]:
        """Return what the hub takes up."""
        assert self.hub.process
        process = psutil.Process(self.hub.process.pid)
        return {
            'files': process.num_fds(),
            'threads': process.num_threads(),
            'memory': process.memory_full_info().uss,
        }


def forget(run: Run) -> None:
    """Let go of a scheduler that has ended."""
    run.process = None


def is_up(run: Run) -> bool:
    """Return True if clients can find the scheduler."""
    found = contact.read(run.contact)
    return bool(found and run.process and found.pid == run.process.pid)
