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
"""Every endpoint from the command line, whatever the server speaks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.harness import Run, Starter

FLOW = """
    [meta]
        title = Four words for a title
    [scheduling]
        [[graph]]
            R1 = foo & bar
    [runtime]
        [[foo, bar]]
            script = sleep 60
"""


@pytest.fixture(scope='module')
def paused(mod_start: Starter) -> Run:
    return mod_start(FLOW, '--pause')


def call(run: Run, *words: str, status: int = 0) -> str:
    """Return what a call prints, on either stream."""
    result = run.cylc('flask', 'call', run.name, *words, check=False)
    assert result.returncode == status, result.stderr
    assert 'Traceback' not in result.stderr
    return result.stderr if status else result.stdout


def answer(run: Run, *words: str) -> Any:
    return json.loads(call(run, *words, '--json'))


@pytest.mark.parametrize('config', [
    {'method': 'http'},
    {'method': 'https'},
    {'method': 'http', 'authentication': 'basic'},
    {'method': 'https', 'digest_algorithm': 'SHA'},
    {'method': 'https', 'digest_algorithm': 'SHA-256'},
    {'method': 'http', 'unix_socket': 'http.socket'},
    {'method': 'https', 'unix_socket': 'http.socket'},
], ids=str)
def test_all_ways(start: Starter, config: dict[str, Any]):
    run = start(FLOW, '--pause', config=config)
    assert 'title: Four words' in call(run, 'get_suite_info')
    assert answer(run, 'hold_suite', 'wait=10') == [True, 'Command succeeded']


def test_readable(paused):
    text = call(paused, 'get_suite_state_summary')
    assert '    status_string: held' in text.splitlines()


def test_outcome(paused):
    words = 'hold_tasks', 'items=foo.1', 'items=bar.1', 'wait=10'
    assert call(paused, *words) == 'Command succeeded\n'
    _, tasks, _ = answer(paused, 'get_suite_state_summary')
    assert tasks['foo.1']['state'] == tasks['bar.1']['state'] == 'held'


def test_broadcast(paused):
    words = 'point_strings=1', 'namespaces=foo', 'settings={"script": "date"}'
    assert answer(paused, 'put_broadcast', *words)[1] == {}
    assert answer(paused, 'get_broadcast') == {
        '1': {'foo': {'script': 'date'}}}
    assert answer(paused, 'clear_broadcast', 'namespaces=foo')[1] == {}
    assert answer(paused, 'get_broadcast') == {}


def test_messages(paused):
    words = 'task_job=1/foo/01', 'messages=["INFO", "hello from outside"]'
    assert answer(paused, 'put_messages', *words) == [
        True, 'Messages queued: 1']


@pytest.mark.parametrize('words, text', [
    (('ping_task', 'task_id=nix.1'), 'not found'),
    (('put_broadcast', 'point_strings=1', 'namespaces=nix',
      'settings={"script": "date"}'), 'nix'),
    (('put_broadcast', 'settings={nix'), 'no JSON'),
    (('nix',), '404'),
    (('hold_tasks', 'nix=1'), 'nix'),
    (('hold_after_point_string', 'point_string=nix', 'wait=10'), 'nix'),
])
def test_refusal(paused, words, text):
    assert text in call(paused, *words, status=1)


def test_no_such_workflow(paused):
    result = paused.cylc('flask', 'call', 'nix', 'identify', check=False)
    assert result.returncode == 1
    assert 'nix' in result.stderr


def test_not_running(start):
    run = start.make(FLOW)
    assert 'no web server' in call(run, 'identify', status=1)


def test_killed(start):
    run = start(FLOW, '--pause')
    run.kill()
    assert 'has died' in call(run, 'identify', status=1)
