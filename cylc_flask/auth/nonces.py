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
"""Nonces which prove themselves, and a table of those that were used."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
import hmac
from itertools import count
import re
from threading import Lock

#: Seconds; Cylc 7's.
LIFETIME = 600

#: How many used nonces are remembered at most (a few MB).
CAPACITY = 10_000

#: How many nonces need not be proved again, those that came last.
PROVED = 256

#: How far behind the highest one a count may come in, from parallel requests.
WINDOW = 64

#: No nonce has more characters.
LENGTH = 53

_NONCE = re.compile(r'([0-9]{1,12}):([0-9a-f]{8,16})([0-9a-f]{24})')


@dataclass(frozen=True)
class Nonce:
    """A nonce of ours: when it was made, and its running number."""

    born: int
    serial: int


@dataclass(slots=True)
class _Use:
    """Which counts a nonce has been used with: bit n is ``highest - n``."""

    born: int
    highest: int
    seen: int = 1

    def claim(self, number: int) -> bool:
        """Note a count, False if it was seen or is too far behind."""
        step = number - self.highest
        if step > 0:
            kept = self.seen << step if step < WINDOW else 0
            self.seen = (kept | 1) & (1 << WINDOW) - 1
            self.highest = number
            return True
        if -step >= WINDOW or self.seen >> -step & 1:
            return False
        self.seen |= 1 << -step
        return True


class Nonces:
    """Make nonces, know them again, and let each be used once per count.

    A nonce is written as Cylc 7 writes its own, ``EPOCH:HEX``. The
    hexadecimal part is a running number, for no two clients may share one
    when replays are refused, and a keyed hash, so that only nonces which
    have been *used* take memory. The ones used longest ago make room for
    others; whatever is not younger than they were then counts as used up.

    The lock is for threaded WSGI servers: nothing waits while it is held.

    Args:
        secret: Key of the hash; a new one for each start.
        clock: Returns the time, in seconds.
    """

    def __init__(
        self,
        secret: bytes,
        clock: Callable[[], float],
        capacity: int = CAPACITY,
    ) -> None:
        self._secret = secret
        self._clock = clock
        self._capacity = capacity
        self._serials = count(1)
        self._used: OrderedDict[int, _Use] = OrderedDict()
        self._forgotten = 0
        self._lock = Lock()
        self._read = lru_cache(PROVED)(self._prove)

    def new(self) -> str:
        """Return a nonce that nobody else has."""
        return self._sign(int(self._clock()), next(self._serials))

    def read(self, text: str) -> Nonce | None:
        """Return the nonce if it is one of ours, of whatever age."""
        return self._read(text) if len(text) <= LENGTH else None

    def _prove(self, text: str) -> Nonce | None:
        match = _NONCE.fullmatch(text)
        if not match:
            return None
        nonce = Nonce(int(match[1]), int(match[2], 16))
        ours = self._sign(nonce.born, nonce.serial)
        return nonce if hmac.compare_digest(ours, text) else None

    def is_fresh(self, nonce: Nonce) -> bool:
        """Tell whether a nonce is young enough."""
        return self._clock() - nonce.born <= LIFETIME

    def use(self, nonce: Nonce, number: int) -> bool:
        """Use a nonce with its count, False where that is a replay."""
        with self._lock:
            use = self._used.get(nonce.serial)
            if use:
                return use.claim(number)
            if nonce.serial <= self._forgotten:
                return False
            self._tidy()
            self._used[nonce.serial] = _Use(nonce.born, number)
            return True

    def _tidy(self) -> None:
        """Forget what is too old anyway, and make room for one more."""
        oldest = self._clock() - LIFETIME
        while self._used:
            serial, use = next(iter(self._used.items()))
            if use.born >= oldest and len(self._used) < self._capacity:
                return
            self._forgotten = max(self._forgotten, serial)
            del self._used[serial]

    def _sign(self, born: int, serial: int) -> str:
        text = f'{born}:{serial:08x}'
        digest = hmac.digest(self._secret, text.encode(), 'sha256')
        return text + digest.hex()[:24]
