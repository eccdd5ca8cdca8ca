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
"""What commands see."""

from __future__ import annotations

from cylc_flask.hub.life.surroundings import bin_directory, environment

OURS = {
    'HOME': '/home/x', 'LANG': 'C.UTF-8', 'LC_ALL': 'C', 'PATH': '/bin',
    'CYLC_CONF_PATH': '/conf', 'CYLC_WORKFLOW_ID': 'outer',
    'CYLC_FLASK_HUB_SECRET': 's', 'COLUMNS': '80', 'DB_PASSWORD': 'p',
    'PYTHONPATH': '/x', 'LD_PRELOAD': '/x', 'PROJECT': 'p1', 'TERM': 'xterm',
}


def test_only_what_is_harmless():
    assert environment(ours=OURS) == {
        'HOME': '/home/x', 'LANG': 'C.UTF-8', 'LC_ALL': 'C',
        'CYLC_CONF_PATH': '/conf', 'PATH': f'{bin_directory()}:/bin',
    }


def test_more():
    assert environment(['PRO*'], OURS)['PROJECT'] == 'p1'


def test_no_path():
    path = environment(ours={})['PATH']
    assert path.startswith(f'{bin_directory()}:/')


def test_cylc_is_there():
    assert (bin_directory() / 'cylc').is_file()


def test_of_this_process(monkeypatch):
    monkeypatch.setenv('TZ', 'UTC')
    monkeypatch.setenv('A_SECRET', 'x')
    seen = environment()
    assert seen['TZ'] == 'UTC' and 'A_SECRET' not in seen
