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
"""Show who did what by the hub, from where, and what became of it.

Examples:
  # the latest
  $ cylc flask audit

  # what was denied in the last two hours
  $ cylc flask audit --since 2h --outcome denied

  # what alice did to a workflow and all below that name, for a script
  $ cylc flask audit --user alice --workflow nwp --json

  # who stopped something in a certain year
  $ cylc flask audit --operation stop --since 2030-01-01 --until 2031-01-01
"""

from __future__ import annotations

import argparse
import json

from cylc_flask.errors import CylcFlaskError
from cylc_flask.hub.audit import OUTCOMES, Record
from cylc_flask.hub.audit_query import Query, search, when
from cylc_flask.tools import hub_files

#: Stands for an empty text.
NOTHING = '-'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what is wanted."""
    time = 'ISO 8601, or 15m, 2h, 7d for so long ago'
    parser.add_argument('--since', metavar='TIME', default='', help=time)
    parser.add_argument('--until', metavar='TIME', default='', help=time)
    parser.add_argument('--user', metavar='NAME', default='')
    parser.add_argument(
        '--workflow', metavar='GLOB', default='',
        help='on these workflows, or those in folders of that name')
    parser.add_argument('--operation', metavar='NAME', default='')
    parser.add_argument('--outcome', choices=OUTCOMES, default='')
    parser.add_argument(
        '--limit', metavar='NUMBER', type=int, default=100,
        help='the latest so many (%(default)s)')
    parser.add_argument(
        '--json', action='store_true', help='print a JSON object a line')


def run(arguments: argparse.Namespace) -> int:
    """Print what is wanted."""
    if arguments.limit < 1:
        raise CylcFlaskError('--limit must be 1 at least')
    query = Query(
        since=arguments.since and when(arguments.since),
        until=arguments.until and when(arguments.until),
        user=arguments.user,
        workflow=arguments.workflow,
        operation=arguments.operation,
        outcome=arguments.outcome,
        limit=arguments.limit,
    )
    for record in search(hub_files.directory(), query):
        print(record.to_line() if arguments.json else line(record))
    return 0


def line(record: Record) -> str:
    """Return a record for a person to read, in which nothing can break out.

    Examples:
        >>> line(Record('T', 'alice', '::1', 'stop', 'nwp', detail='now'))
        'T  alice  ::1  stop  nwp  ok  "now"'
        >>> line(Record('T', 'x\\n', '::1', 'login', outcome='denied'))
        'T  "x\\\\n"  ::1  login  -  denied'
        >>> line(Record('T', 'x  ::1', '-', 'a b', outcome='ok'))
        'T  "x  ::1"  "-"  a b  -  ok'
    """
    words = (
        record.time, record.user, record.address, record.operation,
        record.workflow, record.outcome)
    detail = (json.dumps(record.detail),) if record.detail else ()
    return '  '.join((*map(_word, words), *detail))


def _word(text: str) -> str:
    """Return a text that cannot be taken for several, or for none."""
    if not text:
        return NOTHING
    plain = (
        text.isascii() and text.isprintable() and '"' not in text
        and text.split(' ') == text.split() and text != NOTHING
    )
    return text if plain else json.dumps(text)
