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
"""Find out who is calling: by a session, or else by the scheme."""

from __future__ import annotations

from dataclasses import dataclass
import hmac
from typing import Callable, cast

from flask import g, request
from werkzeug.http import parse_cookie

from cylc.flow import LOG
from cylc_flask.auth.attempts import ABSENT, Attempt, Outcome
from cylc_flask.auth.caller import caller
from cylc_flask.auth.origin import is_browser
from cylc_flask.auth.schemes import Scheme
from cylc_flask.auth.sessions import Session, Sessions
from cylc_flask.auth.throttle import Throttle
from cylc_flask.auth.users import User, Users
from cylc_flask.errors import RequestError, Unavailable

UNAUTHORIZED = 'You are not authorized to access that resource'

COOKIE = 'cylc-flask-session'

#: The second is what cylc-ui sends.
CSRF_HEADERS = ('HTTP_X_CSRF_TOKEN', 'HTTP_X_XSRFTOKEN')

#: In place of a user's name where tokens are guessed.
BEARER = 'Bearer'


@dataclass(frozen=True)
class Proof:
    """How the caller has proved who they are.

    Args:
        session: By this one; None for the password.
        bearer: By its token in a header, which no browser sends by itself.
    """

    session: Session | None = None
    bearer: bool = False


class Login:
    """Find out who is calling.

    Args:
        scheme: How the password is proved.
        users: Who there is.
        sessions: The open sessions.
        throttle: Slows those down who guess.
        strangers: How many sockets may be open, before who is there is known.
    """

    def __init__(
        self,
        scheme: Scheme,
        users: Users,
        sessions: Sessions,
        throttle: Throttle,
        strangers: int,
    ) -> None:
        self._scheme = scheme
        self._users = users
        self._sessions = sessions
        self._throttle = throttle
        self._places = strangers

    def identify(
        self, once: bool, password: bool = False, later: bool = False
    ) -> None:
        """Find out who sends the current request.

        Args:
            once: What it asks for must not be done twice.
            password: A session is not enough.
            later: Who it is may be told later, by `bearer`.

        Raises:
            RequestError: Nobody that we know.
        """
        token = _token(request.environ.get('HTTP_AUTHORIZATION', ''))
        if token is not None and not password:
            if self.bearer(token) is None:
                raise _unauthorized(f'{BEARER} error="invalid_token"')
            return
        if not password and self._by_cookie():
            return
        attempt = self._scheme.identify(once) if token is None else ABSENT
        if later and attempt.outcome is Outcome.ABSENT:
            self._let_in()
        else:
            self._judge(attempt)

    def bearer(self, token: str) -> User | None:
        """Return whose token it is, and note that they are the caller.

        Who has none of ours is kept waiting.

        Raises:
            RequestError: There are too many such.
        """
        user = self._accept(self._sessions.find(token), bearer=True)
        if user is None:
            self._failed(BEARER)
        else:
            self.leave()
        return user

    def open(self) -> Session:
        """Begin a session of the caller."""
        return self._sessions.open(cast(User, g.user))

    def close(self) -> bool:
        """End the caller's session; False if there is none."""
        session = self._session()
        return session is not None and self._sessions.close(session.token)

    @property
    def lifetime(self) -> float:
        """Return how long (seconds) a session lasts."""
        return self._sessions.lifetime

    def current_user(self, name: str) -> User | None:
        """Return a user with the privilege of now; None for nobody's name."""
        account = self._users.find(name)
        return account.user if account else None

    def watch(self) -> Callable[[], User | None]:
        """Return what tells later who the caller is then.

        That is None when the session has ended, or the account.
        """
        name, session = g.user.name, g.proof.session

        def now() -> User | None:
            if session and not self._sessions.find(session.token):
                return None
            return self.current_user(name)
        return now

    def has_csrf(self) -> bool:
        """Return True if the header proves to know the caller's session."""
        session = self._session()
        return session is not None and any(
            hmac.compare_digest(
                request.environ.get(header, '').encode('latin-1'),
                session.csrf.encode(),
            ) for header in CSRF_HEADERS
        )

    def leave(self) -> None:
        """Note that the caller is no stranger, or has gone."""
        if g.pop('stranger', False):
            self._places += 1

    def _session(self) -> Session | None:
        """Return the caller's session, though the password was sent, too."""
        session: Session | None = g.proof.session or self._cookie()
        return session if session and session.name == g.user.name else None

    def _cookie(self) -> Session | None:
        header = request.environ.get('HTTP_COOKIE', '')
        if COOKIE not in header:
            return None
        return self._sessions.find(parse_cookie(header).get(COOKIE, ''))

    def _by_cookie(self) -> bool:
        """Take the session in a cookie, if nothing else is offered.

        One that has ended is as none: browsers send what they have.
        """
        if 'HTTP_AUTHORIZATION' in request.environ:
            return False
        return self._accept(self._cookie()) is not None

    def _accept(
        self, session: Session | None, bearer: bool = False
    ) -> User | None:
        user = self.current_user(session.name) if session else None
        if user:
            g.user, g.proof = user, Proof(session, bearer)
        return user

    def _let_in(self) -> None:
        """Let a stranger in, if there are not too many."""
        if self._places <= 0:
            raise Unavailable('Too many sockets have not yet said whose.')
        self._places -= 1
        g.user, g.proof, g.stranger = None, Proof(), True

    def _judge(self, attempt: Attempt) -> None:
        """Let somebody in who has the password."""
        if attempt.user is not None:
            self._throttle.succeeded(request.remote_addr or '', attempt.name)
            g.user, g.proof = attempt.user, Proof()
            return
        if attempt.outcome is Outcome.FAILED:
            self._failed(attempt.name)
        challenge = self._scheme.challenge(attempt.outcome is Outcome.STALE)
        if is_browser(request.environ):
            # Its log-in window would send the password with each request
            # that any page makes to us.
            challenge = 'Session'
        raise _unauthorized(challenge)

    def _failed(self, name: str) -> None:
        """Keep somebody waiting who may be guessing."""
        if not self._throttle.failed(request.remote_addr or '', name):
            raise RequestError(
                'Too many failed log-ins: wait before the next.', 429,
                (('Retry-After', '4'),),
            )
        LOG.warning(f'[client-connect] DENIED {caller()}')


def _unauthorized(challenge: str) -> RequestError:
    return RequestError(UNAUTHORIZED, 401, (('WWW-Authenticate', challenge),))


def _token(authorization: str) -> str | None:
    """Return the token in an Authorization header, None where none is meant.

    Examples:
        >>> _token('bearer abc'), _token('Digest username="bearer"')
        ('abc', None)
    """
    scheme, _, token = authorization.partition(' ')
    return token.strip() if scheme.lower() == 'bearer' else None
