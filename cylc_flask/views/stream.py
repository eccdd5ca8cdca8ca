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
"""Server-sent events: GraphQL without WebSockets, in one long answer.

The form is that of graphql-sse, in its mode of distinct connections: an
event ``next`` for each result, and ``complete`` after the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Callable

from flask import Response, request
from graphql import OperationType
import orjson

from cylc_flask.auth import gate
from cylc_flask.errors import Unavailable
from cylc_flask.query.errors import Rejected
from cylc_flask.views import current, sockets
from cylc_flask.views.operations import Desk, errors_of

if TYPE_CHECKING:
    from cylc_flask.auth.users import User
    from cylc_flask.lines import Lines
    from cylc_flask.query.engine import Operation
    from cylc_flask.query.subscriptions import Results
    from cylc_flask.views.sockets import Event, SockTools

STREAM = 'text/event-stream'

COMPLETE = b'event: complete\ndata: \n\n'

#: A comment, which clients pass over. It is how it shows that one has gone.
HEARTBEAT = b': \n\n'

#: GET is for what changes nothing.
BY_GET = frozenset({OperationType.QUERY, OperationType.SUBSCRIPTION})
BY_POST = frozenset(OperationType)


def respond(parameters: Any) -> Response:
    """Answer an operation by a stream of events.

    Args:
        parameters: What the client has sent.

    Raises:
        Unavailable: There are too many streams.
        Rejected: It cannot be sent in this way.
    """
    tools = sockets.tools()
    if tools.lines.full:
        raise Unavailable(
            'There are too many sockets and streams (limits.sockets).', 30)
    if request.method == 'HEAD':
        return _dressed(iter(()))
    desk = Desk.of_request()
    kinds = BY_POST if request.method == 'POST' else BY_GET
    try:
        operation = desk.take(parameters, current.user(), kinds)
        if operation.kind is OperationType.SUBSCRIPTION:
            return _dressed(_follow(tools, desk, operation))
        answer = desk.run(operation, current.user())
    except Exception as exc:
        if isinstance(exc, Rejected) and exc.status == 405:
            raise
        answer = orjson.dumps({'errors': errors_of(exc)})
    return _dressed(iter((_event(answer), COMPLETE)))


def _follow(
    tools: SockTools, desk: Desk, operation: Operation
) -> Iterator[bytes]:
    """Return the events of a subscription."""
    event = tools.make_event()
    member = desk.follow(
        operation, current.user(),
        event.set,  # type: ignore[arg-type]
    )
    interval = current.config().limits.ping_interval
    return Stream(
        member, event, tools.lines, interval, current.user(), gate.watch()
    )


class Stream(Iterator[bytes]):
    """The events of a subscription, until it or the server ends.

    Args:
        member: Where the results come from.
        event: Set when there may be some.
        lines: Who stays.
        interval: How often (seconds) there is a sign of life at least.
        user: Who follows.
        now: Returns who that is by now; it ends with somebody else.
    """

    def __init__(
        self,
        member: Results,
        event: Event,
        lines: Lines,
        interval: float,
        user: User,
        now: Callable[[], User | None],
    ) -> None:
        self._user = user
        self._now = now
        self._member = member
        self._event = event
        self._lines = lines
        self._interval = interval
        self._begun = self._over = False
        self._wake: Callable[[], object] = event.set
        lines.join(self._wake)

    def __next__(self) -> bytes:
        """Wait for the next event."""
        if self._over:
            raise StopIteration
        if not self._begun:
            self._begun = True
            return HEARTBEAT
        while True:
            self._event.clear()
            if self._now() != self._user:
                self._over = True
                return COMPLETE
            payload = self._member.take_now()
            if payload is not None:
                return _event(payload)
            if self._member.ended is not None or self._lines.ending:
                self._over = True
                return COMPLETE
            if not self._event.wait(self._interval):
                return HEARTBEAT

    def close(self) -> None:
        """Follow no more; the server calls this at the end, in any case."""
        self._over = True
        self._lines.leave(self._wake)
        self._member.close()


def _event(payload: bytes) -> bytes:
    return b'event: next\ndata: %b\n\n' % payload


def _dressed(events: Iterator[bytes]) -> Response:
    """Return the answer; proxies shall pass it on as it comes."""
    answer = Response(events, content_type=STREAM)
    answer.headers['Cache-Control'] = 'no-store'
    answer.headers['X-Accel-Buffering'] = 'no'
    return answer
