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
"""Counts of calls: by day, in a file, and never too many."""

from __future__ import annotations

import json
from pathlib import Path
import threading
from time import time
from timeit import timeit

import pytest

from cylc_flask import usage
from cylc_flask.private import UnusableFile
from cylc_flask.usage import DAYS, PAIRS, Usage, read, usage_path

DAY = 86_400
NOON = time() // 86_400 * 86_400 + 43_200
CYLC = 'cylc/7.8.15 prog_name/cylc-hold uuid/4f1a'


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Set the time of day; that of files stays."""
    clock = Clock()
    monkeypatch.setattr(usage, 'time', clock)
    return clock


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    (tmp_path / '.service').mkdir()
    return tmp_path


@pytest.fixture
def counting(run_dir: Path) -> Usage:
    return Usage(run_dir)


def numbers(run_dir: Path) -> list[dict[str, dict[str, int]]]:
    return list(read(run_dir).values())


def test_counts(counting: Usage, run_dir: Path) -> None:
    for agent in (CYLC, 'curl/8.5.0', CYLC.replace('4f', '99'), ''):
        counting.note('hold_tasks', agent)
    counting.note('ping_suite', 'curl/7.1')
    assert read(run_dir) == {}
    counting.write()
    assert numbers(run_dir) == [{
        'hold_tasks': {'cylc-hold': 2, 'curl': 1, '-': 1},
        'ping_suite': {'curl': 1},
    }]
    counting.note('ping_suite', 'curl/7.1')
    counting.write()
    counting.write()
    assert numbers(run_dir)[0]['ping_suite'] == {'curl': 2}
    assert usage_path(run_dir).stat().st_mode & 0o777 == 0o600


def test_written_in_time(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once in an interval, if there is anything, by a thread that ends."""
    now = [1000.0]
    monkeypatch.setattr(usage, 'monotonic', lambda: now[0])
    counting = Usage(run_dir)
    counting.tick()
    for number in range(1, 4):
        counting.note('ping_suite', 'curl')
        before = counting._writer
        counting.tick()
        assert counting._writer is before
        now[0] += usage.INTERVAL
        counting.tick()
        assert counting._writer is not None
        counting._writer.join(10)
        assert numbers(run_dir) == [{'ping_suite': {'curl': number}}]
    before = counting._writer
    now[0] += usage.INTERVAL
    counting.tick()
    assert counting._writer is before


def test_disk_that_hangs(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread waits for it, and no other; nobody else does."""
    now, stuck = [1000.0], threading.Event()
    monkeypatch.setattr(usage, 'monotonic', lambda: now[0])
    monkeypatch.setattr(
        usage.private, 'write', lambda path, text: stuck.wait(20))
    counting = Usage(run_dir)
    writers = set()
    for _ in range(3):
        counting.note('ping_suite', 'curl')
        now[0] += usage.INTERVAL
        counting.tick()
        writers.add(counting._writer)
    assert len(writers) == 1
    stuck.set()
    for writer in writers:
        assert writer is not None
        writer.join(10)


def test_no_more_threads(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(usage, 'monotonic', lambda: now[0])
    counting = Usage(run_dir)
    counting.note('ping_suite', 'curl')
    now[0] += usage.INTERVAL
    with monkeypatch.context() as context:
        def start(self: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")
        context.setattr(threading.Thread, 'start', start)
        counting.tick()
    counting.write()
    assert numbers(run_dir) == [{'ping_suite': {'curl': 1}}]


def test_goes_on_where_another_ended(run_dir: Path) -> None:
    for _ in range(2):
        counting = Usage(run_dir)
        counting.note('ping_suite', 'curl')
        counting.write()
    assert numbers(run_dir) == [{'ping_suite': {'curl': 2}}]


def test_days(counting: Usage, run_dir: Path, clock: Clock) -> None:
    clock.now = NOON - DAY
    counting.note('ping_suite', 'curl')
    clock.now = NOON
    for _ in range(2):
        counting.note('ping_suite', 'curl')
    counting.write()
    assert list(read(run_dir).values()) == [
        {'ping_suite': {'curl': 1}}, {'ping_suite': {'curl': 2}},
    ]


def test_no_thread_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Usage()
    counting.note('ping_suite', 'curl')
    monkeypatch.setattr(usage, 'monotonic', lambda: 1e12)
    counting.tick()
    assert counting._writer is None
    counting.write()


def test_bounds_of_a_day(counting: Usage, run_dir: Path) -> None:
    for _ in range(2):
        for number in range(PAIRS * 2):
            counting.note('ping_suite', f'program{number}')
            counting.note('identify', f'program{number}')
        counting.write()
    day, = numbers(run_dir)
    assert sum(map(len, day.values())) <= PAIRS + 2
    assert sum(map(sum, (each.values() for each in day.values()))) == (
        PAIRS * 8)
    assert usage_path(run_dir).stat().st_size < 10_000


def test_old_days_go(run_dir: Path) -> None:
    usage_path(run_dir).write_text(json.dumps({
        '2020-01-01': {'ping_suite': {'curl': 1}}}))
    counting = Usage(run_dir)
    counting.note('ping_suite', 'curl')
    counting.write()
    assert '2020-01-01' not in read(run_dir)
    assert len(read(run_dir)) == 1


def test_bounds_of_memory(run_dir: Path, clock: Clock,
                          caplog: pytest.LogCaptureFixture) -> None:
    """A disk that is full for months makes no trouble but this."""
    usage_path(run_dir).mkdir()
    counting = Usage(run_dir)
    for _ in range(DAYS * 2):
        counting.note('ping_suite', 'curl')
        clock.now += DAY
        counting.write()
    assert len(counting._full) == DAYS
    assert caplog.text.count('not written') == 1


def test_folder_is_gone(tmp_path: Path) -> None:
    """As after a "cylc clean" by force."""
    counting = Usage(tmp_path / 'gone')
    counting.note('ping_suite', 'curl')
    counting.write()
    assert not (tmp_path / 'gone').exists()


@pytest.mark.parametrize('text', [
    '', '{', '[]', '{"a": 1}', '{"a": {"b": 1}}', '{"a": {"b": {"c": "d"}}}',
    '\xff',
])
def test_spoilt_file(
    run_dir: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    usage_path(run_dir).write_bytes(text.encode('latin-1'))
    with pytest.raises(UnusableFile):
        read(run_dir)
    counting = Usage(run_dir)
    counting.note('ping_suite', 'curl')
    counting.write()
    assert numbers(run_dir) == [{'ping_suite': {'curl': 1}}]
    assert 'begins anew' in caplog.text


def test_threads(counting: Usage, run_dir: Path) -> None:
    """Nothing is lost between one that counts and one that writes."""
    def count() -> None:
        for _ in range(5_000):
            counting.note('ping_suite', 'curl')
    threads = [threading.Thread(target=count) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        counting.write()
    counting.write()
    assert numbers(run_dir) == [{'ping_suite': {'curl': 10_000}}]


def test_cost(counting: Usage) -> None:
    """It is far below all else that a request costs (a few hundred µs)."""
    number = 20_000
    assert min(
        timeit(lambda: counting.note('ping_suite', CYLC), number=number)
        for _ in range(5)
    ) / number < 10e-6
