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
"""Start a real hub for tests, in the home directory of a real workflow."""

from __future__ import annotations

import os
from pathlib import Path
import pwd
import shutil
import signal
import subprocess
from textwrap import dedent
from typing import Any

from tests.harness import (
    BIN,
    GLOBAL_CYLC,
    ONE,
    START_TIMEOUT,
    Run,
    free_port,
    wait_for,
)

#: How long a hub may take to end.
STOP_TIMEOUT = 30


class HubRun:
    """A hub, and one workflow that it has; more can be added.

    Args:
        flow: The definition of the workflow.
        name: Of the workflow.
        config: Further settings of the web servers.
        hub: Settings of the hub.
        options: What else `Run` takes.
    """

    def __init__(
        self,
        flow: str = ONE,
        name: str = 'one',
        *,
        config: dict[str, Any] | None = None,
        hub: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.port = free_port()
        self.config = {
            **(config or {}),
            'hub': {
                'port': self.port, 'allow_root': os.geteuid() == 0,
                **(hub or {}),
            },
        }
        self.run = Run(flow, name=name, config=self.config, **options)
        self.more: list[Run] = []
        self.output = self.run.home / 'hub.out'
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return its address, without a slash at the end."""
        return f'http://127.0.0.1:{self.port}'

    @property
    def owner(self) -> str:
        """Return the name of who runs it."""
        return pwd.getpwuid(os.geteuid()).pw_name

    def start(self, *options: str) -> HubRun:
        """Start the hub, and wait until it says where it is."""
        self.output.write_bytes(b'')
        with self.output.open('ab') as output:
            self.process = subprocess.Popen(
                (BIN / 'cylc', 'flask', 'hub', *options),
                cwd=self.run.home,
                env=self.run.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_for(self._is_there, START_TIMEOUT, 'a hub')
        return self

    def said(self) -> str:
        """Return what it has written."""
        return self.output.read_text(errors='replace')

    def _is_there(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.said()
        return f':{self.port}/' in self.said()

    def login(self) -> str:
        """Return an address by which the owner can log in once."""
        told = self.run.cylc('flask', 'hub', '--login').stdout
        return next(word for word in told.split() if '://' in word)

    def stop(self) -> None:
        """End the hub in good order."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(STOP_TIMEOUT)
        self.process = None

    def close(self) -> None:
        """End all of it, and remove the home."""
        try:
            self.stop()
        finally:
            for run in self.more:
                if run.alive:
                    run.kill()
            self.run.close()

    # What is in the home

    def source(self, name: str, flow: str) -> None:
        """Write a definition that can be installed."""
        self.run.write(
            self.run.home / 'cylc-src' / name / 'flow.cylc', dedent(flow))

    def folder(self, name: str) -> Path:
        """Return the run directory of a workflow."""
        return self.run.home / 'cylc-run' / name

    def flow(self, name: str, flow: str = ONE) -> None:
        """Have a workflow that nobody runs."""
        self.run.write(self.folder(name) / 'flow.cylc', dedent(flow))

    def scheduler(
        self, name: str, flow: str = ONE, plugin: bool = True,
    ) -> Run:
        """Have a workflow that can be played, with our plugin or without."""
        conf = self.run.home / 'plain'
        self.run.write(
            conf / 'global.cylc', GLOBAL_CYLC.replace(', flask', ''))
        run = Run(
            flow, name=name, config=self.config, home=self.run.home,
            environment=None if plugin else {'CYLC_CONF_PATH': str(conf)})
        self.more.append(run)
        return run

    def play(self, run: Run, *options: str) -> None:
        """Start a scheduler, and wait until clients could find it."""
        plain = 'plain' in run.environment['CYLC_CONF_PATH']
        run.play(*options, wait=not plain)
        wait_for(run.contact.exists, START_TIMEOUT, f'{run.name} to run')

    def remove(self, name: str) -> None:
        """Remove a workflow, if it is there."""
        shutil.rmtree(self.folder(name), ignore_errors=True)

    def rules(self, text: str) -> None:
        """Write the rules of who may do what."""
        path = self.run.home / '.cylc' / 'flask' / 'hub' / 'rules.toml'
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    def user(self, name: str, level: str, password: str = '') -> None:
        """Have a user of the hub, or give one another level."""
        words = ['add', '--level', level, name] if password else [
            'level', name, level]
        self.run.cylc(
            'flask', 'user', *words,
            *(['--password-file', '-'] if password else []),
            **({'input': password} if password else {}),
        )
