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
"""Show where the web servers of workflows are, and if they answer.

Each server is asked who it is, as any client would do it: its certificate
is verified, the passphrase used, the name compared. The exit status is 0 if
all that are shown are healthy, else 1.

Examples:
  # all workflows of yours that have a web server
  $ cylc flask info

  # one of them
  $ cylc flask info my_workflow

  # who still calls the API of Cylc 7, of a stopped workflow too
  $ cylc flask info --usage my_workflow

  # its URL, for a script
  $ cylc flask info my_workflow --json | python3 -c \\
      'import json, sys; print(json.load(sys.stdin)["url"])'
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
import json
from pathlib import Path
from time import perf_counter
from typing import Any

from cylc_flask.address import SERVICE, Info, info_path, is_alive, read_info
from cylc_flask.credentials import CERTIFICATE, PASSPHRASE
from cylc_flask.errors import CylcFlaskError
from cylc_flask.realm import realm_of
from cylc_flask.tools import usage
from cylc_flask.tools.client import Client
from cylc_flask.tools.locate import locate, served

#: Seconds to wait for a server.
PATIENCE = 5.0

#: How many servers are asked at once.
AT_ONCE = 16

HEALTHY = 'healthy'
GONE = 'gone'
UNWELL = 'unwell'


@dataclass(frozen=True)
class Report:
    """How the server of a workflow is.

    Args:
        workflow: Id of the workflow.
        run_dir: Its run directory.
        info: What the server says, None if nothing.
        health: ``healthy``, ``unwell`` or ``gone``.
        detail: Why that is so.
    """

    workflow: str
    run_dir: Path
    info: Info | None
    health: str
    detail: str

    def data(self) -> dict[str, Any]:
        """Return all of it for a program to read."""
        found = json.loads(self.info.dump()) if self.info else {}
        return {
            'workflow': self.workflow,
            'health': self.health,
            'detail': self.detail,
            **found,
            'files': {
                name: str(path) for name, path in self.files()},
        }

    def files(self) -> Iterator[tuple[str, Path]]:
        """Yield what a client needs, as far as it is there."""
        for name, file in (
            ('passphrase', PASSPHRASE), ('certificate', CERTIFICATE)
        ):
            path = self.run_dir / SERVICE / file
            if path.exists():
                yield name, path

    def lines(self) -> Iterator[str]:
        """Yield all of it for a person to read."""
        yield f'workflow        {self.workflow}'
        yield f'health          {self.health}: {self.detail}'
        if self.info:
            yield from _describe(self.info)
        for name, path in self.files():
            yield f'{name:<16}{path}'


def _describe(info: Info) -> Iterator[str]:
    process = info.process
    versions = ', '.join(
        f'{name} {version}' for name, version in info.versions.items())
    yield f'url             {info.address.url}'
    yield f'scheme          {info.address.scheme}'
    yield f'authentication  {info.authentication}, realm "{info.realm}"'
    yield f'process         {process.pid} on {process.host}'
    yield f'versions        {versions}'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take a workflow, and the form of the output."""
    parser.add_argument(
        'workflow', metavar='WORKFLOW', nargs='?',
        help='the workflow; by default all that have a web server')
    parser.add_argument(
        '--json', action='store_true',
        help='print an object for WORKFLOW, a list of them for all')
    parser.add_argument(
        '--usage', action='store_true',
        help='print which endpoints of REST were called, and by what')


def run(arguments: argparse.Namespace) -> int:
    """Print how the servers are, or what was called."""
    if arguments.usage:
        return usage.run(arguments.workflow, arguments.json)
    if arguments.workflow:
        reports = [examine(*locate(arguments.workflow))]
    else:
        reports = examine_all()
    if arguments.json:
        data = [report.data() for report in reports]
        print(json.dumps(data[0] if arguments.workflow else data, indent=2))
    elif arguments.workflow:
        print('\n'.join(reports[0].lines()))
    else:
        print('\n'.join(table(reports)) or 'no workflow has a web server')
    return int(any(report.health != HEALTHY for report in reports))


def table(reports: list[Report]) -> Iterator[str]:
    """Yield a line for each server, in columns."""
    rows = [
        (
            report.workflow,
            report.info.address.url if report.info else '-',
            f'{report.health}: {report.detail}',
        )
        for report in reports
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield '  '.join(
            f'{cell:<{width}}'
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()


def examine_all() -> list[Report]:
    """Return how all servers are, in the order of their workflows' names.

    They are asked at once, so that a dead one delays no other.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda each: examine(*each), served()))


def examine(workflow: str, run_dir: Path) -> Report:
    """Return how the server of a workflow is."""
    info: Info | None = None
    try:
        info = read_info(run_dir)
        if info is None:
            return Report(
                workflow, run_dir, None, GONE, 'it has no web server now')
        if is_alive(info) is False:
            detail = (
                f'process {info.process.pid} has ended, and could not'
                f' remove {info_path(run_dir)}')
            return Report(workflow, run_dir, info, GONE, detail)
        detail = ask(info, run_dir)
    except (OSError, CylcFlaskError) as exc:
        return Report(workflow, run_dir, info, UNWELL, str(exc))
    return Report(workflow, run_dir, info, HEALTHY, detail)


def ask(info: Info, run_dir: Path) -> str:
    """Ask a server who it is; return how long that took.

    Raises:
        CylcFlaskError: It gives no answer, or a wrong one.
    """
    began = perf_counter()
    answer = Client(run_dir, PATIENCE).get('id/identify').value
    name = answer.get('name') if isinstance(answer, dict) else None
    if realm_of(str(name)) != info.realm:
        raise CylcFlaskError(f'answers in the name of "{name}"')
    return f'answers in {(perf_counter() - began) * 1000:.0f} ms'
