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

from collections.abc import Callable, Iterator
import os
from typing import Any

import pytest

from cylc_flask.errors import Refused, RequestError, Unavailable
from cylc_flask.hub import line as line_module
from cylc_flask.hub.entry import Entry
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
def look(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Run], HubSide]]:
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


def test_life(start, look, plugin):
    """It starts, works, is reloaded, paused, stopped, killed, removed."""
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
