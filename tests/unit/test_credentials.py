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
"""The files of a server: made, announced, withdrawn, and found by clients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
import http.server
import json
import logging
import os
from pathlib import Path
import ssl
import subprocess
import threading
from typing import Any

import pytest

from cylc.flow import LOG
from cylc_flask import certificate
from cylc_flask.address import Address, Info, info_path, read_info
from cylc_flask.config import Config
from cylc_flask.credentials import (
    SANE_PASSPHRASE,
    Credentials,
    Files,
    ensure_passphrase,
)
from cylc_flask.private import UnusableFile
from cylc_flask.process import Process
from tests.disk import fill, small_disk
from tests.pythons import pythons

CLIENT = Path(__file__).parents[1] / 'cylc7_client.py'

WORKFLOW = 'a/b/run1'
HOSTS = ['localhost']
ADDRESS = Address('https', '127.0.0.1', 43001)


class Messages(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.kept.append(record.getMessage())


@pytest.fixture(autouse=True)
def log() -> Iterator[list[str]]:
    """What Cylc's log says: a test has to expect all of it."""
    handler, level = Messages(), LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    yield handler.kept
    LOG.setLevel(level)
    LOG.removeHandler(handler)
    assert not handler.kept


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """The run directory as Cylc makes it, with its own contact file."""
    path = tmp_path / 'cylc-run' / WORKFLOW
    (path / '.service').mkdir(parents=True)
    (path / '.service/contact').write_text('CYLC_VERSION=8.5.4\n')
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The parallel run root."""
    return tmp_path / 'cylc7-run'


@pytest.fixture
def config(root: Path) -> Config:
    """The default configuration, but with a root for tests."""
    return Config(legacy_run_directory=str(root))


@pytest.fixture
def files(run_dir: Path, config: Config) -> Files:
    """The files of a workflow."""
    return Files(WORKFLOW, run_dir, config)


def taken(messages: list[str]) -> list[str]:
    """Return the messages, which the test has expected."""
    found, messages[:] = messages[:], []
    return found


def listing(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


class TestPassphrase:
    """A secret that is kept."""

    def test_new(self, tmp_path: Path):
        path = tmp_path / 'passphrase'
        found = ensure_passphrase(path)
        assert len(found) == 20
        assert found.isalnum() and found.isascii()
        assert path.read_bytes() == found.encode()
        assert path.stat().st_mode & 0o777 == 0o600

    def test_no_two_are_equal(self, tmp_path: Path):
        assert len({
            ensure_passphrase(tmp_path / str(number)) for number in range(99)
        }) == 99

    @pytest.mark.parametrize('content', [
        b'x' * 20, b'12345678', b'!"$%&/()=?`*+#:\\~', b'y' * 255])
    def test_kept(self, tmp_path: Path, content: bytes):
        path = tmp_path / 'passphrase'
        path.write_bytes(content)
        path.chmod(0o644)
        assert ensure_passphrase(path).encode() == content
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize('content', [
        b'', b'short', b'x' * 20 + b'\n', b'two words', b'\xff' * 20,
        b'\0' * 20, b'z' * 256, 'sch\u00f6nes Passwort'.encode(),
    ])
    def test_garbage(self, tmp_path: Path, content: bytes):
        path = tmp_path / 'passphrase'
        path.write_bytes(content)
        with pytest.raises(UnusableFile) as info:
            ensure_passphrase(path)
        assert path.read_bytes() == content
        text = str(info.value).removeprefix(f'{path}: ')
        assert text.startswith('holds no passphrase')
        assert not content or repr(content)[2:-1] not in text

    def test_directory_in_its_place(self, tmp_path: Path):
        (tmp_path / 'passphrase').mkdir()
        with pytest.raises(UnusableFile, match='a directory'):
            ensure_passphrase(tmp_path / 'passphrase')

    def test_not_in_what_is_printed(self):
        assert 'secret' not in repr(Credentials('secret' * 3))

    def test_ours_are_sane(self):
        assert SANE_PASSPHRASE.fullmatch(b'x' * 20)


class TestPrepare:
    """What there is before the server listens."""

    def test_https(self, files: Files, run_dir: Path):
        found = files.prepare(HOSTS)
        service = run_dir / '.service'
        assert found.certificate == service / 'ssl.cert'
        assert found.key == service / 'ssl.pem'
        assert listing(service) == [
            'contact', 'passphrase', 'ssl.cert', 'ssl.pem']
        for name in ('passphrase', 'ssl.cert', 'ssl.pem'):
            assert (service / name).stat().st_mode & 0o777 == 0o600

    def test_http(self, config: Config, run_dir: Path):
        config = replace(config, method='http')
        found = Files(WORKFLOW, run_dir, config).prepare(HOSTS)
        assert (found.certificate, found.key) == (None, None)
        assert listing(run_dir / '.service') == ['contact', 'passphrase']

    def test_nothing_changes_at_a_restart(
        self, files: Files, run_dir: Path, config: Config,
    ):
        assert files.prepare(HOSTS) == Files(
            WORKFLOW, run_dir, config).prepare(HOSTS)
        before = (run_dir / '.service/ssl.cert').read_bytes()
        files.prepare(HOSTS)
        assert (run_dir / '.service/ssl.cert').read_bytes() == before

    def test_moved_workflow(self, files: Files, run_dir: Path):
        files.prepare(['old.localhost'])
        files.prepare(['new.localhost'])
        names = certificate.names(run_dir / '.service/ssl.cert')
        assert 'new.localhost' in names

    def test_certificate_of_the_site(
        self, config: Config, run_dir: Path, tmp_path: Path,
    ):
        cert, key = tmp_path / 'site.cert', tmp_path / 'site.pem'
        certificate.make(cert, key, ['*.example.org'])
        for path in (cert, key):
            path.chmod(0o440)
        config = replace(config, tls_certificate=str(cert), tls_key=str(key))
        found = Files(WORKFLOW, run_dir, config).prepare(HOSTS)
        assert (found.certificate, found.key) == (cert, key)
        assert (run_dir / '.service/ssl.cert').read_bytes() == (
            cert.read_bytes())
        assert not (run_dir / '.service/ssl.pem').exists()
        assert {path.stat().st_mode & 0o777 for path in (cert, key)} == {
            0o440}

    def test_bad_certificate_of_the_site(
        self, config: Config, run_dir: Path, tmp_path: Path,
    ):
        cert = tmp_path / 'site.cert'
        cert.write_text('garbage')
        config = replace(
            config, tls_certificate=str(cert), tls_key=str(cert))
        with pytest.raises(UnusableFile, match='holds no certificate'):
            Files(WORKFLOW, run_dir, config).prepare(HOSTS)
        assert cert.read_text() == 'garbage'

    @pytest.mark.parametrize('name', ['passphrase', 'ssl.cert', 'ssl.pem'])
    def test_directory_in_the_place(
        self, files: Files, run_dir: Path, name: str,
    ):
        (run_dir / '.service' / name).mkdir()
        with pytest.raises(UnusableFile, match=f'{name}: a directory'):
            files.prepare(HOSTS)

    def test_full_disk(self, config: Config, tmp_path: Path):
        with small_disk(tmp_path / 'disk') as disk:
            fill(disk)
            with pytest.raises(OSError, match='No space left'):
                Files(WORKFLOW, disk, config).prepare(HOSTS)
            assert listing(disk / '.service') == []


class TestAnnounce:
    """What clients find."""

    def test_http_json(self, files: Files, run_dir: Path):
        files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        info = read_info(run_dir)
        assert info is not None
        assert info.address == ADDRESS
        assert info.authentication == 'digest'
        assert info.realm == WORKFLOW
        assert info.process == Process.current()
        assert sorted(info.versions) == ['cylc-flask', 'cylc-flow']
        assert info_path(run_dir).stat().st_mode & 0o777 == 0o600

    def test_no_secret_in_it(self, files: Files, run_dir: Path):
        found = files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        assert found.passphrase not in info_path(run_dir).read_text()

    def test_contact(self, files: Files, root: Path):
        files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        text = (root / WORKFLOW / '.service/contact').read_text()
        items = dict(line.split('=', 1) for line in text.splitlines())
        process = items.pop('CYLC_SUITE_PROCESS')
        assert process.split()[0] == str(os.getpid())
        assert items.pop('CYLC_SUITE_OWNER')
        assert items == {
            'CYLC_API': '2',
            'CYLC_COMMS_PROTOCOL': 'https',
            'CYLC_SUITE_HOST': '127.0.0.1',
            'CYLC_SUITE_NAME': WORKFLOW,
            'CYLC_SUITE_PORT': '43001',
            'CYLC_SUITE_UUID': 'some-uuid',
            'CYLC_VERSION': '7.8.15',
        }

    def test_credentials_are_the_same(
        self, files: Files, root: Path, run_dir: Path,
    ):
        files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        for name in ('passphrase', 'ssl.cert'):
            assert (root / WORKFLOW / '.service' / name).read_bytes() == (
                run_dir / '.service' / name).read_bytes()
        assert not (root / WORKFLOW / '.service/ssl.pem').exists()

    def test_contact_of_cylc_8_is_left_alone(
        self, files: Files, run_dir: Path,
    ):
        files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        files.withdraw()
        assert (run_dir / '.service/contact').read_text() == (
            'CYLC_VERSION=8.5.4\n')

    def test_cleaned_workflows(
        self, files: Files, root: Path, config: Config, tmp_path: Path,
        log: list[str],
    ):
        other = Files('other', tmp_path / 'cylc-run/other', config)
        (tmp_path / 'cylc-run/other').mkdir()
        other.prepare(HOSTS)
        other.announce(ADDRESS, 'some-uuid')
        (tmp_path / 'cylc-run/other').rename(tmp_path / 'gone')
        files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        assert listing(root) == ['a']
        assert taken(log) == [
            f'removed {root}/other: its workflow has been cleaned']

    @pytest.mark.parametrize('setting', [
        {'legacy_run_directory': ''}, {'unix_socket': 'http.sock'}])
    def test_without_a_parallel_root(
        self, config: Config, run_dir: Path, root: Path,
        setting: dict[str, Any],
    ):
        files = Files(WORKFLOW, run_dir, replace(config, **setting))
        files.prepare(HOSTS)
        files.announce(Address('https', socket='/a b'), 'some-uuid')
        assert not root.exists()
        info = read_info(run_dir)
        assert info and info.address.url == 'https+unix://%2Fa%20b/'
        files.withdraw()

    def test_parallel_root_cannot_be_written(
        self, files: Files, root: Path, run_dir: Path, log: list[str],
    ):
        root.write_text('a file')
        files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        assert read_info(run_dir)
        message, = taken(log)
        assert f'{root}: not a directory' in message
        files.withdraw()

    def test_directory_in_the_place_of_http_json(
        self, files: Files, root: Path, run_dir: Path, log: list[str],
    ):
        info_path(run_dir).mkdir()
        files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        files.withdraw()
        assert all('http.json' in message for message in taken(log))
        assert info_path(run_dir).is_dir()

    def test_full_disk(
        self, config: Config, tmp_path: Path, log: list[str],
    ):
        with small_disk(tmp_path / 'disk') as disk:
            files = Files(WORKFLOW, disk, replace(
                config, legacy_run_directory=str(disk / 'cylc7-run')))
            files.prepare(HOSTS)
            fill(disk)
            files.announce(ADDRESS, 'some-uuid')
            assert 'http.json' not in listing(disk / '.service')
            assert all('No space left' in text for text in taken(log))
            files.withdraw()


class TestWithdraw:
    """What a stop takes back."""

    def test_addresses_only(self, files: Files, run_dir: Path, root: Path):
        files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        files.withdraw()
        assert listing(run_dir / '.service') == [
            'contact', 'passphrase', 'ssl.cert', 'ssl.pem']
        assert 'contact' not in listing(root / WORKFLOW / '.service')

    def test_again_and_early(self, files: Files, run_dir: Path):
        files.withdraw()
        files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        files.announce(replace(ADDRESS, port=43002), 'some-uuid')
        files.withdraw()
        files.withdraw()
        assert read_info(run_dir) is None

    def test_another_has_taken_over(
        self, files: Files, run_dir: Path, config: Config, log: list[str],
    ):
        files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        other = Files(WORKFLOW, run_dir, config)
        other.announce(replace(ADDRESS, port=43002), 'other-uuid')
        files.withdraw()
        info = read_info(run_dir)
        assert info and info.address.port == 43002

    def test_forked_process_takes_nothing(
        self, files: Files, run_dir: Path,
    ):
        files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        files._process = replace(files._process, pid=os.getppid())
        files.withdraw()
        assert read_info(run_dir)

    def test_run_directory_is_gone(
        self, files: Files, run_dir: Path, tmp_path: Path,
    ):
        files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        run_dir.rename(tmp_path / 'elsewhere')
        files.withdraw()


class TestStale:
    """What a scheduler has left that was killed."""

    def leave(self, run_dir: Path, process: Process) -> None:
        info = Info(ADDRESS, 'digest', WORKFLOW, process, {})
        info_path(run_dir).write_bytes(info.dump())

    @pytest.mark.parametrize('change', [
        {'pid': 2 ** 22 + 1}, {'started': 1}, {'host': 'elsewhere'}])
    def test_removed(
        self, files: Files, run_dir: Path, change: dict[str, Any],
    ):
        self.leave(run_dir, replace(Process.current(), **change))
        files.prepare(HOSTS)
        assert read_info(run_dir) is None

    def test_of_a_live_process(
        self, files: Files, run_dir: Path, log: list[str],
    ):
        other = os.getppid()
        with open(f'/proc/{other}/stat') as stat:
            started = int(stat.read().rpartition(')')[2].split()[19])
        self.leave(run_dir, replace(
            Process.current(), pid=other, started=started))
        files.prepare(HOSTS)
        assert read_info(run_dir) is None
        message, = taken(log)
        assert f'still served by process {other}' in message

    def test_garbage(self, files: Files, run_dir: Path, log: list[str]):
        info_path(run_dir).write_bytes(b'\xff')
        files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        assert read_info(run_dir)
        message, = taken(log)
        assert 'not written by cylc-flask' in message

    def test_own_is_kept_when_the_thread_starts_again(
        self, files: Files, run_dir: Path,
    ):
        files.prepare(HOSTS)
        files.announce(ADDRESS, 'some-uuid')
        files.prepare(HOSTS)
        assert read_info(run_dir)


class Suite(http.server.BaseHTTPRequestHandler):
    """Answers who has asked, once they have answered the challenge."""

    protocol_version = 'HTTP/1.1'

    def do_GET(self) -> None:
        """Ask for Digest, and then say what has come."""
        sent = self.headers.get('Authorization', '')
        self.send_response(200 if sent else 401)
        self.send_header('Content-Length', str(len(sent)))
        self.send_header(
            'WWW-Authenticate',
            'Digest realm="suite", nonce="1", algorithm="MD5", qop="auth"')
        self.end_headers()
        self.wfile.write(sent.encode())

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def served(
    files: Files, run_dir: Path, request: pytest.FixtureRequest,
) -> Iterator[Files]:
    """A server of that scheme, announced."""
    found = files.prepare(HOSTS)
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Suite)
    if request.param == 'https':
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        assert found.certificate
        context.load_cert_chain(found.certificate, found.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    files.announce(
        Address(request.param, '127.0.0.1', server.server_port), 'some-uuid')
    yield files
    files.withdraw()
    server.shutdown()
    thread.join()
    server.server_close()


def discover(
    python: str, root: Path, **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Do as a Cylc 7 client does, with that Python."""
    return subprocess.run(
        [python, CLIENT, root, WORKFLOW, 'ping_suite'],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, **environment},
    )


class TestDiscovery:
    """From the files which we write, a Cylc 7 client gets its answer."""

    @pytest.mark.parametrize('served', ['http', 'https'], indirect=True)
    @pytest.mark.parametrize('python', pythons())
    def test_call(self, served: Files, root: Path, python: str):
        result = discover(python, root)
        assert result.returncode == 0, result.stderr
        found = json.loads(result.stdout)
        assert 'username="cylc"' in found['answer']
        assert found['running'] is True

    @pytest.mark.parametrize('served', ['https'], indirect=True)
    def test_call_from_a_job(self, served: Files, root: Path):
        python = pythons()[0]
        job = {'CYLC_SUITE_NAME': WORKFLOW}
        right = discover(python, root, **job, CYLC_SUITE_UUID='some-uuid')
        wrong = discover(python, root, **job, CYLC_SUITE_UUID='another')
        assert (right.returncode, wrong.returncode) == (0, 1)
        assert 'UUID mismatch' in wrong.stderr

    @pytest.mark.parametrize('served', ['http'], indirect=True)
    def test_stopped(self, served: Files, root: Path):
        served.withdraw()
        assert 'contact' in discover(pythons()[0], root).stderr

    def test_killed(self, files: Files, root: Path):
        """A client removes the contact file of a process that is no more."""
        child = subprocess.Popen(['sleep', '60'])
        files._process = replace(files._process, pid=child.pid)
        files.prepare(HOSTS)
        files.announce(replace(ADDRESS, port=1), 'some-uuid')
        contact = root / WORKFLOW / '.service/contact'
        result = json.loads(discover(pythons()[0], root).stdout)
        assert result['running'] is True and contact.exists()
        child.kill()
        child.wait()
        result = json.loads(discover(pythons()[0], root).stdout)
        assert result['running'] is False and not contact.exists()
