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
"""Every Python that is at hand, as clients run on old ones and new ones."""

from __future__ import annotations

from pathlib import Path
import shutil
import subprocess
import sys

NAMES = ('python2.7', 'python3')


def pythons() -> list[str]:
    """Return interpreters, one of each version, our own the first."""
    found: dict[str, str] = {}
    pyenv = Path('~/.pyenv/versions').expanduser()
    for path in (
        sys.executable,
        *sorted(map(str, pyenv.glob('*/bin/python'))),
        *filter(None, map(shutil.which, NAMES)),
    ):
        version = version_of(path)
        if version:
            found.setdefault(version, path)
    return list(found.values())


def version_of(path: str) -> str:
    """Return its version, '' if it does not run or knows no TLS."""
    result = subprocess.run(
        [path, '-c', 'import ssl, sys; print(sys.version[:4])'],
        capture_output=True,
        text=True,
    )
    return result.stdout.strip()
