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
"""Certificates: when one is made, and which clients trust it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
import http.server
import os
from pathlib import Path
import socket
import ssl
import subprocess
import sys
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
import pytest
import requests

from cylc_flask import certificate
from cylc_flask.private import UnusableFile
from tests.disk import fill, small_disk
from tests.harness import need
from tests.pythons import pythons

HOST = 'Host.example.org'

#: Connects to hosts on a port, by a CA file, with strict rules if there are
#: some, and prints the first byte that it gets from each.
CLIENT = """
import socket, ssl, sys
port, ca = sys.argv[1:3]
for host in sys.argv[3:]:
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags |= getattr(ssl, 'VERIFY_X509_STRICT', 0)
    plain = socket.create_connection(('127.0.0.1', int(port)), 10)
    secure = context.wrap_socket(plain, server_hostname=host)
    secure.sendall(b'HEAD / HTTP/1.0\\r\\n\\r\\n')
    sys.stdout.write(secure.recv(1).decode())
    secure.close()
"""

Pair = tuple[Path, Path]


@pytest.fixture(scope='module', autouse=True)
def hosts_file() -> Iterator[None]:
    """Know this host only, whatever name service there is."""
    def find(name: str) -> str:
        if name.lower() == 'localhost':
            return '127.0.0.1'
        raise OSError(f'no address of {name}')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, 'gethostbyname', find)
        yield


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Where a certificate and its key shall be."""
    return tmp_path / 'ssl.cert', tmp_path / 'ssl.pem'


@pytest.fixture(scope='module')
def made(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A certificate and its key, for tests which only read them."""
    folder = tmp_path_factory.mktemp('made')
    found = folder / 'ssl.cert', folder / 'ssl.pem'
    certificate.ensure(*found, [HOST])
    return found


@pytest.fixture(scope='module')
def port(made: Pair) -> Iterator[int]:
    """The port of a server with that certificate, on loopback."""
    with serving(*made) as number:
        yield number


@contextmanager
def serving(cert: Path, key: Path) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(
        ('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def contents(pair: Pair) -> list[bytes]:
    return [path.read_bytes() for path in pair]


def days(count: float) -> timedelta:
    return timedelta(days=count)


class TestMaking:
    """What is made, and when."""

    def test_form(self, made: Pair):
        cert = x509.load_pem_x509_certificate(made[0].read_bytes())
        left = cert.not_valid_after_utc - datetime.now(UTC)
        key = cert.public_key()
        assert days(3649) < left <= days(3650)
        assert isinstance(key, rsa.RSAPublicKey)
        assert key.key_size == 2048
        assert isinstance(cert.signature_hash_algorithm, hashes.SHA256)
        name, = cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert name.value == HOST
        assert cert.subject == cert.issuer

    def test_files_are_private(self, made: Pair):
        assert [path.stat().st_mode & 0o777 for path in made] == [0o600] * 2

    def test_names(self, made: Pair):
        assert certificate.names(made[0]) == [
            HOST.lower(), 'localhost', '127.0.0.1', '::1']

    def test_address_of_the_host(self, pair: Pair):
        certificate.ensure(*pair, ['localhost'])
        names = alternative_names(pair[0])
        assert 'DNS:127.0.0.1' in names
        assert 'IP Address:127.0.0.1' in names

    def test_host_with_a_long_name(self, pair: Pair):
        host = '.'.join(['x' * 60] * 3)
        certificate.ensure(*pair, [host])
        assert host in certificate.names(pair[0])

    def test_good_one_is_kept(self, pair: Pair):
        certificate.ensure(*pair, [HOST])
        before = contents(pair)
        for path in pair:
            path.chmod(0o644)
        certificate.ensure(*pair, [HOST.upper(), 'localhost', '::1'])
        assert contents(pair) == before
        assert {path.stat().st_mode & 0o777 for path in pair} == {0o600}

    def test_another_host(self, pair: Pair):
        certificate.ensure(*pair, [HOST])
        assert 'not for other.example.org' in certificate.flaw(
            *pair, ['other.example.org'])
        certificate.ensure(*pair, ['other.example.org'])
        assert 'other.example.org' in certificate.names(pair[0])

    @pytest.mark.parametrize('lifetime', [days(-0.5), days(29)])
    def test_at_its_end(
        self,
        pair: Pair,
        lifetime: timedelta,
        monkeypatch: pytest.MonkeyPatch,
    ):
        with monkeypatch.context() as patch:
            patch.setattr(certificate, 'LIFETIME', lifetime)
            certificate.make(*pair, [HOST])
        flaw = certificate.flaw(*pair)
        assert ('not valid after' in flaw) == (lifetime < days(0))
        assert is_replaced(pair)

    def test_before_its_begin(
        self,
        pair: Pair,
        monkeypatch: pytest.MonkeyPatch,
    ):
        with monkeypatch.context() as patch:
            patch.setattr(certificate, 'SKEW', days(-1))
            certificate.make(*pair, [HOST])
        assert 'not valid before' in certificate.flaw(*pair)
        assert is_replaced(pair)


SPOIL: dict[str, Callable[[Path, Path], object]] = {
    'no certificate': lambda cert, key: cert.unlink(),
    'no key': lambda cert, key: key.unlink(),
    'empty certificate': lambda cert, key: cert.write_bytes(b''),
    'empty key': lambda cert, key: key.write_bytes(b''),
    'garbage certificate': lambda cert, key: cert.write_bytes(b'\xff' * 99),
    'garbage key': lambda cert, key: key.write_bytes(b'\0' * 99),
    'half a certificate': lambda cert, key: halve(cert),
    'half a key': lambda cert, key: halve(key),
    'key of another': lambda cert, key: key.write_bytes(a_key()),
    'key behind a password': lambda cert, key: key.write_bytes(
        a_key(serialization.BestAvailableEncryption(b'password'))),
    'exchanged': lambda cert, key: exchange(cert, key),
}


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def exchange(one: Path, other: Path) -> None:
    text = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(text)


def a_key(
    encryption: serialization.KeySerializationEncryption | None = None,
) -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        encryption or serialization.NoEncryption(),
    )


def is_replaced(pair: Pair) -> bool:
    """Return True if a start makes another certificate, and a good one."""
    before = contents(pair) if all(map(Path.exists, pair)) else []
    certificate.ensure(*pair, [HOST])
    assert not certificate.flaw(*pair, [HOST])
    return contents(pair) != before


@pytest.mark.parametrize('spoil', SPOIL.values(), ids=SPOIL)
def test_unusable_is_replaced(pair: Pair, spoil: Callable[..., object]):
    certificate.make(*pair, [HOST])
    spoil(*pair)
    assert certificate.flaw(*pair)
    assert is_replaced(pair)


@pytest.mark.parametrize('place', [0, 1], ids=['certificate', 'key'])
def test_directory_in_the_place(pair: Pair, place: int):
    pair[place].mkdir()
    with pytest.raises(UnusableFile, match=f'{pair[place]}: a directory'):
        certificate.ensure(*pair, [HOST])


def test_full_disk(tmp_path: Path):
    with small_disk(tmp_path / 'disk') as disk:
        fill(disk)
        with pytest.raises(OSError, match='No space left'):
            certificate.ensure(disk / 'cert', disk / 'key', [HOST])
        assert os.listdir(disk) == ['filler']


def test_names_of_none(tmp_path: Path):
    path = tmp_path / 'ssl.cert'
    with pytest.raises(UnusableFile, match='there is no certificate'):
        certificate.names(path)
    path.write_text('-----BEGIN CERTIFICATE-----\n')
    with pytest.raises(UnusableFile, match='holds no certificate'):
        certificate.names(path)


LABEL = st.from_regex(r'[A-Za-z0-9_]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?',
                      fullmatch=True)
NAME = st.one_of(
    st.ip_addresses().map(str),
    st.lists(LABEL, min_size=1, max_size=4).map('.'.join),
)


@given(st.lists(NAME, min_size=1, max_size=3))
def test_certificate_is_for_any_names(names: list[str]):
    entries = certificate._alternative_names(names)
    found = {str(entry.value).lower() for entry in entries}
    assert {name.lower() for name in names} <= found


def alternative_names(cert: Path) -> list[str]:
    """Return the names as openssl prints them."""
    text = subprocess.run(
        [need('openssl'), 'x509', '-noout', '-ext', 'subjectAltName',
         '-in', cert],
        check=True, capture_output=True, text=True,
    ).stdout
    return text.splitlines()[1].strip().split(', ')


class TestTrust:
    """The certificate is the only one that clients are told to trust."""

    @pytest.mark.parametrize('host', ['localhost', '127.0.0.1'])
    def test_requests(self, made: Pair, port: int, host: str):
        url = f'https://{host}:{port}/'
        with requests.Session() as session:
            session.trust_env = False
            assert session.get(url, verify=str(made[0])).status_code == 200
            with pytest.raises(requests.exceptions.SSLError):
                session.get(url)

    @pytest.mark.parametrize('host', ['localhost', '127.0.0.1', HOST])
    def test_curl(self, made: Pair, port: int, host: str):
        assert curl(made[0], port, host) == '200'

    def test_curl_with_a_host_that_it_is_not_for(self, made: Pair, port: int):
        assert curl(made[0], port, 'other.example.org') == '000'

    def test_curl_with_another_certificate(self, pair: Pair, port: int):
        certificate.ensure(*pair, [HOST])
        assert curl(pair[0], port, HOST) == '000'

    def test_openssl_with_strict_rules(self, made: Pair, port: int):
        result = subprocess.run(
            [need('openssl'), 's_client', '-x509_strict',
             '-verify_return_error', '-CAfile', made[0],
             '-verify_hostname', HOST, '-connect', f'127.0.0.1:{port}'],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )
        assert 'Verification: OK' in result.stdout
        assert 'Verify return code: 0 (ok)' in result.stdout

    @pytest.mark.parametrize('python', pythons())
    def test_python(self, made: Pair, port: int, python: str):
        assert connect(python, made[0], port, 'localhost', HOST) == 'HH'
        assert connect(python, made[0], port, '127.0.0.1') == 'H'

    def test_python_with_a_host_that_it_is_not_for(
        self, made: Pair, port: int,
    ):
        with pytest.raises(subprocess.CalledProcessError):
            connect(sys.executable, made[0], port, 'other.example.org')

    def test_it_cannot_sign_others(self, made: Pair):
        cert = x509.load_pem_x509_certificate(made[0].read_bytes())
        constraints = cert.extensions.get_extension_for_class(
            x509.BasicConstraints)
        assert not constraints.value.ca

    def test_it_does_not_say_what_its_key_is_for(self, made: Pair):
        """Else OpenSSL 1.1.0 does not see that it is signed by itself."""
        cert = x509.load_pem_x509_certificate(made[0].read_bytes())
        with pytest.raises(x509.ExtensionNotFound):
            cert.extensions.get_extension_for_class(x509.KeyUsage)


def curl(cert: Path, port: int, host: str) -> str:
    """Return the status which curl gets from a host, which is loopback."""
    return subprocess.run(
        [need('curl'), '--silent', '--output', '/dev/null',
         '--write-out', '%{http_code}', '--cacert', cert,
         '--resolve', f'{host}:{port}:127.0.0.1',
         '--noproxy', '*', f'https://{host}:{port}/'],
        capture_output=True, text=True,
    ).stdout


def connect(python: str, cert: Path, port: int, *hosts: str) -> str:
    return subprocess.run(
        [python, '-c', CLIENT, str(port), cert, *hosts],
        check=True, capture_output=True, text=True, timeout=60,
    ).stdout
