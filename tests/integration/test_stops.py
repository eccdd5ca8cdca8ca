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
"""Every way to stop a real scheduler, and what becomes of who calls then."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
import re
from typing import NamedTuple

import psutil
import pytest
import requests

from tests.effects import order, tasks, workflow
from tests.harness import Run, Starter, free_port

PLUGINS = Path(__file__).parent.parent / 'data' / 'plugins'

#: The first task decides how long it takes; the others have no jobs.
FLOW = """
    [scheduler]
        UTC mode = True
        [[events]]
            stall timeout = PT1H
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        final cycle point = 5
        [[graph]]
            R1 = '''
                first => second => third
                first => tick
            '''
            P1 = tick[-P1] => tick
    [runtime]
        [[root]]
            run mode = skip
        [[first]]
            run mode = live
            script = sleep {seconds}
        [[second, third, tick]]
"""

#: Seconds: long enough to give commands meanwhile; for ever.
A_WHILE, ENDLESS = 10, 900


class Stop(NamedTuple):
    """A way to stop.

    Args:
        endpoint: Of the REST API.
        arguments: Its arguments.
        seconds: How long the first task runs.
    """

    endpoint: str
    arguments: Callable[[], dict[str, str]] = dict
    seconds: int = A_WHILE


def soon() -> str:
    """Return the time in some seconds, when the first task still runs."""
    time = datetime.now(UTC) + timedelta(seconds=4)
    return f'{time:%Y-%m-%dT%H:%M:%SZ}'


STOPS = {
    'cleanly': Stop('set_stop_cleanly'),
    'kill': Stop(
        'set_stop_cleanly', lambda: {'kill_active_tasks': 'True'}, ENDLESS),
    'now': Stop('stop_now', seconds=ENDLESS),
    'at once': Stop('stop_now', lambda: {'terminate': 'True'}, ENDLESS),
    'point': Stop('set_stop_after_point', lambda: {'point_string': '2'}),
    'task': Stop('set_stop_after_task', lambda: {'task_id': 'second.1'}),
    'time': Stop(
        'set_stop_after_clock_time', lambda: {'datetime_string': soon()}),
    'old time': Stop(
        'set_stop_after_clock_time',
        lambda: {'datetime_string': '2001/02/03-04:05'}),
}


class Stopped(NamedTuple):
    """A run which has been stopped.

    Args:
        run: It.
        url: Where its server was.
        outcome: What its client was told.
        status: What it said of itself before the end, where it could.
        job: The number of the first task's process.
        log: Of the scheduler.
    """

    run: Run
    url: str
    outcome: str
    status: str
    job: int
    log: str


@pytest.fixture(scope='module')
def stopped(mod_start: Starter) -> dict[str, Stopped]:
    """Play a scheduler for each way to stop, and stop it so."""
    runs = [
        mod_start.make(
            FLOW.format(seconds=stop.seconds),
            name=name.replace(' ', '-'),
            # One that nobody else takes afterwards.
            config={'legacy_run_directory': '', 'port': free_port()},
        )
        for name, stop in STOPS.items()
    ]
    with ThreadPoolExecutor(len(runs)) as threads:
        results = threads.map(play_and_stop, runs, STOPS.values())
        return dict(zip(STOPS, results, strict=True))


def play_and_stop(run: Run, stop: Stop) -> Stopped:
    run.play()
    run.wait_log('[1/first/01:submitted] => running', 60)
    job = int(tasks(run)['first.1']['submit_method_id'])
    url = run.url
    outcome = order(run, stop.endpoint, **stop.arguments())
    try:
        status = workflow(run)['status_string']
    except (FileNotFoundError, KeyError, requests.ConnectionError):
        status = ''
    assert run.wait_end(60) == 0
    return Stopped(run, url, outcome, status, job, run.log())


def begun(log: str) -> set[str]:
    """Return the tasks that have run, as ``POINT/NAME``."""
    return set(re.findall(r'\[(\d/\w+)\S*\] => (?:running|succeeded)', log))


@pytest.mark.parametrize('name', STOPS)
def test_end(stopped: dict[str, Stopped], name: str) -> None:
    """Who stops it is told that it worked; then nobody answers any more."""
    run, url, outcome, *_, log = stopped[name]
    with pytest.raises(requests.ConnectionError):
        requests.get(url)
    assert outcome == 'Command succeeded'
    assert 'Workflow shutting down' in log
    assert 'Traceback' not in log
    assert run.http == {}
    assert not run.contact.exists()


def test_cleanly(stopped: dict[str, Stopped]) -> None:
    """The running job ends, and nothing begins."""
    _, _, _, status, _, log = stopped['cleanly']
    assert status == 'stopping'
    assert '[1/first/01:running] => succeeded' in log
    assert begun(log) == {'1/first'}
    assert 'REQUEST(CLEAN)' in log


def test_kill(stopped: dict[str, Stopped]) -> None:
    """The running job is killed."""
    run, _, _, _, job, log = stopped['kill']
    assert re.search(r'\[1/first/01:running\S*\] => failed', log)
    run.wait_for(lambda: not psutil.pid_exists(job))
    assert 'REQUEST(KILL)' in log


@pytest.mark.parametrize('name, mode', [
    ('now', 'REQUEST(NOW)'), ('at once', 'REQUEST(NOW-NOW)'),
])
def test_now(stopped: dict[str, Stopped], name: str, mode: str) -> None:
    """The running job is left to itself."""
    *_, job, log = stopped[name]
    assert psutil.pid_exists(job)
    assert 'Orphaned tasks:' in log
    assert mode in log


def test_after_point(stopped: dict[str, Stopped]) -> None:
    """All of the cycles before and at the point runs, and nothing after."""
    _, _, _, status, _, log = stopped['point']
    assert status == 'running to stop at 2'
    assert begun(log) == {
        '1/first', '1/second', '1/third', '1/tick', '2/tick'
    }


def test_after_task(stopped: dict[str, Stopped]) -> None:
    """The task runs, and nothing of what follows it."""
    _, _, _, status, _, log = stopped['task']
    assert status == 'running to stop at second.1'
    assert {'1/first', '1/second'} <= begun(log)
    assert '1/third' not in begun(log)


def test_after_clock_time(stopped: dict[str, Stopped]) -> None:
    """It goes on until then, and nothing begins after it."""
    _, _, _, status, _, log = stopped['time']
    assert re.fullmatch(
        r'running to stop at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', status
    )
    assert 'Wall clock stop time reached' in log
    assert begun(log) == {'1/first'}


def test_after_old_clock_time(stopped: dict[str, Stopped]) -> None:
    """A time that has passed, in the form of old scripts, is now."""
    *_, log = stopped['old time']
    assert 'Wall clock stop time reached: 2001-02-03T04:05:00' in log
    assert begun(log) == {'1/first'}


def test_calls_at_the_end(start: Starter) -> None:
    """Who calls when it is too late is told so, and has done nothing."""
    run = start(
        FLOW.format(seconds=ENDLESS),
        name='late',
        config={'legacy_run_directory': ''},
        environment={'CYLC_PYTHONPATH': str(PLUGINS)},
        global_config="""
            [scheduler]
                [[main loop]]
                    plugins = flask, slow stop
        """,
    )
    run.wait_log('[1/first/01:submitted] => running', 60)

    def call(path: str, **document: object) -> tuple[int, object]:
        options = {'json': document} if document else {}
        answer = run.request(
            'POST', path, headers={'Accept': 'application/json'}, **options
        )
        return answer.status_code, answer.json()

    run.post('stop_now', terminate='True')
    run.wait_log('slow stop: busy')
    with ThreadPoolExecutor(4) as threads:
        commands = [
            threads.submit(call, 'hold_suite?wait=30'),
            threads.submit(call, 'trigger_tasks?wait=30&items=second.1'),
        ]
        message = threads.submit(
            call, 'put_messages', task_job='1/first/01',
            messages=[['INFO', 'hello']],
        )
        broadcast = threads.submit(
            call, 'put_broadcast', point_strings=['*'], namespaces=['root'],
            settings=[{'script': 'true'}],
        )
    for command in commands:
        assert command.result() == (
            200, [False, 'Command dropped: The scheduler is stopping.']
        )
    for change in (message, broadcast):
        status, problem = change.result()
        assert status == 503
        assert problem['detail'] == 'The scheduler is stopping.'
    assert run.wait_end() == 0
    assert '(received)hello' not in run.log()
    assert begun(run.log()) == {'1/first'}
