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
"""Named tokens: what a program has in place of its user's password."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
import hashlib
from pathlib import Path
import secrets
import time

from cylc_flask.errors import CylcFlaskError
from cylc_flask.hub.users import table
from cylc_flask.hub.users.grants import Grant, check_words
from cylc_flask.hub.users.kept import Kept
from cylc_flask.hub.users.names import check_name

FILE_NAME = 'tokens.json'

#: How each token begins, for those who search for what has leaked.
PREFIX = 'cylcflask_'

#: Bytes of chance in a token: a quick hash does.
CHANCE = 32

#: No token is longer; what is need not be hashed.
LONGEST = 128


@dataclass(frozen=True)
class Token:
    """A token, as far as it is kept.

    Args:
        user: Whose it is.
        name: What they call it.
        hash: That of the token itself.
        may: Levels and operations: of what the user may do, it brings these.
        workflows: Globs of the workflows that it is good for.
        made: When (seconds since 1970).
        expires: When it ends; None for never.
    """

    user: str
    name: str
    hash: str = field(repr=False)
    may: tuple[str, ...]
    workflows: tuple[str, ...]
    made: float
    expires: float | None = None

    @property
    def grant(self) -> Grant:
        """Return its scope."""
        return Grant(self.may, self.workflows, f'the token {self.name}')

    @property
    def key(self) -> str:
        """Return what it has in the file for a name."""
        return f'{self.user}/{self.name}'


class Tokens:
    """All tokens, in a file that commands and the hub share.

    Args:
        directory: That of the hub.
        clock: Returns seconds from a clock that is never set back.
        now: Returns the time (seconds since 1970).

    Raises:
        CylcFlaskError: The file cannot be used.
    """

    def __init__(
        self,
        directory: Path,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self.kept = Kept(directory / FILE_NAME, _reader(directory), clock)

    def all(self, user: str = '') -> list[Token]:
        """Return the tokens of a user or of all, the expired ones included."""
        return sorted(
            (token for token in self.kept.now().values()
             if user in ('', token.user)),
            key=lambda token: token.key)

    def find(self, text: str) -> Token | None:
        """Return the token of that text, unless it has expired."""
        if not text.startswith(PREFIX) or len(text) > LONGEST:
            return None
        token = self.kept.now().get(_hash(text))
        if token is None or self.is_expired(token):
            return None
        return token

    def is_good(self, token: Token) -> bool:
        """Return True if a token still is what it was when it was found."""
        return (
            self.kept.now().get(token.hash) == token
            and not self.is_expired(token)
        )

    def is_expired(self, token: Token) -> bool:
        """Return True if a token has ended."""
        return token.expires is not None and token.expires <= self._now()

    def add(
        self,
        user: str,
        name: str,
        may: tuple[str, ...],
        workflows: tuple[str, ...],
        lifetime: float | None,
    ) -> str:
        """Make a token, and return it: it cannot be shown again.

        Args:
            user: Whose it is to be.
            name: What to call it.
            may: Levels and operations.
            workflows: Globs.
            lifetime: Seconds until it ends; None for never.

        Raises:
            CylcFlaskError: There is one of that name, or it is not well
                formed.
        """
        text = PREFIX + secrets.token_urlsafe(CHANCE)
        now = self._now()
        token = _checked(Token(
            user, name, _hash(text), may, workflows, now,
            None if lifetime is None else now + lifetime))

        def edit(tokens: list[Token]) -> list[Token]:
            if any(other.key == token.key for other in tokens):
                raise CylcFlaskError(
                    f'{user} has a token {name} already: revoke it first')
            return [*tokens, token]
        self._edit(edit)
        return text

    def revoke(self, user: str, name: str = '') -> list[str]:
        """End a user's token of that name, or all of them.

        Returns:
            The names of those that there were.
        """
        gone: list[str] = []

        def edit(tokens: list[Token]) -> list[Token]:
            gone.extend(
                token.name for token in tokens
                if token.user == user and name in ('', token.name))
            return [
                token for token in tokens
                if token.user != user or token.name not in gone
            ]
        self._edit(edit)
        return gone

    def _edit(self, edit: Callable[[list[Token]], list[Token]]) -> None:
        def write(tokens: dict[str, Token]) -> bytes:
            return table.dump({
                token.key: asdict(token) for token in edit([*tokens.values()])
            })
        self.kept.update(write)


def _reader(directory: Path) -> Callable[[bytes], dict[str, Token]]:
    def read(content: bytes) -> dict[str, Token]:
        tokens = table.load(directory / FILE_NAME, content, _token)
        return {token.hash: token for token in tokens.values()}
    return read


def _token(key: str, row: table.Row) -> Token:
    """Return the token of a row of the file; `ValueError` refuses it."""
    expires = row['expires']
    return _checked(Token(
        str(row['user']),
        str(row['name']),
        bytes.fromhex(row['hash']).hex(),
        tuple(map(str, row['may'])),
        tuple(map(str, row['workflows'])),
        float(row['made']),
        None if expires is None else float(expires),
    ))


def _checked(token: Token) -> Token:
    check_name(token.user)
    check_name(token.name)
    try:
        check_words(token.may)
    except ValueError as exc:
        raise CylcFlaskError(str(exc)) from exc
    return token


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()
