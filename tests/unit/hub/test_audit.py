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
"""The audit log: what is written, what is found, and what cannot go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
import json
import logging
from pathlib import Path
import threading
from time import monotonic, perf_counter, process_time
from typing import Any

import pytest

from cylc_flask.errors import CylcFlaskError
from cylc_flask.hub import audit
from cylc_flask.hub.audit import FILE_NAME, Audit, Record, append
from cylc_flask.hub.audit_query import Query, search, seconds_of, when
from tests.disk import fill, small_disk

START = Callable[..., Audit]


class Clock:
    """A second later each time."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now - 1


@pytest.fixture
def start(tmp_path: Path) -> Iterator[START]:
    """Start logs, which are closed in the end."""
    logs: list[Audit] = []

    def begin(size: int = 0) -> Audit:
        logs.append(Audit(tmp_path, size, 3, Clock()))
        return logs[-1]
    yield begin
    for log in logs:
        log.close()
    assert not [
        thread for thread in threading.enumerate()
        if thread.name == 'cylc-flask-audit']


def details(directory: Path, **wanted: Any) -> list[str]:
    return [record.detail for record in search(directory, Query(**wanted))]


def test_a_line(start: START, tmp_path: Path) -> None:
    log = start()
    log.note('alice', '192.0.2.7', 'stop', 'nwp/run1', 'denied', 'rule 1')
    log.close()
    path = tmp_path / FILE_NAME
    assert json.loads(path.read_text()) == {
        'time': '1970-01-01T00:00:00.000Z', 'user': 'alice',
        'address': '192.0.2.7', 'operation': 'stop', 'workflow': 'nwp/run1',
        'outcome': 'denied', 'detail': 'rule 1',
    }
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize('text', [
    'a\nb', 'a\r{"user": "x"}', '\0', '\ud800', 'é☃', 'x' * 100_000, '"',
])
def test_nothing_breaks_out(start: START, tmp_path: Path, text: str) -> None:
    log = start()
    log.note(text, text, text, text, 'ok', text)
    log.close()
    (line,) = (tmp_path / FILE_NAME).read_text().splitlines()
    assert len(line) < 20_000
    (record,) = search(tmp_path, Query())
    assert record.user == text[:audit.LONGEST].encode(
        errors='replace').decode()


@pytest.fixture
def filled(start: START, tmp_path: Path) -> Path:
    """A log with six records."""
    log = start()
    for number, (user, operation, workflow, outcome) in enumerate((
        ('alice', 'login', '', 'ok'),
        ('alice', 'stop', 'nwp/run1', 'ok'),
        ('bob', 'stop', 'nwp/run1', 'denied'),
        ('bob', 'play', 'demo', 'failed'),
        ('alice', 'hold', 'nwp/run2', 'ok'),
        ('mallory', 'login', '', 'denied'),
    )):
        log.note(user, '::1', operation, workflow, outcome, str(number))
    log.close()
    return tmp_path


@pytest.mark.parametrize('wanted, found', [
    ({}, '012345'),
    ({'user': 'alice'}, '014'),
    ({'user': 'al'}, ''),
    ({'operation': 'stop'}, '12'),
    ({'outcome': 'denied'}, '25'),
    ({'workflow': '*'}, '1234'),
    ({'workflow': 'nwp'}, '124'),
    ({'workflow': 'nwp/run2'}, '4'),
    ({'user': 'alice', 'workflow': 'nwp', 'outcome': 'ok'}, '14'),
    ({'since': '1970-01-01T00:00:02.000Z'}, '2345'),
    ({'until': '1970-01-01T00:00:02.000Z'}, '01'),
    ({'since': '2000'}, ''),
    ({'limit': 2}, '45'),
    ({'limit': 2, 'user': 'alice'}, '14'),
    ({'limit': 0}, ''),
])
def test_query(filled: Path, wanted: dict[str, Any], found: str) -> None:
    assert ''.join(details(filled, **wanted)) == found


def test_only_what_is_permitted(filled: Path) -> None:
    """The limit counts what the caller may see."""
    found = search(
        filled, Query(limit=1), lambda record: record.workflow == 'demo')
    assert [record.detail for record in found] == ['3']


def test_no_log(tmp_path: Path) -> None:
    assert search(tmp_path / 'nix', Query()) == []


def test_rotation(start: START, tmp_path: Path) -> None:
    """The oldest go, and what is found is in order over all files."""
    log = start(size=1_000)
    for number in range(50):
        log.note('alice', '::1', 'hold', 'demo', detail=f'{number:02}')
    log.close()
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == [
        FILE_NAME, *(f'{FILE_NAME}.{number}' for number in (1, 2, 3))]
    assert all(path.stat().st_size <= 1_000 for path in files)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    found = details(tmp_path)
    assert found == [f'{number:02}' for number in range(50)][-len(found):]
    assert len(found) > 15
    assert details(tmp_path, limit=9) == found[-9:]


def test_lines_cut_short_say_nothing(filled: Path) -> None:
    with open(filled / FILE_NAME, 'ab') as file:
        file.write(b'{"time": "x"}\n[]\nnull\n\xff\n\n{"time": "1970-')
    assert ''.join(details(filled)) == '012345'


def test_commands_write_beside_the_hub(start: START, tmp_path: Path) -> None:
    log = start()
    record = Record('1970', 'root', 'cylc flask', 'user-add')

    def by_command() -> None:
        for _ in range(100):
            append(tmp_path, record)
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(by_command) for _ in range(2)]
        for _ in range(200):
            log.note('alice', '::1', 'hold')
        for job in jobs:
            job.result()
    log.close()
    found = search(tmp_path, Query(limit=1_000))
    assert len(found) == 400
    assert found.count(record) == 200


def test_goes_on_when_the_file_is_taken_away(
    start: START, tmp_path: Path,
) -> None:
    log = start()
    log.note('alice', '::1', 'hold', detail='1')
    wait_for(lambda: details(tmp_path) == ['1'])
    (tmp_path / FILE_NAME).rename(tmp_path / 'elsewhere')
    log.note('alice', '::1', 'hold', detail='2')
    wait_for(lambda: details(tmp_path) == ['2'])


def test_a_full_disk(
    tmp_path: Path, caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody notices but the log, once; later it goes on."""
    with small_disk(tmp_path / 'disk') as disk:
        log = Audit(disk, 0, 3)
        fill(disk)
        for _ in range(3):
            log.note('alice', '::1', 'hold', detail='x' * audit.LONGEST)
        wait_for(log._queue.empty)
        (disk / 'filler').unlink()
        log.note('alice', '::1', 'hold', detail='again')
        log.close()
        assert details(disk)[-1] == 'again'
    errors = [x for x in caplog.records if x.levelno == logging.ERROR]
    assert len(errors) == 1
    assert 'no audit log' in caplog.text


def test_no_place_for_it(
    start: START, tmp_path: Path, caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / FILE_NAME).mkdir()
    log = start()
    log.note('alice', '::1', 'hold')
    log.close()
    assert 'no audit log' in caplog.text


def slowed(
    log: Audit, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[logging.LogRecord], threading.Event]:
    """Let the disk stand still until an event; return what is written."""
    disk = threading.Event()
    lines: list[logging.LogRecord] = []

    def write(record: logging.LogRecord) -> None:
        disk.wait(30)
        lines.append(record)
    monkeypatch.setattr(log._file, 'emit', write)
    return lines, disk


def test_a_slow_disk(
    start: START, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Requests do not wait for it; what is too much is counted."""
    monkeypatch.setattr(audit, 'CAPACITY', 10)
    log = start()
    lines, disk = slowed(log, monkeypatch)
    begin = perf_counter()
    for _ in range(50):
        log.note('alice', '::1', 'hold')
    assert perf_counter() - begin < 1
    disk.set()
    log.close()
    lost = json.loads(lines[-1].getMessage())
    assert lost['operation'] == audit.LOST
    written = len(lines) - 1
    assert lost['detail'].startswith(f'{50 - written} records')
    assert 10 <= written <= 11


#: Records of which anybody can cause any number.
CHEAP = {
    'guess': ('', '::1', audit.LOGIN, '', 'failed'),
    'denied': ('bob', '::1', 'pause', 'nwp', 'denied'),
    'login': ('bob', '::1', audit.LOGIN),
    'logout': ('bob', '::1', audit.LOGOUT),
    'scan': ('bob', '::1', audit.SCAN),
}


def flood(log: Audit, kind: str, times: int) -> None:
    name, *words = CHEAP[kind]
    for number in range(times):
        log.note(name or f'nobody{number}', *words)


@pytest.mark.parametrize('kind', CHEAP)
def test_what_costs_nothing_has_a_rate(tmp_path: Path, kind: str) -> None:
    now = 0.0
    log = Audit(tmp_path, 0, 3, clock=lambda: now)
    most = round(audit.RATE * audit.BURST)
    flood(log, kind, most + 7)
    # Others, and what is done, are not concerned.
    log.note('alice', '::1', 'play', 'nwp', 'denied')
    log.note('alice', '::1', audit.LOGIN)
    for _ in range(2 * most):
        log.note('bob', '::1', 'hold', 'nwp')
        log.note('bob', '::1', 'hold', 'nwp', 'failed')
    now = 1.5 / audit.RATE
    flood(log, kind, 2)
    log.close()
    *found, last = search(tmp_path, Query(limit=1_000))
    written = [record.operation for record in found if record.user != 'alice']
    assert len(written) == most + 1 + 4 * most
    assert written.count('hold') == 4 * most
    assert len(found) == len(written) + 2
    whose = {
        'guess': 'failed log-ins', 'denied': 'denied of bob',
    }.get(kind, f'{kind} of bob')
    assert (last.operation, last.detail) == (
        audit.LOST, f'8 records came too fast to be written: 8 {whose}')


def test_lost_ones_are_told_of_from_time_to_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And though nothing else is written."""
    monkeypatch.setattr(audit, 'RATE', 0.001)
    monkeypatch.setattr(audit, 'PERIOD', 0.2)
    log = Audit(tmp_path, 0, 3)
    begin = monotonic()
    while monotonic() - begin < 1:
        flood(log, 'denied', 10)
        threading.Event().wait(0.001)
    flood(log, 'login', 5)

    def told() -> list[str]:
        return details(tmp_path, operation=audit.LOST)
    wait_for(lambda: any('login' in text for text in told()))
    passed = monotonic() - begin
    assert 1 <= len(told()) <= passed / 0.2 + 1
    log.close()


def test_half_of_the_places_are_for_what_is_done(
    start: START, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit, 'CAPACITY', 10)
    log = start()
    lines, disk = slowed(log, monkeypatch)
    for kind in CHEAP:
        flood(log, kind, 20)
    for _ in range(5):
        log.note('alice', '::1', 'hold')
    disk.set()
    log.close()
    found = [json.loads(line.getMessage())['operation'] for line in lines]
    assert found.count('hold') == 5
    assert 5 <= len(found) - 5 - 1 <= 6


def test_pace(start: START, tmp_path: Path) -> None:
    """What a request spends on it."""
    log = start()
    begin = process_time()
    for _ in range(1_000):
        log.note('alice', '::1', 'hold', 'nwp/run1')
    assert process_time() - begin < 1
    log.close()
    assert len(details(tmp_path, limit=2_000)) == 1_000


@pytest.mark.parametrize('text', [
    '', 'yesterday', '2030-13-01', '99999999999d', '1y', '-1h', '9' * 9 + 'w',
])
def test_bad_times(text: str) -> None:
    with pytest.raises(CylcFlaskError, match='time'):
        when(text)
    with pytest.raises(CylcFlaskError, match='time'):
        seconds_of(text)


def test_times() -> None:
    assert seconds_of('90m') == 5400
    assert when('1m') < when('1s')
    assert when('2030-01-01T00:00Z') == '2030-01-01T00:00:00.000Z'


def wait_for(condition: Callable[[], bool]) -> None:
    end = monotonic() + 10
    while not condition():
        assert monotonic() < end
        threading.Event().wait(0.01)
