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
"""A client of a real hub, for tests: by a token or a password."""

from __future__ import annotations

import json
import secrets
from typing import Any

import requests
from websocket import WebSocket, create_connection

from tests.harness import wait_for
from tests.hub_run import HubRun

#: How long (seconds) what the hub does may take on a busy machine.
PATIENCE = 90

PASSWORD = 'correct horse battery'


class Client:
    """Somebody who calls a hub.

    Args:
        hub: The hub.
        user: Who, by password; the owner by a token of all powers if ''.
    """

    def __init__(self, hub: HubRun, user: str = '') -> None:
        self.hub = hub
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({
            'Accept': 'application/json', 'Connection': 'close',
        })
        if user:
            self.session.auth = (user, PASSWORD)
        else:
            self.session.headers['Authorization'] = f'Bearer {token(hub)}'
        # It takes a moment until the hub has read the file.
        wait_for(
            lambda: self.get('whoami').status_code == 200, PATIENCE,
            'a log-in', every=0.5)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: Any) -> None:
        self.session.close()

    def get(self, path: str, **options: Any) -> requests.Response:
        """Send a GET."""
        return self.session.get(
            f'{self.hub.url}/{path}', timeout=PATIENCE, **options)

    def post(self, path: str, body: Any = None) -> requests.Response:
        """Send a POST with JSON."""
        return self.session.post(
            f'{self.hub.url}/{path}', json=body or {}, timeout=PATIENCE)

    # Jobs

    def order(self, *workflows: str, **order: Any) -> list[dict[str, Any]]:
        """Order something, and return the jobs."""
        answer = self.post('jobs', {'workflows': workflows, **order})
        assert answer.status_code == 202, answer.text
        jobs: list[dict[str, Any]] = answer.json()['jobs']
        return jobs

    def done(self, job: dict[str, Any]) -> dict[str, Any]:
        """Return a job when it has ended."""
        def ended() -> dict[str, Any] | None:
            now: dict[str, Any] = self.get(
                f'jobs/{job["id"]}?wait=10').json()
            return now if now['ended'] is not None else None
        return wait_for(ended, PATIENCE, f'the end of {job}')

    def do(self, *workflows: str, **order: Any) -> dict[str, Any]:
        """Order something for one workflow, and return the job at its end."""
        (job,) = self.order(*workflows, **order)
        return self.done(job)

    def output(self, job: dict[str, Any]) -> str:
        """Return what a job has written."""
        return self.get(f'jobs/{job["id"]}/output').text

    # GraphQL

    def answer(self, text: str, path: str = '', **variables: Any) -> Any:
        """Return the whole answer to an operation."""
        return self.post(
            f'{path}graphql', {'query': text, 'variables': variables}).json()

    def ask(self, text: str, path: str = '', **variables: Any) -> Any:
        """Return the data of an answer without errors."""
        found = self.answer(text, path, **variables)
        assert 'errors' not in found, found['errors']
        return found['data']

    def status(self, name: str) -> str:
        """Return what a workflow does, '' if there is no such."""
        found = self.ask(
            'query ($ids: [ID]) {workflows(ids: $ids) {status}}', ids=[name]
        )['workflows']
        return str(found[0]['status']) if found else ''

    def until(self, name: str, status: str) -> None:
        """Wait until a workflow does something."""
        wait_for(
            lambda: self.status(name) == status, PATIENCE,
            f'{name} {status}')

    def socket(self, path: str = '') -> Socket:
        """Connect to the subscriptions."""
        headers = self.session.prepare_request(requests.Request(
            'GET', self.hub.url)).headers
        return Socket(create_connection(
            f'{self.hub.url}/{path}subscriptions'.replace('http', 'ws', 1),
            timeout=PATIENCE,
            subprotocols=['graphql-transport-ws'],
            header=[f'Authorization: {headers["Authorization"]}'],
            suppress_origin=True,
            http_no_proxy=['*'],
        ))


class Socket:
    """A WebSocket on which operations are followed."""

    def __init__(self, raw: WebSocket) -> None:
        self.raw = raw
        self._say(type='connection_init')
        assert self.hear()['type'] == 'connection_ack'

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: Any) -> None:
        self.raw.shutdown()

    def _say(self, **message: Any) -> None:
        self.raw.send(json.dumps(message))

    def hear(self) -> dict[str, Any]:
        """Return the next message."""
        message: dict[str, Any] = json.loads(self.raw.recv())
        return message

    def follow(self, text: str, id: str = '1', **variables: Any) -> None:
        """Begin an operation."""
        self._say(type='subscribe', id=id, payload={
            'query': text, 'variables': variables})

    def next(self, id: str = '1') -> Any:
        """Return the data of the next result."""
        while True:
            message = self.hear()
            if message['type'] in ('ping', 'pong'):
                continue
            assert message['type'] == 'next', message
            if message['id'] == id:
                return message['payload']['data']


def token(hub: HubRun) -> str:
    """Return a token of the owner, for all that there is."""
    told = hub.run.cylc(
        'flask', 'token', 'add', f't{secrets.token_hex(8)}',
        '--may', 'full-control', 'audit',
    ).stdout
    return next(
        word for word in told.split() if word.startswith('cylcflask_'))
