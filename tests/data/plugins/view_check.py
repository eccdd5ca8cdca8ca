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
"""A main loop plugin which notes what a view of the GUI has to show.

In ``$VIEW_REPORT`` there is a line for each time that the scheduler published
something: a digest of the view, made of the scheduler's own store. As soon as
there is a file ``$VIEW_GO`` it works through the steps of the feed check.
"""

from itertools import count
import os

from feed_check import STEPS, TURNS_PER_STEP, calm
from graphql_check import OWNER

from cylc.flow import __version__
from cylc.flow.main_loop import periodic
from cylc_flask.config import Config
from cylc_flask.query.engine import Engine, Request
from cylc_flask.query.subscriptions import make_source
from cylc_flask.replica.records import Records
from cylc_flask.replica.store import Store
from cylc_flask.side_reader import SideReader
from cylc_flask.workflows import Registry, Workflow
from tests.cylc_ui import SUBSCRIPTIONS, available
from tests.graphql_copy import Copy, digest

VIEW = 'tree'


class Witness:
    """Stands in for the publish queue, and notes what is true then."""

    def __init__(self, schd):
        self.schd = schd
        self.queue = schd.server.publish_queue
        self.reader = SideReader(schd)
        self.store = Store()
        flow = Workflow(
            schd.workflow, 'x' * 20, self.store, Records(), None
        )
        self.engine = Engine(Config(), Registry(flow))

    def put(self, item, *args, **kwargs):
        self.queue.put(item, *args, **kwargs)
        self.note()

    def note(self):
        manager = self.schd.data_store_mgr
        snapshot = manager.get_entire_workflow().SerializeToString()
        self.store.load(snapshot, self.reader.read())
        operation = self.engine.prepare(Request(
            available(SUBSCRIPTIONS[VIEW], __version__),
            {'workflowID': self.store.workflow.id},
        ), OWNER)
        copy = Copy()
        copy.take_payload(
            make_source(self.engine, operation).make_group().burst()
        )
        with open(os.environ['VIEW_REPORT'], 'a') as report:
            report.write(digest(copy) + '\n')

    def __getattr__(self, name):
        return getattr(self.queue, name)


@periodic
async def turn(schd, state):
    if 'steps' not in state:
        schd.INTERVAL_MAIN_LOOP = 0.2
        state['steps'] = iter([step for step in STEPS if step is not calm])
        state['turns'] = count(1)
        schd.server.publish_queue = witness = Witness(schd)
        witness.note()
    if not os.path.exists(os.environ['VIEW_GO']):
        return
    if not next(state['turns']) % TURNS_PER_STEP:
        step = next(state['steps'], None)
        if step:
            await step(type('Check', (), {'schd': schd}))
