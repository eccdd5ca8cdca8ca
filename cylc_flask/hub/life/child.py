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
"""A command of the system, run by a thread which waits for it."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
import os
from pathlib import Path
import re
import resource
from selectors import EVENT_READ, DefaultSelector
import signal
import subprocess
from threading import Event
import time
from typing import Callable

#: How many files this process might open when it began. The hub opens more
#: itself, but what it starts may not be made for that.
FILES = resource.getrlimit(resource.RLIMIT_NOFILE)

#: How often a limit or a wish to end is looked at, in seconds.
TICK = 0.1

#: So much is read at once, and then nothing for a while: a flood of output
#: is slowed down to some MB/s, and cannot drown those who look on.
CHUNK = 65_536
PAUSE = 0.01

#: How long a command has to end by itself once it is told to, in seconds.
GRACE = 5

#: A line that is longer is shown in parts, in characters.
LONGEST_LINE = 8192

#: What only a terminal understands, and all other control characters.
_TERMINAL = re.compile(
    r'\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?'
    r'|[\x00-\x08\x0b-\x1f\x7f-\x9f]',
)


#: What is logged when nothing is wrong, with the lines that go on with it.
_NO_FAULT = re.compile(
    r'^(?:\S+ )?(?:DEBUG|INFO) - .*\n?(?:[ \t]+.*\n?)*', re.MULTILINE)


class Stream(StrEnum):
    """Where a command writes to."""

    OUT = 'out'
    ERR = 'err'


#: Takes whole lines of output.
Tell = Callable[[Stream, str], object]


class TimedOut(Exception):
    """A command took longer than it may."""


class Cancelled(Exception):
    """A command was ended because somebody wished so."""


class Lines:
    """Makes whole lines of text out of a stream of bytes."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder('utf-8')('replace')
        self._rest = ''

    def feed(self, data: bytes) -> str:
        """Return the lines which are complete now; all, without data.

        Examples:
            >>> lines = Lines()
            >>> lines.feed(b'\\x1b[31mone\\x1b[0m\\ntw'), lines.feed(b'')
            ('one\\n', 'tw\\n')
        """
        text = self._rest + self._decoder.decode(data, final=not data)
        whole, end, self._rest = text.rpartition('\n')
        if self._rest and (not data or len(self._rest) > LONGEST_LINE):
            whole, end, self._rest = text, '\n', ''
        return clean(whole) + end


def clean(text: str) -> str:
    """Return a text without what only a terminal understands."""
    return _TERMINAL.sub('', text.replace('\r\n', '\n'))


def faults(text: str) -> str:
    """Return what a command says of its failure; all, if it is all the same.

    Examples:
        >>> faults('INFO - Extracting\\n1999Z ERROR - Oh\\n    dear\\n')
        '1999Z ERROR - Oh\\n    dear'
        >>> faults('INFO - Nothing to do\\n')
        'INFO - Nothing to do'
    """
    return _NO_FAULT.sub('', text).strip() or text.strip()


def run(
    words: Sequence[str | Path],
    environment: Mapping[str, str],
    tell: Tell,
    *,
    seconds: float,
    cancelled: Event,
) -> int:
    """Run a command to its end, and return its exit status.

    It has a session of its own, so that nobody's Ctrl-C is meant for it, and
    no input. Daemons that it has left behind live on, were they even slow to
    let go of its output.

    Args:
        words: The command line.
        environment: All variables that it gets.
        tell: Called with what it writes.
        seconds: How long it may take.
        cancelled: Set to end it.

    Raises:
        OSError: It cannot be started.
        TimedOut: It was ended after that time.
        Cancelled: It was ended by wish.
    """
    process = subprocess.Popen(
        words,
        cwd=environment.get('HOME', '/'),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with suppress(ProcessLookupError):  # it has ended already
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, FILES)
    end = time.monotonic() + seconds
    with process, _Output(process, tell) as output:
        try:
            while process.poll() is None:
                output.read(TICK)
                if cancelled.is_set():
                    raise Cancelled
                if time.monotonic() > end:
                    raise TimedOut
        finally:
            _end(process, output)
    return process.returncode


def _end(process: subprocess.Popen[bytes], output: _Output) -> None:
    """End a command which has not ended, with force if need be."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + GRACE
        if process.poll() is None:
            # Its number is its own until it is waited for.
            os.killpg(process.pid, number)
        while process.poll() is None and time.monotonic() < end:
            output.read(TICK)


class _Output:
    """What comes out of a process, as long as it comes."""

    def __init__(self, process: subprocess.Popen[bytes], tell: Tell) -> None:
        self._tell = tell
        self._selector = DefaultSelector()
        for file, stream in (
            (process.stdout, Stream.OUT), (process.stderr, Stream.ERR)
        ):
            assert file
            self._selector.register(file, EVENT_READ, (stream, Lines()))

    def __enter__(self) -> _Output:
        return self

    def __exit__(self, *_: object) -> None:
        """Take what is there already, and no more."""
        end = time.monotonic() + GRACE
        while self._take(0) and time.monotonic() < end:
            pass
        for key in list(self._selector.get_map().values()):
            self._finish(key.fileobj, key.data)
        self._selector.close()

    def read(self, seconds: float) -> None:
        """Read for a while, or until there is something."""
        if self._selector.get_map():
            self._take(seconds)
            time.sleep(PAUSE)
        else:
            time.sleep(seconds)

    def _take(self, seconds: float) -> bool:
        """Read once from each stream; tell whether there was anything."""
        ready = self._selector.select(seconds)
        for key, _ in ready:
            data = os.read(key.fd, CHUNK)
            if data:
                self._say(key.data, data)
            else:
                self._finish(key.fileobj, key.data)
        return bool(ready)

    def _finish(self, file: object, data: tuple[Stream, Lines]) -> None:
        self._selector.unregister(file)  # type: ignore[arg-type]
        self._say(data, b'')

    def _say(self, data: tuple[Stream, Lines], piece: bytes) -> None:
        stream, lines = data
        text = lines.feed(piece)
        if text:
            self._tell(stream, text)
