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
"""What proxies say about requests: believed of those that are listed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

from cylc_flask.auth.cookies import ROOT
from cylc_flask.hub.auth.secrecy import UNVOUCHED

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: How a proxy says for whom it asks, or that it is one.
FIELDS = frozenset((
    'HTTP_FORWARDED', 'HTTP_VIA', 'HTTP_X_FORWARDED_FOR',
    'HTTP_X_FORWARDED_HOST', 'HTTP_X_FORWARDED_PORT',
    'HTTP_X_FORWARDED_PREFIX', 'HTTP_X_FORWARDED_PROTO', 'HTTP_X_REAL_IP',
))


class Proxies:
    """Stands before the hub, and makes of requests what they were at first.

    Of each field the last value counts, which is that of the proxy which has
    called us.

    Args:
        app: The hub.
        listed: The addresses and networks of proxies that are believed.
        prefix: The path below which they have the hub, where they pass it on.
    """

    def __init__(
        self, app: WSGIApplication, listed: Iterable[str], prefix: str = '',
    ) -> None:
        self._app = app
        self._fix = ProxyFix(
            self._call, x_for=1, x_proto=1, x_host=1, x_prefix=1)
        self._networks = [ip_network(each) for each in listed]
        self._prefix = prefix
        self._is_listed = lru_cache(1024)(self._look)

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a request."""
        if self._is_listed(environ.get('REMOTE_ADDR') or ''):
            return self._fix(environ, start_response)
        for name in FIELDS & environ.keys():
            del environ[name]
            environ[UNVOUCHED] = True
        return self._call(environ, start_response)

    def _call(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        path, prefix = environ['PATH_INFO'], self._prefix
        # Some say "/" where there is none, or "/cylc/".
        root = environ.get('SCRIPT_NAME', '').rstrip('/')
        if prefix and f'{path}/'.startswith(f'{prefix}/'):
            root += prefix
            environ['PATH_INFO'] = path[len(prefix):]
        environ['SCRIPT_NAME'] = environ[ROOT] = root
        return self._app(environ, start_response)

    def _look(self, address: str) -> bool:
        try:
            found = ip_address(address.partition('%')[0])
        except ValueError:
            return False
        return any(found in network for network in self._networks)
