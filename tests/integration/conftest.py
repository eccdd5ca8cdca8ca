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
"""Fixtures that start real schedulers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import Starter

#: How much of a log is shown with a test that failed, in characters.
TAIL = 8000


@pytest.fixture
def start() -> Iterator[Starter]:
    """Start schedulers for one test; ``start.make`` only prepares one."""
    starter = Starter()
    yield starter
    starter.close()


@pytest.fixture(scope='module')
def mod_start() -> Iterator[Starter]:
    """Start schedulers which all tests of a module share."""
    starter = Starter()
    yield starter
    starter.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show what the schedulers logged beside a test that failed."""
    report = yield
    if report.failed:
        for starter in {'start', 'mod_start'} & set(item.funcargs):
            for run in item.funcargs[starter].runs:
                report.sections.append((f'log of {run.name}', tail(run)))
    return report


def tail(run) -> str:
    output = ''
    if run.output.exists():
        output = run.output.read_text(errors='replace')
    return output[-TAIL:]
