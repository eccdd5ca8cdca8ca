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
"""Run the hub: all your workflows behind one URL.

It shows which workflows there are, running or not, starts and stops them, and
serves for each what the web server inside its scheduler has. It prints an
address by which you can log in once. It runs until it is stopped, by Ctrl-C or
a signal; no workflow is touched by that.

Examples:
  # on this machine, for yourself
  $ cylc flask hub

  # at another port
  $ cylc flask hub --port 8021

  # print another address to log in by, while it runs
  $ cylc flask hub --login

  # play a small workflow as long as it runs, so that there is one to see
  $ cylc flask hub --demo
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
import logging
from pathlib import Path
import signal
import sys

from cylc.flow import LOG
from cylc_flask import config
from cylc_flask.config import Config
from cylc_flask.tools import demo
from cylc_flask.tools.play import Play


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take where to listen."""
    parser.add_argument(
        '--port', type=_port, metavar='NUMBER',
        help='listen there (hub.port in the configuration)')
    parser.add_argument(
        '--login', action='store_true',
        help='print an address to log in by, to the hub that runs')
    parser.add_argument(
        '--demo', action='store_true',
        help='play the demo workflow beside it')
    parser.add_argument(
        '--allow-root', action='store_true',
        help='run even as root (hub.allow_root in the configuration)')
    parser.add_argument(
        '--debug', action='store_true', help='tell more of what it does')


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text[:9]) < 65_536:
        raise argparse.ArgumentTypeError(
            f'"{text:.20}" is no number from 1 to 65535')
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Run the hub, or print an address."""
    found = _with_options(config.load(), arguments)
    if arguments.login:
        print(_login(found))
        return 0
    # Here, as it takes long to import.
    from cylc_flask.hub.process import HubProcess

    _begin_log(arguments.debug)
    hub = HubProcess(found, _say)
    with _demo() if arguments.demo else nullcontext():
        return hub.run()


@contextmanager
def _demo() -> Iterator[None]:
    """Play the demo workflow; its end is that of its jobs."""
    play = Play(demo.NAME)
    with play.claimed():
        _say('Starting the scheduler of the demo workflow...')
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, demo.interrupt)
        try:
            play.start()
            play.lend()
            yield
        finally:
            play.stop()


def _with_options(found: Config, arguments: argparse.Namespace) -> Config:
    hub = found.hub
    return replace(found, hub=replace(
        hub, port=arguments.port or hub.port,
        allow_root=arguments.allow_root or hub.allow_root,
    ))


def _login(found: Config) -> str:
    from cylc_flask.hub import place
    from cylc_flask.hub.auth.once import Once

    url = place.url_of(found)
    token = Once(Path(found.hub.directory)).make()
    return f'{url.rstrip("/")}/login/once?token={token}'


def _begin_log(debug: bool) -> None:
    """Write the log to standard error, where systemd takes it up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(
        '%(asctime)s %(levelname)s %(message)s', '%Y-%m-%dT%H:%M:%S%z'))
    LOG.handlers[:] = [handler]
    LOG.setLevel(logging.DEBUG if debug else logging.INFO)
    LOG.propagate = False


def _say(text: str) -> None:
    print(text, flush=True)
