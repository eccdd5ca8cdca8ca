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

from playwright.sync_api import expect

from tests.harness import STOP_TIMEOUT, free_port
from tests.viewer import FLOW


def test_blocked_sockets(run, view):
    """Without WebSockets the page takes server-sent events."""
    viewer = view(run)
    viewer.page.route_web_socket('**/subscriptions', lambda ws: ws.close())
    viewer.look()
    viewer.row('1/never').locator('.more').click()
    viewer.page.get_by_role('menuitem', name='Hold', exact=True).click()
    expect(viewer.page.locator('.notice')).to_contain_text('succeeded')
    expect(viewer.row('1/never').locator('.name')).to_contain_text('held')


def test_nothing_is_pushed(run, view):
    """Without server-sent events either, the page asks."""
    viewer = view(run)
    viewer.page.route_web_socket('**/subscriptions', lambda ws: ws.close())
    viewer.page.route('**/graphql/stream', lambda route: route.abort())
    viewer.page.goto(run.url)
    expect(viewer.live).to_have_attribute('data-mark', 'polling')
    viewer.row('1/never').locator('.more').click()
    viewer.page.get_by_role('menuitem', name='Release', exact=True).click()
    expect(viewer.page.locator('.notice')).to_contain_text('succeeded')


def test_loss_and_return(starter, view):
    """The page says that the server is gone, and goes on when it is back."""
    run = starter(
        FLOW, '--pause', name='comes-and-goes', config={'port': free_port()})
    viewer = view(run).look()
    run.kill()
    expect(viewer.live).to_have_attribute('data-mark', 'offline')
    expect(viewer.row('1/start')).to_be_visible()
    viewer.picture('offline')
    run.play('--pause')
    expect(viewer.live).not_to_have_attribute(
        'data-mark', 'offline', timeout=40000)


def test_reload_and_stop(starter, view):
    """A reload shows what is new; a stop is shown as one."""
    run = starter(FLOW, '--pause', name='reloads')
    viewer = view(run).look()
    page = viewer.page
    run.define(FLOW.replace('never', 'novel'))
    page.get_by_role('button', name='More for the workflow').click()
    page.get_by_role('menuitem', name='Reload').click()
    page.get_by_role('dialog').get_by_role('button', name='Reload').click()
    expect(page.locator('.notice')).to_contain_text('succeeded')
    page.get_by_role('button', name='Stop…').click()
    page.get_by_role('dialog').get_by_label('How').select_option('Now')
    page.get_by_role('dialog').get_by_role(
        'button', name='Stop', exact=True).click()
    run.wait_end(STOP_TIMEOUT)
    expect(page.locator('.status')).to_have_text('stopped')
    viewer.picture('stopped')
