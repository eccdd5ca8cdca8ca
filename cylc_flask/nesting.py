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
"""How deep a document is nested: what is deep is hard on what reads it."""

from __future__ import annotations

from typing import Any


def depth(document: Any, most: int) -> int:
    """Return how deep a document is nested, ``most + 1`` for all above.

    Examples:
        >>> depth({'a': [{}]}, 9), depth({}, 9), depth('text', 9)
        (3, 1, 0)
        >>> depth([[[[]]]], 2)
        3
    """
    found, level = 0, [document]
    while level and found <= most:
        found += any(isinstance(item, (dict, list)) for item in level)
        level = [
            inner for item in level if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return found
