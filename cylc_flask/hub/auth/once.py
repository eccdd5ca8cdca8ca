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
"""Log-ins that are good for one time: for who can read the hub's files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
import hashlib
from pathlib import Path
import secrets
import time

from cylc_flask import private

FOLDER = 'logins'

#: Bytes of chance in each.
CHANCE = 32

#: No text is longer; what is need not be hashed.
LONGEST = 128

#: How long (seconds) one is good.
LIFETIME = 3_600.0


class Once:
    """Texts by which the owner can log in once.

    Each is a file with the name of its hash, so that the command and the hub
    need not talk to each other. Whoever removes the file has used it.

    Args:
        directory: That of the hub.
        now: Returns the time (seconds since 1970).
    """

    def __init__(
        self, directory: Path, now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = directory / FOLDER
        self._now = now

    def make(self) -> str:
        """Return a new one.

        Raises:
            OSError: It cannot be noted.
        """
        private.make_directory(self._folder)
        self._tidy()
        text = secrets.token_urlsafe(CHANCE)
        private.write(self._path(text), b'')
        return text

    def take(self, text: str) -> bool:
        """Use one; False if it is none, or was used, or is too old."""
        if len(text) > LONGEST:
            return False
        path = self._path(text)
        try:
            made = path.stat().st_mtime
            path.unlink()
        except OSError:
            return False
        return self._now() - made < LIFETIME

    def _path(self, text: str) -> Path:
        data = text.encode(errors='surrogatepass')
        return self._folder / hashlib.sha256(data).hexdigest()

    def _tidy(self) -> None:
        """Remove those that nobody has used."""
        for path in self._folder.iterdir():
            with suppress(OSError):
                if self._now() - path.stat().st_mtime >= LIFETIME:
                    path.unlink()
