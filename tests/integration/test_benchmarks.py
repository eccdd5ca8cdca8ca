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
"""The benchmarks run, if only for a moment, and what they find adds up."""

from __future__ import annotations

import json
import os
from pathlib import Path
import subprocess
import sys

import pytest

from tests.harness import need

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def results(tmp_path_factory) -> Path:
    """Return the folder to which all write."""
    path: Path = tmp_path_factory.mktemp('results')
    return path


def bench(name: str, results: Path, *options: str) -> str:
    """Run a benchmark, and return what it prints."""
    result = subprocess.run(
        (sys.executable, '-m', f'benchmarks.{name}', *options),
        cwd=ROOT,
        env={**os.environ, 'BENCH_QUICK': '1', 'BENCH_RESULTS': str(results)},
        capture_output=True, text=True, timeout=240,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize('name', [
    'queries', 'subscriptions', 'watched', 'processes', 'page', 'hub',
])
def test_runs(name: str, results: Path) -> None:
    if name == 'page':
        need('chromium')
    text = bench(name, results)
    assert (results / f'{name}.md').read_text() in text
    assert json.loads((results / f'{name}.json').read_text())['about']


def test_summary(results: Path) -> None:
    """The table names what was aimed at, and says nothing of the rest."""
    (results / 'processes.json').write_text(json.dumps({
        'about': {
            'processors': 2, 'machine': 'a machine', 'python': '3', 'load': 1,
            'cylc-flow': '8', 'date': '2000-01-01 00:00',
        },
        'rows': [
            {'command': command, 'proxies': 1000, 'wall_ms': time}
            for command, time in (
                ('cylc flask call', 250), ('cylc-flask call', 100),
                ('cylc dump', 1000))
        ],
    }))
    text = bench('summary', results)
    assert (
        '| `cylc flask call` of 1,000 tasks, faster than `cylc dump`'
        ' | ≥ 5 × | 4 × | no |\n'
        '| `cylc-flask call` of 1,000 tasks, faster than `cylc dump`'
        ' | ≥ 5 × | 10 × | yes |\n'
    ) in text
    assert 'nan' not in text


@pytest.mark.parametrize('name', ['rest', 'latency'])
def test_help(name: str, results: Path) -> None:
    """Those that take longer can be asked, at least."""
    assert 'usage:' in bench(name, results, '--help')
