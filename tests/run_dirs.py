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
"""Run directories as Cylc leaves them, without a scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import stat
import subprocess
import sys

import psutil

from cylc_flask.address import Address, Info
from cylc_flask.hub.runs.scan import RunRoot
from cylc_flask.process import Process

HERE = 'this-host.example'
ELSEWHERE = 'elsewhere.example'

NOBODY = 65534


def run_root(path: Path, **settings) -> RunRoot:
    return RunRoot(
        path, **{
            'max_depth': 4, 'is_local': lambda host: host == HERE, **settings
        })


def install(root: Path, name: str, definition: str = 'flow.cylc') -> Path:
    """Make what "cylc install" makes."""
    run_dir = root / name
    (run_dir / 'log' / 'install').mkdir(parents=True)
    (run_dir / definition).touch()
    return run_dir


def stopped(root: Path, name: str) -> Path:
    """Make what a scheduler leaves."""
    run_dir = install(root, name)
    (run_dir / 'log' / 'scheduler').mkdir()
    service = run_dir / '.service'
    service.mkdir()
    (service / 'db').touch()
    return run_dir


def contact(name: str, process: int = 0, **items: object) -> bytes:
    """Return the content of a contact file.

    Args:
        name: Id of the workflow.
        process: Its number, ours if it is 0.
        items: What else differs, without "CYLC_WORKFLOW_".
    """
    pid = process or os.getpid()
    values = {
        'CYLC_API': 5,
        'CYLC_VERSION': '8.5.4',
        'CYLC_WORKFLOW_COMMAND': ' '.join(psutil.Process(pid).cmdline()),
        'CYLC_WORKFLOW_HOST': HERE,
        'CYLC_WORKFLOW_ID': name,
        'CYLC_WORKFLOW_OWNER': 'me',
        'CYLC_WORKFLOW_PID': pid,
        'CYLC_WORKFLOW_PORT': 43001,
        'CYLC_WORKFLOW_PUBLISH_PORT': 43002,
        'CYLC_WORKFLOW_UUID': 'u-1',
        **{f'CYLC_WORKFLOW_{key}': value for key, value in items.items()},
    }
    lines = [f'{key}={value}\n' for key, value in values.items()]
    return ''.join(lines).encode()


def running(
    root: Path, name: str, process: int = 0, **items: object
) -> Path:
    """Make what there is while a scheduler runs."""
    run_dir = root / name
    if not run_dir.exists():
        stopped(root, name)
    (run_dir / '.service').mkdir(exist_ok=True)
    (run_dir / '.service' / 'contact').write_bytes(
        contact(name, process, **items))
    return run_dir


def serve(run_dir: Path, pid: int = 0) -> Info:
    """Leave what a web server says about itself."""
    info = Info(
        Address('http', 'localhost', 43003), 'digest', 'realm',
        Process(HERE, pid or os.getpid(), 1), {'cylc-flask': '1'},
    )
    (run_dir / '.service' / 'http.json').write_bytes(info.dump())
    return info


def age(path: Path) -> None:
    """Make a file so old that nobody can be writing it."""
    os.utime(path, (1, 1))


@contextmanager
def closed(*folders: Path) -> Iterator[None]:
    """Have folders that cannot be read, not even by root.

    It becomes somebody else for that, who gets as far as these.
    """
    me = os.geteuid()
    ways = {
        path: path.stat().st_mode
        for folder in folders for path in [folder, *folder.parents]
        if path in folders or path.stat().st_mode & 0o555 != 0o555
    }
    try:
        if me == 0:
            for path, mode in ways.items():
                path.chmod(stat.S_IMODE(mode) | 0o555)
        for folder in folders:
            folder.chmod(0)
        if me == 0:
            os.seteuid(NOBODY)
        yield
    finally:
        os.seteuid(me)
        for path, mode in ways.items():
            path.chmod(stat.S_IMODE(mode))


def sleeper() -> subprocess.Popen[bytes]:
    """Start a process that sleeps until it is killed."""
    return subprocess.Popen((
        sys.executable, '-c', 'import time; time.sleep(600)'))
