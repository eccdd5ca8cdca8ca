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
"""A main loop plugin which follows the scheduler by GraphQL's subscriptions.

After each turn of the main loop, each follower's copy has to be what a fresh
subscription would begin with. What was found is in ``$GRAPHQL_REPORT``, as
JSON. STEPS are those of the replica check.
"""

from itertools import count
import json
import os
from pathlib import Path

from replica_check import STEPS

from cylc.flow import __version__
from cylc.flow.main_loop import periodic, startup
from cylc_flask.auth.users import User
from cylc_flask.config import Config
from cylc_flask.privilege import Privilege
from cylc_flask.query.engine import Engine, Request
from cylc_flask.query.subscriptions import make_source
from cylc_flask.replica.feed import Feed
from cylc_flask.replica.records import Records
from cylc_flask.replica.store import Store
from cylc_flask.tap import Tap
from cylc_flask.workflows import Registry, Workflow
from tests.cylc_ui import SUBSCRIPTIONS, available
from tests.graphql_copy import Copy, settled

TURNS_PER_STEP = 3

OWNER = User('cylc', Privilege.FULL_CONTROL)

#: The task that the information view is about.
TASK = '2/bad'


class Follower:
    """One view of the GUI.

    Args:
        engine: Where it subscribes.
        name: Its name.
        variables: Those of its subscription.
    """

    def __init__(self, engine, name, variables):
        self.name = name
        self.engine = engine
        text = available(SUBSCRIPTIONS[name], __version__)
        names = [key for key in variables if f'${key}:' in text]
        self.operation = engine.prepare(
            Request(text, {key: variables[key] for key in names}), OWNER
        )
        self.member = engine.subscribe(self.operation, OWNER)
        self.copy = Copy()
        self.payloads = 0

    def follow(self):
        while self.member.pending:
            payload = self.member.take(0)
            if payload is not None:
                self.payloads += 1
                self.copy.take_payload(payload)

    def difference(self):
        """Return what a fresh burst has otherwise."""
        fresh = Copy()
        group = make_source(
            self.engine, self.operation,
            *self.engine.about(self.operation, OWNER),
        ).make_group()
        fresh.take_payload(group.burst())
        ours, theirs = settled(self.copy), settled(fresh)
        return [
            f'{self.name} {key} {name}: {one.get(name)} is not'
            f' {other.get(name)}'
            for key in ours.keys() | theirs.keys()
            for one, other in [(ours.get(key, {}), theirs.get(key, {}))]
            for name in one.keys() | other.keys()
            if one.get(name) != other.get(name)
        ]


class Check:
    """A scheduler, its replica, and all followers."""

    def __init__(self, schd):
        self.schd = schd
        self.steps, self.turns = iter(STEPS), count(1)
        self.tap = Tap(schd, lambda call, *args: call(*args))
        self.report = {
            'compared': 0, 'steps': 0, 'differences': [], 'payloads': {},
        }
        self.fault = None
        self.start()

    def start(self):
        store, records, feed = Store(), Records(), Feed()
        flow = Workflow(
            self.schd.workflow, 'x' * 20, store, records, None, feed
        )
        self.tap.attach(store, records, feed)
        engine = Engine(Config(), Registry(flow))
        id_ = store.workflow.id
        self.followers = [
            Follower(engine, name, {
                'workflowID': id_, 'taskID': TASK,
            }) for name in SUBSCRIPTIONS
        ]

    async def turn(self):
        self.tap.changed()
        turn = next(self.turns)
        for number, follower in enumerate(self.followers):
            # Some are slower than others, and have more to catch up.
            if not turn % (number + 1):
                follower.follow()
                self.compare(follower)
        if not turn % TURNS_PER_STEP:
            step = next(self.steps, None)
            if step:
                self.report['steps'] += 1
                await step(self)
        self.write()

    def compare(self, follower):
        if self.schd.data_store_mgr.publish_pending:
            return
        self.report['compared'] += 1
        self.report['differences'] += follower.difference()[:3]
        self.report['payloads'][follower.name] = follower.payloads

    def write(self):
        path = Path(os.environ['GRAPHQL_REPORT'])
        path.with_suffix('.new').write_text(json.dumps(self.report))
        path.with_suffix('.new').rename(path)


@startup
async def attach(schd, state):
    schd.INTERVAL_MAIN_LOOP = 0.2
    state['check'] = Check(schd)


@periodic
async def compare(schd, state):
    await state['check'].turn()
