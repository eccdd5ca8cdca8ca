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
"""Digest: what is let in, and why the rest is not."""

from __future__ import annotations

from flask import request
from hypothesis import example, given
from hypothesis import strategies as st
import pytest

from cylc_flask.auth import digest
from cylc_flask.auth.attempts import NOBODY
from cylc_flask.auth.schemes import make_scheme, realm_of
from cylc_flask.auth.users import LegacyUsers
from cylc_flask.config import Config
from cylc_flask.errors import RequestError
from cylc_flask.privilege import Privilege
from tests.unit.auth.sites import PASSPHRASE, REALM, context, edit, sign

MALFORMED = 'The Authorization header could not be parsed.'


@pytest.fixture
def nonce(site):
    return site.send().nonce


def outcome(site):
    return site.outcomes()[-1]


def test_no_header(site):
    answer = site.send()
    assert answer.status == 401
    assert outcome(site) == 'absent'
    assert 'Set-Cookie' not in answer.headers


@pytest.mark.parametrize('stale', [False, True])
@pytest.mark.parametrize('algorithm', digest.ALGORITHMS)
def test_size_of_401(serve, algorithm, stale):
    """With what a server must add, for a realm of 20 characters."""
    site = serve(realm='r' * 20, digest_algorithm=algorithm)
    answer = '\r\n'.join((
        'HTTP/1.1 401 Unauthorized',
        'Date: Sun, 22 Nov 2026 13:14:22 GMT',
        'Content-Length: 0',
        f'WWW-Authenticate: {site.scheme.challenge(stale)}',
        '',
        '',
    ))
    assert len(answer) <= 260


@pytest.mark.parametrize('user, password, privilege', [
    ('cylc', PASSPHRASE, 'full-control'),
    ('anon', 'the quick brown fox', 'state-totals'),
])
@pytest.mark.parametrize('qop', ['auth', ''])
def test_accepted(site, nonce, user, password, privilege, qop):
    answer = site.send(sign(nonce, user=user, password=password, qop=qop))
    assert (answer.status, answer.text) == (200, f'{user} {privilege}')
    assert 'Set-Cookie' not in answer.headers


@pytest.mark.parametrize('changes', [
    {'password': 'wrong'},
    {'user': 'anon'},
    {'user': 'nobody'},
    {'user': 'nobody', 'password': ''},
    {'user': 'café', 'password': 'naïve'},
    {'realm': 'other'},
    {'uri': '/hold_suite'},
    {'uri': '/ping_suite?a=1'},
    {'method': 'POST'},
], ids=str)
def test_signed_for_something_else(site, nonce, changes):
    failed(site, sign(nonce, **changes))


@pytest.mark.parametrize('changes', [
    {'username': 'anon'},
    {'realm': 'other'},
    {'uri': '/hold_suite'},
    {'response': 'f' * 32},
    {'response': 'é'},
    {'cnonce': 'another'},
    {'nc': '00000002'},
], ids=str)
def test_edited(site, nonce, changes):
    failed(site, edit(sign(nonce), **changes))


def failed(site, header):
    answer = site.send(header.encode())
    assert answer.status == 401
    assert 'stale' not in answer.challenge
    assert outcome(site) == 'failed'


@pytest.mark.parametrize('nonce', [
    '1700000000:' + 'a' * 32, '1795353262:' + 'a' * 32, 'abcdef', ':', 'é',
])
def test_foreign_nonce(site, nonce):
    answer = site.send(sign(nonce).encode())
    assert answer.status == 401
    assert 'stale' not in answer.challenge
    assert outcome(site) == 'failed'


def test_nonce_of_another_start(site, serve):
    """Though the password is right: as Cylc 7, and one retry mends it."""
    other = make_scheme(
        Config(), REALM, LegacyUsers(PASSPHRASE, Privilege.IDENTITY), b'other')
    nonce = other.challenge().split('nonce="')[1].split('"')[0]
    answer = site.send(sign(nonce))
    assert outcome(site) == 'failed'
    assert site.send(sign(answer.nonce)).status == 200


def test_old_nonce(site, clock, nonce):
    clock.now += 600
    assert site.send(sign(nonce)).status == 200
    clock.now += 1
    answer = site.send(sign(nonce, nc='2'))
    assert answer.status == 401
    assert answer.challenge.endswith('stale="true"')
    assert outcome(site) == 'stale'
    assert site.send(sign(answer.nonce)).status == 200


def test_old_nonce_with_wrong_password(site, clock, nonce):
    clock.now += 601
    answer = site.send(sign(nonce, password='wrong'))
    assert 'stale' not in answer.challenge
    assert outcome(site) == 'failed'


def test_replay(site, nonce):
    header = sign(nonce)
    assert site.send(header).status == 200
    answer = site.send(header)
    assert answer.status == 401
    assert answer.challenge.endswith('stale="true"')
    assert outcome(site) == 'stale'


def test_failure_uses_no_count(site, nonce):
    assert site.send(sign(nonce, password='wrong')).status == 401
    assert site.send(sign(nonce)).status == 200


def test_parallel_requests_come_in_any_order(site, nonce):
    counts = [3, 1, 2, 66, 5, 4]
    answers = [site.send(sign(nonce, nc=f'{n:08x}')) for n in counts]
    assert [answer.status for answer in answers] == [200] * 6
    assert site.send(sign(nonce, nc='2')).status == 401


def test_old_form_changes_state_once_per_nonce(site, nonce):
    read, write = (sign(nonce, qop='', method=m) for m in ('GET', 'POST'))
    statuses = [
        site.send(header, method).status for header, method in (
            (read, 'GET'), (read, 'GET'), (write, 'POST'), (read, 'GET'),
            (write, 'POST'),
        )
    ]
    assert statuses == [200, 200, 200, 200, 401]
    assert outcome(site) == 'stale'


@pytest.mark.parametrize('header', [
    '',
    'Digest',
    'Digest ',
    'Digest username="cylc"',
    'Digest username',
    'Basic Y3lsYzpmb28=',
    'Bearer abc',
    'é',
])
def test_not_a_digest_header(site, header):
    answer = site.send(header.encode())
    assert (answer.status, answer.text) == (400, MALFORMED)
    assert 'WWW-Authenticate' not in answer.headers


@pytest.mark.parametrize('changes', [
    {'algorithm': 'SHA-256'},
    {'algorithm': 'MD5-sess'},
    {'algorithm': 'é'},
    {'qop': 'auth-int'},
    {'qop': None},
    {'nc': None},
    {'nc': 'xyz'},
    {'nc': '-1'},
    {'nc': '1' * 9},
    {'cnonce': None},
    {'cnonce': ''},
    {'username': None},
    {'realm': None},
    {'nonce': None},
    {'uri': None},
    {'response': None},
], ids=str)
def test_odd_fields(site, nonce, changes):
    answer = site.send(edit(sign(nonce), **changes).encode())
    assert (answer.status, answer.text) == (400, MALFORMED)


@pytest.mark.parametrize('changes', [{'nc': '1'}, {'cnonce': 'a'}], ids=str)
def test_count_in_old_form(site, nonce, changes):
    answer = site.send(edit(sign(nonce, qop=''), **changes))
    assert (answer.status, answer.text) == (400, MALFORMED)


def test_field_twice(site, nonce):
    answer = site.send(sign(nonce) + ', username="anon"')
    assert (answer.status, answer.text) == (400, MALFORMED)


@pytest.mark.parametrize('header', [
    'digest {}', 'DIGEST {}', 'Digest   {}', 'Digest {},', 'Digest {}, a=b',
])
def test_spelling(site, nonce, header):
    header = header.format(sign(nonce).removeprefix('Digest '))
    assert site.send(header).status == 200


def test_unquoted_fields(site, nonce):
    header = sign(nonce).replace('"', '').replace(', ', ',')
    assert site.send(header).status == 200


def test_algorithm_left_out(serve):
    """It is MD5 then."""
    for algorithm, status in (('MD5', 200), ('SHA-256', 400)):
        site = serve(digest_algorithm=algorithm)
        header = sign(site.send().nonce, algorithm=algorithm)
        assert site.send(edit(header, algorithm=None)).status == status


@pytest.mark.parametrize('algorithm', digest.ALGORITHMS)
def test_algorithms(serve, algorithm):
    site = serve(digest_algorithm=algorithm)
    answer = site.send()
    assert f'algorithm="{algorithm}"' in answer.challenge
    assert site.send(sign(answer.nonce, algorithm=algorithm)).status == 200


def test_login_required(site):
    """The decorator of Flask-HTTPAuth is as strict, should it be used."""
    site.app.add_url_rule(
        '/guarded', view_func=site.scheme.login_required(lambda: 'hello'))
    answer = site.send(target='/guarded')
    assert answer.status == 401
    assert 'Set-Cookie' not in answer.headers
    header = sign(answer.nonce, uri='/guarded')
    statuses = [site.send(header, target='/guarded').status for _ in '12']
    assert statuses == [200, 401]


def test_unknown_user_costs_as_much_as_wrong_password(serve, monkeypatch):
    calls = []

    def count(data, md5=digest.ALGORITHMS['MD5']):
        calls.append(data)
        return md5(data)

    monkeypatch.setitem(digest.ALGORITHMS, 'MD5', count)
    site = serve()
    numbers = []
    for user in ('cylc', 'nobody'):
        calls.clear()
        site.send(sign(site.send().nonce, user=user, password='wrong'))
        numbers.append(len(calls))
    assert numbers == [3, 3]


def test_nobody_cannot_log_in(site, nonce):
    """The account that stands in for those missing stays shut."""
    for user in ('', 'nobody'):
        failed(site, sign(nonce, user=user, password=NOBODY.password))


@pytest.mark.parametrize('name, realm', [
    ('accept', 'accept'),
    ('group/run1', 'group/run1'),
    ('größe', 'gr%C3%B6%C3%9Fe'),
    ('a"b\\c%d', 'a%22b%5Cc%25d'),
    ('a\r\nb: c', 'a%0D%0Ab: c'),
])
def test_realm_of(name, realm):
    assert realm_of(name) == realm


def identify(header):
    """Return the outcome for a header."""
    scheme = make_scheme(
        Config(), REALM, LegacyUsers(PASSPHRASE, Privilege.IDENTITY), b'key')
    with context(header):
        try:
            return scheme.identify(request.environ).outcome.value
        except RequestError as error:
            assert (error.status, error.text) == (400, MALFORMED)
            return 'malformed'


LATIN = st.text(st.characters(max_codepoint=255))
FIELDS = st.dictionaries(
    st.sampled_from([
        'username', 'realm', 'nonce', 'uri', 'response', 'algorithm', 'qop',
        'nc', 'cnonce', 'opaque', 'username*',
    ]),
    LATIN,
)


@given(LATIN)
@example('Digest')
@example('Digest =')
@example('Digest a="')
@example('Digest "\\')
@example('Digest ' + ' ' * 50_000)
@example('Digest a="' + '\\"' * 50_000)
@example('Digest a' + '\t' * 50_000 + '=')
def test_any_header(header):
    assert identify(header) == 'malformed'


@given(FIELDS, st.sampled_from(['{}="{}"', '{}={}', '{} = "{}"']))
def test_any_fields(fields, form):
    fields = {
        'username': 'cylc', 'realm': REALM, 'nonce': '1:2', 'uri': '/x',
        'response': 'a', 'qop': 'auth', 'nc': '1', 'cnonce': 'c',
    } | fields
    header = 'Digest ' + ','.join(
        form.format(name, value) for name, value in fields.items())
    assert identify(header) in {'malformed', 'failed'}
