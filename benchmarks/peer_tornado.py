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
"""Tornado, which Cylc 8's UI server is made with, serving given documents.

Usage: peer_tornado.py PORT AUTH PASSWORD FILE

Tornado has no Digest of its own; here is as little of it as a server needs.
"""

from __future__ import annotations

import asyncio
from hashlib import md5
import hmac
import json
import re
import secrets
import sys
from typing import Any

from tornado.web import Application, Finish, RequestHandler

FIELD = re.compile(r'(\w+)="?([^",]+)"?')
NONCES: set[str] = set()


def digest(text: str) -> str:
    """Return the hash that Digest uses."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()


class Document(RequestHandler):
    """A document, encoded anew for each request or as ready bytes."""

    def initialize(
        self, documents: dict[str, Any], ready: bool, password: str
    ) -> None:
        """Take over what the application was made with."""
        self.documents = documents
        self.ready = ready
        self.password = password

    def prepare(self) -> None:
        """Ask for the password, where there is one."""
        if not self.password or self.is_known():
            return
        nonce = secrets.token_hex(16)
        NONCES.add(nonce)
        self.set_status(401)
        self.set_header(
            'WWW-Authenticate',
            f'Digest realm="bench", nonce="{nonce}", algorithm="MD5",'
            ' qop="auth"',
        )
        raise Finish

    def is_known(self) -> bool:
        """Check the client's hash."""
        header = self.request.headers.get('Authorization', '')
        fields = dict(FIELD.findall(header))
        if fields.get('nonce') not in NONCES:
            return False
        ha1 = digest(f'{fields["username"]}:bench:{self.password}')
        ha2 = digest(f'{self.request.method}:{fields["uri"]}')
        wanted = digest(
            f'{ha1}:{fields["nonce"]}:{fields["nc"]}:{fields["cnonce"]}'
            f':{fields["qop"]}:{ha2}'
        )
        return hmac.compare_digest(wanted, fields['response'])

    def compute_etag(self) -> None:
        """Leave ETags out: the others make none."""

    def get(self, name: str) -> None:
        """Answer."""
        self.set_header('Content-Type', 'application/json')
        document = self.documents[name]
        self.write(document if self.ready else json.dumps(document))


async def main(port: str, auth: str, password: str, path: str) -> None:
    """Serve until the end."""
    with open(path) as stream:
        documents = json.load(stream)
    ready = {
        name: json.dumps(document).encode()
        for name, document in documents.items()
    }
    password = password if auth == 'digest' else ''
    Application([
        (r'/document/(\w+)', Document, {
            'documents': documents, 'ready': False, 'password': password,
        }),
        (r'/bytes/(\w+)', Document, {
            'documents': ready, 'ready': True, 'password': password,
        }),
    ], log_function=lambda _: None).listen(int(port), '127.0.0.1')
    await asyncio.Event().wait()


if __name__ == '__main__':
    asyncio.run(main(*sys.argv[1:]))
