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
"""The applications of the hub: its own, and one for each workflow."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
import secrets
import time
from typing import TYPE_CHECKING, Any

from flask import Flask

from cylc_flask.app import BLUEPRINTS, Parts, furnish, make_app
from cylc_flask.auth.cookies import Cookies
from cylc_flask.auth.nonces import Nonces
from cylc_flask.auth.rate import Rate
from cylc_flask.auth.sessions import Sessions
from cylc_flask.auth.throttle import SLEEPERS, Throttle
from cylc_flask.hub.audited import AuditedCommands, AuditedEngine
from cylc_flask.hub.auth.gate import HubGate, WorkflowGate
from cylc_flask.hub.auth.login import FrontLogin, HubLogin, Reception
from cylc_flask.hub.auth.once import Once
from cylc_flask.hub.auth.own_users import NoUsers, OwnUsers
from cylc_flask.hub.auth.scheme import scheme_of
from cylc_flask.hub.life.orders import Orders
from cylc_flask.hub.listing import Listing
from cylc_flask.hub.query.engine import HubEngine
from cylc_flask.hub.query.engine import Services as Doing
from cylc_flask.hub.query.fan import Lookout
from cylc_flask.hub.sight import Sight
from cylc_flask.hub.site import EXTENSION, Site
from cylc_flask.hub.views import (
    audit,
    entrance,
    errors,
    jobs,
    listing,
    whoami,
)
from cylc_flask.query.answers import Answers
from cylc_flask.query.body import Reader
from cylc_flask.query.engine import Engine
from cylc_flask.query.limits import Paced, unpaced
from cylc_flask.query.persisted import Persisted
from cylc_flask.query.schema import make_schema
from cylc_flask.views import graphql, pages, static, subscriptions
from cylc_flask.views.current import Greeting, Services
from cylc_flask.views.sockets import SockTools
from cylc_flask.workflows import Registry

if TYPE_CHECKING:
    from cylc_flask.auth.gate import Gate
    from cylc_flask.auth.users import Users
    from cylc_flask.hub.entry import Entry
    from cylc_flask.workflows import Workflow

GREETING = Greeting('Cylc hub', '', 'Password', (
    'Whoever runs the hub can log in by the address that the command "cylc'
    ' flask hub --login" prints.'
))


#: So many applications are kept, with all that they know by heart: one is
#: soon made again.
MOST = 200


def _init_pages(app: Flask) -> None:
    for init_app in (
        pages.init_app, static.init_app, entrance.init_workflow,
    ):
        init_app(app)


#: What there is of each workflow: all but a log-in, which is the hub's.
PARTS: Parts = {**BLUEPRINTS, 'page': _init_pages}


@dataclass(frozen=True)
class ServerTools:
    """What the server's thread has for applications.

    Args:
        sleep: Waits some seconds, and lets others go on meanwhile.
        sockets: What sockets need.
        paced: In which long work is done.
    """

    sleep: Callable[[float], object] = time.sleep
    sockets: SockTools = field(default_factory=SockTools)
    paced: Paced = unpaced


class Apps:
    """Makes the applications, those of workflows when they are first wanted.

    Args:
        site: The hub.
        hosts: Names by which clients may call it.
        tools: Of the server.
    """

    def __init__(
        self, site: Site, hosts: frozenset[str], tools: ServerTools,
    ) -> None:
        self._site = site
        self._hosts = hosts
        self._tools = tools
        self._rate = Rate(site.config.limits.request_rate, time.monotonic)
        self._reception = self._make_reception()
        #: Those which were asked for last come last.
        self._made: OrderedDict[str, tuple[Workflow, Flask]] = OrderedDict()
        self._nonces = Nonces(secrets.token_bytes(32), time.time)
        #: Takes half a second and some megabytes to make.
        self._schema = make_schema()
        #: Those about single workflows, however many there are.
        self._answers = Answers(site.config.limits.answer_cache)
        #: That of a workflow, as soon as one has been made.
        self._pattern: Flask | None = None
        site.flows.watch(self._forget)
        self.hub = self._make_hub()
        self.nowhere = self._make_nowhere()

    def __len__(self) -> int:
        return len(self._made)

    def find(self, name: str) -> Flask | None:
        """Return the application of a workflow, None if there is no such."""
        entry = self._site.flows.find(name)
        if entry is None:
            return None
        flow, app = self._made.get(name, (None, None))
        if app is None or flow is not entry.workflow:
            flow, app = entry.workflow, self._make(entry)
            self._made[name] = flow, app
            if len(self) > MOST:
                self._made.popitem(last=False)
        self._made.move_to_end(name)
        return app

    def is_stranger(self, environ: dict[str, Any]) -> bool:
        """Return True if a request has nothing that says who sends it.

        Nothing of a workflow is for such, unless it is for the public.
        """
        cookies = environ.get('HTTP_COOKIE', '')
        return not (
            'HTTP_AUTHORIZATION' in environ
            or self._reception.cookies.session in cookies
            or self._site.config.hub.public
        )

    def _forget(self, kind: str, entry: Entry) -> None:
        """Drop what belongs to a workflow that is no more."""
        if kind == 'removed':
            self._made.pop(entry.name, None)

    def _make_reception(self) -> Reception:
        site, config = self._site, self._site.config
        limits = config.limits
        share = max(1, limits.open_connections // 4)
        return Reception(
            site.people,
            Sessions(config.session_lifetime, limits.sessions, time.monotonic),
            Throttle(
                self._tools.sleep, time.monotonic, min(SLEEPERS, share)),
            Cookies.of(site.flows.owner, f'hub {config.hub.port}'),
            site.audit,
            config.insecure_basic,
        )

    def _make_hub(self) -> Flask:
        """Return the application for all that is about no one workflow."""
        site, tools = self._site, self._tools
        login = FrontLogin(
            self._reception, NoUsers(),
            strangers=max(1, site.config.limits.open_connections // 4),
        )
        sight = Sight(site.flows, site.people)
        orders = Orders(
            site.people, site.audit, site.launcher, site.aside,
            site.make_event)
        spawn = tools.sockets.spawn
        doing = Doing(site, orders, spawn, Lookout(spawn, tools.sleep))
        engine = HubEngine(site.config, sight, doing, tools.paced)
        gate = HubGate(
            site.config, login, self._rate, self._hosts, site.people,
            site.audit,
        )
        app = self._begin(sight, engine, gate)
        rows = Listing(
            site.flows, site.people, tools.sockets.spawn, tools.sleep)
        once = Once(site.directory)

        def init_pages(app: Flask) -> None:
            entrance.init_app(app, once)
            static.init_app(app)
            listing.init_page(app)

        def init_sockets(app: Flask) -> None:
            subscriptions.init_app(app)
            listing.init_socket(app)

        for part in (whoami, audit):
            part.init_app(app)
        jobs.init_app(app, orders)
        listing.init_app(app, rows)
        furnish(app, {
            'graphql': graphql.init_app,
            'websocket': init_sockets,
            'page': init_pages,
        })
        return app

    def _make(self, entry: Entry) -> Flask:
        """Return the application of a workflow."""
        site, tools = self._site, self._tools
        flow = replace(entry.workflow, commands=AuditedCommands(
            entry.workflow.commands, entry.name))
        registry = Registry(flow)
        engine = AuditedEngine(
            site.config, registry, tools.paced, tools.sockets.make_event,
            self._schema, self._answers,
        )
        gate = self._workflow_gate(
            OwnUsers(entry.workflow, site.config), entry.name)
        app = self._begin(registry, engine, gate, self._pattern)
        furnish(app, PARTS)
        self._pattern = self._pattern or app
        return app

    def _make_nowhere(self) -> Flask:
        """Return what answers for workflows that are not there.

        It does what the application of a workflow does before it finds that
        somebody may see nothing of it.
        """
        registry = Registry()
        engine = Engine(self._site.config, registry, schema=self._schema)
        return self._begin(
            registry, engine, self._workflow_gate(NoUsers(), ''))

    def _begin(
        self,
        registry: Registry,
        engine: Engine,
        gate: Gate,
        pattern: Flask | None = None,
    ) -> Flask:
        """Return an application without views."""
        tools = self._tools
        services = Services(
            self._site.config, registry, engine, Reader(Persisted()),
            tools.sleep, GREETING, is_discreet=True,
        )
        app = make_app(services, gate, tools.sockets, pattern)
        app.extensions[EXTENSION] = self._site
        errors.init_app(app)
        return app

    def _workflow_gate(self, own: Users, name: str) -> WorkflowGate:
        site = self._site
        theirs = scheme_of(site.config, own, self._nonces)
        login = HubLogin(self._reception, own, theirs, workflow=name)
        return WorkflowGate(
            site.config, login, self._rate, self._hosts, site.people,
            site.audit, name,
        )
