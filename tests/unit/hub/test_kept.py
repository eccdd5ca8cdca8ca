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
"""Files that are read again when they change, and changed by one at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
import logging
import multiprocessing
import os
from pathlib import Path

import pytest

from cylc_flask import private
from cylc_flask.errors import CylcFlaskError
from cylc_flask.hub.users import kept
from cylc_flask.hub.users.kept import Kept


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'hub' / 'number'


@pytest.fixture
def file(path: Path, clock: Clock) -> Kept[int]:
    return Kept(path, parse, clock)


def parse(content: bytes) -> int:
    try:
        return int(content or 0)
    except ValueError as exc:
        raise CylcFlaskError(f'no number: {content!r}') from exc


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)


def increase(path: Path, times: int) -> None:
    file = Kept(path, parse)
    for _ in range(times):
        file.update(lambda number: str(number + 1).encode())


def test_no_file_is_an_empty_one(file: Kept[int], path: Path) -> None:
    assert file.now() == 0
    assert not path.parent.exists()


def test_update(file: Kept[int], path: Path) -> None:
    file.update(lambda number: str(number + 5).encode())
    assert file.now() == 5
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_read_again(file: Kept[int], path: Path, clock: Clock) -> None:
    write(path, '1')
    assert file.now() == 0
    clock.now += kept.INTERVAL
    assert file.now() == 1
    write(path, '2')
    clock.now += kept.INTERVAL
    version = file.version
    assert file.now() == 2
    assert file.version == version + 1
    path.unlink()
    clock.now += 2 * kept.INTERVAL
    file.now()
    clock.now += kept.INTERVAL
    assert file.now() == 0
    write(path, '3')
    clock.now += kept.INTERVAL
    assert file.now() == 3


@pytest.mark.parametrize('vanish', [
    Path.unlink, lambda path: path.write_text(''),
])
def test_gone_for_a_moment(
    file: Kept[int], path: Path, clock: Clock,
    vanish: Callable[[Path], object],
) -> None:
    """Somebody saves it, and what it forbids stays forbidden meanwhile."""
    write(path, '1')
    clock.now += kept.INTERVAL
    assert file.now() == 1
    vanish(path)
    clock.now += kept.INTERVAL
    assert file.now() == 1
    write(path, '2')
    clock.now += kept.INTERVAL
    assert file.now() == 2


def test_spoilt_later(
    file: Kept[int], path: Path, clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What there was holds on, and there is one complaint."""
    file.update(lambda number: b'7')
    write(path, 'seven')
    for _ in range(3):
        clock.now += kept.INTERVAL
        assert file.now() == 7
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert 'no number' in caplog.text
    write(path, '8')
    clock.now += kept.INTERVAL
    assert file.now() == 8


def test_spoilt_at_the_start(path: Path) -> None:
    write(path, 'seven')
    with pytest.raises(CylcFlaskError, match='no number'):
        Kept(path, parse)


def test_spoilt_files_are_not_written_over(
    file: Kept[int], path: Path,
) -> None:
    write(path, 'seven')
    with pytest.raises(CylcFlaskError, match='no number'):
        file.update(lambda number: b'1')
    assert path.read_text() == 'seven'


@pytest.mark.parametrize('mode', [0o660, 0o602])
def test_others_could_have_written_it(path: Path, mode: int) -> None:
    write(path, '1')
    path.chmod(mode)
    with pytest.raises(CylcFlaskError, match='chmod go-w'):
        Kept(path, parse)


def test_others_can_no_longer_read_it(path: Path) -> None:
    write(path, '1')
    path.chmod(0o644)
    assert Kept(path, parse).now() == 1
    assert path.stat().st_mode & 0o777 == 0o600


def test_full(file: Kept[int], path: Path) -> None:
    """It is not made longer than what can be read again."""
    with pytest.raises(CylcFlaskError, match='no room'):
        file.update(lambda number: b'1' * private.MOST_BYTES)
    assert not path.exists()


def test_many_writers(path: Path) -> None:
    """No change is lost, whoever makes it."""
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        for done in [pool.submit(increase, path, 20) for _ in range(3)]:
            done.result()
    assert path.read_text() == '60'


def test_lock_is_not_let_go_of(
    file: Kept[int], path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept, 'PATIENCE', 0.1)
    other = Kept(path, parse)

    def edit(number: int) -> bytes:
        with pytest.raises(CylcFlaskError, match='another process'):
            other.update(lambda number: b'9')
        return b'1'
    file.update(edit)
    assert path.read_text() == '1'


def test_nothing_is_left_open(file: Kept[int], path: Path) -> None:
    before = os.listdir('/proc/self/fd')
    for _ in range(5):
        file.update(lambda number: str(number + 1).encode())
    assert len(os.listdir('/proc/self/fd')) == len(before)
    assert {item.name for item in path.parent.iterdir()} == {
        'number', '.number.lock'}
