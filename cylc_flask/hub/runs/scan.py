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
"""A run root, read: which workflows are there, and what they do."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field, replace
from enum import Enum
import os
from pathlib import Path
from typing import Any

from cylc.flow.unicode_rules import WorkflowNameValidator
from cylc_flask.address import FILE_NAME, SERVICE, Info, read_info
from cylc_flask.hub.runs.contact import Contact, find_process
from cylc_flask.hub.runs.contact import read as read_contact
from cylc_flask.private import UnusableFile
from cylc_flask.process import Process

CONTACT = 'contact'
DATABASE = 'db'
DEFINITION = 'flow.cylc'
OLD_DEFINITION = 'suite.rc'

#: What makes a workflow of a folder, or no longer.
MARKS = frozenset({DEFINITION, OLD_DEFINITION, SERVICE})

#: What tells, in the folder of Cylc's own files, what a workflow does.
SIGNS = frozenset({CONTACT, DATABASE, FILE_NAME})

#: Folders without workflows of their own: the latest run's other name, and
#: where Cylc notes the source of an installation.
PASSED_OVER = frozenset({'runN', '_cylc-install'})


class Status(Enum):
    """What a workflow does."""

    INSTALLED = 'installed'
    RUNNING = 'running'
    STOPPED = 'stopped'
    CRASHED = 'crashed'


@dataclass(frozen=True)
class Found:
    """A workflow, as its run directory shows it.

    Args:
        name: Id of the workflow, its place below the run root.
        run_dir: Its run directory.
        status: What it does. One whose scheduler is on another host is
            running until somebody who fails to reach it knows better.
        contact: What its scheduler said, if it has left that.
        http: What its web server says, if there is one.
        process: That of the scheduler, if it runs on this host.
        problem: What is wrong with its files.
        identity: Device and number of its run directory, by which one that
            was installed anew is another.
    """

    name: str
    run_dir: Path
    status: Status
    contact: Contact | None = None
    http: Info | None = None
    process: Process | None = None
    problem: str = ''
    identity: tuple[int, int] = (0, 0)

    @property
    def uuid(self) -> str:
        """Return that of the run, '' if none is known."""
        return self.contact.uuid if self.contact else ''


@dataclass
class Sweep:
    """What was found below a folder.

    Args:
        found: Workflows by name.
        unreadable: Names of folders of which nothing is known.
        visited: The folders that were read, or should have been.
    """

    found: dict[str, Found] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    visited: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class RunRoot:
    """A folder of run directories, as Cylc's ``~/cylc-run``.

    Args:
        path: The folder.
        max_depth: How many levels below it a workflow may be.
        is_local: Tells whether a host is this one.
        visit: Called with each folder before it is read, so that whoever
            watches it misses nothing.
    """

    path: Path
    max_depth: int
    is_local: Callable[[str], bool]
    visit: Callable[[str], object] = lambda path: None

    @classmethod
    def of_cylc(cls) -> RunRoot:
        """Return the user's, with the settings of Cylc."""
        from cylc.flow.cfgspec.glbl_cfg import glbl_cfg
        from cylc.flow.pathutil import get_cylc_run_dir

        settings = glbl_cfg()  # type: ignore[no-untyped-call]
        depth: int = settings.get(['install', 'max depth'])
        return cls(
            Path(get_cylc_run_dir()),
            depth,
            _is_local,
        )

    def watched_by(self, visit: Callable[[str], object]) -> RunRoot:
        """Return the same, with another visitor."""
        return replace(self, visit=visit)

    def folder(self, name: str) -> str:
        """Return the folder of a name, '' being the root's."""
        return os.path.join(self.path, name) if name else str(self.path)

    def sweep(self, *names: str) -> Sweep:
        """Return what is there at names and below, at all if none is said.
        """
        result = Sweep()
        for name in names or ['']:
            depth = name.count('/') + 1 if name else 0
            if depth <= self.max_depth:
                self._read(name, depth, result)
        return result

    def _read(self, name: str, depth: int, result: Sweep) -> None:
        path = self.folder(name)
        try:
            entries = self._list(path, result)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError:
            result.unreadable.add(name)
            return
        names = {entry.name for entry in entries}
        if depth and not names.isdisjoint(MARKS):
            if is_name(name) and is_ours(path, names):
                self._look(name, path, result)
        elif depth < self.max_depth:
            for entry in entries:
                if leads_on(entry, path):
                    below = f'{name}/{entry.name}' if name else entry.name
                    self._read(below, depth + 1, result)

    def _list(self, path: str, result: Sweep) -> list[os.DirEntry[str]]:
        self.visit(path)
        result.visited.add(path)
        with os.scandir(path) as entries:
            return list(entries)

    def _look(self, name: str, path: str, result: Sweep) -> None:
        """Note what a run directory shows.

        What is in the folder of Cylc's files is told by its list, because
        NFS answers by that what has just come.
        """
        problem, signs = '', set[str]()
        try:
            status = os.stat(path)
        except OSError:
            return
        try:
            signs = {
                entry.name
                for entry in self._list(os.path.join(path, SERVICE), result)
            }
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as exc:
            result.unreadable.add(name)
            problem = str(exc)
        result.found[name] = self._judge(
            Found(
                name, Path(path),
                Status.STOPPED if DATABASE in signs else Status.INSTALLED,
                problem=problem,
                identity=(status.st_dev, status.st_ino),
            ),
            signs,
        )

    def _judge(self, found: Found, signs: set[str]) -> Found:
        """Return a workflow with what its files say, read as far as needed.
        """
        if CONTACT not in signs:
            return found
        try:
            contact = read_contact(found.run_dir / SERVICE / CONTACT)
        except (OSError, UnusableFile, ValueError) as exc:
            return replace(
                found, status=Status.CRASHED,
                problem=f'its contact file cannot be used: {exc}')
        if contact is None:
            return found
        if contact.workflow != found.name:
            return replace(
                found,
                problem=f'its contact file is of "{contact.workflow}"')
        return self._meet(found, contact, signs)

    def _meet(self, found: Found, contact: Contact, signs: set[str]) -> Found:
        """Return a workflow with its scheduler, alive or not."""
        process = None
        if self.is_local(contact.host):
            process = find_process(contact)
            if process is None:
                return replace(found, status=Status.CRASHED, contact=contact)
        http, problem = None, ''
        if FILE_NAME in signs:
            http, problem = read_http(found.run_dir, contact)
        return replace(
            found, status=Status.RUNNING, contact=contact, http=http,
            process=process, problem=problem,
        )


def _is_local(host: str) -> bool:
    from cylc.flow.hostuserutil import is_remote_host

    is_remote: bool = is_remote_host(host)  # type: ignore[no-untyped-call]
    return not is_remote


def is_ours(path: str, names: set[str]) -> bool:
    """Tell whether a folder is a workflow of Cylc 8, by what is in it.

    Those which Cylc 7 ran are not; nor is a folder that merely has one for
    Cylc's files, unless Cylc 8 has run there.
    """
    if DEFINITION in names:
        return True
    is_run = os.path.isdir(os.path.join(path, 'log', 'scheduler'))
    if OLD_DEFINITION in names:
        return is_run or not os.path.exists(
            os.path.join(path, 'log', 'suite', 'log'))
    return is_run


def is_name(name: str) -> bool:
    """Tell whether Cylc takes a name, so that there may be such a workflow.

    Examples:
        >>> [is_name(name) for name in ('a/run1', '-a', 'a b', 'a\\n')]
        [True, False, False, False]
    """
    rules: Any = WorkflowNameValidator
    is_valid, _ = rules.validate(name)
    return bool(is_valid) and name.isprintable()


def is_passed_over(name: str) -> bool:
    """Tell whether a folder of this name never leads to workflows."""
    return not name or name in PASSED_OVER or name.startswith('.')


def leads_on(entry: os.DirEntry[str], parent: str) -> bool:
    """Tell whether workflows may be below: a folder, or a link to one.

    Not so a link to where it is itself.
    """
    if is_passed_over(entry.name):
        return False
    try:
        if not entry.is_dir():
            return False
        return not entry.is_symlink() or not is_within(
            os.path.realpath(parent), {os.path.realpath(entry.path)})
    except OSError:
        return False


def is_within(path: str, folders: Container[str]) -> bool:
    """Tell whether a path is one of these folders, or below one.

    Examples:
        >>> [is_within(path, {'a/b'}) for path in ('a/b', 'a/b/c', 'a/bc')]
        [True, True, False]
        >>> is_within('a', {''}), is_within('/a', {'/'})
        (True, True)
    """
    while path not in folders:
        if path in ('', '/'):
            return False
        head, slash, _ = path.rpartition('/')
        path = head or slash * (path != slash)
    return True


def read_http(run_dir: Path, contact: Contact) -> tuple[Info | None, str]:
    """Return what the web server of a scheduler says, and what is wrong.

    The file of an earlier scheduler says nothing.
    """
    try:
        info = read_info(run_dir)
    except (OSError, UnusableFile) as exc:
        return None, str(exc)
    if info is None or info.process.pid != contact.pid:
        return None, ''
    return info, ''
