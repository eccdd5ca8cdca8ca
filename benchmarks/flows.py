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
import shutil
from signal import SIGTERM
from textwrap import indent

import psutil

from benchmarks.common import HERE, say
from tests.harness import Run, make_home, wait_for
from tests.socket_client import BASIC

PLUGINS = HERE / 'plugins'

#: How many tasks a family has.
FAMILY = 50

#: How long (seconds) a scheduler may take to begin with so many tasks.
PATIENCE = 300

#: The share of the memory that schedulers may take.
SPARE = 0.8

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
            default run length = {length}
{runtime}
'''

WITNESS = """
    [scheduler]
        [[main loop]]
            plugins = flask, witness
            [[[witness]]]
                interval = PT0S
"""

#: By itself Cylc has ports for fifty schedulers on a host.
PORTS = """
    [scheduler]
        [[run hosts]]
            ports = 43001 .. 45001
"""


def pairs(proxies: int, length: str = 'PT1S') -> str:
    """Return a definition of which so many task proxies are shown at once.

    Half of them can run, ten at a time; each of the others waits for one
    of these, so that there are half as many edges as proxies.

    Args:
        proxies: How many.
        length: How long a job takes in simulation mode.

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
        runtime=indent('\n'.join(lines), '    '), length=length,
    )


def make(
    flow: str, name: str, global_config: str = WITNESS,
    home: Path | None = None,
) -> Run:
    """Return a workflow, with a witness in its main loop."""
    run = Run(
        flow, name=name, config=BASIC, global_config=global_config, home=home,
        environment={'CYLC_PYTHONPATH': str(PLUGINS)},
    )
    run.environment['BENCH_WITNESS'] = str(witness_of(run))
    return run


@contextmanager
def playing(
    proxies: int, *options: str, length: str = 'PT1S', served: bool = True
) -> Iterator[Run]:
    """Play such a workflow, with a witness in its main loop.

    Args:
        proxies: How many.
        options: For "cylc play", to be paused if nothing is said.
        length: How long a job takes in simulation mode.
        served: By a web server in the scheduler.
    """
    say(f'starting a scheduler with {proxies} task proxies')
    run = make(
        pairs(proxies, length), name=f'bench-{proxies}',
        global_config=WITNESS if served else WITNESS.replace('flask, ', ''),
    )
    try:
        run.play(*(options or ('--pause',)), wait=False)
        if served:
            await_all(run, proxies)
        else:
            wait_for(witness_of(run).exists, PATIENCE, 'a main loop', 0.5)
        yield run
    finally:
        run.close()


@contextmanager
def several(number: int, proxies: int) -> Iterator[list[Run]]:
    """Play some such workflows, paused, in one home directory.

    There are no more than fit into the memory, by what the first one takes.
    """
    home, runs = make_home(), list[Run]()

    def play(*indices: int) -> None:
        for index in indices:
            runs.append(make(
                pairs(proxies), f'w{index:03}', WITNESS + PORTS, home))
            runs[-1].play('--pause', wait=False)
        for run in runs[-len(indices):]:
            await_all(run, proxies)

    try:
        say(f'starting {number} schedulers with {proxies} task proxies each')
        play(0)
        most = min(number, room_for(runs[0]))
        if most < number:
            say(f'only {most} of them fit into the memory')
        for index in range(1, most, 2):
            play(*range(index, min(index + 2, most)))
        yield runs
    finally:
        for run in runs:
            run.signal(SIGTERM)
        for run in runs:
            run.wait_end(PATIENCE)
        for run in runs:
            run.close()
        shutil.rmtree(home)


def room_for(run: Run) -> int:
    """Return how many schedulers like this one there can be."""
    assert run.process
    each = psutil.Process(run.process.pid).memory_full_info().uss
    return 1 + int(SPARE * psutil.virtual_memory().available / each)


def await_all(run: Run, proxies: int) -> None:
    """Wait until the web server in a scheduler has all."""
    wait_for(lambda: is_served(run), PATIENCE, 'a web server', 0.5)
    wait_for(lambda: shown(run) >= proxies, PATIENCE, 'all proxies', 0.5)


def is_served(run: Run) -> bool:
    """Return True if there is a web server, and give up if there is none."""
    said = run.output.read_text(errors='replace')
    assert 'no web server' not in said, said[-1000:]
    return run._is_served()


def witness_of(run: Run) -> Path:
    """Return the path of the socket on which the witness is asked."""
    return run.home / f'{run.name}.witness'


def shown(run: Run) -> int:
    """Return how many task proxies the web server knows of."""
    answer = run.request('POST', 'graphql', timeout=PATIENCE, json={
        'query': '{workflows{taskProxies{id}}}'})
    return sum(
        len(flow['taskProxies'] or ())
        for flow in answer.json()['data']['workflows']
    )
