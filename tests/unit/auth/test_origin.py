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
"""Which pages are ours, by what browsers say of them."""

from __future__ import annotations

import pytest

from cylc_flask.auth.origin import is_foreign, is_own

PROXIES = frozenset({'proxy.org'})


def environ(host='us.org:8080', scheme='https', **fields):
    return {
        'wsgi.url_scheme': scheme, 'HTTP_HOST': host,
        **{f'HTTP_{name.upper()}': value for name, value in fields.items()},
    }


@pytest.mark.parametrize('host, scheme, origin', [
    ('us.org:8080', 'https', 'https://us.org:8080'),
    ('US.org:8080', 'https', 'https://us.ORG:8080'),
    ('us.org', 'https', 'https://us.org'),
    ('us.org:443', 'https', 'https://us.org'),
    ('us.org', 'http', 'http://us.org:80'),
    ('[::1]:8080', 'http', 'http://[::1]:8080'),
    ('proxy.org', 'http', 'https://proxy.org'),
])
def test_ours(host, scheme, origin):
    found = environ(host, scheme, origin=origin)
    assert is_own(found, PROXIES)
    assert not is_foreign(found, PROXIES)


@pytest.mark.parametrize('host, scheme, origin', [
    ('us.org:8080', 'https', 'https://them.org:8080'),
    ('us.org:8080', 'https', 'https://us.org'),
    ('us.org:8080', 'https', 'https://us.org:8081'),
    ('us.org:8080', 'https', 'http://us.org:8080'),
    ('us.org', 'http', 'https://us.org'),
    ('proxy.org', 'https', 'http://proxy.org'),
    ('us.org:8080', 'https', 'https://us.org.them.org:8080'),
    ('us.org:8080', 'https', 'https://us.org:8080@them.org'),
    ('us.org:8080', 'https', 'https://us.org:8080/'),
    ('us.org:8080', 'https', 'null'),
    ('us.org:8080', 'https', ''),
    ('us.org:8080', 'https', 'https://us.org:x'),
    ('us.org:8080', 'https', 'https://[us.org:8080'),
    ('us.org:8080', 'https', 'https://'),
    ('', 'https', 'https://us.org'),
])
def test_of_others(host, scheme, origin):
    found = environ(host, scheme, origin=origin)
    assert is_foreign(found, PROXIES)
    assert not is_own(found, PROXIES)


@pytest.mark.parametrize('site, own, foreign', [
    ('same-origin', True, False),
    ('same-site', False, True),
    ('cross-site', False, True),
    ('none', False, False),
    ('nonsense', False, True),
])
def test_by_site(site, own, foreign):
    found = environ(sec_fetch_site=site)
    assert is_own(found, PROXIES) is own
    assert is_foreign(found, PROXIES) is foreign


def test_both_are_to_say_so():
    found = environ(
        origin='https://us.org:8080', sec_fetch_site='same-site')
    assert is_foreign(found, PROXIES)


def test_nothing_is_said():
    assert not is_own(environ(), PROXIES)
    assert not is_foreign(environ(), PROXIES)
