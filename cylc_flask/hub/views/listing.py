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
"""The list of workflows: as a page, as JSON, and as it goes on."""

from __future__ import annotations

from contextlib import closing
from time import monotonic
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app
from markupsafe import Markup
import orjson

from cylc_flask.hub.listing import Listing, Viewer
from cylc_flask.hub.users.people import Person
from cylc_flask.operations import NEEDED
from cylc_flask.page.modules import imported
from cylc_flask.privilege import Privilege, requires
from cylc_flask.replica.encode import dump
from cylc_flask.views import current, sockets, web
from cylc_flask.views.pages import RULE
from cylc_flask.views.sockets import Talk

EXTENSION = 'cylc_flask_listing'

#: What makes the page live.
SCRIPT = 'js/hub.js'

PROTOCOL = 'cylc-list.json'

#: How often (seconds) there is a sign of life at least.
BEAT = 20.0

ALIVE = orjson.dumps({'type': 'alive'})

bp = Blueprint('list', __name__)
pages = Blueprint('page', __name__)


def init_app(app: Flask, listing: Listing) -> None:
    """Tell the list from the hub's application."""
    app.extensions[EXTENSION] = listing
    app.register_blueprint(bp)


def init_socket(app: Flask) -> None:
    """Tell its changes as well."""
    sockets.add(app, '/list', follow, Privilege.NONE, (PROTOCOL,))


def init_page(app: Flask) -> None:
    """Show it as a page."""
    app.register_blueprint(pages)


@pages.route('/', **RULE)
@requires(Privilege.NONE)
def page() -> Response:
    """Show the workflows, as they are now and as they go on."""
    news = Viewer(_listing(), _person(), _nothing).news() or b''
    return web.page(
        'hub.html',
        script=SCRIPT,
        modules=imported(web.files(), SCRIPT),
        user=current.user(),
        hub=_listing().owner,
        read_only=current.config().read_only,
        signed_in=web.is_signed_in(),
        csrf_cookie=web.csrf_cookie(),
        rows=_sorted(orjson.loads(news)),
        needs=_island(dump({
            name: str(level) for name, level in NEEDED.items()
            if level is not None
        })),
        island=_island(news),
    )


@bp.route('/workflows', **RULE)
@requires(Privilege.NONE)
def workflows() -> Response:
    """Return all workflows that the caller may see, and do something with."""
    answer = current.json(_listing().all(_person()))
    answer.headers['Cache-Control'] = 'no-store'
    return answer


def follow(talk: Talk) -> None:
    """Send all workflows that the caller may see, then what changes."""
    due = monotonic()
    with closing(_listing().look(_person(), talk.wake)) as viewer:
        while not talk.ending:
            message = viewer.news()
            # What others can see says nothing to this one, not even when.
            if message is None and monotonic() >= due:
                message = ALIVE
            if message is not None:
                talk.send(message)
                due = monotonic() + BEAT
            talk.wait(0 if viewer.is_behind else due - monotonic())
            for _ in talk.messages():
                pass  # there is nothing to say here
        raise talk.end(sockets.GONE, talk.ending)


def _listing() -> Listing:
    return cast(Listing, current_app.extensions[EXTENSION])


def _person() -> Person:
    return cast(Any, current.user()).person  # type: ignore[no-any-return]


def _nothing() -> None:
    """Take no note of news: who has asked once gets one answer."""


def _sorted(news: Any) -> list[dict[str, Any]]:
    return sorted(
        (item['row'] for item in news['rows']), key=lambda row: row['name'])


def _island(data: bytes) -> Markup:
    """Return JSON which may stand between tags."""
    return Markup(data.decode().replace('<', '\\u003c'))
