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
"""Encrypted connections, and those which should be."""

from __future__ import annotations

from contextlib import suppress
import http.client
from pathlib import Path
import socket
import ssl
import subprocess
import time
import urllib.request

from cryptography import x509
import pytest
import requests

from cylc_flask import certificate
from tests.harness import need, wait_for
from tests.unit.server.served import (
    Served,
    answers,
    echo,
    everything,
    get,
    one,
    post,
    wires,
)

#: How a handshake begins: the header of a record of 512 bytes.
HELLO = b'\x16\x03\x01\x02\x00\x01'


@pytest.fixture
def served(serve, tls) -> Served:
    """An HTTPS server."""
    return serve(echo, tls)


def test_request(served):
    told = served.get('/a').json
    assert told['PATH_INFO'] == '/a'
    assert told['wsgi.url_scheme'] == 'https'
    assert told['REMOTE_ADDR'] == '127.0.0.1'


def test_connection_is_kept(served):
    with served.connect() as sock:
        for number in range(3):
            sock.sendall(post(b'abc', path=f'/{number}'))
            assert one(sock).json['PATH_INFO'] == f'/{number}'


def test_requests_in_one_record(served):
    """What the kernel does not tell of any more is not forgotten."""
    number = 16384 // len(get()) - 1
    with served.connect() as sock:
        sock.sendall(get() * number + get('/', 'Connection: close'))
        assert len(answers(everything(sock))) == number + 1


def test_much_data_in_both_directions(served):
    body = b'a' * 1_000_000
    with served.connect() as sock:
        sock.sendall(post(body))
        assert one(sock).json['body'] == body.decode()


def test_end_of_the_connection_is_told(served):
    """Else the client could not know that nothing was cut off."""
    with served.connect() as sock:
        assert isinstance(sock, ssl.SSLSocket)
        sock.suppress_ragged_eofs = False
        sock.sendall(get('/', 'Connection: close'))
        assert answers(everything(sock))


# Versions


@pytest.mark.parametrize('version', ['TLSv1_2', 'TLSv1_3'])
def test_version_is_spoken(version, served):
    context = ssl.create_default_context(cafile=served.tls[0])
    context.maximum_version = ssl.TLSVersion[version]
    with context.wrap_socket(
        served.connect_plain(), server_hostname='localhost'
    ) as sock:
        assert sock.version() == version.replace('_', '.')


@pytest.mark.filterwarnings('ignore:ssl.TLSVersion')
@pytest.mark.parametrize('version', ['TLSv1', 'TLSv1_1'])
def test_version_is_too_old(version, served):
    context = ssl.create_default_context(cafile=served.tls[0])
    context.set_ciphers('ALL:@SECLEVEL=0')
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion[version]
    with served.connect_plain() as sock, pytest.raises(
        ssl.SSLError, match='ALERT_PROTOCOL_VERSION'
    ):
        context.wrap_socket(sock, server_hostname='localhost')


# Clients that do not speak it


@pytest.mark.parametrize('data', [
    get(), post(b'abc'), post(b'a' * 500_000), b'\r\n', b'\x80\x2e\x01',
], ids=['get', 'post', 'large', 'empty', 'binary'])
def test_plain_http_is_told_what_to_do(data, served):
    with served.connect_plain() as sock:
        sock.sendall(data)
        (answer,) = answers(everything(sock))
    assert answer.status == 400
    assert answer.body == (
        b'This port speaks HTTPS: use https:// instead of http:// here.\n')


def test_plain_http_by_real_clients(served):
    host, port = served.address
    url = f'http://{host}:{port}/'
    assert 'https://' in requests.post(url, b'a' * 100_000, timeout=9).text
    done = subprocess.run(
        [need('curl'), '--silent', '--show-error', '--max-time', '20', url],
        capture_output=True, check=True)
    assert b'https://' in done.stdout


def test_plain_client_cannot_send_forever(served):
    with served.connect_plain() as sock, pytest.raises(OSError):
        while True:
            sock.sendall(b'a' * 100_000)


@pytest.mark.parametrize('data', [b'', HELLO, HELLO[:1]])
def test_handshake_has_to_be_made_in_time(data, serve, tls):
    served = serve(echo, tls, handshake_timeout=0.5)
    with served.connect_plain() as sock:
        began = time.monotonic()
        sock.sendall(data)
        assert everything(sock) == b''
        assert 0.4 < time.monotonic() - began < 10


def test_handshake_cannot_be_drawn_out(serve, tls):
    served = serve(echo, tls, handshake_timeout=0.5)
    with served.connect_plain() as sock:
        sock.settimeout(0.1)
        began = time.monotonic()
        for byte in HELLO + bytes(500):
            try:
                sock.send(bytes([byte]))
                if sock.recv(100) == b'':
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert 0.4 < time.monotonic() - began < 10


@pytest.mark.parametrize('data', [b'', HELLO])
def test_client_that_makes_no_handshake_delays_nobody(data, served):
    with served.connect_plain() as sock:
        sock.sendall(data)
        wait_for(wires)
        assert served.get().status == 200


def test_idle_client_delays_nobody(served):
    with served.connect() as idle:
        assert served.get().status == 200
        idle.sendall(get())
        assert one(idle).status == 200


@pytest.mark.parametrize('data', [
    b'', HELLO[:1], HELLO, HELLO + bytes(512), HELLO + b'a' * 600,
])
def test_client_goes_during_the_handshake(data, served, caplog):
    with served.connect_plain() as sock:
        sock.sendall(data)
    assert served.get().status == 200
    wait_for(lambda: not wires())
    assert not caplog.records


def test_client_does_not_trust_us(served, caplog):
    with served.connect_plain() as sock, pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(
            sock, server_hostname='localhost')
    wait_for(lambda: not wires())
    assert not caplog.records


def test_client_goes_without_a_word(served, caplog):
    sock = served.connect()
    sock.sendall(get())
    socket.socket.close(sock)
    wait_for(lambda: not wires())
    assert not caplog.records


# Slow clients


def test_limits_are_those_of_plain_connections(serve, tls):
    served = serve(echo, tls, request_timeout=0.5, idle_timeout=0.5)
    with served.connect() as sock:
        sock.sendall(get()[:-2])
        assert one(sock).status == 408
    with served.connect() as sock:
        assert everything(sock) == b''


def test_client_that_reads_nothing_is_given_up(serve, tls):
    def app(environ, start_response):
        start_response('200 OK', [])
        return [b'a' * 50_000_000]

    served = serve(app, tls, request_timeout=0.3)
    with served.connect() as sock:
        sock.sendall(get())
        assert sock.recv(1)
        wait_for(lambda: not wires())
        with suppress(OSError):
            assert len(everything(sock)) < 50_000_000


# Real clients


def test_requests(served):
    url = f'https://localhost:{served.address[1]}/a'
    with requests.Session() as session:
        for _ in range(3):
            answer = session.get(url, timeout=9, verify=served.tls[0])
            assert answer.json()['PATH_INFO'] == '/a'


def test_urllib(served):
    context = ssl.create_default_context(cafile=served.tls[0])
    url = f'https://localhost:{served.address[1]}/a'
    with urllib.request.urlopen(url, timeout=9, context=context) as page:
        assert b'"PATH_INFO": "/a"' in page.read()


@pytest.mark.parametrize('options', [
    [], ['--http1.0'], ['--head'], ['--tls-max', '1.2'], ['--http2'],
    ['--data', 'a' * 100_000],
], ids=lambda options: ' '.join(options)[:20])
def test_curl(options, served):
    url = f'https://localhost:{served.address[1]}/'
    subprocess.run(
        [need('curl'), '--silent', '--show-error', '--fail', '--max-time',
         '20', '--cacert', served.tls[0], *options, url, url],
        capture_output=True, check=True)


# Certificates


def write(path: Path, content: str) -> str:
    path.write_text(content)
    return str(path)


def refused(tls: tuple[str, str], serve) -> OSError:
    served = Served(tls=tls)
    try:
        with pytest.raises(OSError) as caught:
            served.wait()
        served.thread.ended.result(20)
        return caught.value
    finally:
        served.close()


def test_certificate_is_missing(tls, serve):
    assert isinstance(refused(('/none', tls[1]), serve), FileNotFoundError)


def test_certificate_is_garbage(tls, serve, tmp_path):
    garbage = write(tmp_path / 'cert', 'garbage')
    assert isinstance(refused((garbage, tls[1]), serve), ssl.SSLError)


def test_key_is_of_another_certificate(tls, serve, tmp_path):
    other = tmp_path / 'cert', tmp_path / 'key'
    certificate.make(*other, ['localhost'])
    fault = refused((tls[0], str(other[1])), serve)
    assert 'KEY_VALUES_MISMATCH' in str(fault)


def test_http_client(served):
    context = ssl.create_default_context(cafile=served.tls[0])
    connection = http.client.HTTPSConnection(
        'localhost', served.address[1], context=context, timeout=9)
    for _ in range(2):
        connection.request('GET', '/a')
        assert connection.getresponse().read()
    connection.close()


def number(served: Served) -> int:
    """Return which certificate a new connection gets."""
    text = ssl.get_server_certificate(served.address, timeout=20)
    return x509.load_pem_x509_certificate(text.encode()).serial_number


def test_another_certificate(serve, tmp_path, caplog):
    """New connections get it; those that there are go on."""
    paths = tmp_path / 'cert', tmp_path / 'key'
    certificate.make(*paths, ['localhost'])
    files = str(paths[0]), str(paths[1])
    served = serve(echo, tls=files)
    first = number(served)
    with served.connect() as sock:
        certificate.make(*paths, ['localhost'])
        assert number(served) == first
        served.thread.renew(files)
        wait_for(lambda: number(served) != first, what='the new one')
        sock.sendall(get())
        assert one(sock).status == 200
    second = number(served)
    paths[1].write_text('spoilt')
    served.thread.renew(files)
    wait_for(lambda: 'the old certificate is kept' in caplog.text)
    assert number(served) == second
