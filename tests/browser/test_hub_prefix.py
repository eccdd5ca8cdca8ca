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
"""The pages of a hub that is not at the root of its host."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.hub_run import HubRun
from tests.hub_viewer import STALLING, HubViewer


def test_below_a_prefix(browser: Browser) -> None:
    """All addresses in the pages are relative to where the hub is."""
    hub = HubRun(STALLING, name='a/b', hub={'prefix': '/site/cylc'})
    try:
        hub.run.play()
        hub.start()
        viewer = HubViewer(hub, browser.new_context()).log_in()
        page, base = viewer.page, f'{hub.url}/site/cylc'
        expect(page).to_have_url(f'{base}/')
        expect(viewer.status('a/b')).to_contain_text('stalled')
        viewer.choose('a/b', 'Validate…')
        viewer.do('Validate')
        expect(viewer.dialog.get_by_role('status')).to_have_text('succeeded')
        viewer.close()
        viewer.flow('a/b').get_by_role('link').click()
        expect(page).to_have_url(f'{base}/workflows/a/b/#tree')
        expect(viewer.live).to_have_attribute('data-mark', 'live')
        viewer.row('1/never').locator('.more').click()
        page.get_by_role('menuitem', name='Hold', exact=True).click()
        expect(page.locator('.notice').last).to_contain_text('succeeded')
        page.get_by_role('link', name='Workflows').click()
        expect(page).to_have_url(f'{base}/')
        page.get_by_role('button', name='Sign out').click()
        expect(page.locator('#password')).to_be_visible()
        # Nothing is left in the browser of what it was shown.
        assert page.evaluate(
            "Object.keys(localStorage).filter((key) => key.includes(':'))"
        ) == []
        viewer.context.close()
        assert not viewer.complaints
    finally:
        hub.close()
