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
"""A server's thread for tests: it does what it is told when it is asked."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
import time
from typing import Any


class Pump:
    """Takes calls from any thread; makes them in the test's, in order."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Callable[..., Any], Any]] = (
            SimpleQueue())

    def deliver(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Have something called."""
        self._calls.put((call, arguments))

    def until(
        self, predicate: Callable[[], Any], timeout: float = 60,
    ) -> None:
        """Make calls until something is so.

        Raises:
            AssertionError: It is not, in that time.
        """
        end = time.monotonic() + timeout
        while not predicate():
            assert time.monotonic() < end, f'not within {timeout} s'
            try:
                call, arguments = self._calls.get(timeout=0.1)
            except Empty:
                continue
            call(*arguments)
