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
"""Write the schema as SDL, for the line of cylc-flow that is installed."""

from __future__ import annotations

from pathlib import Path

from graphql import lexicographic_sort_schema, print_schema

from cylc.flow import __version__
from cylc_flask.query.schema import make_schema

DOCS = Path(__file__).parent


def path() -> Path:
    """Return the file for the installed line, such as 8.7."""
    major, minor, *_ = __version__.split('.')
    return DOCS / f'schema-{major}.{minor}.graphql'


def sdl() -> str:
    """Return the schema, in an order that does not change by itself."""
    schema = print_schema(lexicographic_sort_schema(make_schema()))
    return ''.join(f'{line.rstrip()}\n' for line in schema.splitlines())


if __name__ == '__main__':
    path().write_text(sdl())
    print(f'Wrote {path()}')
