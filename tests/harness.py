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
"""Real schedulers for tests, each in a home directory of its own.

A Run is one workflow: ``play()`` starts its scheduler in a session of its
own and waits for the web server, ``stop()`` ends it, ``close()`` makes sure
that no process is left, neither the scheduler's nor a job's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
import json
import os
from pathlib import Path
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from textwrap import dedent
import time
from typing import Any, TypeVar

import psutil
import pytest
import requests
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth

T = TypeVar('T')

BIN = Path(sys.executable).parent

#: How long a scheduler may take to start or to stop, on a busy machine.
START_TIMEOUT = 60
STOP_TIMEOUT = 30

ANON = ('anon', 'the quick brown fox')

#: The least that can be played: one task which does nothing.
ONE = """
    [scheduling]
        [[graph]]
            R1 = one
    [runtime]
        [[one]]
            script = true
"""

GLOBAL_CYLC = f"""
[scheduler]
    UTC mode = True
    [[main loop]]
        plugins = health check, reset bad hosts, flask
[platforms]
    [[localhost]]
        cylc path = {BIN}
"""


def need(tool: str) -> str:
    """Return the path of a program which a test calls.

    Without it the test is skipped, and listed at the end; where CI is set
    to true it fails.
    """
    path = shutil.which(tool)
    if path:
        return path
    if os.environ.get('CI') == 'true':
        pytest.fail(f'{tool} is not installed', pytrace=False)
    pytest.skip(f'{tool} is not installed')


def wait_for(
    predicate: Callable[[], T],
    timeout: float = 20,
    what: str = '',
    every: float = 0.05,
) -> T:
    """Return the first true value of the predicate.

    Raises:
        AssertionError: There was none in time.
    """
    end = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(
                f'not within {timeout:g} s: {what or predicate}')
        time.sleep(every)


def make_home() -> Path:
    """Make a home directory, with a short name: sockets lie below it."""
    return Path(tempfile.mkdtemp(prefix='cf-', dir='/tmp'))


def processes_of(home: Path) -> Iterator[psutil.Process]:
    """Yield all processes that live in this home directory."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get('HOME') == str(home):
                yield process


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        port: int = sock.getsockname()[1]
        return port


def toml(settings: dict[str, Any]) -> str:
    """Write settings as TOML, tables last; JSON's values are TOML's.

    Examples:
        >>> toml({'limits': {'wait': 1}, 'port': 80, 'read_only': True})
        'port = 80\\nread_only = true\\n[limits]\\nwait = 1\\n'
    """
    plain = ''.join(
        f'{key} = {json.dumps(value)}\n'
        for key, value in settings.items() if not isinstance(value, dict)
    )
    return plain + ''.join(
        f'[{key}]\n{toml(value)}'
        for key, value in settings.items() if isinstance(value, dict)
    )


class Run:
    """One workflow in a home directory.

    Args:
        flow: The definition, the text of a flow.cylc.
        name: Of the workflow; it may have slashes.
        config: Settings of the web server, plain http if nothing is said.
        environment: Further variables for the scheduler and its jobs.
        global_config: More text for the global.cylc.
        files: Further files of the workflow, by relative path.
        home: A home directory to share, which the caller removes.
    """

    def __init__(
        self,
        flow: str = ONE,
        *,
        name: str = 'one',
        config: dict[str, Any] | None = None,
        environment: dict[str, str] | None = None,
        global_config: str = '',
        files: dict[str, str] | None = None,
        home: Path | None = None,
    ) -> None:
        self.name = name
        self.own_home = home is None
        self.home = home or make_home()
        self.run_dir = self.home / 'cylc-run' / name
        self.service = self.run_dir / '.service'
        self.output = self.home / f'{name.replace("/", "-")}.out'
        self.process: subprocess.Popen[bytes] | None = None
        self.sessions: list[requests.Session] = []
        conf = self.home / 'conf'
        self.environment = {
            'CYLC_CONF_PATH': str(conf),
            'CYLC_FLASK_CONFIG': str(conf / 'flask.toml'),
            'HOME': str(self.home),
            'LANG': 'C.UTF-8',
            'PATH': f'{BIN}:{os.environ["PATH"]}',
            'USER': os.environ.get('USER', 'root'),
            **(environment or {}),
        }
        self.write(conf / 'global.cylc', GLOBAL_CYLC + dedent(global_config))
        self.configure(**(config or {}))
        self.define(flow)
        for path, text in (files or {}).items():
            self.write(self.run_dir / path, text)

    # Files

    @staticmethod
    def write(path: Path, text: str) -> None:
        """Write a file, and the folders above it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def configure(self, **settings: Any) -> None:
        """Write the web server's configuration, for the next start."""
        self.write(
            Path(self.environment['CYLC_FLASK_CONFIG']),
            toml({'method': 'http', **settings}),
        )

    def define(self, flow: str) -> None:
        """Write the workflow's definition, for the next start or reload."""
        self.write(self.run_dir / 'flow.cylc', dedent(flow))

    @property
    def contact(self) -> Path:
        """Return the path of Cylc 8's own contact file."""
        return self.service / 'contact'

    @property
    def passphrase(self) -> str:
        return (self.service / 'passphrase').read_text()

    @property
    def http(self) -> dict[str, Any]:
        """Return what the server says of itself, {} while it says nothing."""
        try:
            said: dict[str, Any] = json.loads(
                (self.service / 'http.json').read_text())
        except FileNotFoundError:
            return {}
        return said

    @property
    def url(self) -> str:
        """Return the server's address, without a slash at the end."""
        return str(self.http['url']).rstrip('/')

    def log(self) -> str:
        """Return the scheduler's log, with those of earlier starts."""
        return ''.join(
            path.read_text(errors='replace')
            for path in sorted(self.run_dir.glob('log/scheduler/*.log'))
        )

    def job_file(self, task: str, name: str, submit: int = 1) -> Path:
        """Return the path of a job's file; the task is ``POINT/NAME``."""
        return self.run_dir / 'log' / 'job' / task / f'{submit:02}' / name

    # The scheduler

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def play(self, *options: str, wait: bool = True) -> Run:
        """Start the scheduler, and wait for its web server unless told not.

        Raises:
            AssertionError: It has ended, or there is no server in time.
        """
        assert not self.alive
        with self.output.open('ab') as output:
            self.process = subprocess.Popen(
                (BIN / 'cylc', 'play', '--no-detach', *options, self.name),
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if wait:
            self.wait_for(self._is_served, START_TIMEOUT, 'a web server')
        return self

    def _is_served(self) -> bool:
        assert self.process
        assert self.process.poll() is None, (
            f'cylc play ended with {self.process.returncode}:\n'
            + self.output.read_text(errors='replace')
        )
        return self.http.get('pid') == self.process.pid

    def wait_for(
        self,
        predicate: Callable[[], T],
        timeout: float = 20,
        what: str = '',
    ) -> T:
        """Wait as the function does."""
        return wait_for(predicate, timeout, what)

    def wait_log(self, text: str, timeout: float = 20) -> None:
        """Wait until the scheduler's log has this text."""
        wait_for(lambda: text in self.log(), timeout, f'"{text}" in the log')

    def wait_end(self, timeout: float = STOP_TIMEOUT) -> int:
        """Wait until the scheduler has ended, and return its status."""
        assert self.process
        return self.process.wait(timeout)

    def stop(self, *options: str, timeout: float = STOP_TIMEOUT) -> int:
        """Stop the scheduler by ``cylc stop``, at once unless told how.

        Jobs run on: ``close`` ends them.
        """
        self.cylc('stop', *(options or ('--now', '--now')), self.name)
        return self.wait_end(timeout)

    def signal(self, number: int) -> None:
        """Send a signal to the scheduler."""
        assert self.process
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill the scheduler with no chance to tidy up; jobs run on."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def cylc(
        self, *words: str, check: bool = True, **options: Any,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of Cylc's in this home, as its user would."""
        if 'input' not in options:
            options['stdin'] = subprocess.DEVNULL
        result = subprocess.run(
            (BIN / 'cylc', *words),
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT,
            **options,
        )
        assert not check or result.returncode == 0, result.stderr
        return result

    def close(self) -> None:
        """End all that lives in this home, and remove it if it is ours.

        Raises:
            AssertionError: The scheduler did not end when it was asked to.
        """
        for session in self.sessions:
            session.close()
        obeyed = self._terminate()
        for process in list(processes_of(self.home)):
            with suppress(psutil.Error):
                process.kill()
        wait_for(lambda: not any(processes_of(self.home)), 10, 'an empty home')
        log = '' if obeyed else self.log()
        if self.own_home:
            shutil.rmtree(self.home)
        assert obeyed, f'the scheduler had to be killed:\n{log}'

    def _terminate(self) -> bool:
        if self.process is None:
            return True
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    # Clients

    def login(self, user: str = 'cylc', password: str = '') -> AuthBase:
        """Return an authentication for requests, a fresh one for each call.

        No password means the right one.
        """
        scheme: type[HTTPBasicAuth] | type[HTTPDigestAuth] = (
            HTTPBasicAuth
            if self.http['authentication'] == 'basic'
            else HTTPDigestAuth
        )
        passwords = {'cylc': self.passphrase, 'anon': ANON[1]}
        return scheme(user, password or passwords[user])

    def session(self, user: str = 'cylc', password: str = '') -> Any:
        """Return a requests session that is logged in and trusts us."""
        session = requests.Session()
        session.trust_env = False
        session.auth = self.login(user, password)
        if self.http['scheme'] == 'https':
            session.verify = str(self.service / 'ssl.cert')
        self.sessions.append(session)
        return session

    def request(
        self,
        verb: str,
        path: str,
        *,
        user: str = 'cylc',
        timeout: float = 20,
        **options: Any,
    ) -> requests.Response:
        """Send one request on a connection of its own."""
        session = self.session(user)
        try:
            response: requests.Response = session.request(
                verb,
                f'{self.url}/{path.lstrip("/")}',
                timeout=timeout,
                **options,
            )
        finally:
            session.close()
            self.sessions.remove(session)
        return response

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of a GET, for which 200 is the only answer."""
        response = self.request('GET', path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, **data: Any) -> Any:
        """Return the JSON of a POST of a form."""
        response = self.request('POST', path, data=data)
        assert response.status_code == 200, response.text
        return response.json()


class Starter:
    """Makes runs and remembers them: what the start fixtures give.

    Call it with what Run takes, and with ``options`` for "cylc play".
    """

    def __init__(self) -> None:
        self.runs: list[Run] = []

    def make(self, flow: str = ONE, **settings: Any) -> Run:
        """Return a run which is not played yet."""
        run = Run(flow, **settings)
        self.runs.append(run)
        return run

    def __call__(
        self,
        flow: str = ONE,
        *options: str,
        wait: bool = True,
        **settings: Any,
    ) -> Run:
        return self.make(flow, **settings).play(*options, wait=wait)

    def close(self) -> None:
        """Close all runs, also when one of them complains."""
        complaints = []
        for run in self.runs:
            try:
                run.close()
            except AssertionError as exc:
                complaints.append(str(exc))
        assert not complaints, '\n'.join(complaints)
