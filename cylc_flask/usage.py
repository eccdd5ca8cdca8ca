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
"""Who still calls the API of Cylc 7: by day, endpoint and program."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
import json
from pathlib import Path
import re
from threading import Lock, Thread
from time import monotonic, time
from typing import Any

from cylc.flow import LOG
from cylc_flask import private
from cylc_flask.address import SERVICE
from cylc_flask.private import UnusableFile

FILE_NAME = 'http-usage.json'

#: Seconds that calls wait at most before they are written.
INTERVAL = 60.0

#: How many days are kept, and how many programs with their endpoints are
#: told apart on each; the file has some bytes for each at most.
DAYS = 62
PAIRS = 200

#: So much is kept of a program's name.
LENGTH = 32

#: Stands for the programs of a day that come after so many others.
OTHERS = '(others)'

DAY = 86_400

#: Calls by day, endpoint and program.
Calls = dict[str, dict[str, dict[str, int]]]

#: Calls by endpoint and program, of one day.
Counts = dict[tuple[str, str], int]

_CYLC = re.compile(r'(?:.* )?prog_name/([^ ]+)')


class Usage:
    """Counts calls, and adds them to those in a file now and then.

    A thread that has nothing else to do writes, so that neither the scheduler
    nor a client waits for a disk. Where that fails the numbers wait for the
    next time.

    Args:
        run_dir: Of the workflow; None to write nothing.
    """

    def __init__(self, run_dir: Path | None = None) -> None:
        self._path = run_dir and usage_path(run_dir)
        self._day = 0
        self._counts: Counts = {}
        self._full: list[tuple[str, Counts]] = []
        self._due = monotonic() + INTERVAL
        self._writer: Thread | None = None
        self._complaints: set[str] = set()
        self._lock = Lock()
        self._writing = Lock()

    def note(self, endpoint: str, agent: str) -> None:
        """Count a call.

        Args:
            endpoint: What was called.
            agent: The header User-Agent.
        """
        key = endpoint, program(agent)
        with self._lock:
            counts = self._counts
            if time() // DAY != self._day:
                counts = self._begin_day()
            if key in counts:
                counts[key] += 1
                return
            if len(counts) >= PAIRS:
                key = endpoint, OTHERS
            counts[key] = counts.get(key, 0) + 1

    def tick(self) -> None:
        """Have it written where that is due; to be called often."""
        if monotonic() < self._due or not (self._counts or self._full):
            return
        if self._path is None or (self._writer and self._writer.is_alive()):
            return
        self._due = monotonic() + INTERVAL
        self._writer = Thread(target=self.write, daemon=True)
        with suppress(RuntimeError):  # no more threads now
            self._writer.start()

    def write(self) -> None:
        """Add to the file what was counted since the last time."""
        with self._lock:
            self._begin_day()
            taken, self._full = self._full, []
        if not taken or self._path is None:
            return
        with self._writing:
            try:
                calls = _sum(self._load(self._path), taken)
                private.write(self._path, dump(calls))
            except OSError as exc:
                self._keep(taken, exc)

    def _begin_day(self) -> Counts:
        """Put away the counts so far, under their day."""
        if self._counts:
            day = datetime.fromtimestamp(self._day * DAY, UTC)
            self._full = self._full[-DAYS:]
            self._full.append((f'{day:%Y-%m-%d}', self._counts))
        self._day = int(time() // DAY)
        self._counts = {}
        return self._counts

    def _keep(self, taken: list[tuple[str, Counts]], exc: OSError) -> None:
        """Keep what could not be written for another time."""
        with self._lock:
            self._full = (taken + self._full)[-DAYS:]
        self._warn(f'calls are counted, not written: {exc.strerror}')

    def _load(self, path: Path) -> Calls:
        """Return what a file has, nothing if it is spoilt."""
        try:
            return read(path.parents[1])
        except UnusableFile as exc:
            self._warn(f'{exc}; the count of calls begins anew')
            return {}

    def _warn(self, complaint: str) -> None:
        """Log a complaint, once."""
        if complaint not in self._complaints:
            LOG.warning(f'flask: {complaint}')
        self._complaints.add(complaint)


def usage_path(run_dir: Path) -> Path:
    """Return the path of the file with the calls of a workflow."""
    return run_dir / SERVICE / FILE_NAME


@lru_cache(256)
def program(agent: str) -> str:
    """Return the name of a program, as its User-Agent begins.

    Examples:
        >>> program('cylc/7.8.15 prog_name/cylc-hold uuid/4f1'), program('')
        ('cylc-hold', '-')
        >>> program('curl/8.5.0'), program('Mozilla/5.0 (X11) Gecko')
        ('curl', 'Mozilla')
    """
    found = _CYLC.match(agent)
    name = found[1] if found else agent.partition(' ')[0].partition('/')[0]
    return ''.join(
        char if char.isprintable() else '?' for char in name[:LENGTH]
    ) or '-'


def read(run_dir: Path) -> Calls:
    """Return the calls of a workflow, as far as they are written.

    Raises:
        OSError: The file cannot be read.
        UnusableFile: It is none of ours.
    """
    path = usage_path(run_dir)
    text = private.read(path)
    if text is None:
        return {}
    try:
        calls = json.loads(text)
    except ValueError as exc:
        raise UnusableFile(path, f'no JSON: {exc}') from exc
    if not _is_calls(calls):
        raise UnusableFile(path, 'not the calls of a workflow')
    found: Calls = calls
    return found


def dump(calls: Calls) -> bytes:
    """Return the text of a file."""
    return json.dumps(calls, indent=1, sort_keys=True).encode() + b'\n'


def _is_calls(calls: Any) -> bool:
    return isinstance(calls, dict) and all(
        isinstance(endpoints, dict) and all(
            isinstance(programs, dict)
            and all(type(number) is int for number in programs.values())
            for programs in endpoints.values()
        ) for endpoints in calls.values()
    )


def _sum(calls: Calls, new: list[tuple[str, Counts]]) -> Calls:
    """Return all calls, without those of long ago."""
    for day, counts in new:
        for (endpoint, name), number in counts.items():
            endpoints = calls.setdefault(day, {})
            programs = endpoints.setdefault(endpoint, {})
            if name not in programs and _size(endpoints) >= PAIRS:
                name = OTHERS
            programs[name] = programs.get(name, 0) + number
    first = f'{datetime.now(UTC) - timedelta(DAYS):%Y-%m-%d}'
    return {day: calls[day] for day in sorted(calls) if day > first}


def _size(endpoints: dict[str, dict[str, int]]) -> int:
    return sum(map(len, endpoints.values()))
