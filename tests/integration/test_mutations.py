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
"""Each mutation does to a real scheduler what it says.

Its outcome is that of ``command(id)``, where Cylc queues it.
"""

from __future__ import annotations

from datetime import UTC, datetime
import re
from typing import Any

import psutil
import pytest

from cylc_flask.query.schema import make_schema
from tests import asking
from tests.asking import Enum, ask, give, order, refusal, wait_state
from tests.harness import Run, Starter

#: Each test has tasks of its own; "keep" lets them go by its outputs. A task
#: whose job proves nothing has none.
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
        [[special tasks]]
            external-trigger = event("knock")
        [[graph]]
            R1 = '''
                keep:pausing => paused
                keep:holding => held & HELD
                keep:ticking => tick
                keep:never => forced => after_forced
                keep:never => puts_out:first => after_first
                keep:never => readied
                keep:telling => told
                victim:failed? => after_victim
                keep & removed & polled & event
            '''
            P1 = '''
                tick[-P1] => tick
            '''
    [runtime]
        [[root]]
            run mode = skip
        [[HELD]]
        [[held_a, held_b]]
            inherit = HELD
        [[LIVE]]
            run mode = live
        [[after_victim, event, forced, held, paused, readied, told]]
            inherit = LIVE
        [[told]]
            script = echo "greeting: $GREETING"
        [[event]]
            script = echo "by $CYLC_EXT_TRIGGER_ID"
        [[keep, polled, removed, victim]]
            inherit = LIVE
            script = sleep 900
        [[keep]]
            [[[outputs]]]
                pausing = the pause
                holding = the hold
                ticking = the tick
                telling = the telling
                never = never
        [[puts_out]]
            [[[outputs]]]
                first = the first thing
        # later: [[new]]
"""


@pytest.fixture(scope='module')
def run(mod_start: Starter) -> Run:
    """Play the workflow until its lasting tasks run."""
    played = mod_start(FLOW, name='mutations')
    for task in ('1/keep', '1/polled', '1/removed', '1/victim'):
        played.wait_log(f'[{task}/01:submitted] => running', 40)
    return played


def test_every_mutation_has_a_test() -> None:
    """What cylc-flow adds to its schema is missed here."""
    mutations = make_schema().mutation_type
    assert mutations
    assert {
        re.sub('([A-Z])', r'_\1', name).lower() for name in mutations.fields
    } <= {
        name.removeprefix('test_') for name in globals()
        if name.startswith('test_')
    }


def let_go(run: Run, output: str) -> None:
    """Send a message in the name of the task that stays."""
    assert give(
        run, 'message', taskJob='1/keep/01', messages=[['INFO', output]]
    ) == [True, 'Messages queued: 1']


def wait_ran(run: Run, task: str) -> None:
    """Wait until a task (``POINT/NAME``) has succeeded."""
    succeeded = re.compile(rf'\[{task}[/:(].*\] => succeeded')
    run.wait_for(lambda: succeeded.search(run.log()), 40, f'{task} succeeded')


def status(run: Run) -> str:
    return str(asking.flow(run, 'status')['status'])


def test_pause(run: Run) -> None:
    """No job is submitted while the workflow is paused."""
    found = order(run, 'pause')
    assert (found['command'], found['state']) == ('pause', 'succeeded')
    assert found['warnings'] == 0
    assert status(run) == 'paused'
    let_go(run, 'the pause')
    wait_state(run, '1/paused', 'waiting')
    assert not run.job_file('1/paused', 'job').exists()


def test_resume(run: Run) -> None:
    """What waited for the pause to end runs."""
    order(run, 'pause')
    order(run, 'resume')
    assert status(run) == 'running'


def test_hold(run: Run) -> None:
    """Tasks that are held do not run, by id and by family."""
    order(run, 'hold', tasks=['1/held', '1/HELD'])
    let_go(run, 'the hold')
    for name in ('held', 'held_a', 'held_b'):
        run.wait_for(
            lambda name=name: asking.task(run, f'1/{name}', 'isHeld')['isHeld']
        )
    assert not run.job_file('1/held', 'job').exists()


def test_release(run: Run) -> None:
    """Tasks that are released run, and no others."""
    order(run, 'hold', tasks=['1/held', '1/HELD'])
    order(run, 'release', tasks=['1/HELD'])
    wait_ran(run, '1/held_a')
    wait_ran(run, '1/held_b')
    assert asking.task(run, '1/held', 'isHeld')['isHeld']
    order(run, 'release', tasks=['*'])
    let_go(run, 'the hold')
    wait_ran(run, '1/held')


def test_set_hold_point(run: Run) -> None:
    """Tasks after the point are held when their turn comes."""
    order(run, 'setHoldPoint', point='2')
    let_go(run, 'the tick')
    wait_ran(run, '2/tick')
    run.wait_for(lambda: asking.task(run, '3/tick', 'isHeld').get('isHeld'))


def test_release_hold_point(run: Run) -> None:
    """Tasks after the point run."""
    order(run, 'setHoldPoint', point='2')
    let_go(run, 'the tick')
    order(run, 'releaseHoldPoint')
    wait_ran(run, '4/tick')


def test_trigger(run: Run) -> None:
    """A task does not wait for anything; what follows it runs too."""
    assert asking.state(run, '1/forced') == 'waiting'
    order(run, 'trigger', tasks=['1/forced'])
    wait_ran(run, '1/forced')
    wait_ran(run, '1/after_forced')


def test_set(run: Run) -> None:
    """Outputs come about without a job; prerequisites are satisfied."""
    order(run, 'set', tasks=['1/puts_out'], outputs=['first'])
    wait_ran(run, '1/after_first')
    assert not run.job_file('1/puts_out', 'job').exists()
    order(run, 'set', tasks=['1/readied'], prerequisites=['all'])
    wait_ran(run, '1/readied')


def test_poll(run: Run) -> None:
    """The job of the task is asked how it does."""
    order(run, 'poll', tasks=['1/polled'])
    run.wait_log('[1/polled/01:running] (polled)started')


def job_of(run: Run, task: str) -> int:
    """Return the process of a task's job."""
    (job,) = asking.task(run, task, 'jobs {jobId state}')['jobs']
    assert job['state'] == 'running'
    return int(job['jobId'])


def test_kill(run: Run) -> None:
    """The job ends, the task has failed, and what waits for that runs."""
    pid = job_of(run, '1/victim')
    order(run, 'kill', tasks=['1/victim'])
    wait_state(run, '1/victim', 'failed')
    run.wait_for(lambda: not psutil.pid_exists(pid))
    wait_ran(run, '1/after_victim')


def test_remove(run: Run) -> None:
    """The task is forgotten, and its job ended."""
    pid = job_of(run, '1/removed')
    order(run, 'remove', tasks=['1/removed'])
    run.wait_log('1/removed')
    run.wait_for(lambda: not psutil.pid_exists(pid))
    assert asking.state(run, '1/removed') != 'running'


def test_message(run: Run) -> None:
    """A job's message is in the log, and brings an output about."""
    assert give(
        run, 'message', taskJob='1/keep/01', eventTime='2030-01-01T00:00:00Z',
        messages=[['INFO', 'hello there'], ['WARNING', 'mind the gap']],
    ) == [True, 'Messages queued: 2']
    run.wait_log('hello there')
    run.wait_log('mind the gap')


def wait_broadcasts(run: Run, wanted: dict[str, Any]) -> None:
    run.wait_for(
        lambda: asking.flow(run, 'broadcasts') == {'broadcasts': wanted}
    )


def test_broadcast(run: Run) -> None:
    """Settings are there until they are taken back, and jobs see them."""
    settings = {'environment': {'GREETING': 'good morning'}}
    changed, bad = give(
        run, 'broadcast', mode=Enum('Set'), cyclePoints=['1'],
        namespaces=['told'], settings=[settings],
    )
    assert changed == [['1', 'told', settings]]
    assert not bad
    wait_broadcasts(run, {'1': {'told': settings}})
    let_go(run, 'the telling')
    wait_ran(run, '1/told')
    assert 'greeting: good morning' in run.job_file(
        '1/told', 'job.out').read_text()
    give(
        run, 'broadcast', mode=Enum('Clear'), cyclePoints=['1'],
        namespaces=['told'],
    )
    wait_broadcasts(run, {})
    give(run, 'broadcast', mode=Enum('Set'), cyclePoints=['1', '2'],
         namespaces=['root'], settings=[{'script': 'true'}])
    give(run, 'broadcast', mode=Enum('Expire'), cutoff='2')
    wait_broadcasts(run, {'2': {'root': {'script': 'true'}}})
    give(run, 'broadcast', mode=Enum('Expire'))
    wait_broadcasts(run, {})


def test_ext_trigger(run: Run) -> None:
    """The task that waits for the event runs, and knows which it was."""
    assert give(run, 'extTrigger', message='knock', id='no-7') == [
        True, 'Event queued'
    ]
    wait_ran(run, '1/event')
    assert 'by no-7' in run.job_file('1/event', 'job.out').read_text()


def test_set_verbosity(run: Run) -> None:
    """The log tells more, until it is told not to."""
    assert ' DEBUG - ' not in run.log()
    order(run, 'setVerbosity', level=Enum('DEBUG'))
    asking.flow(run, 'id')
    run.wait_log(' DEBUG - ')
    order(run, 'setVerbosity', level=Enum('INFO'))


def test_set_graph_window_extent(run: Run) -> None:
    """More of the graph is seen."""
    def seen() -> set[str]:
        return {each['name'] for each in ask(
            run, '{taskProxies {name}}')['taskProxies']}

    few = seen()
    accepted, text = give(run, 'setGraphWindowExtent', nEdgeDistance=4)
    assert accepted, text
    run.wait_for(lambda: asking.flow(run, 'nEdgeDistance') == {
        'nEdgeDistance': 4})
    run.wait_for(lambda: seen() >= few)
    give(run, 'setGraphWindowExtent', nEdgeDistance=1)


def test_reload(run: Run) -> None:
    """A new task is known."""
    run.define(FLOW.replace('# later: ', '').replace(
        'keep & removed', 'new & keep & removed'
    ))
    order(run, 'reload')
    names = {each['name'] for each in ask(run, '{tasks {name}}')['tasks']}
    assert 'new' in names


def test_reload_that_fails(run: Run) -> None:
    """The outcome says why."""
    definition = run.run_dir / 'flow.cylc'
    text = definition.read_text()
    definition.unlink()
    accepted, id_ = give(run, 'reload')
    assert accepted
    found = asking.outcome(run, id_)
    definition.write_text(text)
    assert found['state'] == 'failed'
    assert str(definition) in found['text']
    order(run, 'reload')
    order(run, 'resume')


def test_warnings(run: Run) -> None:
    """A command which does nothing has succeeded with a warning."""
    found = order(run, 'hold', tasks=['1/nosuch'])
    assert found['state'] == 'warnings', found
    assert found['warnings'] >= 1


@pytest.mark.parametrize('mutation, arguments, text', [
    ('setHoldPoint', {'point': 'banana'}, 'banana'),
    ('stop', {'cyclePoint': 'banana'}, 'banana'),
    ('stop', {'clockTime': 'banana'}, 'banana'),
    ('stop', {'task': '///'}, '///'),
    ('trigger', {'tasks': ['1/keep'], 'flow': ['banana']}, 'Flow values'),
    ('set', {'tasks': ['1/keep'], 'prerequisites': ['///']}, '///'),
    ('message', {'taskJob': '1/keep/xx', 'messages': []}, '1/keep/xx'),
    ('message', {'taskJob': '1/keep/01', 'messages': [['INFO', 'x']],
                 'eventTime': 'banana'}, 'banana'),
    ('broadcast', {'mode': Enum('Set'), 'cyclePoints': None},
     'must be a list'),
    ('setGraphWindowExtent', {'nEdgeDistance': -1}, '-1'),
    ('setGraphWindowExtent', {'nEdgeDistance': 1000000}, '1000000'),
])
def test_what_cannot_work(
    run: Run, mutation: str, arguments: dict[str, Any], text: str
) -> None:
    """The result says why, as Cylc's clients expect; nobody is harmed."""
    assert text in refusal(run, mutation, **arguments)
    assert run.alive


def test_another_workflow(run: Run) -> None:
    """What is not here is not told anything."""
    found = ask(run, 'mutation {pause(workflows: ["elsewhere"]) {result}}')
    (result,) = found['pause']['result']
    assert result['response'][0] is False
    assert status(run) == 'running'


def test_unknown_command(run: Run) -> None:
    """A command that nobody gave is null."""
    assert ask(run, '{command(id: "nosuch") {state}}') == {'command': None}


def test_several_mutations(run: Run) -> None:
    """The commands of one operation are done in their order."""
    found = ask(run, """
        mutation ($w: [WorkflowID]!) {
            a: hold(workflows: $w, tasks: ["1/keep"]) {result}
            b: release(workflows: $w, tasks: ["1/keep"]) {result}
        }
    """, w=[run.name])
    ids = [found[alias]['result'][0]['response'][1] for alias in 'ab']
    times = [ask(
        run, 'query ($id: ID!) {command(id: $id) {time}}', id=id_
    )['command']['time'] for id_ in ids]
    assert times == sorted(times)
    assert {asking.outcome(run, id_)['state'] for id_ in ids} <= {
        'succeeded', 'warnings'
    }
    assert not asking.task(run, '1/keep', 'isHeld')['isHeld']


def test_user_of_a_command(run: Run) -> None:
    """Who gave a command is known as the caller's headers say."""
    found = run.request('POST', 'graphql', json={
        'query': 'mutation {resume(workflows: ["*"]) {result}}',
    }, headers={
        'User-Agent': 'cylc/8 prog_name/tui uuid/1', 'From': 'me@here',
    }).json()
    id_ = found['data']['resume']['result'][0]['response'][1]
    given = asking.outcome(run, id_)
    assert given['user'] == 'me@here:tui'
    assert f'Command "resume" received from {given["user"]}' in run.log()
    assert abs(
        datetime.now(UTC).timestamp() - ask(
            run, 'query ($id: ID!) {command(id: $id) {time}}', id=id_
        )['command']['time']
    ) < 60


def test_stop(start: Starter) -> None:
    """A stop after a point is known; a stop now is the end."""
    run = start(FLOW, '--pause', name='stopping')
    order(run, 'stop', cyclePoint='3')
    summary = run.get('get_suite_state_summary')[0]
    assert 'stop at 3' in summary['status_string'] or (
        summary['status_string'] == 'held')
    assert give(run, 'stop', mode=Enum('Now'))[0]
    assert run.wait_end() == 0
