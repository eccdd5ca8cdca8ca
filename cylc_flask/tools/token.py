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
"""Add, list and revoke tokens: what programs use in place of a password.

A token belongs to a user and may do what the user may, but no more than its
scope says: levels and operations (with ! in front: not that one), and globs of
workflows. It is shown once, when it is made; send it as the header
"Authorization: Bearer TOKEN".

Examples:
  # a token of your own which may read all workflows, for thirty days
  $ cylc flask token add dashboard

  # one which may also hold and release, in some workflows, for a year
  $ cylc flask token add ci --may full-read hold release \\
  >     --workflow 'nwp/*' --workflow demo --expires 365d

  # one of another user
  $ cylc flask token add robot --user alice --may identity

  # see what there is, and revoke
  $ cylc flask token list
  $ cylc flask token revoke dashboard
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import time

from cylc_flask.errors import CylcFlaskError
from cylc_flask.hub.audit import stamp
from cylc_flask.hub.audit_query import seconds_of
from cylc_flask.hub.users.accounts import Accounts
from cylc_flask.hub.users.tokens import Tokens
from cylc_flask.tools import hub_files

NEVER = 'never'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to do, with which token."""
    actions = parser.add_subparsers(
        dest='action', required=True, metavar='ACTION')
    add = actions.add_parser('add', help='make a token, and print it')
    add.add_argument('name', metavar='NAME', help='what to call it')
    _take_user(add)
    add.add_argument(
        '--may', metavar='WORD', nargs='+', default=['full-read'],
        help='levels and operations, with ! in front not that (full-read)')
    add.add_argument(
        '--workflow', metavar='GLOB', action='append',
        help='only for these workflows (may be repeated)')
    add.add_argument(
        '--expires', metavar='TIME', default='30d',
        help=f'after so long: 12h, 7d, 4w, or {NEVER} (%(default)s)')
    list_ = actions.add_parser('list', help='list the tokens of all users')
    hub_files.take_json(list_)
    revoke = actions.add_parser('revoke', help='end a token')
    revoke.add_argument('name', metavar='NAME')
    _take_user(revoke)


def _take_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--user', metavar='USER', default=hub_files.owner(),
        help='whose it is (%(default)s)')


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    tokens = Tokens(hub_files.directory())
    if arguments.action == 'list':
        hub_files.show(
            ('user', 'name', 'may', 'workflows', 'made', 'expires'),
            rows(tokens), arguments.json)
        return 0
    if arguments.action == 'add':
        print(add(tokens, arguments))
    elif not tokens.revoke(arguments.user, arguments.name):
        raise CylcFlaskError(
            f'{arguments.user} has no token {arguments.name:.64}')
    hub_files.note(
        f'token-{arguments.action}', f'{arguments.user}/{arguments.name}')
    return 0


def add(tokens: Tokens, arguments: argparse.Namespace) -> str:
    """Make a token."""
    user = arguments.user
    if user != hub_files.owner() and not Accounts(
        hub_files.directory()
    ).find(user):
        raise CylcFlaskError(f'there is no user {user:.64}')
    expires = arguments.expires
    return tokens.add(
        user, arguments.name, tuple(arguments.may),
        tuple(arguments.workflow or ['*']),
        None if expires == NEVER else seconds_of(expires))


def rows(tokens: Tokens) -> Iterator[tuple[str, ...]]:
    """Yield what there is to know about each token."""
    for token in tokens.all():
        expires = NEVER if token.expires is None else _date(token.expires)
        if token.expires is not None and token.expires <= time.time():
            expires += ' (expired)'
        yield (
            token.user, token.name, ' '.join(token.may),
            ' '.join(token.workflows), _date(token.made), expires)


def _date(seconds: float) -> str:
    return f'{stamp(seconds)[:16]}Z'
