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
"""GraphiQL over all workflows of a hub."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect
import pytest

from tests.browser.test_graphiql import Asking
from tests.bundle import need_bundle
from tests.hub_viewer import HubViewer


@pytest.fixture(scope='module', autouse=True)
def bundle() -> None:
    """Have GraphiQL."""
    need_bundle()


class AskingHub(Asking):
    """Somebody at GraphiQL, who has come from the list of workflows."""

    def __init__(self, viewer: HubViewer) -> None:
        self.viewer = viewer
        self.page = viewer.page
        self.page.get_by_role('link', name='API').click()
        expect(self.editor).to_contain_text('query Workflow')


def test_queries_and_changes(look: Callable[..., HubViewer]) -> None:
    """All workflows answer, and a subscription tells what is done."""
    following = AskingHub(look().log_in())
    following.run()
    expect(following.answer).to_contain_text('stalled')
    following.open('Follow all changes')
    following.run()
    expect(following.answer).to_contain_text('site/stalled//1/bad')
    asking = AskingHub(look().log_in())
    for command, held in (('hold', 'true'), ('release', 'false')):
        asking.replace(
            f'mutation {{ {command}(workflows: "*", tasks: "1/never")'
            ' {result} }')
        asking.page.keyboard.press('Control+Enter')
        expect(asking.answer).to_contain_text('"response"')
        expect(following.answer).to_contain_text(f'"isHeld": {held}')
