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
"""Discovery: what comes, changes and goes is told, soon and once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
import errno
import os
from pathlib import Path
import shutil
import time

import pytest

from cylc_flask.hub.runs import discovery, watch
from cylc_flask.hub.runs.discovery import Change, Discovery
from cylc_flask.hub.runs.scan import Found, RunRoot, Status, Sweep
from tests import run_dirs
from tests.harness import wait_for
from tests.run_dirs import install, run_root, running, serve, stopped

#: Seconds within which changes have to be seen, on a busy machine.
SOON = 10

#: The same at most times.
PROMPT = 2

#: A period that none of these tests lives to see.
NEVER = 3600


class Told:
    """What was told, in order, and what follows from it."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.known: dict[str, Found] = {}

    def __call__(self, change: Change, found: Found) -> None:
        self.changes.append((change.value, found.name))
        if change is Change.REMOVED:
            del self.known[found.name]
        else:
            assert (found.name in self.known) is (change is Change.CHANGED)
            self.known[found.name] = found

    def status(self, name: str) -> str | None:
        found = self.known.get(name)
        return found and found.status.value

    def soon(self, name: str, status: str | None) -> None:
        wait_for(
            lambda: self.status(name) == status, SOON,
            f'{name} {status}, but {self.status(name)}')


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / 'cylc-run'
    path.mkdir()
    return path


@pytest.fixture
def begin(root: Path) -> Iterator[Callable[..., tuple[Told, Discovery]]]:
    """Start a discovery and wait until it knows what is there."""
    started = []

    def start(**settings) -> tuple[Told, Discovery]:
        told = Told()
        settings = {'period': NEVER, **settings}
        found = Discovery(run_root(root), told, **settings)
        found.start()
        started.append(found)
        found.scan().result(SOON)
        return told, found

    yield start
    for found in started:
        found.stop()


@pytest.fixture
def told(begin) -> Told:
    return begin()[0]


# What is told

def test_what_is_there(root: Path, begin):
    install(root, 'a/run1')
    stopped(root, 'b')
    running(root, 'c')
    running(root, 'd', COMMAND='gone')
    told, found = begin()
    assert {name: told.status(name) for name in told.known} == {
        'a/run1': 'installed', 'b': 'stopped', 'c': 'running',
        'd': 'crashed'}
    assert found.known() == [*told.known.values()]


def test_life(root: Path, told: Told):
    run_dir = install(root, 'a/run1')
    told.soon('a/run1', 'installed')
    (run_dir / 'log' / 'scheduler').mkdir()
    (run_dir / '.service').mkdir()
    (run_dir / '.service' / 'db').touch()
    told.soon('a/run1', 'stopped')
    running(root, 'a/run1')
    told.soon('a/run1', 'running')
    info = serve(run_dir)
    wait_for(lambda: told.known['a/run1'].http == info, SOON, 'its address')
    (run_dir / '.service' / 'http.json').unlink()
    wait_for(lambda: told.known['a/run1'].http is None, SOON, 'no address')
    (run_dir / '.service' / 'contact').unlink()
    told.soon('a/run1', 'stopped')
    shutil.rmtree(root / 'a')
    told.soon('a/run1', None)


def test_what_happens_is_told_promptly(root: Path, told: Told):
    """By notification; `test_crash` waits for a process, which has none."""
    delays = []
    for number in range(5):
        time.sleep(0.2)
        before = time.monotonic()
        running(root, f'w{number}')
        told.soon(f'w{number}', 'running')
        delays.append(time.monotonic() - before)
    assert sorted(delays)[2] < PROMPT


def test_crash(root: Path, told: Told):
    with run_dirs.sleeper() as process:
        running(root, 'a', process.pid)
        told.soon('a', 'running')
        process.kill()
        told.soon('a', 'crashed')


def test_restart_between_two_looks(root: Path, told: Told):
    running(root, 'a', UUID='first')
    told.soon('a', 'running')
    (root / 'a' / '.service' / 'contact').unlink()
    running(root, 'a', UUID='second')
    wait_for(lambda: told.known['a'].uuid == 'second', SOON)


def test_installed_anew(root: Path, told: Told):
    install(root, 'a')
    told.soon('a', 'installed')
    before = told.known['a'].identity
    (root / 'a').rename(root.parent / 'elsewhere')
    install(root, 'a')
    wait_for(lambda: told.known['a'].identity != before, SOON)


def test_half_written_contact_file(root: Path, told: Told):
    stopped(root, 'a')
    told.soon('a', 'stopped')
    content = run_dirs.contact('a')
    with (root / 'a' / '.service' / 'contact').open('wb', 0) as file:
        file.write(content[:99])
        time.sleep(0.5)
        file.write(content[99:])
        assert told.status('a') == 'stopped'
    told.soon('a', 'running')


def test_renames(root: Path, told: Told):
    for name in ('a/b/run1', 'a/run1', 'c'):
        install(root, name)
        told.soon(name, 'installed')
    (root / 'a').rename(root / 'z')
    told.soon('z/b/run1', 'installed')
    told.soon('z/run1', 'installed')
    (root / 'c').rename(root / 'z' / 'c')
    told.soon('z/c', 'installed')
    assert sorted(told.known) == ['z/b/run1', 'z/c', 'z/run1']
    stopped(root, 'z/b/run2')
    told.soon('z/b/run2', 'stopped')
    running(root, 'z/b/run2')
    told.soon('z/b/run2', 'running')


def test_moved_in_and_out(root: Path, told: Told, tmp_path: Path):
    stopped(tmp_path, 'elsewhere/a/run1')
    (tmp_path / 'elsewhere').rename(root / 'x')
    told.soon('x/a/run1', 'stopped')
    running(root, 'x/a/run1')
    told.soon('x/a/run1', 'running')
    (root / 'x').rename(tmp_path / 'out')
    told.soon('x/a/run1', None)


def test_folder_becomes_a_workflow(root: Path, told: Told):
    install(root, 'a/run1')
    told.soon('a/run1', 'installed')
    (root / 'a' / 'flow.cylc').touch()
    told.soon('a', 'installed')
    told.soon('a/run1', None)
    (root / 'a' / 'flow.cylc').unlink()
    told.soon('a', None)
    told.soon('a/run1', 'installed')


def test_linked_run_directory(root: Path, told: Told, tmp_path: Path):
    stopped(tmp_path, 'scratch/a/run1')
    (root / 'a').mkdir()
    (root / 'a' / 'run1').symlink_to(tmp_path / 'scratch' / 'a' / 'run1')
    told.soon('a/run1', 'stopped')
    running(root, 'a/run1')
    told.soon('a/run1', 'running')
    (root / 'a' / 'run1').unlink()
    told.soon('a/run1', None)


def test_other_names_of_a_workflow(root: Path, told: Told):
    install(root, 'a/run1')
    (root / 'a' / 'latest').symlink_to('run1')
    (root / 'a' / 'runN').symlink_to('run1')
    (root / '_a').symlink_to('a')
    told.soon('a/run1', 'installed')
    running(root, 'a/run1')
    told.soon('a/run1', 'running')
    assert [*told.known] == ['a/run1']
    shutil.rmtree(root / 'a')
    told.soon('a/run1', None)


def test_root_removed_and_made_again(root: Path, told: Told):
    install(root, 'a')
    told.soon('a', 'installed')
    shutil.rmtree(root)
    told.soon('a', None)
    install(root, 'b')
    told.soon('b', 'installed')
    install(root, 'c')
    told.soon('c', 'installed')


def test_root_that_comes_later(root: Path, begin):
    root.rmdir()
    told, _ = begin()
    install(root, 'a')
    told.soon('a', 'installed')


def test_unreadable_folders(root: Path, begin):
    """They are taken to be as they were, until they can be read."""
    for name in ('a/run1', 'b'):
        running(root, name)
    told, found = begin()
    with run_dirs.closed(root / 'a', root / 'b' / '.service'):
        found.scan().result(SOON)
        assert told.status('a/run1') == told.status('b') == 'running'
    (root / 'a' / 'run1' / '.service' / 'contact').unlink()
    (root / 'b' / '.service' / 'contact').unlink()
    told.soon('a/run1', 'stopped')
    told.soon('b', 'stopped')


def test_many_at_once(root: Path, told: Told):
    for number in range(200):
        stopped(root, f'group{number % 7}/w{number}')
    wait_for(lambda: len(told.known) == 200, SOON, 'all of them')
    shutil.rmtree(root / 'group0')
    wait_for(lambda: len(told.known) == 171, SOON, 'less of them')


# What is not

def test_databases_and_logs_cost_nothing(root: Path, begin, monkeypatch):
    run_dir = running(root, 'a')
    told, found = begin()
    looks = []
    monkeypatch.setattr(found, '_look_at', looks.append)
    for number in range(20):
        (run_dir / '.service' / 'db-journal').touch()
        (run_dir / '.service' / 'db-journal').unlink()
        (run_dir / 'log' / f'{number}').touch()
        (run_dir / f'{number}.txt').touch()
    time.sleep(0.5)
    assert not looks


def test_nothing_is_told_twice(root: Path, begin):
    install(root, 'a')
    running(root, 'b')
    told, found = begin()
    for _ in range(3):
        found.scan().result(SOON)
    found.look('a')
    found.look('nowhere')
    found.scan().result(SOON)
    assert sorted(told.changes) == [('added', 'a'), ('added', 'b')]


# Without notification

def test_period(root: Path, begin):
    told, _ = begin(notify=False, period=1)
    run_dir = running(root, 'a')
    told.soon('a', 'running')
    (run_dir / '.service' / 'contact').unlink()
    told.soon('a', 'stopped')
    shutil.rmtree(root)
    told.soon('a', None)


def test_scan_on_demand(root: Path, begin):
    told, found = begin(notify=False)
    install(root, 'a')
    assert [flow.name for flow in found.scan().result(SOON)] == ['a']
    assert told.status('a') == 'installed'


def test_look_on_demand(root: Path, begin):
    told, found = begin(notify=False)
    install(root, 'a')
    install(root, 'b')
    found.look('a')
    told.soon('a', 'installed')
    assert 'b' not in told.known


@pytest.mark.parametrize('name', ['', '../x', 'a/../../x', '/x', 'a/runN'])
def test_no_look_elsewhere(root: Path, begin, name: str):
    told, found = begin(notify=False)
    install(root.parent, 'x')
    install(root, 'a/run1')
    found.look(name)
    found.look('nowhere')
    time.sleep(0.3)
    assert not told.changes


def test_crash_without_notification(root: Path, begin):
    with run_dirs.sleeper() as process:
        running(root, 'a', process.pid)
        told, _ = begin(notify=False)
        process.kill()
        told.soon('a', 'crashed')


@pytest.mark.parametrize('most', [0, 3])
def test_too_many_folders(root: Path, begin, monkeypatch, caplog, most):
    """The period has to do then."""
    monkeypatch.setattr(watch, 'MOST', most)
    stopped(root, 'a/run1')
    told, _ = begin(period=1)
    running(root, 'a/run1')
    told.soon('a/run1', 'running')
    assert caplog.text.count('at the next scan only') == 1


def test_no_notification_to_be_had(
    root: Path, begin, monkeypatch, caplog
):
    """There are few of these for each user, and for the whole machine."""
    def refuse() -> None:
        raise OSError(errno.EMFILE, 'too many')

    monkeypatch.setattr(watch, 'INotify', refuse)
    told, _ = begin(period=1)
    install(root, 'a')
    told.soon('a', 'installed')
    assert 'at the next scan only' in caplog.text


def test_lost_events(root: Path, begin, monkeypatch):
    """The system tells only part of them when there are too many."""
    limit = int(Path('/proc/sys/fs/inotify/max_queued_events').read_text())
    monkeypatch.setattr(discovery, 'SETTLE', 3)
    told, _ = begin()
    (root / 'x').touch()
    time.sleep(0.3)  # it gathers now
    for number in range(limit):
        os.rename(root / f'x{number or ""}', root / f'x{number + 1}')
    install(root, 'a')
    told.soon('a', 'installed')


# Faults

def test_who_is_told_fails(root: Path, caplog):
    names = []

    def tell(change: Change, found: Found) -> None:
        names.append(found.name)
        raise RuntimeError('no')

    install(root, 'a')
    install(root, 'b')
    found = Discovery(run_root(root), tell)
    found.start()
    try:
        found.scan().result(SOON)
        install(root, 'c')
        wait_for(lambda: len(names) == 3, SOON)
    finally:
        found.stop()
    assert sorted(names) == ['a', 'b', 'c']
    assert 'a, added' in caplog.text


def test_fault_of_its_own(root: Path, begin, monkeypatch, caplog):
    told, found = begin()
    monkeypatch.setattr(discovery, 'PULSE', 0.1)
    with monkeypatch.context() as patch:
        patch.setattr(discovery, 'merged', None)
        install(root, 'a')
        asked = found.scan()
        wait_for(lambda: 'fault in the discovery' in caplog.text, SOON)
    told.soon('a', 'installed')
    assert [each.name for each in asked.result(SOON)] == ['a']


def test_many_who_ask(root: Path, begin, monkeypatch):
    """They take half of the time of a file server at most."""
    _, found = begin()
    sweep, taken = RunRoot.sweep, []

    def slow(root: RunRoot, *names: str) -> Sweep:
        taken.append(names)
        time.sleep(0.2)
        return sweep(root, *names)
    monkeypatch.setattr(RunRoot, 'sweep', slow)
    began = time.monotonic()
    for _ in range(3):
        found.scan().result(SOON)
    assert time.monotonic() - began > 0.9
    assert len(taken) >= 3


def test_end(root: Path, begin):
    _, found = begin()
    found.stop()
    found.stop()
    found.look('a')
    with pytest.raises(CancelledError):
        found.scan().result(0)


def test_end_before_the_start(root: Path):
    found = Discovery(run_root(root), Told())
    asked = found.scan()
    found.stop()
    assert asked.cancelled()


def test_dead_process_of_what_cannot_be_read(root: Path, begin):
    with run_dirs.sleeper() as process:
        running(root, 'a', process.pid)
        told, found = begin()
        with run_dirs.closed(root / 'a' / '.service'):
            process.kill()
            told.soon('a', 'crashed')
            assert told.known['a'].status is Status.CRASHED
