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
"""A long query holds nobody up, neither the scheduler nor other clients."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
import time
from typing import Any

from tests.harness import Run
from tests.socket_client import BASIC

TASKS = 400

#: How often a query asks for all tasks.
TIMES = 30

#: Many tasks, which come and go quickly.
FLOW = f"""
    [scheduler]
        UTC mode = True
        [[events]]
            abort on stall timeout = False
    [scheduling]
        cycling mode = integer
        runahead limit = P1
        [[queues]]
            [[[default]]]
                limit = 20
        [[graph]]
            P1 = t<n>
    [runtime]
        [[root]]
            [[[simulation]]]
                default run length = PT1S
        [[t<n>]]
    [task parameters]
        n = 1..{TASKS}
"""

#: Other names each time, so that nothing is made but once.
QUERY = '{' + ' '.join(
    f'a{n}: taskProxies {{ i{n}: id s{n}: state j{n}: jobSubmits'
    f' k{n}: jobs {{ l{n}: id m{n}: state }} r{n}: runtime {{ script }} }}'
    for n in range(TIMES)
) + '}'


def ask(run: Run, query: str) -> Any:
    answer = run.request('POST', '/graphql', json={'query': query}).json()
    assert 'errors' not in answer, str(answer)[:500]
    return answer['data']


def played(start: Callable[..., Run]) -> Run:
    run = start(
        FLOW, '--mode', 'simulation',
        config={
            **BASIC, 'limits': {
                'query_time': 60, 'query_aliases': 1_000,
                'query_values': 10_000_000,
            },
        },
    )
    run.wait_for(
        lambda: len(ask(run, '{taskProxies {id}}')['taskProxies']) >= TASKS
        and ask(run, '{taskProxies(states: ["running"]) {id}}')['taskProxies'],
        60, 'tasks that run')
    return run


def test_long_query(start: Callable[..., Run]) -> None:
    run = played(start)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, run, QUERY)
        pings = 0
        while not answer.done():
            assert run.get('/ping_suite') is True
            pings += 1
        data = answer.result()
    # Who asks for little is answered amid it...
    assert pings >= 3
    # ... and the changes that come amid it are not in it.
    seen = [
        [(each[f'i{n}'], each[f's{n}'], each[f'k{n}'] and [
            (job[f'l{n}'], job[f'm{n}']) for job in each[f'k{n}']
        ]) for each in data[f'a{n}']]
        for n in range(TIMES)
    ]
    assert len(seen[0]) >= TASKS
    assert all(one == seen[0] for one in seen)


def test_commands_amid_long_queries(start: Callable[..., Run]) -> None:
    """They are carried out before even one of some queries is answered."""
    run = played(start)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(ask, run, QUERY) for _ in range(4)]
        time.sleep(0.2)
        run.post('/hold_suite', wait='20')
        assert not all(answer.done() for answer in answers)
        first, *others = [answer.result() for answer in answers]
    assert all(len(each) == TIMES for each in (first, *others))
