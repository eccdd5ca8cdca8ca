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
"""Take the pictures of the web page that are in the README.

The demo workflow is played for a while, in a home directory of its own, and
looked at in a browser: ``make pictures`` writes docs/images/*.png.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.asking import ask
from tests.harness import Run, need
from tests.hub_run import HubRun
from tests.hub_viewer import LONG, STALLING, HubViewer
from tests.viewer import ARGUMENTS, PATIENCE, Viewer

ROOT = Path(__file__).resolve().parents[1]

FLOW = ROOT / 'cylc_flask' / 'tools' / 'demo_workflow' / 'flow.cylc'

SIZE = {'width': 1200, 'height': 600}

#: That of the list of workflows.
LIST = {'width': 1200, 'height': 400}

#: How many edges of the graph around active tasks are shown.
EXTENT = 3

#: Pictures are taken when this has failed, and is tried again.
TASK = '3/analyse'

#: What is taken, by the name of the file: a view, and light or dark.
PICTURES = {'tree': ('tree', 'light'), 'graph': ('graph', 'dark')}

#: Workflows for the picture of the hub, which nobody runs.
OTHERS = ('nwp/global/run7', 'nwp/regional/run2', 'climate/spinup/run1')


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--folder', type=Path, default=ROOT / 'docs' / 'images')
    parser.add_argument(
        '--hub', action='store_true', help='that of the hub alone')
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=need('chromium'), args=ARGUMENTS)
        if not arguments.hub:
            take_demo(browser, arguments.folder)
        take_hub(browser, arguments.folder)
        browser.close()


def take_demo(browser: Browser, folder: Path) -> None:
    """Play the demo, and take its pictures."""
    run = Run(FLOW.read_text(), name='cylc-flask-demo')
    try:
        run.play()
        ask(run, f"""mutation {{setGraphWindowExtent(
            workflows: ["*"], nEdgeDistance: {EXTENT}) {{result}}}}""")
        take(browser, run, folder)
    finally:
        run.close()


def take(browser: Browser, run: Run, folder: Path) -> None:
    """Take all pictures of a run, of the same moment."""
    pages = {}
    for name, (view, colours) in PICTURES.items():
        viewer = Viewer(run, browser.new_context(
            viewport=SIZE, color_scheme=colours, reduced_motion='reduce'))
        pages[name] = viewer.log_in().look(view).page
    run.wait_for(lambda: job_file(run).exists(), 600)
    for page in pages.values():
        page.bring_to_front()
        expect(page.get_by_text('Laying out')).to_be_hidden()
        page.wait_for_timeout(1500)
    for name, page in pages.items():
        page.screenshot(path=folder / f'{name}.png')


def take_hub(browser: Browser, folder: Path) -> None:
    """Take one of the list of workflows, with some that run."""
    hub = HubRun(STALLING, name='nwp/ensemble/run3')
    try:
        for name in OTHERS:
            hub.flow(name)
        hub.start()
        for run in (
            hub.run,
            hub.scheduler('nwp/global/run8', LONG),
            hub.scheduler('tides/run1', FLOW.read_text()),
        ):
            hub.play(run)
        viewer = HubViewer(hub, browser.new_context(
            viewport=LIST, reduced_motion='reduce')).log_in()
        expect(viewer.status('nwp/ensemble/run3')).to_contain_text('stalled')
        expect(viewer.flow('tides/run1')).to_contain_text('succeeded')
        viewer.page.screenshot(path=folder / 'hub.png')
    finally:
        hub.close()


def job_file(run: Run) -> Path:
    """Return the path of what the second try of the task writes."""
    return run.job_file(TASK, 'job.out', 2)


if __name__ == '__main__':
    main()
