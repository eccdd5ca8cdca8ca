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
"""The clients there are, as they come, over a socket."""

from __future__ import annotations

import subprocess
from urllib.error import HTTPError
from urllib.request import (
    HTTPDigestAuthHandler,
    HTTPPasswordMgrWithDefaultRealm,
    Request,
    build_opener,
)

import pytest
import requests
from requests.auth import HTTPBasicAuth, HTTPDigestAuth

from tests.harness import need
from tests.unit.auth.sites import PASSPHRASE

TARGETS = [
    '/ping_suite',
    '/id/identify?',
    '/get_task_info?names=a&names=b%20c&names=d+e&x=',
    '/a%2Fb/%7ec/caf%C3%A9?x=%2b%26&y=caf%C3%A9,%22z%22',
]


def by_requests(url, password, method='GET', auth=HTTPDigestAuth):
    """As Cylc 7: each call has a new auth object."""
    answer = requests.request(
        method, url, auth=auth('cylc', password), timeout=10)
    return answer.status_code


def by_urllib(url, password, method='GET'):
    passwords = HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, url, 'cylc', password)
    opener = build_opener(HTTPDigestAuthHandler(passwords))
    data = b'' if method == 'POST' else None
    try:
        with opener.open(Request(url, data), timeout=10) as answer:
            return answer.status
    except HTTPError as error:
        error.close()
        return error.code


def by_curl(url, password, method='GET', auth='--digest'):
    answer = subprocess.run(
        [
            need('curl'), '--silent', '--globoff', auth, '--request', method,
            '--user', f'cylc:{password}', '--output', '/dev/null',
            '--write-out', '%{http_code}', url,
        ],
        capture_output=True, check=True, text=True, timeout=10,
    )
    return int(answer.stdout)


CLIENTS = [by_requests, by_urllib, by_curl]


@pytest.mark.parametrize('raw', [True, False], ids=['raw', 'rebuilt'])
@pytest.mark.parametrize('target', TARGETS)
@pytest.mark.parametrize('client', CLIENTS)
def test_targets(serve, client, target, raw):
    site = serve(raw)
    assert client(site.url + target, PASSPHRASE) == 200
    assert site.outcomes() == ['absent', 'accepted']


@pytest.mark.parametrize('client', CLIENTS)
def test_post(site, client):
    assert client(f'{site.url}/hold_suite', PASSPHRASE, 'POST') == 200
    assert site.outcomes()[-1] == 'accepted'


@pytest.mark.parametrize('client', CLIENTS)
def test_wrong_password(site, client):
    assert client(f'{site.url}/ping_suite', 'wrong') == 401
    assert set(site.outcomes()) == {'absent', 'failed'}


@pytest.mark.parametrize('algorithm, client', [
    ('SHA', by_requests), ('SHA', by_urllib),
    ('SHA-256', by_requests), ('SHA-256', by_curl),
])
def test_algorithms(serve, algorithm, client):
    """Curl knows no SHA, and not every urllib knows SHA-256."""
    site = serve(digest_algorithm=algorithm)
    assert client(f'{site.url}/ping_suite', PASSPHRASE) == 200


@pytest.mark.parametrize('client', CLIENTS)
def test_realm_of_any_name(serve, client):
    site = serve(realm='gr%C3%B6%C3%9Fe, a=b (1)')
    assert client(f'{site.url}/ping_suite', PASSPHRASE) == 200


def test_requests_keeps_its_nonce(site):
    auth = HTTPDigestAuth('cylc', PASSPHRASE)
    for method in ('GET', 'POST', 'GET'):
        requests.request(method, site.url, auth=auth, timeout=10)
    assert site.outcomes() == ['absent', *['accepted'] * 3]


def test_requests_gets_over_an_old_nonce(site, clock):
    auth = HTTPDigestAuth('cylc', PASSPHRASE)
    for _ in range(2):
        answer = requests.get(site.url, auth=auth, timeout=10)
        assert answer.status_code == 200
        clock.now += 601
    assert site.outcomes() == ['absent', 'accepted', 'stale', 'accepted']


def test_processes_at_once(site):
    """In the same second: each has a nonce of its own."""
    auths = [HTTPDigestAuth('cylc', PASSPHRASE) for _ in range(5)]
    for auth in auths * 2:
        requests.get(site.url, auth=auth, timeout=10)
    assert 'stale' not in site.outcomes()


@pytest.mark.parametrize('client, auth', [
    (by_requests, HTTPBasicAuth), (by_curl, '--basic'),
])
def test_basic(serve, client, auth):
    site = serve(authentication='basic')
    assert client(f'{site.url}/x', PASSPHRASE, auth=auth) == 200
    assert client(f'{site.url}/x', 'wrong', auth=auth) == 401
    assert site.outcomes() == ['accepted', 'failed']


def test_curl_finds_the_scheme(serve):
    for scheme in ('basic', 'digest'):
        site = serve(authentication=scheme)
        assert by_curl(site.url, PASSPHRASE, auth='--anyauth') == 200
