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
"""What a scheme makes of a request's Authorization header."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
import hmac
import secrets

from cylc_flask.auth.users import Account, User, Users
from cylc_flask.errors import RequestError
from cylc_flask.privilege import Privilege

#: So much of a tried name is kept.
NAME_LENGTH = 64


class Outcome(Enum):
    """How an attempt to log in ended; the gate treats each differently."""

    #: No Authorization header: how each Digest exchange begins.
    ABSENT = 'absent'
    #: The user is who they say.
    ACCEPTED = 'accepted'
    #: The password was right, the nonce too old or used before.
    STALE = 'stale'
    #: Anything else: worth a line in the log and a delay.
    FAILED = 'failed'


@dataclass(frozen=True)
class Attempt:
    """An attempt to log in.

    Args:
        outcome: How it ended.
        name: The name that was tried, fit for a log; '' where there is none.
        user: Who it is, if it was accepted.
    """

    outcome: Outcome
    name: str = ''
    user: User | None = None

    @classmethod
    def accepted(cls, user: User) -> Attempt:
        """Return the attempt of somebody who is let in."""
        return cls(Outcome.ACCEPTED, user.name, user)

    @classmethod
    def refused(cls, name: str, stale: bool = False) -> Attempt:
        """Return the attempt of somebody who has to try again."""
        outcome = Outcome.STALE if stale else Outcome.FAILED
        return cls(outcome, printable(name))


ABSENT = Attempt(Outcome.ABSENT)

#: Stands in for an account that is not there, so that asking for an unknown
#: user takes as long as giving a wrong password.
NOBODY = Account(User('', Privilege.NONE), secrets.token_hex())


def account_of(users: Users, name: str) -> Account:
    """Return the account of that name, else one that nobody can open."""
    return users.find(name) or NOBODY


def check_password(users: Users, name: str, password: str) -> Attempt:
    """Compare passwords, whether there is such a user or not."""
    account = account_of(users, name)
    right = hmac.compare_digest(encode(password), encode(account.password))
    if not right or account is NOBODY:
        return Attempt.refused(name)
    return Attempt.accepted(account.user)


def malformed() -> RequestError:
    """Return Cylc 7's answer to a header that makes no sense."""
    return RequestError('The Authorization header could not be parsed.', 400)


def printable(name: str, length: int = NAME_LENGTH) -> str:
    """Return a name as it may stand in a log: one line, and short."""
    name = name[:length]
    if name.isprintable():
        return name
    return ''.join(char if char.isprintable() else '?' for char in name)


def decode(data: bytes) -> str:
    """Return what a client meant: UTF-8, or else what Python 2 sends."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode('latin-1')


def encode(text: str) -> bytes:
    """Return a text as clients hash it; a file's odd bytes as they were."""
    return text.encode(errors='surrogateescape')
