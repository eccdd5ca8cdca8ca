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
"""The web server of one scheduler: started, looked after, and stopped.

Everything here runs in the scheduler's main thread. Whatever goes wrong is
logged, and tried again later; it never reaches the scheduler.
"""

from __future__ import annotations

import asyncio
from functools import partial, wraps
from time import monotonic
from typing import TYPE_CHECKING, Any

from cylc.flow import LOG
from cylc_flask import access_log, config, place
from cylc_flask.alarm import Alarm
from cylc_flask.app import create_app
from cylc_flask.door import STOPPED, Door
from cylc_flask.errors import CylcFlaskError
from cylc_flask.lines import Lines
from cylc_flask.pace import NAP, Pace
from cylc_flask.replica.feed import Feed
from cylc_flask.replica.records import Records
from cylc_flask.replica.store import Store
from cylc_flask.server.thread import (
    OPTIONS,
    ServerThread,
    Serving,
    make_event,
    sleep,
    spawn,
)
from cylc_flask.tap import Tap
from cylc_flask.usage import Usage
from cylc_flask.views import relay
from cylc_flask.views.sockets import SockTools
from cylc_flask.workflows import Registry, Workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from cylc.flow.scheduler import Scheduler
    from cylc_flask.config import Config, Limits

#: How long (seconds) the scheduler waits for the server, at most.
PATIENCE = 5.0

#: Pauses (seconds) between attempts to start it: the first, the longest.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 300.0

#: A server that ran for so long (seconds) is started again at once.
STEADY = 60.0

#: A thread that does nothing we ask for so long (seconds) is given up.
HUNG = 60.0


class SuiteServer:
    """Keeps a web server for a scheduler, as far as one can be had."""

    def __init__(self, schd: Scheduler) -> None:
        self._schd = schd
        self._loop = asyncio.get_running_loop()
        self._place: place.Place | None = None
        self._thread: ServerThread | None = None
        self._tap: Tap | None = None
        self._door: Door | None = None
        self._feed: Feed | None = None
        self._usage: Usage | None = None
        self._announced = False
        self._closing = False
        self._pause = FIRST_PAUSE
        self._retry_at = 0.0
        self._began = 0.0
        #: When the thread was asked for a sign of life, None if it gave one.
        self._asked: float | None = None
        self._complaint = ''

    async def start(self) -> None:
        """Start the server, and wait for it a while."""
        self._stop_with_scheduler()
        self.tick()
        if self._thread is None:
            return
        if not await _within(PATIENCE, self._thread.ready.done):
            LOG.warning(
                f'flask: the web server is not up after {PATIENCE:g} s; the'
                ' run goes on'
            )
        self.tick()

    def tick(self) -> None:
        """Look after the server; start it again if it is no more."""
        if self._closing:
            return
        try:
            if self._usage is not None:
                self._usage.tick()
            if self._thread is not None:
                self._look_after(self._thread)
            elif monotonic() >= self._retry_at:
                self._begin()
        except Exception as exc:
            self._failed(exc)

    async def close(self) -> None:
        """Stop the server: answer who waits, and leave nothing behind."""
        if self._closing:
            return
        self._closing = True
        thread = self._thread
        if thread and self._usage:
            thread.deliver(self._usage.write)
        self._let_go()
        self._leave()
        if thread and not await _within(PATIENCE, lambda: not thread.alive):
            LOG.warning(
                f'flask: the web server does not stop within {PATIENCE:g} s;'
                ' the scheduler does'
            )

    def _stop_with_scheduler(self) -> None:
        """Stop when the scheduler's own server does, which is always.

        Cylc calls its plugins at a clean stop only.
        """
        server: Any = self._schd.server
        original = server.stop

        @wraps(original)
        async def stop(*args: Any, **kwargs: Any) -> None:
            try:
                await self.close()
            except Exception as exc:
                LOG.error('flask: fault at the stop', exc_info=exc)
            finally:
                await original(*args, **kwargs)

        server.stop = stop

    def _begin(self) -> None:
        """Take a place to listen, and start the thread there."""
        if self._place is None:
            self._place = place.take(self._schd, config.load())
        here = self._place
        self._usage = self._usage or Usage(here.run_dir)
        pace = Pace(here.limits.share, sleep)
        store, records = Store(pace.rest), Records()
        lines = Lines(here.limits.sockets)
        self._thread = thread = ServerThread(Serving(
            here.listeners,
            lambda: _make_app(
                here, flow, SockTools(spawn, make_event, OPTIONS, lines),
                pace,
            ),
            here.limits,
            here.tls,
            access_log.writer(here.config.access_log, here.log_dir),
            lines,
        ))
        self._tap = Tap(self._schd, thread.deliver)
        self._feed = feed = _make_feed(here.limits, pace)
        self._door = Door(
            self._schd, self._loop, thread.deliver, make_event,
            self._tap.changed, lambda: store.side, here.config.limits,
            lambda: feed.stir(store.version, store.side),
            self._make_alarm(here.config),
        )
        flow = Workflow(
            here.workflow, here.passphrase, store, records, self._door,
            self._feed, usage=self._usage,
        )
        self._announced = False
        self._asked = None
        self._began = monotonic()
        self._tap.attach(store, records, self._feed)
        thread.start()

    def _make_alarm(self, config: Config) -> Alarm | None:
        return Alarm(self._schd, self._loop) if config.wake_scheduler else None

    def _look_after(self, thread: ServerThread) -> None:
        """Go on, if the thread does."""
        if fault := self._fault_of(thread):
            self._failed(fault)
            return
        assert self._tap is not None
        self._tap.changed()
        if not thread.ready.done():
            return
        if not self._announced:
            self._announce()
        elif monotonic() - self._began > STEADY:
            self._pause = FIRST_PAUSE

    def _fault_of(self, thread: ServerThread) -> BaseException | None:
        """Return why a thread serves no more, None if it does."""
        if thread.ready.done() and (fault := thread.ready.exception()):
            return fault
        if not thread.alive:
            return CylcFlaskError('the server thread has died')
        if self._is_hung(thread):
            return CylcFlaskError('the server thread hangs')
        return None

    def _is_hung(self, thread: ServerThread) -> bool:
        """Return True if the thread has long been silent; ask it again."""
        asked = self._asked
        if asked is not None:
            return monotonic() - asked > HUNG
        self._asked = monotonic()
        thread.deliver(self._hear)
        return False

    def _hear(self) -> None:
        """Note that the thread lives (in the thread)."""
        self._asked = None

    def _announce(self) -> None:
        assert self._place is not None
        self._place.announce(self._schd.uuid_str)
        self._announced = True
        self._complaint = ''
        LOG.info(f'flask: web server at {self._place.address.url}')

    def _failed(self, exc: BaseException) -> None:
        """Log what went wrong, once, and try again later.

        A server that ran comes back at the same place; clients find nobody
        there meanwhile, hence not where this takes long.
        """
        self._let_go()
        if not self._announced or self._pause > PATIENCE:
            self._leave()
        reason = _reason(exc)
        if reason != self._complaint:
            LOG.error(f'flask: no web server: {reason} (will be tried again)')
            LOG.debug('flask: no web server', exc_info=exc)
        self._complaint = reason
        self._retry_at = monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _let_go(self) -> None:
        """Take the scheduler back from the thread, which may be dead."""
        if self._tap is not None:
            self._tap.detach()
        if self._door is not None:
            self._door.close(STOPPED)
        if self._thread is not None:
            if self._feed is not None:
                self._thread.deliver(self._feed.close, STOPPED)
            self._thread.stop()
        self._thread = self._tap = self._door = self._feed = None

    def _leave(self) -> None:
        """Give up the place to listen."""
        if self._place is not None:
            self._place.leave()
        self._place = None


def _make_app(
    here: place.Place, flow: Workflow, tools: SockTools, pace: Pace
) -> Flask:
    """Return the application, with a way in for hubs if any sockets are."""
    app = create_app(
        here.config, Registry(flow), here.hosts, sleep, tools, pace.work)
    if 'websocket' in here.config.enable:
        relay.init_app(app)
    return app


def _make_feed(limits: Limits, pace: Pace) -> Feed:
    """Return a feed for the server thread."""
    return Feed(
        make_event, spawn, partial(sleep, NAP), limits.feed_messages,
        limits.feed_bytes, limits.groups, pace.alone,
    )


def _reason(exc: BaseException) -> str:
    """Return what an error says, with its name if it is none of ours."""
    if isinstance(exc, (CylcFlaskError, OSError)):
        return str(exc)
    return repr(exc)


async def _within(seconds: float, done: Callable[[], bool]) -> bool:
    """Wait for what another thread does; False if it takes longer.

    By looking: a callback might come when the loop is closed already.
    """
    end = monotonic() + seconds
    while not done() and monotonic() < end:
        await asyncio.sleep(0.01)
    return done()
