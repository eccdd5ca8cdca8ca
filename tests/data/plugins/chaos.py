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
"""A main-loop plugin which does harm, from within a real scheduler.

A test puts the name of a deed into the file ``$CHAOS`` and waits until the
file is gone, see `Chaos.tell`. What is named in ``$CHAOS_AT_START`` is done
before the web server starts. It knows the insides of the web server, so
that the web server needs to know nothing of it.
"""

import os
from pathlib import Path
import sys
import threading
import time

from cylc.flow import LOG
from cylc.flow.main_loop import periodic, startup

#: Turns of the main loop come as fast as this (seconds), for fast tests.
INTERVAL = 0.2

#: Longer (seconds) than anybody waits.
LONG = 600


class Chaos:
    """The deeds, by name."""

    def __init__(self, schd):
        self.schd = schd

    @property
    def server(self):
        return self.schd.main_loop_plugins['state']['flask']['server']

    @property
    def deliver(self):
        return self.server._thread.deliver

    # In the server thread

    def die(self):
        """End the thread."""
        self.deliver(sys.exit, 'a test ends the thread')

    def hang(self):
        """Block the thread, for good."""
        self.deliver(time.sleep, LONG)

    def hang_and_be_impatient(self):
        """Block the thread where this is noticed soon."""
        from cylc_flask import suite_server
        suite_server.HUNG = 1.0
        self.hang()

    def spoil_view(self):
        """Let those views fail that make a summary of the replica."""
        from cylc_flask.workflows import Workflow
        made = Workflow.made

        def made_or_not(flow, what, make):
            if 'summary' in what:
                raise ZeroDivisionError('a secret of the inside')
            return made(flow, what, make)
        Workflow.made = made_or_not

    def spoil_store(self):
        """Break the replica: what it holds is lost, the next delta too."""
        store = self.server._tap._store

        def apply(delta, side):
            store.task_proxies.clear()
            del store.apply
            raise ZeroDivisionError('a test breaks the replica')
        store.apply = apply

    # In the main thread

    def crash(self):
        """Let the main loop fail."""
        def process():
            raise ZeroDivisionError('a test crashes the main loop')
        self.schd.proc_pool.process = process

    def note_threads(self):
        """Log what threads there are."""
        names = sorted(thread.name for thread in threading.enumerate())
        LOG.info(f'chaos: threads: {names}')


def start_late():
    """Let the server thread begin to serve after 8 s only."""
    from cylc_flask.server.thread import ServerThread
    serve_clients = ServerThread._serve_clients

    def late(self):
        time.sleep(8)
        return serve_clients(self)
    ServerThread._serve_clients = late


def fail_to_start():
    """Let the server thread fail before it serves, twice."""
    from cylc_flask.server.thread import ServerThread
    serve_clients = ServerThread._serve_clients
    failures = iter([SystemExit('a test exits'), KeyError('a test fails')])

    def fail(self):
        for failure in failures:
            raise failure
        return serve_clients(self)
    ServerThread._serve_clients = fail


def no_threads():
    """Let there be no thread for the server, once."""
    from cylc_flask.server.thread import ServerThread
    start = ServerThread.start

    def fail(self):
        ServerThread.start = start
        raise RuntimeError("can't start new thread")
    ServerThread.start = fail


def fill_service():
    """Fill the disk where the web server has its files."""
    with Path(os.environ['CHAOS_DISK'], 'filler').open('wb') as filler:
        try:
            while True:
                os.write(filler.fileno(), bytes(512))
        except OSError:
            return


# Cylc imports plugins before it starts any, in no particular order.
if os.environ.get('CHAOS_AT_START'):
    globals()[os.environ['CHAOS_AT_START']]()


@startup
async def begin(schd, state):
    schd.INTERVAL_MAIN_LOOP = INTERVAL
    state['chaos'] = Chaos(schd)


@periodic
async def obey(schd, state):
    order = Path(os.environ['CHAOS'])
    if order.exists():
        deed = order.read_text()
        order.unlink()
        getattr(state['chaos'], deed)()
