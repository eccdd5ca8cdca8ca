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
"""The gate: every request passes it, and no view runs without its word.

The order of the checks is that of Cylc 7, as its clients have come to know
it. Views carry labels; only this module acts upon them.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
import logging
from typing import Any, Callable, cast

from flask import Flask, current_app, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from cylc.flow import LOG
from cylc_flask.auth import origin
from cylc_flask.auth.caller import caller_of
from cylc_flask.auth.login import Login, Visitor
from cylc_flask.auth.rate import Rate
from cylc_flask.auth.users import User
from cylc_flask.config import Config, is_in_the_clear
from cylc_flask.errors import Forbidden, NotFound, RequestError
from cylc_flask.forms import parse
from cylc_flask.privilege import Privilege, operations_of, required

View = Callable[..., Any]

BEFORE_LOGIN = 'cylc_flask_before_login'
BEFORE_PRIVILEGE = 'cylc_flask_before_privilege'
BY_PASSWORD = 'cylc_flask_by_password'
FOR_BROWSERS = 'cylc_flask_for_browsers'
FOR_STRANGERS = 'cylc_flask_for_strangers'
LOGIN_LATER = 'cylc_flask_login_later'
CHANGES_LATER = 'cylc_flask_changes_later'

EXTENSION = 'cylc_flask_gate'

#: Where a request says that it has been stopped already, and by what.
REFUSAL = 'cylc_flask.refusal'

#: Where it says that it has been let in already, and whose it is.
VISITOR = 'cylc_flask.visitor'

#: No address has more characters, with its zone.
LONGEST_ADDRESS = 64

METHODS = ('GET', 'HEAD', 'POST')


def before_login(view: View, check: Callable[[], None]) -> None:
    """Label a view with a check of the request's form, made first of all."""
    setattr(view, BEFORE_LOGIN, check)


def before_privilege(view: View, check: Callable[[], None]) -> None:
    """Label a view with a check of what known callers may be told about."""
    setattr(view, BEFORE_PRIVILEGE, check)


def by_password(view: View) -> View:
    """Label a view for which a session does not do."""
    setattr(view, BY_PASSWORD, True)
    return view


def for_browsers(view: View) -> View:
    """Label a view for which a browser need not log in.

    It gets what the public may have: the password of the public is no
    secret, and nobody would know to type it in.
    """
    setattr(view, FOR_BROWSERS, True)
    return view


def for_strangers(view: View) -> View:
    """Label a view which browsers need before anybody can log in."""
    setattr(view, FOR_STRANGERS, True)
    return for_browsers(view)


def login_later(view: View) -> View:
    """Label a socket that may be told by its first message who is there.

    The client asks for that by ``?authenticate=connection_init``; there is
    no `g.user` until the view has called `Login.bearer`.
    """
    setattr(view, LOGIN_LATER, True)
    return view


def changes_later(view: View) -> View:
    """Label a view which has no effect by itself, for who may have one.

    A socket, for instance, on which commands may come: the view calls
    `check_change` for each.
    """
    setattr(view, CHANGES_LATER, True)
    return view


class Gate:
    """Who is calling, and may they?

    Args:
        config: The configuration.
        login: Finds out who is calling.
        rate: Sends those away who ask too often.
        hosts: Names by which clients may call this server.
    """

    #: Whether sockets may tell later whose they are.
    takes_later = True

    def __init__(
        self,
        config: Config,
        login: Login,
        rate: Rate,
        hosts: frozenset[str],
    ) -> None:
        self._config = config
        self.login = login
        self._rate = rate
        #: What others may pass on to us; they may do the TLS.
        self._proxies = frozenset(
            name.lower() for name in config.allowed_hosts
        )
        self._hosts = hosts | self._proxies

    def init_app(self, app: Flask) -> None:
        """Stand before all views of an application."""
        app.extensions[EXTENSION] = self
        app.before_request(self.decide)
        app.teardown_request(self._end)

    def decide(self) -> None:
        """Let the current request pass, or raise what stops it."""
        environ = request.environ
        if REFUSAL in environ:
            raise environ[REFUSAL]
        view = current_app.view_functions.get(request.endpoint or '')
        visitor = g.visitor = environ.pop(VISITOR, None) or Visitor(environ)
        if visitor.user is None:
            self.enter(visitor, view)
        g.user = visitor.user
        if view is None:
            raise _no_such_path()
        check(view, BEFORE_PRIVILEGE)
        self.permit(visitor, view)

    def enter(self, visitor: Visitor, view: View | None) -> None:
        """Find out who a visitor is, or raise what stops them.

        Args:
            visitor: Takes note of it.
            view: What they want, None if there is no such.
        """
        self.check_form(visitor)
        check(view, BEFORE_LOGIN)
        self.identify(visitor, view)

    def identify(
        self, visitor: Visitor, view: View | None, password: bool = True
    ) -> None:
        """Find out who a visitor is.

        Args:
            visitor: Takes note of it.
            view: What they want.
            password: A view may insist on one.
        """
        environ = visitor.environ
        handshake = origin.is_handshake(environ)
        self.login.identify(
            visitor,
            # What a document or a socket brings is not known here.
            once=handshake or changes_state(view)
            or environ['REQUEST_METHOD'] == 'POST',
            password=password and hasattr(view, BY_PASSWORD),
            later=self.takes_later and handshake
            and hasattr(view, LOGIN_LATER) and _is_later(environ),
            public=self.is_public(view, environ),
        )

    def is_public(self, view: View | None, environ: dict[str, Any]) -> bool:
        """Return True if a request may have a view without a log-in."""
        return hasattr(view, FOR_BROWSERS) and origin.is_browser(environ)

    def announce(self, visitor: Visitor) -> None:
        """Say to others by which name a visitor is to be called.

        Here that is what they say themselves.
        """

    def permit(self, visitor: Visitor, view: View) -> None:
        """Raise what stops a visitor who is known."""
        self.check_privilege(visitor, view)
        if changes_state(view):
            self.check_change(visitor, by_socket=False)

    def check_privilege(self, visitor: Visitor, view: View) -> None:
        """Compare what a visitor may do with what a view wants.

        Raises:
            Forbidden: They may not do that.
        """
        _check_privilege(visitor, view)

    def _end(self, exc: BaseException | None) -> None:
        """Note that a request has ended."""
        if 'visitor' in g:
            self.login.leave(g.visitor)

    def check_form(self, visitor: Visitor) -> None:
        """Check what is wrong whoever calls, and whatever they want."""
        self._rate.check(visitor.address)
        environ = visitor.environ
        method = environ['REQUEST_METHOD']
        if method not in METHODS:
            raise MethodNotAllowed(METHODS)
        self._check_host(environ.get('HTTP_HOST', ''))
        if origin.is_handshake(environ):
            self.check_origin(visitor)
        parse(environ.get('QUERY_STRING', ''))
        if method == 'POST' and 'CONTENT_LENGTH' not in environ:
            raise RequestError('Client must specify Content-Length.', 411)

    def _check_host(self, host: str) -> None:
        """Refuse names that are not ours: a page may have rebound them."""
        name = _host_name(host)
        if name and name not in self._hosts and not _is_address(name):
            raise RequestError(
                f'This server is not called {name!r:.80}; its other names'
                ' are set by allowed_hosts.', 421,
            )

    def check_change(self, visitor: Visitor, by_socket: bool) -> None:
        """Check what a request must not do, whoever calls.

        Args:
            visitor: Who calls.
            by_socket: Whether it came on a WebSocket.

        Raises:
            RequestError: It is not to change anything.
        """
        if self._config.read_only:
            raise Forbidden('This server is read-only (read_only).')
        if visitor.is_public:
            raise Forbidden('Log in to give commands.')
        if not (
            visitor.environ['REQUEST_METHOD'] == 'POST'
            or by_socket
            or self._config.control_by_get
        ):
            raise RequestError(
                'Commands are taken by POST only (control_by_get).', 405,
                (('Allow', 'POST'),),
            )
        self.check_source(visitor, by_socket)

    def may_send_passwords(self, visitor: Visitor) -> bool:
        """Return True if nobody can read what a visitor sends."""
        config = self._config
        return config.insecure_basic or not is_in_the_clear(config)

    def check_source(
        self, visitor: Visitor, by_socket: bool = False
    ) -> None:
        """Refuse what any page can have made a browser send.

        Not so tokens in a header, which browsers do not add by themselves.
        A page of ours shows by a header that it can read our cookie; for a
        WebSocket, where it cannot set one, the origin has to do.

        Raises:
            Forbidden: It may be such.
        """
        environ = visitor.environ
        if visitor.bearer or not origin.is_marked(environ):
            return
        if not origin.is_own(environ, self._proxies) or not (
            by_socket or self.login.has_csrf(visitor)
        ):
            raise Forbidden(
                'Commands are not taken from browsers: any page could have'
                ' sent this one. Pages of this server have a session, and'
                ' send its X-XSRFToken.'
            )

    def check_page(self, visitor: Visitor) -> None:
        """Refuse what does not come from a page of ours.

        Raises:
            Forbidden: It does not.
        """
        if not origin.is_own(visitor.environ, self._proxies):
            raise Forbidden('This is taken from our own pages only.')

    def check_origin(self, visitor: Visitor) -> None:
        """Refuse what a browser says that a page of others sent.

        Raises:
            Forbidden: It does.
        """
        if origin.is_foreign(visitor.environ, self._proxies):
            raise Forbidden('This is not taken from the pages of others.')


def the_gate() -> Gate:
    """Return the gate that the current request has passed."""
    return cast(Gate, current_app.extensions[EXTENSION])


def check_change() -> None:
    """Check that the current request may change something at all.

    For views which find out only by themselves that it is meant to.

    Raises:
        RequestError: It may not.
    """
    visitor: Visitor = g.visitor
    the_gate().check_change(
        visitor, by_socket=origin.is_handshake(visitor.environ)
    )


def bearer(token: str) -> User | None:
    """Return whose token it is, for a socket that logs in later.

    They are `g.user` from then on. Who has none of ours is kept waiting.

    Raises:
        RequestError: There are too many such.
    """
    gate = the_gate()
    user = gate.login.bearer(g.visitor, token)
    gate.announce(g.visitor)
    g.user = g.visitor.user
    return user


def current_user(name: str) -> User | None:
    """Return a user with the privilege of now; None for nobody's name."""
    return the_gate().login.current_user(name)


def watch() -> Callable[[], User | None]:
    """Return what tells later who the current caller is then.

    It needs no request, and is for what lasts: None means that the session
    has ended or the account is gone; the privilege may be another.
    """
    return the_gate().login.watch(g.visitor)


def is_browser() -> bool:
    """Return True if the current request says that a browser sent it."""
    return origin.is_browser(request.environ)


def _is_later(environ: dict[str, Any]) -> bool:
    query = parse(environ.get('QUERY_STRING', ''))
    return query.get('authenticate') == ['connection_init']


def changes_state(view: View | None) -> bool:
    """Return True if a view does something."""
    privilege = required(view) if view else None
    return (
        privilege is not None and privilege >= Privilege.SHUTDOWN
        and not hasattr(view, CHANGES_LATER)
    )


def check(view: View | None, label: str) -> None:
    """Make the check that a view is labelled with, if it is."""
    made = getattr(view, label, None)
    if made is not None:
        made()


def _check_privilege(visitor: Visitor, view: View) -> None:
    """Compare what a visitor has with what a view wants."""
    needed = required(view)
    if needed is None:
        raise Forbidden('This view has no privilege label.')
    if not needed:
        return
    if not _is_allowed(visitor.known, view, needed):
        text = _denial(visitor, needed)
        LOG.warning(text)
        LOG.warning(f'[client-connect] DENIED {caller_of(visitor.environ)}')
        raise Forbidden(text)
    if LOG.isEnabledFor(logging.DEBUG):
        caller = caller_of(visitor.environ)
        LOG.debug(
            f"[client-connect] {caller.name}"
            f" privilege='{visitor.known.privilege}' {caller.uuid}"
        )


def _is_allowed(user: User, view: View, needed: Privilege) -> bool:
    operations = operations_of(view)
    if operations:
        return all(map(user.may, operations))
    return user.privilege >= needed


def is_denied(needed: Privilege) -> bool:
    """Return True, and log it, if the caller has less than a privilege."""
    visitor: Visitor = g.visitor
    if visitor.known.privilege >= needed:
        return False
    LOG.warning(_denial(visitor, needed))
    return True


def _denial(visitor: Visitor, needed: Privilege) -> str:
    """Return what a visitor is told who has less than a privilege."""
    return (
        f"[client-connect] DENIED (privilege '{visitor.known.privilege}'"
        f" < '{needed}') {caller_of(visitor.environ)}"
    )


def _no_such_path() -> Exception:
    fault = request.routing_exception
    if isinstance(fault, HTTPException) and fault.code != 404:
        return fault
    return NotFound(f"The path '{request.path}' was not found.")


def _host_name(host: str) -> str:
    """Return the name in a Host header, without the port.

    Examples:
        >>> _host_name('[::1]:8080'), _host_name('EXAMPLE.org.:80')
        ('::1', 'example.org')
    """
    if host.startswith('['):
        return host[1:].partition(']')[0].lower()
    return host.partition(':')[0].rstrip('.').lower()


def _is_address(name: str) -> bool:
    return len(name) <= LONGEST_ADDRESS and _can_be_read(name)


@lru_cache(64)
def _can_be_read(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True
