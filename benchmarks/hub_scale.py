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
"""A hub of many workflows.

All schedulers are real, and paused. A hub is started by which the web servers
in them are found, and one for which these are hidden, so that it has what
Cylc itself publishes. It has all when its list says so; whether that is right
is seen afterwards, element by element.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from hashlib import sha256
import json
import time
from typing import Any

from benchmarks import common, flows
from benchmarks.common import Row, say
from benchmarks.hubs import hub, memory_of
from tests.harness import Run

#: Where the snapshot of a workflow is.
SNAPSHOT = 'feed/snapshot'


def measure(options: argparse.Namespace) -> list[Row]:
    """Return what it takes a hub to have all workflows."""
    rows = []
    for size in options.scale:
        number, proxies = map(int, size.split('x'))
        with flows.several(number, proxies) as runs:
            truth = {run.name: digest(run.get(SNAPSHOT)) for run in runs}
            for link, way in (('feed', nullcontext), ('zmq', hidden)):
                say(f'a hub of {len(runs)} workflows by {link}')
                with way(runs):
                    rows.append({
                        'workflows': len(runs), 'proxies': proxies,
                        'link': link, **one_hub(runs, link, truth, options),
                    })
    return rows


@contextmanager
def hidden(runs: list[Run]) -> Iterator[None]:
    """Have nobody know of the web servers in the schedulers."""
    files = [run.service / 'http.json' for run in runs]
    for file in files:
        file.rename(file.with_suffix('.away'))
    try:
        yield
    finally:
        for file in files:
            file.with_suffix('.away').rename(file)


def one_hub(
    runs: list[Run], link: str, truth: dict[str, str],
    options: argparse.Namespace,
) -> Row:
    """Return what it takes a hub to have these.

    Raises:
        AssertionError: It has something else than they have.
    """
    pids = [run.process.pid for run in runs if run.process]
    with hub(runs[0]) as found:
        found.await_all(len(runs))
        took = time.perf_counter() - found.began
        used, peak = common.cpu_of(found.pid), common.peak_of(found.pid)
        assert {row['link'] for row in found.rows()} == {link}
        time.sleep(options.settling)
        before = common.cpu_of(found.pid), sum(map(common.cpu_of, pids))
        time.sleep(options.idle)
        after = common.cpu_of(found.pid), sum(map(common.cpu_of, pids))
        row = {
            'complete_s': took,
            'complete_cpu_s': used,
            'memory_mb': memory_of(found.pid),
            'peak_mb': peak,
            'idle_percent': (after[0] - before[0]) / options.idle * 100,
            'schedulers_percent': (after[1] - before[1]) / options.idle * 100,
            'schedulers_mb': sum(map(memory_of, pids)),
        }
        for run in runs:
            snapshot = found.get(f'workflows/{run.name}/{SNAPSHOT}')
            assert digest(snapshot) == truth[run.name], run.name
        return row


def digest(snapshot: Any) -> str:
    """Return what is equal for equal elements of a workflow."""
    text = json.dumps(snapshot['added'], sort_keys=True)
    return sha256(text.encode()).hexdigest()


def text(rows: list[Row]) -> str:
    """Return the results as a table."""
    return (
        'Many workflows, paused, on the same machine as the hub:\n\n'
        + common.table(
            rows, workflows='workflows', proxies='task proxies each',
            link='link', complete_s='s until complete',
            complete_cpu_s='CPU s for it', memory_mb='memory MB',
            peak_mb='most, MB', idle_percent='idle, % of a core',
            schedulers_percent='all schedulers, %',
            schedulers_mb='their memory, MB',
        )
    )
