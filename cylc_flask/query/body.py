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
"""What clients send, read: JSON documents, and the queries of URLs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from cylc_flask.forms import Raw
from cylc_flask.nesting import depth
from cylc_flask.query import persisted
from cylc_flask.query.documents import Request
from cylc_flask.query.errors import Code, Rejected
from cylc_flask.query.persisted import Persisted

#: No variables that we know of are deeper, in brackets.
MAX_DEPTH = 32

#: What a request may be made of; anything else is left.
KEYS = ('query', 'variables', 'operationName', 'extensions', 'documentId')

#: Those which are JSON in the query of a URL.
OBJECTS = ('variables', 'extensions')


@dataclass(frozen=True)
class Reader:
    """Makes requests of what clients send.

    Args:
        persisted: The documents that clients may name by their hash.
    """

    persisted: Persisted

    def read(self, parameters: Any) -> Request:
        """Return the request of a JSON object.

        Raises:
            Rejected: It is none.
        """
        if not isinstance(parameters, dict):
            raise _bad('A request is a JSON object')
        extensions = _object(parameters, 'extensions')
        digest = persisted.digest_of(
            extensions, parameters.get('documentId')
        )
        query = _text(parameters, 'query')
        if query is None:
            if digest is None:
                raise _bad('There is no query')
            query = self.persisted.find(digest)
        elif digest is not None:
            persisted.check(digest, query)
        return Request(
            query=query,
            variables=_object(parameters, 'variables'),
            operation_name=_text(parameters, 'operationName'),
            extensions=extensions,
        )

    def remember(self, request: Request) -> None:
        """Keep the document of a request if the client has named it.

        Only to be called once it has proved to be one.
        """
        digest = persisted.digest_of(request.extensions, None)
        if digest is not None:
            self.persisted.keep(digest, request.query)


def decode(body: bytes) -> Any:
    """Return the JSON of a body.

    Raises:
        Rejected: It is none, or too deep.
    """
    try:
        document = orjson.loads(body)
    except ValueError as exc:
        raise _bad(f'The body is no JSON: {exc}') from exc
    if depth(document, MAX_DEPTH) > MAX_DEPTH:
        raise Rejected.because(
            Code.DEPTH,
            f'The document is more than {MAX_DEPTH} levels deep.',
        )
    return document


def of_query(raw: Raw) -> dict[str, Any]:
    """Return the parameters in the query of a URL.

    Raises:
        Rejected: One is there twice, or should be JSON and is none.

    Examples:
        >>> of_query({'query': ['{a}'], 'variables': ['{"b": 1}']})
        {'query': '{a}', 'variables': {'b': 1}}
    """
    parameters: dict[str, Any] = {}
    for key in KEYS:
        values = raw.get(key, [])
        if len(values) > 1:
            raise _bad(f'There are {len(values)} values of {key}')
        if values and values[0]:
            parameters[key] = (
                decode(values[0].encode()) if key in OBJECTS else values[0]
            )
    return parameters


def _object(parameters: dict[str, Any], key: str) -> dict[str, Any]:
    value = parameters.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _bad(f'{key} is no JSON object')
    return value


def _text(parameters: dict[str, Any], key: str) -> str | None:
    value = parameters.get(key)
    if value is not None and not isinstance(value, str):
        raise _bad(f'{key} is no text')
    return value


def _bad(text: str) -> Rejected:
    return Rejected.because(Code.INPUT, f'{text}.')
