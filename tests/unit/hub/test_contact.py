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
"""Contact files: what they say, and whether their processes live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
import os
from pathlib import Path
import shlex
import subprocess
import sys

import pytest

from cylc_flask.hub.runs.contact import Contact, find_process, read
from cylc_flask.private import UnusableFile
from cylc_flask.process import Process
from tests import run_dirs
from tests.harness import wait_for


@contextmanager
def child(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process with these arguments."""
    code = 'import sys; print(flush=True); sys.stdin.read()'
    with subprocess.Popen(
        (sys.executable, '-c', code, *arguments),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.communicate()


def test_what_it_says():
    said = Contact.parse(run_dirs.contact('a/run1', COMMAND='cylc play a=b'))
    assert said == Contact(
        workflow='a/run1', uuid='u-1', host=run_dirs.HERE, port=43001,
        publish_port=43002, pid=os.getpid(), command='cylc play a=b',
        owner='me', api='5', version='8.5.4',
    )


@pytest.mark.parametrize('item, complaint', [
    ({'HOST': ''}, 'CYLC_WORKFLOW_HOST is missing'),
    ({'HOST': '..'}, "CYLC_WORKFLOW_HOST is '..'"),
    ({'HOST': 'a' * 300}, 'CYLC_WORKFLOW_HOST is'),
    ({'HOST': 'h\u00f6st'}, 'CYLC_WORKFLOW_HOST is'),
    ({'PORT': 'x'}, "CYLC_WORKFLOW_PORT is 'x'"),
    ({'PORT': '0'}, "CYLC_WORKFLOW_PORT is '0'"),
    ({'PORT': '65536'}, "CYLC_WORKFLOW_PORT is '65536'"),
    ({'PUBLISH_PORT': '-1'}, "CYLC_WORKFLOW_PUBLISH_PORT is '-1'"),
    ({'PID': '9' * 5000}, "CYLC_WORKFLOW_PID is '9{79}$"),
    ({'PID': '\u00b2'}, 'CYLC_WORKFLOW_PID is'),
    ({'UUID': '\x1b[31m'}, 'CYLC_WORKFLOW_UUID is'),
])
def test_what_is_none(item, complaint):
    with pytest.raises(ValueError, match=complaint):
        Contact.parse(run_dirs.contact('a', **item))


@pytest.mark.parametrize('content', [
    b'', b'\xff\xfe\x00', b'no line with a sign\n' * 9, b'=\n==',
    b'CYLC_SUITE_NAME=old\nCYLC_SUITE_HOST=here\n',
])
def test_other_files_are_none(content: bytes, tmp_path: Path):
    path = tmp_path / 'contact'
    path.write_bytes(content)
    run_dirs.age(path)
    with pytest.raises(ValueError, match='is missing'):
        read(path)


def test_bytes_that_are_no_text():
    content = run_dirs.contact('a', OWNER='me@').replace(b'@', b'\xff')
    with pytest.raises(ValueError, match='CYLC_WORKFLOW_OWNER is'):
        Contact.parse(content)
    content = run_dirs.contact('a', COMMAND='cylc @').replace(b'@', b'\xff')
    assert Contact.parse(content).command == 'cylc \udcff'


def test_half_written_file_is_not_there_yet(tmp_path: Path):
    path = tmp_path / 'contact'
    path.write_bytes(run_dirs.contact('a')[:50])
    assert read(path) is None


def test_no_file(tmp_path: Path):
    assert read(tmp_path / 'contact') is None


def test_folder_in_its_place(tmp_path: Path):
    with pytest.raises(UnusableFile, match='directory'):
        read(tmp_path)


@pytest.mark.parametrize('join', [' '.join, shlex.join])
def test_process_that_lives(join):
    with child('play', 'two words', "it's") as process:
        arguments = [*map(str, process.args)]
        said = Contact.parse(run_dirs.contact(
            'a', process.pid, COMMAND=join(arguments)))
        assert find_process(said) == Process.of(process.pid)


def test_process_that_has_ended():
    """Also while it waits for its parent."""
    with child() as process:
        said = Contact.parse(run_dirs.contact('a', process.pid))
        process.kill()
        wait_for(lambda: find_process(said) is None, what='its end')
    assert find_process(said) is None


def test_other_process_of_the_same_number():
    said = Contact.parse(run_dirs.contact('a'))
    assert find_process(said) == Process.current()
    assert find_process(replace(said, command='cylc play a')) is None
