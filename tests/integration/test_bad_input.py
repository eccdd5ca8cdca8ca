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
"""What has stopped schedulers, and must not: each gets a clear answer.

Some of it did harm only later, in the main loop or after a restart from the
database: hence the two at the end.
"""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

import pytest
import requests

from tests.harness import Run, Starter

FLOW = """
    [scheduler]
        UTC mode = True
        [[events]]
            abort on stall timeout = False
    [scheduling]
        initial cycle point = 20200101T00Z
        final cycle point = 20200105T00Z
        [[graph]]
            P1D = task[-P1D] => task => next
    [runtime]
        [[task, next]]
"""

JSON = {
    'a job number which is none': ('put_messages', {
        'task_job': '20200101T0000Z/task/xx', 'messages': [['INFO', 'x']]}),
    'no job number': ('put_messages', {
        'task_job': '20200101T0000Z/task', 'messages': [['INFO', 'x']]}),
    'no job': ('put_messages', {'messages': [['INFO', 'x']]}),
    'no text': ('put_messages', {
        'task_job': '20200101T0000Z/task/01', 'messages': [['INFO', 1]]}),
    'no pair': ('put_messages', {
        'task_job': '20200101T0000Z/task/01', 'messages': ['abc']}),
    'no time': ('put_messages', {
        'task_job': '20200101T0000Z/task/01', 'event_time': 'soon',
        'messages': [['INFO', 'x']]}),
    'an age to come': ('put_messages', {
        'task_job': '20200101T0000Z/task/01',
        'event_time': '9999-12-31T23:59:59-14',
        'messages': [['INFO', 'started']]}),
    'no point': ('put_messages', {
        'task_job': 'never/task/01', 'messages': [['INFO', 'x']]}),
    'no settings': ('put_broadcast', {
        'point_strings': ['*'], 'namespaces': ['root']}),
    'settings of nothing': ('put_broadcast', {
        'point_strings': ['*'], 'namespaces': ['root'], 'settings': 'x'}),
    'points of nothing': ('put_broadcast', {
        'point_strings': 1, 'namespaces': ['root'],
        'settings': [{'script': 'true'}]}),
    'cancelled nothing': ('clear_broadcast', {'cancel_settings': [1]}),
}

#: Bad settings are not an error, but reported.
SETTINGS: dict[str, Any] = {
    'a number': {'environment': {'A': 1}},
    'nothing': {'environment': {}},
    'a time limit without end': {'execution time limit': 'P9999Y'},
    'a list without end': {'execution retry delays': '999999999*PT1S'},
    'an unknown name': {'no such item': 'x'},
    'too deep': {'a': {'b': {'c': {'d': {'e': 'f'}}}}},
}

FORMS = {
    'an unknown state': (
        'reset_task_states', {'items': 'task.20200101T0000Z',
                              'state': 'banana'}),
    'no output': (
        'reset_task_states', {'items': 'task.20200101T0000Z',
                              'outputs': '!succeeded'}),
    'no hold point': ('hold_after_point_string', {'point_string': 'never'}),
    'no stop point': ('set_stop_after_point', {'point_string': '2020-02-30'}),
    'no stop task': ('set_stop_after_task', {'task_id': 'task'}),
    'no clock time': (
        'set_stop_after_clock_time', {'datetime_string': 'tomorrow'}),
    'a far clock time': (
        'set_stop_after_clock_time', {'datetime_string': '9999/12/31-23:59'}),
    'no level': ('set_verbosity', {'level': 'LOUD'}),
    'no cycle': ('remove_cycle', {'point_string': 'x'}),
    'no cutoff': ('expire_broadcast', {'cutoff': 'x'}),
    'a far future': ('trigger_tasks', {'items': 'task.99991231T0000Z'}),
    'NUL': ('put_ext_trigger', {'event_message': 'a\0b', 'event_id': '1'}),
    'a command': (
        'put_ext_trigger', {'event_message': 'a', 'event_id': '$(id)'}),
    'an evil literal': (
        'remove_tasks', {'items': 'task.1', 'spawn': '[' * 3000}),
    'too many items': ('hold_tasks', {'items': ['task.1'] * 3000}),
    'a long item': ('hold_tasks', {'items': '*' * 60_000}),
}


@pytest.fixture(scope='module')
def run(mod_start: Starter) -> Run:
    return mod_start(FLOW, '--pause', name='calendar')


def is_clear(answer: requests.Response) -> None:
    """Check that an answer is an error which says what is wrong."""
    assert answer.status_code == 400, answer.text
    assert 'Traceback' not in answer.text
    text = answer.text.partition('HTTPError: (400, ')[2].partition('<')[0]
    assert len(text) > 15


@pytest.mark.parametrize('case', JSON)
def test_documents(run: Run, case: str) -> None:
    endpoint, document = JSON[case]
    is_clear(run.request('POST', endpoint, json=document))


@pytest.mark.parametrize('case', FORMS)
def test_forms(run: Run, case: str) -> None:
    endpoint, form = FORMS[case]
    is_clear(run.request('POST', endpoint, data=form))


@pytest.mark.parametrize('text', [
    b'{"task_job": "1/task/01", "messages": [["INFO", "\\ud800"]]}',
    b'{"point_strings": ["*"], "settings": [{"script": "\\udfff"}]}',
])
def test_broken_unicode(run: Run, text: bytes) -> None:
    endpoint = 'put_messages' if b'messages' in text else 'put_broadcast'
    is_clear(run.request(
        'POST', endpoint, data=text,
        headers={'Content-Type': 'application/json'},
    ))


@pytest.mark.parametrize('case', SETTINGS)
def test_broadcast_settings(run: Run, case: str) -> None:
    answer = run.request('POST', 'put_broadcast', json={
        'point_strings': ['*'], 'namespaces': ['root'],
        'settings': [SETTINGS[case]],
    })
    assert answer.status_code == 200, answer.text
    modified, bad = answer.json()
    assert modified == []
    assert bad['settings']


def test_a_value_outside_ascii_is_kept(run: Run) -> None:
    """It shut Cylc 7 down."""
    document = {
        'point_strings': ['*'], 'namespaces': ['root'],
        'settings': [{'environment': {'U': 'café'}}],
    }
    modified, bad = run.request('POST', 'put_broadcast', json=document).json()
    assert modified == [['*', 'root', {'environment': {'U': 'café'}}]]
    assert not bad


def test_submission_is_no_message_of_jobs(run: Run) -> None:
    is_clear(run.request('POST', 'put_messages', json={
        'task_job': '20200101T0000Z/gone/01',
        'messages': [['INFO', 'submitted']],
    }))


@pytest.mark.parametrize('verb', [
    'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'BREW',
])
def test_other_verbs_reach_no_view(run: Run, verb: str) -> None:
    answer = requests.request(verb, f'{run.url}/stop_now', timeout=10)
    assert answer.status_code == 405
    assert run.alive


def test_connections_that_lead_nowhere(run: Run) -> None:
    """Hundreds come and go in the middle of something."""
    address = run.http['host'], run.http['port']
    for part in (b'', b'G', b'GET / HTTP/1.1\r\nHo', b'\x16\x03\x01\x02\x00',
                 b'POST /nudge HTTP/1.1\r\nContent-Length: 9\r\n\r\nab',
                 b'\r\n' * 50, b'\xff' * 5000):
        for _ in range(50):
            sock = socket.create_connection(address, 10)
            # An end by a reset, not by a farewell.
            sock.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
            sock.sendall(part)
            sock.close()
    assert run.get('ping_suite') is True


def test_tls_where_none_is_spoken(run: Run) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(
        (run.http['host'], run.http['port']), 10
    ) as sock, pytest.raises(OSError):
        context.wrap_socket(sock)
    assert run.get('ping_suite') is True


def test_scheduler_goes_on(run: Run) -> None:
    """After all that its main loop turns, and jobs run."""
    assert run.post('release_suite', wait=20)[0] is True
    run.wait_log('[20200101T0000Z/task/01:running] => succeeded', 60)
    assert run.post('hold_suite', wait=20) == [True, 'Command succeeded']
    assert 'Traceback' not in run.log()


def test_scheduler_restarts(run: Run) -> None:
    """Nothing was stored that it could not read again."""
    run.stop()
    run.play('--pause')
    time.sleep(2)
    assert run.post('hold_suite', wait=20)[0] is True
    assert run.get('get_broadcast') == {
        '*': {'root': {'environment': {'U': 'café'}}},
    }
