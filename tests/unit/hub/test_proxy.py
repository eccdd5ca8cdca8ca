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
from __future__ import annotations

from typing import Any

import pytest

from cylc_flask.auth.cookies import ROOT
from cylc_flask.hub.auth.secrecy import is_private
from cylc_flask.hub.proxy import Proxies

TOLD = {
    'HTTP_X_FORWARDED_FOR': '198.51.100.7',
    'HTTP_X_FORWARDED_PROTO': 'https',
    'HTTP_X_FORWARDED_HOST': 'cylc.example.org',
    'HTTP_X_FORWARDED_PREFIX': '/hub',
}
KEYS = (
    'REMOTE_ADDR', 'wsgi.url_scheme', 'HTTP_HOST', 'SCRIPT_NAME', 'PATH_INFO',
)


def passed(
    told: dict[str, str], *listed: str, address: str = '127.0.0.1',
    path: str = '/workflows', prefix: str = '',
) -> dict[str, Any]:
    """Return the request which the hub gets."""
    seen: dict[str, Any] = {}

    def app(environ: Any, start_response: Any) -> list[bytes]:
        seen.update(environ)
        return []

    environ = {
        'REMOTE_ADDR': address, 'wsgi.url_scheme': 'http',
        'HTTP_HOST': 'localhost:8020', 'SERVER_NAME': 'localhost',
        'SERVER_PORT': '8020', 'SCRIPT_NAME': '', 'PATH_INFO': path, **told,
    }
    Proxies(app, listed, prefix)(environ, lambda *args: None)
    return seen


def test_a_listed_one_is_believed() -> None:
    seen = passed(TOLD, '127.0.0.1')
    assert [seen[key] for key in KEYS] == [
        '198.51.100.7', 'https', 'cylc.example.org', '/hub', '/workflows']
    assert seen[ROOT] == '/hub'
    assert is_private(seen)


@pytest.mark.parametrize('listed', [(), ('192.0.2.1', '10.0.0.0/8')])
def test_others_are_not(listed: tuple[str, ...]) -> None:
    seen = passed(TOLD, *listed)
    assert [seen[key] for key in KEYS] == [
        '127.0.0.1', 'http', 'localhost:8020', '', '/workflows']
    assert not [key for key in seen if key.startswith('HTTP_X_FORWARDED')]
    # Somebody else may read what comes by way of this machine.
    assert not is_private(seen)
    assert is_private(passed({}))
    assert not is_private(passed({}, address='192.0.2.1'))


def test_networks_and_both_kinds_of_addresses() -> None:
    for address, listed in (
        ('10.1.2.3', '10.1.0.0/16'), ('::1', '::1'),
        ('fe80::1%eth0', 'fe80::/64'),
    ):
        seen = passed(TOLD, listed, address=address)
        assert seen['REMOTE_ADDR'] == '198.51.100.7', address
    for address in ('', 'nonsense', '10.2.0.1'):
        seen = passed(TOLD, '10.1.0.0/16', address=address)
        assert seen['REMOTE_ADDR'] == address


def test_what_clients_add_themselves_does_not_count() -> None:
    """A proxy puts what it knows behind what the client has said."""
    seen = passed(
        {'HTTP_X_FORWARDED_FOR': '203.0.113.9, 198.51.100.7'}, '127.0.0.1')
    assert seen['REMOTE_ADDR'] == '198.51.100.7'


@pytest.mark.parametrize('header', ['HTTP_VIA', 'HTTP_X_REAL_IP'])
def test_what_tells_of_a_proxy(header: str) -> None:
    """Though it does not tell for whom it asks."""
    told = {header: '198.51.100.7'}
    assert not is_private(passed(told))
    assert is_private(passed(told, '127.0.0.1'))


@pytest.mark.parametrize('told, root', [
    ('/', ''), ('/cylc/', '/cylc'), ('/a/cylc', '/a/cylc'),
])
def test_prefix_with_a_slash_at_its_end(told: str, root: str) -> None:
    seen = passed({'HTTP_X_FORWARDED_PREFIX': told}, '127.0.0.1')
    assert (seen['SCRIPT_NAME'], seen[ROOT]) == (root, root)
    assert seen['PATH_INFO'] == '/workflows'


@pytest.mark.parametrize('path, inner, root', [
    ('/hub/workflows', '/workflows', '/hub'),
    ('/hub/', '/', '/hub'),
    ('/hub', '', '/hub'),
    ('/hubs/x', '/hubs/x', ''),
    ('/workflows', '/workflows', ''),
])
def test_prefix_in_the_path(path: str, inner: str, root: str) -> None:
    seen = passed({}, path=path, prefix='/hub')
    assert (seen['PATH_INFO'], seen['SCRIPT_NAME']) == (inner, root)
    assert seen[ROOT] == root
