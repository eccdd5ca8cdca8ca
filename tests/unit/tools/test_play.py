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
"""What a demo lends to others that are played beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cylc_flask.tools import play
from cylc_flask.tools.play import SITE_VARIABLE, Play


@pytest.mark.parametrize('site, variable, expected', [
    (False, None, 'demo'),
    (False, '/our/site', '/our/site'),
    (True, None, None),
])
def test_lend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    site: bool, variable: str | None, expected: str | None,
) -> None:
    """Nothing that somebody has configured is put aside."""
    monkeypatch.setattr(
        play, 'SITE', tmp_path if site else tmp_path / 'nothing')
    # So that it is taken back in any case.
    monkeypatch.setenv(SITE_VARIABLE, variable or '')
    if variable is None:
        del os.environ[SITE_VARIABLE]
    demo = Play('demo')
    demo.lend()
    if expected == 'demo':
        expected = str(demo.run_dir / 'conf')
    assert os.environ.get(SITE_VARIABLE) == expected
