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
"""All connections of the server thread: how many, and which must go."""

from __future__ import annotations

from time import monotonic

import gevent
from gevent.pool import Pool

from cylc_flask.server.turns import Turns
from cylc_flask.server.wire import Wire

#: How long (seconds) a connection may be idle at least, before it loses its
#: place to somebody new.
PAUSE = 0.25

#: The same for one whose request has begun to come.
PATIENCE = 2.0


class Crowd:
    """Keeps places free for new clients.

    Args:
        limit: How many connections there may be.
    """

    def __init__(self, limit: int) -> None:
        self.turns = Turns()
        self.pool = Pool(limit)
        #: True as soon as connections shall end after their answer.
        self.stopping = False
        self._wires: set[Wire] = set()
        self._reserve = max(1, limit // 10)
        self._loop = gevent.get_hub().loop
        self._timer = self._loop.timer(PAUSE)

    def enter(self, wire: Wire) -> None:
        """Take up a connection."""
        self._wires.add(wire)
        if self.stopping:
            self._loop.run_callback(wire.expire)
        self._make_room()

    def leave(self, wire: Wire) -> None:
        """Forget a connection."""
        self._wires.discard(wire)

    def finish(self, timeout: float) -> None:
        """Let answers end, then end what is left.

        Args:
            timeout: How long (seconds) answers may take.
        """
        self.stopping = True
        for wire in self._wires:
            if wire.idle:
                self._loop.run_callback(wire.expire)
        self.pool.join(timeout)
        self.pool.kill(timeout=1)
        for wire in list(self._wires):
            wire.close()
        self._timer.stop()
        self._timer.close()
        self.turns.close()

    def _make_room(self) -> None:
        """Where places run out, end a connection that does not use its own.

        That is the one which has been idle for the longest, or else has
        taken the longest to send a request.
        """
        if self.pool.free_count() >= self._reserve:
            return
        now = monotonic()
        waiting = [
            wire for wire in self._wires if wire.waiting
            and now - wire.since > (PAUSE if wire.idle else PATIENCE)
        ]
        if waiting:
            worst = min(waiting, key=lambda wire: (not wire.idle, wire.since))
            self._loop.run_callback(worst.expire)
        elif not self._timer.active:
            self._timer.start(self._make_room)
