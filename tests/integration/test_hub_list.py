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
"""The list of workflows over a socket, while real workflows live and die."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
import json
import struct
from typing import Any

import pytest
import requests
from websocket import ABNF, WebSocket, create_connection

from tests.harness import wait_for
from tests.hub_run import HubRun
from tests.socket_client import refused

PASSWORD = 'a long password'

#: What it is told by that somebody may no longer hear anything.
FORBIDDEN = 4403

RULES = """
[[rule]]
users = ["reader", "leaver"]
workflows = ["secret"]
may = ["!identity"]
"""

LESS = """
[[rule]]
users = ["leaver"]
workflows = ["seen"]
may = ["!state-totals"]
"""

WAITING = """
    [scheduling]
        [[graph]]
            R1 = one
    [runtime]
        [[one]]
            script = sleep 600
"""


class Ended(Exception):
    """The hub has closed the socket."""


class Watcher:
    """Somebody who follows the list, and what they know by it."""

    def __init__(self, hub: HubRun, user: str) -> None:
        self.rows: dict[str, Any] = {}
        self.may: dict[str, list[str]] = {}
        self.heard: list[dict[str, Any]] = []
        self._socket: WebSocket = create_connection(
            f'{hub.url.replace("http", "ws")}/list',
            header=[f'Authorization: {basic(user)}'],
            subprotocols=['cylc-list.json'],
            suppress_origin=True,
            timeout=30,
            http_no_proxy=['*'],
        )
        self.hear()

    def hear(self) -> dict[str, Any]:
        """Take the next message.

        Raises:
            Ended: There is none any more.
        """
        code, data = self._socket.recv_data()
        if code == ABNF.OPCODE_CLOSE:
            raise Ended(struct.unpack('!H', data[:2])[0])
        message: dict[str, Any] = json.loads(data)
        self.heard.append(message)
        if message['type'] == 'all':
            self.rows.clear()
        self.may |= message.get('may', {})
        for item in message.get('rows', ()):
            self.rows[item['row']['name']] = item['row'] | {
                'operations': self.may[str(item['may'])]}
        for name in message.get('gone', ()):
            del self.rows[name]
        return message

    def until(self, true: Callable[[dict[str, Any]], bool]) -> None:
        """Hear on until something is true of the rows."""
        while not true(self.rows):
            self.hear()

    def status(self, name: str) -> Callable[[dict[str, Any]], Any]:
        return lambda rows: rows.get(name, {}).get('status')

    def close(self) -> None:
        self._socket.shutdown()


def basic(user: str) -> str:
    pair = f'{user}:{PASSWORD}'.encode()
    return f'Basic {b64encode(pair).decode()}'


def ask(hub: HubRun, user: str = '') -> requests.Response:
    """Ask for the list as a script does."""
    return requests.get(
        f'{hub.url}/workflows', timeout=20,
        headers={'Authorization': basic(user)} if user else {},
    )


@pytest.fixture(scope='module')
def hub() -> Iterator[HubRun]:
    """Run a hub with one workflow that runs, and one that few may see."""
    hub = HubRun(WAITING, name='seen')
    try:
        hub.flow('secret')
        hub.rules(RULES)
        hub.user('all', 'full-control', PASSWORD)
        hub.user('reader', 'full-read', PASSWORD)
        hub.user('leaver', 'state-totals', PASSWORD)
        hub.run.play()
        hub.start()
        yield hub
    finally:
        hub.close()


@pytest.fixture
def watch(hub: HubRun) -> Iterator[Callable[[str], Watcher]]:
    """Follow the list."""
    watchers: list[Watcher] = []

    def watch(user: str) -> Watcher:
        watchers.append(Watcher(hub, user))
        return watchers[-1]

    yield watch
    for watcher in watchers:
        watcher.close()


def test_life(hub: HubRun, watch: Callable[[str], Watcher]) -> None:
    """Each step in the life of a workflow is told, and then asked for."""
    viewer = watch('all')
    viewer.until(lambda rows: rows['seen'].get('connected', False))
    assert viewer.rows['seen']['link'] == 'feed'
    viewer.until(
        lambda rows: rows['seen']['totals'] == {'running': 1})
    hub.run.cylc('pause', 'seen')
    viewer.until(lambda rows: rows['seen']['status'] == 'paused')
    hub.run.cylc('play', 'seen')
    viewer.until(lambda rows: rows['seen']['status'] == 'running')
    hub.run.kill()
    viewer.until(lambda rows: rows['seen']['status'] == 'crashed')
    assert viewer.rows['seen']['totals'] == {'running': 1}
    hub.run.play()
    viewer.until(lambda rows: rows['seen'].get('connected', False))
    hub.run.stop()
    viewer.until(lambda rows: rows['seen']['status'] == 'stopped')
    wait_for(lambda: viewer.rows == {
        row['name']: row for row in ask(hub, 'all').json()['workflows']})
    hub.run.play()


def test_forbidden(hub: HubRun, watch: Callable[[str], Watcher]) -> None:
    """What happens to a workflow that one may not see is not heard."""
    viewer, owner = watch('reader'), watch('all')
    assert {*viewer.rows} == {'seen'}
    assert 'secret' not in ask(hub, 'reader').text
    before = len(viewer.heard)
    hub.run.cylc('play', '--pause', 'secret')
    owner.until(lambda rows: rows['secret']['status'] == 'paused')
    hub.run.cylc('stop', '--now', '--now', 'secret')
    owner.until(lambda rows: rows['secret']['status'] == 'stopped')
    hub.flow('another')
    viewer.until(lambda rows: 'another' in rows)
    assert 'secret' not in json.dumps(viewer.heard)
    assert 'alive' not in [
        message['type'] for message in viewer.heard[before:-1]]
    hub.remove('another')
    viewer.until(lambda rows: 'another' not in rows)


def test_rights(hub: HubRun, watch: Callable[[str], Watcher]) -> None:
    """Who may see less from now on is told so; who is gone hears no more."""
    viewer = watch('leaver')
    assert 'totals' in viewer.rows['seen']
    assert 'words' not in viewer.rows['seen']
    assert viewer.rows['seen']['operations'] == [
        'description', 'identity', 'state-totals']
    hub.rules(RULES + LESS)
    viewer.until(lambda rows: 'totals' not in rows['seen'])
    hub.run.cylc('flask', 'user', 'remove', 'leaver')
    with pytest.raises(Ended, match=str(FORBIDDEN)):
        viewer.until(lambda rows: not rows)


@pytest.mark.parametrize('user', ['nobody', 'reader:'])
def test_strangers(hub: HubRun, user: str) -> None:
    """Who has not logged in is told nothing."""
    assert ask(hub).status_code == 401
    assert ask(hub, user).status_code == 401
    with refused(401):
        Watcher(hub, user)
