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
"""Look at the list of workflows in a browser, as tests do."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Locator, expect

from tests.hub_run import HubRun
from tests.viewer import Viewer

#: It waits for somebody, so that there is something to see.
STALLING = """
    [meta]
        title = Two of three
    [scheduler]
        [[events]]
            stall timeout = PT1H
    [scheduling]
        [[graph]]
            R1 = good & bad => never
    [runtime]
        [[good, never]]
        [[bad]]
            script = false
"""

#: It goes on for as long as anybody looks.
LONG = """
    [meta]
        title = A long one
    [scheduling]
        [[graph]]
            R1 = long
    [runtime]
        [[long]]
            script = sleep 600
"""


class HubViewer(Viewer):
    """A page of the hub in a browser."""

    def __init__(self, hub: HubRun, context: BrowserContext) -> None:
        super().__init__(hub.run, context)
        self.hub = hub

    def log_in(self) -> HubViewer:
        """Come as the owner, by an address that is good for once."""
        self.page.goto(self.hub.login())
        expect(self.live).to_have_attribute('data-mark', 'live')
        return self

    def log_in_as(self, user: str, password: str) -> HubViewer:
        """Come as somebody else, by the form."""
        self.page.goto(f'{self.hub.url}/login')
        self.page.fill('#user', user)
        self.page.fill('#password', password)
        self.page.click('form[action="./login"] button')
        expect(self.live).to_have_attribute('data-mark', 'live')
        return self

    def flow(self, name: str) -> Locator:
        """Return the row of a workflow or a folder."""
        return self.page.locator(f'.row[data-name="{name}"]')

    def status(self, name: str) -> Locator:
        return self.flow(name).locator('.cell.status')

    def choose(self, name: str, entry: str) -> None:
        """Choose from the menu of a workflow."""
        self.flow(name).locator('.more').click()
        self.page.get_by_role('menuitem', name=entry, exact=True).click()

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role('dialog')

    def do(self, name: str) -> None:
        """Press the button of a dialog."""
        self.dialog.get_by_role('button', name=name, exact=True).click()

    def close(self) -> None:
        """Close a dialog."""
        self.do('Close')
        expect(self.dialog).to_be_hidden()
