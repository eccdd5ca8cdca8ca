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
"""Form-encoded text, as queries and bodies have it."""

from __future__ import annotations

from urllib.parse import unquote_plus

from cylc_flask.errors import NotFound, RequestError

#: How many arguments one request may have.
MAX_PAIRS = 2_000

#: Values by name, each in the order of their coming.
Raw = dict[str, list[str]]


def parse(query: str) -> Raw:
    """Read form-encoded text: ``k`` and ``k=`` are the empty text.

    Raises:
        NotFound: It is not UTF-8 (Cylc 7's answer).
        RequestError: It is far too much.

    Examples:
        >>> parse('a=1&a=x+y&b')
        {'a': ['1', 'x y'], 'b': ['']}
    """
    found: Raw = {}
    if not query:
        return found
    pairs = query.split('&')
    if len(pairs) > MAX_PAIRS:
        raise RequestError(
            f'{len(pairs)} arguments are too many: {MAX_PAIRS} at most'
        )
    try:
        query.encode('latin-1').decode()
        for pair in pairs:
            if pair:
                name, _, value = pair.partition('=')
                found.setdefault(_unquote(name), []).append(_unquote(value))
    except UnicodeError as exc:
        raise NotFound(
            'The given query string could not be processed. Query strings'
            " for this resource must be encoded with 'utf8'."
        ) from exc
    return found


def _unquote(text: str) -> str:
    return unquote_plus(text, errors='strict')
