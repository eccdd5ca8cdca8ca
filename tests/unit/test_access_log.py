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
"""The access log: lines, files one after the other, and no tracebacks."""

from __future__ import annotations

import logging
import os

import pytest

from cylc_flask import access_log
from tests.disk import fill, small_disk


@pytest.fixture(autouse=True)
def closed():
    """Close the log, as there is one for the whole process."""
    yield
    access_log.writer('', None)


def test_none_wanted(tmp_path):
    assert access_log.writer('', tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_below_the_logs_or_elsewhere(tmp_path):
    access_log.writer('http/access.log', tmp_path)('one')
    assert (tmp_path / 'http/access.log').read_text() == 'one\n'
    elsewhere = tmp_path / 'elsewhere' / 'log'
    access_log.writer(str(elsewhere), tmp_path / 'logs')('two')
    assert elsewhere.read_text() == 'two\n'


def test_a_line_is_no_format(tmp_path):
    access_log.writer('log', tmp_path)('GET /%s%d%(x)s {}')
    assert (tmp_path / 'log').read_text() == 'GET /%s%d%(x)s {}\n'


def test_continued_by_the_next_server(tmp_path):
    access_log.writer('log', tmp_path)('one')
    access_log.writer('log', tmp_path)('two')
    assert (tmp_path / 'log').read_text() == 'one\ntwo\n'


def test_rotated(tmp_path, monkeypatch):
    monkeypatch.setattr(access_log, 'SIZE', 100)
    monkeypatch.setattr(access_log, 'KEPT', 2)
    write = access_log.writer('log', tmp_path)
    for number in range(50):
        write(f'request {number:02}')
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == ['log', 'log.1', 'log.2']
    assert all(path.stat().st_size <= 100 for path in files)
    assert files[0].read_text().endswith('request 49\n')


def test_not_in_other_logs(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    access_log.writer('log', tmp_path)('secret')
    assert 'secret' not in caplog.text


def test_no_file_can_be_made(tmp_path, caplog):
    (tmp_path / 'log').mkdir()
    assert access_log.writer('log', tmp_path) is None
    (tmp_path / 'file').touch()
    assert access_log.writer('file/log', tmp_path) is None
    assert caplog.text.count('no access log') == 2
    assert str(tmp_path / 'file') in caplog.text


def test_a_pipe_is_not_waited_for(tmp_path, caplog):
    os.mkfifo(tmp_path / 'log')
    assert access_log.writer('log', tmp_path) is None
    assert 'no access log' in caplog.text
    reader = os.open(tmp_path / 'log', os.O_RDONLY | os.O_NONBLOCK)
    write = access_log.writer('log', tmp_path)
    write('one')
    assert os.read(reader, 100) == b'one\n'
    for _ in range(1000):
        write('x' * 100)
    assert caplog.text.count('no access log') == 2
    os.close(reader)


def test_full_disk(tmp_path, caplog, capfd):
    with small_disk(tmp_path / 'disk') as disk:
        write = access_log.writer('log', disk)
        write('before')
        fill(disk)
        for _ in range(200):
            write('x' * 100)
        assert caplog.text.count('No space left on device') == 1
        (disk / 'filler').unlink()
        write('after')
        text = (disk / 'log').read_text()
        assert text.startswith('before\n')
        assert text.endswith('after\n')
        access_log.writer('', disk)
    assert capfd.readouterr().err == ''
