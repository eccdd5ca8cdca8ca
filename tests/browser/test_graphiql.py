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
"""GraphiQL: queries, commands and subscriptions in the page for them."""

from __future__ import annotations

from playwright.sync_api import Locator, expect
import pytest

from tests.bundle import need_bundle
from tests.harness import Run
from tests.viewer import Viewer, states_of

NARROW = {'width': 390, 'height': 844}


@pytest.fixture(scope='module', autouse=True)
def bundle() -> None:
    """Have GraphiQL."""
    need_bundle()


class Asking:
    """Somebody at GraphiQL."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.page = viewer.page
        self.page.goto(f'{viewer.run.url}/graphql')
        expect(self.editor).to_contain_text('query Workflow')

    @property
    def editor(self) -> Locator:
        return self.page.locator('.graphiql-query-editor .CodeMirror')

    @property
    def answer(self) -> Locator:
        return self.page.locator('.result-window')

    def open(self, title: str) -> None:
        """Take a saved query."""
        show = self.page.get_by_role('button', name='Show Saved queries')
        if show.count():
            show.click()
        self.page.get_by_role('button', name=title, exact=True).click()

    def replace(self, text: str) -> None:
        """Write something else than what there is."""
        self.editor.click()
        self.page.keyboard.press('Control+A')
        self.page.keyboard.insert_text(text)

    def run(self) -> None:
        self.page.get_by_role('button', name='Execute query').click()


def test_queries(run: Run, view) -> None:
    """What is asked is answered, each query in a tab of its own."""
    asking = Asking(view(run))
    asking.run()
    expect(asking.answer).to_contain_text('"statusMsg"')
    asking.open('What has failed, and its jobs')
    asking.run()
    expect(asking.answer).to_contain_text('//1/bad"')
    expect(asking.answer).to_contain_text('"submitNum": 1')
    expect(asking.answer).not_to_contain_text('work_1')
    asking.viewer.picture('graphiql')
    tab = asking.page.get_by_role('button', name='Workflow', exact=True)
    expect(tab).not_to_have_attribute('aria-current', 'true')
    tab.click()
    expect(tab).to_have_attribute('aria-current', 'true')
    expect(asking.answer).to_contain_text('"statusMsg"')


def test_schema(run: Run, view) -> None:
    """The schema is told: as documentation, and while one writes."""
    asking = Asking(view(run, color_scheme='dark'))
    page = asking.page
    page.get_by_role('button', name='Show Documentation Explorer').click()
    docs = page.get_by_role('region', name='Documentation Explorer')
    docs.get_by_text('Mutations', exact=True).click()
    docs.get_by_role('link', name='broadcast', exact=True).click()
    expect(docs).to_contain_text('Clear broadcasts earlier than cutoff')
    asking.viewer.picture('graphiql-dark')
    asking.replace('{ ')
    page.keyboard.type('workflo')
    expect(page.locator('.CodeMirror-hints')).to_contain_text('workflows')
    page.keyboard.press('Escape')
    asking.replace('{ nothing }')
    expect(asking.editor.locator('.CodeMirror-lint-mark-error').first) \
        .to_be_visible()


def test_commands_and_changes(run: Run, view) -> None:
    """A subscription tells of what is done in another window."""
    following = Asking(view(run))
    following.open('Follow all changes')
    following.run()
    expect(following.answer).to_contain_text('work_10')
    expect(following.page.get_by_role('button', name='Stop query')) \
        .to_be_visible()
    asking = Asking(view(run))
    asking.open('Hold tasks')
    asking.page.get_by_role('button', name='Variables').click()
    asking.page.locator('.graphiql-editor-tool .CodeMirror').first.click()
    asking.page.keyboard.insert_text('{"tasks": ["1/never"]}')
    asking.run()
    expect(asking.answer).to_contain_text('"response"')
    expect(asking.answer).to_contain_text('true')
    expect(following.answer).to_contain_text('"isHeld": true')
    expect(following.answer).to_contain_text('1/never')
    asking.replace(
        'mutation { release(workflows: "*", tasks: "1/never") {result} }')
    asking.page.keyboard.press('Control+Enter')
    expect(following.answer).to_contain_text('"isHeld": false')
    following.page.get_by_role('button', name='Stop query').click()
    expect(following.page.get_by_role('button', name='Execute query')) \
        .to_be_visible()
    assert '1/never' in states_of(run)


def test_public(run: Run, view) -> None:
    """The public may ask for what it may see, and is told what it may not."""
    viewer = view(run, anon=True)
    asking = Asking(viewer)
    asking.run()
    expect(asking.answer).to_contain_text("needs the privilege 'full-read'")
    asking.replace('{ workflows { name stateTotals } }')
    asking.run()
    expect(asking.answer).to_contain_text('"failed": 2')
    asking.open('Follow all changes')
    asking.run()
    expect(asking.answer).to_contain_text("needs the privilege 'full-read'")
    viewer.forgive('status of 403')
    asking.page.get_by_role('link', name='Log in').click()
    expect(asking.page).to_have_url(f'{run.url}/login')


def test_narrow(run: Run, view) -> None:
    """On a telephone one is above the other, and nothing is cut off."""
    asking = Asking(view(run, viewport=NARROW, has_touch=True))
    asking.open('Tasks and their states')
    expect(asking.page.get_by_role('region', name='Saved queries')) \
        .to_have_count(0)
    asking.run()
    expect(asking.answer).to_contain_text('//1/bad"')
    editor, answer = (
        part.bounding_box() for part in (asking.editor, asking.answer))
    assert editor['y'] + editor['height'] <= answer['y']
    assert min(editor['height'], answer['height']) > 250
    assert answer['width'] > 350
    assert asking.page.evaluate(
        'document.documentElement.scrollWidth') == NARROW['width']
    asking.viewer.picture('graphiql-narrow')


def test_keys(run: Run, view) -> None:
    """All can be done with keys, and no editor keeps who uses them."""
    asking = Asking(view(run))
    page = asking.page
    reached: list[str] = []
    while 'Answer' not in reached and len(reached) < 40:
        page.keyboard.press('Tab')
        reached.append(page.evaluate(
            'document.activeElement.ariaLabel'
            ' || document.activeElement.textContent.trim()'))
        if reached[-1] == 'Operation':
            page.keyboard.press('Control+Enter')
            expect(asking.answer).to_contain_text('"statusMsg"')
    wanted = [
        'Show Saved queries', 'New tab', 'Operation',
        'Execute query (Ctrl-Enter)', 'Variables', 'Answer',
    ]
    found = [reached.index(name) for name in wanted if name in reached]
    assert len(found) == len(wanted), reached
    assert found == sorted(found)


def test_theme_follows(run: Run, view) -> None:
    """What is chosen on the page of the workflow counts here at once."""
    asking = Asking(view(run))
    page = asking.page
    before = page.evaluate('getComputedStyle(document.body).backgroundColor')
    page.emulate_media(color_scheme='dark')
    expect(page.locator('body')).to_have_class('graphiql graphiql-dark')
    page.wait_for_function(
        'before => getComputedStyle(document.body).backgroundColor !== before',
        arg=before)
    page.get_by_role('button', name='Open settings dialog').click()
    expect(page.get_by_role('dialog')).to_contain_text('Clear storage')
    expect(page.get_by_role('dialog')).not_to_contain_text('Theme')


def test_bundle_is_missing(run: Run, view) -> None:
    """Where the script does not come, the page says what it would be."""
    viewer = view(run)
    viewer.page.route('**/bundle/*.js', lambda route: route.abort())
    viewer.page.goto(f'{run.url}/graphql')
    expect(viewer.page.locator('#graphiql')).to_contain_text(
        'it does not seem to run')
