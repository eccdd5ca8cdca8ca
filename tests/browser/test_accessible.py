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
"""Nothing that axe finds serious, on any page, in any state of it.

axe comes from the npm registry with the clients of other tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from playwright.sync_api import expect
import pytest

from tests import node_clients
from tests.harness import Run
from tests.viewer import Viewer

AXE = node_clients.NODE / 'node_modules' / 'axe-core' / 'axe.min.js'

#: What is not to be found.
IMPACTS = ('serious', 'critical')

#: Look for them, below a dialog or a menu if one is open: nothing else can
#: be reached then, and it was looked at before.
FIND = """async () => (await axe.run(
    document.querySelector('dialog[open], .menu') ?? document,
    {resultTypes: ['violations']},
)).violations.map(({id, impact, help, nodes}) => ({
    id, impact, help,
    nodes: nodes.map((node) => `${node.target}: ${node.failureSummary}`),
}))"""

LOOKS: dict[str, dict[str, Any]] = {
    'light': {},
    'dark': {'color_scheme': 'dark'},
    'narrow': {'viewport': {'width': 390, 'height': 844}},
    'narrow-dark': {
        'viewport': {'width': 390, 'height': 844}, 'color_scheme': 'dark'},
}

#: Pages other than that of the workflow.
PAGES = (
    'login', 'api', 'graphql', 'logs', 'logs/scheduler', 'logs/1/bad',
    'logs/9/nothing', 'nowhere',
)


@pytest.fixture(scope='module')
def axe() -> str:
    """Return the script that looks for faults."""
    node_clients.install()
    return AXE.read_text()


@pytest.fixture(params=LOOKS)
def viewer(
    run: Run, view: Callable[..., Viewer], request: pytest.FixtureRequest
) -> Viewer:
    """Look in some colours, on some screen, with nothing on the move."""
    return view(run, reduced_motion='reduce', **LOOKS[request.param])


@pytest.fixture
def audit(viewer: Viewer, axe: str) -> Iterator[Callable[[str], None]]:
    """Look for faults in what is seen; all are told at the end."""
    found: list[str] = []

    def look(where: str) -> None:
        found.extend(
            f'{where}: {each["id"]} ({each["impact"]}): {each["help"]}\n    '
            + '\n    '.join(each['nodes'][:3])
            for each in faults(viewer, axe)
        )

    yield look
    assert not found, '\n'.join(found)


def faults(viewer: Viewer, axe: str) -> list[dict[str, Any]]:
    """Return what axe finds that is not to be there."""
    if not viewer.page.evaluate("'axe' in window"):
        viewer.page.evaluate(axe)
    return [
        each for each in viewer.page.evaluate(FIND)
        if each['impact'] in IMPACTS
    ]


def test_views(viewer: Viewer, audit: Callable[[str], None]) -> None:
    """Each view, with a selection, a filter, and with nothing to show."""
    tabs = viewer.look().page.locator('.tabs a')
    views = [tab.get_attribute('data-view') or '' for tab in tabs.all()]
    assert len(views) >= 3
    for name in views:
        viewer.look(name)
        expect(viewer.page.locator('[aria-current=page]')).to_be_visible()
        audit(name)
    viewer.look('table?state=failed&q=bad')
    viewer.row('2/bad').locator('.tick').click()
    expect(viewer.page.get_by_role('region', name='Selection')).to_be_visible()
    audit('selection')
    viewer.look('tree?q=nobody')
    audit('nothing found')


@pytest.mark.parametrize('viewer', ['light', 'narrow-dark'], indirect=True)
def test_menus_and_dialogs(
    viewer: Viewer, audit: Callable[[str], None]
) -> None:
    """All that opens over a view."""
    page = viewer.look().page
    entries = open_menu(viewer)
    audit('menu of a task')
    page.keyboard.press('Escape')
    for entry in entries:
        if entry.endswith('…'):
            open_menu(viewer)
            page.get_by_role('menuitem', name=entry, exact=True).click()
            check_dialog(viewer, audit, entry)
    page.get_by_role('button', name='More for the workflow').click()
    audit('menu of the workflow')
    entries = page.get_by_role('menuitem').all_inner_texts()
    page.keyboard.press('Escape')
    for entry in entries:
        if entry.endswith('…'):
            page.get_by_role('button', name='More for the workflow').click()
            page.get_by_role('menuitem', name=entry, exact=True).click()
            check_dialog(viewer, audit, entry)
    open_menu(viewer)
    page.get_by_role('menuitem', name='Poll', exact=True).click()
    expect(page.locator('.notice').last).to_contain_text('poll 1/bad')
    audit('notice')
    page.get_by_role('button', name='History', exact=True).click()
    check_dialog(viewer, audit, 'what was done')


def open_menu(viewer: Viewer) -> list[str]:
    """Open the menu of a task, and return what is in it."""
    viewer.row('1/bad').locator('.more').click()
    return viewer.page.get_by_role('menuitem').all_inner_texts()


def check_dialog(
    viewer: Viewer, audit: Callable[[str], None], name: str
) -> None:
    dialog = viewer.page.get_by_role('dialog')
    expect(dialog).to_be_visible()
    audit(f'dialog {name}')
    viewer.page.keyboard.press('Escape')
    expect(dialog).to_be_hidden()


def test_panel_and_logs(viewer: Viewer, audit: Callable[[str], None]) -> None:
    """One task, and the logs."""
    page = viewer.look().page
    viewer.row('1/bad').locator('.label').click()
    panel = page.locator('#task')
    expect(panel.locator('section').first).to_be_visible()
    audit('panel')
    panel.get_by_role('link', name='job.err').first.click()
    expect(page.locator('dialog.log')).to_be_visible()
    audit('log')
    page.get_by_label('Close the log').click()
    page.evaluate("location.hash = '#log=scheduler/log'")
    expect(page.locator('dialog .line').first).to_be_visible()
    audit('log of the scheduler')


def test_pages(viewer: Viewer, audit: Callable[[str], None]) -> None:
    """All other pages, those which only say that there is nothing too."""
    page = viewer.page
    for path in PAGES:
        page.goto(f'{viewer.run.url}/{path}')
        expect(page.locator('body')).to_be_visible()
        audit(path)
        viewer.picture(f'page-{path.replace("/", "-")}')
    viewer.forgive('status of 404')


def test_public(viewer: Viewer, audit: Callable[[str], None]) -> None:
    """What those see who may see little, and the form with a complaint."""
    viewer.context.clear_cookies()
    viewer.page.goto(viewer.run.url)
    expect(viewer.live).to_have_attribute('data-mark', 'polling')
    audit('summary')
    viewer.page.goto(f'{viewer.run.url}/login')
    viewer.page.fill('#password', 'wrong')
    viewer.page.click('form[action="./login"] button')
    expect(viewer.page.get_by_role('alert')).to_be_visible()
    viewer.forgive('status of 403')
    audit('refused')


@pytest.mark.parametrize('path', ['', 'login', 'graphql'])
def test_without_scripts(
    run: Run, view: Callable[..., Viewer], axe: str, path: str,
) -> None:
    """The page as it comes, for those whose browser runs no scripts."""
    viewer = view(run)
    viewer.page.route('**/*.js', lambda route: route.abort())
    viewer.page.goto(f'{run.url}/{path}')
    assert not faults(viewer, axe)
    viewer.picture(f'no-scripts-{path}')
