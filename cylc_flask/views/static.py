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
"""Scripts, styles and images, which browsers fetch by themselves."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request

from cylc_flask.auth import gate
from cylc_flask.errors import NotFound
from cylc_flask.privilege import Privilege, requires
from cylc_flask.views import web

METHODS = ('GET', 'HEAD', 'POST')

#: For a path that will never stand for anything else.
FOR_EVER = 'public, max-age=31536000, immutable'

bp = Blueprint('static', __name__)


def init_app(app: Flask) -> None:
    """Serve the files from an application."""
    app.register_blueprint(bp)


@bp.route(
    '/static/<path:path>', methods=METHODS, provide_automatic_options=False,
)
@gate.for_strangers
@requires(Privilege.NONE)
def file(path: str) -> Response:
    """Return a file: for ever under the hash, else as it is now."""
    files = web.files()
    name, for_ever = files.split(path)
    content = files.find(name)
    if content is None:
        raise NotFound(f"The path '{request.path}' was not found.")
    answer = Response(content.data, content_type=content.type)
    answer.headers['Cache-Control'] = FOR_EVER if for_ever else 'no-cache'
    if content.packed is not None:
        answer.vary.add('Accept-Encoding')
        if web.takes_gzip():
            answer.set_data(content.packed)
            answer.headers['Content-Encoding'] = 'gzip'
    # Bytes of two encodings have one tag: it is weak.
    answer.set_etag(content.tag, weak=True)
    web.guard(answer).make_conditional(request)
    return answer
