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
"""Processes: alive or not, and their command lines as clients see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
import os
from pathlib import Path
import signal
import subprocess
import sys

import pytest

from cylc_flask import process
from cylc_flask.process import Process, command_line
from tests.harness import need, wait_for

Spawn = Callable[..., subprocess.Popen[bytes]]

ARGUMENTS = {
    'plain': ['play', '--no-detach', 'a/run1'],
    'long': ['x' * 5000],
    'blanks': ['  two  words ', '', 'end '],
    'line break': ['a\nb'],
    'not ASCII': ['h\u00e9', '\u4e2d'],
    'no UTF-8': [b'\xff'],
    'control characters': ['\x01\x1b[31m'],
}


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start processes that wait to be ended."""
    started = []

    def start(*arguments: str | bytes) -> subprocess.Popen[bytes]:
        code = 'import sys; print(flush=True); sys.stdin.read()'
        child = subprocess.Popen(
            [sys.executable, '-c', code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(child)
        assert child.stdout
        child.stdout.readline()
        return child
    yield start
    for child in started:
        child.communicate()


def process_of(pid: int) -> Process:
    return replace(
        Process.current(), pid=pid, started=process._started(pid) or 0)


def as_client(pid: int) -> bytes:
    """Return what a Cylc 7 client compares."""
    output = subprocess.run(
        [need('ps'), '-opid,args', str(pid)],
        stdout=subprocess.PIPE,
        env={k: v for k, v in os.environ.items() if k != 'COLUMNS'},
    ).stdout
    return output.splitlines()[-1].strip()


def write_program(path: Path, text: str) -> None:
    path.write_text(f'#!/bin/sh\n{text}\n')
    path.chmod(0o700)


def test_current_process():
    current = Process.current()
    assert current.pid == os.getpid()
    assert current.started
    assert current.is_alive() is True
    assert current == Process.current()


def test_ended_process(spawn: Spawn):
    child = spawn()
    found = process_of(child.pid)
    assert found.is_alive() is True
    child.communicate()
    assert found.is_alive() is False


def test_process_that_waits_for_its_parent_has_ended(spawn: Spawn):
    child = spawn()
    found = process_of(child.pid)
    os.kill(child.pid, signal.SIGKILL)
    wait_for(lambda: found.is_alive() is False, what='its end')


def test_other_process_with_the_same_number():
    old = replace(Process.current(), started=1)
    assert old.is_alive() is False


def test_process_of_another_host():
    assert replace(Process.current(), host='elsewhere').is_alive() is None


@pytest.mark.parametrize('arguments', ARGUMENTS.values(), ids=ARGUMENTS)
def test_command_line_is_that_of_ps(
    spawn: Spawn,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
):
    child = spawn(*arguments)
    monkeypatch.setenv('COLUMNS', '40')
    assert command_line(child.pid) == as_client(child.pid)


def test_command_line_without_ps(
    spawn: Spawn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    child = spawn('a', 'b')
    expected = as_client(child.pid)
    monkeypatch.setenv('PATH', str(tmp_path))
    assert command_line(child.pid) == expected


@pytest.mark.parametrize('text', [
    'exit 1',
    'echo "  PID ARGS"; echo "    1 init"',
    'exec sleep 60',
])
def test_command_line_with_another_ps(
    spawn: Spawn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
):
    child = spawn('a', 'b')
    expected = as_client(child.pid)
    write_program(tmp_path / 'ps', text)
    monkeypatch.setenv('PATH', f'{tmp_path}:{os.environ["PATH"]}')
    monkeypatch.setattr(process, 'PATIENCE', 0.5)
    assert command_line(child.pid) == expected
