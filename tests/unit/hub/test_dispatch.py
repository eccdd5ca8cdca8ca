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

from collections.abc import Callable
from typing import Any

import pytest

from cylc_flask.hub.dispatch import Dispatcher

NAMES = ('a', 'a/b', 'größe/run1')

Found = tuple[str, str, str]


def asked(path: str, root: str = '') -> Found:
    """Return who answers a request, and with which paths."""
    found: list[Found] = []

    def app(name: str) -> Callable[..., list[bytes]]:
        def answer(environ: Any, start_response: Any) -> list[bytes]:
            found.append(
                (name, environ['SCRIPT_NAME'], environ['PATH_INFO']))
            return []
        return answer

    apps = {name: app(name) for name in NAMES}
    environ = {
        'SCRIPT_NAME': root, 'PATH_INFO': path.encode().decode('latin-1')}
    Dispatcher(app('hub'), apps.get, app('nowhere'))(
        environ, lambda *args: None)
    (only,) = found
    return only


@pytest.mark.parametrize('path, found', [
    ('/', ('hub', '', '/')),
    ('/workflows', ('hub', '', '/workflows')),
    ('/workflows/', ('nowhere', '', '/workflows/')),
    ('/workflows/a', ('a', '/workflows/a', '')),
    ('/workflows/a/', ('a', '/workflows/a', '/')),
    ('/workflows/a/identify', ('a', '/workflows/a', '/identify')),
    ('/workflows/a/b/identify', ('a/b', '/workflows/a/b', '/identify')),
    ('/workflows/ab/identify', ('nowhere', '', '/workflows/ab/identify')),
    ('/workflows//a/', ('nowhere', '', '/workflows//a/')),
])
def test_longest_known_name(path: str, found: Found) -> None:
    assert asked(path) == found


def test_names_beyond_ascii() -> None:
    name, root, path = asked('/workflows/größe/run1/logs')
    assert name == 'größe/run1'
    assert root.encode('latin-1').decode() == '/workflows/größe/run1'
    assert path == '/logs'


def test_below_a_prefix() -> None:
    assert asked('/workflows/a/x', '/hub') == ('a', '/hub/workflows/a', '/x')


def test_paths_that_are_no_text_or_too_deep() -> None:
    assert asked('/workflows/\udcff'.encode(
        errors='surrogateescape').decode('latin-1'))[0] == 'nowhere'
    assert asked(f'/workflows/{"a/" * 10_000}')[0] == 'a'
