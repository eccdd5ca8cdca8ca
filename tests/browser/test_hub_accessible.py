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
"""Nothing that axe finds serious, on the pages of the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from playwright.sync_api import expect
import pytest

from tests import node_clients
from tests.browser.test_accessible import AXE, LOOKS, faults
from tests.hub_run import HubRun
from tests.hub_viewer import HubViewer


@pytest.fixture(scope='module')
def axe() -> str:
    """Return the script that looks for faults."""
    node_clients.install()
    return AXE.read_text()


@pytest.fixture(params=LOOKS)
def viewer(
    look: Callable[..., HubViewer], request: pytest.FixtureRequest
) -> HubViewer:
    """Look in some colours, on some screen, with nothing on the move."""
    return look(reduced_motion='reduce', **LOOKS[request.param]).log_in()


@pytest.fixture
def audit(viewer: HubViewer, axe: str) -> Iterator[Callable[[str], None]]:
    """Look for faults in what is seen; all are told at the end."""
    found: list[str] = []

    def look(where: str) -> None:
        viewer.picture(f'hub-axe-{where.replace(" ", "-")}')
        found.extend(
            f'{where}: {each["id"]}: {each["help"]}\n    '
            + '\n    '.join(each['nodes'][:3])
            for each in faults(viewer, axe)
        )

    yield look
    assert not found, '\n'.join(found)


def test_list(viewer: HubViewer, audit: Callable[[str], None]) -> None:
    """The list, with a selection, and with nothing to show."""
    audit('list')
    viewer.flow('site/stalled').locator('.tick').click()
    region = viewer.page.get_by_role('region', name='Selection')
    expect(region).to_be_visible()
    audit('selection')
    viewer.page.get_by_role('searchbox').fill('nobody')
    expect(viewer.flow('site/stalled')).to_be_hidden()
    audit('nothing found')


def test_menu_and_dialogs(
    viewer: HubViewer, audit: Callable[[str], None]
) -> None:
    """All that opens over the list."""
    page = viewer.page
    viewer.flow('site/stalled').locator('.more').click()
    audit('menu')
    entries = page.get_by_role('menuitem').all_inner_texts()
    page.keyboard.press('Escape')
    for entry in entries:
        if entry.endswith('…'):
            viewer.choose('site/stalled', entry)
            check_dialog(viewer, audit, entry.rstrip('…'))
    for name in ('Install…', 'Jobs', 'History', viewer.hub.owner):
        page.get_by_role('button', name=name, exact=True).click()
        check_dialog(viewer, audit, name.rstrip('…'))


def check_dialog(
    viewer: HubViewer, audit: Callable[[str], None], name: str
) -> None:
    expect(viewer.dialog).to_be_visible()
    # What is asked of the hub comes a little later.
    expect(viewer.dialog.locator('button:disabled')).to_have_count(0)
    more = viewer.dialog.locator('summary')
    if more.count():
        more.click()
    audit(f'dialog {name}')
    viewer.page.keyboard.press('Escape')
    expect(viewer.dialog).to_be_hidden()


def test_job(viewer: HubViewer, audit: Callable[[str], None]) -> None:
    """A job with its output, and the notice of its end."""
    viewer.choose('site/stalled', 'Validate…')
    viewer.do('Validate')
    expect(viewer.dialog.get_by_role('status')).to_have_text('succeeded')
    audit('job')
    viewer.close()
    audit('notice')


@pytest.mark.parametrize('path', ['', 'login'])
def test_without_scripts(
    look: Callable[..., HubViewer], axe: str, path: str
) -> None:
    """The pages as they come, for those whose browser runs no scripts."""
    viewer = look()
    viewer.page.route('**/*.js', lambda route: route.abort())
    viewer.page.goto(viewer.hub.login())
    viewer.page.goto(f'{viewer.hub.url}/{path}')
    assert not faults(viewer, axe)


def test_stranger(
    look: Callable[..., HubViewer], axe: str, hub: HubRun
) -> None:
    """What those see who have not logged in, wherever they come to."""
    viewer = look()
    for path in ('', 'workflows/site/stalled/', 'workflows/nowhere/'):
        viewer.page.goto(f'{hub.url}/{path}')
        expect(viewer.page.locator('#password')).to_be_visible()
        assert not faults(viewer, axe)
