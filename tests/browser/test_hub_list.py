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
"""The list of workflows in a browser: what it shows, and what it can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import re

from playwright.sync_api import Route, expect
import pytest

from tests.hub_run import HubRun
from tests.hub_viewer import LONG, HubViewer

#: What a list says of a workflow that runs until its last cycle.
RUNNING = re.compile('^running to stop at')


#: To read it takes a while.
SLOW = """#!jinja2
    {% set ns = namespace(n=0) %}
    {% for i in range(30000) %}{% for j in range(30000) %}
    {% set ns.n = ns.n + 1 %}
    {% endfor %}{% endfor %}
    [scheduling]
        [[graph]]
            R1 = one
    [runtime]
        [[one]]
"""


@pytest.fixture
def viewer(look: Callable[..., HubViewer]) -> HubViewer:
    """Look at the hub as its owner."""
    return look().log_in()


def test_row(viewer: HubViewer) -> None:
    """A row tells what a workflow does, and why."""
    row = viewer.flow('site/stalled')
    expect(viewer.status('site/stalled')).to_have_text(
        'stalled: 1 task failed')
    expect(row.locator('.totalscell')).to_contain_text('1 failed')
    expect(row).to_contain_text('Two of three')
    expect(viewer.page.locator('[data-word=stalled] b')).to_have_text('1')
    assert viewer.page.title() == '✗1 1 workflow'
    viewer.picture('hub-row')
    row.get_by_role('link').click()
    expect(viewer.page.locator('h1')).to_have_text('site/stalled')
    viewer.page.get_by_role('link', name='Workflows').click()
    expect(viewer.flow('site/stalled')).to_be_visible()


def test_life(viewer: HubViewer, hub: HubRun) -> None:
    """A workflow is installed, played, stopped and cleaned from the page."""
    page = viewer.page
    page.get_by_role('button', name='Install…').click()
    viewer.dialog.get_by_label('Source').select_option('long')
    expect(viewer.dialog.get_by_label('Name', exact=True)).to_have_value(
        'long')
    viewer.dialog.get_by_label('Validate it first').check()
    viewer.do('Install')
    output = viewer.dialog.get_by_role('log')
    expect(output).to_contain_text('$ cylc validate')
    expect(output).to_contain_text('INSTALLED long/run1')
    expect(viewer.dialog.get_by_role('status')).to_have_text(
        'succeeded', timeout=60000)
    expect(viewer.dialog.get_by_role('link')).to_have_text('Open long/run1')
    viewer.picture('hub-job')
    viewer.close()
    expect(page.locator('.notice').last).to_contain_text('play long')
    expect(viewer.status('long/run1')).to_have_text(RUNNING)

    viewer.choose('long/run1', 'Pause')
    expect(viewer.status('long/run1')).to_contain_text('paused')
    viewer.choose('long/run1', 'Resume')
    expect(viewer.status('long/run1')).to_have_text(RUNNING)

    viewer.choose('long/run1', 'Stop…')
    viewer.dialog.get_by_label('How').select_option('now')
    viewer.do('Stop')
    expect(viewer.dialog.get_by_role('log')).to_contain_text('$ cylc stop')
    viewer.close()
    expect(viewer.status('long/run1')).to_have_text('stopped')

    viewer.choose('long/run1', 'Play…')
    viewer.dialog.get_by_label('Pause', exact=True).check()
    viewer.do('Play')
    expect(viewer.dialog.get_by_role('log')).to_contain_text('--pause')
    viewer.close()
    expect(viewer.status('long/run1')).to_contain_text('paused')
    viewer.choose('long/run1', 'Stop…')
    viewer.dialog.get_by_label('How').select_option('now')
    viewer.do('Stop')
    viewer.close()
    expect(viewer.status('long/run1')).to_have_text('stopped')

    viewer.choose('long/run1', 'Clean…')
    viewer.dialog.get_by_label('To confirm').fill('long/run2')
    viewer.do('Clean')
    expect(viewer.dialog.get_by_role('alert')).to_have_text(
        'That is not what was asked for.')
    assert (hub.run.home / 'cylc-run' / 'long' / 'run1').exists()
    viewer.dialog.get_by_label('To confirm').fill('long/run1')
    viewer.do('Clean')
    expect(viewer.flow('long/run1')).to_be_hidden()
    viewer.close()
    assert not (hub.run.home / 'cylc-run' / 'long' / 'run1').exists()


def test_page_of_workflow(viewer: HubViewer) -> None:
    """All that the page of a workflow can do, it can do in the hub."""
    page = viewer.page
    viewer.flow('site/stalled').get_by_role('link').click()
    expect(viewer.live).to_have_attribute('data-mark', 'live')
    expect(viewer.row('1/bad').locator('.name')).to_contain_text('failed')
    viewer.row('1/never').locator('.more').click()
    page.get_by_role('menuitem', name='Hold', exact=True).click()
    expect(page.locator('.notice').last).to_have_text(
        'hold 1/never: succeeded×')
    expect(viewer.row('1/never').locator('.name')).to_contain_text('held')
    viewer.row('1/bad').locator('.label').click()
    panel = page.locator('#task')
    panel.get_by_role('link', name='job.err').first.click()
    expect(page.locator('dialog.log')).to_contain_text('failed/ERR')
    page.get_by_label('Close the log').click()
    page.get_by_role('button', name='Sign out').click()
    expect(page.locator('#password')).to_be_visible()
    page.goto(viewer.hub.url)
    expect(page.locator('#password')).to_be_visible()


def test_play_from_page(viewer: HubViewer, hub: HubRun) -> None:
    """From the page of a workflow that rests it is one step to play it."""
    hub.flow('resting')
    viewer.flow('resting').get_by_role('link').click()
    expect(viewer.live).to_have_attribute('data-mark', 'live')
    expect(viewer.page.get_by_role('button', name='Stop…')).to_be_hidden()
    viewer.page.get_by_role('button', name='Play…').click()
    expect(viewer.page).to_have_url(f'{hub.url}/')
    expect(viewer.dialog.get_by_role('heading')).to_have_text('Play')
    expect(viewer.dialog.locator('.targets')).to_contain_text('resting')
    viewer.do('Cancel')
    hub.remove('resting')
    viewer.flow('site/stalled').get_by_role('link').click()
    expect(viewer.live).to_have_attribute('data-mark', 'live')
    expect(viewer.page.get_by_role('button', name='Stop…')).to_be_visible()
    expect(viewer.page.get_by_role('button', name='Play…')).to_be_hidden()


def test_problems(viewer: HubViewer) -> None:
    """What has stopped with failed tasks is no problem any more."""
    found = viewer.page.evaluate("""async () => {
        const {src} = document.querySelector('script[type=module]');
        const {isProblem} = await import(new URL('./hubstatus.js', src));
        return ['stalled', 'running', 'stopped'].filter(
            (status) => isProblem({status, totals: {failed: 1}}));
    }""")
    assert found == ['stalled', 'running']


def test_name_to_install(viewer: HubViewer, hub: HubRun) -> None:
    """The name follows the source, until somebody writes another."""
    hub.source('other', LONG)
    viewer.page.get_by_role('button', name='Install…').click()
    source = viewer.dialog.get_by_label('Source')
    name = viewer.dialog.get_by_label('Name', exact=True)
    source.select_option('other')
    expect(name).to_have_value('other')
    name.fill('mine')
    source.select_option('long')
    expect(name).to_have_value('mine')
    viewer.do('Cancel')


def test_failure(viewer: HubViewer) -> None:
    """What a command says when it fails is shown, and stays."""
    viewer.choose('site/stalled', 'Reinstall…')
    viewer.do('Reinstall')
    expect(viewer.dialog.get_by_role('status')).to_have_text('failed')
    told = viewer.dialog.locator('.jobtext').inner_text()
    assert 'site/stalled' in told
    viewer.close()
    expect(viewer.page.locator('.notice.is-failed')).to_contain_text(
        'reinstall site/stalled: failed')
    viewer.page.get_by_role('button', name='Jobs', exact=True).click()
    expect(viewer.dialog).to_contain_text('reinstall site/stalled')


@pytest.fixture
def more(hub: HubRun) -> Iterator[None]:
    """Have more workflows, which nobody runs."""
    names = ('site/other', 'far/away/one', 'far/away/two')
    for name in names:
        hub.flow(name)
    yield
    for name in names:
        hub.remove(name)


def test_folders_and_filter(viewer: HubViewer, more: None) -> None:
    """Folders close, the filter finds, and the order is as one likes it."""
    page = viewer.page
    expect(viewer.flow('far/away')).to_contain_text('far/away')
    expect(viewer.flow('far/away/one')).to_contain_text('one')
    rows = page.locator('#hub-rows .row:not(.head)')
    expect(rows.first).to_have_attribute('data-name', 'site')
    page.get_by_label('Order').select_option('name')
    expect(rows.first).to_have_attribute('data-name', 'far/away')
    viewer.flow('far/away').locator('.label').click()
    expect(viewer.flow('far/away/one')).to_be_hidden()
    viewer.page.get_by_role('searchbox').fill('o*')
    expect(viewer.flow('far/away/one')).to_be_visible()
    expect(viewer.flow('site/other')).to_be_visible()
    expect(viewer.flow('site/stalled')).to_be_hidden()
    expect(page).to_have_url(re.compile(r'#\?q=o\*$'))
    page.get_by_role('button', name='Clear').click()
    page.locator('.chip[data-word=stalled]').click()
    expect(rows).to_have_count(1)
    page.locator('.chip[data-word=stalled]').click()
    viewer.flow('far/away').locator('.label').click()
    page.get_by_label('Order').select_option('problems')


def test_selection(viewer: HubViewer, more: None, hub: HubRun) -> None:
    """Several are chosen, and something is done with all for which it fits.
    """
    page = viewer.page
    for name in ('far/away/one', 'far/away/two', 'site/stalled'):
        viewer.flow(name).locator('.tick').click()
    bar = page.get_by_role('region', name='Selection')
    expect(bar).to_contain_text('3 selected')
    play = bar.get_by_role('button', name='Play… (2 workflows)')
    expect(play).to_be_visible()
    bar.get_by_role('button', name='More').click()
    page.get_by_role(
        'menuitem', name='Clean… (2 workflows)', exact=True).click()
    expect(viewer.dialog).to_contain_text('far/away/one far/away/two')
    viewer.dialog.get_by_label('To confirm').fill('2')
    viewer.do('Clean')
    expect(viewer.flow('far/away/one')).to_be_hidden()
    expect(viewer.flow('far/away/two')).to_be_hidden()
    viewer.close()
    expect(bar).to_contain_text('1 selected')
    page.keyboard.press('Escape')
    expect(bar).to_be_hidden()
    assert hub.run.alive


def test_keys(viewer: HubViewer, more: None) -> None:
    """All of it goes without a mouse."""
    page = viewer.page
    page.keyboard.press('/')
    page.keyboard.type('away')
    expect(viewer.flow('far/away/two')).to_be_visible()
    expect(viewer.flow('site/stalled')).to_be_hidden()
    page.locator('#hub-rows').focus()
    for key in ('Home', 'ArrowDown', ' '):
        page.keyboard.press(key)
    expect(page.get_by_role('region', name='Selection')).to_contain_text(
        '1 selected')
    page.keyboard.press('Escape')
    page.keyboard.press('m')
    expect(page.get_by_role('menu')).to_be_visible()
    page.keyboard.press('Escape')
    page.keyboard.press('Enter')
    expect(page.locator('h1')).to_have_text(re.compile('^far/away/'))


def test_rights(look: Callable[..., HubViewer], hub: HubRun) -> None:
    """What somebody may not do is grey; what they may not see is not there.
    """
    hub.user('reader', 'full-read', 'a long password')
    viewer = look().log_in_as('reader', 'a long password')
    viewer.flow('site/stalled').locator('.more').click()
    entry = viewer.page.get_by_role('menuitem', name='Stop…')
    expect(entry).to_have_attribute('aria-disabled', 'true')
    expect(entry).to_contain_text('Needs shutdown; you have full-read.')
    viewer.picture('hub-grey')
    viewer.page.keyboard.press('Escape')
    viewer.page.get_by_role('button', name='reader').click()
    expect(viewer.dialog.locator('.who')).to_have_text(
        'site/stalledfull-read')
    viewer.dialog.get_by_label('May I').select_option('stop')
    viewer.do('Ask')
    expect(viewer.dialog.get_by_role('status')).to_have_text(
        'No: stop needs shutdown, you have full-read here.')
    viewer.picture('hub-who')
    viewer.close()
    hub.user('reader', 'identity')
    expect(viewer.status('site/stalled')).to_have_text('running')
    expect(viewer.flow('site/stalled')).not_to_contain_text('failed')
    viewer.flow('site/stalled').get_by_role('link').click()
    summary = viewer.page.locator('.summary')
    expect(summary).to_contain_text('You may not see more than this.')
    expect(summary.get_by_role('link')).to_have_count(0)
    viewer.page.get_by_role('link', name='Workflows').click()
    expect(viewer.live).to_have_attribute('data-mark', 'live')
    hub.user('reader', 'none')
    expect(viewer.flow('site/stalled')).to_be_hidden()


def test_hub_goes_and_comes(viewer: HubViewer, hub: HubRun) -> None:
    """The page says that the hub is away, and asks to log in afterwards."""
    hub.stop()
    try:
        expect(viewer.live).to_have_attribute('data-mark', 'offline')
    finally:
        hub.start()
    expect(viewer.live).to_have_attribute('data-mark', 'refused')
    again = viewer.page.get_by_role('link', name='log in again')
    expect(again).to_be_visible()


def test_blocked_sockets(
    look: Callable[..., HubViewer], hub: HubRun
) -> None:
    """Without WebSockets the page asks, and what it can do is the same."""
    viewer = look()
    viewer.page.route_web_socket('**/list', lambda ws: ws.close())
    viewer.page.goto(hub.login())
    expect(viewer.live).to_have_attribute('data-mark', 'polling')
    hub.flow('new')
    expect(viewer.flow('new')).to_be_visible()
    viewer.flow('new').locator('.more').click()
    entry = viewer.page.get_by_role('menuitem', name='Play…', exact=True)
    expect(entry).not_to_have_attribute('aria-disabled', 'true')
    hub.remove('new')
    expect(viewer.flow('new')).to_be_hidden()


def test_jobs(viewer: HubViewer, hub: HubRun) -> None:
    """Jobs of others are listed, and can be cancelled."""
    hub.flow('slow', SLOW)
    viewer.choose('slow', 'Validate…')
    viewer.do('Validate')
    viewer.do('Cancel it')
    expect(viewer.dialog.get_by_role('status')).to_have_text('cancelled')
    viewer.close()
    expect(viewer.page.locator('.notice').last).to_contain_text(
        'validate slow: cancelled')
    viewer.page.reload()
    viewer.choose('slow', 'Jobs…')
    status = viewer.dialog.get_by_role('status')
    expect(status).to_have_text('cancelled')
    # An answer from before a job was ordered does not have it.
    viewer.page.evaluate("""async () => {
        const {src} = document.querySelector('script[type=module]');
        const {jobs} = await import(new URL('./hubjobmodel.js', src));
        jobs.all.clear();
        jobs.take([]);
    }""")
    expect(status).to_have_text('cancelled')
    hub.remove('slow')


def test_jobs_without_a_session(viewer: HubViewer) -> None:
    """Who is not known any more does not ask again and again."""
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=401)
    viewer.page.route('**/jobs', refuse)
    viewer.page.evaluate("""async () => {
        const {src} = document.querySelector('script[type=module]');
        const {jobs} = await import(new URL('./hubjobmodel.js', src));
        jobs.watch();
    }""")
    viewer.page.wait_for_timeout(2500)
    assert len(asked) == 1


def test_without_scripts(look: Callable[..., HubViewer]) -> None:
    """The list can be read before any script runs."""
    viewer = look()
    viewer.page.route('**/*.js', lambda route: route.abort())
    viewer.page.goto(viewer.hub.login())
    row = viewer.page.get_by_role('row', name='site/stalled')
    expect(row).to_contain_text('stalled: 1 task failed')
    row.get_by_role('link').click()
    expect(viewer.page.locator('h1')).to_have_text('site/stalled')


def test_narrow(look: Callable[..., HubViewer]) -> None:
    """All there is to know fits on a small screen."""
    viewer = look(viewport={'width': 390, 'height': 844}).log_in()
    for cell in ('name', 'status', 'totalscell', 'morecell'):
        box = viewer.flow('site/stalled').locator(f'.{cell}').bounding_box()
        assert box is not None and box['x'] >= 0
        assert box['x'] + box['width'] <= 390
    assert viewer.page.evaluate(
        'document.documentElement.scrollWidth') <= 390
    viewer.picture('hub-narrow')
