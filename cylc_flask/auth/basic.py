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
from dataclasses import dataclass, field
from typing import Any

from flask import request
from flask_httpauth import HTTPBasicAuth

from cylc_flask.auth.attempts import (
    ABSENT,
    Attempt,
    check_password,
    decode,
    malformed,
)
from cylc_flask.auth.users import User, Users


@dataclass(frozen=True)
class Login:
    """What the header says."""

    username: str
    password: str = field(repr=False)


class BasicAuth(HTTPBasicAuth):  # type: ignore[misc]
    """Flask-HTTPAuth's Basic, which tells nonsense from a wrong password.

    Args:
        realm: What the user is asked the password of.
        users: Where names are looked up.
    """

    def __init__(self, realm: str, users: Users) -> None:
        super().__init__(realm=realm)
        self._users = users

    def get_auth(self) -> Login | None:
        """Return what the current request has, None without the header.

        Raises:
            RequestError: The header is not that of this scheme.
        """
        return self.read(request.environ)

    def read(self, environ: dict[str, Any]) -> Login | None:
        """Return what a request has, None without the header.

        Raises:
            RequestError: The header is not that of this scheme.
        """
        header = environ.get('HTTP_AUTHORIZATION')
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
        return Login(decode(name), decode(password))

    def authenticate(
        self, auth: Login | None, stored_password: object = None,
    ) -> User | None:
        """Return who it is, for the decorator of the base class.

        Args:
            auth: What `get_auth` returned.
            stored_password: Not asked for: `Users` know it.
        """
        return self._judge(auth).user if auth else None

    def authenticate_header(self) -> str:
        """Return the challenge; the base class does not name a charset."""
        return self.challenge()

    def challenge(self, stale: bool = False) -> str:
        """Return the WWW-Authenticate header of a 401."""
        return f'Basic realm="{self.realm}", charset="UTF-8"'

    def identify(
        self, environ: dict[str, Any], changes_state: bool = True
    ) -> Attempt:
        """Return who sends a request.

        Whoever has overheard a password can send it again, so it makes no
        difference what the request is for.

        Raises:
            RequestError: The header cannot be read.
        """
        auth = self.read(environ)
        return self._judge(auth) if auth else ABSENT

    def _judge(self, auth: Login) -> Attempt:
        return check_password(self._users, auth.username, auth.password)
