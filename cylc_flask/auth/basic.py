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
"""HTTP Basic: the name and the password themselves."""

from __future__ import annotations

from base64 import b64decode
import binascii
import hmac

from flask import request
from flask_httpauth import HTTPBasicAuth
from werkzeug.datastructures import Authorization

from cylc_flask.auth.attempts import (
    ABSENT,
    Attempt,
    account_of,
    decode,
    encode,
    malformed,
)
from cylc_flask.auth.users import Users


class BasicAuth(HTTPBasicAuth):  # type: ignore[misc]
    """Flask-HTTPAuth's Basic, which tells nonsense from a wrong password.

    Args:
        realm: What the user is asked the password of.
        users: Where names are looked up.
    """

    def __init__(self, realm: str, users: Users) -> None:
        super().__init__(realm=realm)
        self._users = users

    def get_auth(self) -> Authorization | None:
        """Return the name and the password, None without the header.

        Raises:
            RequestError: The header is not that of this scheme.
        """
        header = request.headers.get('Authorization')
        if header is None:
            return None
        scheme, _, credentials = header.partition(' ')
        try:
            pair = b64decode(credentials.strip(), validate=True)
        except (binascii.Error, ValueError) as exc:
            raise malformed() from exc
        name, colon, password = pair.partition(b':')
        if scheme.lower() != 'basic' or not colon:
            raise malformed()
        return Authorization('basic', {
            'username': decode(name), 'password': decode(password),
        })

    def authenticate(self, auth: Authorization, password: str) -> bool:
        """Tell whether that is the password; of any letters."""
        return hmac.compare_digest(
            encode(auth.parameters['password'] or ''), encode(password))

    def authenticate_header(self) -> str:
        """Return the challenge; the base class does not name a charset."""
        return self.challenge()

    def challenge(self, stale: bool = False) -> str:
        """Return the WWW-Authenticate header of a 401."""
        return f'Basic realm="{self.realm}", charset="UTF-8"'

    def identify(self, changes_state: bool = True) -> Attempt:
        """Return who sends the current request.

        Whoever has overheard a password can send it again, so it makes no
        difference what the request is for.

        Raises:
            RequestError: The header cannot be read.
        """
        auth = self.get_auth()
        if auth is None:
            return ABSENT
        name = auth.parameters['username'] or ''
        account = account_of(self._users, name)
        if not self.authenticate(auth, account.password):
            return Attempt.refused(name)
        return Attempt.accepted(account.user)
