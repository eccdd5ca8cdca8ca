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
"""Whether a uri is the request's."""

from __future__ import annotations

import pytest

from cylc_flask.auth.target import is_target


def environ(path, query='', prefix='', **more):
    """Return what a server gives the application, in its Latin-1 form."""
    return {
        'SCRIPT_NAME': prefix,
        'PATH_INFO': path.encode().decode('latin-1'),
        'QUERY_STRING': query,
        **more,
    }


@pytest.mark.parametrize('uri, request_', [
    ('/', environ('/')),
    ('/x', environ('/x')),
    ('/x?', environ('/x')),
    ('/x?a=1&b=', environ('/x', 'a=1&b=')),
    ('/caf%C3%A9', environ('/café')),
    ('/caf%c3%a9', environ('/café')),
    ('/café', environ('/café')),
    ('/%7Ex/a%2Fb', environ('/~x/a/b')),
    ('/x?a=b%20c', environ('/x', 'a=b+c')),
    ('/x?a=%c3%a9', environ('/x', 'a=%C3%A9')),
    ('http://host:80/x?a=1', environ('/x', 'a=1')),
    ('HTTPS://host/x', environ('/x')),
    ('/x', environ('http://host/x')),
    ('/hub/suite/x?a=1', environ('/x', 'a=1', '/hub/suite')),
    ('/odd%FF', environ('/odd\ufffd', RAW_URI='/odd%FF')),
])
def test_same(uri, request_):
    assert is_target(uri.encode(), request_)


@pytest.mark.parametrize('uri, request_', [
    ('', environ('/x')),
    ('', environ('/x', RAW_URI='')),
    ('/y', environ('/x')),
    ('/x/', environ('/x')),
    ('/X', environ('/x')),
    ('/x', environ('/x', 'a=1')),
    ('/x?a=1', environ('/x')),
    ('/x?a=1', environ('/x', 'a=2')),
    ('/x?a=1&b=2', environ('/x', 'b=2&a=1')),
    ('/x?a=1%26b=2', environ('/x', 'a=1&b=2')),
    ('/x?a', environ('/x', 'b')),
    ('/x?a=%ff', environ('/x', 'a=%fe')),
    ('/x', environ('/x', prefix='/hub')),
    ('/other/x', environ('/x', prefix='/hub')),
    ('/to/http://a/x', environ('/to/http://b/x')),
    ('//host/x', environ('/x')),
    ('*', environ('/x')),
    ('/odd%FE', environ('/odd\ufffd', RAW_URI='/odd%FF')),
    ('/y', environ('/x', HTTP_RAW_URI='/y')),
])
def test_other(uri, request_):
    assert not is_target(uri.encode(), request_)
