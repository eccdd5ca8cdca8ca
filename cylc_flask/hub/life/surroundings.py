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
"""What the commands of Cylc see of the hub's own surroundings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
import os
from pathlib import Path
import sys

#: The variables which are handed on, by pattern. Schedulers, and the jobs
#: and handlers which they start, inherit them: what is not named here, a
#: secret of the hub's for instance, does not get that far.
HANDED_ON = (
    'CYLC_CONF_PATH', 'CYLC_FLASK_CONFIG', 'CYLC_SITE_CONF_PATH',
    'HOME', 'KRB5CCNAME', 'LANG', 'LANGUAGE', 'LC_*', 'LD_LIBRARY_PATH',
    'LOGNAME', 'SHELL', 'SSH_AUTH_SOCK', 'TMPDIR', 'TZ', 'USER',
)


def bin_directory() -> Path:
    """Return where the programs of our own installation are."""
    return Path(sys.executable).parent


def environment(
    more: Iterable[str] = (), ours: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment of a command.

    Cylc looks for "cylc" in the path: ours is first there, activated or not.

    Args:
        more: Patterns of further variables to hand on.
        ours: The hub's environment; that of this process if not given.
    """
    ours = os.environ if ours is None else ours
    patterns = (*HANDED_ON, *more)
    path = ours.get('PATH', os.defpath)
    return {
        **{
            key: value for key, value in ours.items()
            if any(fnmatchcase(key, pattern) for pattern in patterns)
        },
        'PATH': f'{bin_directory()}:{path}',
    }
