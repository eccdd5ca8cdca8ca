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
"""The files of a real scheduler, and "cylc flask info" which reads them."""

from __future__ import annotations

from collections.abc import Iterator
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any

import pytest

from cylc_flask.tools.info import PATIENCE
from tests.harness import Run, Starter, need
from tests.pythons import pythons

CLIENT = Path(__file__).parents[1] / 'cylc7_client.py'

#: Runs until it is stopped.
IDLE = """
    [scheduler]
        [[events]]
            stall timeout = PT1H
    [scheduling]
        [[graph]]
            R1 = one
    [runtime]
        [[one]]
            script = false
"""

HTTPS = {'method': 'https', 'bind': ['127.0.0.1']}

SECRETS = ('passphrase', 'ssl.cert', 'ssl.pem', 'http.json')


@pytest.fixture(scope='module')
def run(mod_start: Starter) -> Run:
    """A run with https, as "cylc install" would have made it."""
    found = mod_start(IDLE, name='a/b/run1', config=HTTPS)
    (found.run_dir.parent / 'runN').symlink_to('run1')
    return found


@pytest.fixture
def changed(run: Run) -> Iterator[dict[str, Any]]:
    """Change http.json, and put it right again."""
    path = run.service / 'http.json'
    before = path.read_bytes()
    yield json.loads(before)
    path.write_bytes(before)


def info(run: Run, *words: str) -> tuple[int, str]:
    """Return the status and the output of the command."""
    result = run.cylc('flask', 'info', *words, check=False)
    assert 'Traceback' not in result.stderr
    return result.returncode, result.stdout


def health(run: Run) -> tuple[int, str, str]:
    status, output = info(run, run.name, '--json')
    data = json.loads(output)
    return status, data['health'], data['detail']


def discover(python: str, run: Run, path: str) -> Any:
    """Do as a Cylc 7 client does, with that Python.

    The environment is that of the run: into our own, readline puts the width
    of the terminal where Python does not see it, and "ps" cuts its lines.
    """
    result = subprocess.run(
        [python, CLIENT, run.home / 'cylc7-run', run.name, path],
        capture_output=True, text=True, check=True, timeout=60,
        env=run.environment,
    )
    return json.loads(result.stdout)


def legacy(run: Run) -> Path:
    return run.home / 'cylc7-run' / run.name / '.service'


class TestFiles:
    """What the scheduler leaves for clients."""

    def test_modes(self, run: Run):
        for path in (
            *(run.service / name for name in SECRETS),
            *legacy(run).iterdir(),
        ):
            assert path.stat().st_mode & 0o777 == 0o600, path
        for path in (legacy(run), *legacy(run).parents):
            assert path.stat().st_mode & 0o777 == 0o700, path
            if path.name == 'cylc7-run':
                break

    def test_contact_names_the_process_as_ps_does(self, run: Run):
        text = (legacy(run) / 'contact').read_text()
        items = dict(line.split('=', 1) for line in text.splitlines())
        output = subprocess.run(
            [need('ps'), '-opid,args', str(run.http['pid'])],
            capture_output=True, text=True, check=True,
            env=run.environment,
        ).stdout
        assert items['CYLC_SUITE_PROCESS'] == output.splitlines()[1].strip()

    @pytest.mark.parametrize('python', pythons()[:2])
    def test_discovery(self, run: Run, python: str):
        found = discover(python, run, 'identify')
        assert found['running'] is True
        assert json.loads(found['answer'])['name'] == run.name

    def test_contact_of_cylc_8(self, run: Run):
        assert 'CYLC_VERSION=8.' in run.contact.read_text()
        assert run.cylc('ping', run.name).returncode == 0


class TestInfo:
    """What the command says."""

    def test_all(self, run: Run):
        status, output = info(run)
        assert status == 0
        assert output.split()[:3] == [run.name, f'{run.url}/', 'healthy:']

    @pytest.mark.parametrize('name', ['a/b', 'a/b/run1'])
    def test_one(self, run: Run, name: str):
        status, output = info(run, name)
        assert status == 0
        items = dict(
            line.split(maxsplit=1) for line in output.splitlines())
        assert items['workflow'] == run.name
        assert items['url'] == f'{run.url}/'
        assert items['scheme'] == 'https'
        assert items['health'].startswith('healthy: answers in ')
        assert items['certificate'] == str(run.service / 'ssl.cert')
        assert Path(items['passphrase']).read_text() == run.passphrase
        assert run.passphrase not in output

    def test_json(self, run: Run):
        one = json.loads(info(run, run.name, '--json')[1])
        every = json.loads(info(run, '--json')[1])
        del one['detail'], every[0]['detail']
        assert every == [one]
        assert one['health'] == 'healthy'
        assert one['pid'] == run.http['pid']
        assert one['workflow'] == run.name

    def test_no_workflow(self, run: Run):
        result = run.cylc('flask', 'info', 'other', check=False)
        assert result.returncode == 1
        assert 'not found: other' in result.stderr

    def test_other_certificate(self, run: Run):
        path = run.service / 'ssl.cert'
        before = path.read_bytes()
        subprocess.run(
            [need('openssl'), 'req', '-x509', '-newkey', 'rsa:2048', '-nodes',
             '-subj', '/CN=localhost', '-keyout', os.devnull, '-out', path],
            check=True, capture_output=True,
        )
        try:
            assert health(run)[:2] == (1, 'unwell')
            assert 'CERTIFICATE_VERIFY_FAILED' in health(run)[2]
        finally:
            path.write_bytes(before)

    def test_other_passphrase(self, run: Run):
        path = run.service / 'passphrase'
        before = path.read_text()
        path.write_text('x' * 20)
        try:
            status, state, detail = health(run)
        finally:
            path.write_text(before)
        assert (status, state) == (1, 'unwell')
        assert 'passphrase' in detail

    def test_other_name(self, run: Run, changed: dict[str, Any]):
        (run.service / 'http.json').write_text(
            json.dumps({**changed, 'realm': 'other'}))
        assert health(run) == (
            1, 'unwell', f'answers in the name of "{run.name}"')

    def test_nobody_there(self, run: Run, changed: dict[str, Any]):
        (run.service / 'http.json').write_text(
            json.dumps({**changed, 'port': 1}))
        status, state, detail = health(run)
        assert (status, state) == (1, 'unwell')
        assert 'refused' in detail

    def test_garbage(self, run: Run, changed: dict[str, Any]):
        (run.service / 'http.json').write_bytes(b'\xff')
        status, state, detail = health(run)
        assert (status, state) == (1, 'unwell')
        assert 'http.json: not written by cylc-flask' in detail

    def test_no_answer(self, run: Run):
        run.signal(signal.SIGSTOP)
        try:
            status, state, detail = health(run)
        finally:
            run.signal(signal.SIGCONT)
        assert (status, state) == (1, 'unwell')
        assert 'timed out' in detail
        assert PATIENCE < 30


@pytest.mark.parametrize('config', [
    {'method': 'http'},
    {'method': 'http', 'unix_socket': 'http.sock'},
    {'method': 'https', 'unix_socket': 'http.sock'},
    {'method': 'http', 'authentication': 'basic'},
    {'method': 'http', 'digest_algorithm': 'SHA-256'},
], ids=str)
def test_other_ways(start: Starter, config: dict[str, Any]):
    run = start(IDLE, config=config)
    assert health(run)[:2] == (0, 'healthy')
    socket = bool(config.get('unix_socket'))
    assert ('+unix://' in run.http['url']) == socket
    assert legacy(run).exists() == (not socket)


def test_stop(start: Starter):
    run = start(IDLE, config=HTTPS)
    assert (legacy(run) / 'contact').exists()
    run.stop()
    assert not run.http
    assert not (legacy(run) / 'contact').exists()
    assert health(run) == (1, 'gone', 'it has no web server now')
    assert info(run) == (0, 'no workflow has a web server\n')


def test_kill_and_restart(start: Starter):
    run = start(IDLE, config=HTTPS)
    before = run.http, (run.service / 'ssl.cert').read_bytes()
    run.kill()
    status, state, detail = health(run)
    assert (status, state) == (1, 'gone')
    assert f'process {before[0]["pid"]} has ended' in detail
    assert discover(sys.executable, run, 'identify')['running'] is False
    assert not (legacy(run) / 'contact').exists()
    run.play()
    assert run.http['pid'] != before[0]['pid']
    assert (run.service / 'ssl.cert').read_bytes() == before[1]
    assert health(run)[:2] == (0, 'healthy')


def test_clean(start: Starter):
    run = start(IDLE, name='a/run1')
    run.stop()
    assert legacy(run).exists()
    run.cylc('clean', '--yes', run.name)
    other = start(IDLE, name='other', home=run.home)
    assert not legacy(run).parents[1].exists()
    assert legacy(other).exists()
    other.wait_log('its workflow has been cleaned')
