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
"""Logs of a real scheduler and of its jobs, while they are written."""

from __future__ import annotations

from base64 import b64encode
from contextlib import closing
from http.client import HTTPConnection
import os
from pathlib import Path
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.asking import wait_state
from tests.harness import ONE, Run, Starter

FLOW = """
    [scheduler]
        allow implicit tasks = False
    [scheduling]
        [[graph]]
            R1 = talk & done
    [runtime]
        [[talk]]
            script = '''
                for number in {1..1000}; do
                    echo "line $number"
                    sleep 0.1
                done
            '''
        [[done]]
            script = '''
                echo 'to the error stream' >&2
                echo 'my own' >"${CYLC_TASK_LOG_ROOT}.mine"
                head -c 1000 /dev/urandom >"${CYLC_TASK_LOG_DIR}/odd name"
            '''
"""

TALK = 'logs/1/talk/01/job.out'


@pytest.fixture(scope='module')
def run(mod_start: Starter) -> Run:
    run = mod_start(FLOW, name='some/flow', config={
        'authentication': 'basic', 'limits': {'request_rate': 10_000},
    })
    wait_state(run, '1/done', None)
    run.wait_for(lambda: 'line 3' in log_of(run))
    return run


def log_of(run: Run) -> str:
    path = run.job_file('1/talk', 'job.out')
    return path.read_text() if path.exists() else ''


def names(run: Run, folder: str) -> list[str]:
    return [file['name'] for file in run.get(f'logs/{folder}')['files']]


def ask(run: Run, path: str, **options: Any) -> requests.Response:
    return run.request('GET', path, **options)


def test_job(run: Run) -> None:
    wanted = [
        'job', 'job.out', 'job.err', 'job-activity.log', 'job.status',
        'job.mine', 'odd name',
    ]
    # The scheduler itself writes of the job's activity, when it comes to it.
    run.wait_for(lambda: names(run, '1/done/NN') == wanted)
    assert ask(run, 'logs/1/done/01/job.err').text == 'to the error stream\n'
    assert ask(run, 'logs/1/done/01/job.mine').text == 'my own\n'
    assert len(ask(run, 'logs/1/done/01/odd%20name').content) == 1000
    script = ask(run, 'logs/1/done/NN/job')
    assert script.text.startswith('#!/bin/bash')
    assert script.content == run.job_file('1/done', 'job').read_bytes()


def test_scheduler(run: Run) -> None:
    assert run.get('logs')['folders'][:2] == ['scheduler', 'config']
    assert run.get('logs')['folders'][-1] == '1'
    assert run.get('logs/1')['folders'] == ['done', 'talk']
    assert '01-start-01.log' in names(run, 'scheduler')
    text = ask(run, 'logs/scheduler/log').text
    assert 'INFO - Workflow: some/flow' in text
    for name in names(run, 'config'):
        assert ask(run, f'logs/config/{name}').status_code == 200


def test_a_log_that_grows(run: Run) -> None:
    """What is read in parts, as it comes, is what there is in the end."""
    content = b''
    end = time.monotonic() + 3
    while time.monotonic() < end:
        # The last byte again: there is always something to answer.
        start = max(0, len(content) - 1)
        answer = ask(run, TALK, headers={
            'Range': f'bytes={start}-{start + 99}'})
        assert answer.status_code == 206
        told = answer.headers['Content-Range']
        assert told.startswith(f'bytes {start}-')
        assert answer.content[:1] == content[-1:] or not content
        content = content[:start] + answer.content
    written = run.job_file('1/talk', 'job.out').read_bytes()
    assert written.startswith(content)
    assert content.count(b'\n') > 20
    beyond = ask(run, TALK, headers={'Range': 'bytes=1000000-'})
    assert beyond.status_code == 416


def test_only_what_is_new_is_sent(run: Run) -> None:
    first = ask(run, 'logs/1/done/01/job.err')
    again = ask(run, 'logs/1/done/01/job.err', headers={
        'If-None-Match': first.headers['ETag']})
    assert (again.status_code, again.content) == (304, b'')
    one = ask(run, TALK).headers['ETag']
    run.wait_for(lambda: ask(run, TALK).headers['ETag'] != one)
    assert ask(run, TALK, headers={'If-None-Match': one}).status_code == 200


def test_head(run: Run) -> None:
    path = 'logs/1/done/01/job.err'
    head = run.request('HEAD', path)
    assert head.headers['Content-Length'] == '20'
    assert head.content == b''
    # The connection goes on where this one ends.
    session = run.session()
    for _ in range(3):
        assert session.head(f'{run.url}/{path}', timeout=5).ok
        assert len(session.get(f'{run.url}/{path}', timeout=5).text) == 20


def test_only_for_full_read(run: Run) -> None:
    for path in ('logs', 'logs/scheduler/log', TALK, 'logs/none'):
        answer = ask(run, path, user='anon')
        assert answer.status_code == 403
        assert 'DENIED' in answer.text and 'line' not in answer.text
    answer = requests.get(f'{run.url}/{TALK}', timeout=5)
    assert (answer.status_code, answer.content) == (401, b'')


def test_no_way_out(run: Run) -> None:
    """Also as it is written, which clients would tidy up."""
    link = run.job_file('1/done', 'link')
    link.symlink_to(run.service / 'passphrase')
    pipe = run.job_file('1/done', 'pipe')
    os.mkfifo(pipe)
    for path in (
        '1/done/01/link', '1/done/01/pipe', '../.service/passphrase',
        '%2e%2e/.service/passphrase', '1/..%2f..%2f..%2f.service/passphrase',
        '/etc/passwd', '%2fetc%2fpasswd', 'db', '1/done/01/job%00.out',
    ):
        status, text = raw(run, f'/logs/{path}')
        assert status in (403, 404), path
        assert run.passphrase not in text and 'root:' not in text
    link.unlink()
    pipe.unlink()


def raw(run: Run, path: str) -> tuple[int, str]:
    """Ask for a path as it is."""
    address = urlsplit(run.url)
    connection = HTTPConnection(
        address.hostname or '', address.port, timeout=5)
    login = b64encode(f'cylc:{run.passphrase}'.encode()).decode()
    with closing(connection):
        connection.request(
            'GET', path, headers={'Authorization': f'Basic {login}'})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors='replace')


def test_much_at_once_keeps_nobody_waiting(run: Run) -> None:
    """A large log is sent, and its lines are counted, beside all else."""
    path = run.job_file('1/done', 'large')
    with path.open('wb') as file:
        for number in range(200):
            file.write(b'%d %s\n' % (number, b'x' * 500_000))
    size = path.stat().st_size
    session, other = run.session(), run.session()
    answer = session.get(
        f'{run.url}/logs/1/done/01/large', stream=True, timeout=20)
    got, slowest = 0, 0.0
    for index, piece in enumerate(answer.iter_content(1_000_000)):
        got += len(piece)
        if index % 10 == 0:
            begun = time.monotonic()
            assert other.get(f'{run.url}/ping_suite', timeout=20).json()
            slowest = max(slowest, time.monotonic() - begun)
    assert got == size
    assert slowest < 1
    part = ask(run, 'logs/1/done/01/large?line=150&most=9')
    assert part.text == '149 xxxxx'
    assert part.headers['Cylc-Log-Line'] == '150'
    tail = ask(run, 'logs/1/done/01/large?tail=600000&number=1')
    assert tail.text.startswith('199 ')
    assert tail.headers['Cylc-Log-Line'] == '200'
    assert memory_of(run) < 400_000_000
    path.unlink()


def memory_of(run: Run) -> int:
    assert run.process
    pages = Path(f'/proc/{run.process.pid}/statm').read_text().split()[1]
    return int(pages) * os.sysconf('SC_PAGE_SIZE')


def test_a_log_that_goes_away_on_its_way(run: Run) -> None:
    """The connection ends: nobody takes a part for the whole."""
    path = run.job_file('1/done', 'large')
    path.write_bytes(b'x' * 50_000_000)
    session = run.session()
    answer = session.get(
        f'{run.url}/logs/1/done/01/large', stream=True, timeout=20)
    pieces = answer.iter_content(100_000)
    next(pieces)
    os.truncate(path, 10)
    with pytest.raises(requests.RequestException):
        for _ in pieces:
            pass
    assert ask(run, 'logs/1/done/01/large').text == 'x' * 10
    path.unlink()
    assert ask(run, 'logs/1/done/01/large').status_code == 404


def test_no_file_stays_open(run: Run) -> None:
    assert run.process
    handles = Path(f'/proc/{run.process.pid}/fd')

    def logs() -> list[str]:
        found = []
        for handle in handles.iterdir():
            try:
                found.append(os.readlink(handle))
            except FileNotFoundError:
                continue
        return [name for name in found if '/log/job/' in name]

    session = run.session()
    for _ in range(20):
        session.get(f'{run.url}/{TALK}', timeout=5)
        session.head(f'{run.url}/{TALK}', timeout=5)
        session.get(f'{run.url}/logs/1/done/01', timeout=5)
        session.get(f'{run.url}/logs/1/done/01/job.out/x', timeout=5)
    run.wait_for(lambda: not logs(), 5, 'the end of the files')


def test_as_the_public_may(mod_start: Starter) -> None:
    run = mod_start(
        ONE, '--pause', name='open', config={'public_privilege': 'full-read'})
    assert ask(run, 'logs/scheduler/log', user='anon').ok


def test_without_logs(mod_start: Starter) -> None:
    run = mod_start(ONE, '--pause', name='closed', config={'enable': ['rest']})
    assert ask(run, 'logs').status_code == 404
