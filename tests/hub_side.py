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
"""What the hub has of schedulers, in the process of a test.

Discovery, links and replicas are real; a thread stands in for the server's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
import queue
import threading
from typing import Any, TypeVar

import zmq.asyncio

from cylc_flask.compat import pb
from cylc_flask.config import Limits
from cylc_flask.hub.entry import Entry
from cylc_flask.hub.flows import Flows, Tools
from cylc_flask.hub.links.links import Links
from cylc_flask.hub.links.zmqsockets import connect
from cylc_flask.hub.runs.discovery import Discovery
from cylc_flask.hub.runs.scan import RunRoot
from cylc_flask.replica.delta import KINDS
from tests.harness import wait_for

T = TypeVar('T')

#: Seconds within which all has to happen, on a busy machine.
SOON = 60


class Seat:
    """A thread which does what is delivered, one after the other."""

    def __init__(self) -> None:
        self._todo: queue.SimpleQueue[Callable[[], Any] | None] = (
            queue.SimpleQueue())
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def deliver(self, work: Callable[..., Any], *args: Any) -> None:
        self._todo.put(lambda: work(*args))

    def ask(self, work: Callable[[], T]) -> T:
        """Return what comes of some work there."""
        future: Future[T] = Future()

        def do() -> None:
            try:
                future.set_result(work())
            except BaseException as exc:
                future.set_exception(exc)
        self._todo.put(do)
        return future.result(SOON)

    def close(self) -> None:
        self._todo.put(None)
        self._thread.join(SOON)

    def _live(self) -> None:
        while (work := self._todo.get()) is not None:
            work()


class HubSide:
    """All workflows of the home in the environment.

    Args:
        owner: Whose they are.
        period: Seconds between scans.
    """

    def __init__(self, owner: str = 'root', period: float = 3600) -> None:
        self.seat = Seat()
        self.links = Links(
            self.seat.deliver, lambda name: self.discovery.look(name))
        self.flows = Flows(owner, self.links, Tools(
            self.seat.deliver, limits=Limits()))
        self.told: list[tuple[str, str, str]] = []
        self.flows.watch(lambda kind, entry: self.told.append(
            (kind, entry.name, entry.status)))
        self.discovery = Discovery(
            RunRoot.of_cylc(), self.flows.tell, period)
        self.links.start()
        self.discovery.start()

    def close(self) -> None:
        self.discovery.stop()
        self.seat.ask(self.flows.close)
        self.links.stop()
        self.seat.close()

    def entry(self, name: str) -> Entry:
        """Return a workflow, as soon as it is there."""
        return wait_for(
            lambda: self.seat.ask(lambda: self.flows.find(name)), SOON,
            f'a workflow {name}')

    def soon(self, name: str, **wanted: Any) -> Entry:
        """Wait until some of what is known of a workflow is so."""
        entry = self.entry(name)

        def seen() -> dict[str, Any]:
            return {key: getattr(entry, key) for key in wanted}
        wait_for(
            lambda: self.seat.ask(seen) == wanted, SOON,
            f'{wanted}, but {seen()}: {entry.problem}')
        return entry

    def copy(self, entry: Entry) -> dict[str, Any]:
        """Return what a replica holds, in a form to be compared."""
        return self.seat.ask(lambda: contents(entry.workflow.store))


def ask(entry: Entry, command: str, **arguments: Any) -> Any:
    """Return what a scheduler itself answers."""
    contact = entry.found.contact
    assert contact is not None

    async def ask() -> Any:
        with (
            zmq.asyncio.Context() as context,
            closing(connect(contact, context)) as client,
        ):
            return await client.ask(command, SOON, **arguments)
    return asyncio.run(ask())


def contents(store: Any) -> dict[str, Any]:
    """Return all elements of a store, or of PbEntireWorkflow."""
    result: dict[str, Any] = {'workflow': _text(store.workflow)}
    for kind in KINDS:
        elements = getattr(store, kind)
        if isinstance(elements, dict):
            elements = elements.values()
        result[kind] = {each.id: _text(each) for each in elements}
    return result


def of_scheduler(whole: bytes) -> dict[str, Any]:
    """Return the same of what a scheduler answers."""
    return contents(pb.PbEntireWorkflow.FromString(whole))


def _text(element: Any) -> bytes:
    return bytes(element.SerializeToString(deterministic=True))
