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
"""Cylc 7's HTTP API: what its command line, its GUIs and scripts call.

Everything is served twice, at ``/`` and at ``/id/``, as Cylc 7 does.
"""

from __future__ import annotations

from functools import cache
from typing import cast

from flask import Blueprint, Flask, current_app

from cylc_flask.views.rest import deprecation
from cylc_flask.views.rest.control import endpoints as control
from cylc_flask.views.rest.endpoint import Endpoints
from cylc_flask.views.rest.front import sources
from cylc_flask.views.rest.info import endpoints as info
from cylc_flask.views.rest.messages import endpoints as messages
from cylc_flask.views.rest.tasks import endpoints as tasks

EXTENSION = 'cylc_flask_rest'


def endpoints() -> Endpoints:
    """Return the endpoints that are served, if any are."""
    found = current_app.extensions.get(EXTENSION, Endpoints())
    return cast(Endpoints, found)


def init_app(app: Flask) -> None:
    """Add the API to an application, at both its places."""
    app.extensions[EXTENSION] = _all()
    services = app.extensions['cylc_flask']
    settings = services.config
    page = settings.deprecation_page if settings.deprecate_rest else None
    for name, prefix in (('rest', ''), ('id', '/id')):
        app.register_blueprint(_blueprint(name, prefix, page))
    if not settings.deprecate_rest:
        services.sources.update(sources(services.workflows.only(), _all()))


@cache
def _all() -> Endpoints:
    found = Endpoints()
    for part in (info, tasks, control, messages):
        found.update(part)
    return found


@cache
def _blueprint(name: str, prefix: str, page: str | None) -> Blueprint:
    """Return the API at one of its places, for all applications.

    Args:
        name: Of the place.
        prefix: Its path.
        page: What says that the API is deprecated, None if it is not.
    """
    bp = _all().blueprint(name, prefix)
    if page is not None:
        bp.after_request(deprecation.headers(page))
    return bp
