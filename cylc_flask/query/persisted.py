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
"""Documents that clients have sent once and name by their hash from then on.

The way is that of Apollo's automatic persisted queries; the same hash is
taken as the ``documentId`` of the GraphQL-over-HTTP specification.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
import re
from typing import Any

from cylc_flask.query.errors import Code, Rejected

#: So many bytes of documents are kept, those that were used last.
MOST_BYTES = 4_000_000

#: The key among the extensions of a request.
EXTENSION = 'persistedQuery'

#: What the identifier of a document begins with.
SCHEME = 'sha256:'

HASH = re.compile('[0-9a-f]{64}')

#: Apollo's clients know it by these words.
NOT_FOUND = 'PersistedQueryNotFound'


class Persisted:
    """The documents that can be named by their hash.

    Args:
        most: How many bytes of them to keep.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._bytes = 0
        self._texts: OrderedDict[str, str] = OrderedDict()

    def find(self, digest: str) -> str:
        """Return the document of a hash.

        Raises:
            Rejected: It is not here: the client has to send it.
        """
        text = self._texts.get(digest)
        if text is None:
            raise Rejected.because(Code.PERSISTED, NOT_FOUND)
        self._texts.move_to_end(digest)
        return text

    def keep(self, digest: str, text: str) -> None:
        """Keep a document, and drop what was not used for longest."""
        if digest in self._texts:
            return
        self._texts[digest] = text
        self._bytes += len(text.encode())
        while self._bytes > self._most:
            _, oldest = self._texts.popitem(last=False)
            self._bytes -= len(oldest.encode())


def digest_of(extensions: dict[str, Any], identifier: Any) -> str | None:
    """Return the hash by which a request names its document.

    Args:
        extensions: Of the request.
        identifier: The request's ``documentId``.

    Raises:
        Rejected: It names it in a way that is not ours.

    Examples:
        >>> digest_of({}, 'sha256:' + 'A' * 64) == 'a' * 64
        True
        >>> digest_of({}, None)
    """
    if identifier is not None:
        if not isinstance(identifier, str):
            raise _bad('documentId is no text')
        if not identifier.startswith(SCHEME):
            raise _bad(f'documentId does not begin with "{SCHEME}"')
        return _checked(identifier.removeprefix(SCHEME), 'documentId')
    named = extensions.get(EXTENSION)
    if named is None:
        return None
    if not isinstance(named, dict):
        raise _bad(f'extensions.{EXTENSION} is no object')
    if named.get('version') != 1:
        raise _bad(f'extensions.{EXTENSION}.version is not 1')
    return _checked(
        named.get('sha256Hash'), f'extensions.{EXTENSION}.sha256Hash'
    )


def check(digest: str, text: str) -> None:
    """Compare a document with the hash that came with it.

    Raises:
        Rejected: They do not belong together.
    """
    if sha256(text.encode()).hexdigest() != digest:
        raise _bad('the hash is not that of the document')


def _checked(digest: Any, what: str) -> str:
    if isinstance(digest, str) and HASH.fullmatch(digest.lower()):
        return digest.lower()
    raise _bad(f'{what} is no SHA-256 in hexadecimal digits')


def _bad(text: str) -> Rejected:
    return Rejected.because(Code.INPUT, f'Bad request: {text}.')
