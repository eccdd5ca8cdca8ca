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
"""A main loop plugin which notes each state of the scheduler's data store.

In ``$FEED_REPORT`` there is a line for each time that the scheduler published
something: a digest of its store. As soon as there is a file ``$FEED_GO`` it
works through STEPS; through others if there is a ``$FEED_SEED`` (by chance)
or ``$FEED_MANY``.
"""

from itertools import count
import os
from random import Random

from replica_check import broadcast, command, edit, window

from cylc.flow.main_loop import periodic
from cylc.flow.workflow_status import StopMode
from cylc_flask.replica.delta import KINDS
from cylc_flask.replica.encode import plain
from tests.followers import digest


def resize(extent):
    """Return a step which changes the window on the graph."""
    async def step(check):
        check.schd.data_store_mgr.set_graph_window_extent(extent)
    return step


async def calm(check):
    """Tell clients to stay from now on, or they might not see the end."""
    with open(os.environ['FEED_GO'], 'w') as go:
        go.write('calm')


#: How many turns of the main loop there are between two steps.
TURNS_PER_STEP = 3

STEPS = [
    command('hold', tasks=['*/z']),
    broadcast('red'),
    command('set_prereqs_and_outputs', tasks=['2/bad'], flow=['all'],
            outputs=['failed']),
    window,
    command('reload_workflow'),
    command('pause'),
    command('remove_tasks', tasks=['1/z', '2/m1'], flow=['all']),
    command('force_trigger_tasks', tasks=['1/m2', '4/odd'], flow=['all']),
    command('resume'),
    edit,
    command('reload_workflow'),
    command('set_hold_point', point='5'),
    command('release', tasks=['*/z']),
    command('force_trigger_tasks', tasks=['2/z'], flow=['new']),
    calm,
    broadcast(None),
    command('kill_tasks', tasks=['*']),
    command('release_hold_point'),
    command('stop', mode=StopMode.REQUEST_NOW_NOW),
]

#: Of a workflow with many tasks that follow `start`.
STEPS_OF_MANY = [
    command('hold', tasks=['1/start']),
    command('force_trigger_tasks', tasks=['1/t_i0001', '1/t_i0002'],
            flow=['new']),
    command('remove_tasks', tasks=['1/t_i0001'], flow=['all']),
    command('reload_workflow'),
    calm,
    command('release', tasks=['*']),
    STEPS[-1],
]

#: How many steps are taken by chance.
STEPS_BY_CHANCE = 25


def steps_by_chance(seed):
    """Yield steps, and the stop at last."""
    chance = Random(seed)
    names = ['a', 'bad', 'fix', 'keep', 'FAM', 'SUB', 'm3', 'z', 'odd']

    def tasks():
        return [f'{chance.randint(1, 6)}/{chance.choice(names)}'
                for _ in range(chance.randint(1, 3))]

    makers = [
        lambda: command('hold', tasks=tasks()),
        lambda: command('release', tasks=['*']),
        lambda: command('set_prereqs_and_outputs', tasks=tasks(),
                        flow=['all'], prerequisites=['all']),
        lambda: command('set_prereqs_and_outputs', tasks=tasks(),
                        flow=['all'], outputs=['succeeded']),
        lambda: command('remove_tasks', tasks=tasks(), flow=['all']),
        lambda: command('force_trigger_tasks', tasks=tasks(),
                        flow=[chance.choice(['all', 'new', 'none'])]),
        lambda: command('kill_tasks', tasks=tasks()),
        lambda: command('pause'),
        lambda: command('resume'),
        lambda: command('reload_workflow'),
        lambda: command('set_hold_point', point=str(chance.randint(2, 6))),
        lambda: command('release_hold_point'),
        lambda: broadcast(chance.choice(['red', 'blue', None])),
        lambda: resize(chance.randint(0, 3)),
    ]
    for _ in range(STEPS_BY_CHANCE):
        yield chance.choice(makers)()
    yield from STEPS[STEPS.index(calm):]


def steps():
    """Return the steps that the environment asks for."""
    if seed := os.environ.get('FEED_SEED'):
        return steps_by_chance(seed)
    return iter(STEPS_OF_MANY if os.environ.get('FEED_MANY') else STEPS)


class Witness:
    """Stands in for the publish queue, and notes what is true then."""

    def __init__(self, schd):
        self.schd = schd
        self.queue = schd.server.publish_queue

    def put(self, item, *args, **kwargs):
        self.queue.put(item, *args, **kwargs)
        self.note()

    def note(self):
        with open(os.environ['FEED_REPORT'], 'a') as report:
            report.write(self.digest() + '\n')

    def digest(self):
        """Return what stands for all that is true now."""
        manager = self.schd.data_store_mgr
        theirs = manager.data[manager.workflow_id]
        workflow = theirs['workflow']
        copy = {
            kind: {id_: plain(each) for id_, each in theirs[kind].items()}
            for kind in KINDS
        } | {'workflow': {workflow.id: plain(workflow)}}
        return digest(copy)

    def __getattr__(self, name):
        return getattr(self.queue, name)


@periodic
async def turn(schd, state):
    await work(schd, state, Witness)


async def work(schd, state, make_witness):
    """Note what is true, and take the next step when it is time."""
    if 'steps' not in state:
        schd.INTERVAL_MAIN_LOOP = 0.2
        state['steps'] = steps()
        state['turns'] = count(1)
        schd.server.publish_queue = witness = make_witness(schd)
        witness.note()
    if not os.path.exists(os.environ['FEED_GO']):
        return
    if not next(state['turns']) % TURNS_PER_STEP:
        step = next(state['steps'], None)
        if step:
            await step(type('Check', (), {'schd': schd}))
