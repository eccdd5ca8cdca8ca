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
"""Play a demo workflow with the web server inside its scheduler.

It runs in your run directory, with a configuration of its own, until you
press Ctrl-C; then its jobs are killed. The URL for a browser is printed, and
what you need to call it from another terminal.

Examples:
  $ cylc flask demo

  # a second one beside it
  $ cylc flask demo --name another-demo
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import re
from shlex import quote
import signal
from textwrap import indent
import time
from types import FrameType
from typing import Any, NoReturn

from cylc_flask.proof import CallFailed
from cylc_flask.tools.client import Client
from cylc_flask.tools.play import Play

NAME = 'cylc-flask-demo'

#: States which are told when a task enters them; the others pass quickly.
TOLD = {'running', 'succeeded', 'failed', 'retrying', 'submit-failed'}

EVERY = 1.0

INTRODUCTION = """\
The demo workflow "{name}" runs, with the web server inside its scheduler.

  URL          {url}
  user         cylc
  passphrase   {passphrase}
  log          {log}

Open the URL in a browser to watch it. To see its tasks and to steer it, log in
there as "cylc", with what is in the file "passphrase".

Or try these in another terminal, as they stand:

{calls}

To let the address and the passphrase be found for you:

  {cylc} flask call {name} get_suite_info

Ctrl-C ends the demo and its jobs.
"""

#: What to try: purpose, endpoint, and its arguments as a form.
CALLS = (
    ('what the workflow is', 'get_suite_info', ()),
    ('all its tasks', 'get_suite_state_summary', ()),
    ('hold it, and wait for the outcome', 'hold_suite', ('wait=10',)),
    ('release it', 'release_suite', ('wait=10',)),
    ('run a task again', 'trigger_tasks', ('items=thermometer.1', 'wait=10')),
    (
        'knock at the door: a task waits for this external trigger',
        'put_ext_trigger', ('event_message=knock', 'event_id=1'),
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the name under which to play."""
    parser.add_argument(
        '--name', default=NAME, type=plain_name,
        help='of the workflow (%(default)s); what an earlier demo of this'
        ' name has left is replaced')


def plain_name(text: str) -> str:
    """Return a name which is one folder below the run directory."""
    if not re.fullmatch(r'[A-Za-z][A-Za-z0-9_-]*', text):
        raise argparse.ArgumentTypeError(
            f'"{text}" is not letters, digits, "-" and "_"')
    return text


def run(arguments: argparse.Namespace) -> int:
    """Play the demo until it ends, or until somebody ends it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    play = Play(arguments.name)
    with play.claimed():
        try:
            say('Starting the scheduler...')
            play.start()
            say(introduction(play))
            watch(play)
        except KeyboardInterrupt:
            say('\nStopping the scheduler and its jobs...')
        finally:
            play.stop()
    say('The demo has ended; no process of it is left.')
    return 0


def interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """End as with Ctrl-C, so that nothing is left behind."""
    raise KeyboardInterrupt


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def introduction(play: Play) -> str:
    """Return what a visitor needs to know."""
    calls = '\n\n'.join(
        f'# {purpose}\n{curl(play, endpoint, form)}'
        for purpose, endpoint, form in CALLS
    )
    return INTRODUCTION.format(
        name=play.name,
        url=play.url,
        passphrase=play.passphrase,
        log=play.run_dir / 'log' / 'scheduler' / 'log',
        calls=indent(calls, '  '),
        cylc=quote(str(play.cylc)),
    )


def curl(play: Play, endpoint: str, form: tuple[str, ...]) -> str:
    """Return the command which calls an endpoint from any shell."""
    data = ''.join(f'-d {item} ' for item in form)
    login = f'"cylc:$(cat {quote(str(play.passphrase))})"'
    return (
        f"curl -sSw '\\n' --digest -u {login} {data or ''}"
        f'{play.url}{endpoint}'
    )


def watch(play: Play) -> None:
    """Tell what happens until the scheduler has ended."""
    client = Client(play.run_dir)
    known: dict[str, str] = {}
    while play.is_running():
        try:
            answer = client.get('get_suite_state_summary').value
        except CallFailed:
            # On its way down it has no more answers.
            answer = None
        if answer:
            now = states(answer)
            for line in changes(known, now):
                say(f'{time.strftime("%H:%M:%S")}  {line}')
            known |= now
        time.sleep(EVERY)


def states(summary: list[Any]) -> dict[str, str]:
    """Return the state of each task, and of the workflow under its name."""
    workflow, tasks, _ = summary
    return {
        'the workflow': workflow['status_string'],
        **{name: task['state'] for name, task in tasks.items()},
    }


def changes(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    """Yield a line for each change which is worth telling.

    Examples:
        >>> list(changes({'a.1': 'waiting'}, {'a.1': 'running'}))
        ['a.1                 running']
        >>> list(changes({}, {'a.1': 'waiting'}))
        []
    """
    for name, state in after.items():
        if state != before.get(name) and (
            state in TOLD or '.' not in name
        ):
            yield f'{name:<20}{state}'
