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
"""From the scheduler to the replica, on the main thread."""

from __future__ import annotations

from contextlib import suppress
import logging
from typing import TYPE_CHECKING, Any, Callable

from cylc.flow import LOG
from cylc.flow.data_store_mgr import ALL_DELTAS
from cylc_flask.replica.records import text_of
from cylc_flask.side_reader import SideReader

if TYPE_CHECKING:
    from cylc.flow.scheduler import Scheduler
    from cylc_flask.replica.feed import Feed
    from cylc_flask.replica.records import Records
    from cylc_flask.replica.side import Side
    from cylc_flask.replica.store import Store

#: Runs a callable with its arguments on the server thread, first in first out.
Deliver = Callable[..., None]

TOPIC = ALL_DELTAS.encode()


class Tap:
    """Shows a store on the server thread all that the scheduler publishes.

    Everything is called on the main thread, except the two methods which
    are delivered. No fault of ours gets through to the scheduler: it is
    logged, and mended by a fresh snapshot at the next turn of the main loop.
    """

    def __init__(self, schd: Scheduler, deliver: Deliver) -> None:
        self._schd = schd
        self._deliver = deliver
        self._reader = SideReader(schd)
        self._store: Store
        self._feed: Feed
        self._handler: RecordHandler
        self._tee: Tee | None = None
        self._side: Side | None = None
        #: The articles seen last: Cylc publishes the first ones twice.
        self._last: Any = None
        #: Set on either thread, cleared on the main one.
        self._snapshot_wanted = False
        #: Seen on the server thread only: deltas have nothing to build on.
        self._store_broken = False
        self._complained = False

    def attach(self, store: Store, records: Records, feed: Feed) -> None:
        """Deliver a snapshot, then everything that comes after it.

        The feed is told what has become of the store each time.
        """
        self._store = store
        self._feed = feed
        self._snapshot()
        server: Any = self._schd.server
        self._tee = Tee(server.publish_queue, self._published)
        server.publish_queue = self._tee
        self._handler = RecordHandler(self._deliver, records)
        LOG.addHandler(self._handler)

    def detach(self) -> None:
        """Leave the scheduler as it was."""
        if self._tee is None:
            return
        LOG.removeHandler(self._handler)
        self._schd.server.publish_queue = self._tee.queue
        self._tee = None

    def changed(self) -> None:
        """Deliver the side data if they changed without a delta.

        Called at each turn of the main loop, hence cheap.
        """
        try:
            if self._snapshot_wanted:
                self._snapshot()
                return
            side = self._reader.read()
            if side.is_news_after(self._side):
                self._send(None, side)
        except Exception as exc:
            self._failed(exc)

    def _snapshot(self) -> None:
        """Deliver the whole store.

        The scheduler applies a delta before it publishes it: whatever waits
        to be published is in the snapshot already.
        """
        manager: Any = self._schd.data_store_mgr
        snapshot = manager.get_entire_workflow().SerializeToString()
        self._side = self._reader.read()
        self._last = manager.publish_deltas
        self._snapshot_wanted = False
        self._deliver(self._load, snapshot, self._side)

    def _published(self, articles: Any) -> None:
        """See what goes to Cylc's publisher."""
        if articles is self._last or self._snapshot_wanted:
            return
        self._last = articles
        try:
            for topic, message, _ in articles:
                if topic == TOPIC:
                    delta = message.SerializeToString()
                    self._send(delta, self._reader.read())
        except Exception as exc:
            self._failed(exc)

    def _send(self, delta: bytes | None, side: Side) -> None:
        self._side = side
        self._deliver(self._apply, delta, side)

    def _failed(self, exc: Exception) -> None:
        """Ask for a fresh snapshot, and log the first of a row of faults."""
        self._snapshot_wanted = True
        if not self._complained:
            self._complained = True
            LOG.error('flask: lost touch with the data store', exc_info=exc)

    def _load(self, snapshot: bytes, side: Side) -> None:
        """Replace what the store holds; on the server thread."""
        try:
            change = self._store.load(snapshot, side)
            self._store_broken = False
        except Exception as exc:
            self._store_broken = True
            self._failed(exc)
        else:
            self._feed.publish(change)

    def _apply(self, delta: bytes | None, side: Side) -> None:
        """Bring the store forward; on the server thread."""
        if self._store_broken:
            return
        try:
            change = self._store.apply(delta, side)
            self._complained = False
        except Exception as exc:
            self._store_broken = True
            self._failed(exc)
        else:
            self._feed.publish(change)


class Tee:
    """Stands in for Cylc's publish queue, and shows what is put on it.

    Cylc looks the queue up each time that it needs it, so this can come and
    go; everything but ``put`` is left to the queue itself.
    """

    def __init__(self, queue: Any, show: Callable[[Any], None]) -> None:
        self.queue = queue
        self._show = show

    def put(self, item: Any, *args: Any, **kwargs: Any) -> None:
        """Serve Cylc first, then us."""
        self.queue.put(item, *args, **kwargs)
        self._show(item)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.queue, name)


class RecordHandler(logging.Handler):
    """Sends warnings and errors of the scheduler's log to the server thread.

    Only their message: a traceback is not for clients.
    """

    def __init__(self, deliver: Deliver, records: Records) -> None:
        super().__init__(logging.WARNING)
        self._deliver = deliver
        self._add = records.add

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record; a fault here must not become a record itself."""
        with suppress(Exception):
            self._deliver(
                self._add, record.levelno, text_of(record), record.created
            )
