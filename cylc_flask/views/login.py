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
"""Log in and out by forms, which need no script."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Flask, Response, g, request

from cylc.flow import LOG
from cylc_flask.auth import gate
from cylc_flask.errors import Forbidden, RequestError
from cylc_flask.privilege import Privilege, requires
from cylc_flask.views import current, sessions, web

RULE: dict[str, Any] = {
    'methods': ('GET', 'HEAD', 'POST'),
    'provide_automatic_options': False,
    # Addresses in a page are relative to its own.
    'strict_slashes': True,
}

#: How long (seconds) a form can be filled in.
PATIENCE = 3_600

#: With `no-referrer` browsers would not tell the origin of a form.
REFERRER = 'same-origin'

WRONG = 'That is not the name and passphrase of a user.'
OLD = 'The form was too old. Please try again.'
IN_THE_CLEAR = (
    'Nobody can log in here: the passphrase would cross the network in the'
    ' clear. The server can be set to use https (method), or to listen on'
    ' this machine only (bind).'
)

bp = Blueprint('login', __name__)


def init_app(app: Flask) -> None:
    """Add the forms to an application."""
    gate.before_login(logout, sessions.post_only)
    app.register_blueprint(bp)


@bp.route('/login', **RULE)
@gate.for_strangers
@requires(Privilege.NONE)
def login() -> Response:
    """Show the form, or open a session for who has filled it in."""
    if request.method != 'POST':
        return _form()
    the_gate, form = gate.the_gate(), request.form
    the_gate.check_page(g.visitor)
    if not the_gate.may_send_passwords(g.visitor):
        raise Forbidden(IN_THE_CLEAR)
    name = form.get('user') or current.services().greeting.owner
    if not _is_ours(form.get('form', '')):
        return _form(name, OLD, 400)
    try:
        session = the_gate.login.by_form(
            g.visitor, name, form.get('password', ''))
    except RequestError as exc:
        return _form(name, exc.text, exc.status)
    if session is None:
        return _form(name, WRONG, 403)
    LOG.debug(f'[client-session] opened by {session.name} {current.caller()}')
    answer = _back()
    sessions.set_cookies(answer, session)
    sessions.drop_cookie(answer, the_gate.login.cookies.form)
    return answer


@bp.route('/logout', **RULE)
@gate.for_strangers
@requires(Privilege.NONE)
def logout() -> Response:
    """End the session of who has pressed the button."""
    the_gate, session = gate.the_gate(), g.visitor.session
    the_gate.check_page(g.visitor)
    if session is not None:
        if not _equal(request.form.get('csrf', ''), session.csrf):
            raise Forbidden('This is taken from our own pages only.')
        the_gate.login.close(g.visitor)
        LOG.debug(
            f'[client-session] ended by {session.name} {current.caller()}')
    answer = _back()
    sessions.drop_cookies(answer)
    return answer


def _form(name: str = '', text: str = '', status: int = 200) -> Response:
    """Return the form, or two if there is a session to end."""
    nonce = secrets.token_hex()
    the_gate, session = gate.the_gate(), g.visitor.session
    may_log_in = the_gate.may_send_passwords(g.visitor)
    greeting = current.services().greeting
    answer = web.page(
        'login.html',
        greeting=greeting,
        user=current.user(),
        name=name or greeting.owner,
        onward=_onward(),
        text=text,
        form=_proof(nonce),
        csrf=session.csrf if session else '',
        refusal='' if may_log_in else IN_THE_CLEAR,
    )
    answer.status_code = status
    answer.headers['Referrer-Policy'] = REFERRER
    # It has what proves that a form is ours.
    answer.cache_control.no_transform = True
    sessions.set_cookie(
        answer, the_gate.login.cookies.form, nonce, PATIENCE, True)
    return answer


def _back() -> Response:
    return Response(status=303, headers={
        'Location': f'./{_onward()}', 'Cache-Control': 'no-store',
    })


def _onward() -> str:
    """Return the page to go on to, by its path below ours.

    Whatever a link has there leads nowhere else: it goes behind a `./`.
    """
    path = request.args.get('next', '')
    return quote(path.lstrip('/'), safe='/')


def _is_ours(proof: str) -> bool:
    """Return True if a form has been sent to the browser that returns it."""
    name = gate.the_gate().login.cookies.form
    nonce = request.cookies.get(name, '')
    return bool(nonce) and _equal(proof, _proof(nonce))


def _proof(nonce: str) -> str:
    return hashlib.sha256(f'form {nonce}'.encode()).hexdigest()


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
