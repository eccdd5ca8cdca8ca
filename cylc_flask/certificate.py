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
"""Self-signed certificates, as Cylc 7 made them: their own authority.

A client trusts one by having its file, hence it need not be able to sign
others: with its key nobody can pass for another host.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
import socket
from typing import Iterable, Iterator, Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cylc_flask import private
from cylc_flask.private import UnusableFile

LIFETIME = timedelta(days=3650)

#: A certificate with less than this left is made anew.
REMAINDER = timedelta(days=30)

#: How far the clocks of clients may be behind.
SKEW = timedelta(days=1)

#: The longest common name that there can be.
COMMON_NAME_LENGTH = 64

LOOPBACK = ('localhost', '127.0.0.1', '::1')


def ensure(
    cert_path: Path,
    key_path: Path,
    host_names: Sequence[str],
) -> None:
    """Make a certificate and its key, unless there is a good one.

    Args:
        cert_path: File of the certificate.
        key_path: File of its key.
        host_names: What clients call this host, the best name first.

    Raises:
        OSError: A file cannot be read or written.
        UnusableFile: Something else is in the place of a file.
    """
    if flaw(cert_path, key_path, host_names, REMAINDER):
        make(cert_path, key_path, host_names)
    private.tighten(cert_path)
    private.tighten(key_path)


def flaw(
    cert_path: Path,
    key_path: Path,
    host_names: Iterable[str] = (),
    remainder: timedelta = timedelta(0),
) -> str:
    """Return what is wrong with a certificate, nothing if it is good.

    Args:
        cert_path: File of the certificate.
        key_path: File of its key.
        host_names: What it must be good for.
        remainder: How long it must be good.

    Raises:
        OSError: A file cannot be read.
        UnusableFile: Something else is in the place of a file.
    """
    cert_text, key_text = private.read(cert_path), private.read(key_path)
    if cert_text is None or key_text is None:
        return f'{cert_path if cert_text is None else key_path} is missing'
    try:
        cert = x509.load_pem_x509_certificate(cert_text)
    except ValueError:
        return f'{cert_path} holds no certificate'
    try:
        key = serialization.load_pem_private_key(key_text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return f'{key_path} holds no key, or one behind a password'
    if cert.public_key() != key.public_key():
        return f'{key_path} is not the key of {cert_path}'
    return _shortcoming(cert, cert_path, host_names, remainder)


def _shortcoming(
    cert: x509.Certificate,
    path: Path,
    host_names: Iterable[str],
    remainder: timedelta,
) -> str:
    now = datetime.now(UTC)
    if cert.not_valid_before_utc > now:
        return f'{path} is not valid before {cert.not_valid_before_utc}'
    if cert.not_valid_after_utc < now + remainder:
        return f'{path} is not valid after {cert.not_valid_after_utc}'
    covered = _names(cert)
    for name in host_names:
        if name.lower() not in covered:
            return f'{path} is not for {name}, but for {", ".join(covered)}'
    return ''


def make(
    cert_path: Path,
    key_path: Path,
    host_names: Sequence[str],
) -> None:
    """Make a new certificate and key, whatever was there.

    Raises:
        OSError: A file cannot be written.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    cert = _signed(key, host_names)
    private.write(key_path, key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ))
    private.write(cert_path, cert.public_bytes(serialization.Encoding.PEM))


def _signed(
    key: rsa.RSAPrivateKey,
    host_names: Sequence[str],
) -> x509.Certificate:
    """Return a certificate that meets the strict rules of RFC 5280 too.

    It does not say what its key is for: early OpenSSL 1.1, which hosts with
    Python 2.7 have, would not take it for signed by itself then.
    """
    public_key = key.public_key()
    name = x509.Name([
        x509.NameAttribute(
            NameOID.COMMON_NAME, host_names[0][:COMMON_NAME_LENGTH])])
    identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=public_key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - SKEW,
        not_valid_after=now + LIFETIME,
    )
    for extension, critical in (
        (_alternative_names(host_names), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (identifier, False),
        (x509.AuthorityKeyIdentifier
            .from_issuer_subject_key_identifier(identifier), False),
    ):
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, hashes.SHA256())


def _alternative_names(
    host_names: Sequence[str],
) -> x509.SubjectAlternativeName:
    wanted: list[str] = []
    for name in host_names:
        wanted += [name.lower(), *_addresses(name)]
    entries: list[x509.GeneralName] = []
    for name in dict.fromkeys([*wanted, *LOOPBACK]):
        entries += _entries(name)
    return x509.SubjectAlternativeName(entries)


def _addresses(name: str) -> Iterator[str]:
    """Yield the address of a name, if it has one."""
    with suppress(OSError):
        yield socket.gethostbyname(name)


def _entries(name: str) -> Iterator[x509.GeneralName]:
    """Yield the forms of a name that some client compares.

    Python 2 looks for IPv4 addresses among the DNS names.
    """
    address: IPv4Address | IPv6Address | None = None
    with suppress(ValueError):
        address = ip_address(name)
        yield x509.IPAddress(address)
    if not isinstance(address, IPv6Address):
        yield x509.DNSName(name)


def load(path: Path) -> x509.Certificate:
    """Return the first certificate of a file.

    Raises:
        OSError: It cannot be read.
        UnusableFile: It does not exist or holds none.
    """
    text = private.read(path)
    if text is None:
        raise UnusableFile(path, 'there is no certificate')
    try:
        return x509.load_pem_x509_certificate(text)
    except ValueError as exc:
        raise UnusableFile(path, 'holds no certificate') from exc


def names(cert_path: Path) -> list[str]:
    """Return the host names and addresses that a certificate is for.

    Raises:
        OSError: It cannot be read.
        UnusableFile: It does not exist or holds none.
    """
    return _names(load(cert_path))


def _names(cert: x509.Certificate) -> list[str]:
    try:
        entries = cert.extensions.get_extension_for_class(
            x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    found = [str(entry.value).lower() for entry in entries]
    return list(dict.fromkeys(found))
