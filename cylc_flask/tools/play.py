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
"""The scheduler which the demo plays, from an empty folder to no process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import fcntl
import os
from pathlib import Path
import shutil
import subprocess
import sys
import time
from typing import IO

import psutil

from cylc.flow.pathutil import get_workflow_run_dir
from cylc_flask.address import SERVICE, read_info
from cylc_flask.errors import CylcFlaskError

WORKFLOW = Path(__file__).parent / 'demo_workflow'

#: Held while a demo runs; it also marks a folder as a demo's.
LOCK = 'demo.lock'

#: How long starting, stopping on request, and on a signal may take.
START, STOP, TERMINATE = 60, 15, 5

GLOBAL_CYLC = """\
# The demo's own: yours is not read.
[scheduler]
    [[main loop]]
        plugins = health check, reset bad hosts, flask
[platforms]
    [[localhost]]
        cylc path = {bin}
"""

#: For others that are begun beside it, where nobody has configured anything.
SITE_CYLC = """\
# Jobs find "cylc" there, activated or not. A global.cylc of yours comes first.
[platforms]
    [[localhost]]
        cylc path = {bin}
"""

#: Where Cylc looks for what a site has configured, and what moves that.
SITE, SITE_VARIABLE = Path('/etc/cylc/flow'), 'CYLC_SITE_CONF_PATH'

FLASK_TOML = """\
# The demo's own: yours is not read.
method = "http"
"""


class Play:
    """A demo workflow in the user's run directory.

    Args:
        name: Of the workflow.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.run_dir = Path(get_workflow_run_dir(name))
        self.passphrase = self.run_dir / SERVICE / 'passphrase'
        self.cylc = Path(sys.executable).parent / 'cylc'
        self.url = ''
        self._conf = self.run_dir / 'conf'
        self._output = self.run_dir / 'demo.out'
        self._environment = {
            **{
                key: value for key, value in os.environ.items()
                if not key.startswith('CYLC_')
            },
            'CYLC_CONF_PATH': str(self._conf),
            'CYLC_FLASK_CONFIG': str(self._conf / 'flask.toml'),
            # The scheduler looks for "cylc" there, activated or not.
            'PATH': f'{self.cylc.parent}:{os.environ.get("PATH", os.defpath)}',
        }
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other demos out, as long as this process lives.

        Raises:
            CylcFlaskError: Another runs, or the folder is no demo's.
        """
        if not _is_free(self.run_dir):
            raise CylcFlaskError(
                f'{self.run_dir} is no demo: choose another --name')
        self.run_dir.mkdir(parents=True, exist_ok=True)
        with (self.run_dir / LOCK).open('a') as lock:
            self._lock(lock)
            yield

    def _lock(self, lock: IO[str]) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise CylcFlaskError(
                f'a demo of the name "{self.name}" is running already: end'
                ' it with Ctrl-C in its terminal, or choose another --name'
            ) from exc

    def start(self) -> None:
        """Start the scheduler in a fresh folder; wait for its web server.

        It gets a session of its own: Ctrl-C is ours, and it shall not die
        of it before its jobs are killed.

        Raises:
            CylcFlaskError: It did not start.
        """
        self._end_leftovers()
        self._fill()
        with self._output.open('wb') as output:
            self._process = subprocess.Popen(
                (self.cylc, 'play', '--no-detach', self.name),
                cwd=self.run_dir,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._await_server(self._process)

    def _fill(self) -> None:
        """Replace what an earlier demo has left by a fresh copy."""
        for path in self.run_dir.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != LOCK:
                path.unlink()
        shutil.copytree(WORKFLOW, self.run_dir, dirs_exist_ok=True)
        self._conf.mkdir()
        (self._conf / 'global.cylc').write_text(
            GLOBAL_CYLC.format(bin=self.cylc.parent))
        (self._conf / 'flask.toml').write_text(FLASK_TOML)
        site = self._conf / 'flow'
        site.mkdir()
        (site / 'global.cylc').write_text(
            SITE_CYLC.format(bin=self.cylc.parent))

    def _await_server(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + START
        while time.monotonic() < end:
            info = read_info(self.run_dir)
            if info and info.process.pid == process.pid:
                self.url = info.address.url
                return
            if process.poll() is not None:
                break
            time.sleep(0.1)
        raise CylcFlaskError(
            'the scheduler did not start a web server:\n'
            + self._output.read_text(errors='replace'))

    def lend(self) -> None:
        """Have jobs of others that we play find "cylc", if no site says how.

        A login shell may know nothing of our installation: jobs would run,
        and nobody would hear of them.
        """
        if SITE_VARIABLE not in os.environ and not SITE.exists():
            os.environ[SITE_VARIABLE] = str(self._conf)

    def is_running(self) -> bool:
        """Tell whether the scheduler lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the scheduler and all jobs, with more force if need be."""
        try:
            if self._process and self.is_running():
                self._stop(self._process)
        finally:
            self._end_leftovers()

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        try:
            subprocess.run(
                (self.cylc, 'stop', '--kill', self.name),
                check=True,
                env=self._environment,
                capture_output=True,
                timeout=STOP,
                start_new_session=True,
            )
            process.wait(STOP)
        except (KeyboardInterrupt, subprocess.SubprocessError):
            # Nobody waits any longer, or it does not listen yet.
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(TERMINATE)

    def _end_leftovers(self) -> None:
        """Kill what still runs of this demo, or of one that was killed."""
        left = list(self._processes())
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=TERMINATE)

    def _processes(self) -> Iterator[psutil.Process]:
        """Yield the scheduler and the jobs, which have its environment."""
        mark = self._environment['CYLC_FLASK_CONFIG']
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get('CYLC_FLASK_CONFIG') == mark:
                    yield process


def _is_free(run_dir: Path) -> bool:
    """Tell whether a folder is a demo's, empty, or not there."""
    return (
        not run_dir.exists()
        or (run_dir / LOCK).exists()
        or not any(run_dir.iterdir())
    )
