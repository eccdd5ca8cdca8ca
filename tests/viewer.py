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
"""A page in a browser, for the tests that look at it.

The browser is Debian's Chromium, driven by Playwright. Pictures of what was
seen are kept where ``CYLC_FLASK_PICTURES`` names a folder.
"""

from __future__ import annotations

import os
from pathlib import Path
import re
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.harness import Run

#: How long a page may take to show something, in milliseconds.
PATIENCE = 30000

#: Chromium asks its makers for this and that when it starts; not here.
ARGUMENTS = (
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync',
)

#: What the browser itself says of a server that is away.
EXPECTED = re.compile(r'net::ERR_|WebSocket connection to|status of 401')

#: A bit of everything: families, cycles, a failure, what waits and what runs.
FLOW = """
    [meta]
        title = Something to look at
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        final cycle point = 3
        runahead limit = P1
        [[graph]]
            P1 = '''
                start => WORK:succeed-all & long => end
                start => bad => never
                start => long
            '''
    [runtime]
        [[WORK]]
        [[EASY]]
            inherit = WORK
        [[start]]
        [[work_1, work_2]]
            inherit = EASY
        [[work_10]]
            inherit = WORK
        [[bad]]
            script = false
        [[never, end]]
        [[long]]
            script = sleep 300
"""


class Viewer:
    """A page in a browser, and what it complained of."""

    def __init__(self, run: Run, context: BrowserContext) -> None:
        self.run = run
        self.context = context
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on('console', self._heard)
        self.page.on('pageerror', lambda error: self.complaints.append(
            f'{error}\n{error.stack}'))

    def _heard(self, message: Any) -> None:
        if message.type == 'error' and not EXPECTED.search(message.text):
            self.complaints.append(message.text)

    def forgive(self, pattern: str) -> None:
        """Forget complaints which a test has caused itself."""
        self.complaints = [
            text for text in self.complaints if not re.search(pattern, text)]

    def log_in(self) -> Viewer:
        """Prove the passphrase, by the form."""
        self.page.goto(f'{self.run.url}/login')
        self.page.fill('#user', 'cylc')
        self.page.fill('#password', self.run.passphrase)
        self.page.click('form[action="./login"] button')
        # What is gone to next would be left again for where this leads.
        self.page.wait_for_url(lambda url: not url.endswith('/login'))
        return self

    def look(self, view: str = 'tree') -> Viewer:
        """Show a view, with a filter if there is one."""
        self.page.goto(f'{self.run.url}/#{view}')
        self.page.reload()
        expect(self.live).to_have_attribute('data-mark', 'live')
        return self

    @property
    def live(self) -> Locator:
        """The mark that says whether the page is told of changes."""
        return self.page.locator('.live')

    def row(self, task: str) -> Locator:
        """The row of a task, a family or a cycle: ``1/foo``, ``1``."""
        return self.page.locator(f'.row[data-id$="//{task}"]')

    def picture(self, name: str) -> None:
        """Keep what is seen."""
        folder = os.environ.get('CYLC_FLASK_PICTURES')
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            picture = self.page.screenshot()
            (Path(folder) / f'{name}.png').write_bytes(picture)


def ended(run: Run) -> bool:
    """Return whether nothing more happens, but for what never ends."""
    states = states_of(run)
    return all(
        states.get(f'{cycle}/{task}') == state
        for cycle in (1, 2)
        for task, state in (
            ('bad', 'failed'), ('long', 'running'),
            ('work_1', 'succeeded'), ('work_2', 'succeeded'),
            ('work_10', 'succeeded'),
        )
    )


def states_of(run: Run) -> dict[str, str]:
    """Return the states of tasks, by ``1/foo``."""
    answer = run.request('POST', 'graphql', json={
        'query': '{taskProxies {id state}}',
    }).json()
    return {
        task['id'].partition('//')[2]: task['state']
        for task in answer['data']['taskProxies']
    }
