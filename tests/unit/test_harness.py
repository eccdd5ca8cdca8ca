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
"""What tests lean on themselves."""

from __future__ import annotations

import pytest

from tests.harness import need, toml, wait_for


def test_tool_that_is_there():
    assert need('sh').endswith('/sh')


def test_missing_tool_is_skipped(monkeypatch):
    monkeypatch.delenv('CI', raising=False)
    with pytest.raises(pytest.skip.Exception, match='no-such-tool'):
        need('no-such-tool')


def test_missing_tool_fails_in_ci(monkeypatch):
    monkeypatch.setenv('CI', 'true')
    with pytest.raises(pytest.fail.Exception, match='no-such-tool'):
        need('no-such-tool')


def test_waiting_has_an_end():
    with pytest.raises(AssertionError, match='a miracle'):
        wait_for(lambda: False, 0.01, 'a miracle')


def test_settings_are_written_tables_last():
    assert toml({'a': {'b': 1}, 'c': ['d']}) == 'c = ["d"]\n[a]\nb = 1\n'
