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
"""Commands given through REST, and what their answers say of them."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any

from flask import g

from cylc_flask.commands import State, Ticket
from cylc_flask.errors import RequestError
from cylc_flask.views import current

Answer = list[Any]

#: The argument which every command takes besides its own.
WAIT = 'wait'

QUEUED = 'Command queued'

#: Stands between the ids of commands which were given as one.
JOINT = ', '


def submit(command: str, **arguments: Any) -> Answer:
    """Give one command, and answer as the client wishes.

    Args:
        command: Its name in Cylc 8.
        arguments: Its arguments there.
    """
    return answer(give(command, **arguments))


def give(command: str, **arguments: Any) -> Ticket:
    """Give a command in the name of the caller."""
    _seconds()  # a bad value is to be told before anything is done
    return current.workflow().commands.submit(
        command, current.caller().name, **arguments
    )


def answer(*tickets: Ticket) -> Answer:
    """Answer at once, or when the outcome is known (``?wait=SECONDS``)."""
    g.command_id = JOINT.join(ticket.id for ticket in tickets)
    seconds = _seconds()
    if seconds is None:
        return [True, QUEUED]
    end = monotonic() + seconds
    for ticket in tickets:
        ticket.wait(max(0.0, end - monotonic()))
    return outcome(worst(tickets))


def worst(tickets: Sequence[Ticket]) -> Ticket:
    """Return the command that went worst of those given as one."""
    return max(tickets, key=lambda ticket: _ORDER.index(ticket.state))


_ORDER = (
    State.SUCCEEDED, State.WARNINGS, State.QUEUED, State.FAILED,
    State.DROPPED,
)


def outcome(ticket: Ticket) -> Answer:
    """Return what became of a command, in the words of Cylc 7's log."""
    match ticket.state:
        case State.SUCCEEDED:
            return [True, 'Command succeeded']
        case State.WARNINGS:
            return [True, f'Command succeeded with {ticket.warnings}'
                          f' warning(s): {ticket.text}'.rstrip(': ')]
        case State.QUEUED:
            return [True, f'{QUEUED}; its outcome is not known yet, ask'
                          f' get_command?id={ticket.id}']
        case State.FAILED:
            return [False, f'Command failed: {ticket.text}']
    return [False, f'Command dropped: {ticket.text}']


def nothing_to_do(what: str, reason: str) -> Answer:
    """Answer a command which Cylc 8 makes superfluous."""
    _seconds()
    current.workflow().commands.note(
        current.caller().name, f'Nothing to do for {what}: {reason}'
    )
    return [True, f'Nothing to do: {reason}']


def _seconds() -> float | None:
    """Return how long the caller will wait, None for not at all.

    Raises:
        RequestError: That is no number, or more than is allowed.
    """
    values = g.get('extra', {}).get(WAIT)
    if not values:
        return None
    most = current.config().limits.wait
    try:
        seconds = float(values[-1])
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= most:
        raise RequestError(
            f'Bad argument value: wait={values[-1]} (seconds, 0 to {most:g})'
        )
    return seconds
