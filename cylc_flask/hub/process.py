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
"""The process of the hub: its threads, from the start to the end.

The main thread waits for signals, and looks after the others.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
import os
import resource
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from cylc.flow import LOG
from cylc.flow.hostuserutil import get_user
from cylc_flask import access_log
from cylc_flask.config import is_in_the_clear
from cylc_flask.errors import CylcFlaskError
from cylc_flask.hub import place
from cylc_flask.hub.apps import Apps, ServerTools
from cylc_flask.hub.audit import Audit
from cylc_flask.hub.auth.login import IN_THE_CLEAR
from cylc_flask.hub.auth.once import Once
from cylc_flask.hub.dispatch import Dispatcher
from cylc_flask.hub.flows import Flows, Tools
from cylc_flask.hub.life.launch import Launcher
from cylc_flask.hub.links.links import Links
from cylc_flask.hub.proxy import Proxies
from cylc_flask.hub.runs.discovery import Discovery
from cylc_flask.hub.runs.scan import RunRoot
from cylc_flask.hub.site import Site
from cylc_flask.hub.users.passwords import Few, Passwords
from cylc_flask.hub.users.people import People
from cylc_flask.lines import Lines
from cylc_flask.pace import NAP, Pace
from cylc_flask.replica.feed import Feed
from cylc_flask.replica.store import Store
from cylc_flask.server.thread import (
    OPTIONS,
    ServerThread,
    Serving,
    aside,
    compute,
    make_event,
    sleep,
    spawn,
)
from cylc_flask.views.sockets import SockTools

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from cylc_flask.config import Config, Hub

#: How long (seconds) to wait for the server to be up, and to be down.
PATIENCE = 30.0

#: How often (seconds) the main thread looks after the others.
PULSE = 1.0

#: How often (seconds) it looks for another certificate.
RENEWAL = 10.0

#: A thread that does nothing we ask for so long (seconds) is given up.
HUNG = 120.0

#: Set by systemd where its journal takes up what is said.
JOURNAL = 'JOURNAL_STREAM'

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class HubProcess:
    """A hub, as the command runs it.

    Args:
        config: The configuration.
        say: Called with what is to be known by who has started it.

    Raises:
        CylcFlaskError: It cannot run so.
        OSError: A file cannot be used.
    """

    def __init__(self, config: Config, say: Callable[[str], object]) -> None:
        if os.geteuid() == 0 and not config.hub.allow_root:
            raise CylcFlaskError(
                'the hub does not run as root, who may read and stop what'
                ' belongs to others: run it as the owner of the workflows, or'
                ' with --allow-root (hub.allow_root)')
        self._config = suited(config)
        self._say = say
        self._stack = ExitStack()
        self._ending = threading.Event()
        #: The signal that ends it.
        self._signal = ''
        #: When the server's thread gave a sign of life.
        self._heard = time.monotonic()
        #: What the files of the certificate were when they were read.
        self._certificate = self._stamps()

    def run(self) -> int:
        """Serve until a signal comes; return the status to exit with."""
        with self._stack:
            thread = self._begin()
            for number in SIGNALS:
                signal.signal(number, self._hear)
            due = RENEWAL
            while not self._ending.wait(PULSE):
                due -= PULSE
                # A certificate of which nothing is known was asked for.
                if due <= 0 or not self._certificate:
                    due = RENEWAL
                    self._renew(thread)
                if fault := self._fault_of(thread):
                    LOG.error(f'flask: the server thread {fault}')
                    return 1
            LOG.info(f'flask: the hub stops ({self._signal})')
            return 0

    def _hear(self, number: int, frame: object) -> None:
        """Take a signal.

        To hang up is a wish to look at the files again, where there is no
        terminal that could have been closed.
        """
        has_terminal = sys.stdin is not None and sys.stdin.isatty()
        if number == signal.SIGHUP and not has_terminal:
            self._certificate = ()
        else:
            self._signal = signal.Signals(number).name
            self._ending.set()

    def _fault_of(self, thread: ServerThread) -> str:
        """Return why a thread serves no more, '' if it does."""
        if not thread.alive:
            return 'has died'
        if time.monotonic() - self._heard > HUNG:
            return 'hangs'
        thread.deliver(self._note_life)
        return ''

    def _note_life(self) -> None:
        """Note that the thread lives (in the thread)."""
        self._heard = time.monotonic()

    def _begin(self) -> ServerThread:
        """Start all there is; what fails ends what has begun."""
        config, stack = self._config, self._stack
        more_files()
        here = place.take(config)
        stack.callback(here.leave)
        owner: str = get_user()  # type: ignore[no-untyped-call]
        hub = config.hub
        people = People(here.directory, owner, Passwords(Few(compute)))
        audit = Audit(here.directory, hub.audit_size, hub.audit_files)
        stack.callback(audit.close)
        tls = (hub.certificate, hub.key) if hub.certificate else None
        lines = Lines(config.limits.sockets)
        made: list[Callable[[], WSGIApplication]] = []
        thread = ServerThread(Serving(
            here.listeners, lambda: made[0](), config.limits, tls,
            access_log.writer(config.access_log, here.directory), lines,
        ))
        links = Links(thread.deliver, lambda name: discovery.look(name))
        pace = Pace(1, sleep)
        flows = Flows(owner, links, Tools(
            thread.deliver, lambda: Store(pace.rest),
            lambda: make_feed(config, pace), make_event, spawn, pace.work,
            config.limits, partial(sleep, NAP),
        ))
        discovery = Discovery(
            RunRoot.of_cylc(), flows.tell, hub.scan_period)
        launcher = Launcher(
            thread.deliver, make_event, at_once=hub.at_once, queue=hub.queue,
            hand_on=hub.environment,
        )
        site = Site(
            config, people, audit, flows, launcher, discovery, aside,
            thread.deliver, make_event,
        )
        tools = ServerTools(
            sleep, SockTools(spawn, make_event, OPTIONS, lines), pace.work)
        made.append(partial(
            make_application, site, place.hosts(here.address, config), tools))
        stack.callback(self._finish, thread, flows, launcher)
        thread.start()
        thread.ready.result(PATIENCE)
        for part in (links, discovery):
            stack.callback(part.stop)
            part.start()
        self._announce(here)
        self._note_life()
        return thread

    def _announce(self, here: place.Place) -> None:
        url = here.address.url + self._config.hub.prefix.lstrip('/')
        here.announce(url)
        LOG.info(f'flask: the hub is at {url}')
        if is_in_the_clear(self._config) and not self._config.hub.proxies:
            LOG.warning(f'flask: {IN_THE_CLEAR}')
        self._say(f'The hub is at {url}')
        if JOURNAL in os.environ:
            # Others may read what is said here.
            return
        token = Once(here.directory).make()
        self._say(
            f'Log in once by {url.rstrip("/")}/login/once?token={token}')

    @staticmethod
    def _finish(
        thread: ServerThread, flows: Flows, launcher: Launcher
    ) -> None:
        """Let go of clients; no scheduler hears of it."""
        thread.deliver(launcher.close)
        thread.deliver(flows.close)
        thread.stop()
        thread.join(PATIENCE)

    def _renew(self, thread: ServerThread) -> None:
        """Have another certificate used if there is one."""
        now = self._stamps()
        if now and now != self._certificate:
            self._certificate = now
            thread.renew((self._config.hub.certificate, self._config.hub.key))

    def _stamps(self) -> tuple[object, ...]:
        """Return what changes with the certificate, () if there is none."""
        hub = self._config.hub
        if not hub.certificate:
            return ()
        return stamp(hub.certificate), stamp(hub.key)


def suited(config: Config) -> Config:
    """Return the configuration, with what the hub has otherwise."""
    hub = config.hub
    return replace(
        config, method='https' if hub.certificate else 'http', bind=hub.bind,
        port=hub.port, unix_socket='',
    )


def make_application(
    site: Site, hosts: frozenset[str], tools: ServerTools
) -> WSGIApplication:
    """Return all that is served; in the server's thread."""
    return front_of(Apps(site, hosts, tools), site.config.hub)


def front_of(apps: Apps, hub: Hub) -> WSGIApplication:
    """Return what hands requests to applications."""
    return Proxies(
        Dispatcher(apps.hub, apps.find, apps.nowhere, apps.is_stranger),
        hub.proxies, hub.prefix,
    )


def make_feed(config: Config, pace: Pace) -> Feed:
    """Return a feed for the server's thread."""
    limits = config.limits
    return Feed(
        make_event, spawn, partial(sleep, NAP), limits.feed_messages,
        limits.feed_bytes, limits.groups, pace.alone,
    )


def stamp(path: str) -> Any:
    """Return what changes with a file, None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def more_files() -> None:
    """Have as many files open as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
