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
"""The life cycle of workflows, by Cylc's own commands.

All methods are for the server's thread. Each command has a thread of the
system, which hands over what happens; nothing is shared but events.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Event as ThreadEvent
from threading import Thread
import time
from typing import Any
from uuid import uuid4

from cylc.flow import LOG
from cylc_flask.commands import Event
from cylc_flask.errors import CylcFlaskError, RequestError, Unavailable
from cylc_flask.hub.life import child, options, steps, targets
from cylc_flask.hub.life.jobs import Job, State, Step
from cylc_flask.hub.life.surroundings import bin_directory, environment

#: How long a command may take, in seconds.
LIMITS = {
    'clean': 900.0,
    'install': 600.0,
    'play': 330.0,
    'reinstall': 600.0,
    'reload': 60.0,
    'stop': 120.0,
    'validate': 300.0,
}

#: How many commands run at once, and how many jobs wait for it.
AT_ONCE = 4
QUEUE = 1000

#: How many jobs are remembered after their end.
REMEMBERED = 200

#: So much of a command's own error text is told, in characters.
LONGEST = 4000

STOPPING = 'The hub stops.'
LAPSED = 'Who has ordered it may do that no longer.'


class Conflict(RequestError):
    """What a job has become does not allow this."""

    status = 409


@dataclass
class _Work:
    """A job that runs: what its thread and the server's both know."""

    thread: Thread
    cancelled: ThreadEvent = field(default_factory=ThreadEvent)
    #: Why it was cancelled.
    reason: str = ''


@dataclass
class _Ending:
    """What became of a job, as its thread has seen it."""

    state: State
    text: str = ''
    code: int | None = None
    installed: str = ''


class Launcher:
    """Runs what is ordered: several at once, and a queue for more.

    Of one workflow, and of what lies in its folder, never two at once.

    Args:
        deliver: Has a function called on the server's thread, in order.
        make_event: Makes the events on which clients wait for a job.
        changed: Called with each job which begins or ends.
        limits: How long a command may take, where it differs.
        at_once: How many run at once.
        queue: How many may wait; half of them may be one user's.
        hand_on: Patterns of further variables which commands may see.
    """

    def __init__(
        self,
        deliver: Callable[..., object],
        make_event: Callable[[], Event],
        changed: Callable[[Job], object] = lambda job: None,
        *,
        limits: Mapping[str, float] | None = None,
        at_once: int = AT_ONCE,
        queue: int = QUEUE,
        hand_on: Collection[str] = (),
    ) -> None:
        self._deliver = deliver
        self._make_event = make_event
        self._changed = changed
        self._limits = {**LIMITS, **(limits or {})}
        self._at_once = at_once
        self._most = queue
        self._share = (queue + 1) // 2
        self._environment = environment(hand_on)
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._queue: list[Job] = []
        self._works: dict[str, _Work] = {}
        self._closed = False
        for command in options.PARSERS:
            # Later it would take half a second of somebody's time.
            options.of(command)

    def order(
        self,
        wishes: Sequence[steps.Wish],
        workflows: Sequence[Any],
        user: str,
        *,
        source: str = '',
        confirm: Collection[str] = (),
        permitted: Callable[[str], bool] = lambda name: True,
    ) -> list[Job]:
        """Order the same for one or several workflows: a job for each.

        Args:
            wishes: Commands and their options, see `steps.check`; what
                follows a command is done if that succeeds.
            workflows: Their names; for "install" what they are to be called.
            user: Who wants it.
            source: What to install, if it has another name.
            confirm: For "clean", the names of the workflows again.
            permitted: Tells of each workflow, when its turn has come, whether
                that may be done still.

        Raises:
            RequestError: Something in it is not possible.
            Unavailable: Too many wait already, or the hub stops.
        """
        todo = steps.check(wishes, source)
        names = steps.check_names(workflows, self._share)
        steps.check_confirmed(todo, names, confirm)
        self._check_room(user, len(names))
        order = str(uuid4())
        jobs = [
            Job(name, todo, user, self._make_event(), order,
                partial(permitted, name))
            for name in names
        ]
        for job in jobs:
            self._jobs[job.id] = job
        self._queue += jobs
        self._forget()
        self._start_next()
        return jobs

    def _check_room(self, user: str, jobs: int) -> None:
        """Refuse more jobs of a user than there is room for.

        Raises:
            Unavailable: They are, or the hub stops.
        """
        if self._closed:
            raise Unavailable(STOPPING)
        if len(self._queue) + jobs > self._most:
            raise Unavailable(f'{len(self._queue)} jobs wait already.')
        own = sum(job.user == user for job in self._queue)
        if own + jobs > self._share:
            raise Unavailable(
                f'{own} jobs of {user} wait already: {self._share} may.')

    def find(self, job: str) -> Job | None:
        """Return a job by its id."""
        return self._jobs.get(job)

    def jobs(self) -> list[Job]:
        """Return all jobs that are remembered, the oldest first."""
        return list(self._jobs.values())

    def cancel(self, job: Job, user: str) -> None:
        """Take a job out of the queue, or end its command.

        What the command has done by then stays done.

        Raises:
            Conflict: It has ended.
        """
        if job.finished:
            raise Conflict(f'The job is over: {job.state}.')
        self._cancel(job, f'Cancelled by {user}.')

    def _cancel(self, job: Job, reason: str) -> None:
        work = self._works.get(job.id)
        if work:
            work.reason = work.reason or reason
            work.cancelled.set()
        else:
            self._queue.remove(job)
            self._settle(job, _Ending(State.CANCELLED, reason))

    def close(self) -> None:
        """Take no more orders, and drop those which wait."""
        self._closed = True
        for job in list(self._queue):
            self._cancel(job, STOPPING)

    def join(self, seconds: float) -> None:
        """Let commands end, and end those which do not; for any thread.

        Call it after `close`.
        """
        works = list(self._works.values())
        end = time.monotonic() + seconds
        for work in works:
            work.thread.join(max(0, end - time.monotonic()))
        for work in works:
            work.reason = work.reason or STOPPING
            work.cancelled.set()
        for work in works:
            work.thread.join()

    def _forget(self) -> None:
        """Forget the oldest ends, where there are too many."""
        ended = [job.id for job in self._jobs.values() if job.finished]
        for job in ended[:max(0, len(ended) - REMEMBERED)]:
            del self._jobs[job]

    def _start_next(self) -> None:
        """Start what can be started, in order; nobody is overtaken."""
        busy = [self._jobs[job].workflow for job in self._works]
        for job in list(self._queue):
            if len(self._works) >= self._at_once:
                return
            if not any(targets.overlap(job.workflow, name) for name in busy):
                self._queue.remove(job)
                if not job.permitted():
                    self._settle(job, _Ending(State.CANCELLED, LAPSED))
                    continue
                self._start(job)
            busy.append(job.workflow)

    def _start(self, job: Job) -> None:
        work = _Work(Thread(
            target=lambda: self._work(job, work),
            name=f'cylc-{job.command}',
            daemon=True,
        ))
        self._works[job.id] = work
        job.start()
        self._changed(job)
        try:
            work.thread.start()
        except RuntimeError as exc:
            self._deliver(self._end, job, _Ending(State.FAILED, str(exc)))

    def _end(self, job: Job, ending: _Ending) -> None:
        reason = self._works.pop(job.id).reason
        if ending.state is State.CANCELLED:
            ending.text = reason
        self._settle(job, ending)
        self._start_next()

    def _settle(self, job: Job, ending: _Ending) -> None:
        job.settle(
            ending.state, ending.text, ending.code, ending.installed)
        self._changed(job)

    # On a thread of its own

    def _work(self, job: Job, work: _Work) -> None:
        """Do a job, whatever happens."""
        try:
            ending = self._do(job, work.cancelled)
        except child.Cancelled:
            ending = _Ending(State.CANCELLED)
        except (CylcFlaskError, OSError) as exc:
            ending = _Ending(State.FAILED, str(exc))
        except Exception as exc:
            LOG.exception(exc)
            ending = _Ending(State.FAILED, f'{type(exc).__name__}: {exc}')
        self._deliver(self._end, job, ending)

    def _do(self, job: Job, cancelled: ThreadEvent) -> _Ending:
        """Run the commands of a job until one fails."""
        ending = _Ending(State.SUCCEEDED)
        name = job.workflow
        for number, step in enumerate(job.steps):
            if not steps.is_needed(step, name, job.steps[:number]):
                self._deliver(job.write, f'{name} does not run.\n')
                continue
            heard = self._run(job, step, name, cancelled, ending)
            if ending.state is not State.SUCCEEDED:
                break
            found = steps.INSTALLED.search(heard)
            if step.command == 'install' and found:
                name = ending.installed = targets.workflow_name(found[1])
        return ending

    def _run(
        self, job: Job, step: Step, name: str, cancelled: ThreadEvent,
        ending: _Ending,
    ) -> str:
        """Run one command; return what it has said, the end of it."""
        words = steps.line(step, name)
        heard = dict.fromkeys(child.Stream, '')

        def tell(stream: child.Stream, text: str) -> None:
            heard[stream] = (heard[stream] + text)[-LONGEST:]
            self._deliver(job.write, text)

        self._deliver(job.write, f'$ cylc {" ".join(words)}\n')
        seconds = self._limits[step.command]
        try:
            ending.code = child.run(
                [bin_directory() / 'cylc', *words], self._environment, tell,
                seconds=seconds, cancelled=cancelled,
            )
        except child.TimedOut:
            ending.state = State.TIMED_OUT
            ending.text = f'cylc {step.command} took more than {seconds:g} s'
            return ''
        if ending.code:
            ending.state = State.FAILED
            ending.text = (
                child.faults(heard[child.Stream.ERR])
                or child.faults(heard[child.Stream.OUT])
                or f'cylc {step.command} ended with {ending.code}'
            )
        return heard[child.Stream.OUT]
