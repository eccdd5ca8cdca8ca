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
"""Private files: whole or not at all, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
import errno
import os
from pathlib import Path

import pytest

from cylc_flask import private
from cylc_flask.private import UnusableFile
from tests.disk import fill, small_disk


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Let everybody read and write what is made without a mode."""
    old = os.umask(0)
    yield
    os.umask(old)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_written_for_the_owner_only(tmp_path: Path, open_umask: None):
    path = tmp_path / 'secret'
    private.write(path, b'one')
    assert (path.read_bytes(), mode(path)) == (b'one', 0o600)


def test_replaces_a_file_and_its_mode(tmp_path: Path):
    path = tmp_path / 'secret'
    path.write_bytes(b'a longer text')
    path.chmod(0o644)
    private.write(path, b'short')
    assert (path.read_bytes(), mode(path)) == (b'short', 0o600)
    assert os.listdir(tmp_path) == ['secret']


def test_replaces_a_link_not_its_target(tmp_path: Path):
    target, path = tmp_path / 'target', tmp_path / 'secret'
    target.write_text('theirs')
    path.symlink_to(target)
    private.write(path, b'ours')
    assert target.read_text() == 'theirs'
    assert not path.is_symlink()


def test_directory_in_the_place_of_a_file(tmp_path: Path):
    path = tmp_path / 'secret'
    path.mkdir()
    with pytest.raises(IsADirectoryError, match='secret'):
        private.write(path, b'text')
    with pytest.raises(UnusableFile, match='secret: a directory'):
        private.read(path)
    assert os.listdir(tmp_path) == ['secret']


def test_full_disk_leaves_the_old_file(tmp_path: Path):
    with small_disk(tmp_path / 'disk') as disk:
        path = disk / 'secret'
        private.write(path, b'old')
        fill(disk)
        with pytest.raises(OSError) as info:
            private.write(path, b'new' * 1000)
        assert info.value.errno == errno.ENOSPC
        assert path.read_bytes() == b'old'
        assert sorted(os.listdir(disk)) == ['filler', 'secret']


def test_missing_file_is_nothing(tmp_path: Path):
    assert private.read(tmp_path / 'secret') is None
    assert private.read(tmp_path / 'missing' / 'secret') is None


def test_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / 'secret')
    with pytest.raises(UnusableFile, match='not a regular file'):
        private.read(tmp_path / 'secret')


def test_huge_file_is_not_read(tmp_path: Path):
    path = tmp_path / 'secret'
    with path.open('wb') as file:
        file.truncate(1 << 40)
    with pytest.raises(UnusableFile, match='too long'):
        private.read(path)


@pytest.mark.parametrize('before, after', [
    (0o666, 0o600), (0o755, 0o700), (0o440, 0o400), (0o600, 0o600),
])
def test_tighten(tmp_path: Path, before: int, after: int):
    path = tmp_path / 'secret'
    path.touch()
    path.chmod(before)
    private.tighten(path)
    assert mode(path) == after


def test_make_directory(tmp_path: Path, open_umask: None):
    path = tmp_path / 'folder'
    private.make_directory(path)
    assert mode(path) == 0o700
    private.make_directory(path)


def test_make_directory_where_a_file_is(tmp_path: Path):
    path = tmp_path / 'folder'
    path.touch()
    with pytest.raises(UnusableFile, match='folder: not a directory'):
        private.make_directory(path)


def test_make_directory_where_a_link_is(tmp_path: Path):
    path = tmp_path / 'folder'
    path.symlink_to(tmp_path)
    with pytest.raises(UnusableFile, match='folder: not a directory'):
        private.make_directory(path)
