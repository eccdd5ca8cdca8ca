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
"""How the page stays live, and what it does when it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import json
from typing import Any

from playwright.sync_api import WebSocket, expect
import pytest

from tests.harness import STOP_TIMEOUT, Run, Starter, free_port
from tests.viewer import FLOW, Viewer

View = Callable[..., Viewer]

#: Tell the browser that the server has hung up, whatever it has done.
CUT = """async () => {
    const script = document.querySelector('script[type=module]').src;
    const {transport} = await import(new URL('transport.js', script));
    transport._socket._ws.close();
}"""

#: How long a page may take to try again, in milliseconds.
RETURN = 40000


class Frames:
    """What was said on the sockets of a page, each with its messages."""

    def __init__(self, viewer: Viewer) -> None:
        self.sent: list[list[dict[str, Any]]] = []
        self.received: list[list[dict[str, Any]]] = []
        viewer.page.on('websocket', self._opened)

    def _opened(self, socket: WebSocket) -> None:
        for event, kept in (
            ('framesent', self.sent), ('framereceived', self.received),
        ):
            messages: list[dict[str, Any]] = []
            kept.append(messages)
            socket.on(event, lambda text, messages=messages: messages.append(
                json.loads(text)))

    def _asked(self) -> list[dict[str, Any]]:
        """Return what was asked on each socket, {} where nothing was."""
        return [next((
            message['payload'] for message in messages
            if message['type'] == 'subscribe'
            and 'deltas' in message['payload']['query']
        ), {}) for messages in self.sent]

    def asked(self) -> dict[str, Any]:
        """Return what the page followed when it came last."""
        return [asked for asked in self._asked() if asked][-1]

    def results(self) -> list[dict[str, Any]]:
        """Return what the page was told of changes since it came last."""
        last = max(
            number for number, asked in enumerate(self._asked()) if asked)
        return [
            message['payload']['data']['deltas']
            for message in self.received[last]
            if message['type'] == 'next'
            and 'deltas' in message['payload']['data']
        ]

    def bursts(self) -> int:
        """Return how often all there is was told, since it came last."""
        return sum(
            bool((delta.get('added') or {}).get('taskProxies'))
            and bool(delta['added']['workflow']['reloaded'])
            for delta in self.results()
        )


def hold(viewer: Viewer, task: str) -> None:
    """Hold a task by its menu."""
    viewer.row(task).locator('.more').click()
    viewer.page.get_by_role('menuitem', name='Hold', exact=True).click()
    expect(viewer.page.locator('.notice').last).to_contain_text('succeeded')


def command(run: Run, name: str, task: str) -> None:
    """Have something done that the page is not asked to do."""
    run.request('POST', 'graphql', json={
        'query': f'mutation {{{name}(workflows: "*", tasks: ["{task}"])'
        ' {result}}',
    })


@pytest.fixture
def held(run: Run) -> Iterator[str]:
    """Return a task which may be held, and is not afterwards."""
    yield '1/never'
    command(run, 'release', '1/never')


@pytest.fixture
def offline(view: View, run: Run) -> Iterator[Callable[[Viewer], None]]:
    """Cut a page off from the server, for as long as the test wants it."""
    def cut(viewer: Viewer) -> None:
        viewer.context.set_offline(True)
        viewer.page.evaluate(CUT)
        expect(viewer.live).to_have_attribute('data-mark', 'offline')

    yield cut


def test_no_burst_at_first(run: Run, view: View) -> None:
    """What the page has in it is not sent again."""
    viewer = view(run)
    frames = Frames(viewer)
    viewer.look()
    expect(viewer.row('1/bad')).to_be_visible()
    assert set(frames.asked()['extensions']['resume']) == {'feed', 'version'}
    assert frames.bursts() == 0


def test_cut_off(
    run: Run, view: View, offline: Callable[[Viewer], None], held: str
) -> None:
    """Who was cut off gets what was missed, and not all there is."""
    viewer = view(run)
    frames = Frames(viewer)
    viewer.look()
    hold(viewer, held)
    known = viewer.page.locator('[data-word=held] b')
    expect(known).to_have_text('1')
    offline(viewer)
    viewer.picture('cut-off')
    before = frames.asked()['extensions']['resume']['version']
    command(run, 'release', held)
    command(run, 'hold', '1/bad')
    viewer.context.set_offline(False)
    expect(viewer.live).to_have_attribute('data-mark', 'live')
    expect(viewer.row('1/bad').locator('.name')).to_contain_text('held')
    expect(viewer.row(held).locator('.name')).not_to_contain_text('held')
    assert frames.asked()['extensions']['resume']['version'] > before
    assert frames.results()
    assert frames.bursts() == 0
    command(run, 'release', '1/bad')
    expect(known).to_have_count(0)


def test_blocked_sockets(run: Run, view: View, held: str) -> None:
    """Without WebSockets the page takes server-sent events."""
    viewer = view(run)
    asked: list[Any] = []
    viewer.page.route_web_socket('**/subscriptions', lambda ws: ws.close())
    viewer.page.on('request', lambda request: asked.append(
        request.post_data_json) if 'graphql/stream' in request.url else None)
    viewer.look()
    hold(viewer, held)
    expect(viewer.row(held).locator('.name')).to_contain_text('held')
    assert asked[0]['extensions']['resume']['feed']


@pytest.mark.parametrize('way', ['aborted', 'silent'])
def test_nothing_is_pushed(
    run: Run, view: View, held: str, way: str
) -> None:
    """Without server-sent events either, the page asks."""
    viewer = view(run)
    viewer.page.route_web_socket('**/subscriptions', lambda ws: ws.close())
    viewer.page.route(
        '**/graphql/stream',
        lambda route: route.abort() if way == 'aborted' else None)
    viewer.page.goto(run.url)
    expect(viewer.live).to_have_attribute('data-mark', 'polling')
    hold(viewer, held)
    expect(viewer.row(held).locator('.name')).to_contain_text('held')


def test_public_comes_back(starter: Starter, view: View) -> None:
    """The page goes on by itself when the scheduler is back, or is played.

    It is another workflow then for all the page knows: nothing of what it
    was shown before is left.
    """
    run = starter(FLOW, '--pause', name='comes-and-goes', config={
        'port': free_port(), 'public_privilege': 'full-read'})
    viewer = view(run, anon=True)
    frames = Frames(viewer)
    viewer.look()
    run.kill()
    expect(viewer.live).to_have_attribute('data-mark', 'offline')
    expect(viewer.row('1/start')).to_be_visible()
    viewer.picture('offline')
    run.define(FLOW.replace('bad', 'worse'))
    run.play('--pause')
    expect(viewer.live).to_have_attribute('data-mark', 'live', timeout=RETURN)
    expect(viewer.row('1/worse')).to_be_visible()
    expect(viewer.row('1/bad')).to_have_count(0)
    assert frames.bursts() == 1
    run.stop()
    expect(viewer.live).to_have_attribute('data-mark', 'stopped')
    expect(viewer.page.locator('.status')).to_have_text('stopped')
    expect(viewer.row('1/start')).to_be_visible()
    run.play('--pause')
    expect(viewer.live).to_have_attribute('data-mark', 'live', timeout=RETURN)
    expect(viewer.page.locator('.status')).to_contain_text('paused')


def test_owner_comes_back(starter: Starter, view: View) -> None:
    """Sessions end with the server: the page asks to log in again."""
    run = starter(
        FLOW, '--pause', name='other', config={'port': free_port()})
    viewer = view(run).look()
    page = viewer.page
    page.get_by_role('link', name='Log', exact=True).click()
    expect(page.locator('dialog .line').first).to_be_visible()
    run.kill()
    expect(page.locator('dialog')).to_contain_text(
        'the server cannot be reached')
    page.keyboard.press('Escape')
    expect(viewer.live).to_have_attribute('data-mark', 'offline')
    viewer.row('1/start').locator('.label').click()
    expect(page.locator('.notice')).to_contain_text(
        'The details cannot be shown')
    run.play('--pause')
    expect(viewer.live).to_have_attribute(
        'data-mark', 'refused', timeout=RETURN)
    expect(page.locator('.status')).not_to_have_text('stopped')
    expect(viewer.row('1/start')).to_be_visible()
    viewer.picture('refused')
    page.get_by_role('link', name='log in again').click()
    page.fill('#password', run.passphrase)
    page.click('form[action="./login"] button')
    expect(viewer.live).to_have_attribute('data-mark', 'live')
    expect(page.get_by_role('button', name='Resume')).to_be_visible()
    run.stop()
    expect(viewer.live).to_have_attribute('data-mark', 'stopped')
    run.play('--pause')
    expect(viewer.live).to_have_attribute(
        'data-mark', 'refused', timeout=RETURN)


def test_reload_and_stop(starter: Starter, view: View) -> None:
    """A reload shows what is new; a stop is shown as one."""
    run = starter(FLOW, '--pause', name='reloads')
    viewer = view(run).look()
    page = viewer.page
    expect(viewer.row('1/bad')).to_be_visible()
    run.define(FLOW.replace('bad', 'worse'))
    page.get_by_role('button', name='More for the workflow').click()
    page.get_by_role('menuitem', name='Reload').click()
    page.get_by_role('dialog').get_by_role('button', name='Reload').click()
    expect(page.locator('.notice')).to_contain_text('succeeded')
    expect(viewer.row('1/worse')).to_be_visible()
    expect(viewer.row('1/bad')).to_have_count(0)
    page.get_by_role('button', name='Stop…').click()
    page.get_by_role('dialog').get_by_label('How').select_option('Now')
    page.get_by_role('dialog').get_by_role(
        'button', name='Stop', exact=True).click()
    run.wait_end(STOP_TIMEOUT)
    expect(page.locator('.status')).to_have_text('stopped')
    expect(viewer.row('1/start')).to_be_visible()
    expect(page.get_by_role('button', name='Stop…')).to_be_disabled()
    viewer.picture('stopped')
