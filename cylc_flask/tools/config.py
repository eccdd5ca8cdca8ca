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
"""Show the configuration in force, and where each value comes from.

What is printed is itself a configuration file, with the sources as comments.

Examples:
  # what a workflow would run with if it were started now
  $ cylc flask config

  # the same with a variable set
  $ CYLC_FLASK_PORT=43001..43010 cylc flask config

  # for a script
  $ cylc flask config --json
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import json
import os
from typing import Any

from cylc_flask import config
from cylc_flask.privilege import Privilege


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the form of the output."""
    parser.add_argument(
        '--json', action='store_true',
        help='print {KEY: {"value": VALUE, "source": SOURCE}}')


def run(arguments: argparse.Namespace) -> int:
    """Print all settings."""
    found = config.load()
    if arguments.json:
        print(as_json(found))
    else:
        print('\n'.join([*files_read(), serving(found), '', *as_toml(found)]))
    return 0


def as_json(found: config.Config) -> str:
    """Return all settings and their sources as a JSON object."""
    return json.dumps(
        {
            key: {'value': plain(value), 'source': found.source(key)}
            for key, value in found.items()
        },
        indent=2,
    )


def as_toml(found: config.Config) -> Iterator[str]:
    """Yield the lines of a file that sets what is in force.

    JSON of strings, lists, numbers and booleans is TOML as well.
    """
    table = ''
    for key, value in found.items():
        head, _, name = key.rpartition('.')
        if head != table:
            table = head
            yield f'\n[{table}]'
        line = f'{name} = {json.dumps(plain(value), ensure_ascii=False)}'
        yield f'{line:<44}  # {found.source(key)}'


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    return str(value) if isinstance(value, Privilege) else value


def files_read() -> Iterator[str]:
    """Yield which files there are, for those who edit the wrong one."""
    for file, _ in config.files(os.environ):
        yield f'# {file}: {"read" if file.exists() else "not there"}'


def serving(found: config.Config) -> str:
    """Return in a sentence what the addresses and ports come to."""
    if found.unix_socket:
        return f'# serves {found.method} on the socket {found.unix_socket}'
    where = ', '.join(found.addresses) or 'all addresses'
    low, high = config.port_range(found)
    ports = f'port {low}' if low == high else f'a port from {low} to {high}'
    return f'# serves {found.method} on {where}, {ports}'
