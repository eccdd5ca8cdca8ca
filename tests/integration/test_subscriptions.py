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
"""GraphQL's subscriptions, followed through real runs."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from itertools import islice
import json
import threading
from typing import Any

import pytest

from tests.cylc_ui import SUBSCRIPTIONS, available
from tests.graphql_copy import Copy, digest
from tests.harness import Run, Starter
from tests.integration.test_replica import FLOW, PLUGINS
from tests.socket_client import BASIC, LEGACY, TRANSPORT, Socket

MAIN_LOOP = """
    [scheduler]
        [[main loop]]
            plugins = graphql check
            [[[graphql check]]]
                interval = PT0S
"""

VIEW_CHECK = """
    [scheduler]
        [[main loop]]
            plugins = flask, view check
            [[[view check]]]
                interval = PT0S
"""


PAUSED = """
    [scheduling]
        [[graph]]
            R1 = a => b & c
    [runtime]
        [[a, b, c]]
"""


@pytest.fixture(scope='module')
def run(mod_start: Starter) -> Run:
    return mod_start(
        PAUSED, '--pause', '--mode=simulation', name='paused', config=BASIC)


@pytest.mark.parametrize('mode', ['live', 'simulation'])
def test_copies_equal_fresh_ones(start: Starter, mode: str) -> None:
    """All the while, in each view of the GUI, whatever the workflow does."""
    run = start.make(
        FLOW,
        global_config=MAIN_LOOP,
        environment={'CYLC_PYTHONPATH': f'{PLUGINS}:{PLUGINS.parents[2]}'},
    )
    path = run.home / 'report.json'
    run.environment['GRAPHQL_REPORT'] = str(path)
    run.play('--mode', mode, wait=False)
    assert run.wait_end(120) == 0, run.log()
    found: dict[str, Any] = json.loads(path.read_text())
    assert found['differences'] == []
    assert found['steps'] == 26
    assert found['compared'] > 150
    assert found['payloads'].keys() == SUBSCRIPTIONS.keys()
    assert min(found['payloads'].values()) > 1


class Client(threading.Thread):
    """Follows a view by GraphQL, and notes each state on the way.

    Args:
        payloads: The results of its subscription, until it is completed.
    """

    def __init__(self, payloads: Iterator[str]) -> None:
        super().__init__(daemon=True)
        self.payloads = payloads
        self.copy = Copy()
        self.digests: list[str] = []
        self.fault: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            for payload in self.payloads:
                self.copy.take_payload(payload)
                if not self.copy.shutdown:
                    self.digests.append(digest(self.copy))
        except Exception as exc:
            self.fault = exc
            raise


def operation(run: Run) -> dict[str, Any]:
    """Return the subscription of the view that is checked."""
    return {
        'query': available(SUBSCRIPTIONS['tree'], version('cylc-flow')),
        'variables': {'workflowID': run.name},
    }


def by_socket(run: Run, protocol: str) -> Iterator[str]:
    """Yield results that come by a WebSocket."""
    with Socket(run, protocol=protocol).init() as socket:
        asked = operation(run)
        socket.start('1', asked['query'], **asked['variables'])
        while (message := socket.hear())['type'] == socket.result:
            yield json.dumps(message['payload'])
        assert message['type'] == 'complete'


def in_pieces(run: Run) -> Iterator[str]:
    """Yield results that come by one WebSocket after the other."""
    resume: dict[str, Any] = {}
    for pieces in (1, 2, 1, 3, None):
        with Socket(run).init() as socket:
            follow(socket, operation(run), resume)
            for message in islice(results(socket), pieces):
                payload = message['payload']
                yield json.dumps(payload)
                resume = payload.get('extensions', {}).get('resume', {})


def follow(
    socket: Socket, asked: dict[str, Any], resume: dict[str, Any]
) -> None:
    """Begin a subscription where another has ended."""
    socket.say(type='subscribe', id='1', payload={
        **asked, 'extensions': {'resume': resume},
    })


def results(socket: Socket) -> Iterator[dict[str, Any]]:
    """Yield the results of an operation."""
    while (message := socket.hear())['type'] == socket.result:
        yield message
    assert message['type'] == 'complete'


def by_stream(run: Run) -> Iterator[str]:
    """Yield results that come as server-sent events."""
    with run.session('cylc').post(
        f'{run.url}/graphql/stream', json=operation(run), stream=True,
        timeout=60,
    ) as answer:
        event = ''
        for line in answer.iter_lines(decode_unicode=True):
            name, _, value = line.partition(': ')
            if name == 'event':
                event = value
            elif name == 'data' and event == 'next':
                yield value
        assert event == 'complete'


def test_whole_life_by_each_transport(start: Starter) -> None:
    """What clients have is what the scheduler had, then and at the end."""
    run = start.make(
        FLOW, global_config=VIEW_CHECK, config=BASIC,
        environment={'CYLC_PYTHONPATH': f'{PLUGINS}:{PLUGINS.parents[2]}'},
    )
    report, go = run.home / 'report', run.home / 'go'
    run.environment['FEED_REPORT'] = str(report)
    run.environment['FEED_GO'] = str(go)
    run.play()
    clients = {
        'transport': Client(by_socket(run, TRANSPORT)),
        'legacy': Client(by_socket(run, LEGACY)),
        'stream': Client(by_stream(run)),
    }
    returning = Client(in_pieces(run))
    run.wait_for(
        lambda: all(client.digests for client in clients.values()), 20,
        'the first results',
    )
    go.touch()
    assert run.wait_end(120) == 0
    states = report.read_text().split()
    for name, client in clients.items():
        client.join(20)
        assert client.fault is None, name
        assert client.copy.shutdown, name
        assert set(client.digests) <= set(states), name
        assert client.digests[-1] == states[-1], name
        assert len(set(client.digests)) > 20, name
    returning.join(20)
    assert returning.fault is None
    assert returning.copy.shutdown
    assert returning.digests[-1] == states[-1]


HELD = {'query': """subscription {deltas {
    added {workflow {id reloaded} taskProxies {id isHeld}}
    updated(stripNull: true) {taskProxies {id isHeld}}
}}"""}


def test_going_on(run: Run) -> None:
    """Who comes back gets what was missed, and not all there is."""
    hold = 'mutation {hold(workflows: ["*"], tasks: ["*"]) {result}}'
    with Socket(run).init() as socket:
        follow(socket, HELD, {})
        first = next(results(socket))['payload']
        mark = first['extensions']['resume']
        assert first['data']['deltas']['added']['workflow']['reloaded']
    with Socket(run).init() as socket:
        socket.ask('2', hold)
        socket.start('3', HELD['query'])
        copy = Copy()
        while not is_held(copy):
            copy.take(socket.until('next', '3')['payload']['data']['deltas'])
        follow(socket, HELD, mark)
        missed = socket.until('next', '1')['payload']
        assert not missed['data']['deltas']['added'].get('workflow')
        copy = Copy()
        copy.take(first['data']['deltas'])
        copy.take(missed['data']['deltas'])
        while not is_held(copy):
            copy.take(socket.until('next', '1')['payload']['data']['deltas'])
        assert missed['extensions']['resume']['feed'] == mark['feed']
        assert missed['extensions']['resume']['version'] > mark['version']


def is_held(copy: Copy) -> bool:
    """Tell whether a task is known to be held."""
    tasks = [element for (kind, _), element in copy.elements.items()
             if kind == 'taskProxies']
    return any(task['isHeld'] for task in tasks)


@pytest.mark.parametrize('change', [
    {'feed': 'x'}, {'version': 1_000_000_000}, {'version': 2 ** 53},
])
def test_going_on_from_nowhere(run: Run, change: dict[str, Any]) -> None:
    """Who names what is not known begins with all there is."""
    with Socket(run).init() as socket:
        follow(socket, HELD, {})
        first = next(results(socket))['payload']
    for asked in HELD, {'query': HELD['query'].replace(
        'deltas {', 'deltas(initialBurst: false) {', 1,
    )}:
        with Socket(run).init() as socket:
            follow(socket, asked, first['extensions']['resume'] | change)
            again = next(results(socket))['payload']
            assert again['data']['deltas']['added']['workflow']['reloaded']


@pytest.mark.parametrize(('resume', 'told'), [
    (7, 'extensions.resume is no object: 7'),
    ({'feed': 1}, 'extensions.resume.feed is no text: 1'),
    ({'version': '1'}, 'extensions.resume.version is no number'),
    ({'version': -1}, 'extensions.resume.version is no number'),
    ({'version': True}, 'extensions.resume.version is no number'),
])
def test_no_mark(run: Run, resume: Any, told: str) -> None:
    with Socket(run).init() as socket:
        follow(socket, HELD, resume)
        message = socket.hear()
        assert message['type'] == 'error'
        assert told in message['payload'][0]['message']
