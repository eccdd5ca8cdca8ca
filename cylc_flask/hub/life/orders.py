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
"""Who orders what: the life cycle of workflows, as far as somebody may.

What follows from the rules follows from names alone, whether there is such a
workflow or not. All methods are for the server's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event as ThreadEvent
from typing import Any, NoReturn

from cylc_flask.commands import Event
from cylc_flask.errors import Forbidden, NotFound
from cylc_flask.hub.audit import DENIED, FAILED, OK, Audit
from cylc_flask.hub.life import steps, targets
from cylc_flask.hub.life.jobs import Job, State
from cylc_flask.hub.life.launch import QUEUE, Launcher
from cylc_flask.hub.life.shared import Shared
from cylc_flask.hub.users.people import People, Person
from cylc_flask.privilege import Privilege
from cylc_flask.validate import shown

#: What needs a source.
FROM_SOURCE = ('install', 'validate')

#: What has to be allowed, by workflow: commands, and the names that they are
#: about.
Needed = dict[str, list[tuple[str, str]]]


def at_once(work: Callable[[], Any]) -> Any:
    """Do some work."""
    return work()


@dataclass(frozen=True)
class Sender:
    """Who orders something.

    Args:
        person: Who.
        address: From where, for the audit log.
    """

    person: Person
    address: str = ''


class Orders:
    """Takes orders of those who may give them, and shows them their jobs.

    Args:
        people: Who may do what.
        audit: Where all of it is noted.
        launcher: Runs the commands.
        aside: Has slow work done by another thread, and returns what comes
            of it.
        make_event: Makes an event on which callers can wait.
    """

    def __init__(
        self,
        people: People,
        audit: Audit,
        launcher: Launcher,
        aside: Callable[[Callable[[], Any]], Any] = at_once,
        make_event: Callable[[], Event] = ThreadEvent,
    ) -> None:
        self._people = people
        self._audit = audit
        self._launcher = launcher
        self._aside = aside
        self._sources: Shared[list[str]] = Shared(
            lambda: aside(targets.sources), make_event)

    def give(
        self,
        sender: Sender,
        wishes: Sequence[steps.Wish],
        workflows: Sequence[Any],
        source: str = '',
        confirm: Collection[str] = (),
    ) -> list[Job]:
        """Order the same for some workflows: for all of them, or none.

        The arguments are those of `Launcher.order`.

        Raises:
            NotFound: There is no such workflow, as far as they may know.
            Forbidden: They may not do that.
            RequestError: Something in it is not possible.
            Unavailable: Too many wait already, or the hub stops.
        """
        steps.check(wishes, source)
        names = steps.check_names(workflows, QUEUE)
        needed: Needed = {name: [] for name in names}
        for name in names:
            for command, about in self._about(wishes, name, source):
                self._permit(sender, command, about)
                needed[name].append((command, about))
        jobs = self._launcher.order(
            wishes, names, sender.person.name, source=source, confirm=confirm,
            permitted=partial(self._is_permitted, sender.person, needed))
        for job in jobs:
            self._note(job, sender.address, OK, 'ordered')
            self._watch(job, sender.address)
        return jobs

    def find(self, sender: Sender, id_: str) -> Job:
        """Return a job by its id.

        Raises:
            NotFound: There is none, as far as they may know.
        """
        job = self._launcher.find(id_)
        if job is None or not self.sees(sender, job):
            raise NotFound(f'There is no job {shown(id_)}.')
        return job

    def all(self, sender: Sender) -> list[Job]:
        """Return all jobs that somebody may see, the oldest first."""
        return [
            job for job in self._launcher.jobs()
            if self.sees(sender, job)
        ]

    def cancel(self, sender: Sender, id_: str) -> Job:
        """End a job: one's own, or one that could be one's own.

        Raises:
            NotFound: There is none, as far as they may know.
            Forbidden: It is somebody else's.
            Conflict: It has ended.
        """
        job = self.find(sender, id_)
        if not self._is_own(sender.person, job):
            for step in job.steps:
                self._permit(sender, step.command, job.workflow)
        self._launcher.cancel(job, sender.person.name)
        self._note(
            job, sender.address, OK,
            f'cancelled; ordered by {job.user}', sender.person.name)
        return job

    def sources(self, sender: Sender) -> list[str]:
        """Return the names of the sources that somebody may use.

        It looks at the disk, once for all who ask within two seconds.
        """
        names = self._sources()
        powers = self._people.powers(sender.person)
        return [
            name for name in names
            if any(powers.may(command, name) for command in FROM_SOURCE)
        ]

    def _about(
        self, wishes: Sequence[steps.Wish], name: str, source: str
    ) -> Iterator[tuple[str, str]]:
        """Yield each command of an order with the names that it is about.

        What is installed gets a folder in that of the workflow, and what is
        done next is done with that. A source counts as a workflow of its
        name.
        """
        for command, _ in wishes:
            yield command, name
            if source and command in FROM_SOURCE:
                yield command, source
        # Only now is it looked what there is.
        runs = [
            f'{name}/{self._run_name(name, options)}'
            for command, options in wishes
            if command == 'install' and not _lacks_run_name(options)
        ]
        for run in runs:
            for command, _ in wishes:
                yield command, run

    def _run_name(self, name: str, options: Mapping[str, Any]) -> str:
        """Return what a run is called that is to be installed."""
        given = [
            str(value) for key, value in options.items()
            if _dashed(key) == 'run-name' and value is not None
        ]
        if given:
            return given[0]
        found: str = self._aside(partial(targets.next_run, name))
        return found

    def _permit(self, sender: Sender, command: str, name: str) -> None:
        """Refuse what somebody may not do, as if there were no such workflow.

        Unless they may know of it.
        """
        decision = self._people.may(sender.person, command, name)
        if decision:
            return
        self._audit.note(
            sender.person.name, sender.address, command, name, DENIED,
            decision.reason,
        )
        self._refuse(sender, command, name, decision.reason)

    def _is_permitted(
        self, person: Person, needed: Needed, name: str
    ) -> bool:
        """Tell whether somebody may do now what they have ordered before."""
        now = self._people.current(person)
        return now is not None and all(
            self._people.may(now, command, about)
            for command, about in needed[name]
        )

    def _refuse(
        self, sender: Sender, command: str, name: str, reason: str
    ) -> NoReturn:
        if not self._people.level(sender.person, name):
            raise NotFound(f'There is no workflow "{name}".')
        raise Forbidden(f'You may not {command} "{name}": {reason}.')

    def sees(self, sender: Sender, job: Job) -> bool:
        """Tell whether somebody may see a job and what it writes."""
        person = self._people.current(sender.person)
        if person is None:
            return False
        level = self._people.level(person, job.workflow)
        if self._is_own(person, job):
            return level > Privilege.NONE
        return level >= Privilege.FULL_READ

    def _is_own(self, person: Person, job: Job) -> bool:
        """Tell whether somebody has ordered a job, or could have.

        A token is not good for what is not in its scope, though it is of the
        same user.
        """
        return job.user == person.name and (person.token is None or all(
            self._people.may(person, step.command, job.workflow)
            for step in job.steps
        ))

    def _watch(self, job: Job, address: str) -> None:
        """Note what becomes of a job, at its end."""
        def look() -> None:
            if job.finished:
                stop()
                outcome = OK if job.state is State.SUCCEEDED else FAILED
                self._note(job, address, outcome, f'{job.state} {job.text}')
        stop = job.watch(look)
        look()

    def _note(
        self,
        job: Job,
        address: str,
        outcome: str,
        detail: str,
        user: str = '',
    ) -> None:
        self._audit.note(
            user or job.user, address, job.command,
            job.installed or job.workflow, outcome,
            f'job {job.id}: {detail}'.strip(),
        )


def _dashed(key: str) -> str:
    return key.replace('_', '-')


def _lacks_run_name(options: Mapping[str, Any]) -> bool:
    """Tell whether an installation has no folder for each run."""
    return any(
        _dashed(key) == 'no-run-name' and value
        for key, value in options.items()
    )
