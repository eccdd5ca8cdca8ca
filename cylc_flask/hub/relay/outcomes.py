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
"""What became of commands, read in the scheduler's own log.

Cylc's network protocol does not tell; the log does, by the id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
import os
from pathlib import Path
import re
from typing import TYPE_CHECKING, NamedTuple

from cylc_flask.commands import State

if TYPE_CHECKING:
    from cylc_flask.hub.relay.calls import Settle

#: Seconds between looks, and until no outcome is expected any more: while a
#: large workflow is reloaded, all commands wait for minutes.
PERIOD = 0.5
PATIENCE = 600.0

#: So much of a log is read at a time, in bytes.
MOST = 4_194_304

OUTCOME = re.compile(
    r'Command "[^"\n]*" (?:(actioned)(?: with (\d+) warnings)?|failed)\.'
    r' ID=(\S+)((?:\n[^\S\n]+[^\n]*)*)')

SILENT = (
    'The log of the scheduler does not say what became of it; its level may'
    ' be too high.'
)


class Place(NamedTuple):
    """A place in a log.

    Args:
        file: The number of the file, 0 for none.
        offset: Where in it.
    """

    file: int
    offset: int


class Outcome(NamedTuple):
    """What became of a command."""

    ticket: str
    state: State
    warnings: int
    text: str


class Outcomes:
    """Watches the log of a scheduler while commands are under way.

    Args:
        run_dir: The run directory of the workflow.
        settle: Told of outcomes.
    """

    def __init__(self, run_dir: Path, settle: Settle) -> None:
        self._log = run_dir / 'log' / 'scheduler' / 'log'
        self._settle = settle
        #: The commands without an outcome, and until when one may come.
        self._tickets: dict[str, float] = {}
        self._place = Place(0, 0)
        self._task: asyncio.Task[None] | None = None

    async def mark(self) -> Place:
        """Return the end of the log, before a command is given."""
        return await asyncio.to_thread(end_of, self._log)

    def watch(self, ticket: str, place: Place) -> None:
        """Look for the outcome of a command.

        Args:
            ticket: Its id.
            place: The end of the log before it was given.
        """
        loop = asyncio.get_running_loop()
        if not self._tickets or (
            place.file == self._place.file and place < self._place
        ):
            # Its outcome may have been passed over.
            self._place = place
        self._tickets[ticket] = loop.time() + PATIENCE
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())

    async def close(self) -> list[str]:
        """Look a last time; return the commands without an outcome."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._tickets:
            await self._read()
        left, self._tickets = [*self._tickets], {}
        return left

    async def _look(self) -> None:
        while self._tickets:
            await asyncio.sleep(PERIOD)
            await self._read()
            now = asyncio.get_running_loop().time()
            for ticket, end in [*self._tickets.items()]:
                if now > end:
                    del self._tickets[ticket]
                    self._settle(ticket, State.DROPPED, 0, SILENT)

    async def _read(self) -> None:
        before = self._place
        with suppress(OSError):
            after, text = await asyncio.to_thread(read, self._log, before)
            if self._place == before:
                self._place = after
            for found in outcomes(text):
                if self._tickets.pop(found.ticket, None) is not None:
                    self._settle(*found)


def end_of(path: Path) -> Place:
    """Return the end of a file."""
    try:
        status = path.stat()
    except OSError:
        return Place(0, 0)
    return Place(status.st_ino, status.st_size)


def read(path: Path, place: Place) -> tuple[Place, str]:
    """Return what comes after a place, and where that ends.

    Only whole lines, and no more than is sensible at once. A log begins anew
    from time to time: what was at the end of the old one is lost then.

    Raises:
        OSError: It cannot be read.
    """
    with path.open('rb') as file:
        number = os.fstat(file.fileno()).st_ino
        offset = place.offset if number == place.file else 0
        file.seek(offset)
        content = file.read(MOST)
    whole, newline, _ = content.rpartition(b'\n')
    size = len(whole + newline) or (len(content) if len(
        content) == MOST else 0)
    return Place(number, offset + size), whole.decode(errors='replace')


def outcomes(text: str) -> Iterator[Outcome]:
    r"""Yield the outcomes in a part of a log.

    Examples:
        >>> [found] = outcomes('... - Command "hold" failed. ID=1\n    No\n')
        >>> found.ticket, found.state.value, found.text
        ('1', 'failed', 'No')
    """
    for actioned, number, ticket, more in OUTCOME.findall(text):
        warnings = int(number or 0)
        state = State.FAILED
        if actioned:
            state = State.WARNINGS if warnings else State.SUCCEEDED
        lines = [line.strip() for line in more.splitlines()]
        yield Outcome(
            ticket, state, warnings,
            '\n'.join(filter(None, lines)) if state is State.FAILED else '',
        )
