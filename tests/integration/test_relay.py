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
"""The way in for hubs: commands on a socket, in the name of any user."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import Run, Starter
from tests.socket_client import BASIC, PATIENCE, Socket, refused

RELAY = '/relay'
PROTOCOL = 'cylc-relay'


class Hub(Socket):
    """The side of a hub."""

    def __init__(self, run: Run, **settings: Any) -> None:
        super().__init__(run, RELAY, PROTOCOL, **settings)
        self.number = 0

    def ask(  # type: ignore[override]
        self, method: str, user: str = 'alice', **arguments: Any
    ) -> dict[str, Any]:
        """Return the answer to a request; outcomes may come before it."""
        self.number += 1
        self.say(id=self.number, method=method, user=user,
                 arguments=arguments)
        while True:
            said = self.hear()
            if said.get('id') == self.number:
                return said

    def submit(self, command: str, **arguments: Any) -> dict[str, Any]:
        return self.ask('submit', command=command, arguments=arguments)

    def outcome(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return what becomes of a command."""
        ticket = answer['result']['ticket']
        while True:
            said = self.hear()
            if said.get('ticket') == ticket:
                return said


FLOW = """
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        [[graph]]
            P1 = a
    [runtime]
        [[a]]
            script = true
"""


@pytest.fixture(scope='module')
def run() -> Iterator[Run]:
    """Return a workflow that is paused."""
    starter = Starter()
    yield starter(FLOW, '--pause', config=BASIC | {'insecure_basic': True})
    starter.close()


def test_commands(run: Run) -> None:
    with Hub(run) as hub:
        answer = hub.submit('hold', tasks=['1/a'])
        assert answer['result']['state'] == 'queued'
        assert hub.outcome(answer) == {
            'ticket': answer['result']['ticket'], 'state': 'succeeded',
            'warnings': 0, 'text': '',
        }
        run.wait_log('Command "hold" received from alice. ID='
                     + answer['result']['ticket'])
        found = hub.ask('find', ticket=answer['result']['ticket'])
        assert found['result']['state'] == 'succeeded'
        assert hub.ask('find', ticket='none')['result'] is None


def test_outcomes_for_those_who_come_again(run: Run) -> None:
    """A hub whose connection has broken asks by the id."""
    with Hub(run) as hub:
        answer = hub.submit('release', tasks=['1/a'])
        ticket = answer['result']['ticket']
    with Hub(run) as hub:
        said = hub.ask('find', ticket=ticket)['result']
        if said['state'] == 'queued':
            said = hub.outcome({'result': said})
        assert said['state'] == 'succeeded'


@pytest.mark.parametrize('command, arguments, kind, text', [
    ('hold', {'tasks': ['//']}, 'refused', 'Invalid'),
    ('set_hold_point', {'point': 'x'}, 'request', 'not a cycle point'),
    ('hold', {'tasks': 'x' * 2000}, 'request', 'more than'),
    ('hold', {}, 'request', 'bad arguments'),
    ('hold', {'tasks': ['1/a'], 'schd': None}, 'request', 'bad arguments'),
    ('hold', {'tasks': ['a\0']}, 'request', 'characters'),
    ('rm', {}, 'request', 'no command'),
    ('stop', {'mode': {'value': 'SLOWLY'}}, 'outcome', 'Invalid stop mode'),
])
def test_bad_commands(
    run: Run, command: str, arguments: dict[str, Any], kind: str, text: str
) -> None:
    """What is checked for other clients is checked for hubs."""
    with Hub(run) as hub:
        answer = hub.submit(command, **arguments)
        if kind == 'outcome':
            said = hub.outcome(answer)
            assert said['state'] == 'failed'
            assert text in said['text']
        else:
            assert answer['error']['kind'] == kind
            assert text in answer['error']['text']


@pytest.mark.parametrize('message', [
    '', '[]', '{}', 'null', '1', '{"id": "x"}',
    '{"id": 1, "method": "submit"}',
    '{"id": 1, "method": "__init__", "user": "a", "arguments": {}}',
    '{"id": 1, "method": "find", "user": 1, "arguments": {}}',
    '{"id": 1, "method": "find", "user": "a", "arguments": 1}',
])
def test_bad_messages(run: Run, message: str) -> None:
    """They are answered, and the next are taken."""
    with Hub(run) as hub:
        hub.raw.send(message)
        assert 'error' in hub.hear()
        assert hub.ask('find', ticket='none')['result'] is None


def test_bad_arguments(run: Run) -> None:
    with Hub(run) as hub:
        for method, arguments in (
            ('find', {}), ('graph', {'start': 1, 'stop': 2}),
            ('put_messages', {'task_job': '1/a/xx', 'event_time': None,
                              'messages': []}),
            ('put_ext_trigger', {'message': 1, 'event_id': 'x'}),
            ('broadcast', {'action': 'drop'}),
            ('set_graph_window_extent', {'extent': 'far'}),
            ('set_graph_window_extent', {'extent': 10**6}),
        ):
            assert 'error' in hub.ask(method, **arguments), method
        assert run.alive


def test_the_rest(run: Run) -> None:
    with Hub(run) as hub:
        answer = hub.ask('broadcast', action='put_broadcast',
                         point_strings=['*'], namespaces=['a', 'no'],
                         settings=[{'script': 'false'}])
        modified, bad = answer['result']
        assert modified == [['*', 'a', {'script': 'false'}]]
        assert bad == {'namespaces': ['no']}
        answer = hub.ask('broadcast', action='clear_broadcast',
                         point_strings=[], namespaces=[], cancel_settings=[])
        assert answer['result'][0]
        graph = hub.ask('graph', start='1', stop='2')['result']
        assert graph['start'] == '1'
        assert [['a', '1'], None, False, False] in graph['edges']
        assert hub.ask('put_ext_trigger', message='m', event_id='1') == {
            'id': hub.number, 'result': None}
        assert hub.ask('set_graph_window_extent', extent=2)['result'] is None
        for command in (
            'put_broadcast', 'clear_broadcast', 'put_ext_trigger',
            'set_graph_window_extent(2)',
        ):
            run.wait_log(f'Command "{command}" received (from alice)')


@pytest.mark.parametrize('user, status', [('anon', 403), ('', 401)])
def test_for_the_owner_alone(run: Run, user: str, status: int) -> None:
    """Whoever speaks for others has to be the owner."""
    with refused(status):
        Hub(run, user=user)


def test_without_control_by_get(start: Any) -> None:
    """A socket begins with GET, which is no command."""
    run = start(config=BASIC | {
        'insecure_basic': True, 'control_by_get': False}, wait=True)
    with Hub(run) as hub:
        assert hub.outcome(hub.submit('pause'))['state'] == 'succeeded'


def test_read_only(start: Any) -> None:
    """No hub commands a workflow that nobody is to command."""
    run = start(config=BASIC | {'insecure_basic': True, 'read_only': True})
    with Hub(run, timeout=PATIENCE) as hub:
        answer = hub.submit('pause')
        assert answer['error']['status'] == 403
