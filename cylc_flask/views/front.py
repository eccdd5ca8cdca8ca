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
"""Reads, answered without Flask, which is most of what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Callable, Protocol, TypeGuard

from flask import Flask

from cylc_flask.auth.gate import EXTENSION, REFUSAL, VISITOR, Gate, View
from cylc_flask.auth.login import Visitor
from cylc_flask.auth.origin import is_browser
from cylc_flask.errors import Unauthorized
from cylc_flask.views.errors import HTML

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from cylc_flask.views.reply import Reply

READS = ('GET', 'HEAD')


def init_app(app: Flask) -> None:
    """Stand before an application which is complete."""
    sources = app.extensions['cylc_flask'].sources
    front = Front(app.wsgi_app, app.extensions[EXTENSION], sources)
    app.wsgi_app = front  # type: ignore[method-assign]


class Source(Protocol):
    """Where the answers of one path come from."""

    @property
    def view(self) -> View:
        """Return the view which answers otherwise; the gate asks for it."""

    def find(
        self, environ: dict[str, Any]
    ) -> Callable[[Visitor], Reply | None] | None:
        """Return what answers a request, None where only Flask can.

        That is given a visitor whom the gate has let in, and may find that
        Flask has to answer after all.
        """


class Front:
    """Answers what can be answered without Flask, as Flask would.

    The gate is the same. Whatever it refuses, and all else, goes to Flask;
    but for the question who is calling, with which each call of a client of
    Cylc 7 begins.

    Args:
        app: What stands behind.
        gate: Decides.
        sources: What can be answered, by path.
    """

    def __init__(
        self, app: WSGIApplication, gate: Gate, sources: dict[str, Source],
    ) -> None:
        self._app = app
        self._gate = gate
        self._sources = sources

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a request."""
        source = self._sources.get(environ['PATH_INFO'])
        if source is not None and _is_plain(environ) and (
            give := source.find(environ)
        ):
            visitor = Visitor(environ)
            try:
                self._gate.enter(visitor, source.view)
                self._gate.permit(visitor, source.view)
                reply = give(visitor)
            except Exception as exc:
                if _is_challenge(exc):
                    start_response('401 UNAUTHORIZED', [
                        ('Content-Type', HTML), ('Content-Length', '0'),
                        *exc.headers,
                    ])
                    return [b'']
                environ[REFUSAL] = exc
            else:
                if reply is not None:
                    body, status, fields = reply.choose(environ)
                    start_response(status, fields)
                    return [b'' if _is_head(environ) else body]
                environ[VISITOR] = visitor
        return self._app(environ, start_response)


def is_read(environ: dict[str, Any]) -> bool:
    """Tell whether a request wants to know something."""
    return environ['REQUEST_METHOD'] in READS


def _is_head(environ: dict[str, Any]) -> bool:
    """Tell whether a request wants no body."""
    return bool(environ['REQUEST_METHOD'] == 'HEAD')


def _is_plain(environ: WSGIEnvironment) -> bool:
    """Tell whether a request gets an answer without more about it."""
    # Browsers are told how to treat it, and get it compressed.
    return 'HTTP_UPGRADE' not in environ and not is_browser(environ)


def _is_challenge(exc: Exception) -> TypeGuard[Unauthorized]:
    """Tell whether a refusal has nothing to say but a challenge."""
    return isinstance(exc, Unauthorized)
