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
"""Replicas of real schedulers, with and without our plugin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from enum import IntEnum
import signal
import threading
import time
from typing import Any

import pytest

from cylc.flow.workflow_status import StopMode
from cylc_flask.commands import speaking
from cylc_flask.errors import Refused, RequestError, Unavailable
from cylc_flask.hub.entry import Entry
from cylc_flask.hub.keeper import Keeper
from tests.harness import GLOBAL_CYLC, Run, Starter, wait_for
from tests.hub_side import SOON, HubSide, ask, of_scheduler

FLOW = """
    [meta]
        title = For the hub
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        final cycle point = 30
        [[graph]]
            P1 = a[-P1] => a => b & c
    [runtime]
        [[root]]
            script = true
            [[[simulation]]]
                default run length = PT1S
        [[a, FAM]]
        [[b, c]]
            inherit = FAM
"""

NAME = 'group/demo/run1'

KINDS = {True: 'feed', False: 'zmq'}


@pytest.fixture(params=[True, False], ids=['feed', 'zmq'])
def plugin(request: pytest.FixtureRequest) -> bool:
    """Return whether schedulers have our plugin."""
    return bool(request.param)


@pytest.fixture
def look(
    monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Run], HubSide]]:
    """Return what begins to look at the workflows in a run's home."""
    begun: list[HubSide] = []

    def begin(run: Run) -> HubSide:
        monkeypatch.setenv('HOME', str(run.home))
        begun.append(HubSide())
        return begun[-1]

    yield begin
    for hub in begun:
        hub.close()


def make(start: Starter, plugin: bool, **settings: Any) -> Run:
    run = start.make(FLOW, name=NAME, **settings)
    if not plugin:
        run.write(
            run.home / 'conf' / 'global.cylc',
            GLOBAL_CYLC.replace(', flask', ''))
    return run


def play(run: Run, plugin: bool, *options: str) -> None:
    run.play('--mode=simulation', *options, wait=plugin)
    wait_for(run.contact.exists, SOON, 'a contact file')


def assert_equal(hub: HubSide, entry: Entry, run: Run) -> None:
    """See to it that the replica becomes what the scheduler has."""
    def same() -> bool:
        before = hub.copy(entry)
        theirs = of_scheduler(ask(entry, 'pb_entire_workflow'))
        return before == theirs or hub.copy(entry) == theirs
    wait_for(same, SOON, 'a replica like the store', 0.3)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the snapshots that come."""
    sizes: list[int] = []
    load = Keeper.load

    def note(self: Keeper, snapshot: bytes, *rest: Any) -> None:
        sizes.append(len(snapshot))
        load(self, snapshot, *rest)
    monkeypatch.setattr(Keeper, 'load', note)
    return sizes


def test_life(start, look, plugin, loads):
    """It starts, works, is reloaded, paused, stopped, and killed."""
    run = make(start, plugin)
    hub = look(run)
    entry = hub.soon(NAME, status='installed', connected=False)

    play(run, plugin)
    hub.soon(NAME, status='running', link=KINDS[plugin], connected=True)
    assert hub.entry(NAME) is entry
    store = entry.workflow.store
    wait_for(lambda: any(
        proxy.name == 'b' for proxy in store.task_proxies.values()), SOON)
    run.cylc('pause', NAME)
    hub.soon(NAME, status='paused')
    assert_equal(hub, entry, run)

    definition = store.side.definition
    assert definition.tasks == ['a', 'b', 'c']
    assert definition.first_parent_ancestors['b'] == ['b', 'FAM', 'root']
    assert definition.suite_meta['title'] == 'For the hub'
    assert definition.cycling_mode == 'integer'
    assert definition.run_dir == str(run.run_dir)

    run.define(FLOW.replace('b & c', 'b & c & d').replace(
        '[[a, FAM]]', '[[a, d, FAM]]'))
    run.cylc('reload', NAME)
    wait_for(
        lambda: 'd' in store.side.definition.tasks, SOON, 'a new definition')
    assert store.side.definition.serial > definition.serial
    run.cylc('play', NAME)
    hub.soon(NAME, status='running')
    wait_for(lambda: any(
        proxy.name == 'd' for proxy in store.task_proxies.values()), SOON)
    run.cylc('pause', NAME)
    hub.soon(NAME, status='paused')
    assert_equal(hub, entry, run)

    run.cylc('broadcast', '-n', 'a', '-s', '[environment]X=1', NAME)
    wait_for(lambda: store.side.broadcasts == {
        '*': {'a': {'environment': {'X': '1'}}}}, SOON, 'a broadcast')

    run.stop()
    hub.soon(NAME, status='stopped', connected=False, link='')
    assert store.workflow.status == 'stopped'
    assert store.task_proxies

    play(run, plugin)
    hub.soon(NAME, connected=True)
    assert_equal(hub, entry, run)
    run.kill()
    hub.soon(NAME, status='crashed', connected=False)
    assert store.workflow.status == 'stopped'
    # Nothing was lost on the way, so that it had to begin again; but ZeroMQ
    # may have been there before the web server.
    assert len(loads) <= (4 if plugin else 2)


WAITING = """
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        final cycle point = 3
        [[special tasks]]
            external-trigger = outside("the storm")
        [[graph]]
            P1 = outside => a
    [runtime]
        [[outside, a]]
            script = true
            [[[outputs]]]
                x = x is done
"""


def give(hub: HubSide, command: str, **arguments: Any) -> Any:
    """Return a command, with its outcome."""
    commands = hub.entry(NAME).workflow.commands
    ticket = commands.submit(command, 'alice', **arguments)
    assert ticket.wait(SOON)
    return ticket


def test_commands(start, look, plugin):
    """They are given in the name of the user, and their outcome comes."""
    run = make(start, plugin)
    run.define(WAITING)
    hub = look(run)
    play(run, plugin, '--pause')
    entry = hub.soon(NAME, status='paused', connected=True)
    store, commands = entry.workflow.store, entry.workflow.commands

    ticket = give(hub, 'hold', tasks=['1/outside'])
    assert (ticket.state, ticket.warnings) == ('succeeded', 0)
    assert commands.find(ticket.id) is ticket
    run.wait_log(f'Command "hold" received from alice. ID={ticket.id}')
    wait_for(lambda: any(
        proxy.is_held for proxy in store.task_proxies.values()), SOON)
    assert give(hub, 'release', tasks=['9/no']).state == 'warnings'

    with pytest.raises(Refused):
        commands.submit('hold', 'alice', tasks=['//'])
    with pytest.raises(RequestError, match='point'):
        commands.submit('set_hold_point', 'alice', point='x')
    assert give(hub, 'hold', tasks=[], unmatched=['q']).warnings == 1

    with speaking('bob'):
        modified, bad = commands.broadcast(
            'put_broadcast', point_strings=['*'], namespaces=['a'],
            settings=[{'script': 'false'}])
    run.wait_log('from bob')
    assert modified == [['*', 'a', {'script': 'false'}]]
    assert bad == {}
    wait_for(lambda: store.side.broadcasts == {
        '*': {'a': {'script': 'false'}}}, SOON, 'a broadcast')
    commands.broadcast(
        'clear_broadcast', point_strings=[], namespaces=[],
        cancel_settings=[])
    wait_for(lambda: store.side.broadcasts == {}, SOON, 'no broadcast')

    commands.put_ext_trigger('the storm', 'of-1999')
    run.wait_log('of-1999', SOON)
    commands.set_graph_window_extent(3)
    wait_for(lambda: store.workflow.n_edge_distance == 3, SOON)
    if plugin:
        assert commands.graph('1', '2').edges
    else:
        with pytest.raises(Unavailable, match='web server'):
            commands.graph('1', '2')

    assert give(hub, 'set_verbosity', level=Level.DEBUG).state == 'succeeded'
    assert_equal(hub, entry, run)


class Level(IntEnum):
    DEBUG = 10


def test_stopping(start, look, plugin):
    """The outcome of a stop is known, though the scheduler has gone."""
    run = make(start, plugin)
    hub = look(run)
    with pytest.raises(Unavailable, match='not yet run'):
        give(hub, 'pause')
    play(run, plugin)
    hub.soon(NAME, connected=True)
    ticket = give(hub, 'stop', mode=StopMode.REQUEST_NOW_NOW)
    assert ticket.state == 'succeeded'
    hub.soon(NAME, status='stopped')
    with pytest.raises(Unavailable, match='stopped'):
        give(hub, 'pause')


def test_unknown_fate(start, look, plugin):
    """Who gives a command when a scheduler dies is told that."""
    run = make(start, plugin)
    hub = look(run)
    play(run, plugin)
    hub.soon(NAME, connected=True)
    run.signal(signal.SIGSTOP)
    asking = threading.Thread(target=run_and_kill, args=(run,))
    asking.start()
    with pytest.raises(Unavailable, match='not said|not run|nothing was done'):
        hub.entry(NAME).workflow.commands.submit('pause', 'alice')
    asking.join()
    hub.soon(NAME, status='crashed')


def run_and_kill(run: Run) -> None:
    time.sleep(2)
    run.kill()


@pytest.mark.parametrize('settings', [
    {'method': 'https', 'digest_algorithm': 'SHA-256'},
    {'method': 'https', 'authentication': 'basic'},
    {'method': 'http', 'authentication': 'basic', 'insecure_basic': True},
    {'method': 'http', 'unix_socket': 'http.sock'},
], ids=['digest', 'basic', 'in-the-clear', 'unix'])
def test_ways_in(start, look, settings):
    """Every configuration of the web server can be followed."""
    run = make(start, True, config=settings)
    hub = look(run)
    play(run, True, '--pause')
    entry = hub.soon(NAME, link='feed', status='paused')
    assert give(hub, 'pause').state == 'succeeded'
    assert_equal(hub, entry, run)


def test_without_feed(start, look):
    """Where there is a web server without sockets, ZeroMQ does."""
    run = make(start, True, config={'enable': ['rest']})
    hub = look(run)
    play(run, True, '--pause')
    entry = hub.soon(NAME, link='zmq', status='paused')
    assert give(hub, 'pause').state == 'succeeded'
    assert_equal(hub, entry, run)


def test_hanging_scheduler(start, look, monkeypatch):
    """One that hangs for a while is followed again, and harms no other."""
    run = make(start, True)
    hub = look(run)
    play(run, True)
    entry = hub.soon(NAME, connected=True)
    run.signal(signal.SIGSTOP)
    try:
        hub.links.run(asyncio.sleep(0)).result(SOON)
        assert entry.connected
    finally:
        run.signal(signal.SIGCONT)
    run.cylc('pause', NAME)
    hub.soon(NAME, status='paused')
    assert_equal(hub, entry, run)


def test_break(start, look, loads):
    """After a break it goes on where it was, without another snapshot."""
    run = make(start, True)
    hub = look(run)
    play(run, True, '--pause')
    entry = hub.soon(NAME, link='feed', status='paused')
    before = len(loads)
    hub.links.call(lambda: cut(entry))
    wait_for(lambda: (NAME, 'unreachable') in {
        (name, status) for _, name, status in hub.told}, SOON)
    hub.soon(NAME, link='feed', status='paused')
    run.cylc('hold', NAME + '//1/a')
    wait_for(lambda: any(
        proxy.is_held
        for proxy in entry.workflow.store.task_proxies.values()), SOON)
    assert_equal(hub, entry, run)
    assert len(loads) == before


def cut(entry: Entry) -> None:
    """Break the connection of a line (in the thread of the links)."""
    for task in asyncio.all_tasks():
        frame = task.get_coro().cr_frame  # type: ignore[union-attr]
        socket = frame and frame.f_locals.get('socket')
        if socket is not None:
            socket.transport.abort()
