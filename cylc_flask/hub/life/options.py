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
"""The options of Cylc's commands, those which may be set from afar.

What each is, Cylc's own option parsers tell; which of them are harmless in
other hands than those of the owner's shell, is said here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from optparse import Option as ParserOption
import re
from typing import Any

from ansimarkup import strip

from cylc_flask.errors import RequestError
from cylc_flask.validate import shown, text

#: Where the option parser of each command is.
PARSERS = {
    'clean': 'cylc.flow.scripts.clean',
    'install': 'cylc.flow.scripts.install',
    'play': 'cylc.flow.scheduler_cli',
    'reinstall': 'cylc.flow.scripts.reinstall',
    'reload': 'cylc.flow.scripts.reload',
    'stop': 'cylc.flow.scripts.stop',
    'validate': 'cylc.flow.scripts.validate',
}

#: Values which Cylc hands to shells of other hosts as they are: no signs that
#: mean something to a shell, but for those of patterns.
TO_SHELLS = {'rm': re.compile(r'[\w.+@%,=:/*?\[\]-]+', re.ASCII)}

#: For each command: how much is said, and how patiently.
COMMON = {'comms-timeout', 'debug', 'quiet', 'timestamp', 'verbose'}

ALLOWED: dict[str, set[str]] = {
    'clean': {'local-only', 'remote-only', 'rm', 'timeout'},
    'install': {'no-ping', 'no-run-name', 'run-name'},
    'play': {
        'abort-if-any-task-fails', 'downgrade', 'final-cycle-point',
        'hold-after', 'initial-cycle-point', 'main-loop', 'mode', 'pause',
        'set', 'set-list', 'start-cycle-point', 'start-task',
        'stop-cycle-point', 'upgrade',
    },
    'reinstall': set(),
    'reload': {'global'},
    'stop': {'flow', 'interval', 'kill', 'max-polls', 'now', 'wall-clock'},
    'validate': {
        'against-source', 'check-circular', 'initial-cycle-point', 'mode',
        'set', 'set-list',
    },
}

#: What stays with the owner's shell, and why.
WITHHELD = {
    'color': 'the output is no terminal',
    'format': 'people read the output',
    'help': 'it does nothing else',
    'host': 'it is given to ssh; the site chooses the host',
    'no-detach': 'the command would last as long as the run',
    'no-scan': 'it makes Cylc clean what runs',
    'no-timestamp': 'it does nothing',
    'output': 'it writes to any file',
    'profile': 'it writes files',
    'reference-log': 'it is for tests of Cylc',
    'reference-test': 'it is for tests of Cylc',
    'set-file': 'it reads any file',
    'symlink-dirs': 'it writes outside the run directory',
    'workflow-name': 'it is what the order is for',
    'yes': 'it is an answer to a question that nobody has seen',
}

#: The longest value, in characters, and how many one option may have.
LONGEST = 4096
MOST = 100

#: "--now --now" is more than "--now"; three of a kind are no more.
TIMES = 2


@dataclass(frozen=True)
class Option:
    """One option of one command.

    Args:
        name: Its long name, without the dashes.
        kind: flag, count, choice, integer, text or list (of texts).
        choices: What a choice is between.
        metavar: What a value is called.
        help: What the command itself says of it.
        aliases: Further long names.
    """

    name: str
    kind: str
    choices: tuple[str, ...] = ()
    metavar: str = ''
    help: str = ''
    aliases: tuple[str, ...] = ()

    def words(self, value: Any) -> list[str]:
        """Return what is added to the command line for a value.

        Name and value are one word, so that no value is taken for an option.

        Raises:
            RequestError: It is no value for this option.
        """
        match self.kind, value:
            case _, None | False:
                return []
            case 'flag' | 'count', True:
                return [f'--{self.name}']
            case 'count', int() if 0 <= value <= TIMES:
                return [f'--{self.name}'] * value
            case 'list', list() if len(value) <= MOST:
                return [self._word(item) for item in value]
            case 'flag' | 'count', _:
                raise self._refused(value, 'true or false')
            case _:
                return [self._word(value)]

    def _word(self, value: Any) -> str:
        if self.kind == 'choice' and value not in self.choices:
            raise self._refused(value, f'one of {", ".join(self.choices)}')
        if self.kind == 'integer':
            return f'--{self.name}={self._integer(value)}'
        value = text(self.name, value)
        if len(value) > LONGEST or not value.isprintable():
            raise self._refused(
                value, f'a line of at most {LONGEST} characters')
        safe = TO_SHELLS.get(self.name)
        if safe and not safe.fullmatch(value):
            raise self._refused(
                value, 'paths or patterns of letters, digits, _.+@%,=:/*?[]-')
        return f'--{self.name}={value}'

    def _integer(self, value: Any) -> int:
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value[:10])
        if isinstance(value, bool) or not isinstance(value, int) or (
            not 0 <= value < 10 ** 9
        ):
            raise self._refused(value, 'a number')
        return value

    def _refused(self, value: Any, wanted: str) -> RequestError:
        return RequestError(
            f'{self.name} must be {wanted}, not {shown(value)}')


@cache
def of(command: str) -> dict[str, Option]:
    """Return a command's options by name, those which may be set.

    Raises:
        KeyError: There is no such command.
    """
    allowed = ALLOWED[command] | COMMON
    return {
        option.name: option
        for option in map(_option, parsed(command)) if option.name in allowed
    }


def parsed(command: str) -> list[ParserOption]:
    """Return all options which the installed cylc-flow has."""
    parser: Any = import_module(PARSERS[command]).get_option_parser()
    # play's parser is one for all, and may have them already.
    if not parser.has_option('--debug'):
        parser.add_std_options()
    options: list[ParserOption] = parser.option_list
    return options


def _option(option: Any) -> Option:
    name, *aliases = (long[2:] for long in option._long_opts)
    return Option(
        name,
        _kind(option),
        choices=tuple(sorted(option.choices or ())),
        metavar=option.metavar or '',
        help=strip(option.help or '').replace(
            '%default', str(option.default)),
        aliases=tuple(aliases),
    )


def _kind(option: Any) -> str:
    match option.action, option.type:
        case 'append', _:
            return 'list'
        case 'count', _:
            return 'count'
        case 'store', 'choice':
            return 'choice'
        case 'store', 'int':
            return 'integer'
        case 'store', _:
            return 'text'
        case _:
            return 'flag'


def words(command: str, values: Mapping[str, Any]) -> list[str]:
    """Return the words of a command line for options and their values.

    Args:
        command: E.g. ``play``.
        values: By name, with dashes or underscores, or by an alias.

    Raises:
        RequestError: Something in them is not for this command.
    """
    known = of(command)
    names = {alias: name for name in known for alias in known[name].aliases}
    given: dict[str, Any] = {}
    for key, value in values.items():
        dashed = key.replace('_', '-')
        name = names.get(dashed, dashed)
        if name not in known:
            raise RequestError(_unknown(command, name))
        if name in given:
            raise RequestError(f'{name} is given twice')
        given[name] = value
    return [
        word for name, value in given.items()
        for word in known[name].words(value)
    ]


def _unknown(command: str, name: str) -> str:
    if name in WITHHELD:
        return f'"{name}" cannot be set here: {WITHHELD[name]}'
    return (
        f'cylc {command} has no option {shown(name)} which can be set here:'
        f' there are {", ".join(sorted(of(command)))}'
    )
