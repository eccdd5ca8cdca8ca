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
"""Passwords: only a hash of them is kept, which is slow to make."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
import hmac
import secrets
import time
from unicodedata import normalize

from werkzeug.security import check_password_hash, generate_password_hash

from cylc_flask.errors import CylcFlaskError, Unavailable

#: What OWASP recommends where 32 MB are at hand for each check.
METHOD = 'scrypt:32768:8:3'

SHORTEST = 8
LONGEST = 1_024

#: How many right passwords are known again, and for how long (seconds).
CAPACITY = 1_000
MEMORY = 300.0

#: How many passwords may be compared at a time, or wait for it.
AT_ONCE = 32

#: Does the work, in another thread if need be.
Run = Callable[[Callable[[], bool]], bool]


def make_hash(password: str) -> str:
    """Return what is kept of a password.

    Raises:
        CylcFlaskError: It is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise CylcFlaskError(
            f'the password must have {SHORTEST} to {LONGEST} characters')
    return generate_password_hash(_usual(password), METHOD)


def is_hash(text: str) -> bool:
    """Return True if a text can be what is kept of a password.

    Examples:
        >>> is_hash('scrypt:32768:8:3$salt$00'), is_hash('secret')
        (True, False)
    """
    method, _, rest = text.partition('$')
    salt, _, digest = rest.partition('$')
    return method.startswith('scrypt:') and bool(salt and digest)


class Few:
    """Has passwords compared, not too many at once.

    Args:
        run: Does it, and lets others go on meanwhile.
        most: How many may be compared or wait for it.
    """

    def __init__(self, run: Run, most: int = AT_ONCE) -> None:
        self._run = run
        self._left = most

    def __call__(self, work: Callable[[], bool]) -> bool:
        """Do one piece of work.

        Raises:
            Unavailable: Too many wait already.
        """
        if not self._left:
            raise Unavailable('Too many log in just now.')
        self._left -= 1
        try:
            return self._run(work)
        finally:
            self._left += 1


class Passwords:
    """Compare passwords with hashes.

    A check takes a third of a second of a processor. With Basic each request
    brings the password, so one that was right a while ago is known again, by
    a quick hash with a key that never leaves this process.

    Args:
        run: Does the slow part; a server with one thread has it done by
            another.
        clock: Returns seconds from a clock that is never set back.
    """

    def __init__(
        self,
        run: Run = lambda work: work(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._clock = clock
        self._key = secrets.token_bytes(32)
        #: Until when each is known, in the order in which they came.
        self._known: OrderedDict[bytes, float] = OrderedDict()

    def is_right(self, kept: str | None, password: str) -> bool:
        """Return True if a password is the one that a hash was made of.

        Args:
            kept: The hash; None where there is none, which takes as long.
            password: Any text that a client has sent.
        """
        if len(password) > LONGEST:
            return False
        mark = self._mark(kept or NOBODY, password)
        if self._known.get(mark, 0) > self._clock():
            return True
        right = self._run(lambda: _check(kept or NOBODY, password))
        if right and kept is not None:
            self._remember(mark)
            return True
        return False

    def _mark(self, kept: str, password: str) -> bytes:
        """Return what stands for a password and its hash."""
        text = f'{kept}\0{password}'.encode(errors='surrogatepass')
        return hmac.digest(self._key, text, 'sha256')

    def _remember(self, mark: bytes) -> None:
        self._known.pop(mark, None)
        self._known[mark] = self._clock() + MEMORY
        if len(self._known) > CAPACITY:
            self._known.popitem(last=False)


def _check(kept: str, password: str) -> bool:
    try:
        return check_password_hash(kept, _usual(password))
    except ValueError:
        return False


def _usual(password: str) -> str:
    """Return a password in one of the ways in which it can be typed in."""
    return normalize('NFC', password)


#: Stands in for the hash of a user who is not there.
NOBODY = f'{METHOD}${secrets.token_hex(8)}${secrets.token_hex(64)}'
