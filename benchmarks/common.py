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
"""What the benchmarks have in common: clocks, results and tables."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
import json
import os
from pathlib import Path
import platform
from statistics import median
import sys
import time
from typing import Any, TypeVar

import psutil

from cylc.flow import __version__ as CYLC_VERSION

Row = dict[str, Any]
T = TypeVar('T')

HERE = Path(__file__).resolve().parent

#: With BENCH_QUICK=1 each benchmark only shows that it works.
QUICK = os.environ.get('BENCH_QUICK') == '1'

#: Where the results are written.
RESULTS = Path(os.environ.get(
    'BENCH_RESULTS', HERE / 'results' / ('local' if QUICK else '')))

OURS = 'cylc-flask'


def unless_quick(value: T, quick: T) -> T:
    """Return the usual value of an option, or the quick one."""
    return quick if QUICK else value


def parser_of(text: str) -> argparse.ArgumentParser:
    """Return a parser that tells what a module tells of itself."""
    return argparse.ArgumentParser(
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def say(text: str) -> None:
    """Tell on standard error how far it is."""
    print(f'{time.strftime("%H:%M:%S")} {text}', file=sys.stderr, flush=True)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process, to the nanosecond.

    Linux gives each process a clock whose number is made of its id; what
    /proc tells comes in steps of 10 ms.
    """
    return time.clock_gettime((~pid << 3) | 2)


def peak_of(pid: int) -> float:
    """Return the most memory (MB) that a process has had."""
    text = Path(f'/proc/{pid}/status').read_text()
    kilobytes = text.partition('VmHWM:')[2].split()[0]
    return int(kilobytes) / 1000


@dataclass
class Samples:
    """What was measured of one contender."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    size: int = 0

    def take(self, pid: int, ask: Callable[[], int], times: int = 1) -> None:
        """Ask a server some times: one CPU figure, and each one's time."""
        before = cpu_of(pid)
        for _ in range(times):
            began = time.perf_counter()
            self.size = ask()
            self.seconds.append(time.perf_counter() - began)
        self.cpu.append((cpu_of(pid) - before) / times)

    def figures(self) -> Row:
        """Return medians and the 99th percentile, in milliseconds."""
        return {
            'requests': len(self.seconds),
            'cpu_ms': median(self.cpu) * 1000,
            'p50_ms': median(self.seconds) * 1000,
            'p99_ms': percentile(self.seconds, 0.99) * 1000,
            'bytes': self.size,
        }


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which a share of the values is.

    Examples:
        >>> percentile([3, 1, 2], 0.5), percentile([1], 0.99)
        (2, 1)
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def about(**more: Any) -> Row:
    """Return what the figures depend on."""
    return {
        'date': time.strftime('%Y-%m-%d %H:%M', time.gmtime()),
        'machine': _processor(),
        'processors': psutil.cpu_count(),
        'load': round(psutil.getloadavg()[0], 2),
        'python': platform.python_version(),
        'cylc-flow': CYLC_VERSION,
        **more,
    }


def _processor() -> str:
    for line in Path('/proc/cpuinfo').read_text().splitlines():
        if line.startswith('model name'):
            return line.partition(': ')[2]
    return platform.machine()


def save(name: str, facts: Row, results: Row, text: str) -> None:
    """Write results as JSON and as text, and print the text."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f'{name}.json').write_text(
        json.dumps({'about': facts, **results}, indent=1) + '\n')
    said = ', '.join(f'{key} {value}' for key, value in facts.items())
    title, _, rest = text.partition('\n')
    page = f'{title}\n\n{said}\n{rest}'
    (RESULTS / f'{name}.md').write_text(page)
    print(page)


def table(rows: Sequence[Row], **columns: str) -> str:
    """Return a table in Markdown.

    Args:
        rows: What to show.
        columns: Titles, by the keys of the rows.

    Examples:
        >>> print(table([{'a': 1, 'b': 0.1234}], a='one', b='two'))
        | one | two |
        |---|---|
        | 1 | 0.123 |
        <BLANKLINE>
    """
    return '\n'.join([
        f'| {" | ".join(columns.values())} |',
        '|' + '---|' * len(columns),
        *(
            f'| {" | ".join(cell(row.get(key, "")) for key in columns)} |'
            for row in rows
        ),
    ]) + '\n'


def cell(value: Any) -> str:
    """Return a value as text, a number with three digits that count.

    Examples:
        >>> cell(0.01234), cell(123.4), cell(4.0), cell(12345), cell('a')
        ('0.0123', '123', '4', '12345', 'a')
    """
    if not isinstance(value, float):
        return str(value)
    return f'{value:.0f}' if value >= 100 else f'{value:.3g}'


def add_ratios(
    rows: list[Row], same: Sequence[str], key: str = 'cpu_ms'
) -> None:
    """Tell in each row how many times ours it is, for what is the same."""
    ours = {
        tuple(row[name] for name in same): row[key]
        for row in rows if row['server'] == OURS
    }
    for row in rows:
        own = ours[tuple(row[name] for name in same)]
        row['ratio'] = row[key] / own if own else float('nan')
