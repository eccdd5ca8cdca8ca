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
"""What a page tells a browser to fetch beforehand."""

from __future__ import annotations

from pathlib import Path

from cylc_flask import assets
from cylc_flask.page.files import Files
from cylc_flask.page.modules import imported

SCRIPTS = {
    'js/main.js': """
import './first.js';
import {
  one, two,
} from './second.js';
export {three} from '../other/third.js';
import * as again from './first.js';
const later = () => import('./later.js');
/** @param {import('./types.js').Thing} thing */
const text = "import './text.js'";
""",
    'js/first.js': "import {x} from './deep/fourth.js';",
    'js/second.js': "import './main.js';",
    'js/deep/fourth.js': "import '../first.js';\n",
    'other/third.js': "import './missing.js';",
}


def write(folder: Path, scripts: dict[str, str]) -> Files:
    for name, text in scripts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Files(folder, every=0)


def test_imported(tmp_path):
    """All that is sure to be wanted is listed once, the nearest first."""
    assert imported(write(tmp_path, SCRIPTS), 'js/main.js') == (
        'js/first.js', 'js/second.js', 'other/third.js',
        'js/deep/fourth.js',
    )


def test_changes_are_seen(tmp_path):
    files = write(tmp_path, SCRIPTS | {'js/main.js': "import './second.js';"})
    assert imported(files, 'js/main.js') == ('js/second.js',)
    write(tmp_path, {'js/main.js': "import '../other/third.js';"})
    assert imported(files, 'js/main.js') == ('other/third.js',)


def test_ours():
    """Each module that the page begins with is there."""
    files = Files(assets.folder('static'))
    names = imported(files, 'js/main.js')
    assert {'js/store.js', 'js/tree.js', 'js/socket.js'} <= set(names)
    assert 'js/task.js' not in names
    assert all(files.find(name) for name in names)
