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
"""Call an endpoint of a running workflow.

Address and passphrase are found in the run directory. What changes the
workflow is sent as a POST, what only reads as a GET. The exit status is 0
if the answer is good, and 1 if the workflow refuses.

Examples:
  # what it is called, and what it does
  $ cylc flask call my_flow get_suite_info
  $ cylc flask call my_flow get_suite_state_summary --json

  # an argument that is a list is said more than once
  $ cylc flask call my_flow hold_tasks items=foo.1 items=bar.1

  # wait at most 10 seconds for the true outcome
  $ cylc flask call my_flow trigger_tasks items=foo.1 wait=10

  # texts with blanks, and JSON, in the shell's quotes
  $ cylc flask call my_flow put_broadcast point_strings=1 \\
      namespaces=foo 'settings={"script": "true"}'
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import json
import sys
from typing import Any

from cylc_flask.proof import CallFailed
from cylc_flask.tools.client import Answer, Client
from cylc_flask.tools.locate import locate

#: How the names of endpoints begin which change nothing.
READS = ('get_', 'ping_', 'identify', 'apiversion')

#: Endpoints that take a JSON document, and which of its items are lists.
DOCUMENTS = {'put_broadcast', 'clear_broadcast', 'put_messages'}
LISTS = {
    'cancel_settings', 'messages', 'namespaces', 'point_strings', 'settings',
}

TIMEOUT = 30.0

#: No answer is waited for longer than so many seconds more.
LONGEST = 3600.0

Values = dict[str, list[str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take a workflow, an endpoint and its arguments."""
    parser.add_argument('workflow', metavar='WORKFLOW')
    parser.add_argument('endpoint', metavar='ENDPOINT')
    parser.add_argument(
        'arguments', metavar='KEY=VALUE', nargs='*', type=key_and_value)
    parser.add_argument(
        '--json', action='store_true', help='print the answer as JSON')


def key_and_value(text: str) -> tuple[str, str]:
    """Split an argument at its first equals sign."""
    key, sign, value = text.partition('=')
    if not sign or not key:
        raise argparse.ArgumentTypeError(f'no KEY=VALUE: "{text}"')
    return key, value


def run(arguments: argparse.Namespace) -> int:
    """Call, print the answer, and return whether it is good."""
    values = grouped(arguments.arguments)
    _, run_dir = locate(arguments.workflow)
    client = Client(run_dir, TIMEOUT + patience(values))
    answer = send(client, arguments.endpoint, values).value
    refused = is_refusal(answer)
    lines = (
        [json.dumps(answer, indent=2, ensure_ascii=False)]
        if arguments.json else readable(answer)
    )
    for line in lines:
        print(line, file=sys.stderr if refused else sys.stdout)
    return int(refused)


def send(client: Client, endpoint: str, values: Values) -> Answer:
    """Call in the way that the endpoint asks for."""
    if is_read(endpoint):
        return client.get(endpoint, values)
    if name_of(endpoint) in DOCUMENTS:
        return client.post_json(endpoint, document(values))
    return client.post(endpoint, values)


def grouped(pairs: list[tuple[str, str]]) -> Values:
    """Return the values by key, in their order.

    Examples:
        >>> grouped([('items', 'foo.1'), ('wait', '5'), ('items', 'bar.1')])
        {'items': ['foo.1', 'bar.1'], 'wait': ['5']}
    """
    values: Values = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    return values


def patience(values: Values) -> float:
    """Return how much longer the server is asked to take."""
    try:
        seconds = float(values['wait'][-1])
    except (KeyError, ValueError):
        return 0
    return min(seconds, LONGEST) if seconds > 0 else 0


def is_read(endpoint: str) -> bool:
    """Tell whether an endpoint changes nothing.

    Examples:
        >>> is_read('get_suite_info'), is_read('id/identify')
        (True, True)
        >>> is_read('hold_suite')
        False
    """
    return name_of(endpoint).startswith(READS)


def name_of(endpoint: str) -> str:
    """Return the name behind a mount."""
    return endpoint.rpartition('/')[2]


def document(values: Values) -> dict[str, Any]:
    """Return the JSON document of those endpoints that take one.

    Examples:
        >>> document({'namespaces': ['foo'], 'settings': ['{"script": "a"}']})
        {'namespaces': ['foo'], 'settings': [{'script': 'a'}]}
        >>> document({'task_job': ['1/foo/01']})
        {'task_job': '1/foo/01'}
    """
    return {
        key: [decoded(key, text) for text in texts]
        if key in LISTS else texts[-1]
        for key, texts in values.items()
    }


def decoded(key: str, text: str) -> Any:
    """Return what a text stands for if it is a JSON object or list."""
    if not text.startswith(('{', '[')):
        return text
    try:
        return json.loads(text)
    except ValueError as exc:
        raise CallFailed(f'{key}: no JSON: {exc}') from exc


def is_refusal(answer: Any) -> bool:
    """Tell whether an answer says no.

    Commands answer ``[false, REASON]``, broadcasts ``[DONE, BAD]``.

    Examples:
        >>> is_refusal([False, 'task not found'])
        True
        >>> is_refusal([[], {'namespaces': ['nix']}])
        True
        >>> is_refusal([None, {'expire': ['nix']}])
        True
        >>> is_refusal([[], {}]), is_refusal([True, 'Command queued'])
        (False, False)
    """
    match answer:
        case [False, _]:
            return True
        case [list() | None, dict() as bad]:
            return bool(bad)
    return False


def readable(value: Any, indent: str = '') -> Iterator[str]:
    """Yield the lines of an answer, what is nested further to the right.

    Examples:
        >>> print(*readable([True, 'Command queued']), sep='\\n')
        Command queued
        >>> print(*readable({'a': {'b': 1}, 'c': []}), sep='\\n')
        a:
            b: 1
        c: -
    """
    match value:
        case [bool(), str() as text]:
            yield from readable(text, indent)
        case dict() if value:
            for key, item in value.items():
                yield from entry(f'{indent}{key}:', item, indent)
        case list() if value:
            for item in value:
                yield from entry(f'{indent}-', item, indent)
        case _:
            yield f'{indent}{plain(value)}'


def entry(label: str, item: Any, indent: str) -> Iterator[str]:
    """Yield a labelled item, on one line if it is a single value."""
    if isinstance(item, (dict, list)) and item:
        yield label
        yield from readable(item, f'{indent}    ')
    else:
        yield f'{label} {plain(item)}'


def plain(value: Any) -> str:
    """Return a single value as text, nothing as a dash."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if value not in (None, [], {}) else '-'
