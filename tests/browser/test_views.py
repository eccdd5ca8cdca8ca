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
"""What the page shows of a workflow, and how it is chosen."""

from __future__ import annotations

from playwright.sync_api import expect
import pytest

VIEWS = ('tree', 'table', 'dots')


def names(viewer) -> list[str]:
    """Return the names in view, from the top."""
    return viewer.page.locator('.space .label').all_inner_texts()


@pytest.mark.parametrize('shown', VIEWS)
@pytest.mark.parametrize('look', ['light', 'dark', 'narrow'])
def test_views(run, view, shown, look):
    """Each view shows itself, in any colours, on any screen."""
    options = {'color_scheme': 'dark' if look == 'dark' else 'light'}
    if look == 'narrow':
        options['viewport'] = {'width': 390, 'height': 800}
    viewer = view(run, **options).look(shown)
    page = viewer.page
    expect(page.locator('#view > .rows, #view > .dots')).to_be_visible()
    expect(page.locator('[aria-current=page]')).to_have_text(shown.title())
    viewer.picture(f'{shown}-{look}')
    assert page.evaluate(
        'document.documentElement.scrollWidth <= innerWidth')
    theme = page.locator('html').get_attribute('data-theme')
    assert theme == options['color_scheme']


def test_header(run, view):
    """The header says what there is, and how it is."""
    page = view(run).look().page
    header = page.locator('#header')
    expect(header.locator('h1')).to_have_text('looked-at')
    expect(header.locator('.status')).to_contain_text('running')
    expect(header.locator('.facts')).to_contain_text('live mode · Cylc 8.')
    expect(header.locator('[data-word=failed] b')).to_have_text('2')
    assert page.title().startswith('✗2 looked-at')


def test_tree(run, view):
    """The tree has cycles, families, tasks and jobs, in people's order."""
    viewer = view(run).look()
    page = viewer.page
    expect(viewer.row('1/work_10')).to_be_visible()
    first = names(viewer)
    assert first[:5] == ['1', 'WORK', 'EASY', 'work_1', 'work_2']
    assert first[5] == 'work_10'
    expect(viewer.row('1/WORK')).to_have_attribute('aria-level', '2')
    expect(viewer.row('1/bad').locator('.name')).to_contain_text('failed')
    viewer.row('1/bad').locator('.twist').click()
    expect(page.get_by_text('job 1', exact=True)).to_be_visible()


def test_what_is_open_is_remembered(run, view):
    """A family that was closed is closed after the page comes anew."""
    viewer = view(run).look()
    viewer.row('1/WORK').locator('.twist').click()
    expect(viewer.row('1/work_10')).to_have_count(0)
    viewer.page.reload()
    expect(viewer.row('1/WORK')).to_have_attribute('aria-expanded', 'false')
    expect(viewer.row('1/work_10')).to_have_count(0)
    viewer.page.get_by_role('button', name='open all').click()
    expect(viewer.row('1/work_10')).to_be_visible()


def test_tree_by_keys(run, view):
    """All of the tree can be reached without a mouse."""
    viewer = view(run).look()
    tree = viewer.page.locator('#tree-rows')
    tree.focus()
    for key in ('Home', 'ArrowDown', 'ArrowLeft'):
        viewer.page.keyboard.press(key)
    expect(viewer.row('1/WORK')).to_have_attribute('aria-expanded', 'false')
    viewer.page.keyboard.press('ArrowRight')
    expect(viewer.row('1/WORK')).to_have_attribute('aria-expanded', 'true')
    viewer.page.keyboard.press('ArrowDown')
    viewer.page.keyboard.press('Space')
    expect(viewer.row('1/EASY')).to_have_attribute('aria-selected', 'true')
    active = tree.get_attribute('aria-activedescendant')
    assert viewer.row('1/EASY').get_attribute('id') == active
    viewer.page.keyboard.press('m')
    expect(viewer.page.get_by_role('menu')).to_be_visible()
    viewer.page.keyboard.press('Escape')
    expect(tree).to_be_focused()


def test_table_is_sorted(run, view):
    """A click on the head of a column sorts, a second the other way."""
    viewer = view(run).look('table')
    expect(viewer.row('1/bad')).to_be_visible()
    viewer.page.get_by_role('button', name='Task', exact=True).click()
    up = names(viewer)
    assert up.index('work_2') < up.index('work_10')
    viewer.page.get_by_role('button', name='Task', exact=True).click()
    assert names(viewer)[0] == 'work_10'
    head = viewer.page.locator('.head [data-column=name]')
    expect(head).to_have_attribute('aria-sort', 'descending')


@pytest.mark.parametrize(('wish', 'shown'), [
    ('state=failed', {'1/bad', '2/bad'}),
    ('cycle=2&state=failed', {'2/bad'}),
    ('q=work_1&cycle=1', {'1/work_1', '1/work_10'}),
    ('q=work_?&cycle=1', {'1/work_1', '1/work_2'}),
    ('q=1/b*', {'1/bad'}),
    ('q=!work b&cycle=1..1', {'1/bad'}),
    ('family=EASY&cycle=1', {'1/work_1', '1/work_2'}),
])
def test_filter(run, view, wish, shown):
    """The URL says which tasks are shown, and keeps saying it."""
    viewer = view(run).look(f'table?{wish}')
    for task in shown:
        expect(viewer.row(task)).to_be_visible()
    ids = {
        row.get_attribute('data-id').partition('//')[2]
        for row in viewer.page.locator('.space .row').all()
    }
    assert ids == shown
    viewer.page.get_by_role('link', name='Tree').click()
    expect(viewer.row(min(shown))).to_be_visible()
    search = viewer.page.evaluate('location.hash.split("?")[1]')
    assert search


def test_filter_by_hand(run, view):
    """Typing and clicking filters, and changes the URL."""
    viewer = view(run).look('table')
    page = viewer.page
    page.keyboard.press('/')
    page.keyboard.type('bad')
    expect(page.locator('.shown')).to_contain_text('of')
    expect(viewer.row('1/long')).to_have_count(0)
    page.locator('[data-word=failed]').click()
    expect(page.locator('.space .row')).to_have_count(2)
    expect(page.locator('[data-word=failed]')).to_have_attribute(
        'aria-pressed', 'true')
    page.wait_for_function('location.hash.includes("state=failed")')
    assert 'q=bad' in page.url
    page.get_by_role('button', name='Clear').click()
    expect(viewer.row('1/long')).to_be_visible()


@pytest.mark.parametrize('shown', ['tree', 'table', 'dots', 'graph'])
def test_filter_in_a_link(run, view, shown):
    """Who comes by a link is told at once how much the filter leaves."""
    viewer = view(run).look(f'{shown}?q=nosuch')
    expect(viewer.page.locator('.shown')).to_contain_text('0 of')
    if shown == 'dots':
        expect(viewer.page.locator('#view .empty')).to_be_visible()


def test_dots_by_keys(run, view):
    """Dots say their names to those who go along them."""
    viewer = view(run).look('dots')
    viewer.page.locator('#dot-field').focus()
    viewer.page.keyboard.press('ArrowRight')
    said = viewer.page.locator('#announcer')
    expect(said).to_contain_text('1/')
    first = said.inner_text()
    viewer.page.keyboard.press('ArrowDown')
    expect(said).not_to_have_text(first)
    viewer.page.keyboard.press('Space')
    expect(viewer.page.locator('.selected')).to_contain_text('1 selected')


def test_theme_is_remembered(run, view):
    """The switch of colours outlasts the page."""
    viewer = view(run).look()
    viewer.page.get_by_role('button', name='Dark colours').click()
    viewer.page.reload()
    expect(viewer.page.locator('html')).to_have_attribute(
        'data-theme', 'dark')


def test_public(run, view):
    """Who has not logged in sees totals, and no task of their own."""
    viewer = view(run, anon=True)
    viewer.page.goto(run.url)
    expect(viewer.page.locator('[data-word=failed]')).to_contain_text('2')
    link = viewer.page.get_by_role('link', name='Log in').first
    expect(link).to_be_visible()
    expect(viewer.page.locator('.row')).to_have_count(0)
    expect(viewer.page.get_by_role('button', name='Pause')).to_have_count(0)
    expect(viewer.live).to_have_attribute('data-mark', 'polling')
    viewer.picture('public')
