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
"""Commands as GraphQL mutations, which Cylc's own schema has to take."""

from __future__ import annotations

from typing import Any

from graphql import parse, validate
from graphql.execution.values import get_variable_values
import pytest

from cylc.flow.network.schema import schema
from cylc_flask.hub.links.trouble import Declined, NoAnswer
from cylc_flask.hub.relay import mutate

TASKS = {'tasks': ['1/a']}

COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ('pause', {}),
    ('resume', {}),
    ('hold', TASKS),
    ('release', TASKS),
    ('set_hold_point', {'point': '3'}),
    ('release_hold_point', {}),
    ('kill_tasks', TASKS),
    ('poll_tasks', TASKS),
    ('remove_tasks', {**TASKS, 'flow': []}),
    ('force_trigger_tasks', {**TASKS, 'flow': ['new']}),
    ('set', {**TASKS, 'flow': [], 'outputs': ['succeeded'],
             'prerequisites': None}),
    ('reload_workflow', {}),
    ('set_verbosity', {'level': {'value': 10}}),
    ('stop', {'mode': {'value': 'REQUEST(NOW-NOW)'}}),
    ('stop', {'mode': None, 'cycle_point': '3'}),
    ('set_graph_window_extent', {'n_edge_distance': 2}),
    ('put_messages', {'task_job': '1/a/01', 'event_time': None,
                      'messages': [['INFO', 'hello']]}),
    ('put_ext_trigger', {'message': 'm', 'id': '1'}),
    ('broadcast', {'mode': 'put_broadcast', 'cycle_points': ['*'],
                   'namespaces': ['root'],
                   'settings': [{'environment': {'A': '1'}}]}),
]


@pytest.mark.parametrize('command, arguments', COMMANDS)
def test_document(command, arguments):
    text, variables, field = mutate.document(command, '~me/a', arguments)
    document = parse(text)
    assert not validate(schema.graphql_schema, document)
    coerced = get_variable_values(
        schema.graphql_schema,
        document.definitions[0].variable_definitions, variables)
    assert isinstance(coerced, dict), coerced
    assert coerced['workflows'] == ['~me/a']
    assert field in text


def test_enumerations():
    _, variables, _ = mutate.document(
        'stop', 'a', {'mode': {'value': 'REQUEST(KILL)'}})
    assert variables['mode'] == 'Kill'
    _, variables, _ = mutate.document(
        'broadcast', 'a', {'mode': 'clear_broadcast'})
    assert variables['mode'] == 'Clear'


@pytest.mark.parametrize('command, arguments', [
    ('format_disk', {}),
    ('__class__', {}),
    ('pause', {'hard': True}),
    ('stop', {'mode': {'value': 'SLOWLY'}}),
])
def test_no_such(command, arguments):
    with pytest.raises(Declined):
        mutate.document(command, 'a', arguments)


def test_injection():
    """What clients give is in the variables, never in the text."""
    text, variables, _ = mutate.document(
        'hold', '~me/a', {'tasks': ['"]) { result } } #']})
    assert '#' not in text
    assert variables['tasks'] == ['"]) { result } } #']


def test_responses():
    data = {'hold': {'result': [{'id': 'x', 'response': [True, 'uuid']}]}}
    assert mutate.ticket_of(mutate.response_of(data, 'hold')) == 'uuid'
    with pytest.raises(Declined, match='why'):
        mutate.ticket_of([False, 'why'])
    for nonsense in (None, [], {}, {'hold': None}, {'hold': {'result': []}}):
        with pytest.raises(NoAnswer):
            mutate.response_of(nonsense, 'hold')
    with pytest.raises(NoAnswer):
        mutate.ticket_of('?')


def test_results():
    assert mutate.result_of('broadcast', [[], {}]) == [[], {}]
    with pytest.raises(Declined, match='bad'):
        mutate.result_of('broadcast', {'error': {'message': 'bad'}})
    assert mutate.result_of('put_messages', [True, 'Messages queued']) is None


def test_names_of_arguments():
    """Those of the methods become those of the mutations."""
    command, arguments = mutate.direct('broadcast', {
        'action': 'clear_broadcast', 'point_strings': [], 'namespaces': [],
        'cancel_settings': [],
    })
    text, _, _ = mutate.document(command, 'a', arguments)
    assert not validate(schema.graphql_schema, parse(text))
