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
"""The feed check, for what a view of the GUI has to show.

The digests are of the view, made of the scheduler's own store.
"""

from feed_check import Witness, work
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


class ViewWitness(Witness):
    """Notes what the view has to show, in place of all there is."""

    def __init__(self, schd):
        super().__init__(schd)
        self.reader = SideReader(schd)
        self.store = Store()
        flow = Workflow(
            schd.workflow, 'x' * 20, self.store, Records(), None
        )
        self.engine = Engine(Config(), Registry(flow))

    def digest(self):
        manager = self.schd.data_store_mgr
        snapshot = manager.get_entire_workflow().SerializeToString()
        self.store.load(snapshot, self.reader.read())
        operation = self.engine.prepare(Request(
            available(SUBSCRIPTIONS[VIEW], __version__),
            {'workflowID': self.store.workflow.id},
        ), OWNER)
        copy = Copy()
        copy.take_payload(
            make_source(
                self.engine, operation, *self.engine.about(operation, OWNER)
            ).make_group().burst()
        )
        return digest(copy)


@periodic
async def turn(schd, state):
    await work(schd, state, ViewWitness)
