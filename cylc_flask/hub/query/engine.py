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
"""GraphQL over all workflows of the hub.

What a workflow is asked for is decided one by one: of which somebody has less
than an operation needs, that one is not there for it. Answers are kept and
shared by those who see the same workflows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from operator import is_
from typing import TYPE_CHECKING, Any, TypeVar, cast

from cylc_flask.errors import RequestError
from cylc_flask.hub.life.orders import Orders, Sender
from cylc_flask.hub.query.abreast import abreast
from cylc_flask.hub.query.fan import Fan, Lookout, Once, Seen
from cylc_flask.hub.query.resolvers import HubResolvers
from cylc_flask.hub.query.schema import make_schema
from cylc_flask.privilege import Privilege
from cylc_flask.query.engine import Caller, Engine, Flows
from cylc_flask.query.limits import Paced, unpaced
from cylc_flask.query.resolvers import Resolvers
from cylc_flask.query.subscriptions import (
    COMMAND,
    DeltaGroup,
    Results,
    topic_of,
)

if TYPE_CHECKING:
    from cylc_flask.auth.users import User
    from cylc_flask.config import Config
    from cylc_flask.hub.audit import Audit
    from cylc_flask.hub.auth.callers import HubUser
    from cylc_flask.hub.sight import Sight
    from cylc_flask.hub.site import Site
    from cylc_flask.hub.users.people import People
    from cylc_flask.query.documents import Operation
    from cylc_flask.workflows import Workflow

T = TypeVar('T')


@dataclass(frozen=True)
class Services:
    """What is done in the name of callers.

    Args:
        site: The hub.
        orders: Takes orders for the life cycle.
        spawn: Has something done beside what is being done.
        lookout: Has subscriptions look what may still be seen.
    """

    site: Site
    orders: Orders
    spawn: Callable[..., object]
    lookout: Lookout

    @property
    def people(self) -> People:
        """Return who uses the hub."""
        return self.site.people

    @property
    def audit(self) -> Audit:
        """Return where it is written what they have done."""
        return self.site.audit

    @property
    def owner(self) -> str:
        """Return whose the workflows are."""
        return self.site.flows.owner

    def scan(self) -> None:
        """Have it looked which workflows there are."""
        self.site.discovery.scan()

    def abreast(self, works: Sequence[Callable[[], T]]) -> list[T]:
        """Do several things at once, and return what comes of each."""
        return abreast(works, self.spawn, self.site.make_event)

    def check_wait(self, seconds: float | None) -> float:
        """Return how long (seconds) somebody wants to wait.

        Raises:
            RequestError: That is more than is allowed.
        """
        most = self.site.config.limits.wait
        if not 0 <= (seconds or 0.0) <= most:
            raise RequestError(
                f'wait must be from 0 to {most:g} s, not {seconds:g}')
        return seconds or 0.0


class HubEngine(Engine):
    """Carries operations out, on the workflows that each caller may see.

    Args:
        config: The configuration.
        workflows: All workflows, for each as they see them.
        services: What is done in the name of callers.
        paced: In which queries are answered.
    """

    workflows: Sight

    def __init__(
        self,
        config: Config,
        workflows: Sight,
        services: Services,
        paced: Paced = unpaced,
    ) -> None:
        super().__init__(
            config, workflows, paced, services.site.make_event,
            make_schema(),
        )
        self._services = services

    def may(self, operation: Operation, user: User) -> bool:
        """Return True: what may be done is asked of each workflow."""
        return True

    def resolvers(
        self, flows: Flows, caller: Caller, user: User
    ) -> HubResolvers:
        """Return what resolves an operation of a user."""
        person = cast('HubUser', user).person
        sender = None
        if person is not None:
            sender = Sender(person, getattr(caller, 'address', ''))
        return HubResolvers(
            flows, caller.name, sender, self._services, self._known(user))

    def _known(self, user: User) -> Flows:
        """Return the workflows that somebody may know of."""
        return self.workflows.seen_by(user, Privilege.IDENTITY)

    def subscribe(
        self,
        operation: Operation,
        user: User,
        on_ready: Callable[[], None] | None = None,
    ) -> Results:
        """Follow a subscription, in all workflows that it is about.

        Args:
            operation: What to follow.
            user: Who does.
            on_ready: Called when there is something to take.

        Raises:
            Rejected: There are too many of them.
        """
        topic = topic_of(self.schema, operation)
        see, covers = partial(self.flows, operation, user), topic.covers
        if topic.field == COMMAND:
            see = partial(self._known, user)
            flow = next((
                flow for flow in see() if flow.commands.find(topic.command)
            ), None)
            if flow is None:
                nothing = Resolvers((), '')
                return Once(self.run(operation, nothing).encoded())
            covers = partial(is_, flow)
        fan = Fan(
            _Chosen(see, covers), partial(self.join, operation, topic),
            lambda flow: DeltaGroup(self, operation, flow).farewell(),
            on_ready,
        )
        ends = ExitStack()
        ends.callback(self._services.lookout.add(fan))
        ends.callback(
            self._services.site.flows.watch(lambda *_: fan.look()))
        fan.on_close = ends.close
        return fan


class _Chosen:
    """Chooses among workflows, again only when there are others.

    Args:
        seen: Returns all; the same object as long as they are the same.
        covers: Tells whether one of them is wanted.
    """

    def __init__(
        self, seen: Callable[[], Flows], covers: Callable[[Workflow], bool]
    ) -> None:
        self._seen = seen
        self._covers = covers
        self._from: Any = None
        self._chosen: Seen = {}

    def __call__(self) -> Seen:
        """Return those of now; the same object if they are the same."""
        now = self._seen()
        if now is not self._from:
            self._from = now
            chosen = {flow.feed.id: flow for flow in now if self._covers(flow)}
            if chosen.keys() != self._chosen.keys():
                self._chosen = chosen
        return self._chosen
