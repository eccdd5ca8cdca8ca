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
"""What the web server finds wrong: it says so, and the run goes on.

What somebody can mend is tried again, until it works.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
import os
from pathlib import Path
import re
import shutil
from typing import Any

import pytest
import requests
from requests.auth import HTTPDigestAuth

from cylc_flask import certificate
from tests.chaos import (
    PAUSED,
    assert_no_traceback,
    chaotic,
    complaints,
    is_served,
    play,
    said,
    taken,
)
from tests.disk import small_disk
from tests.harness import Run, Starter, free_port, wait_for

HTTPS = {'method': 'https'}

#: No address of this machine, nor of any: it is kept for documentation.
FOREIGN = '203.0.113.7'


# What can be mended


@dataclass
class Fault:
    """Something wrong before the start.

    Args:
        spoil: Makes it so.
        mend: Makes it good again, while the scheduler runs.
        says: What the log has to say of it.
        config: Settings of the web server.
    """

    spoil: Callable[[Run], Any]
    mend: Callable[[Run], Any]
    says: tuple[str, ...]
    config: dict[str, Any] = field(default_factory=dict)


def make_directory(name: str) -> Callable[[Run], None]:
    return lambda run: (run.service / name).mkdir(parents=True)


def remove_directory(name: str) -> Callable[[Run], None]:
    return lambda run: (run.service / name).rmdir()


def write(name: str, text: str) -> Callable[[Run], None]:
    return lambda run: run.write(run.service / name, text)


def remove(name: str) -> Callable[[Run], None]:
    return lambda run: (run.service / name).unlink()


def link_to_itself(run: Run) -> None:
    """Make a file that not even root can read."""
    run.service.mkdir(parents=True)
    (run.service / 'passphrase').symlink_to('passphrase')


def make_pipe(run: Run) -> None:
    run.service.mkdir(parents=True)
    os.mkfifo(run.service / 'passphrase')


def write_config(text: str) -> Callable[[Run], None]:
    return lambda run: run.write(
        Path(run.environment['CYLC_FLASK_CONFIG']), text)


def configure(**settings: Any) -> Callable[[Run], None]:
    return lambda run: run.configure(**settings)


def remove_config(run: Run) -> None:
    Path(run.environment['CYLC_FLASK_CONFIG']).unlink()


def use_site_certificate(run: Run) -> None:
    """Configure a certificate, which is not there yet."""
    run.configure(
        method='https',
        tls_certificate=str(run.home / 'site.cert'),
        tls_key=str(run.home / 'site.key'),
    )


def make_site_certificate(run: Run) -> None:
    certificate.make(
        run.home / 'site.cert', run.home / 'site.key', ['localhost'])


def spoil_site_certificate(run: Run) -> None:
    use_site_certificate(run)
    make_site_certificate(run)
    run.write(run.home / 'site.cert', 'garbage')


def mix_site_certificates(run: Run) -> None:
    use_site_certificate(run)
    make_site_certificate(run)
    certificate.make(
        run.home / 'site.cert', run.home / 'other.key', ['localhost'])


CONFIG = 'flask.toml: '

FAULTS = {
    'passphrase is a directory': Fault(
        make_directory('passphrase'), remove_directory('passphrase'),
        ('/passphrase: a directory is in the place of the file',),
    ),
    'passphrase is garbage': Fault(
        write('passphrase', 'a b\n'), remove('passphrase'),
        ('/passphrase: holds no passphrase', 'remove it to get a new one'),
    ),
    'passphrase cannot be read': Fault(
        link_to_itself, remove('passphrase'),
        ('Too many levels of symbolic links', '/passphrase'),
    ),
    'passphrase is a pipe': Fault(
        make_pipe, remove('passphrase'), ('/passphrase: not a regular file',),
    ),
    'ssl.cert is a directory': Fault(
        make_directory('ssl.cert'), remove_directory('ssl.cert'),
        ('/ssl.cert: a directory is in the place of the file',), HTTPS,
    ),
    'ssl.pem is a directory': Fault(
        make_directory('ssl.pem'), remove_directory('ssl.pem'),
        ('/ssl.pem: a directory is in the place of the file',), HTTPS,
    ),
    'site certificate is missing': Fault(
        use_site_certificate, make_site_certificate,
        ('/site.cert is missing',),
    ),
    'site certificate is garbage': Fault(
        spoil_site_certificate, make_site_certificate,
        ('/site.cert holds no certificate',),
    ),
    'site key is of another': Fault(
        mix_site_certificates, make_site_certificate,
        ('/site.key is not the key of', '/site.cert'),
    ),
    'unknown key': Fault(
        write_config('metod = "http"'), configure(),
        (CONFIG, 'unknown key "metod" = "http"', 'did you mean method?'),
    ),
    'bad value': Fault(
        write_config('method = "ftp"'), configure(),
        (CONFIG, 'method = "ftp" is not allowed', '"https" or "http"'),
    ),
    'no TOML': Fault(
        write_config('method = http'), configure(),
        (CONFIG, 'not a TOML file', 'line 1'),
    ),
    'no configuration file': Fault(
        remove_config, configure(), (CONFIG, 'No such file or directory'),
    ),
    'foreign address': Fault(
        configure(bind=[FOREIGN]), configure(),
        (f'cannot listen on {FOREIGN}',),
    ),
    'unknown address': Fault(
        configure(bind=['no-such-host.invalid']), configure(),
        ('cannot listen on no-such-host.invalid',),
    ),
    'file in the place of the socket': Fault(
        write('a.sock', ''), remove('a.sock'),
        ('cannot listen on the Unix socket', '/a.sock', 'no socket'),
        {'unix_socket': 'a.sock'},
    ),
    'path of the socket is too long': Fault(
        configure(unix_socket='x' * 100), configure(),
        ('unix_socket', 'makes a path of more than'),
    ),
}


@pytest.mark.parametrize('name', FAULTS)
def test_mended(start: Starter, name: str) -> None:
    fault = FAULTS[name]
    run = start.make(config=fault.config)
    fault.spoil(run)
    run.play(PAUSED, wait=False)
    run.wait_log('flask: no web server: ')
    (complaint,) = complaints(run.log())
    for text in fault.says:
        assert text in complaint
    assert complaint.endswith('(will be tried again)')
    assert run.http == {}
    fault.mend(run)
    wait_for(lambda: has_server(run), what='a web server')
    assert complaints(run.log()) == [complaint]
    assert_no_traceback(run)


def has_server(run: Run) -> bool:
    """Tell whether there is a server, over whatever it is reached."""
    return bool(run.http) and (
        bool(run.http['socket']) or is_served(run))


@pytest.mark.parametrize('number', [1, 3])
def test_ports_taken(start: Starter, number: int) -> None:
    first = free_ports(number)
    port = first if number == 1 else f'{first}..{first + number - 1}'
    run = start.make(config={'port': port})
    with ExitStack() as stack:
        stack.enter_context(taken(*range(first, first + number)))
        run.play(PAUSED, wait=False)
        run.wait_log('flask: no web server: no free port ')
        assert run.http == {}
    wait_for(lambda: is_served(run), what='a web server')
    assert first <= run.http['port'] < first + number
    (complaint,) = complaints(run.log())
    assert str(first) in complaint
    assert 'Address already in use' in complaint
    assert_no_traceback(run)


def free_ports(number: int) -> int:
    """Return the first of some free ports in a row."""
    def find() -> int:
        first = free_port()
        with suppress(OSError), taken(*range(first, first + number)):
            return first
        return 0
    return wait_for(find)


# What only some clients miss


def announced(run: Run) -> str:
    """Return the URL that the log tells."""
    run.wait_log('flask: web server at ')
    found = re.search(r'flask: web server at (\S+)/', run.log())
    assert found
    return found[1]


def ping(run: Run) -> Any:
    """Call a server whose files may be missing."""
    return requests.get(
        f'{announced(run)}/ping_suite',
        auth=HTTPDigestAuth('cylc', run.passphrase),
        timeout=10,
    ).json()


def test_files_for_clients_are_directories(start: Starter) -> None:
    run = start.make(config={'access_log': 'access.log'})
    info = run.service / 'http.json'
    contact = run.home / 'cylc7-run/one/.service/contact'
    access_log = run.run_dir / 'log/access.log'
    for path in (info, contact, access_log):
        path.mkdir(parents=True)
    run.play(PAUSED, wait=False)
    assert ping(run) is True
    text = '\n'.join(complaints(run.log()))
    assert f'{info}: a directory is in the place of the file' in text
    assert f'{contact.parent}: belongs to another program' in text
    assert f"no access log: [Errno 21] Is a directory: '{access_log}" in text
    assert run.stop() == 0
    assert info.is_dir()
    assert contact.is_dir()
    assert_no_traceback(run)


def test_our_file_in_the_legacy_root_is_a_directory(start: Starter) -> None:
    run = start()
    contact = run.home / 'cylc7-run/one/.service/contact'
    assert run.stop() == 0
    contact.mkdir()
    run.play()
    assert run.get('ping_suite') is True
    (complaint,) = complaints(run.log())
    assert 'some clients will not find the server' in complaint
    assert str(contact) in complaint
    assert run.stop() == 0
    assert_no_traceback(run)


@pytest.mark.parametrize('root', ['~/file', '/proc/cylc7'])
def test_no_legacy_root(start: Starter, root: str) -> None:
    run = start.make(config={'legacy_run_directory': root})
    (run.home / 'file').touch()
    run.play()
    assert run.get('ping_suite') is True
    (complaint,) = complaints(run.log())
    assert 'some clients will not find the server' in complaint
    assert root.strip('~') in complaint
    assert run.stop() == 0
    assert_no_traceback(run)


@pytest.mark.parametrize('name, content', [
    ('ssl.cert', 'garbage'), ('ssl.pem', 'garbage'), ('ssl.pem', None),
])
def test_own_certificate_is_made_anew(
    start: Starter, name: str, content: str | None,
) -> None:
    run = start.make(config=HTTPS)
    make_own(run)
    old = (run.service / 'ssl.cert').read_bytes()
    if content is None:
        # A good key, but of another certificate.
        certificate.make(
            run.home / 'unused', run.service / name, ['localhost'])
    else:
        (run.service / name).write_text(content)
    run.play()
    assert run.get('ping_suite') is True
    assert (run.service / 'ssl.cert').read_bytes() != old
    assert complaints(said(run)) == []


def make_own(run: Run) -> None:
    run.service.mkdir(parents=True)
    certificate.make(
        run.service / 'ssl.cert', run.service / 'ssl.pem', ['localhost'])


# Full disks


def test_full_disk_for_legacy_clients(start: Starter) -> None:
    run = start.make()
    with small_disk(run.home / 'cylc7-run', '4k') as disk:
        (disk / 'filler').write_bytes(bytes(4096))
        run.play()
        assert run.get('ping_suite') is True
        (complaint,) = complaints(run.log())
        assert 'No space left on device' in complaint
        assert run.stop() == 0
    assert_no_traceback(run)


def test_full_disk(start: Starter) -> None:
    """The disk of .service is full; Cylc's database is on another."""
    run = chaotic(start, 'fill_service')
    run.play(PAUSED)
    assert run.stop() == 0
    (run.service / 'db').rename(run.home / 'db')
    (run.service / 'passphrase').unlink()
    old = run.service.rename(run.home / 'service')
    with small_disk(run.service, '256k') as disk:
        shutil.copytree(old, disk, dirs_exist_ok=True)
        (disk / 'db').symlink_to(run.home / 'db')
        run.environment['CHAOS_DISK'] = str(disk)
        play(run, wait=False)
        run.wait_log('flask: no web server: ')
        (complaint,) = complaints(run.log())
        assert 'No space left on device' in complaint
        assert run.http == {}
        (disk / 'filler').unlink()
        wait_for(lambda: is_served(run), what='a web server')
        assert run.stop() == 0
        assert 'http.json' not in os.listdir(disk)
    assert_no_traceback(run)


# What nobody can mend


SHADOWS = {
    'gevent is missing': (
        {'gevent/__init__.py': 'raise ModuleNotFoundError("No gevent here")'},
        'ModuleNotFoundError', 'No gevent here',
    ),
    'gevent is broken': (
        {'gevent/__init__.py': 'raise OSError("undefined symbol: ev_run")'},
        'OSError', 'undefined symbol: ev_run',
    ),
    'flask exits': (
        {'flask.py': 'raise SystemExit(3)'}, 'SystemExit', '3',
    ),
    'a module of ours is broken': (
        {
            'cylc_flask/__init__.py': '__path__.append({package!r})\n'
                                      '__version__ = "0"',
            'cylc_flask/suite_server.py': 'class',
        },
        'SyntaxError', 'suite_server.py',
    ),
}


@pytest.mark.parametrize('name', SHADOWS)
def test_not_importable(start: Starter, name: str) -> None:
    files, *says = SHADOWS[name]
    run = start.make()
    shadow = run.home / 'shadow'
    package = str(Path(certificate.__file__).parent)
    for path, text in files.items():
        run.write(shadow / path, text.format(package=package))
    run.environment['CYLC_PYTHONPATH'] = str(shadow)
    run.play(wait=False)
    # It runs to its end.
    assert run.wait_end() == 0
    assert '1/one/01:running] => succeeded' in run.log()
    (complaint,) = complaints(run.log())
    assert complaint.split(' - ')[1].startswith('flask: no web server: ')
    assert all(text in complaint for text in says)
    assert run.http == {}
    assert_no_traceback(run)


def test_traceback_where_it_is_asked_for(start: Starter) -> None:
    run = start.make()
    write_config('port = -1')(run)
    run.play(PAUSED, '--debug', wait=False)
    run.wait_log('flask: no web server\n')
    assert 'ConfigError: ' in run.log()
