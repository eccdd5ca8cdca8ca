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
"""cylc flask COMMAND [ARGS]

Run and use the web server inside the scheduler.
"""

from __future__ import annotations

import argparse
from importlib import import_module
import sys
from typing import NoReturn

TOOLS = {
    'demo': 'play a demo workflow with the web server inside',
    'info': 'show what runs where, and how to reach it',
    'call': 'call an endpoint of a running workflow',
    'cert': 'make, show or renew a certificate',
    'config': 'show the configuration and where it comes from',
    'hub': 'serve all workflows behind one URL, and start new ones',
    'user': 'add, list and remove users of the hub',
    'token': 'add, list and revoke tokens of users of the hub',
    'audit': 'show who did what by the hub',
    'version': 'show the version',
}

INTERRUPTED = 130


def overview() -> argparse.ArgumentParser:
    """Return the parser of the first word.

    It knows the tools by name only, because "cylc help all" imports this
    module and must not wait for them.
    """
    parser = argparse.ArgumentParser(
        prog='cylc flask',
        description=__doc__.splitlines()[2],
        epilog='commands:\n' + '\n'.join(
            f'  {name:<10}{text}' for name, text in TOOLS.items()
        ) + '\n\n"cylc flask COMMAND --help" tells more about each.',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('command', metavar='COMMAND', choices=TOOLS)
    parser.add_argument('arguments', metavar='ARGS', nargs='*')
    return parser


def dispatch(name: str, arguments: list[str]) -> int:
    """Run a tool with the words that follow its name."""
    tool = import_module(f'cylc_flask.tools.{name}')
    parser = argparse.ArgumentParser(
        prog=f'cylc flask {name}',
        description=tool.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    tool.add_arguments(parser)
    status: int = tool.run(parser.parse_args(arguments))
    return status


def main(*args: str) -> NoReturn:
    """Run "cylc flask" with these words, and exit.

    Cylc ignores what a command returns, hence the exit.
    """
    from cylc_flask.errors import CylcFlaskError

    if not args:
        overview().print_help()
        sys.exit(0)
    first = overview().parse_args(args[:1])
    try:
        sys.exit(dispatch(first.command, list(args[1:])))
    except (CylcFlaskError, OSError) as exc:
        sys.exit(f'cylc flask {first.command}: {exc}')
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def script() -> NoReturn:
    """Run "cylc-flask", the same without Cylc in front of it."""
    main(*sys.argv[1:])
