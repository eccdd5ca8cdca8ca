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
"""The workflows of the hub, as discovery and links make them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cylc_flask.compat import pb
from cylc_flask.errors import Unavailable
from cylc_flask.hub import keeper
from cylc_flask.hub.flows import ENDING, REMOVED, Flows, Tools
from cylc_flask.hub.keeper import InTurn, overlap
from cylc_flask.hub.runs.contact import Contact
from cylc_flask.hub.runs.discovery import Change
from cylc_flask.hub.runs.scan import Found, Status
from cylc_flask.replica.codec import CODECS, PlainGroup
from tests.stores import DATA, recorded

CONTACT = Contact(
    'a/run1', 'uuid-1', 'localhost', 43001, 43002, 77, 'python', 'me', '5',
    '8.5.4',
)
INSTALLED = Found('a/run1', Path('/run/a'), Status.INSTALLED, identity=(1, 1))
RUNNING = replace(INSTALLED, status=Status.RUNNING, contact=CONTACT)
STOPPED = replace(INSTALLED, status=Status.STOPPED)
CRASHED = replace(INSTALLED, status=Status.CRASHED, contact=CONTACT)



def snapshot(id_: str = '~me/a/run1') -> bytes:
    """Return a whole store, whose workflow has some id."""
    entire = pb.PbEntireWorkflow.FromString(
        (DATA / 'stores' / '8.5' / 'running.pb').read_bytes())
    entire.workflow.id = id_
    return bytes(entire.SerializeToString())


SNAPSHOT = snapshot()
SIDE = recorded('8.5', 'running').side


@dataclass
class Line:
    """A line that does nothing by itself."""

    found: Found
    keeper: Any
    calls: Any = field(default_factory=SimpleNamespace)
    resyncs: int = 0
    closed: bool = False

    def aim(self, found: Found) -> None:
        self.found = found

    def resync(self) -> None:
        self.resyncs += 1

    def close(self) -> None:
        self.closed = True


@dataclass
class Links:
    """Opens such lines."""

    lines: list[Line] = field(default_factory=list)

    def open(self, found: Found, keeper: Any) -> Line:
        self.lines.append(Line(found, keeper))
        return self.lines[-1]


def deliver(work: Callable[..., Any], *args: Any) -> None:
    work(*args)


@dataclass
class Hub:
    """All workflows, and what was told of them."""

    links: Links
    flows: Flows
    told: list[tuple[str, str]]

    def see(self, change: Change, found: Found) -> None:
        self.flows.tell(change, found)

    @property
    def line(self) -> Line:
        return self.links.lines[-1]

    @property
    def entry(self) -> Any:
        return self.flows.find('a/run1')

    @property
    def store(self) -> Any:
        return self.entry.workflow.store

    def connect(self, kind: str = 'feed') -> None:
        """Have the line connect, and the replica loaded."""
        done: list[int] = []
        self.line.keeper.linked(kind, 'secret-secret')
        self.line.keeper.load(SNAPSHOT, SIDE, lambda: done.append(1))
        assert done == [1]


@pytest.fixture
def hub() -> Hub:
    links, told = Links(), []
    flows = Flows('me', links, Tools(deliver))  # type: ignore[arg-type]
    flows.watch(lambda kind, entry: told.append((kind, entry.name)))
    return Hub(links, flows, told)


def test_without_scheduler(hub):
    """A workflow that never ran has a replica all the same."""
    hub.see(Change.ADDED, INSTALLED)
    flow = hub.store.workflow
    assert (flow.id, flow.name, flow.owner) == ('~me/a/run1', 'a/run1', 'me')
    assert (flow.status, flow.status_msg) == ('stopped', 'not yet run')
    assert not hub.store.task_proxies
    assert hub.entry.status == 'installed'
    assert not hub.entry.connected
    assert hub.flows.names == {'a/run1'}
    assert hub.flows.all() == [hub.entry.workflow]
    assert hub.links.lines == []
    assert hub.told == [('added', 'a/run1')]
    with pytest.raises(Unavailable, match='not run'):
        hub.entry.workflow.commands.submit('pause', 'me')


def test_life(hub):
    """It starts, runs, and stops; its last replica stays."""
    hub.see(Change.ADDED, INSTALLED)
    entry = hub.entry
    hub.see(Change.CHANGED, RUNNING)
    assert hub.entry is entry
    assert (entry.status, entry.link) == ('running', '')
    assert hub.store.workflow.status_msg == 'not connected yet'
    hub.connect()
    assert (entry.link, entry.connected) == ('feed', True)
    assert entry.workflow.passphrase == 'secret-secret'
    proxies = hub.store.task_proxies
    assert proxies
    assert hub.store.side.definition.serial == 1
    hub.see(Change.CHANGED, STOPPED)
    assert hub.line.closed
    assert (entry.status, entry.link, entry.connected) == (
        'stopped', '', False)
    assert hub.store.workflow.status == 'stopped'
    assert hub.store.workflow.port == 0
    assert hub.store.task_proxies == proxies
    assert {kind for kind, _ in hub.told} == {'added', 'changed'}


def test_restart(hub):
    """Another run is another line, and begins with a snapshot."""
    hub.see(Change.ADDED, RUNNING)
    hub.connect()
    first = hub.line
    again = replace(RUNNING, contact=replace(CONTACT, uuid='2', pid=78))
    hub.see(Change.CHANGED, again)
    assert first.closed
    assert hub.line is not first
    version = hub.store.version
    first.keeper.load(SNAPSHOT, SIDE, lambda: None)
    assert hub.store.version == version
    hub.connect('zmq')
    assert hub.entry.link == 'zmq'
    assert hub.store.side.definition.serial == 2


def test_seen_in_another_way(hub):
    """The web server comes after the contact file."""
    hub.see(Change.ADDED, RUNNING)
    problem = replace(RUNNING, problem='odd')
    hub.see(Change.CHANGED, problem)
    assert len(hub.links.lines) == 1
    assert hub.line.found is problem
    assert hub.entry.problem == 'odd'


def test_removed(hub):
    """Those who follow are told; what comes again is another."""
    hub.see(Change.ADDED, INSTALLED)
    feed = hub.entry.workflow.feed
    names = hub.flows.names
    hub.see(Change.CHANGED, replace(INSTALLED, problem='odd'))
    assert hub.flows.names is names
    member = feed.join('x', lambda: PlainGroup(
        hub.store, feed, CODECS['cylc-feed.json']))
    hub.see(Change.REMOVED, INSTALLED)
    assert hub.entry is None
    assert hub.flows.names == frozenset()
    while member.ended is None:
        member.take(0)
    assert member.ended == REMOVED
    assert hub.told[-1] == ('removed', 'a/run1')
    hub.see(Change.REMOVED, INSTALLED)


def test_installed_anew(hub):
    """A run directory of the same name may be another one."""
    hub.see(Change.ADDED, INSTALLED)
    before = hub.entry
    hub.see(Change.CHANGED, replace(INSTALLED, identity=(1, 2)))
    assert hub.entry is not before
    assert [kind for kind, _ in hub.told] == ['added', 'removed', 'added']


def test_installed_anew_in_the_same_place(hub):
    """Nothing of the one that has run is taken for the next."""
    hub.see(Change.ADDED, RUNNING)
    hub.connect()
    before = hub.entry
    hub.see(Change.CHANGED, STOPPED)
    assert hub.entry is before
    hub.see(Change.CHANGED, INSTALLED)
    assert hub.entry is not before
    assert not hub.store.task_proxies
    assert hub.entry.workflow.passphrase == ''
    assert hub.told[-2:] == [('removed', 'a/run1'), ('added', 'a/run1')]


def test_unreachable(hub):
    """A scheduler that does not answer may run all the same."""
    hub.see(Change.ADDED, RUNNING)
    hub.connect()
    stamp = hub.store.workflow.stamp
    hub.line.keeper.lost('no answer')
    assert (hub.entry.status, hub.entry.problem) == (
        'unreachable', 'no answer')
    flow = hub.store.workflow
    assert (flow.status, flow.status_msg) == (
        'running', 'unreachable: no answer')
    hub.line.keeper.lost('still none')
    hub.line.keeper.linked('feed', '')
    assert hub.store.workflow.stamp == stamp
    assert hub.store.workflow.status_msg != flow.status_msg
    assert hub.entry.status == 'running'
    assert hub.entry.workflow.passphrase == 'secret-secret'


def test_good_end(hub):
    """A scheduler that takes its leave is in no trouble."""
    hub.see(Change.ADDED, RUNNING)
    hub.connect()
    said = hub.store.workflow.status_msg
    hub.line.keeper.lost('')
    assert (hub.entry.status, hub.entry.connected) == ('running', False)
    assert hub.store.workflow.status_msg == said


def test_crashed(hub):
    hub.see(Change.ADDED, RUNNING)
    hub.connect()
    hub.line.keeper.lost('no answer')
    hub.see(Change.CHANGED, CRASHED)
    assert hub.entry.status == 'crashed'
    assert hub.entry.problem == ''
    assert hub.store.workflow.status == 'stopped'
    assert 'crashed' in hub.store.workflow.status_msg


@pytest.mark.parametrize('bad', [b'\xff\xff', None])
def test_out_of_step(hub, bad):
    """What cannot be applied makes the line begin again."""
    hub.see(Change.ADDED, RUNNING)
    keeper = hub.line.keeper
    keeper.linked('feed', '')
    done: list[int] = []
    if bad is None:
        keeper.apply(b'', SIDE, lambda: done.append(1))
        assert hub.store.version == 1
    else:
        keeper.load(bad, SIDE, lambda: done.append(1))
        assert hub.line.resyncs == 1
    assert done == [1]
    hub.connect()
    assert hub.store.task_proxies


def paused() -> bytes:
    delta = pb.AllDeltas()
    delta.workflow.updated.id = '~me/a/run1'
    delta.workflow.updated.status = 'paused'
    delta.workflow.updated.status_msg = 'stalled and paused'
    delta.workflow.updated.log_records.add(level='WARNING', message='low')
    delta.workflow.updated.log_records.add(level='?', message='none')
    return bytes(delta.SerializeToString())


def test_deltas(hub):
    """A delta changes the status, and brings records of the log."""
    hub.see(Change.ADDED, RUNNING)
    hub.connect()
    known = hub.entry.workflow.records.newest
    hub.line.keeper.apply(paused(), SIDE, lambda: None)
    assert hub.entry.status == 'stalled'
    records, _ = hub.entry.workflow.records.since(known)
    assert [(record.level, record.text) for record in records] == [
        (30, 'low')]


def test_another_workflow(hub):
    """A scheduler cannot put itself in the place of another workflow."""
    hub.see(Change.ADDED, RUNNING)
    keeper = hub.line.keeper
    keeper.linked('feed', '')
    keeper.load(snapshot('~me/b'), SIDE, lambda: None)
    assert hub.store.workflow.id == '~me/a/run1'
    assert not hub.store.task_proxies
    assert hub.line.resyncs == 1
    hub.connect()
    assert hub.store.task_proxies
    delta = pb.AllDeltas()
    delta.workflow.updated.id = '~me/b'
    keeper.apply(delta.SerializeToString(), SIDE, lambda: None)
    assert hub.store.workflow.id == '~me/a/run1'
    assert hub.line.resyncs == 2


def test_files_of_others(hub):
    """A scheduler cannot say that its files are elsewhere."""
    hub.see(Change.ADDED, RUNNING)
    hub.connect()
    definition = hub.store.side.definition
    assert definition.run_dir == '/run/a'
    assert (definition.owner, definition.workflow) == ('me', 'a/run1')


def test_listener_with_a_fault(hub):
    """Nobody else suffers from it."""
    def fail(kind: str, entry: Any) -> None:
        raise RuntimeError('fault')
    stop = hub.flows.watch(fail)
    heard: list[str] = []
    hub.flows.watch(lambda kind, entry: heard.append(kind))
    hub.see(Change.ADDED, INSTALLED)
    assert heard == ['added']
    stop()


def test_close(hub):
    hub.see(Change.ADDED, RUNNING)
    hub.connect()
    feed = hub.entry.workflow.feed
    member = feed.join('x', lambda: PlainGroup(
        hub.store, feed, CODECS['cylc-feed.json']))
    hub.flows.close()
    assert hub.line.closed
    while member.ended is None:
        member.take(0)
    assert member.ended == ENDING


def test_crashed_at_once(hub):
    """What nobody has seen running is shown as crashed all the same."""
    hub.see(Change.ADDED, INSTALLED)
    hub.see(Change.CHANGED, CRASHED)
    assert hub.entry.status == 'crashed'
    assert hub.store.workflow.status_msg.startswith('crashed')
    with pytest.raises(Unavailable, match='does not run: crashed'):
        hub.entry.commands.submit('pause', 'alice')


def test_others_are_served(monkeypatch):
    """However much there is to write, it goes in spells."""
    monkeypatch.setattr(keeper, 'SPELL', 0)
    done, begun = [], []
    turns = InTurn(begun.append, lambda: done.append('rest'))
    for number in range(3):
        turns.add(lambda number=number: done.append(number))
    (work,) = begun
    work()
    assert done == [0, 'rest', 1, 'rest', 2, 'rest']


def test_overlap():
    assert overlap([1, 2, 3], [3]) == 1
    assert overlap([1, 1], [1, 1, 1]) == 2
