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
"""GraphQL on WebSockets: one loop for each, whatever it has to wait for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Callable, NoReturn

from flask import Flask
from graphql import OperationType
from simple_websocket import ConnectionClosed

from cylc_flask.auth import gate
from cylc_flask.errors import RequestError
from cylc_flask.privilege import Privilege
from cylc_flask.query.protocols import (
    PROTOCOLS,
    TAIL,
    Action,
    Close,
    Login,
    Protocol,
    Send,
    Start,
    Stop,
)
from cylc_flask.views import current, sockets
from cylc_flask.views.operations import Desk, errors_of
from cylc_flask.views.sockets import Talk

if TYPE_CHECKING:
    from cylc_flask.auth.users import User
    from cylc_flask.query.engine import Operation
    from cylc_flask.query.subscriptions import Results

#: What a first message can prove the caller by.
BEARER = 'bearer'

#: Results up to this size (bytes) are sent as soon as they are made.
SMALL = 65_536


def init_app(app: Flask) -> None:
    """Serve GraphQL on WebSockets from an application."""
    sockets.add(
        app, '/subscriptions', subscriptions, Privilege.NONE,
        tuple(PROTOCOLS), later=True,
    )


def subscriptions(talk: Talk) -> None:
    """Query, control and follow the workflow on one socket."""
    with closing(Dialogue(talk, Desk.of_request())) as dialogue:
        dialogue.run()


@dataclass(eq=False)
class Running:
    """An operation that goes on.

    Args:
        id: The client's name for it.
        head: What comes before each of its results.
        member: Where these come from; None where a thread of its own will
            bring just one.
    """

    id: str
    head: bytes
    member: Results | None = None


class Dialogue:
    """What one client and the server say to each other.

    Args:
        talk: The socket.
        desk: Takes the operations.
    """

    def __init__(self, talk: Talk, desk: Desk) -> None:
        limits = current.config().limits
        self._talk = talk
        self._desk = desk
        self._spawn = sockets.tools().spawn
        self._protocol: Protocol = PROTOCOLS[talk.subprotocol](
            limits.subscriptions)
        self._running: dict[str, Running] = {}
        self._done: deque[Callable[[], None]] = deque()
        self._init_by = monotonic() + limits.init_timeout

    def run(self) -> None:
        """Talk until the client has gone, or has to go."""
        talk = self._talk
        while True:
            for message in talk.messages():
                self._do(self._protocol.receive(message))
            while self._done:
                self._done.popleft()()
            busy = self._push()
            if not busy and talk.ending:
                raise talk.end(sockets.GONE, talk.ending)
            talk.wait(0 if busy else self._patience())

    def close(self) -> None:
        """Follow nothing any more."""
        for id in list(self._running):
            self._stop(id)

    def _patience(self) -> float | None:
        """Return how long (seconds) the client may say nothing."""
        if self._protocol.begun:
            return None
        left = self._init_by - monotonic()
        if left <= 0:
            self._do(self._protocol.timed_out())
        return left

    def _push(self) -> bool:
        """Send what has come of each operation; True if there is more.

        What has come for all of them goes together.
        """
        following = [
            (running, running.member) for running in self._running.values()
            if running.member is not None
        ]
        self._talk.send_all([
            (running.head, payload, TAIL)
            for running, member in following for payload in _taken(member)
        ])
        more = False
        for running, member in following:
            if member.pending:
                more = True
            elif member.ended is not None:
                self._finish(running)
        return more

    def _hand_on(self, running: Running) -> None:
        """Send a new result at once, if the loop has nothing else to do.

        That saves to wake it, which with many viewers is most of the work.
        What goes wrong here is nothing to the others of the group.
        """
        member = running.member
        try:
            if member is not None and self._talk.is_free:
                payload = member.take_step(SMALL)
                if payload is not None:
                    self._talk.send_now(running.head, payload, TAIL)
        except Exception as exc:
            self._done.append(partial(_fail, exc))
            self._talk.wake()
        else:
            if member is None or member.pending or member.ended is not None:
                self._talk.wake()

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(text):
                    self._talk.send(text)
                case Start():
                    self._start(action)
                case Stop(id):
                    self._stop(id)
                case Login():
                    self._log_in(action)
                case Close(code, reason):
                    raise self._talk.end(code, reason)

    def _log_in(self, login: Login) -> None:
        """Find out who is there, where the handshake has not told."""
        given = {key.lower(): value for key, value in login.payload.items()}
        token = given.get('authorization')
        try:
            if token is not None and gate.bearer(_token(token)):
                self._talk.identify()
                # Of who is there now: names for the scheduler's log.
                self._desk = Desk.of_request()
            elif token is not None or self._talk.user is None:
                self._do(self._protocol.refuse('Forbidden'))
        except RequestError as exc:
            self._do(self._protocol.refuse(exc.text))
        self._do(self._protocol.welcome())

    def _start(self, start: Start) -> None:
        """Begin an operation; a query is done at once."""
        user = self._talk.user
        assert user is not None
        running = Running(start.id, self._protocol.head(start.id))
        self._running[start.id] = running
        try:
            operation = self._desk.take(start.parameters, user)
            match operation.kind:
                case OperationType.SUBSCRIPTION:
                    running.member = self._desk.follow(
                        operation, user, partial(self._hand_on, running))
                case OperationType.MUTATION:
                    # Whoever is asked there finds the request of now.
                    self._spawn(
                        copy_context().run, self._mutate, running, operation,
                        user,
                    )
                case OperationType.QUERY:
                    self._answer(running, self._desk.run(operation, user))
        except ConnectionClosed:
            raise
        except Exception as exc:
            self._reject(running, exc)

    def _mutate(
        self, running: Running, operation: Operation, user: User
    ) -> None:
        """Carry out a mutation, which may take its time, beside the loop."""
        try:
            result = self._desk.run(operation, user)
        except Exception as exc:
            fault = exc
            self._done.append(lambda: self._reject(running, fault))
        else:
            self._done.append(lambda: self._answer(running, result))
        self._talk.wake()

    def _answer(self, running: Running, result: bytes) -> None:
        """Send the only result of an operation, if it is still wanted."""
        if self._running.get(running.id) is running:
            self._talk.check_user()
            self._talk.send(running.head, result, TAIL)
            self._finish(running)

    def _finish(self, running: Running) -> None:
        """End an operation that has come to its end."""
        self._stop(running.id)
        self._do(self._protocol.complete(running.id))

    def _reject(self, running: Running, exc: Exception) -> None:
        """End an operation that cannot be carried out."""
        if self._running.get(running.id) is running:
            self._stop(running.id)
            self._do(self._protocol.reject(running.id, errors_of(exc)))

    def _stop(self, id: str) -> None:
        running = self._running.pop(id, None)
        if running is not None and running.member is not None:
            running.member.close()


def _taken(member: Results) -> Iterator[bytes]:
    """Yield what a member is to be sent now."""
    room, payload = SMALL, member.take_now()
    while payload is not None:
        yield payload
        room -= len(payload)
        payload = member.take_step(room)


def _fail(exc: Exception) -> NoReturn:
    """End a loop by what went wrong beside it."""
    raise exc


def _token(authorization: object) -> str:
    """Return the token of a value as it would be in a header.

    Examples:
        >>> _token('Bearer abc'), _token('abc'), _token(1)
        ('abc', '', '')
    """
    scheme, _, token = str(authorization).partition(' ')
    return token.strip() if scheme.lower() == BEARER else ''
