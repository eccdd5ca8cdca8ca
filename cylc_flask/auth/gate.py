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

from ipaddress import ip_address
import logging
from typing import Any, Callable

from flask import Flask, current_app, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from cylc.flow import LOG
from cylc_flask.auth.attempts import Attempt, Outcome
from cylc_flask.auth.caller import caller
from cylc_flask.auth.rate import Rate
from cylc_flask.auth.schemes import Scheme
from cylc_flask.auth.throttle import Throttle
from cylc_flask.config import Config
from cylc_flask.errors import Forbidden, NotFound, RequestError
from cylc_flask.forms import parse
from cylc_flask.privilege import Privilege, required

View = Callable[..., Any]

BEFORE_LOGIN = 'cylc_flask_before_login'
BEFORE_PRIVILEGE = 'cylc_flask_before_privilege'

METHODS = ('GET', 'HEAD', 'POST')

UNAUTHORIZED = 'You are not authorized to access that resource'

#: Header fields that only browsers send.
BROWSER_MARKS = ('Cookie', 'Origin', 'Referer', 'Sec-Fetch-Site')


def before_login(view: View, check: Callable[[], None]) -> None:
    """Label a view with a check of the request's form, made first of all."""
    setattr(view, BEFORE_LOGIN, check)


def before_privilege(view: View, check: Callable[[], None]) -> None:
    """Label a view with a check of what known callers may be told about."""
    setattr(view, BEFORE_PRIVILEGE, check)


class Gate:
    """Who is calling, and may they?

    Args:
        config: The configuration.
        scheme: Finds out who is calling.
        throttle: Slows those down who guess.
        rate: Sends those away who ask too often.
        hosts: Names by which clients may call this server.
    """

    def __init__(
        self,
        config: Config,
        scheme: Scheme,
        throttle: Throttle,
        rate: Rate,
        hosts: frozenset[str],
    ) -> None:
        self._config = config
        self._scheme = scheme
        self._throttle = throttle
        self._rate = rate
        self._hosts = hosts | frozenset(
            name.lower() for name in config.allowed_hosts
        )

    def init_app(self, app: Flask) -> None:
        """Stand before all views of an application."""
        app.before_request(self.decide)

    def decide(self) -> None:
        """Let the current request pass, or raise what stops it."""
        self._rate.check(request.remote_addr or '')
        view = current_app.view_functions.get(request.endpoint or '')
        self._check_form(view)
        changes = _changes_state(view)
        self._log_in(changes)
        if view is None:
            raise _no_such_path()
        _check(view, BEFORE_PRIVILEGE)
        _check_privilege(view)
        if changes:
            self._check_change()

    def _check_form(self, view: View | None) -> None:
        """Check what is wrong whoever calls."""
        environ = request.environ
        method = environ['REQUEST_METHOD']
        if method not in METHODS:
            raise MethodNotAllowed(METHODS)
        self._check_host(environ.get('HTTP_HOST', ''))
        parse(environ.get('QUERY_STRING', ''))
        if method == 'POST' and 'CONTENT_LENGTH' not in environ:
            raise RequestError('Client must specify Content-Length.', 411)
        _check(view, BEFORE_LOGIN)

    def _check_host(self, host: str) -> None:
        """Refuse names that are not ours: a page may have rebound them."""
        name = _host_name(host)
        if name and name not in self._hosts and not _is_address(name):
            raise RequestError(
                f'This server is not called {name!r:.80}; its other names'
                ' are set by allowed_hosts.', 421,
            )

    def _log_in(self, changes: bool) -> None:
        """Find out who is calling."""
        attempt: Attempt = self._scheme.identify(changes)
        address = request.remote_addr or ''
        if attempt.user is not None:
            self._throttle.succeeded(address, attempt.name)
            g.user = attempt.user
            return
        if attempt.outcome is Outcome.FAILED:
            if not self._throttle.failed(address, attempt.name):
                raise RequestError(
                    'Too many failed log-ins: wait before the next.', 429,
                    (('Retry-After', '4'),),
                )
            LOG.warning(f'[client-connect] DENIED {caller()}')
        challenge = self._scheme.challenge(attempt.outcome is Outcome.STALE)
        if is_browser():
            # Its log-in window would send the password with each request
            # that any page makes to us.
            challenge = 'Session'
        raise RequestError(
            UNAUTHORIZED, 401, (('WWW-Authenticate', challenge),)
        )

    def _check_change(self) -> None:
        """Check what a request must not do, whoever calls."""
        if self._config.read_only:
            raise Forbidden('This server is read-only (read_only).')
        if request.method != 'POST' and not self._config.control_by_get:
            raise RequestError(
                'Commands are taken by POST only (control_by_get).', 405,
                (('Allow', 'POST'),),
            )
        if is_browser() or any(
            mark in request.headers for mark in BROWSER_MARKS
        ):
            raise Forbidden(
                'Commands are not taken from browsers: any page could have'
                ' sent this one.'
            )


def is_browser() -> bool:
    """Return True if the current request says that a browser sent it."""
    return request.headers.get('User-Agent', '').startswith('Mozilla/')


def _changes_state(view: View | None) -> bool:
    privilege = required(view) if view else None
    return privilege is not None and privilege >= Privilege.SHUTDOWN


def _check(view: View | None, label: str) -> None:
    check = getattr(view, label, None)
    if check is not None:
        check()


def _check_privilege(view: View) -> None:
    """Compare what the caller has with what the view wants."""
    needed = required(view)
    if needed is None:
        raise Forbidden('This view has no privilege label.')
    if is_denied(needed):
        LOG.warning(f'[client-connect] DENIED {caller()}')
        raise Forbidden(denial(needed))
    if needed and LOG.isEnabledFor(logging.DEBUG):
        LOG.debug(
            f"[client-connect] {caller().name} privilege='{g.user.privilege}'"
            f' {caller().uuid}'
        )


def is_denied(needed: Privilege) -> bool:
    """Return True, and log it, if the caller has less than a privilege."""
    if g.user.privilege >= needed:
        return False
    LOG.warning(denial(needed))
    return True


def denial(needed: Privilege) -> str:
    """Return what the caller is told who has less than a privilege."""
    return (
        f"[client-connect] DENIED (privilege '{g.user.privilege}'"
        f" < '{needed}') {caller()}"
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
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
