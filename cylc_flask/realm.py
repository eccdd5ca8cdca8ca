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
"""What the password of a workflow is asked for."""

from __future__ import annotations

from urllib.parse import quote

#: What a realm may hold besides letters and digits: printable ASCII without
#: the quote and the backslash, which clients escape each in their own way,
#: and the percent sign.
_PLAIN = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"


def realm_of(workflow: str) -> str:
    """Return the realm of a workflow: its name, the same in all clients.

    Those do not agree on letters outside ASCII, nor on how to escape, so
    such are percent-encoded.

    Examples:
        >>> realm_of('nwp/run1')
        'nwp/run1'
        >>> realm_of('größe')
        'gr%C3%B6%C3%9Fe'
    """
    return quote(workflow, safe=_PLAIN)
