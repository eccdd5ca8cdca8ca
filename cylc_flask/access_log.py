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
"""The access log: a line for each request, in files that are rotated."""

from __future__ import annotations

from io import TextIOWrapper
import logging
from logging.handlers import RotatingFileHandler
import os
from pathlib import Path
import sys
from typing import Callable

from cylc.flow import LOG

#: A file gets no larger (bytes) before the next is begun; so many are kept.
SIZE = 10_000_000
KEPT = 5


def writer(path: str, log_dir: Path) -> Callable[[str], None] | None:
    """Return what writes a line, None where no log is wanted or possible.

    Args:
        path: Where to; relative to `log_dir`; empty for no log.
        log_dir: The folder of the workflow's logs.
    """
    logger = logging.getLogger('cylc_flask.access')
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    if not path:
        return None
    try:
        logger.addHandler(_File(log_dir / path))
    except OSError as exc:
        LOG.warning(f'flask: no access log: {exc}')
        return None
    logger.propagate = False
    logger.setLevel(logging.INFO)
    return logger.info


class _File(RotatingFileHandler):
    """A file for lines; where it cannot be written, the requests go on."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(path, maxBytes=SIZE, backupCount=KEPT)
        self.setFormatter(logging.Formatter('%(message)s'))
        self._complaint = ''

    def _open(self) -> TextIOWrapper:
        """Open the file for its owner alone: it holds what was asked for.

        A named pipe in its place is not waited for.
        """
        flags = os.O_APPEND | os.O_CREAT | os.O_WRONLY | os.O_NONBLOCK
        return open(
            os.open(self.baseFilename, flags, 0o600), 'a', encoding='utf-8'
        )

    def handleError(self, record: logging.LogRecord) -> None:
        """Log what went wrong, once, in place of a traceback for each line.

        The stream is opened anew, because it keeps what it could not write.
        """
        complaint = str(sys.exc_info()[1])
        if complaint != self._complaint:
            LOG.warning(f'flask: no access log: {complaint}')
        self._complaint = complaint
        self.close()

    def close(self) -> None:
        """Close the file, be it full or not."""
        try:
            super().close()
        except OSError:
            self.stream = None
