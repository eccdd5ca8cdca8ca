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
from __future__ import annotations

from pathlib import Path
import time

from cylc_flask.hub.auth.once import FOLDER, LIFETIME, Once


def test_good_for_once(tmp_path: Path) -> None:
    once = Once(tmp_path)
    text, other = once.make(), once.make()
    # The hub and the command have each their own.
    assert Once(tmp_path).take(text)
    assert not once.take(text)
    assert once.take(other)


def test_nonsense_is_none(tmp_path: Path) -> None:
    once = Once(tmp_path)
    assert not once.take('')
    once.make()
    for text in ('', '.', '../hub.lock', 'x' * 10_000, '\udcff', 'a\0b'):
        assert not once.take(text)


def test_only_hashes_are_kept(tmp_path: Path) -> None:
    text = Once(tmp_path).make()
    folder = tmp_path / FOLDER
    (path,) = folder.iterdir()
    assert text not in path.name and not path.read_bytes()
    assert folder.stat().st_mode & 0o077 == 0
    assert path.stat().st_mode & 0o077 == 0


def test_not_for_ever(tmp_path: Path) -> None:
    then = Once(tmp_path).make()
    later = Once(tmp_path, lambda: time.time() + LIFETIME + 1)
    assert not later.take(then)
    old = Once(tmp_path).make()
    later.make()
    assert not Once(tmp_path).take(old)
