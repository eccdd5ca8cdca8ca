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
"""Do several things at once which wait for others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
import threading
from typing import Any, TypeVar

from cylc_flask.commands import Event

T = TypeVar('T')

#: How many are done at once.
MOST = 16


def _spawn(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def abreast(
    works: Sequence[Callable[[], T]],
    spawn: Callable[..., object] = _spawn,
    make_event: Callable[[], Event] = threading.Event,
    most: int = MOST,
) -> list[T]:
    """Do all of it, some at a time, and return what comes of each.

    Args:
        works: What to do; none of it may fail.
        spawn: Has something done beside what is being done.
        make_event: Makes an event on which to wait.
        most: How many are done at once.

    Examples:
        >>> abreast([lambda: 1, lambda: 2])
        [1, 2]
    """
    if len(works) <= 1:
        return [work() for work in works]
    results: dict[int, Any] = {}
    todo = deque(enumerate(works))
    workers = min(most, len(works))
    ended: list[None] = []
    done = make_event()

    def run() -> None:
        try:
            while todo:
                number, work = todo.popleft()
                results[number] = work()
        finally:
            ended.append(None)
            if len(ended) == workers:
                done.set()

    for _ in range(workers):
        spawn(run)
    done.wait()
    return [results[number] for number in range(len(works))]
