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
"""A workflow of the hub: what is known of it, from outside and inside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cylc.flow import LOG
from cylc_flask.hub import blank
from cylc_flask.hub.runs.scan import Found, Status

if TYPE_CHECKING:
    from cylc_flask.hub.keeper import InTurn, Keeper
    from cylc_flask.hub.links.line import Line
    from cylc_flask.hub.relay.remote import RemoteCommands
    from cylc_flask.replica.change import Change
    from cylc_flask.workflows import Workflow

#: What the scheduler is said to do, in the words of its own data store, for
#: which we have a word of our own.
STALLED = 'stalled'

#: Told by a scheduler that is about to go.
STOPPING = ('stopping', 'stopped')


@dataclass(eq=False)
class Entry:
    """One workflow; the same object as long as its run directory is there.

    Args:
        found: What discovery has seen.
        owner: The name of the user whose it is.
        workflow: What views see, whether it runs or not.
        in_turn: Does all that writes to its replica.
        commands: The workflow's.
        link: How its scheduler is followed: `feed`, `zmq`, or '' if it is
            not, just now.
        connected: Whether it is.
        trouble: Why it is not, though it runs.
    """

    found: Found
    owner: str
    workflow: Workflow
    in_turn: InTurn = field(repr=False)
    commands: RemoteCommands = field(repr=False)
    link: str = ''
    connected: bool = False
    trouble: str = ''
    #: Of the definition that was read last.
    serial: int = 0
    line: Line | None = field(default=None, repr=False)
    keeper: Keeper | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Return the name of the workflow."""
        return self.found.name

    @property
    def id(self) -> str:
        """Return the id of the workflow."""
        return blank.id_of(self.owner, self.name)

    @property
    def status(self) -> str:
        """Return what it does, in one word.

        That is installed, stopped, running, paused, stalled, stopping,
        crashed or unreachable.
        """
        if self.found.status is not Status.RUNNING:
            return str(self.found.status.value)
        if self.trouble:
            return 'unreachable'
        flow = self.workflow.store.workflow
        if flow.status_msg.startswith(STALLED):
            return STALLED
        if flow.status in STOPPING:
            return 'stopping'
        return str(flow.status or Status.RUNNING.value)

    @property
    def problem(self) -> str:
        """Return what is wrong with it, '' if nothing is."""
        return self.found.problem or self.trouble

    def clear(self) -> Change:
        """Hold nothing but the workflow itself; in its turn."""
        return self.workflow.store.load(
            blank.entire(self.found, self.owner),
            blank.side(self.found, self.owner),
        )

    def mark(self, status: str, text: str, stopped: bool = False) -> None:
        """Write into the replica what the workflow does; in its turn."""
        now = self.workflow.store.workflow
        if (now.status, now.status_msg) != (status, text):
            self.write(blank.marking(now.id, status, text, stopped))

    def write(self, delta: bytes) -> None:
        """Write something of ours into the replica; in its turn."""
        flow = self.workflow
        try:
            change = flow.store.apply(delta, flow.store.side)
        except Exception as exc:
            LOG.error(f'{flow.name}: cannot be marked', exc_info=exc)
        else:
            flow.feed.publish(change)
