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
"""Hubs to measure, in the home directories of workflows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import os
import subprocess
import time
from typing import Any

import psutil
import requests

from benchmarks.common import Row
from benchmarks.peers import TIMEOUT, HttpAsker
from tests.harness import BIN, Run, free_port, wait_for

HUB = 'hub'

#: How long (seconds) a hub may take to begin.
PATIENCE = 60


class Hub:
    """A hub that runs.

    Args:
        port: Where it listens.
        token: By which its owner is known.
        process: It.
    """

    def __init__(
        self, port: int, token: str, process: subprocess.Popen[bytes]
    ) -> None:
        self.pid = process.pid
        #: When it was started, by the performance counter.
        self.began = time.perf_counter()
        self._process = process
        self._port = port
        self._login = f'Bearer {token}'
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers['Authorization'] = self._login

    def asker(self, workflow: str = '') -> HttpAsker:
        """Return a client, of all workflows or of what one's server has."""
        path = f'/workflows/{workflow}' if workflow else ''
        return HttpAsker(
            HUB, self.pid, self._port, f'{path}/graphql', self._login)

    def get(self, path: str) -> Any:
        """Return the JSON that it has at a path."""
        answer = self._session.get(
            f'http://127.0.0.1:{self._port}/{path}', timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def rows(self) -> list[Row]:
        """Return its list of workflows, none while it does not listen yet."""
        assert self._process.poll() is None
        try:
            found: list[Row] = self.get('workflows')['workflows']
        except requests.ConnectionError:
            return []
        return found

    def await_all(self, number: int) -> None:
        """Wait until it has what so many schedulers have."""
        def has_all() -> bool:
            rows = self.rows()
            return len(rows) == number and all(
                row['connected'] and any(row['totals'].values())
                for row in rows)
        wait_for(has_all, TIMEOUT, f'{number} workflows')

    def close(self) -> None:
        """Hang up."""
        self._session.close()


@contextmanager
def hub(run: Run) -> Iterator[Hub]:
    """Start a hub of all workflows in the home of a run."""
    port = free_port()
    told = run.cylc(
        'flask', 'token', 'add', f'bench-{port}', '--may', 'full-control')
    token = next(
        word for word in told.stdout.split()
        if word.startswith('cylcflask_'))
    environment = {
        **run.environment, 'CYLC_FLASK_HUB__PORT': str(port),
        'CYLC_FLASK_HUB__ALLOW_ROOT': str(os.geteuid() == 0).lower(),
    }
    with (run.home / 'hub.out').open('wb') as output:
        process = subprocess.Popen(
            (BIN / 'cylc', 'flask', 'hub'), cwd=run.home, env=environment,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )
    found = Hub(port, token, process)
    try:
        yield found
    finally:
        found.close()
        process.terminate()
        process.wait(PATIENCE)


def memory_of(pid: int) -> float:
    """Return the memory (MB) that a process has and shares with no other."""
    return psutil.Process(pid).memory_full_info().uss / 1e6
