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
"""HTTP Digest: a hash which only somebody with the password can make."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
import hashlib
import hmac
from typing import Any

from flask import request
from flask_httpauth import HTTPDigestAuth

from cylc_flask.auth.attempts import (
    ABSENT,
    NOBODY,
    Attempt,
    account_of,
    decode,
    encode,
    malformed,
)
from cylc_flask.auth.header import Credentials
from cylc_flask.auth.nonces import Nonces
from cylc_flask.auth.target import is_target
from cylc_flask.auth.users import Account, User, Users

#: The names of RFC 2617 and 7616, and "SHA", which is Cylc 7's for SHA-1.
ALGORITHMS: dict[str, Callable[[bytes], str]] = {
    'MD5': lambda data: hashlib.md5(
        data, usedforsecurity=False).hexdigest(),
    'SHA': lambda data: hashlib.sha1(
        data, usedforsecurity=False).hexdigest(),
    'SHA-256': lambda data: hashlib.sha256(data).hexdigest(),
}


#: So many users' parts of the hash are remembered.
SECRETS = 16


class DigestAuth(HTTPDigestAuth):  # type: ignore[misc]
    """Flask-HTTPAuth's Digest, without its cookie and its gaps.

    Its nonce lives in a cookie session, which no Cylc 7 client keeps; ours
    proves itself. It takes the header's word for realm and uri, a number
    for granted, and knows neither stale nonces nor replays nor SHA.

    Args:
        realm: What the password is for, ASCII; a part of each hash.
        users: Where names are looked up.
        nonces: Makes the nonces and remembers the used ones.
        algorithm: One of `ALGORITHMS`. One only: offered two, some clients
            take neither.
    """

    def __init__(
        self, realm: str, users: Users, nonces: Nonces, algorithm: str,
    ) -> None:
        super().__init__(realm=realm)
        self.algorithm = algorithm
        self._hash = ALGORITHMS[algorithm]
        self._users = users
        self._nonces = nonces
        self._secret = lru_cache(SECRETS)(self._make_secret)

    def get_auth(self) -> Credentials | None:
        """Return what the current request claims, None for nothing.

        Raises:
            RequestError: It cannot be read, or is for another algorithm.
        """
        return self._read(request.environ)

    def _read(self, environ: dict[str, Any]) -> Credentials | None:
        header = environ.get('HTTP_AUTHORIZATION')
        if header is None:
            return None
        try:
            auth = Credentials.parse(header.encode('latin-1'))
        except ValueError as exc:
            raise malformed() from exc
        if auth.algorithm.decode('latin-1').upper() != self.algorithm:
            raise malformed()
        return auth

    def authenticate(
        self, auth: Credentials | None, stored_password: object = None,
    ) -> User | None:
        """Return who it is, for the decorator of the base class.

        Args:
            auth: What `get_auth` returned.
            stored_password: Not asked for: `Users` know it.
        """
        return self._judge(auth, request.environ).user if auth else None

    def authenticate_header(self) -> str:
        """Return the challenge, without a session cookie."""
        return self.challenge()

    def challenge(self, stale: bool = False) -> str:
        """Return the WWW-Authenticate header of a 401, in Cylc 7's words.

        Args:
            stale: Tell the client that just the nonce was wrong, so that it
                does not ask its user for another password.
        """
        end = ', stale="true"' if stale else ''
        return (
            f'Digest realm="{self.realm}", nonce="{self._nonces.new()}", '
            f'algorithm="{self.algorithm}", qop="auth"{end}'
        )

    def identify(
        self, environ: dict[str, Any], changes_state: bool = True
    ) -> Attempt:
        """Return who sends a request.

        Args:
            environ: The request's.
            changes_state: In the old form (RFC 2069), where no count tells
                a replay from a second request, a nonce serves one of these.

        Raises:
            RequestError: The header cannot be read.
        """
        auth = self._read(environ)
        return self._judge(auth, environ, changes_state) if auth else ABSENT

    def _judge(
        self,
        auth: Credentials,
        environ: dict[str, Any],
        changes_state: bool = True,
    ) -> Attempt:
        """Check all there is to check, the nonce when the rest is right."""
        name = decode(auth.username)
        account = account_of(self._users, name)
        nonce = self._nonces.read(auth.nonce.decode('latin-1'))
        if nonce is None or not self._is_right(
            auth, account, environ
        ):
            return Attempt.refused(name)
        counts = auth.qop is not None or changes_state
        if not self._nonces.is_fresh(nonce) or (
            counts and not self._nonces.use(nonce, auth.count)
        ):
            return Attempt.refused(name, stale=True)
        return Attempt.accepted(account.user)

    def _is_right(
        self, auth: Credentials, account: Account, environ: dict[str, Any]
    ) -> bool:
        """Tell whether the hash was made with this password, for this."""
        method = environ['REQUEST_METHOD'].encode('latin-1')
        expected = self._response(auth, account.password, method).encode()
        return (
            hmac.compare_digest(expected, auth.response)
            and account is not NOBODY
            and auth.realm == self.realm.encode()
            and is_target(auth.uri, environ)
        )

    def _response(
        self, auth: Credentials, password: str, method: bytes
    ) -> str:
        """Return the hash which the client should have come to."""
        target = self._hash(method + b':' + auth.uri)
        parts = [self._secret(auth.username, password), auth.nonce]
        if auth.qop is not None:
            parts += [auth.nc or b'', auth.cnonce or b'', auth.qop]
        return self._hash(b':'.join([*parts, target.encode()]))

    def _make_secret(self, username: bytes, password: str) -> bytes:
        """Return the part of the hash that is the same in all requests.

        The name is hashed in UTF-8, even where the header has it in Latin-1:
        so do the clients written in Python.
        """
        return self._hash(b':'.join((
            encode(decode(username)), self.realm.encode(), encode(password),
        ))).encode()
