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
"""Clients from the npm registry, installed when a test first wants them."""

from __future__ import annotations

import fcntl
from functools import cache
import json
import os
from pathlib import Path
import subprocess
from typing import Any

import pytest

from tests.harness import need

NODE = Path(__file__).parent / 'node'
LOCK = NODE / 'package-lock.json'
INSTALLED = NODE / 'node_modules' / '.package-lock.json'


@cache
def install() -> None:
    """Install what the clients need, once for all who test at a time."""
    npm = need('npm')
    with LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if INSTALLED.exists() and (
            INSTALLED.stat().st_mtime >= LOCK.stat().st_mtime
        ):
            return
        done = subprocess.run(
            (npm, 'ci', '--no-audit', '--no-fund'), cwd=NODE,
            capture_output=True, text=True, timeout=240,
        )
    if done.returncode:
        complain = pytest.fail if os.environ.get('CI') == 'true' else (
            pytest.skip)
        complain(f'npm ci: {done.stderr}')


def node(script: str, *arguments: str, timeout: float = 120) -> Any:
    """Run one of the scripts, and return the JSON that it prints.

    Raises:
        AssertionError: It has failed, with what it said.
    """
    program = need('node')
    install()
    done = subprocess.run(
        (program, NODE / script, *arguments), cwd=NODE,
        capture_output=True, text=True, timeout=timeout,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)
