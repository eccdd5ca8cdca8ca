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
"""What the commands do to a real scheduler, not only what they answer."""

from __future__ import annotations

import re
import time
from typing import Any

import psutil
import pytest

from tests.effects import (
    has_run,
    let_go,
    order,
    refusal,
    state,
    tasks,
    wait_ran,
    wait_state,
    workflow,
)
from tests.harness import Run, Starter

#: Each test has tasks of its own; "keep" lets them go by its messages. To
#: save time, a task whose job proves nothing has none.
FLOW = """
    [scheduler]
        UTC mode = True
        allow implicit tasks = True
        [[events]]
            stall timeout = PT1H
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        final cycle point = 4
        runahead limit = P4
        [[graph]]
            R1 = '''
                keep:pausing => paused
                keep:holding => held & HELD
                keep:ticking => tick
                keep:never => forced => after_forced
                keep:never => FORCED
                keep:never => succeeds => after_succeeds
                keep:never => fails:failed? => after_fails
                keep:never => expires:expired? => after_expires
                keep:never => readied
                keep:never => puts_out:first => after_first
                keep:never => puts_out:second => after_second
                keep:never => starts:started => after_starts
                victim:failed? => after_victim
                again & keep & removed
            '''
            P1 = '''
                tick[-P1] => tick
            '''
            R1/2 = sits
            R1/3 = sits
    [runtime]
        [[root]]
            run mode = skip
        [[HELD, FORCED]]
        [[held_a, held_b]]
            inherit = HELD
        [[forced_a, forced_b]]
            inherit = FORCED
        [[LIVE]]
            run mode = live
        [[after_victim, forced, held, paused, readied]]
            inherit = LIVE
        [[again]]
            inherit = LIVE
            script = false
        [[keep, removed, sits, victim]]
            inherit = LIVE
            script = sleep 900
        [[keep]]
            [[[outputs]]]
                pausing = pausing
                holding = holding
                ticking = ticking
                never = never
        [[puts_out]]
            [[[outputs]]]
                first = the first thing
                second = the second thing
        # later: [[FRESH]]
        # later: [[new]]
            # later: inherit = FRESH
"""


@pytest.fixture(scope='module')
def run(mod_start: Starter) -> Run:
    """Play the workflow until its lasting tasks run."""
    played = mod_start(FLOW, name='effects')
    for task in ('1/keep', '1/removed', '1/victim', '2/sits', '3/sits'):
        played.wait_log(f'[{task}/01:submitted] => running', 40)
    return played


def test_hold_suite(run: Run) -> None:
    """No job is submitted while the suite is held."""
    order(run, 'hold_suite')
    assert workflow(run)['status_string'] == 'held'
    let_go(run, 'pausing')
    wait_state(run, 'paused.1', 'queued')
    assert not has_run(run, '1/paused')
    order(run, 'release_suite')
    assert workflow(run)['status_string'] == 'running to stop at 4'
    wait_ran(run, '1/paused')


def test_hold_tasks(run: Run) -> None:
    """Held tasks wait, by id and by family, until they are released."""
    order(run, 'hold_tasks', 'held.1', '1/HELD')
    let_go(run, 'holding')
    for task in ('held.1', 'held_a.1', 'held_b.1'):
        wait_state(run, task, 'held')
    order(run, 'release_tasks', 'held_?.1')
    wait_ran(run, '1/held_a')
    wait_ran(run, '1/held_b')
    assert state(run, 'held.1') == 'held'
    assert not has_run(run, '1/held')
    order(run, 'release_tasks', 'held')
    wait_ran(run, '1/held')


def test_hold_after_point(run: Run) -> None:
    """Tasks after the point are held until the suite is released."""
    order(run, 'hold_after_point_string', point_string='2')
    assert workflow(run)['status_string'] == 'running to hold at 2'
    let_go(run, 'ticking')
    wait_ran(run, '2/tick')
    wait_state(run, 'tick.3', 'held')
    order(run, 'release_suite')
    assert workflow(run)['status_string'] == 'running to stop at 4'
    wait_ran(run, '4/tick')


def test_trigger_again(run: Run) -> None:
    """A task that has run gets another job, with the next number."""
    wait_state(run, 'again.1', 'failed')
    order(run, 'trigger_tasks', 'again.1')
    run.wait_log('[1/again/02:running] => failed', 40)
    task = tasks(run)['again.1']
    assert (task['state'], task['submit_num']) == ('failed', 2)
    assert task['job_hosts'] == {'1': 'localhost', '2': 'localhost'}


def test_trigger_what_waits(run: Run) -> None:
    """Triggered tasks do not wait for anything; what follows is told."""
    assert state(run, 'forced.1') == 'waiting'
    order(run, 'trigger_tasks', '1/forced', 'FORCED.1')
    for task in ('after_forced', 'forced_a', 'forced_b'):
        wait_ran(run, f'1/{task}')


@pytest.mark.parametrize('name, wanted', [
    ('succeeds', 'succeeded'), ('fails', 'failed'), ('expires', 'expired'),
])
def test_reset_to_an_end(run: Run, name: str, wanted: str) -> None:
    """A task is in the state without a job, and what waits for it runs."""
    order(run, 'reset_task_states', f'{name}.1', state=wanted)
    assert state(run, f'{name}.1') == wanted
    wait_ran(run, f'1/after_{name}')
    assert not has_run(run, f'1/{name}')


def test_reset_to_ready(run: Run) -> None:
    """A task runs as if all that it waits for were there."""
    order(run, 'reset_task_states', 'readied.1', state='ready')
    wait_ran(run, '1/readied')


def test_reset_outputs(run: Run) -> None:
    """Outputs come about by name or by message, as clients send them."""
    order(
        run, 'reset_task_states', 'puts_out.1', state='',
        outputs=['first', 'the second thing'],
    )
    wait_ran(run, '1/after_first')
    wait_ran(run, '1/after_second')
    requisites, _ = run.get('get_task_requisites', items='puts_out.1')
    assert {
        'puts_out.1 the first thing', 'puts_out.1 the second thing',
    } <= {text for text, done in requisites['puts_out.1']['outputs'] if done}
    assert not has_run(run, '1/puts_out')


def test_reset_output_instead_of_state(run: Run) -> None:
    """What the error says to do instead does what it says."""
    text = refusal(run, 'reset_task_states', 'starts.1', state='running')
    assert 'outputs=started' in text
    order(run, 'reset_task_states', 'starts.1', state='', outputs='started')
    wait_ran(run, '1/after_starts')


@pytest.mark.parametrize('arguments, text', [
    ({'state': 'ready'}, 'cannot make keep.1 ready again'),
    ({'state': 'waiting'}, 'cannot make keep.1 waiting again'),
    ({'state': 'submitted'}, 'outputs=submitted'),
    ({'state': 'submit-failed'}, 'puts no task into this state'),
    ({'state': 'banana'}, 'not a state to reset to'),
    ({'state': '', 'outputs': '!started'}, 'cannot undo an output'),
    ({'state': '', 'outputs': 'banana'}, 'no output of these tasks'),
    ({}, 'needs a state, or outputs'),
])
def test_reset_that_cannot_be(
    run: Run, arguments: dict[str, str], text: str
) -> None:
    """The task stays as it is, and the answer says why."""
    assert text in refusal(run, 'reset_task_states', 'keep.1', **arguments)
    assert state(run, 'keep.1') == 'running'


def test_poll(run: Run) -> None:
    """The job of the task is asked how it does, that of no other."""
    order(run, 'poll_tasks', 'keep.1')
    run.wait_log('[1/keep/01:running] (polled)started')
    assert '2/sits/01:running] (polled)' not in run.log()


def test_poll_all(run: Run) -> None:
    """No items means all that have jobs."""
    order(run, 'poll_tasks')
    for task in ('1/removed', '2/sits', '3/sits'):
        run.wait_log(f'[{task}/01:running] (polled)started')


def test_kill(run: Run) -> None:
    """The job ends, the task has failed, and what waits for that runs."""
    pid = job_of(run, 'victim.1')
    order(run, 'kill_tasks', 'victim.1')
    wait_state(run, 'victim.1', 'failed')
    run.wait_for(lambda: not psutil.pid_exists(pid))
    wait_ran(run, '1/after_victim')


def job_of(run: Run, task: str) -> int:
    return int(tasks(run)[task]['submit_method_id'])


def test_remove_tasks(run: Run) -> None:
    """The task is forgotten, and its job ended."""
    pid = job_of(run, 'removed.1')
    order(run, 'remove_tasks', 'removed.1')
    wait_state(run, 'removed.1', None)
    run.wait_for(lambda: not psutil.pid_exists(pid))


def test_remove_cycle(run: Run) -> None:
    """The tasks of that cycle are forgotten, and no others."""
    order(run, 'remove_cycle', point_string='2')
    wait_state(run, 'sits.2', None)
    assert state(run, 'sits.3') == 'running'
    assert state(run, 'keep.1') == 'running'
    text = order(run, 'remove_cycle', point_string='77')
    assert text.startswith('Command succeeded with 1 warning(s)')
    assert state(run, 'sits.3') == 'running'


def test_set_verbosity(run: Run) -> None:
    """The log tells more, until it is told not to."""
    assert ' DEBUG - ' not in run.log()
    order(run, 'set_verbosity', level='10')
    run.get('ping_suite')
    assert ' DEBUG - [client-connect]' in run.log()
    order(run, 'set_verbosity', level='20')
    length = len(run.log())
    run.get('ping_suite')
    time.sleep(1.5)
    assert ' DEBUG - ' not in run.log()[length:]


def test_reload(run: Run) -> None:
    """A new task is known to clients, who are told of it, and can run."""
    session = run.session()
    session.headers['User-Agent'] = 'cylc/7.8.15 prog_name/gui uuid/reload'

    def latest() -> dict[str, Any]:
        answer: dict[str, Any] = session.get(
            f'{run.url}/get_latest_state'
        ).json()
        return answer

    assert latest()['full_mode'] is True
    assert 'ancestors' not in latest()
    run.define(FLOW.replace('# later: ', '').replace(
        'again & keep', 'new & again & keep'
    ))
    order(run, 'reload_suite')
    news = latest()
    assert news['full_mode'] is False
    assert news['ancestors']['new'] == ['new', 'FRESH', 'root']
    assert news['descendants']['FRESH'] == ['new']
    assert 'new' in workflow(run)['namespace definition order']
    assert 'ancestors' not in latest()
    order(run, 'trigger_tasks', 'new.1')
    wait_ran(run, '1/new')


def test_reload_that_fails(run: Run) -> None:
    """The reason is told, and the run goes on as it was."""
    run.define(FLOW.replace('[[graph]]', '[[grief]]'))
    text = order(run, 'reload_suite')
    assert re.match(
        r'Command succeeded with \d warning\(s\): Reload failed', text
    )
    assert 'grief' in text
    assert workflow(run)['reloading'] is False
    run.define(FLOW)
    assert order(run, 'reload_suite') == 'Command succeeded'
    assert state(run, 'keep.1') == 'running'


# What became of a command

def test_wait(run: Run) -> None:
    """The answer is the outcome, with the scheduler's warnings."""
    assert run.get('hold_tasks?wait=20&items=keep.1') == [
        True, 'Command succeeded'
    ]
    text = order(run, 'release_tasks', 'nosuch.1', 'other.1')
    assert text == (
        'Command succeeded with 2 warning(s): No tasks match: nosuch.1,'
        ' other.1'
    )
    text = order(run, 'kill_tasks', 'keep.4')
    assert re.match(
        r'Command succeeded with 1 warning\(s\): \S.*\b4/keep\b', text
    )


def test_wait_for_a_failure(run: Run) -> None:
    """The reason why the scheduler could not do it is the answer."""
    definition = run.run_dir / 'flow.cylc'
    definition.rename(definition.with_suffix('.gone'))
    done, text = run.post('reload_suite?wait=20')
    assert not done
    assert re.match(f'Command failed: .*{re.escape(str(definition))}', text)
    run.define(FLOW)
    order(run, 'reload_suite')
    order(run, 'release_suite')
    assert workflow(run)['status_string'] == 'running to stop at 4'


def test_wait_not_long_enough(run: Run) -> None:
    """Who does not wait for the outcome can ask for it later."""
    answer = run.request('POST', 'hold_suite?wait=0')
    ticket = answer.headers['Cylc-Command-ID']
    assert answer.json() == [
        True, 'Command queued; its outcome is not known yet, ask'
        f' get_command?id={ticket}',
    ]
    said = run.wait_for(lambda: outcome_of(run, ticket))
    assert said['command'] == 'pause'
    assert said['state'] == 'succeeded'
    assert said['outcome'] == [True, 'Command succeeded']
    assert abs(said['time'] - time.time()) < 30
    answer = run.request('POST', 'release_suite')
    assert answer.json() == [True, 'Command queued']
    tickets = answer.headers['Cylc-Command-ID']
    said = run.wait_for(lambda: outcome_of(run, tickets))
    assert said['outcome'] == [True, 'Command succeeded']
    resume, release = tickets.split(', ')
    assert f'Command "resume" actioned. ID={resume}' in run.log()
    assert f'Command "release_hold_point" actioned. ID={release}' in run.log()


def outcome_of(run: Run, ticket: str) -> dict[str, Any] | None:
    """Return what is known of a command which has been done."""
    said: dict[str, Any] = run.get('get_command', id=ticket)
    return None if said['state'] == 'queued' else said


@pytest.mark.parametrize('wait', ['x', '-1', '61', 'nan', 'inf', '1e999'])
def test_wait_for_nonsense(run: Run, wait: str) -> None:
    """A time that is none is refused before anything is done."""
    text = refusal(run, f'hold_suite?wait={wait}')
    assert text == f'Bad argument value: wait={wait} (seconds, 0 to 60)'
    assert workflow(run)['status_string'] != 'held'


def test_unknown_command(run: Run) -> None:
    """Nobody knows what was never asked, and not everybody may ask."""
    assert run.request('GET', 'get_command?id=1').status_code == 404
    answer = run.request('GET', 'get_command?id=1', user='anon')
    assert answer.status_code == 403


def test_kill_all(run: Run) -> None:
    """No items means all that run: this is the end."""
    jobs = [job_of(run, task) for task in ('keep.1', 'sits.3')]
    order(run, 'kill_tasks')
    wait_state(run, 'keep.1', 'failed')
    wait_state(run, 'sits.3', 'failed')
    run.wait_for(lambda: not any(map(psutil.pid_exists, jobs)))
