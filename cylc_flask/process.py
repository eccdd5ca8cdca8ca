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
"""Processes, told apart though their numbers are used again."""

from __future__ import annotations

from dataclasses import dataclass
import os
from pathlib import Path
import socket
import subprocess

#: Seconds for "ps", which takes milliseconds where nothing is wrong.
PATIENCE = 2


@dataclass(frozen=True)
class Process:
    """A process of some host.

    Args:
        host: The host, by its own name for itself.
        pid: Its number there.
        started: When it began, in clock ticks since its host did: unlike
            the time of day, nobody puts that forward or back.
    """

    host: str
    pid: int
    started: int

    @classmethod
    def current(cls) -> Process:
        """Return the process that asks."""
        pid = os.getpid()
        return cls(socket.gethostname(), pid, _started(pid) or 0)

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """Return a process of this host, None if there is none."""
        started = _started(pid)
        if started is None:
            return None
        return cls(socket.gethostname(), pid, started)

    def is_alive(self) -> bool | None:
        """Return False if it has ended, None where this host cannot tell."""
        if self.host != socket.gethostname():
            return None
        return _started(self.pid) == self.started


def _started(pid: int) -> int | None:
    """Return when a process began, None if it is no more.

    A process which has ended and waits for its parent is no more. The
    fields are counted from the last bracket, because those before it hold
    the name of the program, which may be anything.
    """
    try:
        text = Path(f'/proc/{pid}/stat').read_text(errors='replace')
    except OSError:
        return None
    state, *fields = text.rpartition(')')[2].split()
    return None if state in 'ZX' else int(fields[18])


def command_line(pid: int) -> bytes:
    """Return ``PID COMMAND`` as the command "ps -opid,args PID" prints it.

    Cylc 7 clients compare the two byte by byte. ``COLUMNS`` would cut the
    line. Where there is no "ps" that can do it, there is nobody to compare
    either, and an approximation will do.
    """
    environment = {
        key: value for key, value in os.environ.items() if key != 'COLUMNS'}
    try:
        output = subprocess.run(
            ['ps', '-opid,args', str(pid)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return _from_proc(pid)
    for line in output.splitlines():
        if line.split(None, 1)[0:1] == [b'%d' % pid]:
            return line.strip()
    return _from_proc(pid)


def _from_proc(pid: int) -> bytes:
    arguments = Path(f'/proc/{pid}/cmdline').read_bytes().split(b'\0')
    return b' '.join([b'%d' % pid, *arguments]).strip()
