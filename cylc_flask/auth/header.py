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
"""The fields of a Digest Authorization header, as bytes: they get hashed."""

from __future__ import annotations

from dataclasses import dataclass
import re

#: A field, of which nothing is ever given back to read it in another way.
_ONE = (
    rb'(?>[ \t]*([A-Za-z0-9-]+)[ \t]*=[ \t]*'
    rb'(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^\s",]+))'
    rb'[ \t]*(?:,|\Z))'
)
_FIELDS = re.compile(_ONE).findall
_ARE_FIELDS = re.compile(rb'(?:' + _ONE + rb')*+').fullmatch
_ESCAPED = re.compile(rb'\\(.)')
_COUNT = re.compile(rb'[0-9A-Fa-f]{1,8}')


@dataclass(slots=True)
class Credentials:
    """What a client claims, and the hash to prove it.

    There are a count and a nonce of the client's own where ``qop`` is there.
    """

    username: bytes
    realm: bytes
    nonce: bytes
    uri: bytes
    response: bytes
    algorithm: bytes = b'MD5'
    qop: bytes | None = None
    nc: bytes | None = None
    cnonce: bytes | None = None

    def __post_init__(self) -> None:
        if self.qop is None:
            if self.nc is not None or self.cnonce is not None:
                raise ValueError('a count without qop')
            return
        if self.qop.lower() != b'auth' or not self.cnonce:
            raise ValueError('another qop, or no cnonce')
        if not _COUNT.fullmatch(self.nc or b''):
            raise ValueError('nc is no hexadecimal number')

    @property
    def count(self) -> int:
        """How many times the nonce has been used; once in the old form."""
        return int(self.nc or b'1', 16)

    @classmethod
    def parse(cls, header: bytes) -> Credentials:
        """Read an Authorization header.

        Werkzeug's own parser differs in quotes and escapes from version to
        version, and lets the last of two fields win. This one has no doubts.

        Raises:
            ValueError: It is another scheme's, or not as the RFCs say.

        Examples:
            >>> Credentials.parse(b'Digest username="me", realm="r", '
            ...     b'nonce=1:a, uri="/x", response=f00').uri
            b'/x'
        """
        scheme, _, rest = header.partition(b' ')
        if scheme.lower() != b'digest':
            raise ValueError('not the Digest scheme')
        try:
            return cls(**{
                known: value for name, value in _fields(rest).items()
                if (known := _KNOWN.get(name))
            })
        except TypeError as exc:
            raise ValueError('a field is missing') from exc


#: The names of fields, as they are looked for.
_KNOWN = {name.encode(): name for name in Credentials.__dataclass_fields__}


def _fields(text: bytes) -> dict[bytes, bytes]:
    """Read ``name=value, name="value"``."""
    if not _ARE_FIELDS(text):
        raise ValueError('not a list of fields')
    found = _FIELDS(text)
    fields = {
        word.lower(): plain or quoted for word, quoted, plain in found
    }
    if len(fields) < len(found):
        raise ValueError('two of the same name')
    if b'\\' in text:
        fields.update(
            (word.lower(), _ESCAPED.sub(rb'\1', quoted))
            for word, quoted, _ in found if b'\\' in quoted
        )
    return fields
