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
"""Basic: what is let in, and why the rest is not."""

from __future__ import annotations

from base64 import b64encode

from flask import request
from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc_flask.auth.attempts import NOBODY
from cylc_flask.auth.schemes import make_scheme
from cylc_flask.auth.users import LegacyUsers
from cylc_flask.config import Config
from cylc_flask.errors import RequestError
from cylc_flask.privilege import Privilege
from tests.unit.auth.sites import PASSPHRASE, context

MALFORMED = 'The Authorization header could not be parsed.'


@pytest.fixture
def site(serve):
    return serve(authentication='basic')


def basic(pair):
    return 'Basic ' + b64encode(pair).decode()


def test_challenge(site):
    answer = site.send()
    assert answer.status == 401
    assert answer.challenge == 'Basic realm="accept", charset="UTF-8"'
    assert 'Set-Cookie' not in answer.headers
    assert site.outcomes() == ['absent']


@pytest.mark.parametrize('pair, text', [
    (f'cylc:{PASSPHRASE}', 'cylc full-control'),
    ('anon:the quick brown fox', 'anon state-totals'),
])
def test_accepted(site, pair, text):
    for _ in range(2):
        answer = site.send(basic(pair.encode()), 'POST')
        assert (answer.status, answer.text) == (200, text)


@pytest.mark.parametrize('pair', [
    b'cylc:wrong', b'cylc:', b'anon:' + PASSPHRASE.encode(), b':', b'nobody:',
    'cylc:na\u00efve'.encode(), b'caf\xe9:\xff', b'a:b:c', b'\x00\n:\x00',
])
def test_failed(site, pair):
    answer = site.send(basic(pair))
    assert answer.status == 401
    assert site.attempts[-1].name.isprintable()
    assert site.outcomes() == ['failed']


def test_nobody_cannot_log_in(site):
    """The account that stands in for those missing stays shut."""
    answer = site.send(basic(f':{NOBODY.password}'.encode()))
    assert answer.status == 401


@pytest.mark.parametrize('header', [
    '', 'Basic', 'Basic ', 'Basic !', 'Basic Y3lsYzpmb28', 'Basic Y3lsYw==',
    'Digest username="cylc"', 'Bearer abc', 'Basic \xe9',
])
def test_malformed(site, header):
    answer = site.send(header.encode())
    assert (answer.status, answer.text) == (400, MALFORMED)


def test_login_required(site):
    """The decorator of Flask-HTTPAuth is as strict, should it be used."""
    site.app.add_url_rule(
        '/guarded', view_func=site.scheme.login_required(lambda: 'hello'))
    right, wrong = basic(b'cylc:' + PASSPHRASE.encode()), basic(b'cylc:x')
    for header, status in ((None, 401), (right, 200), (wrong, 401)):
        assert site.send(header, target='/guarded').status == status


@given(st.one_of(
    st.text(st.characters(max_codepoint=255)),
    st.binary().map(basic),
))
def test_any_header(header):
    scheme = make_scheme(
        Config(authentication='basic'), 'realm',
        LegacyUsers(PASSPHRASE, Privilege.IDENTITY), b'key')
    with context(header):
        try:
            assert scheme.identify(request.environ).user is None
        except RequestError as error:
            assert (error.status, error.text) == (400, MALFORMED)
