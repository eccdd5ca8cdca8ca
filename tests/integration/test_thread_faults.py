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
"""What may befall the server thread, and the run that goes on meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
import resource
import socket
import time
from typing import Any

import psutil
import pytest
import requests

from tests.chaos import (
    PAUSED,
    Traces,
    assert_no_traceback,
    chaotic,
    complaints,
    is_served,
    order,
    play,
    said,
)
from tests.harness import Run, Starter, wait_for

#: How long the scheduler waits for the thread, at most.
PATIENCE = 5.0

SUMMARY = 'get_suite_state_summary'


def state(run: Run) -> Any:
    """Return what clients see of the task, {} if they see none."""
    _, tasks, _ = run.get(SUMMARY)
    return tasks.get('one.1', {})


def held(run: Run) -> bool:
    return bool(state(run).get('state') == 'held')


def settled(run: Run) -> Any:
    """Return what clients see of the task once it waits in its queue."""
    wait_for(lambda: state(run).get('state') == 'queued', what='a queued task')
    return state(run)


def wait_served(run: Run) -> None:
    wait_for(lambda: is_served(run), 30, 'a web server')


def cylc_ping(run: Run) -> None:
    """See to it that the scheduler itself is well."""
    run.cylc('ping', run.name)


@pytest.mark.parametrize('method', ['http', 'https'])
def test_dead_thread(start: Starter, method: str) -> None:
    run = play(chaotic(start, config={'method': method}))
    traces, before, http = Traces.of(run), settled(run), run.http
    order(run, 'die')
    run.wait_log('flask: no web server: the server thread has died')
    assert 'SystemExit: a test ends the thread' in run.log()
    wait_served(run)
    # At the same place, with the same view of the run.
    assert run.http == http
    assert state(run) == before
    # Which is kept up.
    run.post('hold_tasks', items='one.1')
    wait_for(lambda: held(run), what='the hold')
    traces.assert_untouched()
    assert run.stop() == 0
    traces.assert_gone()


def test_dead_again_and_again(start: Starter) -> None:
    run = play(chaotic(start))
    traces = Traces.of(run)
    pauses = []
    for _ in range(3):
        order(run, 'die')
        began = time.monotonic()
        wait_served(run)
        pauses.append(time.monotonic() - began)
    # 1, 2 and 4 s, and what it takes to notice and to start.
    assert pauses[1] > 2
    assert pauses[2] > 4
    assert run.http['port'] == traces.port
    cylc_ping(run)
    assert run.stop() == 0
    traces.assert_gone()


def test_a_client_during_the_pause_waits(start: Starter) -> None:
    """The port stays open, so that nobody is told that all is over."""
    run = play(chaotic(start))
    wait_served(run)
    order(run, 'die')
    run.wait_log('flask: no web server')
    assert run.get('ping_suite') is True


def test_hanging_thread(start: Starter) -> None:
    """It is given up, and another one put into its place."""
    run = play(chaotic(start))
    traces, before = Traces.of(run), settled(run)
    order(run, 'hang_and_be_impatient')
    run.wait_log('flask: no web server: the server thread hangs')
    wait_served(run)
    assert run.http['port'] == traces.port
    assert state(run) == before
    assert run.stop() == 0
    traces.assert_gone()
    assert_no_traceback(run)


@pytest.mark.parametrize('by_signal', [False, True])
def test_thread_that_does_not_stop(start: Starter, by_signal: bool) -> None:
    run = play(chaotic(start))
    traces = Traces.of(run)
    order(run, 'hang')
    began = time.monotonic()
    if by_signal:
        run.signal(15)
        assert run.wait_end() == 0
    else:
        assert run.stop() == 0
    assert time.monotonic() - began < PATIENCE + 20
    (complaint,) = complaints(run.log())
    assert 'flask: the web server does not stop within 5 s' in complaint
    traces.assert_gone()
    assert_no_traceback(run)


def test_thread_that_starts_late(start: Starter) -> None:
    run = chaotic(start, 'start_late')
    play(run, wait=False)
    run.wait_log('flask: the web server is not up after 5 s; the run goes on')
    assert run.http == {}
    cylc_ping(run)
    # The replica gets what has happened meanwhile.
    run.cylc('hold', f'{run.name}//1/one')
    wait_served(run)
    wait_for(lambda: held(run), what='the hold')
    assert run.stop() == 0
    assert_no_traceback(run)


def test_thread_that_fails_to_start(start: Starter) -> None:
    run = chaotic(start, 'fail_to_start')
    play(run)
    wait_served(run)
    first, second = complaints(run.log())
    assert "SystemExit('a test exits')" in first
    assert "KeyError('a test fails')" in second
    assert run.stop() == 0
    assert_no_traceback(run)


def test_no_more_threads(start: Starter) -> None:
    run = chaotic(start, 'no_threads')
    play(run)
    wait_served(run)
    (complaint,) = complaints(run.log())
    assert "can't start new thread" in complaint
    assert run.stop() == 0
    assert_no_traceback(run)


def test_fault_in_a_view(start: Starter) -> None:
    run = play(chaotic(start))
    wait_served(run)
    order(run, 'spoil_view')
    for accept in ('text/html', 'application/json'):
        response = run.request('GET', SUMMARY, headers={'Accept': accept})
        assert response.status_code == 500
        assert 'unexpected condition' in response.text
        for secret in ('ZeroDivisionError', 'secret', 'cylc_flask', 'line '):
            assert secret not in response.text
    # The log has it all, for the developers.
    assert f"flask: fault in '/{SUMMARY}'" in run.log()
    assert 'ZeroDivisionError: a secret of the inside' in run.log()
    # Views which do not fail are served.
    assert is_served(run)
    cylc_ping(run)
    assert run.stop() == 0


def test_broken_replica(start: Starter) -> None:
    """It is made anew, which is logged once."""
    run = play(chaotic(start))
    wait_served(run)
    before = settled(run)
    order(run, 'spoil_store')
    run.cylc('hold', f'{run.name}//1/one')
    wait_for(lambda: held(run), what='the hold')
    run.cylc('release', f'{run.name}//1/one')
    wait_for(lambda: state(run) == before, what='the release')
    assert said(run).count('flask: lost touch with the data store') == 2
    assert run.stop() == 0


def test_one_thread(start: Starter) -> None:
    """The server has one thread, which goes when it is replaced."""
    run = play(chaotic(start))
    wait_served(run)
    order(run, 'note_threads')
    run.wait_log('chaos: threads')
    order(run, 'die')
    run.wait_log('flask: no web server')
    wait_served(run)
    process = psutil.Process(run.http['pid'])
    files = process.num_fds()
    order(run, 'die')
    wait_for(lambda: run.log().count('flask: no web server') == 2)
    wait_served(run)
    order(run, 'note_threads')
    wait_for(lambda: run.log().count('chaos: threads') == 2)
    first, second = (
        line.split('threads: ')[1] for line in run.log().splitlines()
        if 'chaos: threads' in line
    )
    assert first == second
    assert first.count('cylc-flask') == 1
    wait_for(lambda: process.num_fds() <= files, what='no more open files')


@contextmanager
def few_files(number: int) -> Iterator[None]:
    """Let processes that begin meanwhile open few files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_clients_leave_files_to_the_scheduler(start: Starter) -> None:
    run = start.make()
    with few_files(200):
        run.play(PAUSED)
    address = '127.0.0.1', run.http['port']
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(socket.create_connection(address, 5))
        assert run.get('ping_suite') is True
        run.cylc('play', run.name)
        run.wait_log('1/one/01:running] => succeeded')
        assert run.wait_end() == 0
    assert complaints(run.log()) == []
    assert_no_traceback(run)


def test_requests_in_flight_at_the_stop(start: Starter) -> None:
    """Who waits for a command at the stop is answered."""
    run = play(chaotic(start))
    wait_served(run)
    session = run.session()
    response = session.get(
        f'{run.url}/stop_now', params={'terminate': True, 'wait': 20},
        timeout=20)
    assert response.status_code == 200
    assert run.wait_end() == 0
    with pytest.raises(requests.ConnectionError):
        session.get(response.url, timeout=5)
