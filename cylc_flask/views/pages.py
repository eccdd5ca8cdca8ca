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
"""The page of a workflow, and the page about the REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response, render_template
from markupsafe import Markup

from cylc_flask.auth import gate
from cylc_flask.page import state
from cylc_flask.page.modules import imported
from cylc_flask.page.tree import LIMIT, tree
from cylc_flask.privilege import Privilege, requires
from cylc_flask.replica.encode import dump
from cylc_flask.views import current, rest, web
from cylc_flask.views.rest.describe import describe

if TYPE_CHECKING:
    from cylc_flask.workflows import Workflow

RULE: dict[str, Any] = {
    'methods': ('GET', 'HEAD', 'POST'),
    'provide_automatic_options': False,
    # Addresses in a page are relative to its own.
    'strict_slashes': True,
}

#: What makes the page live.
SCRIPT = 'js/main.js'

bp = Blueprint('page', __name__)


def init_app(app: Flask) -> None:
    """Add the pages to an application."""
    app.register_blueprint(bp)


@bp.route('/', **RULE)
@gate.for_browsers
@requires(Privilege.IDENTITY)
def workflow() -> Response:
    """Show the workflow, as it is now and as it goes on."""
    flow, user = current.workflow(), current.user()
    level = user.privilege
    config = current.config()
    return web.page(
        'workflow.html',
        script=SCRIPT,
        modules=imported(web.files(), SCRIPT),
        user=user,
        enabled=config.enable,
        read_only=config.read_only,
        signed_in=web.is_signed_in(),
        csrf_cookie=web.csrf_cookie(),
        above=_list_of_workflows(flow),
        header=state.header(flow.store, level),
        tree=_tree(flow) if level >= Privilege.FULL_READ else None,
        island=Markup(_state(flow, level)),
    )


@bp.route('/api', **RULE)
@gate.for_browsers
@requires(Privilege.NONE)
def api() -> Response:
    """Describe the REST API."""
    return web.page('api.html', sections=describe(rest.endpoints()))


def _list_of_workflows(flow: Workflow) -> str:
    """Return where the hub's own page is, '' where there is none."""
    if not current.services().is_discreet:
        return ''
    return '../' * (flow.name.count('/') + 2)


def _tree(flow: Workflow) -> Markup:
    """Return the tasks, as they are listed before any script runs."""
    made: Markup = flow.made('page tree', lambda store: Markup(
        render_template('tree.html', cycles=tree(store), limit=LIMIT)
    ))
    return made


def _state(flow: Workflow, level: Privilege) -> str:
    """Return the first state as JSON which may stand between tags."""
    level = min(level, Privilege.FULL_READ)
    made: str = flow.made(
        f'page state {level}', lambda store: _island(flow, level)
    )
    return made


def _island(flow: Workflow, level: Privilege) -> str:
    found: dict[str, Any] = {'added': state.added(flow.store, level)}
    if level >= Privilege.FULL_READ:
        found |= {'feed': flow.feed.id, 'version': flow.store.version}
    return dump(found).decode().replace('<', '\\u003c')
