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
"""Fixtures: sites behind a scheme."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import logging
from typing import Any

import pytest

from cylc_flask.auth.schemes import make_scheme
from cylc_flask.auth.users import LegacyUsers
from cylc_flask.config import Config
from cylc_flask.privilege import Privilege
from tests.unit.auth.sites import PASSPHRASE, REALM, Clock, Site


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def serve(clock: Clock) -> Iterator[Callable[..., Site]]:
    """Start sites: ``serve(raw=True, **settings)``."""
    sites: list[Site] = []
    logging.getLogger('werkzeug').setLevel(logging.ERROR)

    def start(
        raw: bool = True, realm: str = REALM, **settings: Any,
    ) -> Site:
        users = LegacyUsers(PASSPHRASE, Privilege.STATE_TOTALS)
        scheme = make_scheme(
            Config(**settings), realm, users, b'secret', clock)
        sites.append(Site(scheme, raw))
        return sites[-1]

    yield start
    for site in sites:
        site.close()


@pytest.fixture
def site(serve: Callable[..., Site]) -> Site:
    """A site with Digest by MD5."""
    return serve()
