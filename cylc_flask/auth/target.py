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
"""Whether the uri in a Digest header is that of the request it is in."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

_ORIGIN = re.compile(rb'\Ahttps?://[^/?]*', re.IGNORECASE)


def is_target(uri: bytes, environ: dict[str, Any]) -> bool:
    """Tell whether a uri is the target of a WSGI request.

    What the server got on the wire is told by some servers (``RAW_URI``).
    Else, and behind a prefix which a proxy took away, the two are the same
    if the application sees no difference: it gets the path decoded, and the
    query as pairs.
    """
    if uri and uri == _bytes(environ, 'RAW_URI'):
        return True
    path, _, query = _ORIGIN.sub(b'', uri).partition(b'?')
    inner = _ORIGIN.sub(b'', _bytes(environ, 'PATH_INFO'))
    outer = _bytes(environ, 'SCRIPT_NAME') + inner
    return (
        unquote_to_bytes(path) == outer
        and _pairs(query) == _pairs(_bytes(environ, 'QUERY_STRING'))
    )


def _bytes(environ: dict[str, Any], key: str) -> bytes:
    """Return a WSGI string as it was sent."""
    value: str = environ.get(key, '')
    return value.encode('latin-1')


def _pairs(query: bytes) -> list[tuple[str, str]]:
    """Return the arguments in a query; Latin-1 keeps all bytes apart."""
    return parse_qsl(
        query.decode('latin-1'), keep_blank_values=True, encoding='latin-1')
