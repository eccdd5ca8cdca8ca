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
"""The server thread: a gevent hub, what crosses into it, and its end."""

from __future__ import annotations

import atexit
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
import ctypes
from dataclasses import dataclass, field
import socket
import threading
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Iterable,
    Iterator,
    TypeVar,
)
from weakref import WeakSet

import gevent
from gevent import sleep
from gevent.event import Event
from gevent.pool import Group
from gevent.threadpool import ThreadPool

from cylc.flow import LOG
from cylc_flask.lines import Lines
from cylc_flask.server.crowd import Crowd
from cylc_flask.server.green import Server
from cylc_flask.server.sock import OPTIONS
from cylc_flask.server.wire import tls_context

if TYPE_CHECKING:
    from cylc_flask.config import Limits

__all__ = [
    'OPTIONS', 'Serving', 'ServerThread', 'aside', 'compute', 'make_event',
    'sleep', 'spawn',
]

Application = Callable[..., Iterable[bytes]]
T = TypeVar('T')

#: How long (seconds) answers may take that are under way at the end.
GRACE = 2.0

#: How many threads of the system do what would hold up the server's, of
#: either kind.
ASIDE = 2

#: How long (seconds) the end of the process waits for a thread that goes on.
LAST = 3.0

#: Makes an event on which requests can wait.
make_event = Event


class Helpers(threading.local):
    """What runs in a server thread beside its connections."""

    def __init__(self) -> None:
        self.group = Group()
        self.pool = ThreadPool(ASIDE)
        self.computing = ThreadPool(ASIDE)


_helpers = Helpers()


def spawn(work: Callable[..., object], *args: Any) -> None:
    """Have something done in the server thread by and by.

    It may wait; the end of the server is its end.
    """
    _helpers.group.spawn(work, *args)


def aside(work: Callable[[], T]) -> T:
    """Have something done by another thread, and return what comes of it.

    Others are served meanwhile. It may wait for a disk.
    """
    result: T = _helpers.pool.apply(work)
    return result


def compute(work: Callable[[], T]) -> T:
    """Have something computed by another thread, and return the result.

    What waits for a disk does not hold it up.
    """
    result: T = _helpers.computing.apply(work)
    return result


@dataclass(frozen=True)
class Serving:
    """What a server thread serves, and how.

    Args:
        listeners: Listening sockets; they stay open after the thread.
        make_app: Called in the thread, returns the WSGI application.
        limits: Time-outs, sizes and numbers.
        tls: Paths of certificate and key, None for plain HTTP.
        access_log: Called with one line for each request, or None.
        lines: The connections that stay.
    """

    listeners: list[socket.socket]
    make_app: Callable[[], Application]
    limits: Limits
    tls: tuple[str, str] | None = None
    access_log: Callable[[str], None] | None = None
    lines: Lines = field(default_factory=Lines)


class Interrupted(SystemExit):
    """The process ends, and so has the thread to."""


class ServerThread:
    """A thread which serves until it is told to stop, or dies.

    Everything below it is touched in this thread only. Other threads hand
    work in by `deliver`, and never wait for it but for a while.
    """

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        #: Done when requests are served; holds what prevented it.
        self.ready: Future[None] = Future()
        #: Done when the thread has released all it had.
        self.ended: Future[None] = Future()
        for future in (self.ready, self.ended):
            future.set_running_or_notify_cancel()  # nobody can cancel it
        self._inbox: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = (
            deque()
        )
        self._wake: Callable[[], None] | None = None
        self._stop: Event | None = None
        self._servers: list[Server] = []
        self._thread = threading.Thread(
            target=_live, args=([self],), name='cylc-flask', daemon=True
        )

    def start(self) -> None:
        """Start the thread; `ready` tells how it went."""
        self._thread.start()
        _started.add(self)

    @property
    def alive(self) -> bool:
        """True until the thread has ended, by whatever cause."""
        return self._thread.is_alive()

    def deliver(self, work: Callable[..., Any], *args: Any) -> None:
        """Have something done in the thread, in the order of the calls.

        It must not wait for anything. May be called from any thread; what
        comes after the end of the thread is dropped.
        """
        if self.ended.done():
            return
        self._inbox.append((work, args))
        wake = self._wake
        if wake is not None:
            with suppress(ValueError):  # the loop has just been destroyed
                wake()

    def stop(self) -> None:
        """Ask the thread to end; `ended` tells when it has."""
        self.deliver(self._end)

    def join(self, timeout: float) -> None:
        """Wait for so many seconds until the thread has ended."""
        self._thread.join(timeout)

    def interrupt(self) -> None:
        """End whatever the thread does, in the midst of that."""
        if self._thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread.ident),
                ctypes.py_object(Interrupted),
            )

    def renew(self, tls: tuple[str, str]) -> None:
        """Use what a certificate and its key are now, for new connections.

        Where they cannot be used, those that were read last go on.
        """
        self.deliver(self._renew, tls)

    def _renew(self, tls: tuple[str, str]) -> None:
        try:
            context = tls_context(*tls)
        except OSError as exc:
            LOG.error(f'flask: the old certificate is kept: {exc}')
            return
        for server in self._servers:
            server.tls = context
        LOG.info('flask: the certificate has been read again')

    def _end(self) -> None:
        if self._stop is not None:
            self._stop.set()

    def _serve(self) -> None:
        """Serve until the end, of whatever kind it is."""
        try:
            self._serve_deliveries()
        except Interrupted:
            pass
        except BaseException as exc:  # a dead thread must say why
            if not self.ready.done():
                self.ready.set_exception(exc)
            else:
                LOG.error('flask: the server thread died', exc_info=exc)

    def _serve_deliveries(self) -> None:
        watcher = gevent.get_hub().loop.async_()
        try:
            watcher.start(self._pump)
            self._wake = watcher.send
            self._serve_clients()
        finally:
            self._wake = None
            watcher.stop()
            watcher.close()

    def _serve_clients(self) -> None:
        self._stop = stop = Event()
        crowd = Crowd(self.serving.limits.open_connections)
        try:
            for server in self._make_servers(crowd):
                self._servers.append(server)
                server.start()
            self._pump()
            self.ready.set_result(None)
            stop.wait()
        finally:
            self._stop = None
            for server in self._servers:
                server.close()
            self.serving.lines.end()
            self._servers.clear()
            crowd.finish(GRACE)
            _helpers.group.kill(timeout=1)
            for pool in (_helpers.pool, _helpers.computing):
                pool.kill()

    def _make_servers(self, crowd: Crowd) -> Iterator[Server]:
        serving = self.serving
        tls = tls_context(*serving.tls) if serving.tls else None
        application = serving.make_app()
        for listener in serving.listeners:
            yield Server(
                listener, application, crowd, serving.limits, tls,
                serving.access_log,
            )

    def _pump(self) -> None:
        """Do what was delivered."""
        for _ in range(len(self._inbox)):
            work, args = self._inbox.popleft()
            try:
                work(*args)
            except Exception as exc:
                LOG.error('flask: fault in the server thread', exc_info=exc)


def _live(handed: list[ServerThread]) -> None:
    """Be the thread.

    gevent never forgets the stack that a hub is destroyed on, so the
    server has to be off it.
    """
    server = handed.pop()
    ended, inbox = server.ended, server._inbox
    hub = gevent.get_hub()
    hub.print_exception = _log_exception
    server._serve()
    del server
    try:
        gevent.sleep(0)  # a hub that died of a fault is still amid that
        hub.destroy(destroy_loop=True)
    finally:
        ended.set_result(None)
        inbox.clear()


def _log_exception(context: Any, kind: Any, value: Any, trace: Any) -> None:
    """Log what ended a greenlet, in place of gevent's standard error."""
    if kind is not None and not issubclass(kind, gevent.GreenletExit):
        LOG.error(f'flask: fault in {context}', exc_info=(kind, value, trace))


#: The threads of this process, as long as anybody knows them.
_started: WeakSet[ServerThread] = WeakSet()


@atexit.register
def _end_all() -> None:
    """Let no thread go on while the interpreter ends.

    Before Python 3.14 it would be unwound where it is; amid greenlets, whose
    stacks have no bottom, that is a crash, whatever the process did well.
    """
    for thread in list(_started):
        if thread.alive:
            thread.interrupt()
            thread.stop()  # which wakes it
            thread.join(LAST)
