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
"""The page of a workflow in a browser: how much, how soon, how smoothly.

A browser that has nothing yet opens the page of a paused workflow, on the
line as it is and on one as slow as that of a phone: the bytes of all that
comes, until something is painted, until the tree is complete, and until it is
live. Beside it cylc-uiserver's GUI, which shows the same tree.

Then a hundred tasks change each second, while each view is looked at, and
scrolled: how long frames take, and how long the browser has no time for its
user.
"""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
import json
import shutil
from statistics import median
import threading
import time
from typing import Any

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from benchmarks import common, flows, peers
from benchmarks.common import OURS, Row, say, unless_quick
from benchmarks.peers import UISERVER
from tests.harness import Run
from tests.viewer import ARGUMENTS, Viewer

WIDE = {'width': 1400, 'height': 900}

#: Lines, as the developer tools of browsers have them: bytes a second, and
#: milliseconds each way.
LINES: dict[str, Row] = {
    'this machine': {},
    'slow': {'downloadThroughput': 200_000, 'uploadThroughput': 90_000,
             'latency': 150},
}

#: How long (ms) a page may take to show what is waited for.
PATIENCE = 120_000

#: Notes when something is first seen, in milliseconds since the page was
#: asked for; looked for in each frame.
WATCH = """
(() => {
    const wanted = WANTED;
    const seen = window.benchSeen = {};
    const look = () => {
        for (const [name, selector] of Object.entries(wanted)) {
            if (seen[name] || !document.querySelector(selector)) continue;
            seen[name] = performance.now();
        }
        if (Object.keys(seen).length < Object.keys(wanted).length) {
            requestAnimationFrame(look);
        }
    };
    requestAnimationFrame(look);
})()"""

PAINTED = """performance.getEntriesByName('first-contentful-paint')[0]
    ?.startTime ?? 0"""

#: Looks on for some seconds, and scrolls up and down meanwhile.
FRAMES = """async (milliseconds) => {
    const script = document.querySelector('script[type=module]').src;
    const {store} = await import(new URL('store.js', script));
    const place = [...document.querySelectorAll('#view, #view *')].find(
        (one) => one.scrollHeight > one.clientHeight + 100
            && getComputedStyle(one).overflowY !== 'visible');
    let changes = 0;
    const stop = store.subscribe(({tasks}) => { changes += tasks.size; });
    const blocked = [];
    const observer = new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) blocked.push(entry.duration);
    });
    observer.observe({type: 'longtask'});
    const frames = [];
    await new Promise((resolve) => {
        let last = null;
        let by = 7;
        const began = performance.now();
        const frame = (now) => {
            if (last !== null) frames.push(now - last);
            last = now;
            if (place) {
                const before = place.scrollTop;
                place.scrollTop += by;
                if (place.scrollTop === before) by = -by;
            }
            if (now - began < milliseconds) requestAnimationFrame(frame);
            else resolve();
        };
        requestAnimationFrame(frame);
    });
    observer.disconnect();
    stop();
    return {frames, blocked, changes};
}"""


def main() -> None:
    """Measure, print and write the results."""
    options = arguments()
    views, smooth = [], []
    with sync_playwright() as playwright, browsing(playwright) as browser:
        for size in options.sizes:
            views += first_views(browser, size, options)
        with flows.playing(options.tasks) as run:
            smooth = [*frames(browser, run, options)]
        release = browser.version
    facts = common.about(
        chromium=release, rounds=options.rounds, seconds=options.seconds)
    common.save(
        'page', facts, {'views': views, 'frames': smooth},
        text(views, smooth, options))


def arguments() -> argparse.Namespace:
    """Return what to measure."""
    parser = common.parser_of(__doc__)
    parser.add_argument(
        '--sizes', type=int, nargs='+', metavar='N',
        default=unless_quick([100, 1000, 5000], [20]),
        help='task proxies of first views (%(default)s)')
    parser.add_argument(
        '--rounds', type=int, default=unless_quick(5, 1),
        help='of each first view (%(default)s)')
    parser.add_argument(
        '--tasks', type=int, default=unless_quick(5000, 200), metavar='N',
        help='task proxies of a workflow that changes (%(default)s)')
    parser.add_argument(
        '--changes', type=int, default=100, metavar='N',
        help='of its tasks, each second (%(default)s)')
    parser.add_argument(
        '--seconds', type=float, default=unless_quick(10, 1),
        help='to look at each view (%(default)s)')
    parser.add_argument(
        '--alone', action='store_true', default=common.QUICK,
        help='leave cylc-uiserver out')
    return parser.parse_args()


@contextmanager
def browsing(playwright: Playwright) -> Iterator[Browser]:
    """Start the browser.

    Raises:
        SystemExit: There is none.
    """
    path = shutil.which('chromium')
    if path is None:
        raise SystemExit('chromium is not installed')
    browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
    try:
        yield browser
    finally:
        browser.close()


# First views


def first_views(
    browser: Browser, proxies: int, options: argparse.Namespace
) -> Iterator[Row]:
    """Yield what it takes to see a workflow for the first time."""
    with flows.playing(proxies) as run:
        cookies = log_in(browser, run)
        yield from views_of(
            OURS, proxies, options, lambda line: our_view(
                browser, run, cookies, line))
        if options.alone:
            return
        with peers.uiserver(run, proxies) as asker:
            yield from views_of(
                UISERVER, proxies, options, lambda line: gui_view(
                    browser, run, asker.port, line))


def views_of(
    who: str, proxies: int, options: argparse.Namespace,
    look: Callable[[str], Row],
) -> Iterator[Row]:
    """Yield medians, for each line."""
    look('this machine')
    for line in LINES:
        say(f'{proxies} task proxies, {who}, {line}')
        rows = [look(line) for _ in range(options.rounds)]
        yield {'server': who, 'proxies': proxies, 'line': line, **{
            key: median(row[key] for row in rows) for key in rows[0]}}


def our_view(
    browser: Browser, run: Run, cookies: list[Any], line: str
) -> Row:
    """Open our page in a browser that knows only who is there."""
    context = browser.new_context(viewport=WIDE)
    try:
        context.add_cookies(cookies)
        return first_view(context.new_page(), f'{run.url}/', line, {
            'tree': '#tree-rows .row[data-id$="/FAM0"]',
            'live': '.live[data-mark=live]',
        })
    finally:
        context.close()


def log_in(browser: Browser, run: Run) -> list[Any]:
    """Return the cookies of who has logged in."""
    viewer = Viewer(run, browser.new_context()).log_in()
    try:
        return [*viewer.context.cookies()]
    finally:
        viewer.context.close()


def gui_view(browser: Browser, run: Run, port: int, line: str) -> Row:
    """Open the GUI of cylc-uiserver at the same workflow, and close it."""
    context = browser.new_context(viewport=WIDE)
    try:
        return first_view(
            context.new_page(),
            f'http://127.0.0.1:{port}/cylc/?token={peers.TOKEN}'
            f'#/workspace/{run.name}', line,
            {'tree': '.c-treeitem .node-data-cycle'})
    finally:
        context.close()


def first_view(page: Page, url: str, line: str, wanted: Row) -> Row:
    """Open a page, and return what came and when."""
    traffic = Traffic(page, LINES[line])
    page.add_init_script(WATCH.replace('WANTED', json.dumps(wanted)))
    page.goto(url, timeout=PATIENCE)
    page.wait_for_function(
        '(number) => Object.keys(window.benchSeen).length === number',
        arg=len(wanted), timeout=PATIENCE)
    # What else comes with it, though nobody waits for it.
    page.wait_for_timeout(500)
    seen: Row = page.evaluate('benchSeen')
    return {
        'kilobytes': traffic.size / 1000,
        'requests': traffic.requests,
        'painted_ms': page.evaluate(PAINTED),
        'tree_ms': seen['tree'],
        'live_ms': seen.get('live', seen['tree']),
    }


class Traffic:
    """Counts what comes to a page, as it is on the line."""

    def __init__(self, page: Page, line: Row) -> None:
        self.size = self.requests = 0
        session = page.context.new_cdp_session(page)
        session.on('Network.loadingFinished', self._finished)
        session.on('Network.webSocketFrameReceived', self._framed)
        session.send('Network.enable')
        if line:
            session.send(
                'Network.emulateNetworkConditions',
                {'offline': False, **line})

    def _finished(self, event: Row) -> None:
        self.requests += 1
        self.size += int(event['encodedDataLength'])

    def _framed(self, event: Row) -> None:
        self.size += len(event['response']['payloadData'])


# Frames


def frames(
    browser: Browser, run: Run, options: argparse.Namespace
) -> Iterator[Row]:
    """Yield how each view goes on while tasks change."""
    viewer = Viewer(run, browser.new_context(viewport=WIDE)).log_in().look()
    names = viewer.page.locator('.tabs a').evaluate_all(
        'tabs => tabs.map((tab) => tab.dataset.view)')
    changer = Changer(run, options)
    changer.start()
    try:
        for name in names:
            say(f'{options.tasks} task proxies that change, {name}')
            viewer.look(name)
            viewer.page.wait_for_timeout(2000)
            yield {'view': name, **figures(viewer.page, options.seconds)}
    finally:
        changer.enough.set()
        changer.join()
        viewer.context.close()


def figures(page: Page, seconds: float) -> Row:
    """Return how smoothly a page goes on."""
    told: Row = page.evaluate(FRAMES, seconds * 1000)
    lasted = sum(told['frames']) / 1000
    return {
        'changes_a_second': told['changes'] / lasted,
        'frames_a_second': len(told['frames']) / lasted,
        'p50_ms': common.percentile(told['frames'], 0.5),
        'p99_ms': common.percentile(told['frames'], 0.99),
        'longest_ms': max(told['frames']),
        'blocked': len(told['blocked']),
        'blocked_ms': max(told['blocked'], default=0.0),
    }


class Changer(threading.Thread):
    """Holds and releases tasks in turns, some each second.

    No more than the scheduler can do: it is waited for.
    """

    #: How often a second, and how many commands may wait.
    OFTEN, WAITING = 2, 4

    def __init__(self, run: Run, options: argparse.Namespace) -> None:
        super().__init__()
        self.asker = peers.ours(run)
        self.enough = threading.Event()
        self._size = options.changes // self.OFTEN
        self._tasks = options.tasks // 2
        self._sent: deque[str] = deque()

    def run(self) -> None:
        """Send commands until it is enough, and until all are done."""
        due = time.monotonic()
        for command, tasks in self._commands():
            self._send(command, tasks)
            self._wait(self.WAITING)
            due = max(due + 1 / self.OFTEN, time.monotonic())
            if self.enough.wait(due - time.monotonic()):
                break
        self._wait(0)
        self.asker.close()

    def _commands(self) -> Iterator[tuple[str, list[str]]]:
        while True:
            for command in ('hold', 'release'):
                for first in range(0, self._tasks, self._size):
                    last = min(first + self._size, self._tasks)
                    yield command, [
                        f'1/a{number}' for number in range(first, last)]

    def _send(self, command: str, tasks: list[str]) -> None:
        self.asker.ask(
            f'mutation ($tasks: [NamespaceIDGlob]!) {{{command}('
            'workflows: ["*"], tasks: $tasks) {result}}', tasks=tasks)
        (result,) = json.loads(self.asker.answer)['data'][command]['result']
        self._sent.append(result['response'][1])

    def _wait(self, most: int) -> None:
        """Wait until no more than so many commands are to be done."""
        while len(self._sent) > most:
            query = f'{{command(id: "{self._sent[0]}") {{finished}}}}'
            if self.asker.data(query)['command']['finished']:
                self._sent.popleft()
            else:
                time.sleep(0.1)


def text(
    views: list[Row], smooth: list[Row], options: argparse.Namespace
) -> str:
    """Return the results as tables."""
    slow = LINES['slow']
    return (
        '# The page\n\nThe first view, until something is painted, until the'
        ' tree is there, and until it is told of changes; the slow line has'
        f' {slow["downloadThroughput"] * 8 / 1e6:g} Mbit/s and'
        f' {slow["latency"]} ms.\n\n' + common.table(
            views, server='server', proxies='task proxies', line='line',
            kilobytes='kB', requests='requests', painted_ms='painted ms',
            tree_ms='tree ms', live_ms='live ms')
        + f'\n{options.tasks:,} task proxies, of which some change: frames,'
        ' and how often and how long the browser was busy for more than'
        ' 50 ms.\n\n' + common.table(
            smooth, view='view', changes_a_second='changes a second',
            frames_a_second='frames a second', p50_ms='p50 ms',
            p99_ms='p99 ms', longest_ms='longest ms', blocked='times busy',
            blocked_ms='longest busy ms')
    )


if __name__ == '__main__':
    main()
