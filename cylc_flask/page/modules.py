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
"""The modules that a script imports.

A browser learns of each only when it has read the one that imports it. A
page that lists them all is complete after one round trip instead of one for
each step on the way.
"""

from __future__ import annotations

from functools import lru_cache
import posixpath
import re

from cylc_flask.page.files import Files

#: Imports at the beginning of a line, as we write them; not ``import()``,
#: which is for what is fetched when it is wanted.
IMPORT = re.compile(r"^(?:import|export)\b[^;'()]*'(\.[^']+)'", re.MULTILINE)


def imported(files: Files, script: str) -> tuple[str, ...]:
    """Return the paths of all modules that a script leads to.

    Args:
        files: The files for browsers.
        script: The path of the script among them.
    """
    return _imported(files, files.hash, script)


@lru_cache(maxsize=16)
def _imported(files: Files, _hash: str, script: str) -> tuple[str, ...]:
    found = [script]
    for name in found:
        content = files.find(name)
        text = content.data.decode() if content else ''
        for path in IMPORT.findall(text):
            other = posixpath.normpath(f'{posixpath.dirname(name)}/{path}')
            if other not in found and files.find(other):
                found.append(other)
    return tuple(found[1:])
