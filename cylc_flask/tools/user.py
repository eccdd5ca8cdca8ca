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
"""Add, list and remove users of the hub, and say what they may do.

A new user may do nothing, unless a level or the rules of the hub say so. The
levels are identity, description, state-totals, full-read, shutdown and
full-control, each of which includes those before it; none is no level at all.

A password is asked for, or comes from a file: the first line of it.

Examples:
  # add a user who may read all workflows
  $ cylc flask user add alice --level full-read

  # the same, with a password from elsewhere
  $ make-password | cylc flask user add alice --password-file -

  # see who there is, give another level, another password, and remove
  $ cylc flask user list
  $ cylc flask user level alice shutdown
  $ cylc flask user password alice
  $ cylc flask user remove alice

  # ask the rules whether a user may do something, and why
  $ cylc flask user may alice stop nwp/run1
"""

from __future__ import annotations

import argparse
from getpass import getpass
import sys

from cylc_flask.errors import CylcFlaskError
from cylc_flask.hub.users.accounts import Accounts, level_of_word
from cylc_flask.hub.users.names import check_user_name
from cylc_flask.hub.users.people import People
from cylc_flask.hub.users.tokens import Tokens
from cylc_flask.operations import LEVELS, NEEDED
from cylc_flask.privilege import Privilege
from cylc_flask.tools import hub_files

LEVEL_WORDS = (str(Privilege.NONE), *LEVELS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to do, with whom."""
    actions = parser.add_subparsers(
        dest='action', required=True, metavar='ACTION')

    def action(name: str, text: str) -> argparse.ArgumentParser:
        # No abbreviations: "--password SECRET" must not pass for a file.
        found = actions.add_parser(
            name, help=text, description=text, allow_abbrev=False)
        if name != 'list':
            found.add_argument('name', metavar='NAME')
        return found

    add = action('add', 'add a user')
    add.add_argument(
        '--level', choices=LEVEL_WORDS, default=LEVEL_WORDS[0],
        help='what they may do with all workflows (%(default)s)')
    _take_password(add)
    hub_files.take_json(action('list', 'list all users'))
    action('level', 'give a user another level').add_argument(
        'level', choices=LEVEL_WORDS)
    _take_password(action('password', 'give a user another password'))
    action('remove', 'remove a user, with all tokens')
    may = action('may', 'tell if a user may do something, and why')
    may.add_argument('operation', metavar='OPERATION', choices=NEEDED)
    may.add_argument('workflow', metavar='WORKFLOW', nargs='?', default='')


def _take_password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--password-file', metavar='FILE',
        help='take the password from a file, - for the standard input')


def run(arguments: argparse.Namespace) -> int:
    """Do it; the exit status is 1 if somebody may not do what was asked."""
    directory = hub_files.directory()
    if arguments.action == 'may':
        return may(arguments)
    accounts = Accounts(directory)
    if arguments.action == 'list':
        list_(accounts, arguments.json)
        return 0
    detail = DO[arguments.action](accounts, arguments)
    hub_files.note(f'user-{arguments.action}', detail)
    return 0


def list_(accounts: Accounts, as_json: bool) -> None:
    """Print who there is."""
    hub_files.show(
        ('name', 'level', 'changed'),
        ((item.name, str(item.level), item.changed)
         for item in accounts.all()),
        as_json)


def add(accounts: Accounts, arguments: argparse.Namespace) -> str:
    """Add a user."""
    name = check_user_name(arguments.name)
    if accounts.find(name):
        raise CylcFlaskError(f'there is a user {name} already')
    accounts.add(
        name, _password(arguments), level_of_word(arguments.level))
    return f'{name}, {arguments.level}'


def level(accounts: Accounts, arguments: argparse.Namespace) -> str:
    """Give a user another level."""
    accounts.set_level(arguments.name, level_of_word(arguments.level))
    return f'{arguments.name}, {arguments.level}'


def password(accounts: Accounts, arguments: argparse.Namespace) -> str:
    """Give a user another password."""
    _demand(accounts, arguments.name)
    accounts.set_password(arguments.name, _password(arguments))
    return str(arguments.name)


def remove(accounts: Accounts, arguments: argparse.Namespace) -> str:
    """Remove a user; the tokens go first, lest they outlive the account."""
    _demand(accounts, arguments.name)
    Tokens(hub_files.directory()).revoke(arguments.name)
    accounts.remove(arguments.name)
    return str(arguments.name)


def may(arguments: argparse.Namespace) -> int:
    """Print if somebody may do something, and why."""
    people = People(hub_files.directory(), hub_files.owner())
    person = people.by_name(arguments.name)
    if person is None:
        raise CylcFlaskError(f'there is no user {arguments.name:.64}')
    decision = people.may(person, arguments.operation, arguments.workflow)
    print(f'{"yes" if decision else "no"}: {decision.reason}')
    return int(not decision)


#: What changes something, and tells in words what.
DO = {'add': add, 'level': level, 'password': password, 'remove': remove}


def _demand(accounts: Accounts, name: str) -> None:
    if not accounts.find(name):
        raise CylcFlaskError(f'there is no user {name:.64}')


def _password(arguments: argparse.Namespace) -> str:
    """Return the password, from wherever it was said to come from."""
    file = arguments.password_file
    if file == '-':
        return _line(sys.stdin.readline())
    if file:
        with open(file, encoding='utf-8') as lines:
            return _line(lines.readline())
    if not sys.stdin.isatty():
        raise CylcFlaskError(
            'nobody is there to be asked for the password: use'
            ' --password-file')
    first = getpass(f'Password of {arguments.name}: ')
    if getpass('The same again: ') != first:
        raise CylcFlaskError('the passwords differ')
    return first


def _line(text: str) -> str:
    return text.rstrip('\r\n')
