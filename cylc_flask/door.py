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
"""Commands to the scheduler of this process, given by the server thread."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncGenerator,
    Callable,
    Generic,
    TypeVar,
)

from cylc.flow import LOG
from cylc.flow.commands import COMMANDS
from cylc.flow.cycling.loader import get_point
from cylc_flask import graph, validate
from cylc_flask.commands import Event, State, Ticket, TicketBook, tasks_of
from cylc_flask.coroutines import drive
from cylc_flask.errors import Refused, Unavailable
from cylc_flask.tracking import Listener, Tracked, signature

if TYPE_CHECKING:
    from cylc.flow.scheduler import Scheduler
    from cylc_flask.alarm import Alarm
    from cylc_flask.config import Limits
    from cylc_flask.replica.graph import RawGraph
    from cylc_flask.replica.side import Side

T = TypeVar('T')
Call = Callable[['Scheduler'], T]

#: An item that each platform has.
POLLING = 'execution polling intervals'

#: How many changes may wait for the main thread, each a megabyte at most.
CALLS = 100

#: How long (seconds) changes are made before others have their turn.
WHILE = 0.05

STOPPED = 'The scheduler is stopping.'
CROWDED = (
    '{} commands wait for the scheduler already (limits.queued_commands);'
    ' nothing was done.'
)
BUSY = 'The scheduler is too busy to answer; nothing was done.'

#: How many clients may wait for graphs.
GRAPHS = 8

#: How many times as long as it took to make a graph none is made after it.
REST = 9


class Door:
    """The scheduler, as the server thread may use it.

    Commands are validated in the calling thread, as Cylc's own server
    thread does it, and queued. What changes the scheduler at once is run
    in its main thread, in the order of the calls.

    Args:
        schd: The scheduler.
        loop: The event loop of its main thread.
        deliver: Runs a function in the server thread.
        make_event: Makes an event on which the server thread can wait.
        read_side: Publishes what the data store lacks (main thread).
        side: Returns how far the workflow is, as clients see it.
        limits: How long to wait for the main thread, how large a graph.
        settled: Called when a command has an outcome (server thread).
        alarm: Wakes the scheduler for commands, None if it shall sleep on.
    """

    def __init__(
        self,
        schd: Scheduler,
        loop: AbstractEventLoop,
        deliver: Callable[..., None],
        make_event: Callable[[], Event],
        read_side: Callable[[], None],
        side: Callable[[], Side],
        limits: Limits,
        settled: Callable[[], object],
        alarm: Alarm | None,
    ) -> None:
        self._schd = schd
        self._loop = loop
        self._deliver = deliver
        self._make_event = make_event
        self._read_side = read_side
        self._side = side
        self._limits = limits
        self._alarm = alarm
        self._book = TicketBook(make_event, settled)
        self._calls: deque[_Call[Any]] = deque()
        self._graphs: deque[_Call[Any]] = deque()
        self._outcomes: list[tuple[Any, ...]] = []
        self._open = True
        #: No graph is made before that time of the loop.
        self._resting = 0.0

    def submit(
        self,
        command: str,
        user: str,
        unmatched: Sequence[str] = (),
        **arguments: Any,
    ) -> Ticket:
        """Have a command validated, and queue it.

        Raises:
            RequestError: It could harm the scheduler.
            Refused: It is not valid, with the scheduler's words.
            Unavailable: The scheduler is stopping, or behind with commands.
        """
        if not self._open or self._book.closed:
            raise Unavailable(STOPPED)
        if self._book.queued >= self._limits.queued_commands:
            raise Unavailable(CROWDED.format(self._book.queued))
        for task in tasks_of(arguments):
            validate.within_reach(task, self._side())
        ticket = self._book.issue(command, user, unmatched)
        for item in unmatched:
            LOG.warning(f'No tasks match "{item}"')
        if arguments.get('tasks') == []:
            self._book.enter(ticket)
            self._book.settle(ticket.id, State.SUCCEEDED)
            return ticket
        generator = COMMANDS[command](schd=self._schd, **arguments)
        heard = self._validate(ticket, generator)
        LOG.info(
            f'Command "{command}" received from {user}. ID={ticket.id}'
            f'\n{signature(command, arguments)}'
        )
        self._book.enter(ticket)
        tracked: Any = Tracked(generator, self._reporter(ticket), heard)
        self._schd.command_queue.put((ticket.id, command, tracked))
        if self._alarm is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._alarm.ring)
        return ticket

    @staticmethod
    def _validate(
        ticket: Ticket, generator: AsyncGenerator[Any, Any]
    ) -> list[str]:
        """Have Cylc validate a command, and return what it warns of."""
        try:
            with Listener() as heard:
                drive(generator.__anext__())
        except Exception as exc:
            LOG.warning(
                f'Command "{ticket.command}" received from {ticket.user}.'
                f'\n{type(exc).__name__}: {exc}'
            )
            raise Refused(str(exc)) from exc
        return heard

    def find(self, ticket: str) -> Ticket | None:
        """Return a command by its id."""
        return self._book.find(ticket)

    def put_messages(
        self,
        task_job: str,
        event_time: str | None,
        messages: list[tuple[str, str]],
    ) -> None:
        """Hand in messages of a job.

        Raises:
            RequestError: They could harm the scheduler.
            Unavailable: The scheduler is stopping.
        """
        validate.within_reach(task_job, self._side())

        def put(schd: Any) -> None:
            if not _has_platform(schd, task_job):
                LOG.warning(
                    f'Undeliverable messages received and ignored: {task_job}'
                )
                return
            schd.server.resolvers.put_messages(task_job, event_time, messages)
        self._change(put)

    def put_ext_trigger(self, message: str, event_id: str) -> None:
        """Hand in an external event."""
        def put(schd: Any) -> None:
            schd.server.resolvers.put_ext_trigger(message, event_id)
        self._change(put)

    def broadcast(
        self, action: str, **arguments: Any
    ) -> tuple[list[Any] | None, dict[str, Any]]:
        """Put, clear or expire broadcasts.

        Args:
            action: A method of Cylc's broadcast manager.
            arguments: Its arguments.

        Returns:
            What was changed, and what was bad about the arguments.
        """
        def change(schd: Scheduler) -> Any:
            method = getattr(schd.broadcast_mgr, action)
            result = method(**arguments)
            # So that who reads next finds it.
            self._read_side()
            return result
        modified, bad = self._change(change)
        return modified, bad

    def graph(self, start: str, stop: str | None) -> RawGraph:
        """Return the static graph between two cycle points.

        Raises:
            RequestError: The points are none, or the graph is too large.
            Unavailable: Others wait for graphs already, or it took too long.
        """
        if len(self._graphs) >= GRAPHS:
            raise Unavailable(BUSY)

        def expand(schd: Scheduler) -> RawGraph:
            return graph.expand(schd, start, stop, self._limits.graph_edges)
        return self._call(expand, self._graphs, self._serve_graph)

    def set_graph_window_extent(self, extent: int) -> None:
        """Set how far the n-window reaches, in edges from active tasks."""
        def change(schd: Scheduler) -> None:
            schd.data_store_mgr.set_graph_window_extent(extent)
        self._change(change)

    def note(self, user: str, text: str) -> None:
        """Write to the scheduler's log what somebody asked for."""
        LOG.info(f'{text} (from {user})')

    def close(self, reason: str = STOPPED) -> None:
        """Take nothing more; tell those who wait (main thread)."""
        self._open = False
        self._tell()
        for calls in (self._calls, self._graphs):
            while calls:
                calls.popleft().refuse(reason, self._deliver)
        self._deliver(self._book.close, reason)

    def _change(self, function: Call[T]) -> T:
        """Change the scheduler, in the order of the calls."""
        return self._call(function, self._calls, self._serve_calls)

    def _call(
        self,
        function: Call[T],
        calls: deque[_Call[Any]],
        serve: Callable[[], None],
    ) -> T:
        """Run something in the main thread, and wait for its result.

        Raises:
            Unavailable: It was not done, and will not be.
        """
        if not self._open:
            raise Unavailable(STOPPED)
        if len(calls) >= CALLS:
            raise Unavailable(BUSY)
        call = _Call(function, self._make_event())
        calls.append(call)
        try:
            self._loop.call_soon_threadsafe(serve)
        except RuntimeError as exc:  # the loop is closed
            raise Unavailable(STOPPED) from exc
        if not call.done.wait(self._limits.main_thread_timeout):
            if call.future.cancel():
                raise Unavailable(BUSY)
            call.done.wait()
        return call.future.result()

    def _serve_calls(self) -> None:
        """Make the changes that were asked for (main thread).

        After a while the scheduler's own doings come first again.
        """
        end = self._loop.time() + WHILE
        while self._calls:
            self._serve(self._calls.popleft())
            if self._loop.time() > end:
                self._loop.call_soon(self._serve_calls)
                return

    def _serve_graph(self) -> None:
        """Make one graph, and leave time for the run before the next."""
        if not self._graphs or self._resting > self._loop.time():
            return
        began = self._loop.time()
        self._serve(self._graphs.popleft())
        pause = (self._loop.time() - began) * REST
        self._resting = self._loop.time() + pause
        self._loop.call_later(pause, self._serve_graph)

    def _serve(self, call: _Call[Any]) -> None:
        """Do what was asked, in the main thread.

        What slipped in while the door was being closed is refused: the
        scheduler would not look at it any more.
        """
        if self._open:
            call.serve(self._schd, self._deliver)
        else:
            call.refuse(STOPPED, self._deliver)

    def _reporter(self, ticket: Ticket) -> Callable[..., None]:
        def report(*outcome: Any) -> None:
            self._outcomes.append((ticket.id, *outcome))
            self._loop.call_soon(self._tell)
        return report

    def _tell(self) -> None:
        """Tell what became of commands (main thread).

        The scheduler lets its loop go on only when it has published what
        the commands did: who hears of the outcome can see the effect.
        """
        outcomes, self._outcomes = self._outcomes, []
        if outcomes:
            self._read_side()
        for outcome in outcomes:
            self._deliver(self._book.settle, *outcome)


def _has_platform(schd: Any, task_job: str) -> bool:
    """Tell whether a job can have been submitted (main thread).

    A task in the pool has no whole platform if that was not found, or if
    none is needed. Cylc would look there for how to poll the job.
    """
    point, name, _ = task_job.split('/')
    task = schd.pool.get_task(get_point(point), name)
    return task is None or POLLING in task.platform


class _Call(Generic[T]):
    """Something to do in the main thread, for which somebody waits."""

    def __init__(self, function: Call[T], done: Event) -> None:
        self.function = function
        self.future: Future[T] = Future()
        self.done = done

    def serve(self, schd: Scheduler, deliver: Callable[..., None]) -> None:
        """Do it, unless the client has been told that it will not be."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self.function(schd))
        except Exception as exc:
            self.future.set_exception(exc)
        deliver(self.done.set)

    def refuse(self, reason: str, deliver: Callable[..., None]) -> None:
        """Tell the client that it will not be done."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(Unavailable(reason))
            deliver(self.done.set)
