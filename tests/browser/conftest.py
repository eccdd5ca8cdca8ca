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
"""Fixtures: a workflow, and a browser to look at it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
import re
from typing import Any

from playwright.sync_api import Browser, expect, sync_playwright
import pytest

from tests.harness import Run, Starter, need
from tests.hub_run import HubRun
from tests.hub_viewer import LONG, STALLING, HubViewer
from tests.viewer import ARGUMENTS, FLOW, PATIENCE, Viewer, ended

#: Whether a test has failed.
FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope='module')
def browser() -> Iterator[Browser]:
    """Start the browser.

    For a module, not for all: an event loop belongs to it, beside which no
    other can run in the same process, and other tests want one of their own.
    """
    path = need('chromium')
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def view(
    browser: Browser, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Viewer]]:
    """Look at a run, as somebody who may do all or, by "anon", as nobody."""
    viewers: list[Viewer] = []

    def look(run: Run, *, anon: bool = False, **options: Any) -> Viewer:
        options.setdefault('viewport', {'width': 1400, 'height': 900})
        viewer = Viewer(run, browser.new_context(**options))
        viewers.append(viewer)
        return viewer if anon else viewer.log_in()

    yield look
    for viewer in viewers:
        if request.node.stash.get(FAILED, False):
            viewer.picture(re.sub(r'[^\w-]+', '-', request.node.nodeid))
        viewer.context.close()
    assert not [text for viewer in viewers for text in viewer.complaints]


@pytest.fixture(scope='module')
def starter() -> Iterator[Starter]:
    """Start schedulers which all tests of a module share."""
    starter = Starter()
    yield starter
    starter.close()


@pytest.fixture(scope='module')
def run(starter: Starter) -> Run:
    """Play the workflow to look at until it can go no further."""
    run = starter(FLOW, name='looked-at')
    run.wait_for(lambda: ended(run), timeout=120)
    return run


@pytest.fixture(scope='module')
def hub() -> Iterator[HubRun]:
    """Run a hub with a stalled workflow in it, and a source."""
    hub = HubRun(STALLING, name='site/stalled')
    try:
        hub.source('long', LONG)
        hub.run.play()
        hub.start()
        yield hub
    finally:
        hub.close()


@pytest.fixture
def look(browser: Browser, hub: HubRun) -> Iterator[Callable[..., HubViewer]]:
    """Look at the hub."""
    viewers: list[HubViewer] = []

    def look(**options: Any) -> HubViewer:
        options.setdefault('viewport', {'width': 1300, 'height': 800})
        viewers.append(HubViewer(hub, browser.new_context(**options)))
        return viewers[-1]

    yield look
    for number, viewer in enumerate(viewers):
        viewer.picture(f'hub-{number}')
        viewer.context.close()
    assert not [text for viewer in viewers for text in viewer.complaints]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test has failed, for a last picture."""
    report = yield
    if report.when == 'call':
        item.stash[FAILED] = report.failed
    return report
