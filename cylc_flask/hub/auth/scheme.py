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
"""How callers of the hub prove who they are by a password."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cylc_flask.auth.attempts import ABSENT, Attempt, malformed
from cylc_flask.auth.basic import BasicAuth
from cylc_flask.auth.digest import DigestAuth
from cylc_flask.hub.auth.own_users import NoUsers
from cylc_flask.hub.users.names import LEGACY

if TYPE_CHECKING:
    from cylc_flask.auth.nonces import Nonces
    from cylc_flask.auth.schemes import Scheme
    from cylc_flask.auth.users import Users
    from cylc_flask.config import Config

#: The same for all workflows, as strangers shall not learn which there are.
REALM = 'Cylc workflows'


class HubScheme:
    """Basic for the users of the hub, and what a workflow's own users prove.

    Args:
        check: Compares a name and a password with those of the hub's users,
            for an address.
        theirs: The scheme of a workflow's own users, None where there are
            none.
    """

    def __init__(
        self,
        check: Callable[[str, str, str], Attempt],
        theirs: Scheme | None = None,
    ) -> None:
        self._check = check
        self._basic = BasicAuth(REALM, NoUsers())
        self._theirs = theirs

    def challenge(self, stale: bool = False) -> str:
        """Return the WWW-Authenticate header of a 401.

        There is one challenge, as old clients fail at two; who uses the hub
        need not be asked for Basic.
        """
        return (self._theirs or self._basic).challenge(stale)

    def identify(
        self, environ: dict[str, Any], changes_state: bool = True
    ) -> Attempt:
        """Return who sends a request.

        Raises:
            RequestError: Its Authorization header makes no sense.
        """
        header = environ.get('HTTP_AUTHORIZATION')
        if header is None:
            return ABSENT
        if not is_basic(header):
            if self._theirs is None:
                raise malformed()
            return self._theirs.identify(environ, changes_state)
        login = self._basic.read(environ)
        assert login is not None
        if login.username in LEGACY and isinstance(self._theirs, BasicAuth):
            return self._theirs.identify(environ, changes_state)
        return self._check(
            login.username, login.password, environ.get('REMOTE_ADDR') or '')


def scheme_of(config: Config, own: Users, nonces: Nonces) -> Scheme:
    """Return how a workflow's own users prove who they are.

    Args:
        config: Says which scheme, and with which hash.
        own: These users.
        nonces: The same for all workflows: they have running numbers, which
            would tell one workflow from another, and what is there from what
            is not.
    """
    if config.authentication == 'basic':
        return BasicAuth(REALM, own)
    return DigestAuth(REALM, own, nonces, config.digest_algorithm)


def is_basic(header: str) -> bool:
    """Return True if an Authorization header has a name and a password.

    Examples:
        >>> is_basic('basic YTpi'), is_basic('Digest username="basic"')
        (True, False)
    """
    return header.partition(' ')[0].lower() == 'basic'
