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
"""Log in to the hub in a browser, and out again; also behind nginx."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import re

from playwright.sync_api import Browser, expect

from tests.hub_client import PASSWORD
from tests.hub_run import HubRun
from tests.hub_viewer import STALLING, HubViewer
from tests.nginx import Nginx

NAME = 'site/stalled'


def fill(viewer: HubViewer, user: str, password: str) -> None:
    viewer.page.fill('#user', user)
    viewer.page.fill('#password', password)
    viewer.page.get_by_role('button', name='Log in').click()


def test_by_the_form(
    look: Callable[..., HubViewer], hub: HubRun
) -> None:
    """It leads on to the page that was wanted."""
    hub.user('ann', 'full-read', PASSWORD)
    viewer = look()
    page = viewer.page
    page.goto(f'{hub.url}/workflows/{NAME}/')
    expect(page).to_have_title('Log in: Cylc hub')
    expect(page.locator('#user')).to_be_focused()
    fill(viewer, 'ann', 'wrong password')
    expect(page.get_by_role('alert')).to_contain_text('That is not the name')
    expect(page.locator('#password')).to_be_focused()
    # The browser tells of the answer, too.
    viewer.complaints.clear()
    fill(viewer, 'ann', PASSWORD)
    expect(page).to_have_url(f'{hub.url}/workflows/{NAME}/')
    expect(page.locator('h1')).to_have_text(NAME)
    page.goto(f'{hub.url}/login')
    expect(page.locator('main')).to_contain_text('You are ann')
    page.get_by_role('button', name='Sign out').click()
    expect(page).to_have_url(re.compile('/login'))
    fill(viewer, 'ann', PASSWORD)
    expect(viewer.flow(NAME)).to_be_visible()


def test_behind_nginx(browser: Browser, tmp_path: Path) -> None:
    """Pages, sockets and log-in find each other below another path."""
    hub = HubRun(STALLING, name=NAME, hub={'proxies': ['127.0.0.1']})
    try:
        hub.run.play()
        hub.start()
        with Nginx(tmp_path, hub.port, {'/cylc': True}) as nginx:
            viewer = HubViewer(hub, browser.new_context(
                ignore_https_errors=True))
            page = viewer.page
            _, _, token = hub.login().partition('?')
            page.goto(f'{nginx.url}/cylc/login/once?{token}')
            expect(page).to_have_url(f'{nginx.url}/cylc/')
            expect(viewer.live).to_have_attribute('data-mark', 'live')
            viewer.flow(NAME).get_by_role('link').click()
            expect(page).to_have_url(
                f'{nginx.url}/cylc/workflows/{NAME}/')
            expect(viewer.live).to_have_attribute('data-mark', 'live')
            assert not viewer.complaints
            viewer.context.close()
    finally:
        hub.close()
