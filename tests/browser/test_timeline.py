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
"""The timeline: what it shows of jobs, and how time is moved."""

from __future__ import annotations

import itertools
import re

from playwright.sync_api import expect
import pytest

NAMES = ['bad', 'long', 'start', 'work_1', 'work_10', 'work_2']

#: Imports a module of the page, the same that it uses itself.
IMPORT = """
    (name) => import(document.querySelector('script[type=module]')
        .src.replace('main.js', name))
"""

#: The colours that are on the sheet of bars.
COLOURS = """() => {
    const sheet = document.querySelector('.sheet');
    const {data} = sheet.getContext('2d').getImageData(
        0, 0, sheet.width, sheet.height);
    const found = new Set();
    for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] === 255) {
            found.add(`${data[at]} ${data[at + 1]} ${data[at + 2]}`);
        }
    }
    return [...found];
}"""

#: The colours of states, as a canvas gives them back.
INKS = """(states) => states.map((state) => {
    const pen = document.createElement('canvas').getContext('2d');
    pen.fillStyle = getComputedStyle(document.documentElement)
        .getPropertyValue(`--s-${state}`).trim();
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).join(' ');
})"""


class Timeline:
    """The timeline in a browser."""

    def __init__(self, viewer, search=''):
        self.viewer = viewer.look(f'timeline{search}')
        self.page = viewer.page
        self.rows = self.page.locator('#timeline-rows')
        self.panel = self.page.locator('#task')
        self.tip = self.page.locator('.tip.job')
        self.said = self.page.locator('#announcer')
        expect(self.page.locator('.sheet')).to_be_visible()

    def by(self, label):
        """Choose what a row is."""
        self.page.get_by_role('button', name=label, exact=True).click()
        expect(self.rows.locator('.space .row').first).to_have_attribute(
            'data-kind', label[3:])
        return self

    def names(self):
        """Return the names in view, from the top."""
        return self.rows.locator('.space .label').all_inner_texts()

    def row(self, task):
        """Return the row of a task."""
        return self.viewer.row(task)

    def bars(self, name):
        """Return what is told of the jobs of a name."""
        row = self.rows.locator('.space .row').filter(
            has=self.page.locator('.label', has_text=re.compile(f'^{name}$')))
        return row.locator('.bars')

    def spot(self, task, part=0.85):
        """Return a point in a row, at a part of all the time that is seen."""
        box = self.row(task).locator('.bars').bounding_box()
        return (
            box['x'] + box['width'] * part,
            box['y'] + box['height'] / 2,
        )

    def point_at(self, task):
        """Move the mouse along a row until it is on a bar."""
        parts = itertools.cycle([0.85, 0.05, 0.2, 0.35, 0.5, 0.65])

        def found():
            self.page.mouse.move(*self.spot(task, next(parts)))
            return self.tip.is_visible()
        self.viewer.run.wait_for(found, what=f'a bar of {task}')

    @property
    def seen(self):
        """The part of time that is seen, in seconds since 1970."""
        return self.page.evaluate(f"""async () => {{
            const {{seenOf}} = await ({IMPORT})('timeline.js');
            return seenOf();
        }}""")

    @property
    def span(self):
        """How much of time is seen, in seconds."""
        first, last = self.seen
        return last - first

    def expect_span(self, test):
        """Wait until so much of time is seen."""
        self.viewer.run.wait_for(lambda: test(self.span))


@pytest.fixture
def timeline(run, view):
    """Look at the timeline."""
    return Timeline(view(run))


@pytest.mark.parametrize('look', ['light', 'dark', 'narrow'])
@pytest.mark.parametrize('label', ['By name', 'By task'])
def test_looks(run, view, look, label):
    """Bars have the colours of states, in any colours, on any screen."""
    options = {'color_scheme': 'dark' if look == 'dark' else 'light'}
    if look == 'narrow':
        options['viewport'] = {'width': 390, 'height': 800}
    timeline = Timeline(view(run, **options)).by(label)
    page = timeline.page
    states = ['succeeded', 'failed', 'running']
    expected = set(page.evaluate(INKS, states))
    run.wait_for(lambda: expected <= set(page.evaluate(COLOURS)))
    timeline.viewer.picture(f'timeline-{label[3:]}-{look}')
    assert page.evaluate(
        'document.documentElement.scrollWidth <= innerWidth')


def test_colours_follow_the_theme(timeline):
    """Bars are drawn anew when light becomes dark."""
    page = timeline.page
    page.get_by_role('button', name='Dark colours').click()
    running, = page.evaluate(INKS, ['running'])
    timeline.viewer.run.wait_for(lambda: running in page.evaluate(COLOURS))


def test_rows(timeline):
    """A row has all jobs of a name, or those of one task; it says so."""
    expect(timeline.bars('bad')).to_have_text('2 jobs: 2 failed')
    expect(timeline.bars('long')).to_have_text('2 jobs: 2 running')
    assert sorted(timeline.names()) == NAMES
    assert timeline.names()[0] == 'start'
    waiting = timeline.page.locator('.said')
    expect(waiting).to_have_text(re.compile(r'^\d+ tasks without jobs$'))
    timeline.by('By task')
    bars = timeline.row('2/bad').locator('.bars')
    expect(bars).to_have_text(re.compile(
        r'2/bad, job 1, failed; submitted [\d:]+, queued .*; '
        r'started [\d:]+, ran .*; finished [\d:]+$'))
    expect(timeline.row('2/never')).to_have_count(0)


def test_order(timeline):
    """Rows are in the order of time, or by name."""
    choice = timeline.page.get_by_label('Order of rows')
    choice.select_option('By name')
    expect(timeline.rows.locator('.label').first).to_have_text('bad')
    assert timeline.names()[-3:] == ['work_1', 'work_2', 'work_10']
    choice.select_option('Latest first')
    expect(timeline.rows.locator('.label').last).to_have_text('start')


def test_settings_are_remembered(timeline):
    """The page comes again as it was left."""
    timeline.by('By task')
    timeline.page.get_by_label('Order of rows').select_option('last')
    timeline.page.get_by_role('button', name='Last hour').click()
    timeline.expect_span(lambda span: span == pytest.approx(3600))
    key = 'Object.keys(localStorage).find((key) => /timeline/.test(key))'
    timeline.viewer.run.wait_for(lambda: 'follow' in timeline.page.evaluate(
        f'localStorage.getItem({key})'))
    timeline.page.reload()
    button = timeline.page.get_by_role('button', name='By task')
    expect(button).to_have_attribute('aria-pressed', 'true')
    expect(timeline.page.get_by_label('Order of rows')).to_have_value('last')
    timeline.expect_span(lambda span: span == pytest.approx(3600))


@pytest.mark.parametrize(('search', 'shown'), [
    ('?state=failed', ['bad']),
    ('?q=work_1', ['work_1', 'work_10']),
    ('?q=never', []),
])
def test_filter(run, view, search, shown):
    """The filter of the bar applies; what has no job is told of."""
    timeline = Timeline(view(run), search)
    labels = timeline.rows.locator('.space .label')
    expect(labels).to_have_count(len(shown))
    assert sorted(timeline.names()) == shown
    if not shown:
        expect(timeline.page.locator('.field .none')).to_have_text(
            'None of these tasks has a job yet.')


def test_a_bar(timeline):
    """A bar tells of its job, opens its task, and has its menu."""
    timeline.by('By task')
    timeline.page.mouse.move(*timeline.spot('1/long'))
    expect(timeline.tip).to_be_visible()
    expect(timeline.tip).to_contain_text('1/long')
    expect(timeline.tip).to_contain_text('running for')
    timeline.page.mouse.click(*timeline.spot('1/long'), button='right')
    menu = timeline.page.get_by_role('menu', name='1/long')
    expect(menu).to_be_visible()
    timeline.page.keyboard.press('Escape')
    timeline.page.mouse.click(*timeline.spot('1/long'))
    expect(timeline.panel).to_contain_text('long')


def test_mean(run, view):
    """A bar tells how long its task takes."""
    timeline = Timeline(view(run), '?q=1/work_2').by('By task')
    timeline.point_at('1/work_2')
    expect(timeline.tip).to_contain_text(re.compile(r'finished.*mean \d+ s'))


BARS = f"""async () => {{
    const {{Line, expectedEnd}} = await ({IMPORT})('timelinerows.js');
    const {{store}} = await ({IMPORT})('store.js');
    store.definitions.set('some', {{meanElapsedTime: 60}});
    const at = (second) => `2026-01-01T00:00:${{second}}Z`;
    const job = (state, submittedTime, startedTime, finishedTime) => ({{
        state, submittedTime, startedTime, finishedTime}});
    const line = new Line('some', 'some', true);
    line.nodes = [{{task: {{name: 'some', jobs: [
        job('failed', at(10), at(12), at(20)),
        job('submit-failed', at(15), '', ''),
        job('succeeded', null, at(14), at(30)),
        job('preparing', '', null, undefined),
        job('running', at(30), at(31), ''),
        job('submitted', 'no time', null, at(31)),
    ]}}}}];
    line.read();
    return [line.untimed, line.bars.map((bar) => [
        bar.job.state, bar.lane, bar.lanes, expectedEnd(bar)])];
}}"""


def test_times_that_are_not_there(timeline):
    """A job has a bar if it has any time; those at the same time share."""
    untimed, bars = timeline.page.evaluate(BARS)
    assert untimed == 1
    assert bars == [
        ['failed', 0, 3, None], ['succeeded', 1, 3, None],
        ['submit-failed', 2, 3, None],
        ['running', 0, 2, 1767225691000], ['submitted', 1, 2, None],
    ]


def test_bars_of_a_name(timeline):
    """In a row with several cycles, each bar is that of its own task."""
    box = timeline.bars('long').bounding_box()
    found = set()
    for part in (0.25, 0.75):
        timeline.page.mouse.move(
            box['x'] + box['width'] * 0.85, box['y'] + box['height'] * part)
        expect(timeline.tip).to_be_visible()
        found.add(timeline.tip.locator('b').inner_text())
    assert found == {'1/long', '2/long'}


def test_several_bars_are_selected(timeline):
    """With Ctrl, a click selects the task of a bar."""
    timeline.by('By task')
    timeline.page.keyboard.down('Control')
    timeline.page.mouse.click(*timeline.spot('1/long'))
    timeline.page.mouse.click(*timeline.spot('2/long'))
    timeline.page.keyboard.up('Control')
    expect(timeline.page.locator('.selected')).to_contain_text('2 selected')
    expect(timeline.row('1/long')).to_have_attribute('aria-selected', 'true')


def test_wheel(timeline):
    """The wheel zooms with Ctrl or over the axis, and pans with shift."""
    timeline.by('By task')
    x, y = timeline.spot('1/long', 0.5)
    timeline.page.mouse.move(x, y)
    span = timeline.span
    timeline.page.keyboard.down('Control')
    timeline.page.mouse.wheel(0, -300)
    timeline.page.keyboard.up('Control')
    timeline.expect_span(lambda now: now < span * 0.8)
    head = timeline.rows.locator('.head .bars').bounding_box()
    timeline.page.mouse.move(x, head['y'] + 10)
    timeline.page.mouse.wheel(0, 300)
    timeline.expect_span(lambda now: now == pytest.approx(span, 0.2))
    first, _ = timeline.seen
    timeline.page.keyboard.down('Shift')
    timeline.page.mouse.wheel(0, -200)
    timeline.page.keyboard.up('Shift')
    timeline.viewer.run.wait_for(lambda: timeline.seen[0] < first)


def test_drag(timeline):
    """Time is dragged, and what is under the mouse then is not opened."""
    timeline.by('By task')
    first, last = timeline.seen
    x, y = timeline.spot('1/long')
    timeline.page.mouse.move(x, y)
    timeline.page.mouse.down()
    timeline.page.mouse.move(x - 40, y, steps=4)
    timeline.page.mouse.up()
    timeline.viewer.run.wait_for(lambda: timeline.seen[0] > first)
    expect(timeline.panel).to_be_hidden()
    button = timeline.page.get_by_role('button', name='Fit all')
    expect(button).to_have_attribute('aria-pressed', 'false')
    button.click()
    expect(button).to_have_attribute('aria-pressed', 'true')
    timeline.viewer.run.wait_for(
        lambda: timeline.seen[0] == pytest.approx(first, abs=2))


def test_buttons(timeline):
    """Buttons zoom, fit, and follow the present."""
    button = timeline.page.get_by_role
    span = timeline.span
    button('button', name='Zoom in').click()
    timeline.expect_span(lambda now: now < span * 0.7)
    button('button', name='Zoom out').click()
    timeline.expect_span(lambda now: now == pytest.approx(span, 0.05))
    button('button', name='Follow now').click()
    first, _ = timeline.seen
    timeline.viewer.run.wait_for(lambda: timeline.seen[0] > first + 0.5)
    timeline.expect_span(lambda now: now == pytest.approx(span, 0.05))


def test_keys(timeline):
    """All can be done without a mouse, and is said."""
    page = timeline.page
    timeline.by('By task')
    timeline.rows.focus()
    span = timeline.span
    page.keyboard.press('+')
    timeline.expect_span(lambda now: now < span)
    first, _ = timeline.seen
    page.keyboard.press('Shift+ArrowLeft')
    timeline.viewer.run.wait_for(lambda: timeline.seen[0] < first)
    page.keyboard.press('0')
    fit = page.get_by_role('button', name='Fit all')
    expect(fit).to_have_attribute('aria-pressed', 'true')
    page.keyboard.press('n')
    follow = page.get_by_role('button', name='Follow now')
    expect(follow).to_have_attribute('aria-pressed', 'true')
    page.keyboard.press('Home')
    page.keyboard.press('ArrowRight')
    expect(timeline.said).to_contain_text('/start, job 1, succeeded')
    page.keyboard.press('m')
    expect(page.get_by_role('menu')).to_be_visible()
    page.keyboard.press('Escape')
    page.keyboard.press('Enter')
    expect(timeline.panel).to_contain_text('start')


def test_touch(run, view):
    """Two fingers zoom, one goes through time."""
    timeline = Timeline(view(run, has_touch=True))
    timeline.by('By task')
    touch = timeline.page.context.new_cdp_session(timeline.page)
    x, y = timeline.spot('1/long', 0.5)

    def fingers(kind, *places):
        touch.send('Input.dispatchTouchEvent', {
            'type': kind,
            'touchPoints': [
                {'x': x + place, 'y': y, 'id': index}
                for index, place in enumerate(places)],
        })

    span = timeline.span
    fingers('touchStart', -40, 40)
    for step in range(1, 6):
        fingers('touchMove', -40 - step * 20, 40 + step * 20)
    fingers('touchEnd')
    timeline.expect_span(lambda now: now < span * 0.6)
    first, _ = timeline.seen
    fingers('touchStart', 0)
    for step in range(1, 6):
        fingers('touchMove', step * 30)
    fingers('touchEnd')
    timeline.viewer.run.wait_for(lambda: timeline.seen[0] < first)
    expect(timeline.panel).to_be_hidden()


def test_a_further_job(run, timeline):
    """A job comes into its row while one looks."""
    timeline.by('By task')
    bars = timeline.row('2/bad').locator('.bars')
    expect(bars).to_contain_text('job 1, failed')
    timeline.row('2/bad').locator('.more').click()
    timeline.page.get_by_role('menuitem', name='Trigger', exact=True).click()
    expect(bars).to_contain_text('job 2, failed')


def test_key(timeline):
    """What bars look like is told."""
    timeline.page.get_by_text('Key', exact=True).click()
    box = timeline.page.locator('.legendbox')
    expect(box).to_contain_text('Queued at the job runner')
    timeline.viewer.picture('timeline-key')
    timeline.page.keyboard.press('Escape')
    expect(box).to_be_hidden()


TICKS = f"""async ([zone, from, to, width]) => {{
    const load = {IMPORT};
    const {{setZone}} = await load('format.js');
    const {{Scale, ticksOf}} = await load('timelinescale.js');
    setZone({{hours: zone, minutes: 0}});
    const scale = new Scale({{
        mode: 'free', from: Date.parse(from),
        span: Date.parse(to) - Date.parse(from)}});
    scale.width = width;
    const {{ticks, eras}} = ticksOf(scale);
    return [ticks.map(({{text}}) => text), eras.map(({{text}}) => text)];
}}"""


@pytest.mark.parametrize(('zone', 'begin', 'end', 'ticks', 'eras'), [
    (0, '2026-02-28T23:59:58Z', '2026-03-01T00:00:02Z',
     ['23:59:58', '23:59:59', '00:00:00', '00:00:01', '00:00:02'],
     ['Sat, Feb 28, 2026', 'Sun, Mar 1, 2026']),
    (5, '2026-02-28T17:00Z', '2026-02-28T20:00Z',
     ['22:00', '22:30', '23:00', '23:30', '00:00', '00:30', '01:00'],
     ['Sat, Feb 28, 2026', 'Sun, Mar 1, 2026']),
    (0, '2026-02-27T12:00Z', '2026-03-04T12:00Z',
     ['Feb 28', 'Mar 1', 'Mar 2', 'Mar 3', 'Mar 4'],
     ['Feb 2026', 'Mar 2026']),
    (-3, '2025-11-15T00:00Z', '2026-03-15T00:00Z',
     ['Dec', 'Jan', 'Feb', 'Mar'], ['2025', '2026']),
    (0, '1999-06-01T00:00Z', '2005-06-01T00:00Z',
     ['2000', '2001', '2002', '2003', '2004', '2005'], []),
])
def test_ticks(timeline, zone, begin, end, ticks, eras):
    """The axis has round times, on the clock of the workflow."""
    found = timeline.page.evaluate(TICKS, [zone, begin, end, 600])
    assert found == [ticks, eras]
