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
"""Sessions: a random token in place of the password, for a while."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
import hashlib
import secrets
from threading import Lock

from cylc_flask.auth.users import User

#: Bytes of chance in a token: nobody guesses these.
CHANCE = 32

#: No token is longer; what is need not be hashed.
LONGEST = 128


@dataclass(frozen=True)
class Session:
    """A session, as its owner knows it.

    Args:
        token: Whoever has it is taken for the user.
        csrf: To be sent in a header beside the cookie: only a page that may
            read our cookies knows it. It follows from the token.
        name: The user's name. What they may do is looked up at each request.
        expires: When it ends, however it is used, by the clock of the server.
        mark: By which its user is told from what they were, or from others
            of the name.
    """

    token: str = field(repr=False)
    csrf: str = field(repr=False)
    name: str
    expires: float
    mark: str = ''


@dataclass(frozen=True)
class _Entry:
    """What is kept of a session."""

    name: str
    expires: float
    mark: str


class Sessions:
    """The open sessions, by a hash of their tokens: no token is kept.

    There is a bound for all, and half of it for one user, so that the public
    cannot end the owner's sessions by opening many. Where one is reached the
    oldest session makes room: that of the user, or of who has most.

    They last as long as the server at most.

    Args:
        lifetime: Seconds until a session ends, used or not.
        capacity: How many there may be.
        clock: Returns seconds from a clock that is never set back.
    """

    def __init__(
        self, lifetime: float, capacity: int, clock: Callable[[], float],
    ) -> None:
        self.lifetime = lifetime
        self._capacity = capacity
        self._share = max(1, capacity // 2)
        self._clock = clock
        #: In the order of their beginning, hence of their end.
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._numbers: Counter[str] = Counter()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def open(self, user: User, mark: str = '') -> Session:
        """Begin a session.

        Args:
            user: Whose.
            mark: Kept with it.
        """
        token = secrets.token_hex(CHANCE)
        entry = _Entry(user.name, self._clock() + self.lifetime, mark)
        with self._lock:
            self._tidy()
            self._make_room(user.name)
            self._entries[_key(token)] = entry
            self._numbers[user.name] += 1
        return _session(token, entry)

    def find(self, token: str) -> Session | None:
        """Return the session with that token, if it has not ended."""
        if len(token) > LONGEST:
            return None
        entry = self._entries.get(_key(token))
        if entry is None or entry.expires <= self._clock():
            return None
        return _session(token, entry)

    def close(self, token: str) -> bool:
        """End a session; False if there was none."""
        with self._lock:
            return self._remove(_key(token))

    def _remove(self, key: bytes) -> bool:
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self._numbers[entry.name] -= 1
        if not self._numbers[entry.name]:
            del self._numbers[entry.name]
        return True

    def _tidy(self) -> None:
        """Forget the sessions that have ended by themselves."""
        now = self._clock()
        while self._entries:
            key, entry = next(iter(self._entries.items()))
            if entry.expires > now:
                return
            self._remove(key)

    def _make_room(self, name: str) -> None:
        """End the session that has to make room for another of a user."""
        if self._numbers[name] < self._share:
            if len(self._entries) < self._capacity:
                return
            (name, _), = self._numbers.most_common(1)
        self._remove(next(
            key for key, entry in self._entries.items() if entry.name == name
        ))


def _session(token: str, entry: _Entry) -> Session:
    csrf = hashlib.sha256(b'csrf ' + _bytes(token)).hexdigest()
    return Session(token, csrf, entry.name, entry.expires, entry.mark)


def _key(token: str) -> bytes:
    return hashlib.sha256(_bytes(token)).digest()


def _bytes(token: str) -> bytes:
    """Return what a client sent, were it no Unicode."""
    return token.encode(errors='surrogatepass')
