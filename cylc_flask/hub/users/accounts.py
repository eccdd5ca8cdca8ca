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
"""Accounts: who can log in, and what they may do with all workflows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
import hashlib
from pathlib import Path
import time

from cylc_flask.errors import CylcFlaskError
from cylc_flask.hub.users import table
from cylc_flask.hub.users.grants import Grant
from cylc_flask.hub.users.kept import Kept
from cylc_flask.hub.users.names import check_user_name
from cylc_flask.hub.users.passwords import Passwords, is_hash, make_hash
from cylc_flask.privilege import Privilege

FILE_NAME = 'accounts.json'


@dataclass(frozen=True)
class Account:
    """A user of the hub.

    Args:
        name: Theirs.
        password: Its hash, in the form of `werkzeug.security`.
        level: What they may do with all workflows, rules apart.
        changed: When the password was set (ISO 8601).
    """

    name: str
    password: str = field(repr=False)
    level: Privilege = Privilege.NONE
    changed: str = ''

    @property
    def stamp(self) -> str:
        """Return what changes with the password, for sessions to end by."""
        return hashlib.sha256(self.password.encode()).hexdigest()[:16]

    @property
    def grant(self) -> Grant:
        """Return what the level comes to."""
        return Grant((str(self.level),), source=f'the level of {self.name}')


Table = dict[str, Account]


class Accounts:
    """All accounts, in a file that commands and the hub share.

    Args:
        directory: That of the hub.
        passwords: Compares them.
        clock: Returns seconds from a clock that is never set back.

    Raises:
        CylcFlaskError: The file cannot be used.
    """

    def __init__(
        self,
        directory: Path,
        passwords: Passwords | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._passwords = passwords or Passwords()
        self.kept = Kept(directory / FILE_NAME, _reader(directory), clock)

    def all(self) -> list[Account]:
        """Return all accounts, by name."""
        return sorted(self.kept.now().values(), key=lambda item: item.name)

    def find(self, name: str) -> Account | None:
        """Return the account of that name, None where there is none."""
        return self.kept.now().get(name)

    def check(self, name: str, password: str) -> Account | None:
        """Return whose password this is, None if it is not that of the name.

        It takes as long where there is no such account. Meanwhile there may
        be another password, of which nobody has shown to know it.
        """
        account = self.find(name)
        kept = account.password if account else None
        if not self._passwords.is_right(kept, password):
            return None
        now = self.find(name)
        return now if now and now.password == kept else None

    def add(
        self, name: str, password: str, level: Privilege = Privilege.NONE,
    ) -> None:
        """Add an account.

        Raises:
            CylcFlaskError: There is one, or it is not well formed.
        """
        account = Account(
            check_user_name(name), make_hash(password), level, _now())

        def edit(accounts: Table) -> None:
            if name in accounts:
                raise CylcFlaskError(f'there is a user {name} already')
            accounts[name] = account
        self._edit(edit)

    def set_password(self, name: str, password: str) -> None:
        """Give a user another password.

        Raises:
            CylcFlaskError: There is no such user, or it is too short.
        """
        kept = make_hash(password)
        self._change(name, lambda account: replace(
            account, password=kept, changed=_now()))

    def set_level(self, name: str, level: Privilege) -> None:
        """Give a user another level.

        Raises:
            CylcFlaskError: There is no such user.
        """
        self._change(name, lambda account: replace(account, level=level))

    def remove(self, name: str) -> None:
        """Remove an account.

        Raises:
            CylcFlaskError: There is none.
        """
        def edit(accounts: Table) -> None:
            _demand(accounts, name)
            del accounts[name]
        self._edit(edit)

    def _change(
        self, name: str, change: Callable[[Account], Account],
    ) -> None:
        def edit(accounts: Table) -> None:
            accounts[name] = change(_demand(accounts, name))
        self._edit(edit)

    def _edit(self, edit: Callable[[Table], None]) -> None:
        def write(accounts: Table) -> bytes:
            copy = {**accounts}
            edit(copy)
            return table.dump({
                account.name: {
                    'password': account.password,
                    'level': str(account.level),
                    'changed': account.changed,
                } for account in copy.values()
            })
        self.kept.update(write)


def _reader(directory: Path) -> Callable[[bytes], Table]:
    def read(content: bytes) -> Table:
        return table.load(directory / FILE_NAME, content, _account)
    return read


def _account(name: str, row: table.Row) -> Account:
    """Return the account of a row of the file; `ValueError` refuses it."""
    password, level = row['password'], row['level']
    if not isinstance(password, str) or not is_hash(password):
        raise ValueError('the password is no hash')
    return Account(
        check_user_name(name), password, level_of_word(str(level)),
        str(row.get('changed', '')))


def level_of_word(text: str) -> Privilege:
    """Return a level by its name, ``none`` included.

    Raises:
        ValueError: There is no such.
    """
    return (
        Privilege.NONE if text == str(Privilege.NONE)
        else Privilege.parse(text)
    )


def _demand(accounts: Table, name: str) -> Account:
    if name not in accounts:
        raise CylcFlaskError(f'there is no user {name:.64}')
    return accounts[name]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec='seconds')
