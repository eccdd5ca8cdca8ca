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

import subprocess
import sys

import pytest

from cylc_flask.address import info_path
from cylc_flask.errors import CylcFlaskError
from cylc_flask.tools.locate import _parsed, _served, locate


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Make runs which seem to be served."""
    monkeypatch.setenv('HOME', str(tmp_path))
    root = tmp_path / 'cylc-run'
    for name in ('plain', 'numbered/run1', 'numbered/run2', 'a/b.c-d'):
        path = info_path(root / name)
        path.parent.mkdir(parents=True)
        path.touch()
        (root / name / 'flow.cylc').touch()
    (root / 'numbered' / 'runN').symlink_to('run2')
    return root


@pytest.mark.parametrize('name, id_', [
    ('plain', 'plain'),
    ('a/b.c-d', 'a/b.c-d'),
    ('numbered', 'numbered/run2'),
    ('numbered/run1', 'numbered/run1'),
])
def test_plain_names_mean_what_they_mean_to_cylc(runs, name, id_):
    assert _served(name) == _parsed(name) == (id_, runs / id_)


@pytest.mark.parametrize('name', [
    '', '.', './plain', 'plain/', 'a//b.c-d', '/plain', 'a/../plain',
    'numbered/runN', '~me/plain', 'plain:running', 'pl*', 'unknown',
])
def test_other_names_are_left_to_cylc(runs, name):
    assert _served(name) is None


def test_unknown(runs):
    with pytest.raises(CylcFlaskError):
        locate('//1/foo')


def test_light(runs):
    """A name is found without the parts of Cylc that take long to import."""
    code = (
        'import sys; from cylc_flask.tools import call;'
        ' call.locate("plain");'
        ' sys.exit(any(name.startswith("cylc.flow.") or name == "asyncio"'
        ' for name in sys.modules))'
    )
    assert subprocess.run((sys.executable, '-c', code)).returncode == 0
