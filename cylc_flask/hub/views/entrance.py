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
"""Log in to the hub: by a form, or by an address that is good for once."""

from __future__ import annotations

from typing import cast
from urllib.parse import quote

from flask import Blueprint, Flask, Response, current_app, g, request

from cylc_flask.auth import gate
from cylc_flask.auth.cookies import ROOT
from cylc_flask.errors import Forbidden, RequestError
from cylc_flask.hub.auth.login import IN_THE_CLEAR, HubLogin
from cylc_flask.hub.auth.once import Once
from cylc_flask.hub.site import site
from cylc_flask.privilege import Privilege, requires
from cylc_flask.views import login, sessions
from cylc_flask.views.pages import RULE

EXTENSION = 'cylc_flask_once'

USED = (
    'This address was good for one log-in. "cylc flask hub --login" prints'
    ' another one.'
)

#: Names the address in the audit log.
ONE_TIME = 'the one-time address'

bp = Blueprint('entrance', __name__)
below = Blueprint('below', __name__)


def init_app(app: Flask, once: Once) -> None:
    """Add the log-in to the hub's application."""
    app.extensions[EXTENSION] = once
    login.init_app(app)
    app.register_blueprint(bp)


def init_workflow(app: Flask) -> None:
    """Lead from the log-in of a workflow to that of the hub."""
    app.register_blueprint(below)


@bp.route('/login/once', **RULE)
@gate.for_strangers
@requires(Privilege.NONE)
def once() -> Response:
    """Open a session of the hub's owner, for who has the token."""
    if request.method != 'GET':
        raise RequestError('GET it.', 405, (('Allow', 'GET'),))
    the_gate = gate.the_gate()
    if not the_gate.may_send_passwords(g.visitor):
        raise Forbidden(IN_THE_CLEAR)
    hub_login = cast(HubLogin, the_gate.login)
    kept = cast(Once, current_app.extensions[EXTENSION])
    if not kept.take(request.args.get('token', '')):
        hub_login.failed(g.visitor, ONE_TIME)
        raise Forbidden(USED)
    session = hub_login.enter(g.visitor, site().flows.owner)
    assert session is not None
    answer = _to('')
    sessions.set_cookies(answer, session)
    return answer


@below.route('/login', **RULE)
@requires(Privilege.NONE)
def to_login() -> Response:
    """Lead to the log-in of the hub."""
    return _to('login')


@below.route('/logout', **RULE)
@requires(Privilege.NONE)
def to_logout() -> Response:
    """Lead to where one can log out."""
    return _to('login')


def _to(path: str) -> Response:
    """Lead to a page of the hub, and back from there."""
    root = request.environ[ROOT]
    here = request.script_root[len(root):].lstrip('/')
    onward = f'?next={quote(here)}/' if here else ''
    return Response(status=303, headers={
        'Location': f'{root}/{path}{onward}', 'Cache-Control': 'no-store',
    })
