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
"""The write door: what may be asked of a workflow, and what became of it.

A command's effect comes back as a delta; nothing here touches a replica.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from time import time
from typing import TYPE_CHECKING, Any, Callable, Protocol
from uuid import uuid4

from cylc.flow import LOG

if TYPE_CHECKING:
    from cylc_flask.replica.graph import RawGraph

#: How many commands are remembered after their end.
REMEMBERED = 1000

#: So much of an outcome is kept, in characters.
LONGEST = 10_000


_speaker: ContextVar[str] = ContextVar('speaker', default='')


@contextmanager
def speaking(user: str) -> Iterator[None]:
    """Say in whose name all is done here, for methods that do not ask."""
    token = _speaker.set(user)
    try:
        yield
    finally:
        _speaker.reset(token)


def speaker() -> str:
    """Return in whose name all is done, '' if nobody has said that."""
    return _speaker.get()


class State(StrEnum):
    """How far a command has come."""

    #: It is being validated.
    RECEIVED = 'received'
    QUEUED = 'queued'
    SUCCEEDED = 'succeeded'
    WARNINGS = 'warnings'
    FAILED = 'failed'
    DROPPED = 'dropped'


def tasks_of(arguments: dict[str, Any]) -> list[str]:
    """Return the tasks that a command is about."""
    task = arguments.get('task')
    return [*arguments.get('tasks', ()), *([task] if task else ())]


class Event(Protocol):
    """What is needed of an event: gevent's, or the standard library's."""

    def set(self) -> Any:
        """Let those go on who wait."""

    def wait(self, timeout: float | None = None) -> Any:
        """Wait, for a while (seconds) at most; True if it was set."""


@dataclass
class Ticket:
    """One command, from its acceptance to its outcome.

    Args:
        command: Its name in Cylc 8.
        user: Who gave it.
        id: Unique; the scheduler's log shows it.
        time: When it was accepted (seconds since 1970).
        state: See `State`.
        warnings: How many the scheduler gave.
        text: Warnings, or why it failed.
        unmatched: What was asked for, and nothing is there of.
    """

    command: str
    user: str
    settled: Event
    id: str
    time: float
    state: State = State.RECEIVED
    warnings: int = 0
    text: str = ''
    unmatched: Sequence[str] = ()

    @property
    def finished(self) -> bool:
        """Return True if the outcome is known."""
        return self.state not in (State.RECEIVED, State.QUEUED)

    def wait(self, seconds: float) -> bool:
        """Wait for the outcome; False if there is none in that time."""
        return bool(self.settled.wait(seconds))


class Commands(Protocol):
    """What can be asked of one workflow, wherever it runs.

    Raises:
        Refused: The scheduler does not accept it, with the reason.
        Unavailable: The scheduler is stopping, or too busy to answer.
    """

    def submit(
        self,
        command: str,
        user: str,
        unmatched: Sequence[str] = (),
        **arguments: Any,
    ) -> Ticket:
        """Have Cylc 8 validate and queue a command.

        Without any tasks, where it takes tasks, it is done at once.
        """

    def find(self, ticket: str) -> Ticket | None:
        """Return a command by its id."""

    def put_messages(
        self, task_job: str, event_time: str | None,
        messages: list[tuple[str, str]],
    ) -> None:
        """Hand in messages of a job (``POINT/NAME/NN``)."""

    def put_ext_trigger(self, message: str, event_id: str) -> None:
        """Hand in an external event."""

    def broadcast(
        self, action: str, **arguments: Any
    ) -> tuple[list[Any] | None, dict[str, Any]]:
        """Put, clear or expire broadcasts; what changed, what was bad."""

    def graph(self, start: str, stop: str | None) -> RawGraph:
        """Return the static graph between two cycle points."""

    def set_graph_window_extent(self, extent: int) -> None:
        """Set how far the n-window reaches, in edges from active tasks."""

    def note(self, user: str, text: str) -> None:
        """Write to the workflow's log what somebody asked for."""


class TicketBook:
    """The commands that were given, the latest ones.

    Args:
        make_event: Makes the events on which clients wait.
        settled: Called when a command has an outcome.
    """

    def __init__(
        self, make_event: Callable[[], Event], settled: Callable[[], object]
    ) -> None:
        self._make_event = make_event
        self._settled = settled
        self._tickets: OrderedDict[str, Ticket] = OrderedDict()
        self.closed = False
        #: How many have no outcome yet.
        self.queued = 0

    def issue(
        self, command: str, user: str, unmatched: Sequence[str]
    ) -> Ticket:
        """Return a new ticket, not yet in the book."""
        return Ticket(
            command, user, self._make_event(), id=str(uuid4()), time=time(),
            unmatched=unmatched,
        )

    def enter(self, ticket: Ticket) -> None:
        """Put a ticket into the book, and the oldest settled one out."""
        ticket.state = State.QUEUED
        self._tickets[ticket.id] = ticket
        self.queued += 1
        if len(self._tickets) > REMEMBERED:
            oldest = next(iter(self._tickets.values()))
            if oldest.state is State.QUEUED:
                self._tickets.move_to_end(oldest.id)
            else:
                del self._tickets[oldest.id]

    def find(self, ticket: str) -> Ticket | None:
        """Return a ticket by its id."""
        return self._tickets.get(ticket)

    def settle(
        self, ticket: str, state: State, warnings: int = 0, text: str = ''
    ) -> None:
        """Write down an outcome, and tell those who wait for it."""
        found = self._tickets.get(ticket)
        if found is None or found.state is not State.QUEUED:
            return
        if found.unmatched and state in (State.SUCCEEDED, State.WARNINGS):
            state = State.WARNINGS
            warnings += len(found.unmatched)
            missed = f'No tasks match: {", ".join(found.unmatched)}'
            text = f'{text}\n{missed}' if text else missed
        self.queued -= 1
        found.state = state
        found.warnings = warnings
        found.text = text[:LONGEST]
        found.unmatched = ()
        found.settled.set()
        self._settled()

    def close(self, reason: str) -> None:
        """Settle all that has no outcome yet; none will come."""
        self.closed = True
        for ticket in list(self._tickets.values()):
            if ticket.state is State.QUEUED:
                LOG.warning(
                    f'Command "{ticket.command}" of {ticket.user} has no'
                    f' outcome. ID={ticket.id}\n{reason}'
                )
                self.settle(ticket.id, State.DROPPED, text=reason)
