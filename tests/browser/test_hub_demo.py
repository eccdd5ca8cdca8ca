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
"""What the README promises: the hub with its demo, and a second workflow."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from tests.harness import wait_for
from tests.hub_run import HubRun
from tests.hub_viewer import LONG, HubViewer

ADDRESS = re.compile(r'http\S+token=\S+')

DEMO = 'cylc-flask-demo'


def test_demo(browser: Browser) -> None:
    """By the printed address one sees the demo, and starts another."""
    hub = HubRun(name='not-run')
    # As on a machine where Cylc was never configured.
    del hub.run.environment['CYLC_CONF_PATH']
    try:
        hub.source('second', LONG)
        hub.start('--demo')
        # It comes after the hub's own address.
        address = wait_for(
            lambda: ADDRESS.search(hub.said()), what='an address')
        viewer = HubViewer(hub, browser.new_context())
        page = viewer.page
        page.goto(address[0])
        expect(viewer.live).to_have_attribute('data-mark', 'live')
        expect(page).to_have_url(f'{hub.url}/')
        expect(viewer.status(DEMO)).to_contain_text('running')

        page.get_by_role('button', name='Install…').click()
        viewer.dialog.get_by_label('Source').select_option('second')
        viewer.do('Install')
        link = viewer.dialog.get_by_role('link', name='Open second/run1')
        expect(link).to_be_visible(timeout=60000)
        viewer.close()
        expect(viewer.flow('second/run1').locator('.totalscell')).to_have_text(
            re.compile('1 running'))
        viewer.picture('hub-demo')
        viewer.flow('second/run1').get_by_role('link').click()
        expect(viewer.live).to_have_attribute('data-mark', 'live')
        expect(viewer.row('1/long').locator('.name')).to_contain_text(
            'running')
        viewer.context.close()
        assert not viewer.complaints
    finally:
        hub.close()
