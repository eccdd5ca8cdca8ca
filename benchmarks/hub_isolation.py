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
"""What schedulers notice of those who look at a workflow through a hub.

A workflow runs in simulation mode, ten tasks at a time, with all the others
waiting. In turns, for some seconds each, one viewer and many follow the tree
of the official GUI: through the hub and, where there is one, at the web
server in the scheduler. Meanwhile tasks are held and released, once in a
while, in all ways that there are.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import cycle, product
import selectors
from statistics import mean, median
import threading
import time
from typing import Any

from benchmarks import common, flows, peers, watched
from benchmarks.common import OURS, Row, say
from benchmarks.hubs import HUB, Hub, hub
from benchmarks.subscriptions import start
from benchmarks.viewers import Viewer, viewers
from tests.harness import Run

#: By which the hub follows a scheduler with our plugin, and one without.
LINKS = {True: 'feed', False: 'zmq'}

#: Seconds for what joining costs to be over.
SETTLING = 1.0

#: Seconds between a command and the next, at least, and what comes to that:
#: as schedulers look for commands five times a second, these come as
#: often at each time between two looks.
PAUSE, LOOK = 0.2, 0.2
GOLDEN = 0.618034


def measure(options: argparse.Namespace) -> list[Row]:
    """Return what schedulers do meanwhile, with our plugin and without."""
    rows = []
    for served, link in LINKS.items():
        with (
            flows.playing(
                options.size, '--mode', 'simulation',
                length=options.length, served=served,
            ) as run,
            hub(run) as found,
        ):
            found.await_all(1)
            time.sleep(options.settling)
            (row,) = found.rows()
            assert row['link'] == link
            rows += [
                {'link': link, **row}
                for row in in_turns(run, found, served, options)
            ]
    return rows


def in_turns(
    run: Run, found: Hub, served: bool, options: argparse.Namespace
) -> list[Row]:
    """Measure one viewer and many, in turns.

    Every other round goes backwards, as the workflow goes on.
    """
    rows: dict[tuple[str, int], list[Row]] = {}
    cases = [*product((HUB, OURS) if served else (HUB,), (1, options.viewers))]
    for number in range(options.rounds):
        for way, many in cases[::-1 if number % 2 else 1]:
            say(f'round {number + 1} of {options.rounds}: {many} viewers at'
                f' the {HUB if way == HUB else "scheduler"}')
            server = (
                found.asker(run.name) if way == HUB else peers.ours(run))
            with closing(server):
                rows.setdefault((way, many), []).append(
                    phase(run, found, server, many, options))
    return [
        {'server': way, 'viewers': many, **{
            key: median(row[key] for row in taken) for key in taken[0]
        }}
        for (way, many), taken in rows.items()
    ]


def phase(
    run: Run, found: Hub, server: peers.HttpAsker, many: int,
    options: argparse.Namespace,
) -> Row:
    """Return what was seen while so many looked."""
    # The last task is not run for long.
    task = f'1/b{options.size // 2 - 1}'
    witness = flows.witness_of(run)
    assert run.process
    pids = {'scheduler': run.process.pid, 'hub': found.pid}
    with ExitStack() as stack:
        clients = clients_of(run, found)
        for client in clients.values():
            stack.callback(client.close)
            watched.command(client, task)
        watching = stack.enter_context(crowd(server, run, many))
        time.sleep(SETTLING)
        before = {name: common.cpu_of(pid) for name, pid in pids.items()}
        read = sum(viewer.messages for viewer in watching)
        threads = peers.witnessed(witness)['threads']
        began = time.monotonic()
        commands = send(clients, task, options.seconds)
        took = time.monotonic() - began
        after = peers.witnessed(witness)
        main = after['threads'][watched.MAIN] - threads[watched.MAIN]
        return {
            **{
                name: (common.cpu_of(pid) - before[name]) / took
                for name, pid in pids.items()
            },
            'main_thread': main / took,
            'pass_cpu_ms': main / len(after['passes']) * 1000,
            'passes': len(after['passes']) / took,
            'pass_ms': mean(after['passes']) * 1000,
            'pass_p99_ms': common.percentile(after['passes'], 0.99) * 1000,
            **commands,
            'messages': (
                sum(viewer.messages for viewer in watching) - read
            ) / many / took,
        }


def send(clients: dict[str, Any], task: str, seconds: float) -> Row:
    """Send commands in turns, and return how long they took.

    There are as many in each phase, whatever they take.
    """
    taken: dict[str, list[float]] = {name: [] for name in clients}
    names = cycle(clients)
    for number in range(max(len(clients), round(seconds / (PAUSE + LOOK)))):
        time.sleep(PAUSE + number * GOLDEN % 1 * LOOK)
        name = next(names)
        taken[name].append(watched.command(clients[name], task))
    return {
        f'{name}_command_ms': mean(times) * 1000
        for name, times in taken.items()
    }


def clients_of(run: Run, found: Hub) -> dict[str, Any]:
    """Return those who send commands, by how they do."""
    clients: dict[str, Any] = {
        'zmq': peers.ZmqAsker(run), 'hub': found.asker(run.name)}
    if run.http:
        clients['own'] = peers.ours(run)
    return clients


@contextmanager
def crowd(
    server: peers.HttpAsker, run: Run, many: int
) -> Iterator[list[Viewer]]:
    """Have viewers who follow, and read in a thread what comes."""
    enough = threading.Event()
    with viewers(server, many) as watching:
        start(run, watching, 'known')
        reader = threading.Thread(target=read, args=(watching, enough))
        reader.start()
        try:
            yield watching
            assert reader.is_alive(), 'a viewer has been left alone'
        finally:
            enough.set()
            reader.join()


def read(watching: list[Viewer], enough: threading.Event) -> None:
    """Read until it is enough."""
    with selectors.DefaultSelector() as selector:
        for viewer in watching:
            selector.register(
                viewer.raw.sock, selectors.EVENT_READ, viewer)
        while not enough.is_set():
            for key, _ in selector.select(0.1):
                key.data.read()


def text(rows: list[Row]) -> str:
    """Return the results as a table."""
    return (
        'The tree of a running workflow, followed through the hub and at the'
        ' scheduler; means of the main loop, and of commands until they are'
        ' accepted:\n\n'
        + common.table(
            rows, link='link', server='server', viewers='viewers',
            messages='messages a second each', scheduler='scheduler, cores',
            main_thread='its main thread', hub='hub, cores',
            passes='turns of its main loop a second',
            pass_cpu_ms='CPU ms of one', pass_ms='ms of one',
            pass_p99_ms='p99 ms',
            zmq_command_ms='command by ZMQ, ms',
            own_command_ms='by the scheduler, ms',
            hub_command_ms='by the hub, ms',
        )
    )
