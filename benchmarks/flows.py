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
"""Workflows to measure with, as large as is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent

from benchmarks.common import HERE, say
from tests.harness import Run, wait_for
from tests.socket_client import BASIC

PLUGINS = HERE / 'plugins'

#: How many tasks a family has.
FAMILY = 50

#: How long (seconds) a scheduler may take to begin with so many tasks.
PATIENCE = 300

FLOW = '''
[scheduler]
    UTC mode = True
    [[events]]
        abort on stall timeout = False
[scheduling]
    [[queues]]
        [[[default]]]
            limit = 10
    [[graph]]
        R1 = """
{graph}
        """
[runtime]
    [[root]]
        [[[simulation]]]
            default run length = PT1S
{runtime}
'''

WITNESS = """
    [scheduler]
        [[main loop]]
            plugins = flask, witness
            [[[witness]]]
                interval = PT0S
"""


def pairs(proxies: int) -> str:
    """Return a definition of which so many task proxies are shown at once.

    Half of them can run, ten at a time; each of the others waits for one
    of these, so that there are half as many edges as proxies.

    Examples:
        >>> 'a1 => b1' in pairs(4), 'a2' in pairs(4)
        (True, False)
    """
    numbers = range(proxies // 2)
    families = max(1, proxies // FAMILY)
    lines = []
    for family in range(families):
        names = ', '.join(
            f'a{number}, b{number}'
            for number in numbers if number % families == family
        )
        lines += [
            f'[[FAM{family}]]', f'[[{names}]]', f'    inherit = FAM{family}']
    return FLOW.format(
        graph='\n'.join(f'a{number} => b{number}' for number in numbers),
        runtime=indent('\n'.join(lines), '    '),
    )


@contextmanager
def playing(proxies: int, *options: str) -> Iterator[Run]:
    """Play such a workflow, with a witness in its main loop.

    Args:
        proxies: How many.
        options: For "cylc play", to be paused if nothing is said.
    """
    say(f'starting a scheduler with {proxies} task proxies')
    run = Run(
        pairs(proxies), name=f'bench-{proxies}', config=BASIC,
        global_config=WITNESS,
        environment={'CYLC_PYTHONPATH': str(PLUGINS)},
    )
    run.environment['BENCH_WITNESS'] = str(witness_of(run))
    try:
        run.play(*(options or ('--pause',)), wait=False)
        wait_for(lambda: is_served(run), PATIENCE, 'a web server', 0.5)
        wait_for(lambda: shown(run) >= proxies, PATIENCE, 'all proxies', 0.5)
        yield run
    finally:
        run.close()


def is_served(run: Run) -> bool:
    """Return True if there is a web server, and give up if there is none."""
    said = run.output.read_text(errors='replace')
    assert 'no web server' not in said, said[-1000:]
    return run._is_served()


def witness_of(run: Run) -> Path:
    """Return the path of the socket on which the witness is asked."""
    return run.home / 'witness'


def shown(run: Run) -> int:
    """Return how many task proxies the web server knows of."""
    answer = run.request('POST', 'graphql', timeout=PATIENCE, json={
        'query': '{workflows{taskProxies{id}}}'})
    return sum(
        len(flow['taskProxies'] or ())
        for flow in answer.json()['data']['workflows']
    )
