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
"""Find the workflows that a command is about.

Cylc's own modules take long to import, hence only where they are needed.
"""

from __future__ import annotations

from collections.abc import Iterator
import os
from pathlib import Path
import re

from cylc_flask.address import info_path
from cylc_flask.errors import CylcFlaskError

#: Names that mean nothing but a folder in the run directory.
PLAIN = re.compile(r'(?!.*(//|/run[Nn]$|/\.))[\w+@-][\w.+@/-]*[\w+@-]|\w')

NUMBERED = re.compile(r'run[0-9]+')


def locate(name: str) -> tuple[str, Path]:
    """Return the id and the run directory of a workflow.

    As everywhere in Cylc, ``NAME`` stands for its latest run.

    Raises:
        CylcFlaskError: There is none of that name.
    """
    return _served(name) or _parsed(name)


def _served(name: str) -> tuple[str, Path] | None:
    """Return what a plain name means if a web server is there."""
    if not PLAIN.fullmatch(name):
        return None
    root = Path(os.path.expandvars('$HOME/cylc-run'))
    try:
        latest = os.readlink(root / name / 'runN')
    except OSError:
        pass
    else:
        if not NUMBERED.fullmatch(latest):
            return None
        name = f'{name}/{latest}'
    return (name, root / name) if info_path(root / name).exists() else None


def _parsed(name: str) -> tuple[str, Path]:
    """Return what a name means to Cylc."""
    from cylc.flow.exceptions import CylcError
    from cylc.flow.id_cli import parse_id
    from cylc.flow.pathutil import get_workflow_run_dir

    try:
        workflow, *_ = parse_id(name, constraint='workflows')
    except CylcError as exc:
        raise CylcFlaskError(str(exc)) from exc
    return workflow, Path(get_workflow_run_dir(workflow))


def served() -> Iterator[tuple[str, Path]]:
    """Yield the workflows whose servers have said where they are."""
    for workflow, run_dir in installed():
        if info_path(run_dir).exists():
            yield workflow, run_dir


def installed() -> list[tuple[str, Path]]:
    """Return all workflows, running or not."""
    import asyncio

    return sorted(asyncio.run(_installed()))


async def _installed() -> list[tuple[str, Path]]:
    from cylc.flow.network.scan import scan

    return [
        (str(flow['name']), Path(flow['path'])) async for flow in scan()]
