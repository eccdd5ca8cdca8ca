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
"""Choose how callers prove who they are."""

from __future__ import annotations

from collections.abc import Callable
import time
from typing import Any, Protocol

from cylc_flask.auth.attempts import Attempt, Outcome
from cylc_flask.auth.basic import BasicAuth
from cylc_flask.auth.digest import DigestAuth
from cylc_flask.auth.nonces import Nonces
from cylc_flask.auth.users import Users
from cylc_flask.config import Config
from cylc_flask.realm import realm_of

__all__ = ['Attempt', 'Outcome', 'Scheme', 'make_scheme', 'realm_of']


class Scheme(Protocol):
    """A way to prove who one is."""

    def identify(
        self, environ: dict[str, Any], changes_state: bool = True
    ) -> Attempt:
        """Return who sends a request.

        Args:
            environ: The request's.
            changes_state: What it asks for must not be done twice.

        Raises:
            RequestError: Its Authorization header makes no sense.
        """

    def challenge(self, stale: bool = False) -> str:
        """Return the WWW-Authenticate header of a 401.

        Args:
            stale: The outcome was `Outcome.STALE`.
        """


def make_scheme(
    config: Config,
    realm: str,
    users: Users,
    secret: bytes,
    clock: Callable[[], float] = time.time,
) -> Scheme:
    """Return the configured scheme.

    Args:
        config: Says which, and with which hash.
        realm: As `realm_of` makes it.
        users: Where names are looked up.
        secret: Signs the nonces; a new one for each start of the server.
        clock: Returns the time, in seconds.
    """
    if config.authentication == 'basic':
        return BasicAuth(realm, users)
    nonces = Nonces(secret, clock)
    return DigestAuth(realm, users, nonces, config.digest_algorithm)
