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
"""Short reads, answered without Flask, which is most of what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeGuard

from cylc_flask.auth.gate import REFUSAL, Gate
from cylc_flask.auth.login import Visitor
from cylc_flask.auth.origin import is_browser
from cylc_flask.errors import RequestError
from cylc_flask.views.current import JSON
from cylc_flask.views.errors import HTML
from cylc_flask.views.rest.endpoint import Endpoint, Endpoints

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from cylc_flask.workflows import Workflow


class Front:
    """Answers what depends on nothing but the workflow.

    The gate is the same. Whatever it refuses, and all else, goes to Flask;
    but for the question who is calling, with which each call of a client of
    Cylc 7 begins.

    Args:
        app: What stands behind.
        gate: Decides.
        flow: The workflow.
        endpoints: Those of the API.
    """

    def __init__(
        self,
        app: WSGIApplication,
        gate: Gate,
        flow: Workflow,
        endpoints: Endpoints,
    ) -> None:
        self._app = app
        self._gate = gate
        self._flow = flow
        self._endpoints = {
            f'{mount}/{name}{end}': endpoint
            for name, endpoint in endpoints.by_name.items() if endpoint.plain
            for mount in ('', '/id') for end in ('', '/')
        }

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a request."""
        endpoint = self._endpoints.get(environ['PATH_INFO'])
        if endpoint is not None and _is_plain(environ):
            try:
                body = self._answer(endpoint, environ)
                start_response('200 OK', [
                    ('Content-Type', JSON),
                    ('Content-Length', str(len(body))),
                ])
                return [body]
            except Exception as exc:
                if _is_challenge(exc):
                    start_response('401 UNAUTHORIZED', [
                        ('Content-Type', HTML), ('Content-Length', '0'),
                        *exc.headers,
                    ])
                    return [b'']
                environ[REFUSAL] = exc
        return self._app(environ, start_response)

    def _answer(self, endpoint: Endpoint, environ: WSGIEnvironment) -> bytes:
        """Return the answer to somebody who may have it."""
        assert endpoint.plain is not None
        visitor = Visitor(environ)
        self._gate.enter(visitor, endpoint.plain)
        self._gate.permit(visitor, endpoint.plain)
        endpoint.note(self._flow, environ)
        return endpoint.plain(self._flow)


def _is_plain(environ: WSGIEnvironment) -> bool:
    """Tell whether a request says nothing but what it asks for."""
    return (
        environ['REQUEST_METHOD'] == 'GET'
        and not environ.get('QUERY_STRING')
        and 'HTTP_UPGRADE' not in environ
        # They get more header fields than others.
        and not is_browser(environ)
    )


def _is_challenge(exc: Exception) -> TypeGuard[RequestError]:
    """Tell whether a refusal has nothing to say but a challenge."""
    return isinstance(exc, RequestError) and exc.status == 401
