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
"""What jobs and the outside world tell the workflow; broadcasts."""

from __future__ import annotations

from contextlib import suppress
import re
from typing import Any

from cylc.flow import LOG
from cylc_flask import intake, validate
from cylc_flask.commands import Ticket
from cylc_flask.errors import NotFound, RequestError
from cylc_flask.legacy.jobs import latest_job
from cylc_flask.privilege import Privilege
from cylc_flask.views import current
from cylc_flask.views.rest.arguments import Items
from cylc_flask.views.rest.endpoint import Endpoints
from cylc_flask.views.rest.outcome import JOINT, Answer, outcome, worst

endpoints = Endpoints()

#: The end of a message with its time, as Cylc 7's oldest clients send it.
AT_TIME = re.compile(
    r'(.*) at (\d{4}\S{,20}T\S{1,40})', re.DOTALL
).fullmatch


@endpoints(Privilege.FULL_CONTROL, takes_json=True, operations=('message',))
def put_messages(
    task_job: Any = None, event_time: Any = None, messages: Any = None
) -> Answer:
    """Take messages of a job, ``POINT/NAME/NN``."""
    number = intake.put_messages(
        current.workflow(), task_job, event_time, messages
    )
    return [True, f'Messages queued: {number}']


@endpoints(Privilege.FULL_CONTROL, operations=('message',))
def put_message(task_id: str, severity: str, message: str) -> Answer:
    """Take a message of a task's latest job (oldest clients)."""
    flow = current.workflow()
    job = latest_job(flow.store, task_id)
    text, event_time = _split_time(message)
    flow.commands.put_messages(
        job,
        event_time,
        validate.messages([[severity, text]]),
    )
    return [True, 'Message queued']


def _split_time(message: str) -> tuple[str, str | None]:
    """Return a message without the time at its end, and that."""
    if found := AT_TIME(message):
        with suppress(RequestError):
            return found[1], validate.event_time(found[2])
    return message, None


@endpoints(Privilege.FULL_CONTROL, operations=('ext_trigger',))
def put_ext_trigger(event_message: str, event_id: str) -> Answer:
    """Take an external event."""
    intake.put_ext_trigger(current.workflow(), event_message, event_id)
    return [True, 'Event queued']


@endpoints(Privilege.FULL_CONTROL, takes_json=True, operations=('broadcast',))
def put_broadcast(
    point_strings: Items | None = None,
    namespaces: Items | None = None,
    settings: Any = None,
) -> Answer:
    """Change settings of tasks to come."""
    for name, value in (
        ('point_strings', point_strings), ('namespaces', namespaces),
        ('settings', settings),
    ):
        if value is None:
            raise RequestError(f'put_broadcast needs {name}')
    return _broadcast_answer(*intake.put_broadcast(
        current.workflow(), point_strings, namespaces, settings
    ))


@endpoints(Privilege.FULL_CONTROL, takes_json=True, operations=('broadcast',))
def clear_broadcast(
    point_strings: Items | None = None,
    namespaces: Items | None = None,
    cancel_settings: Any = None,
) -> Answer:
    """Take broadcast settings back, by default all."""
    return _broadcast_answer(*intake.clear_broadcast(
        current.workflow(), point_strings, namespaces, cancel_settings
    ))


@endpoints(Privilege.FULL_CONTROL, operations=('broadcast',))
def expire_broadcast(cutoff: str | None = None) -> Answer:
    """Take back the broadcasts of cycles before a point, by default all."""
    return _broadcast_answer(
        *intake.expire_broadcast(current.workflow(), cutoff)
    )


def _broadcast_answer(
    modified: list[Any] | None, bad: dict[str, Any]
) -> Answer:
    """Answer, and log what was bad: old clients do not show all of it."""
    if bad:
        LOG.warning(
            f'Broadcast of {current.caller().name}: cannot use {bad!r:.2000}'
        )
    return [modified, bad]


@endpoints(Privilege.FULL_READ)
def get_command(id: str) -> dict[str, Any]:
    """Tell what became of a command, by the id in its answer's header."""
    ticket = worst([_ticket(each) for each in id.split(JOINT)])
    return {
        'id': id,
        'command': ticket.command,
        'user': ticket.user,
        'time': ticket.time,
        'state': ticket.state.value,
        'warnings': ticket.warnings,
        'outcome': outcome(ticket),
    }


def _ticket(id: str) -> Ticket:
    ticket = current.workflow().commands.find(id)
    if ticket is None:
        raise NotFound(f'No command has the id {id!r:.80}')
    return ticket
