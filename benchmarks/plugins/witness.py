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
"""A main loop plugin which tells, when asked, what the scheduler is busy with.

Whoever connects to the socket ``$BENCH_WITNESS`` gets a line of JSON: the CPU
seconds of each thread by its name, and how long (seconds) each pass of the
main loop took since the last call, without its sleep at the end.
"""

from __future__ import annotations

from collections import deque
import json
import os
import socket
import threading
from time import clock_gettime, monotonic, pthread_getcpuclockid
from typing import Any

from cylc.flow.main_loop import periodic, startup


class Intervals(deque):  # type: ignore[type-arg]
    """The scheduler's list of intervals, which notes when a pass begins."""

    began = 0.0

    def append(self, interval: float) -> None:
        """Take the interval that has just ended."""
        super().append(interval)
        self.began = monotonic()


def cpu_seconds() -> dict[str, float]:
    """Return what each thread has used."""
    return {
        thread.name: clock_gettime(pthread_getcpuclockid(thread.ident))
        for thread in threading.enumerate() if thread.ident
    }


def answer(listener: socket.socket, passes: list[float]) -> None:
    """Tell whoever asks."""
    while True:
        client, _ = listener.accept()
        with client:
            known = len(passes)
            client.sendall(json.dumps({
                'threads': cpu_seconds(), 'passes': passes[:known],
            }).encode() + b'\n')
            del passes[:known]


@startup
async def begin(schd: Any, state: dict[str, Any]) -> None:
    """Listen, in a thread that sleeps until it is asked."""
    schd.main_loop_intervals = Intervals(maxlen=10)
    state['passes'] = passes = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.environ['BENCH_WITNESS'])
    listener.listen()
    threading.Thread(
        target=answer, args=(listener, passes), name='witness', daemon=True,
    ).start()


@periodic
async def note(schd: Any, state: dict[str, Any]) -> None:
    """Note how long this pass took; nearly all of it has been done."""
    if schd.main_loop_intervals.began:
        state['passes'].append(monotonic() - schd.main_loop_intervals.began)
