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
"""The files for browsers: found by name, kept apart by a hash."""

from __future__ import annotations

from collections.abc import Iterator
import gzip
from pathlib import Path
from typing import Any

import pytest

from cylc_flask.page.files import Files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / 'static'
    (path / 'js').mkdir(parents=True)
    (path / 'js' / 'main.js').write_text('let a = 1;\n' * 1000)
    (path / 'small.css').write_text('a {}')
    (path / 'image.png').write_bytes(b'x' * 5000)
    (tmp_path / 'secret').write_text('x')
    return path


@pytest.fixture
def files(folder: Path) -> Files:
    return Files(folder, every=0)


def test_find(files: Files, folder: Path) -> None:
    found = files.find('js/main.js')
    assert found
    assert found.data == (folder / 'js' / 'main.js').read_bytes()
    assert found.type == 'text/javascript; charset=utf-8'
    assert found.packed
    assert gzip.decompress(found.packed) == found.data
    assert len(found.packed) < 200


@pytest.mark.parametrize('name', ['small.css', 'image.png'])
def test_not_worth_packing(files: Files, name: str) -> None:
    found = files.find(name)
    assert found
    assert found.packed is None


@pytest.mark.parametrize('name', [
    '', '.', '..', '../secret', 'js', 'js/', 'js/../small.css', '/etc/passwd',
    'js/nix.js', 'js//main.js', 'small.css\0',
])
def test_no_other_name(files: Files, name: str) -> None:
    assert files.find(name) is None


def test_change(files: Files, folder: Path) -> None:
    """A change is seen, and gives another hash; the same files the same."""
    first, found = files.hash, files.find('small.css')
    assert files.hash == Files(folder).hash == first
    (folder / 'small.css').write_text('a { color: red }')
    assert files.hash != first
    changed = files.find('small.css')
    assert found and changed
    assert changed.tag != found.tag
    (folder / 'small.css').unlink()
    assert files.find('small.css') is None


def test_split(files: Files) -> None:
    assert files.split(f'{files.hash}/small.css') == ('small.css', True)
    assert files.split('0' * 16 + '/small.css') == ('small.css', False)
    assert files.split('js/main.js') == ('js/main.js', False)


def test_file_that_goes_meanwhile(folder: Path) -> None:
    """What has gone between two looks is not there, and no fault."""
    gone = folder / 'small.css'

    class Late(Files):
        def _walk(self) -> Iterator[Any]:
            yield from super()._walk()
            gone.unlink(missing_ok=True)

    files = Late(folder, every=0)
    assert files.find('small.css') is None
    first = files.hash
    gone.write_text('b {}')
    assert files.find('small.css') is None
    assert files.hash == first


def test_looked_through_now_and_then(folder: Path) -> None:
    files = Files(folder, every=3600)
    first = files.hash
    (folder / 'small.css').write_text('b {}')
    assert files.hash == first
    assert Files(folder).hash != first
