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
"""Results as Markdown, with ratios to our own server."""

from __future__ import annotations

from benchmarks.common import OURS, Row

HEAD = (
    '| answer | connections | server | auth | requests/s | p50 ms | p99 ms'
    ' | CPU µs | bytes | ours is |\n'
    '|---|---|---|---|---|---|---|---|---|---|\n'
)


def text(rows: list[Row], flood: dict[int, Row]) -> str:
    """Return all tables."""
    return (
        '# The REST API beside CherryPy and Tornado\n\n'
        'In the last column: how many times the requests a second of the'
        ' row, with Digest compared to Digest, and Basic to nothing.\n\n'
        + HEAD + ''.join(line(row, rows) for row in rows)
        + '\nA client that asks five times a second, beside a flood on other'
        ' connections:\n\n| flooding connections | p50 ms | p90 ms |\n'
        '|---|---|---|\n' + ''.join(
            f'| {number} | {row["p50_ms"]:.1f} | {row["p90_ms"]:.1f} |\n'
            for number, row in flood.items()
        )
    )


def line(row: Row, rows: list[Row]) -> str:
    """Return a row of the table."""
    own = next(
        other for other in rows
        if other['server'] == OURS
        and other['answer'] == row['answer']
        and other['connections'] == row['connections']
        and (other['auth'] == 'digest') == (row['auth'] == 'digest')
    )
    size = str(row['bytes'])
    if row['challenge_bytes']:
        size += f' + {row["challenge_bytes"]}'
    ratio = own['rate'] / row['rate']
    return (
        f'| {row["answer"]} | {row["connections"]} | {row["server"]}'
        f' | {row["auth"]} | {row["rate"]:.0f} | {row["p50_ms"]:.2f}'
        f' | {row["p99_ms"]:.2f} | {row["cpu_us"]:.0f} | {size}'
        f' | {ratio:.2f}× |\n'
    )
