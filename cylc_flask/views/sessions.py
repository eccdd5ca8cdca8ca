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
"""Log in once: a session for clients that cannot prove a password again.

Browsers keep it in a cookie, others send its token in a header.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, g, request

from cylc.flow import LOG
from cylc_flask.auth import gate
from cylc_flask.auth.cookies import ROOT, XSRF
from cylc_flask.auth.login import BEARER, Visitor
from cylc_flask.auth.sessions import Session
from cylc_flask.errors import RequestError
from cylc_flask.privilege import Privilege, requires
from cylc_flask.views import current

METHODS = ('GET', 'HEAD', 'POST')

bp = Blueprint('session', __name__)


def init_app(app: Flask) -> None:
    """Add the log-in to an application."""
    for view in (open_session, close_session):
        gate.before_login(view, post_only)
    app.register_blueprint(bp)


def post_only() -> None:
    """Refuse what a link could do, and what pages of others do."""
    if request.method != 'POST':
        raise RequestError('POST it.', 405, (('Allow', 'POST'),))
    the_gate = gate.the_gate()
    the_gate.check_origin(Visitor(request.environ))


@bp.route('/session', methods=METHODS, provide_automatic_options=False)
@gate.by_password
@requires(Privilege.NONE)
def open_session() -> Response:
    """Open a session of whoever proves a password."""
    login, user = gate.the_gate().login, current.user()
    session = login.open(g.visitor)
    LOG.debug(f'[client-session] opened by {user.name} {current.caller()}')
    seconds = int(login.lifetime)
    answer = _json({
        'token': session.token,
        'token_type': BEARER,
        'expires_in': seconds,
        'csrf': session.csrf,
        'user': user.name,
        'privilege': str(user.privilege),
    })
    set_cookies(answer, session)
    return answer


@bp.route('/session/end', methods=METHODS, provide_automatic_options=False)
@requires(Privilege.NONE)
def close_session() -> Response:
    """Close the session of the caller, now and for all who know its token."""
    the_gate = gate.the_gate()
    the_gate.check_source(g.visitor)
    answer = _json({'ended': the_gate.login.close(g.visitor)})
    LOG.debug(f'[client-session] ended by {g.user.name} {current.caller()}')
    drop_cookies(answer)
    return answer


def _json(result: dict[str, Any]) -> Response:
    answer = current.json(result)
    answer.headers['Cache-Control'] = 'no-store'
    return answer


def set_cookies(answer: Response, session: Session) -> None:
    """Give a browser the token, and its pages what proves that they are ours.

    The one no script can read; the other any script of ours.
    """
    login = gate.the_gate().login
    names = login.cookies
    for name, value, hidden in (
        (names.session, session.token, True),
        (names.csrf, session.csrf, False),
        (XSRF, session.csrf, False),
    ):
        set_cookie(answer, name, value, int(login.lifetime), hidden)


def set_cookie(
    answer: Response, name: str, value: str, seconds: int, hidden: bool
) -> None:
    """Have a browser keep something for us, and for no page of others."""
    # Somebody in front of us may do the TLS.
    origin = request.headers.get('Origin', '')
    answer.set_cookie(
        name, value, max_age=seconds, path=_path(), samesite='Strict',
        secure=request.is_secure or origin.startswith('https:'),
        httponly=hidden,
    )


def drop_cookies(answer: Response) -> None:
    """Have a browser forget our cookies."""
    for name in gate.the_gate().login.cookies.all:
        drop_cookie(answer, name)


def drop_cookie(answer: Response, name: str) -> None:
    """Have a browser forget one of our cookies."""
    answer.delete_cookie(name, path=_path(), samesite='Strict')


def _path() -> str:
    """Return below which path all is ours."""
    return f'{request.environ.get(ROOT, "")}/'
