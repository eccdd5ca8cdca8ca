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
"""What a command may be given: workflows below the run root, and sources.

Checks of names look at nothing but the name. What asks the disk says so; it
can take its time, so that it belongs into a thread which may wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
import os
from pathlib import Path
import re
from typing import Any

from cylc.flow.cfgspec.glbl_cfg import glbl_cfg
from cylc.flow.exceptions import CylcError
from cylc.flow.pathutil import (
    expand_path,
    get_next_rundir_number,
    get_workflow_run_dir,
)
from cylc.flow.workflow_files import (
    WorkflowFiles,
    validate_workflow_name,
)
from cylc_flask.errors import NotFound, RequestError
from cylc_flask.validate import shown, text

#: Either makes a folder a definition of a workflow.
DEFINITIONS = (WorkflowFiles.FLOW_FILE, WorkflowFiles.SUITE_RC)

#: How many sources are listed.
MOST_SOURCES = 1000

#: The words of a cycle point or a task name, without any pattern in it.
PLAIN = re.compile(r'[\w+:][\w+:.@%-]*(/[\w][\w+.@%-]*)?', re.ASCII)


def workflow_name(value: Any, what: str = 'a workflow') -> str:
    """Return a name which means one folder below the run root.

    No pattern, no other user's, no link to the latest run, no way upwards.

    Raises:
        RequestError: It is none.
    """
    name = text('workflow', value)
    parts = name.split('/')
    if not name.isprintable() or any(
        not part or part[0] in '.-' or part in WorkflowFiles.RESERVED_NAMES
        for part in parts
    ):
        raise RequestError(f'{shown(name)} is not the name of {what}')
    try:
        validate_workflow_name(name)
    except CylcError as exc:
        raise RequestError(f'{shown(name)} is not the name of {what}') from exc
    return name


def run_name(value: Any) -> str:
    """Return the name of a run, a single folder.

    Raises:
        RequestError: It is none.
    """
    name = text('run-name', value)
    if '/' in name:
        raise RequestError(f'{shown(name)} is not the name of a run')
    # Cylc forbids digits at the start of the whole name only.
    return workflow_name(f'w/{name}', 'a run')[2:]


def next_run(name: str) -> str:
    """Look on the disk for what the next run of a workflow is called."""
    number = 1
    # What Cylc cannot read it will not install anything in either.
    with suppress(AttributeError, OSError):
        number = get_next_rundir_number(get_workflow_run_dir(name))
    return f'run{number}'


def moment(value: Any) -> str:
    """Return a cycle point, or ``POINT/TASK``, after which to stop.

    Raises:
        RequestError: It is none, or a pattern.
    """
    after = text('after', value)
    if len(after) > 254 or not PLAIN.fullmatch(after):
        raise RequestError(
            f'after must be POINT or POINT/TASK, not {shown(after)}')
    return after


def overlap(name: str, other: str) -> bool:
    """Tell whether two names mean one workflow, or one folder in another.

    Examples:
        >>> overlap('a/run1', 'a'), overlap('a/run1', 'a/run10')
        (True, False)
    """
    return f'{name}/'.startswith(f'{other}/') or (
        f'{other}/'.startswith(f'{name}/'))


def installed(name: str) -> Path:
    """Look on the disk for a workflow, and return its run directory.

    Raises:
        NotFound: There is none, or it is but the folder of some runs.
    """
    path = Path(get_workflow_run_dir(name))
    if os.path.lexists(path / WorkflowFiles.RUN_N):
        raise NotFound(f'"{name}" has numbered runs: name one of them')
    marks = (WorkflowFiles.Service.DIRNAME, *DEFINITIONS)
    if any((path / mark).exists() for mark in marks):
        return path
    if path.is_symlink() and not path.exists():
        # Cylc can clean what is left of it.
        return path
    raise NotFound(f'There is no workflow "{name}".')


def is_running(run_dir: Path) -> bool:
    """Tell whether a contact file says so."""
    service = WorkflowFiles.Service
    return (run_dir / service.DIRNAME / service.CONTACT).exists()


def source(name: str) -> Path:
    """Look on the disk for a source by its name in the source directories.

    Raises:
        NotFound: There is none.
    """
    for folder in _source_directories():
        path = folder / name
        if is_definition(path):
            return path
    raise NotFound(f'There is no source "{name}".')


def sources() -> list[str]:
    """Return the names of all sources, as the disk has them now.

    Where two have the same name, the first one is what is installed.
    """
    depth: int = _setting('max depth')
    found: dict[str, None] = {}
    for folder in _source_directories():
        for name in _definitions_in(folder, depth):
            found[name] = None
            if len(found) == MOST_SOURCES:
                return sorted(found)
    return sorted(found)


def is_definition(folder: Path) -> bool:
    """Tell whether a folder holds a definition of a workflow."""
    return any((folder / name).is_file() for name in DEFINITIONS)


def _source_directories() -> list[Path]:
    return [
        Path(expand_path(path))
        for path in _setting('source dirs')
    ]


def _setting(name: str) -> Any:
    load: Any = glbl_cfg
    return load().get(['install', name])


def _definitions_in(
    folder: Path, depth: int, prefix: str = ''
) -> Iterator[str]:
    """Yield the names of definitions; they do not lie in one another."""
    entries: list[os.DirEntry[str]] = []
    with suppress(OSError):
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    for entry in entries:
        name = prefix + entry.name
        with suppress(OSError, RequestError):
            if not entry.is_dir():
                continue
            workflow_name(name)
            if is_definition(Path(entry.path)):
                yield name
            elif depth > 1 and not entry.is_symlink():
                yield from _definitions_in(
                    Path(entry.path), depth - 1, f'{name}/')
