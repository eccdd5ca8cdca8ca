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
"""The files that browsers fetch by themselves, as they are on disk now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
import gzip
import hashlib
import math
import os
from pathlib import Path
import re
from time import monotonic

TYPES = {
    '.css': 'text/css; charset=utf-8',
    '.html': 'text/html; charset=utf-8',
    '.ico': 'image/vnd.microsoft.icon',
    '.js': 'text/javascript; charset=utf-8',
    '.json': 'application/json',
    '.map': 'application/json',
    '.md': 'text/plain; charset=utf-8',
    '.png': 'image/png',
    '.svg': 'image/svg+xml',
    '.ttf': 'font/ttf',
    '.txt': 'text/plain; charset=utf-8',
    '.wasm': 'application/wasm',
    '.woff': 'font/woff',
    '.woff2': 'font/woff2',
}

OTHER = 'application/octet-stream'

#: What gzip makes smaller.
TEXTS = ('text/', 'application/json', 'image/svg', 'font/ttf')

#: What is smaller travels in one packet anyway.
SMALL = 1_400

HASH = re.compile('[0-9a-f]{16}')


@dataclass(frozen=True)
class Content:
    """A file.

    Args:
        type: Its media type.
        tag: Another one for other bytes.
        data: What it holds.
        packed: The same, compressed; None where that is not worth it.
    """

    type: str
    tag: str
    data: bytes
    packed: bytes | None


@dataclass(frozen=True)
class _Stat:
    path: Path
    time: int
    size: int


class Files:
    """All files of a folder.

    Their common hash makes a path that never stands for anything else. It
    is another as soon as one of them changes: the server may be older than
    they are.

    Args:
        folder: Where they lie.
        every: How often (seconds) they are looked through, at most: a page
            asks for dozens of them at a time.
    """

    def __init__(self, folder: Path, every: float = 1.0) -> None:
        self._folder = folder
        self._every = every
        self._looked = -math.inf
        self._stats: dict[str, _Stat] = {}
        self._contents: dict[str, tuple[_Stat, Content]] = {}
        self._hash = ''

    @property
    def hash(self) -> str:
        """Return the hash of all files."""
        if monotonic() < self._looked + self._every:
            return self._hash
        stats = dict(self._walk())
        self._looked = monotonic()
        if stats != self._stats or not self._hash:
            self._stats = stats
            whole = hashlib.sha256()
            for name, stat in sorted(stats.items()):
                whole.update(f'{name}\0{stat.size}\0'.encode())
                # What has just gone is missed by the next who asks.
                with suppress(FileNotFoundError):
                    whole.update(stat.path.read_bytes())
            self._hash = whole.hexdigest()[:16]
        return self._hash

    def find(self, name: str) -> Content | None:
        """Return a file by its path below the folder, None if there is none.

        Only names that are in the folder are known: no path leads out.
        """
        self.hash  # noqa: B018
        stat = self._stats.get(name)
        if stat is None:
            return None
        known = self._contents.get(name)
        if known is None or known[0] != stat:
            try:
                known = stat, _content(stat.path)
            except FileNotFoundError:
                return None
            self._contents[name] = known
        return known[1]

    def split(self, path: str) -> tuple[str, bool]:
        """Return the name in a path, and whether the hash before it is ours.

        Examples:
            >>> files = Files(Path('/nowhere'))
            >>> files.split('js/main.js')
            ('js/main.js', False)
            >>> files.split(f'{files.hash}/js/main.js')
            ('js/main.js', True)
            >>> files.split('0123456789abcdef/js/main.js')
            ('js/main.js', False)
        """
        first, _, rest = path.partition('/')
        if HASH.fullmatch(first):
            return rest, first == self.hash
        return path, False

    def _walk(self) -> Iterator[tuple[str, _Stat]]:
        for folder, _, names in os.walk(self._folder):
            for path in (Path(folder, name) for name in names):
                with suppress(FileNotFoundError):
                    stat = path.stat()
                    yield str(path.relative_to(self._folder)), _Stat(
                        path, stat.st_mtime_ns, stat.st_size
                    )


def pack(data: bytes, level: int = 6) -> bytes:
    """Return data as gzip: always the same for the same."""
    return gzip.compress(data, level, mtime=0)


def _content(path: Path) -> Content:
    data = path.read_bytes()
    kind = TYPES.get(path.suffix.lower(), OTHER)
    packed = None
    if len(data) > SMALL and kind.startswith(TEXTS):
        packed = pack(data, 9)
    return Content(kind, hashlib.sha256(data).hexdigest()[:16], data, packed)
