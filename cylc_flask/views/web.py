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
"""Answers to browsers: what they must not do with them, and compression."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, cast

from flask import Flask, Response, current_app, g, render_template, request

import cylc_flask
from cylc_flask import assets
from cylc_flask.auth import gate, origin
from cylc_flask.page.files import SMALL, Files, pack

EXTENSION = 'cylc_flask_files'

HTML = 'text/html; charset=utf-8'

#: Scripts and styles come from this server, as files; nothing else does.
POLICY = '; '.join((
    "default-src 'none'",
    "base-uri 'none'",
    "connect-src 'self'",
    "font-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "img-src 'self' data: blob:",
    "script-src 'self'",
    "style-src 'self'",
    "worker-src 'self'",
))

#: For all that a browser gets.
HEADERS = {
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
}

#: For pages.
PAGE_HEADERS = {
    'Content-Security-Policy': POLICY,
    'Cross-Origin-Opener-Policy': 'same-origin',
}

#: What is compressed on its way to a browser.
LARGE_TYPES = (
    'application/json', 'application/graphql-response+json', 'text/html',
    'text/plain',
)

#: How hard that is tried: more takes much time for little.
LEVEL = 4


def init_app(app: Flask) -> None:
    """Look after the answers of an application."""
    app.extensions[EXTENSION] = _files_in(assets.folder('static'))
    app.after_request(finish)


@cache
def _files_in(folder: Path) -> Files:
    """Return the files in a folder, held once for all applications."""
    return Files(folder)


def files() -> Files:
    """Return the files for browsers."""
    return cast(Files, current_app.extensions[EXTENSION])


def page(template: str, **values: Any) -> Response:
    """Return a page.

    Args:
        template: The name of its template.
        values: What that shows.
    """
    answer = Response(render_template(
        template, static=f'./static/{files().hash}',
        version=cylc_flask.__version__, **values,
    ), content_type=HTML)
    answer.headers['Cache-Control'] = 'no-store'
    return guard(answer)


def guard(answer: Response) -> Response:
    """Forbid browsers what an answer does not need."""
    fields = HEADERS
    if answer.mimetype == 'text/html':
        fields = HEADERS | PAGE_HEADERS
    for name, value in fields.items():
        answer.headers.setdefault(name, value)
    return answer


def finish(answer: Response) -> Response:
    """Guard and compress the answer to a browser.

    Others get neither: scripts see what they always saw.
    """
    if origin.is_browser(request.environ):
        guard(answer)
        if _is_large(answer):
            compress(answer)
    return answer


def compress(answer: Response) -> None:
    """Compress an answer, if the client takes that.

    Nothing secret may be in it: its size would tell about that, beside
    something of an attacker's. Tokens are in small answers only.
    """
    answer.vary.add('Accept-Encoding')
    if not takes_gzip():
        return
    answer.set_data(pack(answer.get_data(), LEVEL))
    answer.headers['Content-Encoding'] = 'gzip'
    tag, _ = answer.get_etag()
    if tag is not None:
        # The strong one is that of other bytes.
        answer.set_etag(tag, weak=True)


def takes_gzip() -> bool:
    """Return True if the client can read gzip."""
    return request.accept_encodings.quality('gzip') > 0


def is_signed_in() -> bool:
    """Return True if the caller has a session that can be ended."""
    return g.visitor.session is not None


def csrf_cookie() -> str:
    """Return the name of the cookie that pages of ours can read."""
    return gate.the_gate().login.cookies.csrf


def _is_large(answer: Response) -> bool:
    return (
        answer.status_code == 200
        and not answer.is_streamed
        and not answer.direct_passthrough
        and answer.mimetype in LARGE_TYPES
        and 'Content-Encoding' not in answer.headers
        and 'no-transform' not in answer.cache_control
        and len(answer.get_data()) > SMALL
    )
