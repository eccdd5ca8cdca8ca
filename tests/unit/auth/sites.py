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
"""A small application behind each scheme, served on a real socket."""

from __future__ import annotations

from dataclasses import dataclass, field
import hashlib
from http.client import HTTPConnection
import re
from threading import Thread
from typing import Any

from flask import Flask, Response, request
from werkzeug.serving import make_server

from cylc_flask.auth.attempts import Attempt, Outcome
from cylc_flask.auth.schemes import Scheme
from cylc_flask.errors import RequestError

PASSPHRASE = 'abcdefghij0123456789'
REALM = 'accept'

HASHES = {
    'MD5': hashlib.md5, 'SHA': hashlib.sha1, 'SHA-256': hashlib.sha256,
}


class Clock:
    """A clock which is set by hand."""

    def __init__(self) -> None:
        self.now = 1_795_353_262.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def challenge(self) -> str:
        return self.headers['WWW-Authenticate']

    @property
    def nonce(self) -> str:
        return self.challenge.split('nonce="')[1].split('"')[0]


@dataclass
class Site:
    """An application which tells who calls, as the gate would have it.

    A POST changes the state, whatever else does not. With ``raw`` the
    server tells what target was on the wire, as some do.
    """

    scheme: Scheme
    raw: bool = True
    attempts: list[Attempt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app = Flask(__name__)
        self.app.add_url_rule(
            '/', view_func=self.view, methods=['GET', 'POST'],
            defaults={'path': ''})
        self.app.add_url_rule(
            '/<path:path>', view_func=self.view, methods=['GET', 'POST'])
        self.app.register_error_handler(
            RequestError, lambda error: (error.text, error.status))
        self.server = make_server('127.0.0.1', 0, self.wsgi)
        self.thread = Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.server.port}'

    def wsgi(self, environ: Any, start_response: Any) -> Any:
        if not self.raw:
            del environ['RAW_URI'], environ['REQUEST_URI']
        return self.app(environ, start_response)

    def view(self, path: str) -> Any:
        attempt = self.scheme.identify(
            request.environ, request.method == 'POST')
        self.attempts.append(attempt)
        if attempt.user:
            return f'{attempt.user.name} {attempt.user.privilege}'
        stale = attempt.outcome is Outcome.STALE
        return Response(status=401, headers={
            'WWW-Authenticate': self.scheme.challenge(stale),
        })

    def outcomes(self) -> list[str]:
        """Return how the attempts since the last call ended."""
        outcomes = [attempt.outcome.value for attempt in self.attempts]
        self.attempts.clear()
        return outcomes

    def send(
        self,
        authorization: str | bytes | None = None,
        method: str = 'GET',
        target: str = '/ping_suite',
    ) -> Answer:
        """Send a request exactly as given."""
        headers = {}
        if authorization is not None:
            headers['Authorization'] = authorization
        connection = HTTPConnection('127.0.0.1', self.server.port, timeout=10)
        try:
            connection.request(method, target, headers=headers)
            response = connection.getresponse()
            return Answer(
                response.status,
                dict(response.getheaders()),
                response.read().decode(),
            )
        finally:
            connection.close()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def sign(
    nonce: str,
    *,
    user: str = 'cylc',
    password: str = PASSPHRASE,
    realm: str = REALM,
    algorithm: str = 'MD5',
    method: str = 'GET',
    uri: str = '/ping_suite',
    qop: str = 'auth',
    nc: str = '00000001',
) -> str:
    """Build a Digest header, in the old form if there is no ``qop``."""
    def hashed(*parts: str) -> str:
        return HASHES[algorithm](':'.join(parts).encode()).hexdigest()

    values = {
        'username': user, 'realm': realm, 'nonce': nonce, 'uri': uri,
        'algorithm': algorithm,
    }
    counted = []
    if qop:
        counted = [nc, 'c0ffee', qop]
        values |= {'qop': qop, 'nc': nc, 'cnonce': 'c0ffee'}
    values['response'] = hashed(
        hashed(user, realm, password), nonce, *counted, hashed(method, uri))
    return header(values)


def header(fields: dict[str, str]) -> str:
    """Write a Digest header of these fields."""
    return 'Digest ' + ', '.join(
        f'{name}="{value}"' for name, value in fields.items())


def edit(text: str, **changes: str | None) -> str:
    """Give some fields other values after it was signed; None for none."""
    fields = dict(re.findall(r'(\w+)="([^"]*)"', text)) | changes
    return header({
        name: value for name, value in fields.items() if value is not None})


def context(authorization: str, target: str = '/x') -> Any:
    """Return a request's context, with any header a server can pass on."""
    return Flask(__name__).test_request_context(
        target, environ_base={'HTTP_AUTHORIZATION': authorization})
