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
"""Record the stores which the tests of the translation read.

Plays the workflows beside this file on a real scheduler, with live jobs, and
writes what a replica would hold at the moments of interest, for the version
of cylc-flow which runs this script::

    python tests/data/stores/record.py
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
import json
import os
from pathlib import Path
import shutil
import sys
import tempfile
import time
from typing import Any

HERE = Path(__file__).parent
SUITE = HERE.parent / 'transcripts' / 'suite' / 'flow.cylc'
MIXED = HERE / 'mixed.cylc'


def prepare(home: Path) -> None:
    """Give the scheduler a home of its own, before cylc is imported."""
    os.environ['HOME'] = str(home)
    os.environ['CYLC_CONF_PATH'] = str(home)
    os.environ['PATH'] = f'{Path(sys.executable).parent}:{os.environ["PATH"]}'
    (home / 'global.cylc').write_text(
        '[platforms]\n[[localhost]]\n'
        f'cylc path = {Path(sys.executable).parent}\n'
        '[[broken]]\nhosts = localhost\njob runner = slurm\n'
        'install target = localhost\n'
    )


async def play(name: str, source: Path, script: Callable[..., Any]) -> None:
    """Run a workflow until the script has recorded what it wants."""
    from cylc.flow import commands
    from cylc.flow.scheduler import Scheduler
    from cylc.flow.scheduler_cli import RunOptions
    from cylc.flow.workflow_status import StopMode

    run_dir = Path(os.environ['HOME'], 'cylc-run', name)
    run_dir.mkdir(parents=True)
    shutil.copy(source, run_dir / 'flow.cylc')
    schd = Scheduler(name, RunOptions(paused_start=True))
    await schd.install()
    await schd.start()
    running = asyncio.create_task(schd.run_scheduler())
    try:
        await script(schd)
    finally:
        # A job that is being submitted would escape the kill.
        await commands.run_cmd(commands.pause(schd))
        await until(lambda: {'preparing', 'submitted'}.isdisjoint(
            states(schd).values()
        ))
        await commands.run_cmd(
            commands.stop(schd, StopMode.REQUEST_KILL))
        try:
            await running
        except Exception as exc:
            print(f'{name}: stopped: {exc}')


async def accept(schd: Any) -> None:
    """Record the accepted suite: paused, then as in the recordings."""
    from cylc.flow import commands

    await until(lambda: states(schd).get('1/start') == 'waiting')
    save(schd, 'paused')
    await commands.run_cmd(commands.resume(schd))
    await until(lambda: '1/join' not in states(schd) and has(
        schd,
        {'1/bad': 'failed', '1/sleeper': 'running', '1/victim': 'running'},
    ))
    save(schd, 'running')
    save_graph(schd, 'running')


async def mixed(schd: Any) -> None:
    """Record a workflow with tasks in many states."""
    from cylc.flow import commands

    cycle = '20200101T0000+0100'
    await commands.run_cmd(commands.hold(schd, [f'{cycle}/held']))
    schd.broadcast_mgr.put_broadcast(
        ['*', cycle], ['root', 'OTHER'], [{'environment': {'A': 'all'}}])
    schd.broadcast_mgr.put_broadcast(
        [cycle], ['long'], [{'environment': {'A': 'long', 'B': 'b'}}])
    await commands.run_cmd(commands.resume(schd))
    await until(lambda: has(
        schd,
        {
            f'{cycle}/begin': 'succeeded',
            f'{cycle}/long': 'running',
            f'{cycle}/no_submit': 'submit-failed',
        },
    ))
    await until(lambda: all(
        proxies(schd)[f'{cycle}/{name}'].is_retry
        for name in ('retrying', 'no_submit_again')
    ))
    await until(lambda: any(
        proxies(schd)[f'{cycle}/{name}'].is_queued
        for name in ('queue_1', 'queue_2')
    ))
    save(schd, 'mixed')


def proxies(schd: Any) -> dict[str, Any]:
    """Return the task proxies of the data store by relative id."""
    store = schd.data_store_mgr
    return {
        id_.rpartition('//')[2]: value
        for id_, value in store.data[store.workflow_id]['task_proxies'].items()
    }


def states(schd: Any) -> dict[str, str]:
    """Return Cylc 8's states by relative id."""
    return {id_: value.state for id_, value in proxies(schd).items()}


def has(schd: Any, wanted: dict[str, str]) -> bool:
    """Say if these tasks have got so far."""
    return wanted.items() <= states(schd).items()


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait, with the main loop running on."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        await asyncio.sleep(0.2)


def folder() -> Path:
    """Return where the stores of this line of cylc-flow go."""
    from cylc.flow import __version__

    path = HERE / '.'.join(__version__.split('.')[:2])
    path.mkdir(exist_ok=True)
    return path


def save(schd: Any, name: str) -> None:
    """Write the store, and beside it what no store holds."""
    from cylc_flask.side_reader import SideReader

    store = schd.data_store_mgr.get_entire_workflow()
    (folder() / f'{name}.pb').write_bytes(store.SerializeToString())
    side = json.dumps(asdict(SideReader(schd).read()), indent=1, default=str)
    (folder() / f'{name}.json').write_text(f'{side}\n')


def save_graph(schd: Any, name: str) -> None:
    """Write the static graph of the first two points."""
    from cylc_flask.graph import expand

    text = json.dumps(asdict(expand(schd, '1', '2', 1000)), indent=1)
    (folder() / f'{name}-graph.json').write_text(f'{text}\n')


def main() -> None:
    """Record everything."""
    home = Path(tempfile.mkdtemp(prefix='stores-'))
    prepare(home)
    try:
        asyncio.run(play('accept', SUITE, accept))
        asyncio.run(play('mixed', MIXED, mixed))
    finally:
        shutil.rmtree(home)


if __name__ == '__main__':
    main()
