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
"""What can be asked of a workflow whose scheduler is another process."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from enum import Enum
from functools import partial
from time import time
from typing import TYPE_CHECKING, Any

from cylc.flow import LOG
from cylc_flask.commands import (
    State,
    Ticket,
    TicketBook,
    speaker,
    tasks_of,
)
from cylc_flask.errors import Refused, RequestError, Unavailable
from cylc_flask.hub.links.trouble import Declined, LinkFault, NotSent
from cylc_flask.hub.relay.points import check_points, check_tasks
from cylc_flask.replica.graph import Edge, Node, RawGraph

if TYPE_CHECKING:
    from cylc_flask.hub.flows import Tools
    from cylc_flask.hub.links.line import Line
    from cylc_flask.hub.links.links import Links
    from cylc_flask.replica.side import Side

#: Seconds to wait for the thread of the links, which gives up before.
PATIENCE = 120.0

#: How many requests may wait for one scheduler's answers: who asks one that
#: hangs must not take the room of those who ask others.
AT_ONCE = 100

#: So many outcomes are kept of commands that are not yet in the book.
EARLY = 1_000

CROWDED = (
    '{} commands have no outcome yet (limits.queued_commands); nothing was'
    ' done.'
)
BUSY = '{} requests wait for an answer of the scheduler; nothing was done.'
NOT_RUNNING = 'The workflow does not run: {}.'
NOT_SENT = '{}; nothing was done.'
UNKNOWN = (
    'The scheduler has not said whether it has taken this ({}); the command'
    ' may have been carried out.'
)


class RemoteCommands:
    """Commands for a workflow, by whichever way there is to its scheduler.

    On the thread of the server.

    Args:
        name: Of the workflow.
        links: The thread of all connections.
        tools: Of the server's thread.
        settled: Called when a command has an outcome.
        side: Returns how far the workflow is.
    """

    def __init__(
        self,
        name: str,
        links: Links,
        tools: Tools,
        settled: Callable[[], object],
        side: Callable[[], Side],
    ) -> None:
        self._name = name
        self._links = links
        self._tools = tools
        self._side = side
        self._book = TicketBook(tools.make_event, settled)
        self._early: OrderedDict[str, tuple[State, int, str]] = OrderedDict()
        self._line: Line | None = None
        self._asking = 0
        self._reason = 'not yet run'

    # For who knows whether it runs

    def attach(self, line: Line) -> None:
        """Take commands from now on."""
        self._line = line
        line.calls.settle = partial(self._tools.deliver, self._settle)

    def detach(self, reason: str) -> None:
        """Take none any more; what is under way may still have an outcome."""
        self._line = None
        self._reason = reason

    def close(self, reason: str) -> None:
        """Take none any more, and expect nothing."""
        self.detach(reason)
        self._book.close(reason)

    # As `Commands` has it

    def submit(
        self,
        command: str,
        user: str,
        unmatched: Sequence[str] = (),
        **arguments: Any,
    ) -> Ticket:
        """Have the scheduler validate and queue a command.

        Raises:
            RequestError: It could harm the scheduler.
            Refused: It is not valid, in the scheduler's words.
            Unavailable: There is none, or nobody knows what it has done.
        """
        if self._book.queued >= self._tools.limits.queued_commands:
            raise Unavailable(CROWDED.format(self._book.queued))
        check_points(arguments, self._side().definition)
        check_tasks(tasks_of(arguments), self._side())
        if arguments.get('tasks') == []:
            return self._nothing(command, user, unmatched)
        said = self._ask(
            'submit', user, command=command,
            arguments={name: _plain(value)
                       for name, value in arguments.items()},
        )
        return self._enter(command, user, unmatched, said)

    def find(self, ticket: str) -> Ticket | None:
        """Return a command by its id."""
        return self._book.find(ticket)

    def put_messages(
        self,
        task_job: str,
        event_time: str | None,
        messages: list[tuple[str, str]],
    ) -> None:
        """Hand in messages of a job."""
        point = task_job.partition('/')[0]
        check_points({'point': point}, self._side().definition)
        check_tasks([task_job], self._side())
        self._ask(
            'put_messages', task_job=task_job, event_time=event_time,
            messages=[[*pair] for pair in messages],
        )

    def put_ext_trigger(self, message: str, event_id: str) -> None:
        """Hand in an external event."""
        self._ask('put_ext_trigger', message=message, event_id=event_id)

    def broadcast(
        self, action: str, **arguments: Any
    ) -> tuple[list[Any] | None, dict[str, Any]]:
        """Put, clear or expire broadcasts; what changed, what was bad."""
        check_points(arguments, self._side().definition)
        said = self._ask('broadcast', action=action, **arguments)
        try:
            modified, bad = said
        except (TypeError, ValueError) as exc:
            raise Unavailable(UNKNOWN.format(f'{said!r:.80}')) from exc
        return modified, bad if isinstance(bad, dict) else {}

    def graph(self, start: str, stop: str | None) -> RawGraph:
        """Return the static graph between two cycle points."""
        return graph_of(self._ask('graph', start=start, stop=stop))

    def set_graph_window_extent(self, extent: int) -> None:
        """Set how far the n-window reaches, in edges from active tasks."""
        self._ask('set_graph_window_extent', extent=extent)

    def note(self, user: str, text: str) -> None:
        """Write to the log what somebody asked for, and got without more."""
        LOG.info(f'{self._name}: {text} (from {user})')

    def _nothing(
        self, command: str, user: str, unmatched: Sequence[str]
    ) -> Ticket:
        """Return a command without any tasks, which is done."""
        if self._line is None:
            raise Unavailable(NOT_RUNNING.format(self._reason))
        ticket = self._book.issue(command, user, unmatched)
        self._book.enter(ticket)
        self._book.settle(ticket.id, State.SUCCEEDED)
        return ticket

    def _enter(
        self, command: str, user: str, unmatched: Sequence[str], said: Any
    ) -> Ticket:
        """Put a command into the book, and what is known of its outcome."""
        id_ = said.get('ticket') if isinstance(said, dict) else None
        if not isinstance(id_, str):
            raise Unavailable(UNKNOWN.format(f'{said!r:.80}'))
        ticket = Ticket(
            command, user, self._tools.make_event(), id_, time(),
            unmatched=unmatched,
        )
        self._book.enter(ticket)
        if (early := self._early.pop(id_, None)) is not None:
            self._book.settle(id_, *early)
        return ticket

    def _settle(
        self, ticket: str, state: State, warnings: int, text: str
    ) -> None:
        """Take note of an outcome, which may be ahead of the command."""
        if self._book.find(ticket) is None:
            self._early[ticket] = state, warnings, text
            if len(self._early) > EARLY:
                self._early.popitem(last=False)
        self._book.settle(ticket, state, warnings, text)

    def _ask(self, method: str, user: str = '', **arguments: Any) -> Any:
        """Ask the scheduler, and wait for its answer."""
        line = self._line
        if line is None:
            raise Unavailable(NOT_RUNNING.format(self._reason))
        if self._asking >= AT_ONCE:
            raise Unavailable(BUSY.format(self._asking))
        done = self._tools.make_event()
        asking = line.calls.ask(method, user or speaker(), arguments)
        try:
            future = self._links.run(asking)
        except RuntimeError as exc:
            raise Unavailable(NOT_SENT.format('The hub is stopping')) from exc
        future.add_done_callback(
            lambda _: self._tools.deliver(done.set))
        self._asking += 1
        try:
            if not done.wait(PATIENCE):
                raise Unavailable(UNKNOWN.format('the hub is busy'))
        finally:
            self._asking -= 1
            # What nobody waits for any more is not to be sent later on.
            future.cancel()
        return _result(future)


def _result(future: Future[Any]) -> Any:
    """Return what somebody has answered, or raise it in our own words."""
    try:
        return future.result()
    except NotSent as exc:
        raise Unavailable(NOT_SENT.format(exc)) from exc
    except Declined as exc:
        if exc.kind == 'request':
            raise RequestError(exc.text, exc.status) from exc
        if exc.kind == 'unavailable':
            raise Unavailable(exc.text) from exc
        raise Refused(exc.text) from exc
    except LinkFault as exc:
        raise Unavailable(UNKNOWN.format(exc)) from exc
    except (CancelledError, asyncio.CancelledError) as exc:
        raise Unavailable(UNKNOWN.format('the connection ended')) from exc


def _plain(value: Any) -> Any:
    """Return an argument as for JSON; those of enumerations say so."""
    if isinstance(value, Enum):
        return {'value': value.value}
    return value


def graph_of(said: Any) -> RawGraph:
    """Return a graph that came as JSON.

    Raises:
        Unavailable: It is none.
    """
    try:
        return RawGraph(said['start'], said['stop'], tuple(
            Edge(
                Node(*left), right and Node(*right), bool(suicide),
                bool(conditional),
            ) for left, right, suicide, conditional in said['edges']
        ))
    except (KeyError, TypeError, ValueError) as exc:
        raise Unavailable('The graph of its web server is none.') from exc
