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
"""What can be done from the page, and what it says of it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.harness import wait_for
from tests.viewer import states_of


def menu(viewer, task, entry):
    """Choose from the menu of a task."""
    viewer.row(task).locator('.more').click()
    viewer.page.get_by_role('menuitem', name=entry, exact=True).click()


def notice(viewer):
    """Return the newest notice."""
    return viewer.page.locator('.notice').last


def broadcasts(run):
    """Return what is broadcast now; it is told with the next change."""
    answer = run.request('POST', 'graphql', json={
        'query': '{workflows {broadcasts}}'}).json()
    return answer['data']['workflows'][0]['broadcasts']


def test_hold_and_release(run, view):
    """A task is held, and the true outcome is told."""
    viewer = view(run).look()
    menu(viewer, '1/never', 'Hold')
    expect(notice(viewer)).to_have_text('hold 1/never: succeeded×')
    mark = viewer.row('1/never').locator('.name')
    expect(mark).to_contain_text('held')
    menu(viewer, '1/never', 'Release')
    expect(notice(viewer)).to_contain_text('release 1/never: succeeded')
    expect(mark).not_to_contain_text('held')


def test_selection(run, view):
    """Several tasks at once, chosen by ticks."""
    viewer = view(run).look('table?cycle=1')
    page = viewer.page
    viewer.row('1/never').locator('.tick').click()
    viewer.row('1/bad').locator('.tick').click()
    bar = page.get_by_role('region', name='Selection')
    expect(bar).to_contain_text('2 selected')
    page.get_by_label('Filter by name').fill('never')
    expect(bar).to_contain_text('1 of them left out by the filter')
    page.get_by_role('button', name='Clear').first.click()
    expect(bar).not_to_contain_text('left out')
    bar.get_by_role('button', name='Hold').click()
    expect(notice(viewer)).to_contain_text(': succeeded')
    expect(page.locator('[data-word=held] b')).to_have_text('2')
    bar.get_by_role('button', name='Release').click()
    expect(page.locator('[data-word=held]')).to_have_count(0)
    page.keyboard.press('Escape')
    expect(bar).to_be_hidden()


def test_trigger(run, view):
    """A task runs again: there is a second job."""
    viewer = view(run).look()
    menu(viewer, '1/bad', 'Trigger')
    expect(notice(viewer)).to_contain_text('trigger 1/bad: succeeded')
    expect(viewer.row('1/bad').locator('.jobs .icon')).to_have_count(2)


def test_pause_and_resume(run, view):
    """The button of the workflow is the one that makes sense."""
    viewer = view(run).look()
    page = viewer.page
    page.get_by_role('button', name='Pause').click()
    expect(page.locator('.status')).to_contain_text('paused')
    expect(page.get_by_role('button', name='Pause')).to_be_hidden()
    page.get_by_role('button', name='Resume').click()
    expect(page.locator('.status')).to_contain_text('running')


def test_failure_is_told(run, view):
    """A command that cannot work says why, and stays to be read."""
    viewer = view(run).look()
    viewer.page.get_by_role('button', name='More for the workflow').click()
    viewer.page.get_by_role(
        'menuitem', name='Hold after a cycle point').click()
    viewer.page.get_by_label('Cycle point').last.fill('soon')
    viewer.page.get_by_role('dialog').get_by_role(
        'button', name='Hold after').click()
    expect(notice(viewer)).to_contain_text(
        'hold after a cycle point: failed')
    expect(notice(viewer)).to_contain_text('soon')


def test_set(run, view):
    """Outputs are set by a dialog."""
    viewer = view(run).look()
    menu(viewer, '2/bad', 'Set outputs…')
    dialog = viewer.page.get_by_role('dialog')
    expect(dialog).to_contain_text('2/bad')
    dialog.get_by_label('Outputs').fill('succeeded')
    dialog.get_by_role('button', name='Set outputs').click()
    expect(notice(viewer)).to_contain_text('set outputs 2/bad: succeeded')
    wait_for(lambda: states_of(run).get('2/bad') == 'succeeded')


def test_broadcast(run, view):
    """Settings are broadcast, and bad ones are refused."""
    viewer = view(run).look()
    menu(viewer, '1/never', 'Broadcast…')
    dialog = viewer.page.get_by_role('dialog')
    dialog.get_by_label('Settings').fill('no setting')
    dialog.get_by_role('button', name='Broadcast').click()
    expect(dialog.get_by_role('alert')).to_contain_text('no setting')
    dialog.get_by_label('Settings').fill(
        'script = true\n[environment]COLOUR = red')
    dialog.get_by_role('button', name='Broadcast').click()
    expect(notice(viewer)).to_contain_text('broadcast 1/never: succeeded')
    wait_for(lambda: broadcasts(run) == {'1': {'never': {
        'script': 'true', 'environment': {'COLOUR': 'red'}}}})
    menu(viewer, '1/never', 'Clear broadcasts…')
    dialog.get_by_role('button', name='Clear broadcasts').click()
    expect(notice(viewer)).to_contain_text(
        'clear broadcasts 1/never: succeeded')


def test_broadcast_is_refused(run, view):
    """What the scheduler does not take has not succeeded."""
    viewer = view(run).look()
    menu(viewer, '1/never', 'Broadcast…')
    dialog = viewer.page.get_by_role('dialog')
    dialog.get_by_label('Settings').fill('scrpt = true')
    dialog.get_by_role('button', name='Broadcast').click()
    expect(notice(viewer)).to_contain_text('broadcast 1/never: failed')
    expect(notice(viewer)).to_contain_text('scrpt')
    menu(viewer, '1/never', 'Clear broadcasts…')
    dialog.get_by_role('button', name='Clear broadcasts').click()
    expect(notice(viewer)).to_contain_text('done, with warnings')
    expect(notice(viewer)).to_contain_text('nothing was set for')


def test_kill_asks_first(run, view):
    """What destroys asks, and "Cancel" does nothing."""
    viewer = view(run).look()
    menu(viewer, '1/long', 'Kill…')
    dialog = viewer.page.get_by_role('dialog')
    expect(dialog).to_contain_text('1/long')
    dialog.get_by_role('button', name='Cancel').click()
    expect(dialog).to_be_hidden()
    expect(viewer.page.locator('.notice')).to_have_count(0)
    menu(viewer, '1/long', 'Kill…')
    dialog.get_by_role('button', name='Kill').click()
    expect(notice(viewer)).to_contain_text('kill 1/long: succeeded')
    wait_for(lambda: states_of(run).get('1/long') == 'failed')


def test_what_was_done(run, view):
    """What was done is remembered, until it is to be forgotten."""
    viewer = view(run).look()
    menu(viewer, '1/never', 'Poll')
    expect(notice(viewer)).to_contain_text('poll 1/never: done, with warnings')
    viewer.page.reload()
    viewer.page.get_by_role('button', name='History').click()
    dialog = viewer.page.get_by_role('dialog')
    expect(dialog).to_contain_text('poll 1/never done, with warnings')
    viewer.picture('history')
    dialog.get_by_role('button', name='Forget all').click()
    expect(dialog).to_contain_text('Nothing yet')


def history(page):
    """Return what was done, as it is listed."""
    page.get_by_role('button', name='History').click()
    return page.locator('dialog .journal li')


def test_what_was_done_in_two_windows(run, view):
    """Two windows of a browser do not forget for each other."""
    viewer = view(run).look()
    other = viewer.context.new_page()
    other.goto(f'{run.url}/#tree')
    expect(other.locator('.live')).to_have_attribute('data-mark', 'live')
    for page, task in ((viewer.page, '1/never'), (other, '1/bad')) * 2:
        page.locator(f'.row[data-id$="//{task}"] .more').click()
        page.get_by_role('menuitem', name='Release', exact=True).click()
        # Some releases of Cylc warn where nothing was held.
        expect(page.locator('.notice').last).to_contain_text(re.compile(
            f'release {task}: (succeeded|done, with warnings)'))
    for page in (viewer.page, other):
        expect(history(page)).to_have_count(4)
        page.reload()
        expect(history(page)).to_have_count(4)


def test_what_was_never_decided(run, view):
    """What was under way when the page was left is not so for ever."""
    viewer = view(run).look()
    page = viewer.page
    page.route('**/graphql', lambda route: (
        None if 'mutation' in (route.request.post_data or '')
        else route.continue_()))
    menu(viewer, '1/never', 'Hold')
    expect(notice(viewer)).to_contain_text('hold 1/never: sent')
    page.reload()
    expect(history(page)).to_contain_text(['hold 1/never outcome not known'])


COPY = """async () => {
    const script = document.querySelector('script[type=module]').src;
    const {store} = await import(new URL('store.js', script));
    const {query} = await import(new URL('transport.js', script));
    const {SNAPSHOT} = await import(new URL('documents.js', script));
    const fresh = (await query(SNAPSHOT)).workflows[0];
    // What comes with the page leaves out what is false or empty.
    const bare = (value) => JSON.stringify(value || null);
    const plain = (map, wanted) => wanted.every((one) => {
        const mine = map.get(one.id);
        return mine && Object.entries(one).every(
            ([name, value]) => bare(mine[name]) === bare(value));
    }) && map.size === wanted.length;
    return plain(store.tasks, fresh.taskProxies)
        && plain(store.jobs, fresh.jobs);
}"""


def test_copy_is_exact(run, view):
    """After changes the page has what a fresh query gives."""
    viewer = view(run).look()
    for command in ('hold', 'release', 'trigger'):
        run.request('POST', 'graphql', json={
            'query': 'mutation ($tasks: [NamespaceIDGlob]!) {'
            f' {command}(workflows: "*", tasks: $tasks) {{result}}}}',
            'variables': {'tasks': ['1/bad']},
        })
    second = viewer.row('1/bad').locator('.jobs .icon').nth(1)
    expect(second).to_be_visible()
    wait_for(lambda: viewer.page.evaluate(COPY), what='an exact copy')
