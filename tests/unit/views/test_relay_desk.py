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
"""What a scheduler's server does for hubs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from cylc_flask.commands import State, Ticket
from cylc_flask.views import sockets
from cylc_flask.views.relay import Desk


class Settled:
    """An event that has happened."""

    def set(self) -> None: ...

    def wait(self, timeout: float | None = None) -> bool:
        return True


def test_outcome_is_told_once(monkeypatch):
    """However often a hub asks, one waits for what becomes of a command."""
    begun: list[tuple[Any, ...]] = []
    tools = SimpleNamespace(spawn=lambda *work: begun.append(work))
    monkeypatch.setattr(sockets, 'tools', lambda: tools)
    ticket = Ticket('hold', 'alice', Settled(), 't1', 0, State.QUEUED)
    commands = SimpleNamespace(find=lambda ticket_id: ticket)
    talk: Any = SimpleNamespace(wake=lambda: None)
    flow: Any = SimpleNamespace(commands=commands)
    desk = Desk(talk, flow)
    for _ in range(3):
        assert desk.find('', 't1')['state'] == 'queued'
    ((wait, *args),) = begun
    wait(*args)
    assert len(desk._out) == 1
