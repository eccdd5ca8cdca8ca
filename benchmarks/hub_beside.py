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
"""A hub and cylc-uiserver, of the same workflows.

Both are started anew in each round, with some paused schedulers there. Timed
are, from the start of the process on, the list of all workflows with what
their tasks do; then the first list and the first tree that somebody follows,
as the official GUI asks for them; then updates of that tree. At the end
nobody looks any more.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from statistics import median
import time
from typing import NamedTuple

from benchmarks import common, flows, peers, subscriptions
from benchmarks.common import CYLC_VERSION, Row, say
from benchmarks.hubs import HUB, hub, memory_of
from benchmarks.viewers import await_messages, viewers
from tests.cylc_ui import SUBSCRIPTIONS, available
from tests.harness import Run, wait_for

#: What the list of workflows beside each page of the GUI follows.
LIST = available(SUBSCRIPTIONS['workflows'], CYLC_VERSION)

TOTALS = '{workflows {status stateTotals}}'

#: Those who are started, in turns.
STARTED = (HUB, peers.UISERVER)


class Contender(NamedTuple):
    """A server that has just begun to listen."""

    asker: peers.HttpAsker
    #: When it was started, by the performance counter.
    began: float


def measure(options: argparse.Namespace) -> dict[str, list[Row]]:
    """Return what it takes both, and updates at the scheduler's too."""
    begins: dict[str, list[Row]] = {}
    updates: dict[tuple[str, int], list[Row]] = {}
    number, proxies = map(int, options.beside.split('x'))
    with flows.several(number, proxies) as runs:
        for turn in range(options.rounds):
            for name in STARTED[:1] if options.alone else STARTED:
                say(f'round {turn + 1} of {options.rounds}: {name}')
                with contender(name, runs[0]) as server:
                    begins.setdefault(name, []).append(
                        begin(runs, server, options))
                    measure_updates(runs[0], server.asker, options, updates)
            with closing(peers.ours(runs[0])) as asker:
                measure_updates(runs[0], asker, options, updates)
    return {
        'begins': [
            {'server': name, **middle(rows)} for name, rows in begins.items()
        ],
        'updates': [
            {'server': name, 'clients': many, **middle(rows)}
            for (name, many), rows in updates.items()
        ],
    }


def middle(rows: list[Row]) -> Row:
    """Return the medians of all that was measured in rounds."""
    return {key: median(row[key] for row in rows) for key in rows[0]}


@contextmanager
def contender(name: str, run: Run) -> Iterator[Contender]:
    """Start a server of all workflows in the home of a run."""
    with ExitStack() as stack:
        if name == HUB:
            found = stack.enter_context(hub(run))
            asker = found.asker()
            stack.callback(asker.close)
            wait_for(found.rows, peers.TIMEOUT, 'a hub')
            yield Contender(asker, found.began)
        else:
            began = time.perf_counter()
            asker = stack.enter_context(peers.uiserver(run, 0))
            yield Contender(asker, began)


def begin(
    runs: list[Run], server: Contender, options: argparse.Namespace
) -> Row:
    """Return what it takes a server until it has shown the first things."""
    asker = server.asker

    def is_complete() -> bool:
        found = asker.data(TOTALS)['workflows']
        return len(found) == len(runs) and all(
            any((flow['stateTotals'] or {}).values()) for flow in found)

    wait_for(is_complete, peers.TIMEOUT, 'all workflows')
    took, used = time.perf_counter() - server.began, common.cpu_of(asker.pid)
    first_list = follow_list(asker)
    tree = subscriptions.burst(runs[0], asker, 1, options)
    time.sleep(subscriptions.SETTLING[asker.name])
    before = common.cpu_of(asker.pid)
    time.sleep(options.seconds)
    idle = (common.cpu_of(asker.pid) - before) / options.seconds
    return {
        'complete_s': took,
        'complete_cpu_s': used,
        'list_ms': first_list,
        'tree_ms': tree['all_have_it_ms'],
        'tree_cpu_ms': tree['cpu_ms'],
        'memory_mb': memory_of(asker.pid),
        'idle_percent': idle * 100,
    }


def follow_list(asker: peers.HttpAsker) -> float:
    """Return when (ms) somebody has the list who begins to follow it."""
    with viewers(asker, 1) as watching:
        began = time.perf_counter()
        watching[0].follow(LIST)
        return (await_messages(watching, 1) - began) * 1000


def measure_updates(
    run: Run, asker: peers.HttpAsker, options: argparse.Namespace,
    found: dict[tuple[str, int], list[Row]],
) -> None:
    """Note what updates of a tree cost, and when all have them."""
    most = options.viewers
    if asker.name == peers.UISERVER:
        most = min(most, options.peer_viewers)
    for many in (1, most):
        say(f'updates for {many} viewers of {asker.name}')
        found.setdefault((asker.name, many), []).append(
            subscriptions.update(run, asker, many, options))


def text(results: dict[str, list[Row]]) -> str:
    """Return the results as tables."""
    return (
        'The hub and cylc-uiserver, started with all schedulers there: until'
        ' each has all, then the first list, the first tree, and what it'
        ' takes when nobody looks:\n\n' + common.table(
            results['begins'], server='server',
            complete_s='s until complete', complete_cpu_s='CPU s for it',
            list_ms='first list, ms', tree_ms='first tree, ms',
            tree_cpu_ms='CPU ms for it', memory_mb='memory MB',
            idle_percent='idle, % of a core',
        )
        + '\nFrom a command for one task until all who follow the tree have'
        ' its outcome; beside them the web server in the scheduler:\n\n'
        + common.table(
            results['updates'], server='server', clients='viewers',
            all_have_it_ms='ms until all have it', cpu_ms='CPU ms')
    )
