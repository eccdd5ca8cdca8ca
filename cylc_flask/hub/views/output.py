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
"""What a job writes, as a stream of events.

An event ``output`` has a part of the text, and where the next one begins,
which is its id as well: a browser that has lost the connection goes on there.
With ``job`` comes what has become of the job, and with ``end`` the last of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from flask import Response, request
import orjson

from cylc_flask.auth import gate
from cylc_flask.errors import Unavailable
from cylc_flask.views import current, sockets
from cylc_flask.views.stream import HEARTBEAT, STREAM

if TYPE_CHECKING:
    from cylc_flask.hub.life.jobs import Job
    from cylc_flask.views.sockets import SockTools


def stream(job: Job, since: int, allowed: Callable[[], bool]) -> Response:
    """Answer by the output of a job, from a place on.

    Args:
        job: The job.
        since: The place.
        allowed: Tells whether the caller may see it still.

    Raises:
        Unavailable: There are too many streams.
    """
    tools = sockets.tools()
    if tools.lines.full:
        raise Unavailable(
            'There are too many sockets and streams (limits.sockets).', 30)
    user, now = current.user(), gate.watch()
    events: Iterator[bytes] = iter(())
    if request.method != 'HEAD':
        events = Output(
            job, since, tools, current.config().limits.ping_interval,
            lambda: now() == user and allowed(),
        )
    answer = Response(events, content_type=STREAM)
    answer.headers['Cache-Control'] = 'no-store'
    # Proxies shall pass it on as it comes.
    answer.headers['X-Accel-Buffering'] = 'no'
    return answer


class Output(Iterator[bytes]):
    """The events of a job, until it or the server ends.

    Args:
        job: The job.
        since: From which place on.
        tools: What streams need of the server.
        interval: How often (seconds) there is a sign of life at least.
        allowed: Tells whether it may be seen still.
    """

    def __init__(
        self,
        job: Job,
        since: int,
        tools: SockTools,
        interval: float,
        allowed: Callable[[], bool],
    ) -> None:
        self._job = job
        self._place = since
        self._event = tools.make_event()
        self._lines = tools.lines
        self._interval = interval
        self._allowed = allowed
        self._told: Any = None
        self._over = False
        self._stop = job.watch(self._event.set)
        self._wake: Callable[[], object] = self._event.set
        self._lines.join(self._wake)

    def __next__(self) -> bytes:
        """Wait for the next event."""
        while not self._over:
            self._event.clear()
            if self._lines.ending or not self._allowed():
                break
            news = self._news()
            if news is not None:
                return news
            if not self._event.wait(self._interval):
                return HEARTBEAT
        raise StopIteration

    def close(self) -> None:
        """Follow no more; the server calls this at the end, in any case."""
        self._over = True
        self._stop()
        self._lines.leave(self._wake)

    def _news(self) -> bytes | None:
        """Return the next event, if there is one."""
        job = self._job
        if self._told != job.state and not job.finished:
            self._told = job.state
            return _event('job', job.as_dict())
        piece = job.output.since(self._place)
        if piece.text or piece.missed:
            self._place = piece.next
            return _event('output', piece._asdict(), piece.next)
        if job.finished:
            self._over = True
            return _event('end', job.as_dict())
        return None


def _event(name: str, data: Any, id_: int | None = None) -> bytes:
    head = f'event: {name}\n' + (f'id: {id_}\n' if id_ is not None else '')
    return b'%bdata: %b\n\n' % (head.encode(), orjson.dumps(data))
