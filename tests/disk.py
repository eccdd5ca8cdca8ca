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
"""Disks so small that a test can fill them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import os
from pathlib import Path
import subprocess

import pytest

from tests.harness import need

#: Bytes that it takes to fill one, and more.
PLENTY = 1_048_576


@contextmanager
def small_disk(path: Path, size: str = '64k') -> Iterator[Path]:
    """Mount a disk on a new directory; only root can, others skip."""
    if os.geteuid() != 0:
        pytest.skip('only root can mount a small disk')
    path.mkdir()
    mount = [need('mount'), '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs']
    result = subprocess.run([*mount, path], capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f'this root cannot mount: {result.stderr.strip()}')
    try:
        yield path
    finally:
        subprocess.run([need('umount'), path], check=True)


def fill(disk: Path) -> None:
    """Write to a disk until it is full."""
    with (disk / 'filler').open('wb') as filler, suppress(OSError):
        for _ in range(PLENTY // 1024):
            os.write(filler.fileno(), bytes(1024))
