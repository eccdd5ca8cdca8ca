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
"""Show who calls the API of Cylc 7, as servers have counted it."""

from __future__ import annotations

from collections.abc import Iterator
import json

from cylc_flask.tools.locate import installed, locate
from cylc_flask.usage import DAYS, Calls, read, usage_path

TITLES = ('last day', 'calls', 'endpoint', 'program')

#: Last day and number of calls, by endpoint and program.
Totals = dict[tuple[str, str], tuple[str, int]]


def run(workflow: str | None, as_json: bool) -> int:
    """Print the calls of a workflow, or of all that have any."""
    found = [
        (name, read(run_dir)) for name, run_dir in (
            [locate(workflow)] if workflow else installed()
        ) if workflow or usage_path(run_dir).exists()
    ]
    if as_json:
        data = [{'workflow': name, 'calls': calls} for name, calls in found]
        print(json.dumps(data[0] if workflow else data, indent=2))
    else:
        print('\n\n'.join(
            '\n'.join(report(name, calls)) for name, calls in found
        ) or 'no calls of REST have been counted')
    return 0


def report(workflow: str, calls: Calls) -> Iterator[str]:
    """Yield the lines about a workflow, those called last at the top."""
    if not calls:
        yield f'{workflow}: no calls of REST in the last {DAYS} days'
        return
    yield f'{workflow}: calls of REST since {min(calls)}'
    totals = sum_up(calls)
    rows = [TITLES] + [
        (last, str(number), *key) for key, (last, number) in
        sorted(totals.items(), key=lambda item: item[1], reverse=True)
    ]
    first, second, third, _ = (
        max(map(len, column)) for column in zip(*rows, strict=True))
    for last, number, endpoint, program in rows:
        yield (
            f'{last:<{first}}  {number:>{second}}  {endpoint:<{third}}'
            f'  {program}'
        )


def sum_up(calls: Calls) -> Totals:
    """Return the calls of all days, and the last of these.

    Examples:
        >>> sum_up({'2030-01-01': {'a': {'curl': 2}},
        ...         '2030-01-03': {'a': {'curl': 3}}})
        {('a', 'curl'): ('2030-01-03', 5)}
    """
    totals: Totals = {}
    for day in sorted(calls):
        for endpoint, programs in calls[day].items():
            for program, number in programs.items():
                _, before = totals.get((endpoint, program), ('', 0))
                totals[endpoint, program] = day, before + number
    return totals
