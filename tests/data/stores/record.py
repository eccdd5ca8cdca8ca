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

    python tests/data/stores/record.py [accept mixed nested steps]
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from dataclasses import asdict
import gzip
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


async def play(
    name: str, source: Path, script: Callable[..., Any], **options: Any
) -> None:
    """Run a workflow until the script has recorded what it wants."""
    from cylc.flow import commands
    from cylc.flow.scheduler import Scheduler
    from cylc.flow.scheduler_cli import RunOptions
    from cylc.flow.workflow_status import StopMode

    run_dir = Path(os.environ['HOME'], 'cylc-run', name)
    run_dir.mkdir(parents=True)
    shutil.copy(source, run_dir / 'flow.cylc')
    schd = Scheduler(name, RunOptions(paused_start=True, **options))
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


async def nested(schd: Any) -> None:
    """Record a simulation with many cycles, and two flows."""
    from cylc.flow import commands

    schd.broadcast_mgr.put_broadcast(
        ['*', '2'], ['MODEL', 'slow_1'],
        [{'environment': {'LEVEL': 'broadcast'}}, {'script': 'sleep 1'}])
    await commands.run_cmd(commands.resume(schd))
    await until(lambda: any(
        proxy.is_queued for proxy in proxies(schd).values()
    ))
    schd.data_store_mgr.set_graph_window_extent(2)
    await commands.run_cmd(commands.hold(schd, ['*/rescue', '4/*']))
    await commands.run_cmd(
        commands.force_trigger_tasks(schd, ['3/first', '1/halfway'], ['new']))
    await until(lambda: any(
        '2' in proxy.flow_nums for proxy in proxies(schd).values()
    ))
    await until(lambda: any(
        proxy.is_retry for proxy in proxies(schd).values()
    ))
    await asyncio.sleep(5)
    save(schd, 'nested')


async def steps(schd: Any) -> None:
    """Record what is published while a workflow is played with."""
    from cylc.flow import commands

    recorder = Recorder(schd)
    for step in (
        lambda: commands.hold(schd, ['1/dropped', '2/one']),
        lambda: commands.resume(schd),
        lambda: '1/begin',
        lambda: commands.set_prereqs_and_outputs(
            schd, ['1/one'], ['all'], outputs=['succeeded']),
        lambda: '1/sleeper',
        lambda: commands.force_trigger_tasks(schd, ['1/waiting'], ['new']),
        lambda: commands.remove_tasks(schd, ['1/dropped'], []),
        lambda: commands.set_hold_point(schd, '2'),
        lambda: commands.reload_workflow(schd),
        lambda: commands.release_hold_point(schd),
        lambda: commands.kill_tasks(schd, ['1/sleeper']),
        lambda: commands.remove_tasks(schd, ['1/*', '3/*'], []),
    ):
        await recorder.do(step())
    recorder.save('steps')


class Recorder:
    """Keeps what a scheduler publishes, with the side data of each delta.

    A definition is written down where it is new.
    """

    def __init__(self, schd: Any) -> None:
        from cylc_flask.replica.records import Records
        from cylc_flask.replica.store import Store
        from cylc_flask.tap import Tap

        self._schd = schd
        self._definition: object = None
        self._steps: list[dict[str, Any]] = []
        self._tap = Tap(schd, lambda call, *args: call(*args))
        self._store = Store()
        self._tap.attach(self._store, Records(), self)  # type: ignore

    def publish(self, change: Any) -> None:
        """Take a change, as the feed of a server does."""
        side = change.side
        fields = {**vars(side), 'definition': None}
        if side.definition is not self._definition:
            self._definition = side.definition
            fields['definition'] = vars(side.definition)
        raw = change.raw
        if change.loaded:
            raw = self._schd.data_store_mgr.get_entire_workflow(
                ).SerializeToString()
        self._steps.append({
            'loaded': change.loaded,
            'raw': b64encode(raw).decode() if raw else None,
            'side': fields,
        })

    async def do(self, step: Any) -> None:
        """Give a command, or wait for a task to start; let it take effect."""
        from cylc.flow import commands

        if isinstance(step, str):
            await until(lambda: states(self._schd).get(step) in (
                None, 'running', 'succeeded'))
        else:
            await commands.run_cmd(step)
        for _ in range(15):
            self._tap.changed()
            await asyncio.sleep(0.2)

    def save(self, name: str) -> None:
        """Write down everything that was published."""
        self._tap.detach()
        text = json.dumps(self._steps, default=str).encode()
        (folder() / f'{name}.json.gz').write_bytes(
            gzip.compress(text, mtime=0))
        print(name, len(self._steps), 'steps')


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
    """Record the workflows that are named, or all."""
    names = sys.argv[1:] or ['accept', 'mixed', 'nested', 'steps']
    home = Path(tempfile.mkdtemp(prefix='stores-'))
    prepare(home)
    try:
        for name, source, script, options in (
            ('accept', SUITE, accept, {}),
            ('mixed', HERE / 'mixed.cylc', mixed, {}),
            ('nested', HERE / 'nested.cylc', nested,
             {'run_mode': 'simulation'}),
            ('steps', HERE / 'steps.cylc', steps, {}),
        ):
            if name in names:
                asyncio.run(play(name, source, script, **options))
    finally:
        shutil.rmtree(home)


if __name__ == '__main__':
    main()
