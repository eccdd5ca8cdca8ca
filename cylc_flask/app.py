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
"""The WSGI application: a table of contents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import secrets
import time
from typing import Any

from flask import Flask

from cylc.flow.hostuserutil import get_user
from cylc_flask import assets
from cylc_flask.auth.cookies import Cookies
from cylc_flask.auth.gate import Gate
from cylc_flask.auth.login import Login
from cylc_flask.auth.rate import Rate
from cylc_flask.auth.schemes import make_scheme, realm_of
from cylc_flask.auth.sessions import Sessions
from cylc_flask.auth.throttle import SLEEPERS, Throttle
from cylc_flask.config import Config
from cylc_flask.public import WorkflowUsers
from cylc_flask.query.body import Reader
from cylc_flask.query.engine import Engine
from cylc_flask.query.limits import Paced, unpaced
from cylc_flask.query.persisted import Persisted
from cylc_flask.views import (
    errors,
    feed,
    front,
    graphql,
    login,
    logs,
    pages,
    rest,
    sessions,
    sockets,
    static,
    subscriptions,
    web,
)
from cylc_flask.views.current import Greeting, Services
from cylc_flask.views.sockets import SockTools
from cylc_flask.workflows import Registry, Workflow


def _init_websockets(app: Flask) -> None:
    subscriptions.init_app(app)
    feed.init_app(app)


def _init_pages(app: Flask) -> None:
    for part in (pages, login, static):
        part.init_app(app)


Parts = Mapping[str, Callable[[Flask], None]]

#: What `enable` in the configuration can switch on.
BLUEPRINTS: Parts = {
    'rest': rest.init_app,
    'graphql': graphql.init_app,
    'websocket': _init_websockets,
    'logs': logs.init_app,
    'page': _init_pages,
}


def create_app(
    config: Config,
    workflows: Registry,
    hosts: frozenset[str] = frozenset(),
    sleep: Callable[[float], object] = time.sleep,
    sock_tools: SockTools | None = None,
    paced: Paced = unpaced,
) -> Flask:
    """Return the application that serves one workflow.

    Args:
        config: The configuration.
        workflows: What to serve.
        hosts: Names by which clients may call it.
        sleep: Waits some seconds, in the way of the server it runs in.
        sock_tools: What sockets need of that server.
        paced: In which long work is done.
    """
    tools = sock_tools or SockTools()
    flow = workflows.only()
    services = Services(
        config, workflows,
        Engine(config, workflows, paced, tools.make_event),
        Reader(Persisted()), sleep, Greeting.of(flow.name),
    )
    app = make_app(services, _gate(config, flow, hosts, sleep), tools)
    furnish(app, BLUEPRINTS)
    return app


class Application(Flask):
    """A Flask application, which may have routes and templates of another.

    To make them is nearly all of the work to make an application, and takes
    so long that it would tell strangers that one is made.

    Args:
        pattern: One which has the same views; it is not changed.
    """

    def __init__(self, pattern: Flask | None = None) -> None:
        super().__init__(
            __name__,
            template_folder=str(assets.templates()),
            static_folder=None,
        )
        self._has_routes = pattern is not None
        if pattern is not None:
            self.url_map = pattern.url_map
            self.jinja_env = pattern.jinja_env
        else:
            self.url_map.strict_slashes = False
            self.url_map.merge_slashes = False

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Add a view, and the way to it unless that is there."""
        if not self._has_routes:
            super().add_url_rule(
                rule, endpoint, view_func, provide_automatic_options,
                **options)
        elif view_func is not None:
            self.view_functions[endpoint or view_func.__name__] = view_func


def make_app(
    services: Services,
    gate: Gate,
    tools: SockTools,
    pattern: Flask | None = None,
) -> Flask:
    """Return an application which has all that views need, and none.

    Args:
        services: What views use.
        gate: What stands before them.
        tools: What sockets need of the server.
        pattern: An application with the views that it is to get.
    """
    app = Application(pattern)
    app.config['MAX_CONTENT_LENGTH'] = services.config.limits.body_size
    app.extensions['cylc_flask'] = services
    gate.init_app(app)
    errors.init_app(app)
    web.init_app(app)
    sockets.init_app(app, tools)
    return app


def furnish(app: Flask, parts: Parts) -> None:
    """Add views to an application, those which the configuration enables."""
    enabled = app.extensions['cylc_flask'].config.enable
    sessions.init_app(app)
    for name, init_app in parts.items():
        if name in enabled:
            init_app(app)
    front.init_app(app)


def _owner() -> str:
    name: str = get_user()  # type: ignore[no-untyped-call]
    return name


def _gate(
    config: Config,
    flow: Workflow,
    hosts: frozenset[str],
    sleep: Callable[[float], object],
) -> Gate:
    """Return what stands before all views."""
    limits = config.limits
    users = WorkflowUsers(flow, config)
    share = max(1, limits.open_connections // 4)
    login = Login(
        make_scheme(
            config, realm_of(flow.name), users, secrets.token_bytes(32)
        ),
        users,
        Sessions(config.session_lifetime, limits.sessions, time.monotonic),
        Throttle(sleep, time.monotonic, min(SLEEPERS, share)),
        share,
        Cookies.of(_owner(), flow.name),
    )
    rate = Rate(limits.request_rate, time.monotonic)
    return Gate(config, login, rate, hosts)
