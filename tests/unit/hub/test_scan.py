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
"""A run root, read: names, states and what is no workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
import os
from pathlib import Path

import pytest

from cylc.flow.network.scan import scan as cylc_scan
from cylc_flask.hub.runs.scan import Found, RunRoot, Status
from cylc_flask.process import Process
from tests import run_dirs
from tests.run_dirs import install, run_root, running, serve, stopped


def names(root: RunRoot) -> list[str]:
    return sorted(root.sweep().found)


def only(path: Path, **settings) -> Found:
    (found,) = run_root(path, **settings).sweep().found.values()
    return found


# Names

def test_nested_names(tmp_path: Path):
    for name in ('a', 'b/run1', 'b/run2', 'c/d/e/f', 'c/d/g/h/i'):
        install(tmp_path, name)
    (tmp_path / 'b' / '_cylc-install').mkdir()
    (tmp_path / 'empty' / 'folder').mkdir(parents=True)
    (tmp_path / 'file').touch()
    root = run_root(tmp_path)
    assert names(root) == ['a', 'b/run1', 'b/run2', 'c/d/e/f']
    assert names(run_root(tmp_path, max_depth=1)) == ['a']
    assert 'c/d/g/h/i' in names(run_root(tmp_path, max_depth=5))


def test_one_name(tmp_path: Path):
    for name in ('a', 'b/run1', 'b/run2', 'bb'):
        install(tmp_path, name)
    root = run_root(tmp_path)
    assert sorted(root.sweep('b').found) == ['b/run1', 'b/run2']
    assert [*root.sweep('b/run1').found] == ['b/run1']
    assert not root.sweep('b/run3').found
    assert not root.sweep('a/b/c/d/e').found


def test_nothing_below_a_workflow(tmp_path: Path):
    install(tmp_path, 'a')
    install(tmp_path, 'a/b')
    install(tmp_path, 'a/.service/c')
    assert names(run_root(tmp_path)) == ['a']


def test_as_cylc_finds_them(tmp_path: Path):
    for name in ('a', 'b/run1', 'c/d/e/f', 'c/d/g/h/i'):
        install(tmp_path, name)
    install(tmp_path, 'old', 'suite.rc')
    ran = install(tmp_path, 'ran', 'suite.rc')
    (ran / 'log' / 'suite' / 'log').mkdir(parents=True)
    again = install(tmp_path, 'again', 'suite.rc')
    (again / 'log' / 'suite' / 'log').mkdir(parents=True)
    (again / 'log' / 'scheduler').mkdir()
    (tmp_path / 'b' / 'runN').symlink_to('run1')
    (tmp_path / 'b' / '_cylc-install').mkdir()
    (tmp_path / 'b' / '_cylc-install' / 'source').symlink_to(tmp_path / 'a')
    (tmp_path / 'dangling').symlink_to('nowhere')

    async def theirs() -> list[str]:
        return sorted([
            flow['name'] async for flow in cylc_scan(tmp_path, max_depth=4)])

    assert names(run_root(tmp_path)) == asyncio.run(theirs())
    assert names(run_root(tmp_path)) == [
        'a', 'again', 'b/run1', 'c/d/e/f', 'old']


@pytest.mark.parametrize('left, expected', [
    (['.service/source'], []),
    (['.service/db', 'log/suite/log'], []),
    (['.service/db', 'log/scheduler/01.log'], ['a']),
])
def test_without_definition(
    tmp_path: Path, left: list[str], expected: list[str]
):
    """One may run on without; what Cylc 7 has registered is not ours."""
    for path in left:
        (tmp_path / 'a' / path).parent.mkdir(parents=True)
        (tmp_path / 'a' / path).touch()
    assert names(run_root(tmp_path)) == expected


def test_linked_run_directory(tmp_path: Path):
    root, scratch = tmp_path / 'root', tmp_path / 'scratch'
    running(scratch, 'a/run1')
    (root / 'a').mkdir(parents=True)
    (root / 'a' / 'run1').symlink_to(scratch / 'a' / 'run1')
    found = only(root)
    assert found.name == 'a/run1'
    assert found.run_dir == root / 'a' / 'run1'
    assert found.status is Status.RUNNING


def test_links_in_circles(tmp_path: Path):
    install(tmp_path, 'a/run1')
    (tmp_path / 'self').symlink_to('self')
    (tmp_path / 'a' / 'up').symlink_to('..')
    (tmp_path / 'a' / 'here').symlink_to('.')
    (tmp_path / 'top').symlink_to('/')
    assert names(run_root(tmp_path, max_depth=3)) == ['a/run1']


def test_root_may_be_a_link(tmp_path: Path):
    install(tmp_path / 'real', 'a')
    (tmp_path / 'link').symlink_to('real')
    assert names(run_root(tmp_path / 'link')) == ['a']


def test_missing_root(tmp_path: Path):
    sweep = run_root(tmp_path / 'missing').sweep()
    assert not sweep.found
    assert not sweep.unreadable


def test_strange_names(tmp_path: Path):
    for name in ('b\u00e4r', 'a+b@c.d_e-f', 'x/\u4e2d', 'x/-y', 'x/2'):
        install(tmp_path, name)
    assert names(run_root(tmp_path)) == sorted(
        ['b\u00e4r', 'a+b@c.d_e-f', 'x/\u4e2d', 'x/-y', 'x/2'])


@pytest.mark.parametrize('name', [
    'two words', 'line\n', 'new\nline', '-x', '.x', '2x', '\udcff', 'a~b',
    "a'b", 'a:b', '$a', 'a' * 253,
])
def test_names_that_cylc_refuses(tmp_path: Path, name: str):
    """Nobody can play these, and nobody has to take care of them."""
    install(tmp_path / 'x', 'y')
    (tmp_path / 'x').rename(tmp_path / name)
    assert not [*run_root(tmp_path).sweep().found]


# States

def test_installed(tmp_path: Path):
    install(tmp_path, 'a')
    found = only(tmp_path)
    assert found.status is Status.INSTALLED
    assert not found.uuid


def test_stopped(tmp_path: Path):
    stopped(tmp_path, 'a')
    assert only(tmp_path).status is Status.STOPPED


def test_running(tmp_path: Path):
    info = serve(running(tmp_path, 'a', UUID='u-7'))
    found = only(tmp_path)
    assert found.status is Status.RUNNING
    assert found.uuid == 'u-7'
    assert found.process == Process.current()
    assert found.http == info
    assert not found.problem


def test_running_without_web_server(tmp_path: Path):
    running(tmp_path, 'a')
    found = only(tmp_path)
    assert found.status is Status.RUNNING
    assert found.http is None


def test_running_elsewhere(tmp_path: Path):
    running(tmp_path, 'a', HOST=run_dirs.ELSEWHERE, COMMAND='unknown')
    found = only(tmp_path)
    assert found.status is Status.RUNNING
    assert found.process is None


def test_crashed(tmp_path: Path):
    serve(running(tmp_path, 'a', COMMAND='cylc play a'))
    found = only(tmp_path)
    assert found.status is Status.CRASHED
    assert found.contact
    assert found.http is None


def test_web_server_of_an_earlier_scheduler(tmp_path: Path):
    serve(running(tmp_path, 'a'), pid=1)
    assert only(tmp_path).http is None


def test_being_started(tmp_path: Path):
    run_dir = stopped(tmp_path, 'a')
    (run_dir / '.service' / 'contact').touch()
    assert only(tmp_path).status is Status.STOPPED


@pytest.mark.parametrize('spoil, problem', [
    (lambda path: path.write_text('CYLC_API=5\n'), 'CYLC_WORKFLOW_ID'),
    (lambda path: path.write_bytes(b'\0' * 2_000_000), 'too long'),
    (lambda path: path.mkdir(), 'a directory'),
    (os.mkfifo, 'not a regular file'),
    (lambda path: path.symlink_to(path), 'Too many levels'),
])
def test_broken_contact_file(
    tmp_path: Path, spoil: Callable[[Path], object], problem: str
):
    path = stopped(tmp_path, 'a') / '.service' / 'contact'
    spoil(path)
    if not path.is_symlink():
        run_dirs.age(path)
    found = only(tmp_path)
    assert found.status is Status.CRASHED
    assert problem in found.problem


def test_broken_address_file(tmp_path: Path):
    run_dir = running(tmp_path, 'a')
    (run_dir / '.service' / 'http.json').write_text('[' * 99_999)
    found = only(tmp_path)
    assert found.status is Status.RUNNING
    assert found.http is None
    assert 'not written by cylc-flask' in found.problem


def test_contact_file_of_another_workflow(tmp_path: Path):
    """A copy of a run directory must not lead to another's scheduler."""
    stopped(tmp_path, 'copy')
    (tmp_path / 'copy' / '.service' / 'contact').write_bytes(
        run_dirs.contact('a'))
    found = only(tmp_path)
    assert found.status is Status.STOPPED
    assert found.contact is None
    assert found.problem == 'its contact file is of "a"'


def test_unreadable_folders(tmp_path: Path):
    for name in ('a', 'b/c', 'd'):
        running(tmp_path, name)
    with run_dirs.closed(tmp_path / 'b', tmp_path / 'd' / '.service'):
        sweep = run_root(tmp_path).sweep()
    assert sorted(sweep.found) == ['a', 'd']
    assert sweep.unreadable == {'b', 'd'}
    assert 'Permission denied' in sweep.found['d'].problem


def test_identity_tells_a_new_run_directory(tmp_path: Path):
    before = install(tmp_path, 'a')
    found = only(tmp_path)
    assert only(tmp_path) == found
    before.rename(tmp_path.parent / 'kept-elsewhere')
    install(tmp_path, 'a')
    assert only(tmp_path).identity != found.identity


def test_folders_are_visited_before_they_are_read(tmp_path: Path):
    """Whoever watches them from then on misses nothing."""
    stopped(tmp_path, 'a/run1')

    def visit(folder: str) -> None:
        if folder == str(tmp_path / 'b'):
            install(tmp_path, 'b/late')

    (tmp_path / 'b').mkdir()
    root = run_root(tmp_path).watched_by(visit)
    sweep = root.sweep()
    assert sorted(sweep.found) == ['a/run1', 'b/late']
    assert sweep.visited == {str(tmp_path / name) for name in (
        '.', 'a', 'a/run1', 'a/run1/.service', 'b', 'b/late',
        'b/late/.service')}


def test_cylc_s_own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    root = RunRoot.of_cylc()
    assert root.path == tmp_path / 'cylc-run'
    assert root.max_depth == 4
    assert root.is_local('localhost')
    assert not root.is_local('192.0.2.1')
