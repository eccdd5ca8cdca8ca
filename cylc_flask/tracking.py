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
"""What becomes of a command on its way through the scheduler."""

from __future__ import annotations

import logging
from threading import get_ident
from typing import Any, AsyncGenerator, Callable

from cylc.flow import LOG
from cylc_flask.commands import State
from cylc_flask.replica.records import text_of

#: How much of a command is logged, in characters.
LOGGED = 2_000


class Tracked:
    """A command in Cylc's queue, which tells how it went.

    The scheduler asks it for its next item, once, as it asks the
    generators that it is used to.

    Args:
        command: The generator.
        report: Takes the outcome.
        warnings: What was warned of when the command was validated.
    """

    def __init__(
        self,
        command: AsyncGenerator[Any, None],
        report: Callable[..., None],
        warnings: list[str],
    ) -> None:
        self._command = command
        self._report = report
        self._warnings = warnings

    async def __anext__(self) -> Any:
        """Run the command (main thread)."""
        result = None
        try:
            with Listener() as heard:
                result = await self._command.__anext__()
        except StopAsyncIteration:
            self._succeed(result, heard)
            raise
        except BaseException as exc:
            self._report(State.FAILED, 0, str(exc) or repr(exc))
            raise
        self._succeed(result, heard)
        return result

    def _succeed(self, result: Any, heard: list[str]) -> None:
        lines = self._warnings + heard
        number = result if isinstance(result, int) else 0
        number = max(number, len(lines))
        state = State.WARNINGS if number else State.SUCCEEDED
        self._report(state, number, '\n'.join(lines))


class Listener(logging.Handler):
    """The warnings that the scheduler gives in this thread, meanwhile."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: list[str] = []
        self._thread = get_ident()

    def __enter__(self) -> list[str]:
        LOG.addHandler(self)
        return self._lines

    def __exit__(self, *_: object) -> None:
        LOG.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning of this thread."""
        if record.thread == self._thread:
            self._lines.append(text_of(record))


def signature(command: str, arguments: dict[str, Any]) -> str:
    """Return a command as Cylc logs it, on one line and not too long.

    Examples:
        >>> signature('hold', {'tasks': ['1/a', '1/b'], 'flow': None})
        "hold(tasks=['1/a', '1/b'])"
        >>> len(signature('hold', {'tasks': ['1/a' * 999] * 100_000}))
        2009
    """
    texts = ', '.join(
        f'{name}={_beginning(getattr(value, "value", value))}'
        for name, value in arguments.items() if value is not None
    )
    if len(texts) > LOGGED:
        texts = f'{texts[:LOGGED]}...'
    return f'{command}({" ".join(texts.splitlines())})'


def _beginning(value: Any) -> Any:
    """Return as much of a value as can be seen: it may be of megabytes."""
    match value:
        case str():
            return value[:LOGGED + 1]
        case list():
            return [_beginning(item) for item in value[:LOGGED]]
        case _:
            return value
