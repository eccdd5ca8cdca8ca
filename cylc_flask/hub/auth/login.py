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
"""Log in to the hub: by a password, a token or a session of its users."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cylc_flask.auth.attempts import Attempt
from cylc_flask.auth.login import Login, Visitor, token_of
from cylc_flask.auth.users import ANON
from cylc_flask.errors import Forbidden
from cylc_flask.hub.audit import FAILED, LOGIN, LOGOUT
from cylc_flask.hub.auth.callers import STRANGER, HubUser
from cylc_flask.hub.auth.scheme import HubScheme, is_basic
from cylc_flask.hub.auth.secrecy import is_private
from cylc_flask.hub.auth.shares import Shares
from cylc_flask.hub.users.names import LEGACY
from cylc_flask.hub.users.tokens import PREFIX

if TYPE_CHECKING:
    from cylc_flask.auth.cookies import Cookies
    from cylc_flask.auth.schemes import Scheme
    from cylc_flask.auth.sessions import Session, Sessions
    from cylc_flask.auth.throttle import Throttle
    from cylc_flask.auth.users import User, Users
    from cylc_flask.hub.audit import Audit
    from cylc_flask.hub.users.people import People, Person

IN_THE_CLEAR = (
    'Passwords and tokens are taken over https only, or from this machine.'
)


@dataclass
class Reception:
    """What all log-ins of the hub share.

    Args:
        people: Who uses it.
        sessions: The open sessions.
        throttle: Slows those down who guess.
        cookies: The names of ours.
        audit: Where it is written who has come.
        insecure: Take passwords and tokens which others could read.
        shares: Of the places where passwords are compared.
    """

    people: People
    sessions: Sessions
    throttle: Throttle
    cookies: Cookies
    audit: Audit
    insecure: bool = False
    shares: Shares = field(default_factory=Shares)


class HubLogin(Login):
    """Find out who is calling.

    Args:
        reception: What all log-ins share.
        own: The workflow's own users.
        theirs: How these prove who they are, None where there are none.
        strangers: How many sockets may be open, before who is there is known.
        workflow: The name of the workflow, '' where it is about none.
    """

    def __init__(
        self,
        reception: Reception,
        own: Users,
        theirs: Scheme | None = None,
        strangers: int = 0,
        workflow: str = '',
    ) -> None:
        super().__init__(
            HubScheme(self.check, theirs), own, reception.sessions,
            reception.throttle, strangers, reception.cookies,
        )
        self._reception = reception
        self._people = reception.people
        self._workflow = workflow

    def identify(
        self,
        visitor: Visitor,
        once: bool,
        password: bool = False,
        later: bool = False,
        public: bool = False,
    ) -> None:
        """Find out who a visitor is.

        Raises:
            RequestError: Nobody that we know.
        """
        self._check_secrecy(visitor.environ)
        super().identify(visitor, once, password, later, public)

    def may_send_secrets(self, environ: dict[str, Any]) -> bool:
        """Return True if nobody can read the secrets in a request."""
        return self._reception.insecure or is_private(environ)

    def _check_secrecy(self, environ: dict[str, Any]) -> None:
        """Refuse what others may have read, so that nobody gets used to it.
        """
        header = environ.get('HTTP_AUTHORIZATION', '')
        is_ours = is_basic(header) or (
            token_of(header) or '').startswith(PREFIX)
        if is_ours and not self.may_send_secrets(environ):
            raise Forbidden(IN_THE_CLEAR)

    def check(self, name: str, password: str, address: str) -> Attempt:
        """Return what comes of a name and a password of the hub's users.

        Raises:
            Unavailable: Too many are compared already.
        """
        with self._reception.shares.place(address):
            person = self._people.by_password(name, password)
        if person is None:
            return Attempt.refused(name)
        return Attempt.accepted(self.user_of(person))

    def by_token(self, visitor: Visitor, token: str) -> User | None:
        """Return whose token it is, and note that they are the visitor."""
        if not token.startswith(PREFIX):
            return super().by_token(visitor, token)
        if not self.may_send_secrets(visitor.environ):
            raise Forbidden(IN_THE_CLEAR)
        person = self._people.by_token(token)
        if person is not None:
            visitor.user = self.user_of(person)
            visitor.is_public = False
        return visitor.user if person else None

    def open(self, visitor: Visitor) -> Session:
        """Begin a session of a visitor."""
        self._note(LOGIN, visitor, visitor.known.name)
        return super().open(visitor)

    def close(self, visitor: Visitor) -> bool:
        """End a visitor's session; False if there is none."""
        name = visitor.known.name
        was_open = super().close(visitor)
        if was_open:
            self._note(LOGOUT, visitor, name)
        return was_open

    def enter(self, visitor: Visitor, name: str) -> Session | None:
        """Begin a session of somebody who has proved who they are."""
        user = self._person(name)
        if user is None:
            return None
        self.close(visitor)
        visitor.user = user
        return self.open(visitor)

    def user_of(self, person: Person) -> HubUser:
        """Return somebody with what they may do here."""
        powers = self._people.powers(person)
        return HubUser(
            person.name, powers.level(self._workflow),
            powers.operations(self._workflow), person,
        )

    def current_user(self, name: str) -> User | None:
        """Return a user with the privilege of now; None for nobody's name."""
        if name in LEGACY:
            return super().current_user(name)
        return self._person(name)

    def refresh(self, user: User) -> User | None:
        """Return a user with what they may do now; None if they are gone."""
        if not isinstance(user, HubUser):
            return super().current_user(user.name)
        if user.person is None:
            return user
        person = self._people.current(user.person)
        return self.user_of(person) if person else None

    def watch(self, visitor: Visitor) -> Callable[[], User | None]:
        """Return what tells later who a visitor is then.

        What was begun by a password ends with it; a token is good on.
        """
        now, user = super().watch(visitor), visitor.known
        if isinstance(user, HubUser) and user.person and user.person.token:
            return now
        mark = self.mark_of(user)

        def later() -> User | None:
            return now() if self.mark_of(user) == mark else None
        return later

    def mark_of(self, user: User) -> str:
        """Return what ends a session when it changes.

        Sessions of a workflow's own users are good for that alone, and not
        for another one that has its name later.
        """
        if not isinstance(user, HubUser):
            own = self._users.find(user.name)
            return f'/{self._workflow}/{own.stamp if own else ""}'
        account = self._people.accounts.find(user.name)
        return account.stamp if account else ''

    def holder(self, session: Session) -> User | None:
        """Return whose session it is, None if it is good no more, or here."""
        if session.mark.startswith('/'):
            user = super().current_user(session.name)
        else:
            user = self._person(session.name)
        return user if user and self.mark_of(user) == session.mark else None

    def failed(self, visitor: Visitor, name: str) -> None:
        """Keep somebody waiting who may be guessing.

        Who is turned away is not written down: guesses are cheap, and would
        drive all else out of the audit log.

        Raises:
            RequestError: There are too many such.
        """
        super().failed(visitor, name)
        self._note(LOGIN, visitor, name, FAILED)

    def _person(self, name: str) -> HubUser | None:
        person = self._people.by_name(name)
        return self.user_of(person) if person else None

    def _note(
        self, what: str, visitor: Visitor, name: str, *outcome: str
    ) -> None:
        self._reception.audit.note(
            name, visitor.address, what, self._workflow, *outcome)


class FrontLogin(HubLogin):
    """The same, where strangers get what they need for a log-in."""

    def current_user(self, name: str) -> User | None:
        """Return a user with the privilege of now; None for nobody's name."""
        return STRANGER if name == ANON else super().current_user(name)
