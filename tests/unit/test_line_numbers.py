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
"""Lines have their numbers, in large files and in those that grow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import random

from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc_flask import line_numbers
from cylc_flask.errors import Unavailable
from cylc_flask.line_numbers import LineNumbers
from cylc_flask.logs import Log, find

STRIDE = 16


@pytest.fixture(autouse=True)
def small_strides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_numbers, 'STRIDE', STRIDE)
    monkeypatch.setattr(line_numbers, 'SAMPLE', 4)


@contextmanager
def opened(path: Path) -> Iterator[Log]:
    log = find(path.parent.parent, f'scheduler/{path.name}')
    assert isinstance(log, Log)
    try:
        yield log
    finally:
        log.close()


@pytest.fixture(scope='module')
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('log') / 'scheduler'
    folder.mkdir()
    return folder / 'log'


def number_of(content: bytes, offset: int) -> int:
    return content[:offset].count(b'\n') + 1


def start_of(content: bytes, number: int) -> int:
    lines = content.splitlines(keepends=True)
    ended = content.count(b'\n')
    if number - 1 > ended:  # the last one
        return sum(map(len, lines[:-1]))
    return sum(map(len, lines[:number - 1]))


@given(
    content=st.lists(
        st.integers(0, 40).map(lambda size: b'x' * size), max_size=20
    ).map(b'\n'.join),
    numbers=st.lists(st.integers(0, 30), max_size=8),
)
def test_any_file(path: Path, content: bytes, numbers: list[int]) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    pauses: list[None] = []
    lines = LineNumbers(lambda: pauses.append(None))
    with opened(path) as log:
        for number in numbers:
            # A last line longer than a stride is begun somewhere.
            start = lines.start_of(log, number)
            if number <= content.count(b'\n') + 1:
                assert start == start_of(content, max(1, number))
        for offset in range(len(content) + 1):
            assert lines.number_at(log, offset) == number_of(content, offset)
    assert len(pauses) <= len(content) // STRIDE + 1


def test_a_file_that_grows(path: Path) -> None:
    lines = LineNumbers(lambda: None)
    random.seed(1)
    content = b''
    path.write_bytes(content)
    for _ in range(50):
        more = b'y' * random.randrange(9) + b'\n' * random.randrange(3)
        content += more
        with path.open('ab') as file:
            file.write(more)
        with opened(path) as log:
            assert lines.number_at(log, len(content)) == number_of(
                content, len(content))
            some = random.randrange(1, content.count(b'\n') + 2)
            assert lines.start_of(log, some) == start_of(content, some)


def test_a_file_that_begins_again(path: Path) -> None:
    """Also if its place on the disk is the same."""
    lines = LineNumbers(lambda: None)
    path.write_bytes(b'a\n' * 40)
    with opened(path) as log:
        assert lines.number_at(log, 80) == 41
    path.write_bytes(b'bbbbbbb\n' * 10)
    with opened(path) as log:
        assert lines.number_at(log, 80) == 11
    path.write_bytes(b'')
    with opened(path) as log:
        assert lines.number_at(log, 0) == 1
        assert lines.start_of(log, 9) == 0


def test_the_last_line(path: Path) -> None:
    lines = LineNumbers(lambda: None)
    path.write_bytes(b'a\nb\nc')
    with opened(path) as log:
        assert lines.start_of(log, 99) == 4
    path.write_bytes(b'a\nb\nc\n')
    with opened(path) as log:
        assert lines.start_of(log, 99) == 4
        assert lines.start_of(log, 4) == 6


def test_much_is_counted_by_and_by(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_numbers, 'MOST_STRIDES', 2)
    path.write_bytes(b'a\n' * 40)
    lines = LineNumbers(lambda: None)
    with opened(path) as log:
        assert lines.number_at(log, 80) is None
        with pytest.raises(Unavailable):
            lines.start_of(log, 40)
        assert lines.number_at(log, 80) == 41
        assert lines.start_of(log, 40) == 78


def test_few_files_are_remembered(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_numbers, 'MOST_FILES', 3)
    lines = LineNumbers(lambda: None)
    for number in range(5):
        other = path.with_name(str(number))
        other.write_bytes(b'a\n' * 40)
        with opened(other) as log:
            assert lines.number_at(log, 80) == 41
    assert len(lines._files) == 3
