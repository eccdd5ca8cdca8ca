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
"""Errors, translated once: pages for old clients, JSON for new."""

from __future__ import annotations

from http import HTTPStatus

from flask import Flask, Response, current_app, g, render_template, request
import orjson
from werkzeug.exceptions import HTTPException

from cylc.flow import LOG
from cylc_flask.auth.gate import is_browser
from cylc_flask.errors import Refused, RequestError
from cylc_flask.query.errors import code_of, error
from cylc_flask.views import current

HTML = 'text/html;charset=utf-8'
PROBLEM = 'application/problem+json'

#: Where clients look for a list of errors.
GRAPHQL = '/graphql'

#: What somebody else may be allowed.
REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

#: What Cylc 7 said where it knew no better.
UNEXPECTED = (
    'The server encountered an unexpected condition which prevented it from'
    ' fulfilling the request.'
)


def init_app(app: Flask) -> None:
    """Let an application answer errors in our ways."""
    app.register_error_handler(RequestError, request_error)
    app.register_error_handler(Refused, refused)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, fault)


def request_error(exc: RequestError) -> Response:
    """Answer a request which is wrong, or not allowed."""
    answer = page(exc.status, exc.text)
    answer.headers.extend(exc.headers)
    return answer


def refused(exc: Refused) -> Response:
    """Answer a command which the scheduler does not accept."""
    return page(HTTPStatus.BAD_REQUEST, str(exc))


def http_error(exc: HTTPException) -> Response:
    """Answer what Flask itself has found wrong."""
    answer = page(exc.code or 500, exc.description or str(exc))
    for name, value in exc.get_headers():
        if name not in ('Content-Type', 'Content-Length'):
            answer.headers[name] = value
    return answer


def fault(exc: Exception) -> Response:
    """Log a fault of ours; the client learns no details."""
    LOG.error(f'flask: fault in {request.path!r:.80}', exc_info=exc)
    return page(HTTPStatus.INTERNAL_SERVER_ERROR, UNEXPECTED)


def page(status: int, text: str) -> Response:
    """Return an error in the form that the client reads."""
    title = HTTPStatus(status).phrase
    # What is no Unicode came out of a literal of the client's.
    text = text.encode(errors='replace').decode()
    if status == HTTPStatus.UNAUTHORIZED and not is_browser():
        # Clients read no more of it than the challenge, and often.
        return Response(b'', status, content_type=HTML)
    if _is_graphql():
        return Response(orjson.dumps({'errors': [
            error(code_of(status), text).formatted
        ]}), status, mimetype='application/json')
    if _wants_json():
        return Response(orjson.dumps({
            'type': 'about:blank',
            'title': title,
            'status': status,
            'detail': text,
        }), status, mimetype=PROBLEM)
    return Response(
        render_template(
            'error.html', status=status, title=title, text=text,
            login=_login() if status in REFUSALS else '',
        ), status, content_type=HTML,
    )


def _login() -> str:
    """Return where a person can log in, '' if nobody can or need not."""
    if is_browser() and 'login.login' in current_app.view_functions:
        return f'{request.script_root}/login'
    return ''


def _is_graphql() -> bool:
    """Return True if clients of the path look for a list of errors.

    A discreet server does not even tell strangers what stands where.
    """
    is_stranger = current.services().is_discreet and g.get('user') is None
    return request.path.startswith(GRAPHQL) and not is_stranger


def _wants_json() -> bool:
    best = request.accept_mimetypes.best_match(
        ('text/html', PROBLEM, 'application/json')
    )
    return best in (PROBLEM, 'application/json')
