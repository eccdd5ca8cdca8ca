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
"""What all tests share: nothing may be left when a module is done."""

from __future__ import annotations

from collections.abc import Iterator
import gc
import os
from pathlib import Path
import threading

import pytest

from tests.harness import wait_for


def pytest_configure() -> None:
    """Forget the terminal's width: xdist hands it on, and "ps" cuts by it."""
    os.environ.pop('COLUMNS', None)


def sockets() -> set[str]:
    """Return the sockets which this process has open."""
    links = set()
    for descriptor in Path('/proc/self/fd').iterdir():
        try:
            links.add(os.readlink(descriptor))
        except FileNotFoundError:
            continue
    return {link for link in links if link.startswith('socket:')}


@pytest.fixture(scope='module', autouse=True)
def no_leaks() -> Iterator[None]:
    """Fail if a module's tests leave threads or sockets behind."""
    threads, before = set(threading.enumerate()), sockets()
    yield
    gc.collect()
    wait_for(
        lambda: set(threading.enumerate()) <= threads,
        timeout=5,
        what='the end of the threads which the tests started',
    )
    wait_for(
        lambda: sockets() <= before,
        timeout=5,
        what='the end of the sockets which the tests opened',
    )
