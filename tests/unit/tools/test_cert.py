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
"""The command "cylc flask cert"."""

from __future__ import annotations

from collections.abc import Callable
import os
from pathlib import Path
import subprocess

import pytest

from cylc_flask import certificate, cli
from cylc_flask.address import Address
from cylc_flask.config import Config
from cylc_flask.credentials import Files
from tests.harness import need

Cert = Callable[..., tuple[int | str | None, str]]


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The second run of a workflow, in a home of its own."""
    monkeypatch.setenv('HOME', str(tmp_path))
    for name in [*os.environ]:
        if name.startswith('CYLC_'):
            monkeypatch.delenv(name)
    path = tmp_path / 'cylc-run/flow/run2'
    path.mkdir(parents=True)
    (path / 'flow.cylc').touch()
    (path.parent / 'runN').symlink_to('run2')
    return path


@pytest.fixture
def cert(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> Cert:
    """Run the command; return its status or complaint, and its output."""
    def call(*words: str) -> tuple[int | str | None, str]:
        with pytest.raises(SystemExit) as info:
            cli.main('cert', *words)
        return info.value.code, capsys.readouterr().out
    return call


def value(output: str, name: str) -> str:
    """Return what a line of the output says."""
    line, = (x for x in output.splitlines() if x.startswith(name))
    return line.removeprefix(name).strip()


def start(run_dir: Path) -> Files:
    """Do as a scheduler does that starts; we are its process."""
    files = Files('flow/run2', run_dir, Config(legacy_run_directory=''))
    files.announce(Address('https', 'localhost', 43001), 'uuid')
    return files


def test_make_and_show(cert: Cert, run_dir: Path):
    status, made = cert('make', 'flow')
    assert status == 0
    assert cert('show', 'flow/run2') == (0, made)
    assert value(made, 'certificate') == str(run_dir / '.service/ssl.cert')
    assert value(made, 'key') == str(run_dir / '.service/ssl.pem')
    assert 'localhost, 127.0.0.1' in value(made, 'names')
    assert value(made, 'state') == 'good'


def test_fingerprint_is_that_of_openssl(cert: Cert, run_dir: Path):
    _, output = cert('make', 'flow')
    text = subprocess.run(
        [need('openssl'), 'x509', '-noout', '-fingerprint', '-sha256',
         '-in', run_dir / '.service/ssl.cert'],
        check=True, capture_output=True, text=True,
    ).stdout
    assert text.strip().partition('=')[2].lower() == value(output, 'SHA-256')


def test_make_keeps_a_good_one(cert: Cert):
    assert cert('make', 'flow') == cert('make', 'flow')


def test_make_with_another_name(cert: Cert):
    _, before = cert('make', 'flow')
    status, after = cert(
        'make', 'flow', '--name', 'Alias.localhost', '--name', '192.0.2.7')
    assert status == 0
    assert {'alias.localhost', '192.0.2.7'} <= set(
        value(after, 'names').split(', '))
    assert value(before, 'SHA-256') != value(after, 'SHA-256')
    assert cert('make', 'flow') == (0, after)


def test_scheduler_keeps_it(cert: Cert, run_dir: Path):
    _, before = cert('make', 'flow', '--name', 'alias.localhost')
    config = Config(legacy_run_directory='')
    Files('flow/run2', run_dir, config).prepare(['localhost'])
    assert cert('show', 'flow') == (0, before)


def test_renew(cert: Cert):
    _, before = cert('make', 'flow')
    status, after = cert('renew', 'flow')
    assert status == 0
    assert value(before, 'SHA-256') != value(after, 'SHA-256')


def test_not_under_a_running_server(cert: Cert, run_dir: Path):
    _, before = cert('make', 'flow')
    files = start(run_dir)
    status, _ = cert('renew', 'flow')
    assert 'flow/run2 is running' in str(status)
    status, _ = cert('make', 'flow', '--name', 'alias.localhost')
    assert 'flow/run2 is running' in str(status)
    assert cert('make', 'flow') == cert('show', 'flow') == (0, before)
    files.withdraw()
    assert cert('renew', 'flow')[0] == 0


def test_show_what_is_not_good(cert: Cert, run_dir: Path):
    cert('make', 'flow')
    (run_dir / '.service/ssl.pem').write_text('garbage')
    status, output = cert('show', 'flow')
    assert status == 1
    assert 'ssl.pem holds no key' in value(output, 'state')


def test_show_nothing(cert: Cert):
    status, output = cert('show', 'flow')
    assert 'there is no certificate' in str(status)
    assert not output


def test_no_workflow(cert: Cert):
    status, _ = cert('show', 'other')
    assert 'not found: other' in str(status)


def test_no_workflow_but_a_pattern(cert: Cert):
    status, _ = cert('show', '*')
    assert isinstance(status, str)


def test_directory_in_the_place(cert: Cert, run_dir: Path):
    (run_dir / '.service/ssl.cert').mkdir(parents=True)
    status, _ = cert('make', 'flow')
    assert 'a directory is in the place' in str(status)


def test_file_in_the_place_of_the_directory(cert: Cert, run_dir: Path):
    (run_dir / '.service').touch()
    status, _ = cert('make', 'flow')
    assert '.service' in str(status)


def test_certificate_of_the_site(
    cert: Cert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
):
    paths = tmp_path / 'site.cert', tmp_path / 'site.pem'
    certificate.make(*paths, ['localhost'])
    monkeypatch.setenv('CYLC_FLASK_TLS_CERTIFICATE', str(paths[0]))
    monkeypatch.setenv('CYLC_FLASK_TLS_KEY', str(paths[1]))
    before = paths[0].read_bytes()
    assert value(cert('show', 'flow')[1], 'certificate') == str(paths[0])
    for action in ('make', 'renew'):
        status, _ = cert(action, 'flow')
        assert "is the site's" in str(status)
    assert paths[0].read_bytes() == before
