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
"""The panel of a task, and the viewer of logs, as people use them."""

from __future__ import annotations

from collections.abc import Callable
import re

from playwright.sync_api import Locator, expect
import pytest

from tests.asking import give, state
from tests.harness import Run, Starter

FLOW = """
    [scheduling]
        [[xtriggers]]
            never = echo(succeed=False)
        [[graph]]
            R1 = '''
                talk & big & odd
                talk:half & fail => later
                wait_for_me | talk => either
                @never => patient
            '''
    [runtime]
        [[FAM]]
        [[talk]]
            inherit = FAM
            script = '''
                cylc message -- 'half of it'
                for number in {1..9999}; do
                    echo "line $number"
                    sleep 0.1
                done
            '''
            [[[outputs]]]
                half = half of it
            [[[meta]]]
                title = Talks & talks
                URL = https://example.org/talk
                colour = green
        [[big]]
            script = '''
                seq -f 'number %.0f of a large log, where there is much' 60000
                sleep 1000
            '''
        [[odd]]
            script = '''
                printf '\\033[31mred\\033[0m <b>bold</b> \\x07bell\\r\\n'
                printf 'x%.0s' {1..20000}
                printf '\\n\\xff\\xfe no text \\xe2\\x9c\\x93 end'
                sleep 1000
            '''
        [[fail]]
            script = sleep 1; false
        [[later, either, patient]]
        [[wait_for_me]]
            script = sleep 1000
"""

#: Of a phone.
SMALL = {'width': 390, 'height': 844}


@pytest.fixture(scope='module')
def run(starter: Starter) -> Run:
    run = starter(
        FLOW, name='talkative',
        config={'authentication': 'basic'},
    )
    wanted = dict.fromkeys(('talk', 'big', 'odd', 'wait_for_me'), 'running')
    wanted['fail'] = 'failed'
    run.wait_for(
        lambda: all(state(run, f'1/{task}') == wanted[task]
                    for task in wanted), 90, str(wanted))
    big = run.job_file('1/big', 'job.out')
    run.wait_for(lambda: 'number 60000 ' in big.read_text())
    return run


class Log:
    """The viewer of logs on a page."""

    def __init__(self, viewer) -> None:
        self.viewer = viewer
        self.page = viewer.page
        self.dialog = viewer.page.locator('dialog.log')
        self.lines = self.dialog.locator('.line')

    def open(self, link: str) -> Log:
        self.page.evaluate('(hash) => {location.hash = hash}', f'#log={link}')
        expect(self.lines.first).to_be_attached()
        return self

    def line(self, number: int) -> Locator:
        return self.dialog.locator(f'[data-line="{number}"]')

    @property
    def loaded(self) -> list[int]:
        return self.dialog.evaluate(
            """dialog => [...dialog.querySelectorAll('[data-line]')]
               .map((line) => Number(line.dataset.line))""")


@pytest.fixture
def log(run: Run, view: Callable) -> Log:
    return Log(view(run).look())


def panel_of(viewer, task: str) -> Locator:
    viewer.look('tree')
    viewer.page.evaluate(
        """async (task) => {
            const base = document.querySelector('script[type=module]').src;
            const {openTask} = await import(new URL('panel.js', base).href);
            openTask(`${document.body.dataset.workflow}//${task}`);
        }""", task)
    panel = viewer.page.locator('#task')
    expect(panel.locator('section').first).to_be_visible()
    return panel


def section(panel: Locator, title: str) -> Locator:
    return panel.get_by_role('region', name=title, exact=True)


def test_task(run: Run, view: Callable) -> None:
    panel = panel_of(view(run), '1/talk')
    expect(panel.get_by_role('heading', level=2)).to_have_text('1/talk')
    expect(panel.get_by_role('heading', level=2)).to_be_focused()
    about = section(panel, 'About')
    expect(about).to_contain_text('Talks & talks')
    expect(about).to_contain_text('FAM')
    expect(about).to_contain_text('green')
    expect(about.get_by_role('link')).to_have_attribute('rel', 'noreferrer')
    jobs = section(panel, 'Jobs')
    expect(jobs).to_contain_text('#1 running')
    expect(jobs.get_by_label('Messages')).to_contain_text('half of it')
    outputs = section(panel, 'Outputs')
    expect(outputs).to_contain_text('reached: half “half of it”')
    expect(outputs).to_contain_text('not reached: succeeded')
    panel.locator('summary').click()
    expect(section(panel, 'Settings')).to_contain_text('echo "line $number"')


def test_what_a_task_waits_for(run: Run, view: Callable) -> None:
    viewer = view(run)
    panel = panel_of(viewer, '1/later')
    waits = section(panel, 'Waits for')
    expect(waits).to_contain_text('1 of 2 not satisfied.')
    expect(waits).to_contain_text('satisfied: 1/talk half of it')
    expect(waits).to_contain_text('missing: 1/fail succeeded')
    expect(waits.locator('.now')).to_contain_text('failed')
    viewer.picture('task')
    waits.get_by_role('button', name='1/fail').click()
    expect(panel.get_by_role('heading', level=2)).to_have_text('1/fail')
    panel = panel_of(viewer, '1/either')
    expect(section(panel, 'Waits for').locator('code')).to_have_text(
        re.compile(r'1/\w+:succeeded \| 1/\w+:succeeded'))
    panel = panel_of(viewer, '1/patient')
    expect(section(panel, 'External triggers')).to_contain_text(
        'missing: never')


def test_it_is_kept_current(run: Run, view: Callable) -> None:
    """And what the reader has opened, or is at, stays so."""
    panel = panel_of(view(run), '1/wait_for_me')
    expect(panel.locator('.words')).to_contain_text('running')
    panel.locator('summary').click()
    panel.get_by_role('link', name='job.err').focus()
    give(run, 'kill', tasks=['1/wait_for_me'])
    expect(panel.locator('.words')).to_contain_text('failed')
    expect(section(panel, 'Jobs')).to_contain_text('#1 failed')
    expect(panel.get_by_role('link', name='job.err')).to_be_focused()
    expect(panel.locator('details')).to_have_attribute('open', '')


def test_broadcasts(run: Run, view: Callable) -> None:
    viewer = view(run)
    run.cylc('broadcast', '-n', 'FAM', '-s', '[environment]MOOD=good', '-p',
             '1', run.name)
    panel = panel_of(viewer, '1/talk')
    expect(section(panel, 'Broadcasts')).to_contain_text(
        '[environment]MOOD for 1/FAM')
    panel = panel_of(viewer, '1/big')
    expect(section(panel, 'Broadcasts')).to_be_hidden()


def test_close_by_escape(run: Run, view: Callable) -> None:
    viewer = view(run)
    panel = panel_of(viewer, '1/talk')
    viewer.page.keyboard.press('Escape')
    expect(panel).to_be_hidden()


def test_a_task_that_nobody_knows(run: Run, view: Callable) -> None:
    viewer = view(run)
    viewer.look('tree')
    viewer.page.evaluate(
        """async () => {
            const base = document.querySelector('script[type=module]').src;
            const {openTask} = await import(new URL('panel.js', base).href);
            openTask(`${document.body.dataset.workflow}//1/unlikely_one`);
        }""")
    note = viewer.page.locator('#task .note')
    expect(note).to_contain_text('no longer near the active tasks')


def test_follow(log: Log) -> None:
    """From the panel to the log, which goes on by itself."""
    panel = panel_of(log.viewer, '1/talk')
    panel.get_by_role('link', name='job.out').click()
    expect(log.lines.last).to_be_in_viewport()
    before = log.loaded[-1]
    expect(log.line(before + 20)).to_be_in_viewport()
    # It stays where the reader is.
    log.dialog.locator('.lines').evaluate('(place) => place.scrollTop = 0')
    now = log.loaded[-1]
    expect(log.line(now + 20)).to_be_attached()
    expect(log.lines.first).to_be_in_viewport()
    # Each once, in their order.
    loaded = log.loaded
    assert loaded == [*range(1, len(loaded) + 1)]
    log.viewer.picture('log-followed')
    log.page.keyboard.press('Escape')
    expect(log.dialog).to_be_hidden()
    expect(panel.get_by_role('link', name='job.out')).to_be_focused()
    expect(panel).to_be_visible()


def test_not_followed(log: Log) -> None:
    log.open('1/talk/01/job.out')
    log.dialog.get_by_label('Follow').uncheck()
    log.page.wait_for_timeout(1500)
    before = log.loaded[-1]
    log.page.wait_for_timeout(2500)
    assert log.loaded[-1] == before
    log.dialog.get_by_label('Follow').check()
    expect(log.line(before + 20)).to_be_in_viewport()


def test_a_large_log(log: Log, run: Run) -> None:
    """Its end first, and more of it where the reader goes."""
    log.open('1/big/01/job.out')
    expect(log.lines.last).to_be_in_viewport()
    first, last = log.loaded[0], log.loaded[-1]
    assert last > 60_000 and first > 50_000
    text = log.line(last - 5).text_content()
    for _ in range(2):
        log.dialog.locator('.lines').evaluate(
            '(place) => place.scrollTop = 0')
        log.page.wait_for_function(
            'first => Number(document.querySelector("dialog .line")'
            '.dataset.line) < first', arg=first)
        expect(log.line(first)).to_be_in_viewport()
        first = log.loaded[0]
    loaded = log.loaded
    assert loaded == [*range(first, last + 1)]
    assert log.line(last - 5).text_content() == text
    content = run.job_file('1/big', 'job.out').read_text().splitlines()
    for number in (first, (first + last) // 2, last):
        assert log.line(number).text_content() == content[number - 1]


def test_link_to_a_line(log: Log, run: Run) -> None:
    log.page.goto('about:blank')
    log.page.goto(f'{run.url}/#log=1/big/01/job.out:30000')
    line = log.line(30000)
    expect(line).to_be_in_viewport()
    expect(line).to_have_class(re.compile('marked'))
    content = run.job_file('1/big', 'job.out').read_text().splitlines()
    assert line.text_content() == content[29999]
    log.viewer.picture('log-line')
    other = log.line(30003).get_by_role('link', name='line 30003')
    other.click()
    assert log.page.url.endswith('/#log=1/big/01/job.out:30003')
    expect(log.line(30003)).to_have_class(re.compile('marked'))
    # On from there, to what follows.
    last = log.loaded[-1]
    log.dialog.locator('.lines').evaluate(
        '(place) => place.scrollTop = place.scrollHeight')
    expect(log.line(last + 100)).to_be_attached()
    loaded = log.loaded
    assert loaded == [*range(loaded[0], loaded[-1] + 1)]
    log.dialog.get_by_label('Close the log').click()
    assert '#log' not in log.page.url


def test_find(log: Log) -> None:
    log.open('1/big/01/job.out:30000')
    log.page.keyboard.press('Tab')
    field = log.dialog.get_by_role('searchbox')
    field.fill('NUMBER 3000')
    status = log.dialog.locator('.search [role=status]')
    expect(status).to_have_text(re.compile(r'of 10$|of 11$'))
    field.press('Enter')
    first = log.dialog.locator('.marked').text_content()
    field.press('Enter')
    second = log.dialog.locator('.marked')
    assert 'number 3000' in first and first != second.text_content()
    expect(second).to_be_in_viewport()
    field.press('Shift+Enter')
    expect(log.dialog.locator('.marked')).to_have_text(first)
    log.viewer.picture('log-found')
    field.fill('nothing of the kind')
    expect(status).to_have_text('none')
    field.press('Escape')
    expect(field).to_have_value('')
    expect(log.dialog).to_be_visible()


def test_any_bytes(log: Log) -> None:
    log.open('1/odd/01/job.out')
    text = log.dialog.locator('.lines')
    expect(text).to_contain_text('red <b>bold</b> ␇bell')
    expect(text).to_contain_text('… (12000 more characters)')
    expect(text).to_contain_text('�� no text ✓ end')


def test_files_and_folders(log: Log) -> None:
    log.open('1/talk/01')
    files = log.dialog.get_by_label('File', exact=True)
    expect(files.locator('option')).to_have_text([
        re.compile(f'^{name} – ') for name in (
            'job', 'job.out', 'job.err', 'job-activity.log', 'job.status')])
    files.select_option('1/talk/01/job')
    expect(log.lines.first).to_contain_text('#!/bin/bash')
    with log.page.expect_download() as download:
        log.dialog.get_by_role('link', name='Download').click()
    assert download.value.suggested_filename == '1-talk-01-job'
    log.dialog.get_by_label('Close the log').click()
    log.page.get_by_role('link', name='Log', exact=True).click()
    expect(log.dialog.locator('.lines')).to_contain_text('INFO - Run mode')
    log.dialog.get_by_label('Folder').select_option('config')
    expect(log.dialog.locator('.lines')).to_contain_text('[scheduling]')
    log.dialog.get_by_label('Wrap').uncheck()
    expect(log.dialog.locator('.lines')).not_to_have_class('lines wrap')


def test_what_there_is_not(log: Log) -> None:
    log.page.evaluate("location.hash = '#log=1/talk/01/nothing'")
    expect(log.dialog).to_contain_text('There is no nothing yet.')
    log.dialog.get_by_label('Close the log').click()
    log.page.evaluate("location.hash = '#log=1/nobody/01/job.out'")
    expect(log.dialog).to_contain_text('There are no logs yet.')


def test_on_a_phone(run: Run, view: Callable) -> None:
    viewer = view(run, viewport=SMALL, color_scheme='dark')
    panel = panel_of(viewer, '1/talk')
    assert panel.bounding_box()['width'] == SMALL['width']
    viewer.picture('task-phone')
    panel.get_by_role('link', name='job.out').click()
    expect(viewer.page.locator('dialog .line').last).to_be_in_viewport()
    viewer.page.wait_for_timeout(1500)
    expect(viewer.page.locator('dialog .line').last).to_be_in_viewport()
    viewer.picture('log-phone')
    wide = viewer.page.evaluate('document.documentElement.scrollWidth')
    assert wide == SMALL['width']
