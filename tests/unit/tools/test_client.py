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
"""The client of the command line tools, as far as it needs no server."""

from __future__ import annotations

import pytest

from cylc_flask import proof
from cylc_flask.proof import CallFailed, challenge_of, digest
from cylc_flask.tools.client import Answer, Client

#: The example of RFC 7616, section 3.9.1, with its password.
PASSWORD = 'Circle of Life'
CHALLENGE = (
    'Digest realm="http-auth@example.org", qop="auth", algorithm={},'
    ' nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",'
    ' opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'


@pytest.mark.parametrize('algorithm, response', [
    ('MD5', '8ca523f5e9506fed4657c9700eebdbec'),
    ('SHA-256', '753927fa0e85d155564e2e272a28d180'
                '2ca10daf4496794697cf8db5856cb6c1'),
])
def test_digest_of_the_standard(monkeypatch, algorithm, response):
    monkeypatch.setattr(proof, 'USER', 'Mufasa')
    monkeypatch.setattr(proof.secrets, 'token_hex', lambda size: CNONCE)
    header = digest(
        challenge_of(CHALLENGE.format(algorithm)),
        'GET', '/dir/index.html', PASSWORD, 1)
    assert challenge_of(header) == {
        'username': 'Mufasa',
        'realm': 'http-auth@example.org',
        'nonce': '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
        'uri': '/dir/index.html',
        'algorithm': algorithm,
        'qop': 'auth',
        'nc': '00000001',
        'cnonce': CNONCE,
        'response': response,
    }


def test_digest_of_another_kind():
    challenge = challenge_of(CHALLENGE.format('SHA-512-256'))
    with pytest.raises(CallFailed, match='SHA-512-256'):
        digest(challenge, 'GET', '/', PASSWORD, 1)


@pytest.mark.parametrize('header', [
    '', 'Basic realm="a"', 'Bearer', 'Digest', 'Digest realm=', 'Digest x',
])
def test_no_digest_challenge(header):
    assert challenge_of(header) == {}


@pytest.mark.parametrize('answer, text', [
    (
        Answer(404, 'application/problem+json', b'{"detail": "no such"}'),
        '404: no such',
    ),
    (Answer(401, '', b''), '401: the passphrase is not accepted'),
    (Answer(400, 'text/plain', b'what?\n'), '400: what?'),
    (Answer(200, 'text/html', b'<html>'), 'the answer is no JSON'),
])
def test_error(answer, text):
    with pytest.raises(CallFailed, match=text.replace('?', r'\?')):
        assert answer.value


def test_no_server(tmp_path):
    with pytest.raises(CallFailed, match='Does the workflow run'):
        Client(tmp_path)
