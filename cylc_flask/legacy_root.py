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
"""A run root beside Cylc's, where Cylc 7 clients find running workflows.

They read ``ROOT/WORKFLOW/.service/{contact,passphrase,ssl.cert}`` when their
``run directory`` is this root. A fourth file marks a directory as ours, and
names the run directory: by it we know what may be overwritten, and which
directories have outlived their workflow.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
import os
from pathlib import Path
from typing import Iterator, Mapping

from cylc_flask import private
from cylc_flask.private import UnusableFile

SERVICE = '.service'
MARKER = 'cylc-flask'
CONTACT = 'contact'

#: What clients need beside it.
CREDENTIALS = ('passphrase', 'ssl.cert')

FILES = (CONTACT, *CREDENTIALS)

#: The newest version of Cylc 7, and of the API that its clients speak.
CYLC_VERSION = '7.8.15'
CYLC_API = '2'

#: Where to stop looking for what others have left: start must not wait.
MOST_DIRECTORIES = 10_000


class LegacyRoot:
    """The part of the root that belongs to one workflow.

    Args:
        root: The root.
        workflow: Id of the workflow, which may be nested.
        run_dir: Its run directory.
    """

    def __init__(self, root: Path, workflow: str, run_dir: Path) -> None:
        self.root = root
        self.service = root / workflow / SERVICE
        self.run_dir = run_dir
        self._contact = b''

    def announce(
        self,
        contact: bytes,
        credentials: Mapping[str, bytes],
    ) -> None:
        """Let clients find the workflow.

        The contact file comes last, when all that it leads to is there.

        Args:
            contact: Its content.
            credentials: The contents of the other files by name.

        Raises:
            OSError: The root cannot be written.
            UnusableFile: Something is in the place of a directory of ours.
        """
        self._make_directories()
        private.write(
            self.service / MARKER, os.fsencode(self.run_dir) + b'\n')
        for name, content in credentials.items():
            private.write(self.service / name, content)
        private.write(self.service / CONTACT, contact)
        self._contact = contact

    def withdraw(self) -> None:
        """Remove the contact file, unless somebody else has written it.

        Raises:
            OSError: It cannot be read or removed.
            UnusableFile: Something else is in its place.
        """
        path = self.service / CONTACT
        if self._contact and private.read(path) == self._contact:
            path.unlink()
        self._contact = b''

    def _make_directories(self) -> None:
        """Make the directories, none of them a link to somewhere else."""
        self.root.parent.mkdir(parents=True, exist_ok=True)
        if not self.root.is_dir():
            private.make_directory(self.root)
        for part in reversed(list(_up_to(self.root, self.service))):
            private.make_directory(part)
        self.service.chmod(0o700)
        present = set(os.listdir(self.service))
        if MARKER not in present and not present.isdisjoint(FILES):
            raise UnusableFile(self.service, 'belongs to another program')


def contact(items: Mapping[str, str | bytes]) -> bytes:
    """Return the content of a contact file.

    A line without "=" would make it unreadable, so no value may hold a
    line break.

    Raises:
        ValueError: One does.

    Examples:
        >>> contact({'CYLC_SUITE_PORT': '43001'})
        b'CYLC_API=2\\nCYLC_SUITE_PORT=43001\\nCYLC_VERSION=7.8.15\\n'
    """
    everything = {
        **items, 'CYLC_API': CYLC_API, 'CYLC_VERSION': CYLC_VERSION}
    lines = [
        os.fsencode(key) + b'=' + os.fsencode(value)
        for key, value in sorted(everything.items())
    ]
    if any(b'\n' in line or b'\r' in line for line in lines):
        raise ValueError('a line break in the contact file')
    return b'\n'.join(lines) + b'\n'


def sweep(root: Path) -> list[Path]:
    """Remove what is left of workflows that have been cleaned.

    Returns:
        Their directories.
    """
    removed = []
    for service in _ours(root):
        with suppress(OSError, UnusableFile):
            if _is_outlived(service):
                _remove(root, service)
                removed.append(service.parent)
    return removed


def _is_outlived(service: Path) -> bool:
    """Return True if the run directory which the mark names is no more."""
    run_dir = (private.read(service / MARKER) or b'').removesuffix(b'\n')
    is_path = run_dir.startswith(b'/') and b'\0' not in run_dir
    return is_path and not os.path.lexists(run_dir)


def _ours(root: Path) -> Iterator[Path]:
    """Yield the service directories that bear our mark, links not followed.

    As in a run root of Cylc there are no workflows below a workflow.
    """
    for name, folders, _ in islice(os.walk(root), MOST_DIRECTORIES):
        if SERVICE in folders:
            folders.clear()
            service = Path(name, SERVICE)
            if not service.is_symlink() and (service / MARKER).is_file():
                yield service


def _remove(root: Path, service: Path) -> None:
    """Remove our files, the mark last, and directories which are empty."""
    for name in (*FILES, MARKER):
        (service / name).unlink(missing_ok=True)
    for directory in _up_to(root, service):
        directory.rmdir()


def _up_to(root: Path, service: Path) -> Iterator[Path]:
    """Yield a directory and those above it that are below the root."""
    yield service
    for parent in service.parents:
        if parent == root:
            return
        yield parent
