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
"""Server threads for tests; none may leave anything behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cylc_flask import certificate
from tests.unit.server.served import Served


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Start servers: ``serve(app, **limits)``."""
    running: list[Served] = []

    def start(*args: Any, **kwargs: Any) -> Served:
        running.append(Served(*args, **kwargs))
        return running[-1].wait()

    yield start
    for served in running:
        served.close()


@pytest.fixture(scope='session')
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Paths of a certificate for this host, and of its key."""
    folder: Path = tmp_path_factory.mktemp('tls')
    paths = folder / 'ssl.cert', folder / 'ssl.pem'
    certificate.make(*paths, ['localhost'])
    return str(paths[0]), str(paths[1])
