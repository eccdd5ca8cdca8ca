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
"""What the tools for users, tokens and the audit log have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
import json
from pathlib import Path
import sys
import time
from typing import Any

from cylc.flow.hostuserutil import get_user
from cylc_flask import config
from cylc_flask.hub.audit import Record, append, stamp


def directory() -> Path:
    """Return where the hub keeps its files."""
    return Path(config.load().hub.directory)


def owner() -> str:
    """Return whose workflows they are: whoever runs this."""
    return str(get_user())  # type: ignore[no-untyped-call]


def note(operation: str, detail: str) -> None:
    """Write to the audit log what has been done; complain if it is full."""
    record = Record(
        stamp(time.time()), owner(), 'cylc flask', operation, detail=detail)
    try:
        append(directory(), record)
    except OSError as exc:
        print(f'WARNING: not in the audit log: {exc}', file=sys.stderr)


def show(
    heads: Sequence[str], rows: Iterable[Sequence[str]], as_json: bool,
) -> None:
    """Print a table, in columns or as a JSON list of objects."""
    rows = [*rows]
    if as_json:
        objects = [dict(zip(heads, row, strict=True)) for row in rows]
        print(json.dumps(objects, indent=2))
        return
    widths = [
        max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        cells = (
            cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print('  '.join(cells).rstrip())


def take_json(parser: Any) -> None:
    """Take the form of the output."""
    parser.add_argument('--json', action='store_true', help='print JSON')
