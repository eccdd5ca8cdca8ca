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
"""A WebSocket on which a hub gives the commands of its users.

It is for the owner of the workflow alone, who is taken at their word as to
in whose name a command is. Each is checked here as those of any client are.

A message is an object: the hub sends ``id``, ``method``, ``user`` and
``arguments``, and gets ``id`` with ``result`` or ``error``. Of commands it is
told later what became of them: ``ticket``, ``state``, ``warnings``, ``text``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask
import orjson

from cylc.flow import LOG
from cylc.flow.commands import COMMANDS
from cylc_flask import intake, validate
from cylc_flask.auth import gate
from cylc_flask.errors import Refused, RequestError, Unavailable
from cylc_flask.privilege import Privilege
from cylc_flask.query.mutations import MAX_EXTENT, check_texts, checked
from cylc_flask.replica.encode import dump
from cylc_flask.views import current, sockets
from cylc_flask.views.sockets import Talk

if TYPE_CHECKING:
    from cylc_flask.commands import Ticket
    from cylc_flask.workflows import Workflow

PATH = '/relay'
PROTOCOL = 'cylc-relay'

#: How many commands of one hub may be under way here.
AT_ONCE = 100

#: How long a user's name may be, in characters.
LONGEST = 320

#: A bad message names no number: it is answered to this one.
NOBODY = 0

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Given:
    """A value of an enumeration, as commands take it."""

    value: Any


def init_app(app: Flask) -> None:
    """Take the commands of hubs in an application of one workflow."""
    sockets.add(
        app, PATH, relay, Privilege.FULL_CONTROL, (PROTOCOL,), commands=True)


def relay(talk: Talk) -> None:
    """Take commands until the hub has gone, or has to go."""
    Desk(talk, current.workflow()).run()


class Desk:
    """Does what one hub asks for.

    Args:
        talk: The socket.
        flow: The workflow.
    """

    def __init__(self, talk: Talk, flow: Workflow) -> None:
        self._talk = talk
        self._flow = flow
        self._spawn = sockets.tools().spawn
        self._out: deque[bytes] = deque()
        self._busy = 0
        #: The commands of whose outcome the hub is to be told.
        self._awaited: set[str] = set()

    def run(self) -> None:
        """Talk until the end."""
        talk = self._talk
        while True:
            for message in talk.messages():
                self._take(message)
            while self._out:
                talk.send(self._out.popleft())
            if talk.ending and not (self._busy or self._awaited):
                raise talk.end(sockets.GONE, talk.ending)
            talk.wait()

    def _take(self, message: str | bytes) -> None:
        """Begin with what a message asks for."""
        number = NOBODY
        try:
            asked = orjson.loads(message)
            number = int(asked['id'])
            method = METHODS[asked['method']]
            user = validate.text('user', asked['user'])[:LONGEST]
            arguments = dict(asked['arguments'])
            gate.check_change()
            if self._busy >= AT_ONCE:
                raise Unavailable(f'{self._busy} commands are under way.')
        except RequestError as exc:
            self._fail(number, exc)
        except (ValueError, KeyError, TypeError) as exc:
            self._fail(number, RequestError(f'bad message: {exc!r:.200}'))
        else:
            self._busy += 1
            self._spawn(self._do, number, method, user, arguments)

    def _do(
        self, number: int, method: Method, user: str, arguments: Arguments
    ) -> None:
        """Do it, beside the socket: it may wait for the scheduler."""
        try:
            result = method(self, user, **arguments)
        except (RequestError, Refused) as exc:
            self._fail(number, exc)
        except Exception as exc:
            LOG.error('flask: fault in a relayed command', exc_info=exc)
            self._fail(number, RequestError(f'{exc!r:.200}', 500))
        else:
            self._say(id=number, result=result)
        finally:
            self._busy -= 1
            self._talk.wake()

    def _fail(self, number: int, exc: RequestError | Refused) -> None:
        kind = 'refused'
        if isinstance(exc, RequestError):
            kind = 'unavailable' if (
                isinstance(exc, Unavailable)) else 'request'
        self._say(id=number, error={
            'kind': kind, 'text': str(exc),
            'status': getattr(exc, 'status', 400),
        })

    def _say(self, **message: Any) -> None:
        self._out.append(dump(message))
        self._talk.wake()

    # Methods

    def submit(
        self, user: str, command: str, arguments: Arguments
    ) -> Arguments:
        """Have a command queued, and tell what becomes of it."""
        if command not in COMMANDS:
            raise RequestError(f'There is no command "{command}".')
        given = {
            name: Given(value['value']) if isinstance(value, dict) else value
            for name, value in arguments.items()
        }
        check_texts(given)
        try:
            ticket = self._flow.commands.submit(
                command, user, **checked(command, given))
        except TypeError as exc:
            raise RequestError(f'bad arguments: {exc}') from exc
        return self._follow(ticket)

    def find(self, user: str, ticket: str) -> Arguments | None:
        """Tell how far a command has come, and what becomes of it."""
        found = self._flow.commands.find(ticket)
        return None if found is None else self._follow(found)

    def put_messages(
        self, user: str, task_job: Any, event_time: Any, messages: Any
    ) -> None:
        """Hand in messages of a job."""
        intake.put_messages(self._flow, task_job, event_time, messages)

    def put_ext_trigger(self, user: str, message: Any, event_id: Any) -> None:
        """Hand in an external event."""
        self._note(user, 'put_ext_trigger')
        intake.put_ext_trigger(self._flow, message, event_id)

    def broadcast(
        self, user: str, action: str, **arguments: Any
    ) -> list[Any]:
        """Put, clear or expire broadcasts."""
        try:
            method = BROADCASTS[action]
            self._note(user, action)
            return [*method(self._flow, **arguments)]
        except (KeyError, TypeError) as exc:
            raise RequestError(f'bad arguments: {exc}') from exc

    def graph(
        self, user: str, start: str, stop: str | None
    ) -> dict[str, Any]:
        """Return the static graph between two points."""
        found = self._flow.commands.graph(
            validate.text('start', start),
            None if stop is None else validate.text('stop', stop),
        )
        return {
            'start': found.start, 'stop': found.stop,
            'edges': [
                [[*edge.left], edge.right and [*edge.right], edge.suicide,
                 edge.conditional] for edge in found.edges
            ],
        }

    def set_graph_window_extent(self, user: str, extent: int) -> None:
        """Set how far the n-window reaches."""
        if not isinstance(extent, int) or not 0 <= extent <= MAX_EXTENT:
            raise RequestError(f'extent must be from 0 to {MAX_EXTENT}')
        self._note(user, f'set_graph_window_extent({extent})')
        self._flow.commands.set_graph_window_extent(extent)

    def _note(self, user: str, command: str) -> None:
        """Write to the log who has changed something, as Cylc does."""
        if user:
            self._flow.commands.note(user, f'Command "{command}" received')

    def _follow(self, ticket: Ticket) -> Arguments:
        """Return how far a command is; tell later, if it is not at its end.
        """
        if not ticket.finished and ticket.id not in self._awaited:
            self._awaited.add(ticket.id)
            self._spawn(self._await, ticket)
        return _state_of(ticket)

    def _await(self, ticket: Ticket) -> None:
        try:
            ticket.settled.wait()
        finally:
            self._awaited.remove(ticket.id)
        self._say(**_state_of(ticket))


Method = Callable[..., Any]

#: What can be asked for, by name.
METHODS: dict[str, Method] = {
    method.__name__: method for method in (
        Desk.submit, Desk.find, Desk.put_messages, Desk.put_ext_trigger,
        Desk.broadcast, Desk.graph, Desk.set_graph_window_extent,
    )
}


def _clear_broadcast(
    flow: Workflow, point_strings: Any, namespaces: Any, cancel_settings: Any
) -> intake.Broadcasted:
    return intake.clear_broadcast(
        flow, point_strings, namespaces, cancel_settings)


BROADCASTS: dict[str, Callable[..., intake.Broadcasted]] = {
    'put_broadcast': intake.put_broadcast,
    'clear_broadcast': _clear_broadcast,
    'expire_broadcast': intake.expire_broadcast,
}


def _state_of(ticket: Ticket) -> Arguments:
    return {
        'ticket': ticket.id, 'state': ticket.state.value,
        'warnings': ticket.warnings, 'text': ticket.text,
    }
