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
"""Talk to the web server of a running workflow, with Python's own library."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from getpass import getuser
from http.client import HTTPConnection, HTTPException, HTTPSConnection
import json
from pathlib import Path
import socket
import ssl
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from cylc_flask import __version__
from cylc_flask.address import SERVICE, Info, info_path, is_alive, read_info
from cylc_flask.proof import USER, CallFailed, challenge_of, digest, trust

#: What the workflow's log says has called.
AGENT = f'cylc-flask/{__version__} prog_name/cylc-flask'

FORM = 'application/x-www-form-urlencoded'
JSON = 'application/json'

Arguments = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Answer:
    """What a server has answered."""

    status: int
    content_type: str
    body: bytes

    @property
    def value(self) -> Any:
        """Return the JSON which an endpoint answers.

        Raises:
            CallFailed: It is an error instead.
        """
        if self.status != 200:
            raise CallFailed(f'{self.status}: {self.problem()}')
        try:
            return json.loads(self.body)
        except ValueError as exc:
            raise CallFailed('the answer is no JSON') from exc

    def problem(self) -> str:
        """Return what is wrong, in the server's words if it has some."""
        if self.content_type.startswith('application/problem+json'):
            return str(json.loads(self.body).get('detail'))
        if self.status == 401:
            return 'the passphrase is not accepted'
        return self.body.decode(errors='replace').strip()


class UnixConnection(HTTPConnection):
    """HTTP through a socket of the file system."""

    def __init__(
        self, path: str, timeout: float, context: ssl.SSLContext | None,
    ) -> None:
        super().__init__('localhost', timeout=timeout)
        self._path = path
        self._context = context

    def connect(self) -> None:
        """Connect to the path instead of to a host."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
        if self._context:
            self.sock = self._context.wrap_socket(self.sock)


class Client:
    """A caller of one workflow's server, as its owner.

    Args:
        run_dir: The run directory of the workflow.
        timeout: Seconds to wait for an answer.

    Raises:
        CallFailed: There is no server.
    """

    def __init__(self, run_dir: Path, timeout: float = 30) -> None:
        self.info = server_of(run_dir)
        self.run_dir = run_dir
        self.password = (run_dir / SERVICE / 'passphrase').read_text()
        self._headers = {
            'Accept': JSON,
            'From': f'{getuser()}@{socket.gethostname()}',
            'User-Agent': f'{AGENT} uuid/{uuid4()}',
        }
        self._challenge: dict[str, str] = {}
        self._count = 0
        self._connection = self._connect(timeout)

    def get(self, endpoint: str, arguments: Arguments | None = None) -> Answer:
        """Read something."""
        target = path_of(endpoint)
        if arguments:
            target += f'?{urlencode(arguments, doseq=True)}'
        return self._request('GET', target)

    def post(
        self, endpoint: str, arguments: Arguments | None = None,
    ) -> Answer:
        """Change something, with the arguments as a form."""
        body = urlencode(arguments or {}, doseq=True)
        return self._request('POST', path_of(endpoint), body, FORM)

    def post_json(self, endpoint: str, document: Any) -> Answer:
        """Change something, with the arguments as a JSON document."""
        body = json.dumps(document)
        return self._request('POST', path_of(endpoint), body, JSON)

    def _request(
        self, verb: str, target: str, body: str = '', kind: str = '',
    ) -> Answer:
        """Send a request, and once more if there is a new challenge."""
        try:
            answer = self._exchange(verb, target, body, kind)
            if answer.status == 401 and self._challenge:
                answer = self._exchange(verb, target, body, kind)
        except (OSError, HTTPException) as exc:
            raise CallFailed(f'{self.info.address.url}: {exc}') from exc
        return answer

    def _exchange(
        self, verb: str, target: str, body: str, kind: str,
    ) -> Answer:
        headers = self._headers | self._login(verb, target)
        if kind:
            headers['Content-Type'] = kind
        try:
            self._connection.request(
                verb, target, body.encode() if kind else None, headers)
            response = self._connection.getresponse()
            challenge = response.headers.get('WWW-Authenticate', '')
            self._challenge = challenge_of(challenge) or self._challenge
            return Answer(
                response.status,
                response.headers.get('Content-Type', ''),
                response.read(),
            )
        finally:
            self._connection.close()

    def _connect(self, timeout: float) -> HTTPConnection:
        """Return a connection, which opens at a request."""
        address = self.info.address
        context = self._tls() if address.scheme == 'https' else None
        if address.socket:
            return UnixConnection(address.socket, timeout, context)
        if context:
            return HTTPSConnection(
                address.host, address.port, timeout=timeout, context=context)
        return HTTPConnection(address.host, address.port, timeout=timeout)

    def _tls(self) -> ssl.SSLContext:
        """Trust the workflow's own certificate, and no other."""
        return trust(
            self.run_dir / SERVICE / 'ssl.cert',
            check_name=not self.info.address.socket,
        )

    def _login(self, verb: str, target: str) -> dict[str, str]:
        if self.info.authentication == 'basic':
            pair = f'{USER}:{self.password}'.encode()
            return {'Authorization': f'Basic {b64encode(pair).decode()}'}
        if not self._challenge:
            return {}
        self._count += 1
        answer = digest(
            self._challenge, verb, target, self.password, self._count)
        return {'Authorization': answer}


def server_of(run_dir: Path) -> Info:
    """Return what the server of a workflow says of itself.

    Raises:
        CallFailed: There is none.
    """
    info = read_info(run_dir)
    if info is None:
        raise CallFailed(
            f'no web server: there is no {info_path(run_dir)}.'
            ' Does the workflow run, with the main loop plugin "flask"?')
    if is_alive(info) is False:
        raise CallFailed(
            f'the scheduler has died: {info_path(run_dir)} is stale')
    return info


def path_of(endpoint: str) -> str:
    """Return the path of an endpoint, which may come with a slash."""
    return '/' + quote(endpoint.lstrip('/'))
