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
"""Jobs: what was ordered of Cylc's commands, and what became of it.

They live on the server's thread; nobody else touches them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from time import time
from typing import Any, NamedTuple
from uuid import uuid4

from cylc_flask.commands import Event

#: How much output of a job is kept, in characters.
KEPT = 65_536


class State(StrEnum):
    """How far a job has come."""

    QUEUED = 'queued'
    RUNNING = 'running'
    SUCCEEDED = 'succeeded'
    FAILED = 'failed'
    TIMED_OUT = 'timed out'
    CANCELLED = 'cancelled'


class Step(NamedTuple):
    """One command of a job, checked.

    Args:
        command: E.g. ``play``.
        options: Words of its command line.
        source: What is installed or validated, by name; '' if it has that
            of the workflow; None if it is the workflow itself.
        after: The cycle point or task after which to stop.
    """

    command: str
    options: tuple[str, ...] = ()
    source: str | None = None
    after: str = ''


class Piece(NamedTuple):
    """A part of some output.

    Args:
        text: The part.
        next: Where the next one begins, counted from the very beginning.
        missed: How many characters before it are no longer known.
    """

    text: str
    next: int
    missed: int


class Output:
    """What a job has written, the latest of it.

    Args:
        kept: How many characters are kept, at least.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._text = ''
        #: How many characters of the beginning are gone.
        self.lost = 0

    def __len__(self) -> int:
        return self.lost + len(self._text)

    def add(self, text: str) -> None:
        """Add lines; the oldest ones go, when there are twice too many."""
        self._text += text
        if len(self._text) > 2 * self._kept:
            cut = self._text.find('\n', len(self._text) - self._kept) + 1
            cut = cut or len(self._text) - self._kept
            self._text = self._text[cut:]
            self.lost += cut

    def since(self, offset: int = 0) -> Piece:
        """Return what was written after a place.

        Examples:
            >>> output = Output()
            >>> output.add('one\\n')
            >>> output.since(2)
            Piece(text='e\\n', next=4, missed=0)
        """
        offset = min(max(offset, 0), len(self))
        missed = max(self.lost - offset, 0)
        text = self._text[max(offset - self.lost, 0):]
        return Piece(text, len(self), missed)


@dataclass
class Job:
    """One order for one workflow.

    Args:
        workflow: Its name; where it is to be installed, without the run.
        steps: The commands, one after the other until one fails.
        user: Who ordered it.
        settled: Set when it has ended.
        order: The id which it shares with others of one order.
        permitted: Tells whether it may be begun still.
        id: Unique.
        state: See `State`.
        time: When it was ordered (seconds since 1970); when it was started
            and ended.
        code: The exit status of the last command, None if there was none.
        text: Why it failed, in the command's own words.
        installed: The full name of what it has installed.
    """

    workflow: str
    steps: tuple[Step, ...]
    user: str
    settled: Event
    order: str
    permitted: Callable[[], bool] = lambda: True
    id: str = field(default_factory=lambda: str(uuid4()))
    state: State = State.QUEUED
    time: float = field(default_factory=time)
    started: float | None = None
    ended: float | None = None
    code: int | None = None
    text: str = ''
    installed: str = ''
    output: Output = field(default_factory=Output)
    _watchers: set[Callable[[], object]] = field(default_factory=set)

    @property
    def command(self) -> str:
        """Return its commands as one word, e.g. ``install+play``."""
        return '+'.join(step.command for step in self.steps)

    @property
    def finished(self) -> bool:
        """Return True if it has ended, or never will begin."""
        return self.state not in (State.QUEUED, State.RUNNING)

    def watch(self, wake: Callable[[], object]) -> Callable[[], None]:
        """Have somebody woken at each change; return what ends that.

        One who is woken looks at the state, and at the output since where
        he was: whoever is slow may miss some, and costs nothing.

        Args:
            wake: It must not wait.
        """
        self._watchers.add(wake)
        return lambda: self._watchers.discard(wake)

    def wait(self, seconds: float) -> bool:
        """Wait for the end; False if it has not come in that time."""
        return bool(self.settled.wait(seconds))

    def start(self) -> None:
        """Write down that it runs."""
        self.state = State.RUNNING
        self.started = time()
        self.changed()

    def write(self, text: str) -> None:
        """Write down what a command has written."""
        self.output.add(text)
        self.changed()

    def settle(
        self, state: State, text: str = '', code: int | None = None,
        installed: str = '',
    ) -> None:
        """Write down what became of it."""
        self.state, self.text, self.code = state, text, code
        self.installed = installed
        self.ended = time()
        self.settled.set()
        self.changed()

    def changed(self) -> None:
        """Wake all who watch."""
        for wake in list(self._watchers):
            wake()

    def as_dict(self) -> dict[str, Any]:
        """Return all of it but the output, for a client."""
        return {
            'id': self.id,
            'order': self.order,
            'command': self.command,
            'workflow': self.workflow,
            'user': self.user,
            'state': str(self.state),
            'time': self.time,
            'started': self.started,
            'ended': self.ended,
            'code': self.code,
            'text': self.text,
            'installed': self.installed,
            'output': len(self.output),
        }
