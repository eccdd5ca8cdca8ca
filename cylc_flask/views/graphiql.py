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
"""The page on which people try GraphQL: GraphiQL, where it is there."""

from __future__ import annotations

from flask import Response, current_app, request

from cylc_flask.views import current, web

PATH = '/graphql'

#: The page of the REST API, where there is one.
API = 'page.api'

#: What `make assets` makes of GraphiQL.
SCRIPT = 'bundle/graphiql.js'
STYLE = 'bundle/graphiql.css'


def is_wanted() -> bool:
    """Return True if a person looks at the path of GraphQL.

    Programs ask for something, or say that they take anything.
    """
    return (
        request.path == PATH
        and request.method != 'POST'
        and not request.args
        and 'page' in current.config().enable
        and 'text/html' in request.accept_mimetypes.values()
    )


def page() -> Response:
    """Return the page, or one that says what is missing."""
    files = web.files()
    return web.page(
        'graphiql.html',
        title=current.services().greeting.title,
        user=current.user(),
        csrf_cookie=web.csrf_cookie(),
        signed_in=web.is_signed_in(),
        # The hub has one for each workflow.
        rest=API in current_app.view_functions,
        script=SCRIPT if files.find(SCRIPT) else '',
        style=STYLE if files.find(STYLE) else '',
    )
