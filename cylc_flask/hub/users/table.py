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
"""Tables in JSON files: rows by name, each checked when it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import json
from pathlib import Path
from typing import Any, TypeVar

from cylc_flask.errors import CylcFlaskError
from cylc_flask.private import UnusableFile

T = TypeVar('T')

Row = Mapping[str, Any]


def dump(rows: Mapping[str, Row]) -> bytes:
    """Return the content of a file."""
    return json.dumps(rows, indent=1, sort_keys=True).encode() + b'\n'


def load(
    path: Path, content: bytes, make: Callable[[str, Row], T],
) -> dict[str, T]:
    """Return what a file holds, by name; an empty one holds nothing.

    Args:
        path: The file, for the error.
        content: What it holds.
        make: Makes something of a name and its row.

    Raises:
        UnusableFile: It is not what `dump` has made.
    """
    if not content:
        return {}
    name = ''
    try:
        rows = json.loads(content)
        found: dict[str, T] = {}
        for name, row in rows.items():
            found[name] = make(name, row)
    except (
        ValueError, KeyError, TypeError, AttributeError, RecursionError,
        CylcFlaskError,
    ) as exc:
        raise UnusableFile(
            path, f'not a file of ours: {name:.64}: {exc}') from exc
    return found
