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
"""How many requests a second one address may send."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from threading import Lock

from cylc_flask.errors import RequestError

#: So many seconds' worth of requests may come at once, after a rest.
BURST = 2.0

#: The least that may: one call by Digest, which takes two requests.
LEAST = 2.0

#: How many addresses are remembered, those that called last.
CAPACITY = 10_000


@dataclass(slots=True)
class _Bucket:
    """How many requests are left to an address, and since when."""

    left: float
    time: float


class Rate:
    """Send those away, for a while, who ask too often.

    Each address has a bucket which fills as time goes by, and a request
    takes one piece out of it. What is refused takes nothing, so a client
    that goes on without a pause still gets the rate through.

    Args:
        rate: Requests a second, 0 for no limit.
        clock: Returns seconds from a clock that is never set back.
        burst: So many seconds' worth may come at once, after a rest.
    """

    def __init__(
        self,
        rate: float,
        clock: Callable[[], float],
        burst: float = BURST,
    ) -> None:
        self._rate = rate
        self._size = max(rate * burst, LEAST)
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = Lock()

    def check(self, address: str) -> None:
        """Count a request.

        Args:
            address: Where it comes from; '' behind a Unix socket, where
                there is nobody but the owner.

        Raises:
            RequestError: It is one too many.
        """
        if not self._rate or not address:
            return
        if wait := self.take(address):
            raise RequestError(
                f'Your address sends more than {self._rate:g} requests a'
                ' second (limits.request_rate).', 429,
                (('Retry-After', str(ceil(wait))),),
            )

    def take(self, address: str) -> float:
        """Take a piece; return how long to wait where there is none."""
        with self._lock:
            return self._take(address)

    def _take(self, address: str) -> float:
        now = self._clock()
        bucket = self._buckets.pop(address, None) or _Bucket(self._size, now)
        self._buckets[address] = bucket
        if len(self._buckets) > CAPACITY:
            self._buckets.popitem(last=False)
        gained = (now - bucket.time) * self._rate
        bucket.left = min(bucket.left + gained, self._size)
        bucket.time = now
        if bucket.left < 1:
            return (1 - bucket.left) / self._rate
        bucket.left -= 1
        return 0.0
