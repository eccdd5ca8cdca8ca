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
"""Servers of a workflow's data: ours, cylc-flow's and cylc-uiserver."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
import json
import os
from pathlib import Path
import socket
import subprocess
import sys
from typing import Any, Protocol

from benchmarks.common import CYLC_VERSION, HERE, OURS, say
from tests.harness import BIN, Run, free_port, wait_for

#: Where peers are installed that want an environment of their own.
VENV = Path(os.environ.get('BENCH_VENV', HERE.parent / '.venv-bench'))

#: The release of cylc-uiserver that goes with each line of cylc-flow.
UISERVERS = {'8.5': '1.7.1', '8.6': '1.9.4', '8.7': '1.10.0'}

UISERVER, ZMQ = 'cylc-uiserver', 'ZMQ client'

TOKEN = 'x' * 20

TIMEOUT = 300


class Asker(Protocol):
    """Somebody who asks a server for data."""

    name: str
    #: Of the server.
    pid: int

    def ask(self, query: str, **variables: Any) -> int:
        """Ask, and return how many bytes the answer has."""
        ...


class HttpAsker:
    """Asks over one connection that is kept alive."""

    def __init__(
        self, name: str, pid: int, port: int, path: str, authorization: str
    ) -> None:
        self.name = name
        self.pid = pid
        self.port = port
        self.path = path
        self.headers = {
            'Authorization': authorization, 'Content-Type': 'application/json'}
        self.answer = b''
        self._connection = HTTPConnection('127.0.0.1', port, timeout=TIMEOUT)

    def ask(self, query: str, **variables: Any) -> int:
        """Ask, and return how many bytes the answer has."""
        body = json.dumps({'query': query, 'variables': variables})
        try:
            status = self._post(body)
        except (BrokenPipeError, ConnectionResetError):
            # The server has hung up while nobody asked.
            self._connection.close()
            status = self._post(body)
        if status != 200 or b'"errors"' in self.answer[:1000]:
            raise AssertionError(
                f'{self.name}: {status} {self.answer[:500]!r}')
        return len(self.answer)

    def _post(self, body: str) -> int:
        self._connection.request('POST', self.path, body, self.headers)
        response = self._connection.getresponse()
        self.answer = response.read()
        return response.status

    def data(self, query: str) -> Any:
        """Ask, and return the data."""
        self.ask(query)
        return json.loads(self.answer)['data']

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class ZmqAsker:
    """Asks a scheduler through cylc-flow's client, a process of its own."""

    name = ZMQ

    def __init__(self, run: Run) -> None:
        assert run.process
        self.pid = run.process.pid
        self._client = subprocess.Popen(
            (BIN / 'python', HERE / 'peer_zmq.py', run.name),
            env=run.environment, cwd=run.home, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )

    def ask(self, query: str, **variables: Any) -> int:
        """Ask, and return how many bytes the answer has."""
        assert self._client.stdin and self._client.stdout
        self._client.stdin.write(json.dumps(
            {'request_string': query, 'variables': variables}) + '\n')
        self._client.stdin.flush()
        answer = json.loads(self._client.stdout.readline())
        return int(answer['bytes'])

    def close(self) -> None:
        """End the client."""
        assert self._client.stdin and self._client.stdout
        self._client.stdin.close()
        self._client.wait(TIMEOUT)
        self._client.stdout.close()


def ours(run: Run) -> HttpAsker:
    """Return a client of the web server inside a scheduler."""
    login = b64encode(f'cylc:{run.passphrase}'.encode()).decode()
    said = run.http
    return HttpAsker(
        OURS, said['pid'], said['port'], '/graphql', f'Basic {login}')


def uiserver_release() -> str:
    """Return the release of cylc-uiserver for the cylc-flow here."""
    return UISERVERS['.'.join(CYLC_VERSION.split('.')[:2])]


def install() -> Path:
    """Install cylc-uiserver beside the cylc-flow of here, once."""
    wanted = (
        f'cylc-uiserver=={uiserver_release()}', f'cylc-flow=={CYLC_VERSION}')
    stamp = VENV / 'installed'
    if not stamp.exists() or stamp.read_text() != ' '.join(wanted):
        say(f'installing {" and ".join(wanted)} into {VENV}')
        subprocess.run((sys.executable, '-m', 'venv', VENV), check=True)
        subprocess.run(
            (VENV / 'bin' / 'python', '-m', 'pip', 'install', '--quiet',
             '--disable-pip-version-check', *wanted),
            check=True,
        )
        stamp.write_text(' '.join(wanted))
    return VENV / 'bin'


@contextmanager
def uiserver(run: Run, proxies: int) -> Iterator[HttpAsker]:
    """Start cylc-uiserver, and wait until it has all of a workflow."""
    programs, port = install(), free_port()
    environment = {
        **run.environment, 'PATH': f'{programs}:{os.environ["PATH"]}'}
    with (run.home / 'uiserver.out').open('wb') as output:
        process = subprocess.Popen(
            (programs / 'cylc', 'gui', '--new', '--no-browser',
             '--allow-root', f'--ServerApp.token={TOKEN}',
             f'--ServerApp.port={port}', '--ServerApp.port_retries=0',
             '--CylcUIServer.scan_interval=1'),
            env=environment, cwd=run.home, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )
    asker = None
    try:
        wait_for(lambda: _listens(port), 60, 'cylc-uiserver', 0.2)
        asker = HttpAsker(
            UISERVER, process.pid, port, '/cylc/graphql', f'token {TOKEN}')
        wait_for(lambda: _has(asker, proxies), 120, 'its data', 0.5)
        yield asker
    finally:
        if asker:
            asker.close()
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(('127.0.0.1', port)) == 0


def _has(asker: HttpAsker, proxies: int) -> bool:
    flows = asker.data('{workflows{id taskProxies{id}}}')['workflows']
    return sum(len(flow['taskProxies'] or ()) for flow in flows) >= proxies


def witnessed(path: Path) -> Any:
    """Return what the witness in a scheduler's main loop tells."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        with client.makefile() as stream:
            return json.loads(stream.readline())

