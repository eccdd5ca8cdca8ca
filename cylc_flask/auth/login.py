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
from typing import Any, Callable

from werkzeug.http import parse_cookie

from cylc.flow import LOG
from cylc_flask.auth.attempts import (
    ABSENT,
    Attempt,
    Outcome,
    check_password,
)
from cylc_flask.auth.caller import caller_of
from cylc_flask.auth.cookies import Cookies
from cylc_flask.auth.origin import is_browser
from cylc_flask.auth.schemes import Scheme
from cylc_flask.auth.sessions import Session, Sessions
from cylc_flask.auth.throttle import Throttle
from cylc_flask.auth.users import ANON, User, Users
from cylc_flask.errors import RequestError, Unauthorized, Unavailable

UNAUTHORIZED = 'You are not authorized to access that resource'

#: The second is what cylc-ui sends.
CSRF_HEADERS = ('HTTP_X_CSRF_TOKEN', 'HTTP_X_XSRFTOKEN')

#: In place of a user's name where tokens are guessed.
BEARER = 'Bearer'


@dataclass(slots=True)
class Visitor:
    """Whoever sends a request, as far as that is known by now.

    Args:
        environ: The request's.
        user: Who they are; None for a stranger.
        session: What proves it; None where the password does.
        bearer: It was proved by a token, which no browser sends by itself.
        is_stranger: They take one of the places for such.
        is_public: They are nobody in particular, and have proved nothing.
    """

    environ: dict[str, Any]
    user: User | None = None
    session: Session | None = None
    bearer: bool = False
    is_stranger: bool = False
    is_public: bool = False

    @property
    def address(self) -> str:
        """Return where the request comes from, '' for a Unix socket."""
        return self.environ.get('REMOTE_ADDR') or ''

    @property
    def known(self) -> User:
        """Return who they are, where no stranger can be."""
        assert self.user is not None
        return self.user


class Login:
    """Find out who is calling.

    Args:
        scheme: How the password is proved.
        users: Who there is.
        sessions: The open sessions.
        throttle: Slows those down who guess.
        strangers: How many sockets may be open, before who is there is known.
        cookies: The names of ours.
    """

    def __init__(
        self,
        scheme: Scheme,
        users: Users,
        sessions: Sessions,
        throttle: Throttle,
        strangers: int,
        cookies: Cookies,
    ) -> None:
        self._scheme = scheme
        self._users = users
        self._sessions = sessions
        self._throttle = throttle
        self._places = strangers
        self.cookies = cookies

    def identify(
        self,
        visitor: Visitor,
        once: bool,
        password: bool = False,
        later: bool = False,
        public: bool = False,
    ) -> None:
        """Find out who a visitor is.

        Args:
            visitor: Takes note of it.
            once: What is asked for must not be done twice.
            password: A session is not enough.
            later: Who it is may be told later, by `bearer`.
            public: Whoever offers nothing is the public.

        Raises:
            RequestError: Nobody that we know.
        """
        environ = visitor.environ
        token = token_of(environ.get('HTTP_AUTHORIZATION', ''))
        if token is not None and not password:
            if self.bearer(visitor, token) is None:
                raise _unauthorized(f'{BEARER} error="invalid_token"')
            return
        if not password and self._by_cookie(visitor):
            return
        attempt = ABSENT
        if token is None:
            attempt = self._scheme.identify(environ, once)
        if attempt.outcome is not Outcome.ABSENT:
            self._judge(visitor, attempt)
        elif later:
            self._let_in(visitor)
        elif not (public and self._is_public(visitor)):
            self._judge(visitor, attempt)

    def bearer(self, visitor: Visitor, token: str) -> User | None:
        """Return whose token it is, and note that they are the visitor.

        Who has none of ours is kept waiting.

        Raises:
            RequestError: There are too many such.
        """
        user = self.by_token(visitor, token)
        if user is None:
            self.failed(visitor, BEARER)
        else:
            visitor.bearer = True
            self.leave(visitor)
        return user

    def by_token(self, visitor: Visitor, token: str) -> User | None:
        """Return whose token it is, and note that they are the visitor."""
        return self._accept(visitor, self._sessions.find(token))

    def by_form(
        self, visitor: Visitor, name: str, password: str
    ) -> Session | None:
        """Begin a session of who has the password, in place of the last.

        Who has not is kept waiting, and gets none.

        Raises:
            RequestError: There are too many such.
        """
        attempt = self.check(name, password, visitor.address)
        if attempt.user is None:
            self.failed(visitor, attempt.name)
            return None
        self._throttle.succeeded(visitor.address, attempt.name)
        self.close(visitor)
        visitor.user = attempt.user
        return self.open(visitor)

    def check(self, name: str, password: str, address: str) -> Attempt:
        """Return what comes of a name and a password, sent from somewhere."""
        return check_password(self._users, name, password)

    def open(self, visitor: Visitor) -> Session:
        """Begin a session of a visitor."""
        user = visitor.known
        return self._sessions.open(user, self.mark_of(user))

    def mark_of(self, user: User) -> str:
        """Return what is kept with a session of a user."""
        return ''

    def close(self, visitor: Visitor) -> bool:
        """End a visitor's session; False if there is none."""
        session = self._session(visitor)
        return session is not None and self._sessions.close(session.token)

    @property
    def lifetime(self) -> float:
        """Return how long (seconds) a session lasts."""
        return self._sessions.lifetime

    def current_user(self, name: str) -> User | None:
        """Return a user with the privilege of now; None for nobody's name."""
        account = self._users.find(name)
        return account.user if account else None

    def holder(self, session: Session) -> User | None:
        """Return whose session it is, None if they are there no more."""
        return self.current_user(session.name)

    def refresh(self, user: User) -> User | None:
        """Return a user with what they may do now; None if they are gone."""
        return self.current_user(user.name)

    def watch(self, visitor: Visitor) -> Callable[[], User | None]:
        """Return what tells later who a visitor is then.

        That is None when the session has ended, or the account.
        """
        user, session = visitor.known, visitor.session

        def now() -> User | None:
            if session and not self._sessions.find(session.token):
                return None
            return self.refresh(user)
        return now

    def has_csrf(self, visitor: Visitor) -> bool:
        """Return True if a header proves to know the visitor's session."""
        session = self._session(visitor)
        return session is not None and any(
            hmac.compare_digest(
                visitor.environ.get(header, '').encode('latin-1'),
                session.csrf.encode(),
            ) for header in CSRF_HEADERS
        )

    def leave(self, visitor: Visitor) -> None:
        """Note that a visitor is no stranger, or has gone."""
        if visitor.is_stranger:
            visitor.is_stranger = False
            self._places += 1

    def _session(self, visitor: Visitor) -> Session | None:
        """Return a visitor's session, though the password was sent, too."""
        session = visitor.session or self._cookie(visitor)
        if session and session.name == visitor.known.name:
            return session
        return None

    def _cookie(self, visitor: Visitor) -> Session | None:
        header = visitor.environ.get('HTTP_COOKIE', '')
        name = self.cookies.session
        if name not in header:
            return None
        return self._sessions.find(parse_cookie(header).get(name, ''))

    def _by_cookie(self, visitor: Visitor) -> bool:
        """Take the session in a cookie, if nothing else is offered.

        One that has ended is as none: browsers send what they have.
        """
        if 'HTTP_AUTHORIZATION' in visitor.environ:
            return False
        return self._accept(visitor, self._cookie(visitor)) is not None

    def _accept(
        self, visitor: Visitor, session: Session | None
    ) -> User | None:
        user = self.holder(session) if session else None
        if user:
            visitor.user, visitor.session = user, session
            visitor.is_public = False
        return user

    def _is_public(self, visitor: Visitor) -> bool:
        """Take a visitor for the public, if there is a place for such."""
        visitor.user = self.current_user(ANON)
        visitor.is_public = visitor.user is not None
        return visitor.is_public

    def _let_in(self, visitor: Visitor) -> None:
        """Let a stranger in, if there are not too many."""
        if self._places <= 0:
            raise Unavailable('Too many sockets have not yet said whose.')
        self._places -= 1
        visitor.is_stranger = True

    def _judge(self, visitor: Visitor, attempt: Attempt) -> None:
        """Let somebody in who has the password."""
        if attempt.user is not None:
            self._throttle.succeeded(visitor.address, attempt.name)
            visitor.user = attempt.user
            return
        if attempt.outcome is Outcome.FAILED:
            self.failed(visitor, attempt.name)
        challenge = self._scheme.challenge(attempt.outcome is Outcome.STALE)
        if is_browser(visitor.environ):
            # Its log-in window would send the password with each request
            # that any page makes to us.
            challenge = 'Session'
        raise _unauthorized(challenge)

    def failed(self, visitor: Visitor, name: str) -> None:
        """Keep somebody waiting who may be guessing.

        Raises:
            RequestError: There are too many such.
        """
        if not self._throttle.failed(visitor.address, name):
            raise RequestError(
                'Too many failed log-ins: wait before the next.', 429,
                (('Retry-After', '4'),),
            )
        LOG.warning(
            f'[client-connect] DENIED {caller_of(visitor.environ)}')


def _unauthorized(challenge: str) -> RequestError:
    return Unauthorized(
        UNAUTHORIZED, headers=(('WWW-Authenticate', challenge),))


def token_of(authorization: str) -> str | None:
    """Return the token in an Authorization header, None where none is meant.

    Examples:
        >>> token_of('bearer abc'), token_of('Digest username="bearer"')
        ('abc', None)
    """
    scheme, _, token = authorization.partition(' ')
    return token.strip() if scheme.lower() == 'bearer' else None
