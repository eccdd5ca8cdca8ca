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
"""A main-loop plugin which compares a replica with the scheduler's store.

It taps the scheduler, works through STEPS, and compares the two after each
turn of the main loop. What it found is in ``$REPLICA_REPORT``, as JSON.
"""

from dataclasses import asdict, replace
from itertools import count
import json
import os
from pathlib import Path
from queue import Queue
from uuid import uuid4

from cylc.flow import LOG, commands
from cylc.flow.main_loop import periodic, startup
from cylc.flow.workflow_status import StopMode
from cylc_flask.replica.delta import KINDS
from cylc_flask.replica.feed import Feed
from cylc_flask.replica.records import Records
from cylc_flask.replica.store import Store
from cylc_flask.tap import Tap

#: How many turns of the main loop there are between two steps.
TURNS_PER_STEP = 4


def command(name, **arguments):
    """Return a step which sends a command the way that clients do."""
    async def step(check):
        generator = getattr(commands, name)(check.schd, **arguments)
        await generator.__anext__()
        check.schd.command_queue.put((str(uuid4()), name, generator))
    return step


def broadcast(value):
    """Return a step which sets a broadcast, or clears all without value."""
    async def step(check):
        manager = check.schd.broadcast_mgr
        if value is None:
            manager.clear_broadcast()
            return
        manager.put_broadcast(
            ['*', '2'], ['root', 'FAM'], [{'environment': {'COLOUR': value}}]
        )
    return step


async def edit(check):
    """Add to the definition what its comments hide."""
    path = Path(check.schd.flow_file)
    path.write_text(path.read_text().replace('# later: ', ''))


async def window(check):
    """Widen the window on the graph."""
    check.schd.data_store_mgr.set_graph_window_extent(2)


async def warn(check):
    LOG.warning('replica check: a %s', 'warning')


def fault(name):
    """Return a step after which the next delta is lost, or garbled."""
    async def step(check):
        check.fault = name
    return step


async def change_store(check):
    """Begin again with another store, as after the death of its thread."""
    check.tap.detach()
    assert isinstance(check.schd.server.publish_queue, Queue)
    LOG.warning('replica check: not to be seen')
    check.start()


STEPS = [
    command('hold', tasks=['*/z']),
    broadcast('red'),
    command('set_prereqs_and_outputs', tasks=['2/bad'], flow=['all'],
            outputs=['failed']),
    window,
    command('reload_workflow'),
    warn,
    fault('lost'),
    command('pause'),
    command('remove_tasks', tasks=['1/z', '2/m1'], flow=['all']),
    command('force_trigger_tasks', tasks=['1/m2', '4/odd'], flow=['all']),
    broadcast('blue'),
    command('resume'),
    change_store,
    edit,
    command('reload_workflow'),
    command('set_hold_point', point='5'),
    command('release', tasks=['*/z']),
    fault('garbled'),
    command('poll_tasks', tasks=['*']),
    command('kill_tasks', tasks=['*']),
    broadcast(None),
    command('release_hold_point'),
    command('stop', mode=None, cycle_point='6'),
    command('stop', mode=None, clock_time='2100-01-01T00:00Z'),
    command('stop', mode=None, task='5/z'),
    command('stop', mode=StopMode.REQUEST_NOW_NOW),
]


class Check:
    """One scheduler with its replica, and what came out of comparing them."""

    def __init__(self, schd):
        self.schd = schd
        self.tap = Tap(schd, self.deliver)
        self.fault = None
        self.steps = iter(STEPS)
        self.turns = count(1)
        self.report = {
            'compared': 0,
            'differences': [],
            'intervals': [],
            'kinds': dict.fromkeys(KINDS, 0),
            'reloads': 0,
            'sides': [],
            'steps': 0,
        }

    def start(self):
        self.store = Store()
        self.records = Records()
        self.seen = 0
        self.tap.attach(self.store, self.records, Feed())

    def deliver(self, call, *args):
        """Do at once what would be done on the server thread."""
        fault = self.fault
        if fault and isinstance(args[0], bytes):
            self.fault = None
            if fault == 'lost':
                raise OSError(fault)
            args = (b'?' + args[0], *args[1:])
        call(*args)

    async def turn(self):
        self.tap.changed()
        self.compare()
        if not next(self.turns) % TURNS_PER_STEP:
            step = next(self.steps, None)
            if step:
                self.report['steps'] += 1
                await step(self)
        self.write()

    def compare(self):
        manager = self.schd.data_store_mgr
        if manager.publish_pending:
            return
        theirs = manager.data[manager.workflow_id]
        report = self.report
        report['compared'] += 1
        for kind in KINDS:
            ours = getattr(self.store, kind)
            report['kinds'][kind] = max(report['kinds'][kind], len(ours))
            if ours != theirs[kind]:
                self.differ(kind, ours, theirs[kind])
        if self.store.workflow != theirs['workflow']:
            self.differ(
                'workflow',
                {'workflow': self.store.workflow},
                {'workflow': theirs['workflow']},
            )
        by_index = {
            job.id
            for id_ in self.store.task_proxies
            for job in self.store.jobs_of(id_)
        }
        if by_index != set(self.store.jobs):
            report['differences'].append('jobs by task proxy')

    def differ(self, kind, ours, theirs):
        """Note which fields of which elements differ, the first ten."""
        self.report['differences'] += [
            f'{kind} {id_}: {ours.get(id_)} is not {theirs.get(id_)}'
            for id_ in ours.keys() | theirs.keys()
            if ours.get(id_) != theirs.get(id_)
        ][:10]

    def write(self):
        side = self.store.side
        self.report['reloads'] = side.definition.serial - 1
        self.report['definition'] = asdict(side.definition)
        self.report['version'] = self.store.version
        self.report.setdefault('records', []).extend(
            record.text for record in self.records.since(self.seen)[0]
        )
        self.seen = self.records.newest
        seen = asdict(replace(side, definition=None))
        self.report['intervals'].append(seen.pop('main_loop_interval'))
        if seen not in self.report['sides']:
            self.report['sides'].append(seen)
        path = Path(os.environ['REPLICA_REPORT'])
        path.with_suffix('.new').write_text(json.dumps(self.report))
        path.with_suffix('.new').rename(path)


@startup
async def attach(schd, state):
    check = state['check'] = Check(schd)
    schd.INTERVAL_MAIN_LOOP = 0.2
    check.start()


@periodic
async def compare(schd, state):
    await state['check'].turn()
