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
"""How a client proves who it is to a server, and that to the client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import hashlib
from pathlib import Path
import secrets
import ssl
from typing import Any

from cylc_flask.errors import CylcFlaskError

#: The owner of a workflow, whoever that is.
USER = 'cylc'

HASHES: dict[str, Callable[[bytes], Any]] = {
    'MD5': hashlib.md5,
    'SHA': hashlib.sha1,
    'SHA-256': hashlib.sha256,
}


class CallFailed(CylcFlaskError):
    """A server could not be called, or would not be."""


def trust(certificate: Path, check_name: bool) -> ssl.SSLContext:
    """Return TLS settings that trust one certificate, and no other.

    Args:
        certificate: Its file.
        check_name: Whether it must be for the name by which it is called.

    Raises:
        OSError: The file cannot be read, or holds none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = check_name
    context.load_verify_locations(certificate)
    return context


def challenge_of(header: str) -> dict[str, str]:
    """Return the fields of a Digest challenge, none of anything else."""
    scheme, _, fields = header.partition(' ')
    if scheme.lower() != 'digest':
        return {}
    # Here, as Basic does without it, and it takes long to import.
    from urllib.request import parse_http_list, parse_keqv_list

    try:
        return parse_keqv_list(parse_http_list(fields))
    except (ValueError, IndexError):  # a field without a value
        return {}


def digest(
    challenge: Mapping[str, str],
    verb: str,
    target: str,
    password: str,
    count: int,
) -> str:
    """Answer a Digest challenge with ``qop=auth`` (RFC 7616).

    urllib.request could, but knows SHA-256 in the newest Pythons only.

    Raises:
        CallFailed: It is none that can be answered.
    """
    algorithm = challenge.get('algorithm', 'MD5')
    try:
        function = HASHES[algorithm.upper()]
        realm, nonce = challenge['realm'], challenge['nonce']
    except KeyError as exc:
        raise CallFailed(f'unknown Digest algorithm {algorithm}') from exc

    def hexdigest(*parts: str) -> str:
        return str(function(':'.join(parts).encode()).hexdigest())

    number, cnonce = f'{count:08x}', secrets.token_hex(8)
    response = hexdigest(
        hexdigest(USER, realm, password),
        nonce, number, cnonce, 'auth',
        hexdigest(verb, target),
    )
    return (
        f'Digest username="{USER}", realm="{realm}", nonce="{nonce}",'
        f' uri="{target}", algorithm={algorithm}, qop=auth, nc={number},'
        f' cnonce="{cnonce}", response="{response}"'
    )
