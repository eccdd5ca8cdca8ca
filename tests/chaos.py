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
"""What a test needs to do harm to a scheduler, and to look at the remains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
import os
from pathlib import Path
import re
import socket
from typing import Any

import psutil
import requests

from tests.harness import Run, Starter, processes_of, wait_for

PLUGINS = Path(__file__).parent / 'data' / 'plugins'

#: One that goes on until it is stopped.
PAUSED = '--pause'

#: What Cylc and we leave in .service of a workflow that has stopped.
LEFT_IN_SERVICE = {
    'db', 'etc', 'http-usage.json', 'passphrase', 'source', 'ssl.cert',
    'ssl.pem',
}


def chaotic(start: Starter, at_start: str = '', **settings: Any) -> Run:
    """Return a run in which a test can do harm, see the plugin "chaos"."""
    run = start.make(**settings)
    run.environment |= {
        'CHAOS': str(run.home / 'chaos'),
        'CHAOS_AT_START': at_start,
        'CYLC_PYTHONPATH': str(PLUGINS),
    }
    return run


def play(run: Run, wait: bool = True) -> Run:
    """Start a run with the plugin that does harm."""
    return run.play(PAUSED, '--main-loop=chaos', wait=wait)


def order(run: Run, deed: str) -> None:
    """Have something done within the scheduler."""
    path = Path(run.environment['CHAOS'])
    path.with_suffix('.new').write_text(deed)
    path.with_suffix('.new').rename(path)
    wait_for(lambda: not path.exists(), what=f'"{deed}"')


def is_served(run: Run) -> bool:
    """Tell whether a client gets an answer now."""
    with suppress(requests.RequestException, FileNotFoundError):
        return run.http != {} and run.get('ping_suite') is True
    return False


def listeners(run: Run) -> set[tuple[str, int]]:
    """Return the addresses and ports where a run listens, with its jobs."""
    pids = {process.pid for process in processes_of(run.home)}
    return {
        (found.laddr.ip, found.laddr.port)
        for found in psutil.net_connections('tcp')
        if found.pid in pids and found.status == psutil.CONN_LISTEN
    }


def listens(run: Run, port: int) -> bool:
    """Tell whether a run listens on a port."""
    return any(port == other for _, other in listeners(run))


def complaints(text: str) -> list[str]:
    """Return the lines of a log in which we complain about something."""
    return [
        line for line in text.splitlines()
        if re.search(r'\b(WARNING|ERROR|CRITICAL) - .*(flask|server)', line)
    ]


def said(run: Run) -> str:
    """Return all that a scheduler wrote, to its log or elsewhere."""
    output = run.output.read_text(errors='replace') if (
        run.output.exists()) else ''
    return run.log() + output


def assert_no_traceback(run: Run) -> None:
    assert 'Traceback' not in said(run), said(run)


@dataclass
class Traces:
    """What a running scheduler shows of itself, to compare with its end."""

    run: Run
    pid: int
    port: int
    contact: str
    legacy: Path

    @classmethod
    def of(cls, run: Run) -> Traces:
        """Return the traces, all of which must be there."""
        traces = cls(
            run, run.http['pid'], run.http['port'], run.contact.read_text(),
            run.home / 'cylc7-run' / run.name / '.service' / 'contact',
        )
        assert traces.legacy.exists()
        # The kernel may leave a socket out of a table that changes meanwhile.
        wait_for(lambda: listens(run, traces.port), what='a listening port')
        assert run.get('ping_suite') is True
        return traces

    def assert_untouched(self) -> None:
        """See to it that Cylc's own contact file is as it was."""
        assert self.run.contact.read_text() == self.contact

    def assert_gone(self) -> None:
        """See to it that nothing is left which leads nowhere."""
        assert not psutil.pid_exists(self.pid)
        assert not listens(self.run, self.port)
        assert not self.legacy.exists()
        assert not self.run.contact.exists()
        left = set(os.listdir(self.run.service))
        assert left <= LEFT_IN_SERVICE

    def assert_orderly(self) -> None:
        """See to it that the log is as if we were not there."""
        self.assert_gone()
        assert_no_traceback(self.run)
        assert complaints(said(self.run)) == []


@contextmanager
def taken(*ports: int) -> Iterator[None]:
    """Listen on ports of this machine, so that nobody else can."""
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(socket.create_server(('127.0.0.1', port)))
        yield
