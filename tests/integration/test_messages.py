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
"""What jobs and the outside tell a real scheduler, and broadcasts to jobs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
import re
import sqlite3
from typing import Any

import pytest

from tests.effects import let_go, state, tasks, wait_ran, wait_state
from tests.harness import Run, Starter

THREADS = 20
MESSAGES = 40

#: Each test has tasks of its own; "keep" lets them go by its messages.
FLOW = """
    [scheduler]
        UTC mode = True
        allow implicit tasks = True
        [[events]]
            stall timeout = PT1H
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        final cycle point = 2
        [[special tasks]]
            external-trigger = event("it happened"), other("never")
        [[graph]]
            R1 = '''
                keep:messaging => told
                keep:old => told_by_old
                ended & ended_old
                keep:casting => casted & CASTED
                keep:clearing => cleared
                keep:expiring => expired & spared
                event => after_event
                other
            '''
            P1 = busy
    [runtime]
        [[root]]
            script = echo "$CYLC_TASK_JOB says ${WORD:-nothing}"
        [[CASTED]]
        [[casted_too]]
            inherit = CASTED
        [[told, told_by_old, after_event, other]]
            run mode = skip
        [[busy]]
            script = for n in $(seq 20); do cylc message -- "busy $n"; done
        [[event]]
            script = echo "by $CYLC_EXT_TRIGGER_ID"
        [[ended, ended_old, keep]]
            script = sleep 900
        [[keep]]
            [[[outputs]]]
                messaging = it is time
                old = old times
                casting = casting
                clearing = clearing
                expiring = expiring
"""


@pytest.fixture(scope='module')
def run(mod_start: Starter) -> Run:
    """Play the workflow until the task that stays runs."""
    played = mod_start(FLOW, name='messages')
    played.wait_log('[1/keep/01:submitted] => running', 40)
    return played


def put_json(run: Run, endpoint: str, **document: Any) -> Any:
    answer = run.request('POST', endpoint, json=document)
    assert answer.status_code == 200, answer.text
    return answer.json()


# Messages

def test_messages(run: Run) -> None:
    """A message sets an output, which lets others run."""
    assert put_json(
        run, 'put_messages', task_job='1/keep/01', event_time=None,
        messages=[
            ['INFO', 'it is time'], ['WARNING', 'careful'],
            ['CRITICAL', 'very bad'], ['CUSTOM', 'own level'],
        ],
    ) == [True, 'Messages queued: 4']
    wait_ran(run, '1/told')
    requisites, _ = run.get('get_task_requisites', items='keep.1')
    outputs = dict(requisites['keep.1']['outputs'])
    assert outputs['keep.1 it is time'] is True
    assert outputs['keep.1 old times'] is False
    assert tasks(run)['keep.1']['latest_message'] == 'own level'
    for line in (
        'WARNING - [1/keep/01:running] (received)careful',
        'CRITICAL - [1/keep/01:running] (received)very bad',
        'INFO - [1/keep/01:running] (received)own level',
    ):
        assert line in run.log()


def test_message_of_an_old_client(run: Run) -> None:
    """The message is for the latest job of the task."""
    assert run.post(
        'put_message', task_id='keep.1', severity='INFO',
        message='old times',
    ) == [True, 'Message queued']
    wait_ran(run, '1/told_by_old')


def test_times_of_messages(run: Run) -> None:
    """What is told later happened when it is said to have happened."""
    for name in ('ended', 'ended_old'):
        wait_state(run, f'{name}.1', 'running')
    put_json(
        run, 'put_messages', task_job='1/ended/01',
        event_time='2030-01-01T00:00:00Z', messages=[['INFO', 'succeeded']],
    )
    run.post(
        'put_message', task_id='ended_old.1', severity='INFO',
        message='succeeded at 2031-01-01T00:00:00Z',
    )
    wait_ran(run, '1/ended')
    wait_ran(run, '1/ended_old')
    wait_stored(run, """
        SELECT name, time_run_exit FROM task_jobs
        WHERE name LIKE 'ended%' ORDER BY name
    """, [
        ('ended', '2030-01-01T00:00:00Z'),
        ('ended_old', '2031-01-01T00:00:00Z'),
    ])


def wait_stored(run: Run, query: str, rows: list[Any]) -> None:
    """Wait until this is in the scheduler's database."""
    def found() -> bool:
        path = run.run_dir / 'log' / 'db'
        with closing(sqlite3.connect(path)) as database:
            return list(database.execute(query)) == rows
    run.wait_for(found, what=f'{rows}')


def test_messages_for_nobody(run: Run) -> None:
    """They are taken, and do nothing."""
    for job in ('1/nosuch/01', '1/keep/07', '2/told/01'):
        let_go(run, 'hello', job=job)
    assert state(run, 'keep.1') == 'running'


# Broadcasts

def test_broadcast_reaches_jobs(run: Run) -> None:
    """Jobs to come have the setting, by task and by family."""
    modified, bad = put_json(
        run, 'put_broadcast', point_strings=['1'],
        namespaces=['casted', 'CASTED'],
        settings=[{'environment': {'WORD': 'größer'}}],
    )
    assert len(modified) == 2 and bad == {}
    assert run.get('get_broadcast', task_id='casted_too.1') == {
        'environment': {'WORD': 'größer'}
    }
    let_go(run, 'casting')
    for task in ('1/casted', '1/casted_too'):
        wait_ran(run, task)
        assert says(run, task) == 'größer'


def test_cleared_broadcast_reaches_none(run: Run) -> None:
    """What was taken back is not there."""
    put_json(
        run, 'put_broadcast', point_strings=['1'], namespaces=['cleared'],
        settings=[{'environment': {'WORD': 'wrong', 'KEPT': 'x'}}],
    )
    modified, bad = put_json(
        run, 'clear_broadcast', point_strings=['1'], namespaces=['cleared'],
        cancel_settings=[{'environment': {'WORD': ''}}],
    )
    assert (modified, bad) == (
        [['1', 'cleared', {'environment': {'WORD': 'wrong'}}]], {}
    )
    assert run.get('get_broadcast', task_id='cleared.1') == {
        'environment': {'KEPT': 'x'}
    }
    let_go(run, 'clearing')
    wait_ran(run, '1/cleared')
    assert says(run, '1/cleared') == 'nothing'


def test_expired_broadcast_reaches_none(run: Run) -> None:
    """Those for cycles before the cutoff are gone, those for all stay."""
    for point, task in (('1', 'expired'), ('*', 'spared')):
        put_json(
            run, 'put_broadcast', point_strings=[point], namespaces=[task],
            settings=[{'environment': {'WORD': 'still here'}}],
        )
    assert run.post('expire_broadcast', cutoff='1') == [
        None, {'expire': ['1']}
    ]
    modified, bad = run.post('expire_broadcast', cutoff='2')
    assert ['1', 'expired', {'environment': {'WORD': 'still here'}}
            ] in modified
    assert bad == {}
    let_go(run, 'expiring')
    wait_ran(run, '1/expired')
    wait_ran(run, '1/spared')
    assert says(run, '1/expired') == 'nothing'
    assert says(run, '1/spared') == 'still here'


def says(run: Run, task: str) -> str:
    """Return the word which a job was given."""
    output = run.job_file(task, 'job.out').read_text()
    found = re.search(r'^\S+ says (.*)$', output, re.MULTILINE)
    assert found, output
    return found[1]


# External events

def test_external_trigger(run: Run) -> None:
    """The task that waits for the event runs, and knows which it was."""
    assert run.post(
        'put_ext_trigger', event_message='it happened', event_id='no-42',
    ) == [True, 'Event queued']
    wait_ran(run, '1/event')
    wait_ran(run, '1/after_event')
    assert run.get('get_broadcast')['1']['root'] == {
        'environment': {'CYLC_EXT_TRIGGER_ID': 'no-42'}
    }
    assert 'by no-42' in run.job_file('1/event', 'job.out').read_text()
    requisites, _ = run.get('get_task_requisites', items='other.1')
    assert requisites['other.1']['extras'] == {
        'External trigger "never"': 'NOT satisfied'
    }


# Many at once

def test_messages_under_load(run: Run) -> None:
    """Of many clients at once no message is lost, doubled, or overtaken."""
    def send(thread: int) -> int:
        session = run.session()
        answers = [
            session.post(f'{run.url}/put_messages', json={
                'task_job': '1/keep/01', 'event_time': None,
                'messages': [['INFO', f'message {thread} {number}']],
            }).json()
            for number in range(MESSAGES)
        ]
        return answers.count([True, 'Messages queued: 1'])

    with ThreadPoolExecutor(THREADS) as threads:
        taken = list(threads.map(send, range(THREADS)))
    assert taken == [MESSAGES] * THREADS
    run.wait_for(
        lambda: all(
            f'(received)message {thread} {MESSAGES - 1}\n' in run.log()
            for thread in range(THREADS)
        ),
    )
    received = re.findall(r'\(received\)message (\d+) (\d+)', run.log())
    assert len(received) == THREADS * MESSAGES
    wait_stored(run, """
        SELECT count(*), count(DISTINCT message) FROM task_events
        WHERE event == 'message info' AND message LIKE 'message %'
    """, [(THREADS * MESSAGES, THREADS * MESSAGES)])
    for thread in range(THREADS):
        assert [
            int(number) for by, number in received if int(by) == thread
        ] == list(range(MESSAGES))


def test_jobs_of_cylc_8_beside(run: Run) -> None:
    """The jobs' own messages come through as ever."""
    for cycle in '12':
        wait_ran(run, f'{cycle}/busy')
        said = re.findall(
            rf'\[{cycle}/busy/01:\w+\] \(received\)busy (\d+)', run.log()
        )
        assert said == [str(number) for number in range(1, 21)]
