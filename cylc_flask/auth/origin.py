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
"""Where a request comes from, as far as browsers tell the truth about it.

They do: no page can make them leave these header fields out, or forge them.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any
from urllib.parse import urlsplit

Environ = dict[str, Any]

#: Header fields that only browsers send.
MARKS = (
    'HTTP_COOKIE', 'HTTP_ORIGIN', 'HTTP_REFERER', 'HTTP_SEC_FETCH_SITE',
)

PORTS = {'http': 80, 'https': 443}


def is_browser(environ: Environ) -> bool:
    """Return True if a request says that a browser sent it."""
    agent: str = environ.get('HTTP_USER_AGENT', '')
    return agent.startswith('Mozilla/')


def is_marked(environ: Environ) -> bool:
    """Return True if a browser may have sent a request."""
    return is_browser(environ) or any(mark in environ for mark in MARKS)


def is_handshake(environ: Environ) -> bool:
    """Return True if a request wants to become a WebSocket."""
    upgrade: str = environ.get('HTTP_UPGRADE', '')
    return upgrade.lower() == 'websocket'


def is_foreign(environ: Environ, proxies: Set[str]) -> bool:
    """Return True if a browser says that a page of others sent a request.

    Args:
        environ: The request's, whose Host header is one of ours.
        proxies: Names of ours at which somebody else may do the TLS.
    """
    origin = environ.get('HTTP_ORIGIN')
    if origin is not None and not _is_ours(origin, environ, proxies):
        return True
    # "none" is what the user has typed in.
    return environ.get('HTTP_SEC_FETCH_SITE', 'none') not in (
        'none', 'same-origin'
    )


def is_own(environ: Environ, proxies: Set[str]) -> bool:
    """Return True if a browser says that a page of ours sent a request."""
    told = (
        'HTTP_ORIGIN' in environ
        or environ.get('HTTP_SEC_FETCH_SITE') == 'same-origin'
    )
    return told and not is_foreign(environ, proxies)


def _is_ours(origin: str, environ: Environ, proxies: Set[str]) -> bool:
    """Compare an origin with the name by which we were called."""
    found = _split(origin)
    if found is None:
        return False
    scheme, name, port = found
    here = environ['wsgi.url_scheme']
    if scheme != here and not (scheme == 'https' and name in proxies):
        return False
    return _split(f'{scheme}://{environ.get("HTTP_HOST", "")}') == found


def _split(origin: str) -> tuple[str, str, int] | None:
    """Return scheme, name and port of an origin.

    Examples:
        >>> _split('https://Example.org')
        ('https', 'example.org', 443)
        >>> _split('http://[::1]:8080'), _split('null')
        (('http', '::1', 8080), None)
        >>> _split('http://us.org/path'), _split('http://us.org@them.org')
        (None, None)
    """
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not parts.hostname or '@' in origin:
        return None
    if parts.path or parts.query or parts.fragment:
        return None
    name = parts.hostname.rstrip('.')
    return parts.scheme, name, PORTS[parts.scheme] if port is None else port
