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
"""The graph: what is in it, how it is looked at, and that it stays steady."""

from __future__ import annotations

from pathlib import Path
import re
from xml.etree import ElementTree

from playwright.sync_api import expect
import pytest

from tests.bundle import need_bundle

#: Where the picture is, and how large: [x, y, scale].
PLACE = """() => {
    const {a, e, f} = new DOMMatrix(
        getComputedStyle(document.querySelector('.world')).transform);
    return [e, f, a];
}"""

#: Lay out many nodes, as the view does.
LARGE = """async (count) => {
    const script = document.querySelector('script[type=module]').src;
    const {Layouts} = await import(new URL('graphlayout.js', script));
    const nodes = new Map([...Array(count).keys()].map((number) => [
        `n${number}`,
        {id: `n${number}`, parent: null, width: 100, height: 44},
    ]));
    const edges = [...Array(count - 10).keys()].map(
        (number) => [`n${number >> 1}`, `n${number + 1}`]);
    // A circle, which no graph of Cylc's should have.
    edges.push(['n7', 'n3']);
    const layouts = new Layouts();
    const wish = {direction: 'RIGHT', ratio: 1.5, label: () => 50};
    const made = await layouts.make(
        {nodes, boxes: new Map(), edges}, wish);
    layouts.close();
    return [made.rough, made.nodes.size, made.lines.length];
}"""

#: The longest time that nothing else could be done, in milliseconds.
WATCH = """() => {
    window.longest = 0;
    new PerformanceObserver((list) => {
        for (const {duration} of list.getEntries()) {
            window.longest = Math.max(window.longest, duration);
        }
    }).observe({type: 'longtask'});
}"""


class Graph:
    """The graph in a browser."""

    def __init__(self, viewer, search=''):
        self.viewer = viewer.look(f'graph{search}')
        self.page = viewer.page
        self.field = self.page.locator('#graph-field')
        self.settled()

    def settled(self):
        """Wait until all is drawn, with edges."""
        expect(self.node('1/start')).to_be_visible()
        expect(self.page.locator('path.lines:not(.lit, .dim)')) \
            .to_have_attribute('d', pattern('M'))

    def node(self, task):
        return self.page.locator(f'.node[data-id$="//{task}"]')

    def box(self, group):
        return self.page.locator(f'.box[data-id$="//{group}"]')

    def choose(self, label, option):
        self.page.get_by_label(label, exact=True).select_option(option)

    @property
    def place(self):
        return self.page.evaluate(PLACE)

    @property
    def note(self):
        return self.page.locator('.graph-bar .note')


def pattern(text):
    """Return what matches all that has a text in it."""
    return re.compile(text)


@pytest.fixture(scope='module', autouse=True)
def bundle():
    """The library that lays graphs out is in the bundle."""
    need_bundle()


@pytest.fixture
def graph(run, view):
    return Graph(view(run, reduced_motion='reduce'))


@pytest.mark.parametrize('look', ['light', 'dark', 'narrow'])
def test_graph(run, view, look):
    """Tasks, families and edges are there, on any screen."""
    options = {'color_scheme': 'dark' if look == 'dark' else 'light'}
    if look == 'narrow':
        options['viewport'] = {'width': 390, 'height': 800}
    graph = Graph(view(run, **options))
    for task in ('1/bad', '2/end', '3/start'):
        expect(graph.node(task)).to_be_visible()
    expect(graph.box('1/EASY')).to_be_visible()
    expect(graph.node('1/bad').locator('.icon.s-failed').first) \
        .to_be_visible()
    expect(graph.node('1/bad').locator('.icon.job')).to_have_count(1)
    expect(graph.note).to_be_hidden()
    graph.viewer.picture(f'graph-{look}')
    assert graph.page.evaluate(
        'document.documentElement.scrollWidth <= innerWidth')


def test_families_are_closed_and_opened(graph):
    """A family is one node, or a box; the choice is remembered."""
    graph.choose('Families', 'closed')
    expect(graph.node('1/WORK')).to_contain_text('3 tasks')
    expect(graph.node('1/work_1')).to_have_count(0)
    graph.viewer.picture('graph-closed')
    graph.page.reload()
    graph.settled()
    graph.node('1/WORK').click()
    expect(graph.box('1/WORK')).to_be_visible()
    expect(graph.node('1/EASY')).to_contain_text('2 tasks')
    graph.box('1/WORK').locator('.opener').click()
    expect(graph.node('1/WORK')).to_be_visible()
    graph.choose('Families', 'none')
    expect(graph.node('1/work_1')).to_be_visible()
    expect(graph.page.locator('.box')).to_have_count(0)
    graph.page.get_by_label('Cycles as boxes').check()
    graph.box('1').locator('.opener').click()
    expect(graph.node('1')).to_contain_text('cycle 1')
    expect(graph.node('1/start')).to_have_count(0)


def test_direction(graph):
    """What depends on a task is beside it, or below it."""
    def boxes():
        return [graph.node(f'1/{name}').locator('.card').bounding_box()
                for name in ('start', 'bad')]

    start, bad = boxes()
    assert start['x'] + start['width'] < bad['x']
    graph.choose('Direction', 'down')
    graph.page.wait_for_function("""() => {
        const [start, bad] = ['start', 'bad'].map((name) => document
            .querySelector(`.node[data-id$="//1/${name}"] .card`)
            .getBoundingClientRect());
        return start.bottom < bad.top;
    }""")


def test_click(graph):
    """A click opens the task; with a key it selects."""
    graph.node('1/bad').click()
    expect(graph.page.locator('#task')).to_contain_text('bad')
    graph.node('1/long').click(modifiers=['Control'])
    expect(graph.node('1/long')).to_have_class(pattern('chosen'))
    expect(graph.page.locator('.selected')).to_contain_text('1 selected')


def test_menu(graph):
    """The menu is that of the tree, also for a closed family."""
    graph.node('1/bad').click(button='right')
    menu = graph.page.get_by_role('menu', name='1/bad')
    expect(menu.get_by_role('menuitem', name='Trigger', exact=True)) \
        .to_be_visible()
    graph.page.keyboard.press('Escape')
    graph.box('1/WORK').locator('.title').click(button='right')
    expect(graph.page.get_by_role('menu', name='1/WORK')).to_be_visible()


def test_keys(graph):
    """All of the graph can be reached without a mouse."""
    page = graph.page
    graph.field.focus()
    page.keyboard.press('Home')
    said = page.locator('#announcer')
    expect(said).to_contain_text('1/')
    while 'start, succeeded' not in said.inner_text():
        before = said.inner_text()
        page.keyboard.press('ArrowLeft')
        expect(said).not_to_have_text(before)
    expect(said).to_contain_text('before 5 others')
    page.keyboard.press('ArrowRight')
    expect(said).to_contain_text('after 1/start')
    expect(page.locator('.node.current')).to_have_count(1)
    page.keyboard.press('Space')
    expect(page.locator('.selected')).to_contain_text('1 selected')
    page.keyboard.press('m')
    expect(page.get_by_role('menu')).to_be_visible()
    page.keyboard.press('Escape')
    expect(graph.field).to_be_focused()
    page.keyboard.press('Enter')
    expect(page.locator('#task')).to_be_visible()


def test_zoom(graph):
    """Wheel, buttons, keys and a drag move the picture."""
    page = graph.page
    first = graph.place
    graph.node('1/bad').hover()
    page.mouse.wheel(0, -200)
    page.wait_for_function(f'() => ({PLACE})()[2] > {first[2] * 1.2}')
    page.locator('[data-zoom=actual]').click()
    page.wait_for_function(f'() => ({PLACE})()[2] === 1')
    before = graph.place
    box = graph.field.bounding_box()
    x, y = box['x'] + 30, box['y'] + 30
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=4)
    page.mouse.up()
    page.wait_for_function(f'() => ({PLACE})()[0] === {before[0] + 60}')
    expect(page.locator('#task')).to_be_hidden()
    graph.field.focus()
    page.keyboard.press('-')
    page.wait_for_function(f'() => ({PLACE})()[2] < 1')
    page.keyboard.press('0')
    page.wait_for_function(f"""() => ({PLACE})().every((number, index) =>
        Math.abs(number - {first}[index]) < 0.01)""")


def test_fingers(run, view):
    """Two fingers zoom, and a finger that moves does not click."""
    graph = Graph(view(
        run, viewport={'width': 390, 'height': 800}, has_touch=True,
        reduced_motion='reduce'))
    box = graph.field.bounding_box()
    x, y = box['x'] + box['width'] / 2, box['y'] + 200
    before = graph.place
    fingers = graph.viewer.context.new_cdp_session(graph.page)

    def touch(kind, *points):
        fingers.send('Input.dispatchTouchEvent', {
            'type': kind, 'touchPoints': [
                {'x': x + dx, 'y': y, 'id': number}
                for number, dx in enumerate(points)]})

    touch('touchStart', -30, 30)
    for apart in (40, 60, 90):
        touch('touchMove', -apart, apart)
    touch('touchEnd')
    graph.page.wait_for_function(f'() => ({PLACE})()[2] > {before[2] * 2}')
    expect(graph.page.locator('#task')).to_be_hidden()


def test_filter(graph):
    """What the filter leaves out is pale, or away."""
    page = graph.page
    page.keyboard.press('/')
    page.keyboard.type('bad')
    expect(graph.node('1/start')).to_have_class(pattern('dim'))
    expect(graph.node('1/bad')).not_to_have_class(pattern('dim'))
    page.get_by_label('Hide what the filter leaves out').check()
    expect(graph.node('1/start')).to_have_count(0)
    expect(graph.node('2/bad')).to_be_visible()
    page.get_by_role('button', name='Clear').click()
    expect(graph.node('1/start')).to_be_visible()


def test_download(graph, tmp_path):
    """The picture is a file which needs no style sheet and no script."""
    with graph.page.expect_download() as download:
        graph.page.locator('[data-zoom=save]').click()
    assert download.value.suggested_filename == 'looked-at.svg'
    path = Path(tmp_path) / 'graph.svg'
    download.value.save_as(path)
    text = path.read_text()
    words = ('var(', 'currentcolor', ' class=', ' style=', 'href', ' data-')
    for word in words:
        assert word not in text, text[text.index(word) - 300:][:400]
    root = ElementTree.parse(path).getroot()
    space = '{http://www.w3.org/2000/svg}'
    written = {one.text for one in root.iter(f'{space}text')}
    assert {'bad', 'work_10', 'EASY'} <= written
    page = graph.viewer.context.new_page()
    page.goto(path.as_uri())
    page.screenshot(path=tmp_path / 'graph.png')
    fill = page.evaluate("""() => getComputedStyle([...document
        .querySelectorAll('text')].find((one) => one.textContent === 'bad'))
        .fontWeight""")
    assert fill == '600'


def test_live(graph, run):
    """A state changes where it is, without another layout."""
    before = graph.node('1/never').bounding_box()
    run.request('POST', 'graphql', json={
        'query': 'mutation {hold(workflows: "*", tasks: ["1/never"])'
        ' {result}}'})
    expect(graph.node('1/never').locator('.badge')).to_be_visible()
    assert graph.node('1/never').bounding_box() == before
    run.request('POST', 'graphql', json={
        'query': 'mutation {release(workflows: "*", tasks: ["1/never"])'
        ' {result}}'})
    expect(graph.node('1/never').locator('.badge')).to_have_count(0)


def test_extent(graph):
    """A wider window brings more tasks, and what is looked at stays."""
    page = graph.page
    extent = page.get_by_label('Edges around active tasks')
    expect(extent).to_have_value('1')
    page.locator('[data-zoom=actual]').click()
    graph.node('1/start').click(modifiers=['Control'])
    page.keyboard.press('Escape')
    before = graph.node('1/start').locator('.name').bounding_box()
    extent.select_option('2')
    page.locator('[data-zoom=actual]').focus()
    expect(page.locator('.notice').last).to_contain_text('succeeded')
    expect(graph.node('3/end')).to_have_count(1)
    assert graph.node('1/start').locator('.name').bounding_box() \
        == pytest.approx(before, abs=1)
    extent.select_option('1')
    expect(graph.node('3/end')).to_have_count(0)


def test_edges_are_followed_only_while_seen(run, view):
    """Going to another view ends what only the graph needs."""
    viewer = view(run)
    sent = []

    def begin(socket):
        """Look at the socket of the page as it is loaded at last."""
        sent.clear()
        socket.on('framesent', lambda frame: sent.append(frame))

    viewer.page.on('websocket', begin)
    graph = Graph(viewer)
    begun = [frame for frame in sent if 'subscription Edges' in frame]
    assert len(begun) == 1
    assert not [frame for frame in sent if '"complete"' in frame]
    graph.page.get_by_role('link', name='Tree').click()
    expect(viewer.row('1/bad')).to_be_visible()
    assert [frame for frame in sent if '"complete"' in frame]
    graph.page.get_by_role('link', name='Graph').click()
    graph.settled()


def test_bundle_is_missing(run, view):
    """Without what lays graphs out they are drawn all the same."""
    viewer = view(run)
    viewer.page.route('**/bundle/layout.js', lambda route: route.abort())
    graph = Graph(viewer)
    expect(graph.note).to_contain_text('make assets')
    expect(graph.node('1/bad')).to_be_visible()
    viewer.picture('graph-without-bundle')


def test_edges_are_not_told(run, view):
    """Where no edges come, tasks are shown before long."""
    viewer = view(run)
    viewer.page.route_web_socket('**/subscriptions', lambda socket: None)
    viewer.page.goto(f'{run.url}/#graph')
    viewer.page.reload()
    expect(viewer.page.locator('.node[data-id$="//1/start"]')).to_be_visible()
    expect(viewer.page.locator('.graph-bar .note')).to_have_text(
        'The edges are not known yet.')


def test_large(graph):
    """Thousands of tasks are drawn roughly, and the page goes on."""
    graph.page.evaluate(WATCH)
    made = graph.page.evaluate(LARGE, 5000)
    assert made == ['large', 5000, 4991]
    assert graph.page.evaluate('window.longest') < 400
