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
"""What is asked of one workflow, with a line in the audit log about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from flask import g

from cylc_flask.auth import gate
from cylc_flask.hub import site
from cylc_flask.hub.audit import FAILED, OK
from cylc_flask.operations import operation_of
from cylc_flask.query.engine import Engine
from cylc_flask.query.errors import Rejected

if TYPE_CHECKING:
    from cylc_flask.auth.users import User
    from cylc_flask.commands import Commands, Ticket
    from cylc_flask.hub.auth.gate import HubGate
    from cylc_flask.query.documents import Operation
    from cylc_flask.replica.graph import RawGraph

#: Writes it: operation, workflow, outcome, detail.
Note = Callable[[str, str, str, str], None]


class AuditedCommands:
    """The write door of a workflow; the caller is that of the request.

    Args:
        commands: The door itself.
        workflow: The name of the workflow.
        note: Writes a line.
    """

    def __init__(
        self, commands: Commands, workflow: str, note: Note = site.note,
    ) -> None:
        self._commands = commands
        self._workflow = workflow
        self._note = note

    def submit(
        self,
        command: str,
        user: str,
        unmatched: Sequence[str] = (),
        **arguments: Any,
    ) -> Ticket:
        """Have Cylc 8 validate and queue a command."""
        with self._noting(operation_of(command)) as details:
            ticket = self._commands.submit(
                command, user, unmatched, **arguments)
            details.append(f'{ticket.id} {_shown(arguments)}')
        return ticket

    def find(self, ticket: str) -> Ticket | None:
        """Return a command by its id."""
        return self._commands.find(ticket)

    def put_messages(
        self,
        task_job: str,
        event_time: str | None,
        messages: list[tuple[str, str]],
    ) -> None:
        """Hand in messages of a job (``POINT/NAME/NN``)."""
        with self._noting('message') as details:
            self._commands.put_messages(task_job, event_time, messages)
            details.append(f'{task_job} {messages}')

    def put_ext_trigger(self, message: str, event_id: str) -> None:
        """Hand in an external event."""
        with self._noting('ext_trigger') as details:
            self._commands.put_ext_trigger(message, event_id)
            details.append(f'{message} {event_id}')

    def broadcast(
        self, action: str, **arguments: Any
    ) -> tuple[list[Any] | None, dict[str, Any]]:
        """Put, clear or expire broadcasts; what changed, what was bad."""
        with self._noting('broadcast') as details:
            result = self._commands.broadcast(action, **arguments)
            details.append(f'{action} {_shown(arguments)}')
        return result

    def graph(self, start: str, stop: str | None) -> RawGraph:
        """Return the static graph between two cycle points."""
        return self._commands.graph(start, stop)

    def set_graph_window_extent(self, extent: int) -> None:
        """Set how far the n-window reaches, in edges from active tasks."""
        with self._noting('set_graph_window_extent') as details:
            self._commands.set_graph_window_extent(extent)
            details.append(str(extent))

    def note(self, user: str, text: str) -> None:
        """Write to the workflow's log what somebody asked for."""
        self._commands.note(user, text)

    @contextmanager
    def _noting(self, operation: str) -> Iterator[list[str]]:
        """Write a line about what is done here, however it ends.

        Yields a list for what there is to say about it.
        """
        details: list[str] = []
        try:
            yield details
        except Exception as exc:
            self._note(operation, self._workflow, FAILED, str(exc))
            raise
        self._note(operation, self._workflow, OK, ' '.join(details))


class AuditedEngine(Engine):
    """Carries operations out, and has it written down who was not let."""

    def check(self, operation: Operation, user: User) -> None:
        """Refuse an operation that a user may not give.

        Raises:
            Rejected: They may not.
        """
        try:
            super().check(operation, user)
        except Rejected as exc:
            need = operation.need
            words = ' '.join(sorted(need.commands)) or str(need.privilege)
            the_gate = cast('HubGate', gate.the_gate())
            the_gate.note_denial(g.visitor, words, str(exc))
            raise


def _shown(arguments: dict[str, Any]) -> str:
    """Return arguments as they may stand in a line."""
    return ', '.join(
        f'{name}={value}' for name, value in arguments.items()
        if value not in (None, [], {}))
