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
"""Names of users and tokens, as they may stand in logs and headers."""

from __future__ import annotations

import re

from cylc_flask.errors import CylcFlaskError

_NAME = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}').fullmatch

#: Cylc 7's users, whom there are only below a workflow's own URL.
LEGACY = ('cylc', 'anon')


def check_name(name: str) -> str:
    """Return a name that may be given to something.

    Raises:
        CylcFlaskError: It may not.

    Examples:
        >>> check_name('alice@example.org')
        'alice@example.org'
    """
    if not _NAME(name):
        raise CylcFlaskError(
            f'{name[:64]!r} is no name: take letters, digits and _.@+-, 64 of'
            ' them at most, no sign of punctuation first')
    return name


def check_user_name(name: str) -> str:
    """Return a name that may be given to a user.

    Raises:
        CylcFlaskError: It may not.
    """
    if name.lower() in LEGACY:
        raise CylcFlaskError(
            f'{name}: the users {" and ".join(LEGACY)} are those of each'
            ' workflow')
    return check_name(name)
