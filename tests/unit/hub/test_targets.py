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
"""What commands may be given."""

from __future__ import annotations

from pathlib import Path

import pytest

from cylc.flow.cfgspec.glbl_cfg import glbl_cfg
from cylc_flask.errors import NotFound, RequestError
from cylc_flask.hub.life import targets


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home directory with a configuration of its own."""
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('CYLC_CONF_PATH', str(tmp_path / 'conf'))
    (tmp_path / 'conf').mkdir()
    (tmp_path / 'conf' / 'global.cylc').write_text('')
    glbl_cfg(reload=True)
    yield tmp_path
    monkeypatch.undo()
    glbl_cfg(reload=True)


def define(folder: Path, name: str = 'flow.cylc') -> Path:
    folder.mkdir(parents=True)
    (folder / name).touch()
    return folder


@pytest.mark.parametrize('name', [
    'a', 'a/run1', 'a/b/c', 'a-b_c+d@e.f', 'Übung/run10', 'a/1',
])
def test_workflow_names(name):
    assert targets.workflow_name(name) == name


@pytest.mark.parametrize('name', [
    '', '/', '/etc', '.', '..', '../x', 'a/..', 'a/../../etc', 'a//b', 'a/',
    './a', 'a/.service', '.hidden', '-a', '--host=x', 'a/-rf', 'a/runN',
    'runN', '_cylc-install', 'a/_cylc-install/source', 'a/log', 'a/share/x',
    'a/flow.cylc', '*', 'a*', 'a?', '[ab]', '~', '~root/a', 'a:failed',
    'a//1/t', 'a b', 'a\nb', 'a\0', 'a;b', '$(id)', 'a\u202eb', '\ud800',
    'x' * 300, None, 1, ['a'], True,
])
def test_no_workflow_names(name):
    with pytest.raises(RequestError):
        targets.workflow_name(name)


@pytest.mark.parametrize('name', ['1', 'run_b', 'test-1'])
def test_run_names(name):
    assert targets.run_name(name) == name


@pytest.mark.parametrize('name', ['', 'a/b', '..', '-x', 'runN', 'log', 1])
def test_no_run_names(name):
    with pytest.raises(RequestError):
        targets.run_name(name)


@pytest.mark.parametrize('text', [
    '1', '20260101T0000Z', '2026-01-01T00:00+01:00', '1/foo', '1/foo_m1+x',
])
def test_moments(text):
    assert targets.moment(text) == text


@pytest.mark.parametrize('text', [
    '', '*', '1/*', '1/[ab]', '1//foo', '/foo', '1/foo/01', '1/foo\n', '-1',
    '1/-x', '..', '1 2', '1' * 300, 1, None,
])
def test_no_moments(text):
    with pytest.raises(RequestError):
        targets.moment(text)


@pytest.mark.parametrize('one, other, expected', [
    ('a', 'a', True), ('a', 'a/run1', True), ('a/run1', 'a', True),
    ('a', 'ab', False), ('a/run1', 'a/run2', False), ('a/b', 'b', False),
])
def test_overlap(one, other, expected):
    assert targets.overlap(one, other) is expected


def test_installed(home):
    root = home / 'cylc-run'
    flow = define(root / 'a' / 'run1')
    (root / 'a' / 'runN').symlink_to('run1')
    only_service = root / 'b'
    (only_service / '.service').mkdir(parents=True)
    old = define(root / 'old', 'suite.rc')
    elsewhere = define(home / 'scratch' / 'far')
    (root / 'far').symlink_to(elsewhere)
    (root / 'broken').symlink_to(home / 'nowhere')
    assert targets.installed('a/run1') == flow
    assert targets.installed('b') == only_service
    assert targets.installed('old') == old
    assert targets.installed('far') == root / 'far'
    assert targets.installed('broken') == root / 'broken'


def test_not_installed(home):
    """A folder is no workflow, and none is taken for its latest run."""
    root = home / 'cylc-run'
    define(root / 'a' / 'run1')
    (root / 'a' / 'runN').symlink_to('run1')
    define(root / 'folder' / 'b')
    (root / 'link').symlink_to(home)
    for name in ('folder', 'nothing', 'link', 'a/run2'):
        with pytest.raises(NotFound, match='There is no workflow'):
            targets.installed(name)
    with pytest.raises(NotFound, match='name one of them'):
        targets.installed('a')
    (root / 'a' / 'flow.cylc').touch()
    with pytest.raises(NotFound, match='name one of them'):
        targets.installed('a')


def test_is_running(home):
    flow = define(home / 'cylc-run' / 'a')
    (flow / '.service').mkdir()
    assert not targets.is_running(flow)
    (flow / '.service' / 'contact').touch()
    assert targets.is_running(flow)


def test_sources(home):
    root = home / 'cylc-src'
    define(root / 'a')
    define(root / 'a' / 'inside')
    define(root / 'group' / 'b', 'suite.rc')
    define(root / 'with blank')
    define(root / '.git' / 'c')
    define(root / 'd1' / 'd2' / 'd3' / 'd4' / 'd5')
    (root / 'here').symlink_to(root / 'group')
    (root / 'linked').symlink_to(root / 'a')
    (root / 'loop').symlink_to(root)
    (root / 'file').touch()
    assert targets.sources() == ['a', 'group/b', 'linked']
    assert targets.source('group/b') == root / 'group' / 'b'
    for name in ('group', 'nothing'):
        with pytest.raises(NotFound, match='There is no source'):
            targets.source(name)


def test_sources_in_several_places(home):
    (home / 'conf' / 'global.cylc').write_text(
        '[install]\nsource dirs = ~/one, ~/missing, $HOME/two\n')
    glbl_cfg(reload=True)
    define(home / 'one' / 'a')
    define(home / 'two' / 'a')
    define(home / 'two' / 'b')
    assert targets.sources() == ['a', 'b']
    assert targets.source('a') == home / 'one' / 'a'


def test_no_sources(home):
    assert targets.sources() == []
