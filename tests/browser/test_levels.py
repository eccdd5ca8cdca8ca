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
"""Who has not logged in gets nothing that is above the level of the public.

All that comes to a browser is kept, from pages and files to each frame of a
socket, and searched for words which the workflow has in places that only some
levels may see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
import json
from pathlib import Path
import re

from playwright.sync_api import Error, Response, WebSocket, expect
import pytest

from tests.harness import Run, Starter
from tests.viewer import Viewer, states_of

FLOW = """
    [meta]
        title = heading-hush
        description = prose-hush
        URL = https://example.org/address-hush
        field = extra-hush
        public privilege = {level}
    [scheduling]
        [[graph]]
            R1 = loud => latest_hush => wait_hush
    [runtime]
        [[root]]
            [[[meta]]]
                title = explained-hush
        [[FAMILY_HUSH]]
        [[loud]]
            inherit = FAMILY_HUSH
            script = echo output-hush
            [[[environment]]]
                SETTING = environment-hush
        [[latest_hush]]
            script = false
        [[wait_hush]]
"""

LEVELS = ('identity', 'description', 'state-totals', 'full-read', 'shutdown')

#: What is found from which level on; all else only by who may read all.
#: Cylc 7 tells of the latest tasks where it tells how many there are.
FROM = {
    'heading-hush': 'description',
    'prose-hush': 'description',
    'address-hush': 'description',
    'extra-hush': 'description',
    'latest_hush': 'state-totals',
    '"stateTotals":': 'state-totals',
    'explained-hush': 'full-read',
    'FAMILY_HUSH': 'full-read',
    'wait_hush': 'state-totals',
    'output-hush': 'full-read',
    'environment-hush': 'full-read',
    'broadcast-hush': 'full-read',
    'stalled': 'full-read',
    'Run mode': 'full-read',
    '"jobId":': 'full-read',
    '"feed":': 'full-read',
    'cylc-run': 'full-read',
}

#: Where the page may lead, and where it does not.
PLACES = (
    '#tree', '#table', '#dots', '#graph', '#timeline',
    '#log=scheduler/log', '#log=1/loud/01/job.out',
)

PATHS = (
    '', 'api', 'login', 'graphql', 'logs', 'logs/scheduler', 'logs/1',
    'logs/scheduler/log', 'logs/1/loud', 'logs/1/loud/01/job.out',
    'logs/1/loud/NN/job', 'logs/config', 'feed', 'get_suite_info',
    'get_suite_state_summary', 'get_latest_state', 'get_task_info?names=loud',
    'get_broadcast', 'get_task_requisites?items=loud.1', 'get_err_content',
    'get_graph_raw?start_point_string=1&stop_point_string=1', 'identify',
    'graphql?query={workflows{taskProxies{id}}}', 'metrics', 'id/identify',
)

#: Documents, from what the least may ask to what all may that may read.
DOCUMENTS = (
    '{workflows {id meta {title description URL userDefined}}}',
    '{workflows {stateTotals states latestStateTasks}}',
    '{workflows {status statusMsg}}', '{workflows {broadcasts}}',
    '{workflows {logRecords {message}}}', '{taskProxies {id}}',
    '{families {id meta {title}}}', '{jobs {id jobId messages}}',
    '{workflows {taskProxies {id runtime {environment}}}}',
    '{nodesEdges {nodes {id}}}', '{workflows {id} ...F}'
    ' fragment F on Queries {taskProxies {id}}',
)

DELTAS = """subscription {deltas {
    id added {workflow {status meta {title} stateTotals}
              families {id} taskProxies {id} jobs {id jobId}}
    updated {taskProxies {id}}
}}"""

#: Asks for all that a page could ask for, by each way that there is.
ASK = (Path(__file__).parent / 'ask_all.js').read_text()


class Ear:
    """Keeps all that comes to a page."""

    def __init__(self, viewer: Viewer) -> None:
        self.page = viewer.page
        self.frames: list[str] = []
        self.responses: list[Response] = []
        self.page.on('websocket', self._opened)
        self.page.on('response', self._answered)

    def _opened(self, socket: WebSocket) -> None:
        socket.on('framereceived', lambda data: self.frames.append(
            data if isinstance(data, str) else data.decode('latin1')))

    def _answered(self, response: Response) -> None:
        self.responses.append(response)

    def heard(self) -> str:
        """Return all of it as one text, but for our scripts."""
        return '\n'.join([self.page.content(), *self.frames, *self._bodies()])

    def _bodies(self) -> Iterator[str]:
        for response in self.responses:
            if '/static/' in response.url:
                continue
            yield json.dumps(response.headers)
            try:
                yield response.text()
            except (Error, UnicodeDecodeError):
                # A redirection has none, and a stream that goes on neither.
                continue


@pytest.fixture(scope='module')
def run(starter: Starter) -> Run:
    """Play a workflow that has something to hide, until it stalls."""
    run = starter(FLOW.format(level='full-read'), name='hushed')
    run.wait_log('Workflow stalled', 60)
    assert states_of(run)['1/latest_hush'] == 'failed'
    answer = run.request('POST', 'put_broadcast', json={
        'point_strings': ['1'], 'namespaces': ['wait_hush'],
        'settings': [{'script': 'broadcast-hush'}],
    })
    assert answer.status_code == 200, answer.text
    return run


def set_level(run: Run, level: str) -> None:
    """Change what the public may see."""
    run.define(FLOW.format(level=level))
    assert run.post('reload_suite?wait=20') == [True, 'Command succeeded']


def is_allowed(level: str, needed: str) -> bool:
    return LEVELS.index(level) >= LEVELS.index(needed)


def words_in(text: str) -> dict[str, bool]:
    """Return which of the words are there; JSON may have spaces."""
    text = re.sub(r'": ', '":', text.replace('\\"', '"'))
    return {word: word in text for word in FROM}


def allowed(level: str) -> dict[str, bool]:
    return {word: is_allowed(level, needed) for word, needed in FROM.items()}


@pytest.mark.parametrize('level', LEVELS)
def test_level(
    run: Run, view: Callable[..., Viewer], level: str
) -> None:
    """Neither the page gets more, nor who asks for more on it."""
    set_level(run, level)
    viewer = view(run, anon=True)
    ear = Ear(viewer)
    mark = 'live' if is_allowed(level, 'full-read') else 'polling'
    for place in PLACES:
        viewer.page.goto(f'{run.url}/{place}')
        viewer.page.reload()
        expect(viewer.live).to_have_attribute('data-mark', mark)
    seen = words_in(ear.heard())
    may = allowed(level)
    assert not [word for word in FROM if seen[word] and not may[word]]
    told = viewer.page.evaluate(ASK, {
        'paths': PATHS, 'documents': DOCUMENTS, 'deltas': DELTAS})
    text = '\n'.join([ear.heard(), *told])
    assert words_in(text) == may
    assert run.passphrase not in text
    viewer.forgive(r'status of 4\d\d')


def test_less_than_before(run: Run, view: Callable[..., Viewer]) -> None:
    """Where the level is lowered, who looks on is told no more."""
    set_level(run, 'full-read')
    viewer = view(run, anon=True).look()
    set_level(run, 'description')
    expect(viewer.live).to_have_attribute('data-mark', 'refused')
    again = viewer.page.get_by_role('link', name='log in again')
    expect(again).to_be_visible()
    ear = Ear(viewer)
    viewer.page.reload()
    expect(viewer.live).to_have_attribute('data-mark', 'polling')
    assert words_in(ear.heard()) == allowed('description') | {
        'extra-hush': False}


def test_signed_out(run: Run, view: Callable[..., Viewer]) -> None:
    """Who signs out leaves nothing behind for who comes next."""
    set_level(run, 'identity')
    viewer = view(run).look()
    page = viewer.page
    viewer.row('1/wait_hush').locator('.more').click()
    page.get_by_role('menuitem', name='Hold', exact=True).click()
    expect(page.locator('.notice')).to_contain_text('succeeded')
    page.get_by_role('button', name='Sign out').click()
    expect(page.get_by_role('link', name='Log in').first).to_be_visible()
    kept = page.evaluate(
        'JSON.stringify([{...localStorage}, {...sessionStorage}])')
    assert words_in(kept) == dict.fromkeys(FROM, False)
    page.go_back()
    assert words_in(page.content()) == allowed('identity')
