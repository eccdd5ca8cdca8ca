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
"""Over what clients come, and which of them are let in by the configuration.

Each scheduler has one set of settings, and serves several tests.
"""

from __future__ import annotations

from collections.abc import Iterator
import json
import os
from pathlib import Path
import socket
import ssl
import stat
import subprocess
import time
from typing import Any

import psutil
import pytest
import requests
from requests.auth import HTTPBasicAuth, HTTPDigestAuth

from tests.chaos import PAUSED, is_served, listeners
from tests.harness import Run, Starter, free_port, need, wait_for

TIMEOUT = 10


def other_address() -> str:
    """Return an address of this machine by which others could call it."""
    for found in psutil.net_if_addrs().values():
        for entry in found:
            if (
                entry.family is socket.AF_INET
                and not entry.address.startswith('127.')
            ):
                return str(entry.address)
    # All of these are of this machine, but servers on 127.0.0.1 miss them.
    return '127.0.0.2'


def curl(run: Run, *options: str | Path) -> subprocess.CompletedProcess[str]:
    """Call a server by curl, as its owner."""
    return subprocess.run(
        [need('curl'), '--silent', '--show-error', '--digest',
         '--user', f'cylc:{run.passphrase}', *options],
        capture_output=True, text=True, timeout=TIMEOUT)


# https, as it is by default


@pytest.fixture(scope='module')
def https(mod_start: Starter) -> Run:
    return mod_start.make(name='https', config={
        'method': 'https',
        'access_log': 'http/access.log',
        'allowed_hosts': ['alias.example.org'],
    }).play(PAUSED)


@pytest.mark.parametrize('address', ['127.0.0.1', other_address()])
def test_https_on_all_addresses(https: Run, address: str) -> None:
    port = https.http['port']
    assert https.http['scheme'] == 'https'
    result = curl(
        https, '--cacert', https.service / 'ssl.cert',
        '--connect-to', f'::{address}:{port}', f'{https.url}/ping_suite')
    assert (result.stdout, result.stderr) == ('true', '')


def test_the_certificate_is_needed(https: Run) -> None:
    result = curl(https, f'{https.url}/ping_suite')
    assert result.returncode == 60
    assert 'certificate' in result.stderr


@pytest.mark.parametrize('name, spoken', [
    ('TLSv1', False), ('TLSv1_1', False), ('TLSv1_2', True),
    ('TLSv1_3', True),
])
@pytest.mark.filterwarnings('ignore:ssl.TLSVersion.TLSv1:DeprecationWarning')
def test_versions_of_tls(https: Run, name: str, spoken: bool) -> None:
    context = ssl.create_default_context(cafile=https.service / 'ssl.cert')
    # Or this side would refuse the old ones, too.
    context.set_ciphers('ALL:@SECLEVEL=0')
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion[name]
    address = https.http['host'], https.http['port']
    with socket.create_connection(address, TIMEOUT) as sock:
        if spoken:
            with context.wrap_socket(
                sock, server_hostname=address[0]
            ) as secure:
                assert secure.version() == name.replace('_', '.')
        else:
            with pytest.raises(ssl.SSLError, match='(?i)alert protocol vers'):
                context.wrap_socket(sock, server_hostname=address[0])


def test_http_where_https_is_spoken(https: Run) -> None:
    response = requests.get(
        f'{https.url.replace("https:", "http:")}/ping_suite', timeout=TIMEOUT)
    assert response.status_code == 400
    assert 'https://' in response.text


def test_an_idle_connection_keeps_nobody_waiting(https: Run) -> None:
    address = '127.0.0.1', https.http['port']
    idle = [socket.create_connection(address, TIMEOUT) for _ in range(20)]
    try:
        assert https.get('ping_suite') is True
    finally:
        for sock in idle:
            sock.close()


def test_access_log(https: Run) -> None:
    path = https.run_dir / 'log/http/access.log'
    https.get('get_task_info', names='one')
    https.request('GET', 'nowhere')

    def lines() -> list[str]:
        return [
            line for line in path.read_text().splitlines()
            if 'names=one' in line or '/nowhere' in line
        ]

    wait_for(lambda: len(lines()) == 4, what='four lines')
    # Each is asked for the password first.
    assert [line.split('"')[2].split()[0] for line in lines()] == [
        '401', '200', '401', '404']
    line = lines()[1]
    assert line.startswith('127.0.0.1 ')
    assert '"GET /get_task_info?names=one HTTP/1.1" 200 ' in line
    assert https.passphrase not in path.read_text()


@pytest.mark.parametrize('host, status', [
    ('localhost', 200),
    ('LOCALHOST.:80', 200),
    ('127.0.0.1:1', 200),
    ('[::1]', 200),
    (socket.gethostname(), 200),
    ('alias.example.org', 200),
    ('rebound.example.org', 421),
    ('localhost.example.org', 421),
    ('127.0.0.1.example.org', 421),
])
def test_names_of_the_server(https: Run, host: str, status: int) -> None:
    response = https.request('GET', 'ping_suite', headers={'Host': host})
    assert response.status_code == status
    if status == 421:
        assert 'allowed_hosts' in response.text
        assert 'WWW-Authenticate' not in response.headers


@pytest.mark.parametrize('headers', [
    {'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64)'},
    {'Cookie': 'a=b'},
    {'Origin': 'https://example.org'},
    {'Origin': 'null'},
    {'Referer': 'https://example.org/page'},
    {'Sec-Fetch-Site': 'cross-site'},
])
@pytest.mark.parametrize('verb', ['GET', 'POST'])
def test_browsers_give_no_commands(
    https: Run, verb: str, headers: dict[str, str],
) -> None:
    if 'User-Agent' in headers:
        # It gets no challenge, lest it open its window for the password.
        response = https.request(verb, 'hold_suite', headers=headers)
        assert response.status_code == 401
        assert response.headers['WWW-Authenticate'] == 'Session'
        return
    response = https.request(verb, 'stop_now', headers=headers)
    assert response.status_code == 403
    assert 'browsers' in response.text
    # They may look.
    assert https.request(verb, 'ping_suite', headers=headers).json() is True
    assert https.alive


def test_unlimited_by_default(https: Run) -> None:
    session = https.session()
    for _ in range(100):
        answer = session.get(f'{https.url}/ping_suite', timeout=TIMEOUT)
        assert answer.status_code == 200


# http


@pytest.fixture(scope='module')
def http(mod_start: Starter) -> Run:
    first = free_port()
    return mod_start.make(name='http', config={
        'port': f'{first}..{first + 20}',
        'authentication': 'basic',
        'read_only': True,
        'limits': {'request_rate': 4},
    }).play(PAUSED)


@pytest.fixture
def rested(http: Run) -> Run:
    """Wait until the limit lets a test begin as if it were the first."""
    time.sleep(2)
    return http


def test_http_on_loopback_only(http: Run) -> None:
    port = http.http['port']
    assert http.url == f'http://127.0.0.1:{port}'
    assert {ip for ip, other in listeners(http) if other == port} == {
        '127.0.0.1'}


def test_a_port_of_the_range(http: Run) -> None:
    config = Path(http.environment['CYLC_FLASK_CONFIG']).read_text()
    first, last = config.split('port = "')[1].split('"')[0].split('..')
    assert int(first) <= http.http['port'] <= int(last)


def test_basic(rested: Run) -> None:
    assert rested.http['authentication'] == 'basic'
    url = f'{rested.url}/ping_suite'
    with_basic = HTTPBasicAuth('cylc', rested.passphrase)
    answer = requests.get(url, auth=with_basic, timeout=TIMEOUT)
    assert answer.json() is True
    answer = requests.get(url, timeout=TIMEOUT)
    assert answer.status_code == 401
    assert answer.headers['WWW-Authenticate'].startswith('Basic realm="http"')
    answer = requests.get(
        url, auth=HTTPBasicAuth('cylc', 'wrong'), timeout=TIMEOUT)
    assert answer.status_code == 401


def test_digest_is_not_offered_beside_basic(rested: Run) -> None:
    answer = requests.get(
        f'{rested.url}/ping_suite', timeout=TIMEOUT,
        auth=HTTPDigestAuth('cylc', rested.passphrase))
    assert answer.status_code == 401


def test_read_only(rested: Run) -> None:
    for verb in ('GET', 'POST'):
        answer = rested.request(verb, 'stop_now')
        assert answer.status_code == 403
        assert 'read_only' in answer.text
    assert rested.get('ping_suite') is True
    assert rested.alive


def test_limit_on_requests(rested: Run) -> None:
    session = rested.session()
    url = f'{rested.url}/ping_suite'
    answers = [session.get(url, timeout=TIMEOUT) for _ in range(40)]
    passed = [answer for answer in answers if answer.ok]
    refused = [answer for answer in answers if not answer.ok]
    assert len(passed) >= 8
    assert len(refused) > 10
    for answer in refused:
        assert answer.status_code == 429
        assert answer.headers['Retry-After'] == '1'
        assert 'limits.request_rate' in answer.text
    time.sleep(1)
    assert session.get(url, timeout=TIMEOUT).ok


def test_limit_counts_who_fails_to_log_in(rested: Run) -> None:
    url = f'{rested.url}/ping_suite'
    with requests.Session() as session:
        statuses = [
            session.get(url, timeout=TIMEOUT).status_code for _ in range(40)]
    assert statuses[:8] == [401] * 8
    assert statuses[-1] == 429


# A Unix socket


@pytest.fixture(scope='module')
def unix(mod_start: Starter) -> Iterator[Run]:
    run = mod_start.make(name='unix/run1', config={
        'unix_socket': 'http-{workflow}.sock',
        'control_by_get': False,
        'access_log': 'access.log',
        'limits': {'request_rate': 0.01},
    })
    run.play(PAUSED)
    yield run
    path = Path(run.http['socket'])
    assert run.stop() == 0
    assert not path.exists()


def through(run: Run, *options: str, path: str = 'ping_suite') -> Any:
    result = curl(
        run, '--unix-socket', run.http['socket'], *options,
        f'http://localhost/{path}')
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_unix_socket(unix: Run) -> None:
    path = Path(unix.http['socket'])
    assert path == unix.service / 'http-unix%2Frun1.sock'
    status = path.stat()
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert unix.http['url'].startswith('http+unix://')
    assert unix.http['port'] is None
    for _ in range(5):
        # No address, no limit.
        assert json.loads(through(unix)) is True


def test_nothing_else_beside_a_unix_socket(unix: Run) -> None:
    assert not (unix.home / 'cylc7-run').exists()
    # Cylc's own two.
    assert len(listeners(unix)) == 2


def test_the_tools_find_a_unix_socket(unix: Run) -> None:
    called = unix.cylc('flask', 'call', unix.name, 'ping_suite')
    assert called.stdout.strip().lower() == 'true'
    assert 'healthy' in unix.cylc('flask', 'info', unix.name).stdout


def test_access_log_of_a_unix_socket(unix: Run) -> None:
    path = unix.run_dir / 'log/access.log'
    through(unix)
    wait_for(
        lambda: '- - - [' in path.read_text()
        and '"GET /ping_suite HTTP/1.1" 200' in path.read_text(),
        what='a line',
    )


def test_control_by_post_only(unix: Run) -> None:
    text = through(unix, '--include', path='hold_suite')
    assert '405 ' in text
    assert 'Allow: POST' in text
    assert 'control_by_get' in text
    text = through(unix, '--data', 'wait=10', path='hold_suite')
    assert json.loads(text) == [True, 'Command succeeded']
    assert json.loads(through(unix)) is True


def test_socket_of_a_killed_scheduler(start: Starter) -> None:
    run = start.make(config={'unix_socket': 'a.sock'}).play(PAUSED)
    path = Path(run.http['socket'])
    run.kill()
    assert path.exists()
    run.play(PAUSED)
    assert json.loads(through(run)) is True
    assert os.listdir(run.service).count('a.sock') == 1
    assert run.stop() == 0
    assert not path.exists()


# Several addresses


def second_address() -> str:
    """Return one of the other kind, if this machine has it."""
    try:
        with socket.create_server(('::1', 0), family=socket.AF_INET6):
            return '::1'
    except OSError:
        return '127.0.0.4'


def test_two_addresses_of_both_kinds(start: Starter) -> None:
    second = second_address()
    run = start.make(config={'bind': ['127.0.0.3', second]}).play(PAUSED)
    port = run.http['port']
    for host in ('127.0.0.3', f'[{second}]' if ':' in second else second):
        answer = requests.get(
            f'http://{host}:{port}/ping_suite', timeout=TIMEOUT,
            auth=HTTPDigestAuth('cylc', run.passphrase))
        assert answer.json() is True
    assert {ip for ip, other in listeners(run) if other == port} == {
        '127.0.0.3', second}


def test_fixed_port_kept_over_a_restart(start: Starter) -> None:
    """No port has to rest before it is used again."""
    run = start.make(config={'port': free_port()}).play(PAUSED)
    port = run.http['port']
    # A connection that the server closes, which has to rest.
    with socket.create_connection(('127.0.0.1', port), TIMEOUT) as sock:
        sock.sendall(b'GET /ping_suite HTTP/1.0\r\n\r\n')
        while sock.recv(4096):
            pass
    assert run.stop() == 0
    run.play(PAUSED)
    wait_for(lambda: is_served(run), what='a web server')
    assert run.http['port'] == port
