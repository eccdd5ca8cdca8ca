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
"""Errors of the hub: browsers that nobody knows are led to the log-in."""

from __future__ import annotations

from urllib.parse import quote

from flask import Flask, Response, request

from cylc_flask.auth import origin
from cylc_flask.auth.cookies import ROOT
from cylc_flask.errors import Unauthorized
from cylc_flask.views import errors


def init_app(app: Flask) -> None:
    """Let an application lead to the log-in."""
    if 'page' in app.extensions['cylc_flask'].config.enable:
        app.register_error_handler(Unauthorized, unauthorized)


def unauthorized(exc: Unauthorized) -> Response:
    """Answer somebody whom nobody knows."""
    if not _is_visit():
        return errors.request_error(exc)
    environ = request.environ
    root: str = environ[ROOT]
    # As it came: nothing is to tell where the name of a workflow ends.
    path = f'{environ["SCRIPT_NAME"]}{environ["PATH_INFO"]}'[len(root):]
    onward = quote(path.lstrip('/').encode('latin-1'))
    return Response(status=303, headers={
        'Location': f'{root}/login?next={onward}',
        'Cache-Control': 'no-store',
    })


def _is_visit() -> bool:
    """Return True if a person wants to see a page."""
    environ = request.environ
    return (
        origin.is_browser(environ)
        and request.method == 'GET'
        and environ.get('HTTP_SEC_FETCH_MODE', 'navigate') == 'navigate'
        and 'text/html' in request.accept_mimetypes.values()
        and not origin.is_handshake(environ)
    )
