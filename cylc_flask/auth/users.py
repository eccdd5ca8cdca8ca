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
"""Who can log in, with which password, and what they may do then."""

from __future__ import annotations

from dataclasses import dataclass, field
import hashlib
from typing import Protocol

from cylc_flask.operations import NEEDED
from cylc_flask.privilege import PUBLIC_LEVELS, Privilege

#: The name of the public.
ANON = 'anon'

#: The password of ``anon``: no secret, Cylc 7 has it in its source.
ANON_PASSWORD = 'the quick brown fox'


@dataclass(frozen=True)
class User:
    """Somebody who has proved who they are.

    Args:
        name: Theirs.
        privilege: Their level.
        operations: All that they may do, by the names of `operations`; None
            if that follows from the level.
    """

    name: str
    privilege: Privilege
    operations: frozenset[str] | None = field(default=None, repr=False)

    def may(self, operation: str) -> bool:
        """Return True if they may do something.

        Examples:
            >>> User('us', Privilege.SHUTDOWN).may('stop')
            True
            >>> User('us', Privilege.FULL_CONTROL, frozenset()).may('stop')
            False
        """
        if self.operations is not None:
            return operation in self.operations
        needed = NEEDED[operation]
        return needed is not None and self.privilege >= needed


@dataclass(frozen=True)
class Account:
    """A user, and the password that proves it (kept out of the repr)."""

    user: User
    password: str = field(repr=False)

    @property
    def stamp(self) -> str:
        """Return what changes with the password, for sessions to end by."""
        data = self.password.encode(errors='surrogateescape')
        return hashlib.sha256(data).hexdigest()[:16]


class Users(Protocol):
    """Where a scheme looks names up."""

    def find(self, name: str) -> Account | None:
        """Return the account of that name, None where there is none."""


class LegacyUsers:
    """The two users of Cylc 7: the owner, ``cylc``, and the public.

    Args:
        passphrase: The password of ``cylc``.
        public: What ``anon`` may do.

    Raises:
        ValueError: The one is empty, or the other is not for the public.
    """

    def __init__(self, passphrase: str, public: Privilege) -> None:
        if not passphrase:
            raise ValueError('the passphrase is empty')
        if public not in PUBLIC_LEVELS:
            raise ValueError(f'the public cannot be given "{public}"')
        self._accounts = {
            account.user.name: account for account in (
                Account(User('cylc', Privilege.FULL_CONTROL), passphrase),
                Account(User(ANON, public), ANON_PASSWORD),
            )
        }

    def find(self, name: str) -> Account | None:
        """Return the account of that name, None where there is none."""
        return self._accounts.get(name)
