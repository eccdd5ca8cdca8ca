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
"""Commands which behave, and those which do not."""

from __future__ import annotations

import os
from pathlib import Path
import resource
import signal
import sys
from threading import Event, Timer
import time

import psutil
import pytest

from cylc_flask.hub.life import child
from cylc_flask.hub.life.child import Lines, Stream
from tests.harness import wait_for


@pytest.fixture(autouse=True)
def short_grace(monkeypatch):
    monkeypatch.setattr(child, 'GRACE', 0.5)


class Ran:
    """What a command has done."""

    def __init__(self, script, *, seconds=30, cancel_after=None, **env):
        self.heard: list[tuple[Stream, str]] = []
        cancelled = Event()
        timer = Timer(cancel_after or 0, cancelled.set)
        if cancel_after is not None:
            timer.start()
        begin = time.monotonic()
        try:
            self.code = child.run(
                ['/bin/sh', '-c', script],
                {'PATH': os.environ['PATH'], 'HOME': '/tmp', **env},
                lambda *said: self.heard.append(said),
                seconds=seconds,
                cancelled=cancelled,
            )
        except (child.TimedOut, child.Cancelled) as exc:
            self.code = type(exc)
        self.took = time.monotonic() - begin
        timer.cancel()

    def text(self, stream: Stream) -> str:
        return ''.join(text for which, text in self.heard if which is stream)

    @property
    def out(self) -> str:
        return self.text(Stream.OUT)

    @property
    def err(self) -> str:
        return self.text(Stream.ERR)


def test_both_streams_and_the_status():
    ran = Ran('echo one; echo two >&2; printf three; exit 3')
    assert (ran.code, ran.out, ran.err) == (3, 'one\nthree\n', 'two\n')


def test_output_comes_while_it_runs():
    ran = Ran('echo one; sleep 0.5; echo two')
    assert [text for _, text in ran.heard] == ['one\n', 'two\n']


def test_no_input_and_a_home():
    ran = Ran('cat; pwd; echo "$SECRET"')
    assert (ran.code, ran.out) == (0, '/tmp\n\n')


def test_nothing_of_ours_is_open(tmp_path):
    with (tmp_path / 'secret').open('w') as file:
        os.set_inheritable(file.fileno(), True)
        ran = Ran('ls -l /proc/self/fd')
    assert 'secret' not in ran.out


def test_session_of_its_own():
    ran = Ran('ps -o sid= -p $$; echo $$')
    session, pid = ran.out.split()
    assert session == pid


def test_time_limit():
    ran = Ran('echo one; sleep 60', seconds=0.5)
    assert ran.code is child.TimedOut
    assert ran.out == 'one\n'
    assert ran.took < 5


def test_cancel():
    ran = Ran('echo one; sleep 60', cancel_after=0.5)
    assert ran.code is child.Cancelled
    assert ran.out == 'one\n'
    assert ran.took < 5


def test_last_words():
    ran = Ran(
        "trap 'echo bye; exit 1' TERM; echo one; while :; do sleep 0.1; done",
        cancel_after=0.5)
    assert ran.out == 'one\nbye\n'


def test_one_that_does_not_listen(tmp_path):
    pid = tmp_path / 'pid'
    ran = Ran(
        f"trap '' TERM; echo $$ > {pid}; while :; do sleep 0.1; done",
        cancel_after=0.5)
    assert ran.code is child.Cancelled
    assert ran.took < 5
    assert not psutil.pid_exists(int(pid.read_text()))


def test_its_children_end_too(tmp_path):
    pid = tmp_path / 'pid'
    Ran(f'sleep 60 & echo $! > {pid}; wait', cancel_after=0.5)
    number = int(pid.read_text())
    wait_for(
        lambda: not psutil.pid_exists(number)
        or psutil.Process(number).status() == psutil.STATUS_ZOMBIE,
        what='the end of the child')


def test_daemon_lives_on_and_is_not_waited_for(tmp_path):
    """Also one that keeps the output open."""
    pid = tmp_path / 'pid'
    ran = Ran(f'setsid sleep 60 & echo $! > {pid}; echo one')
    number = int(pid.read_text())
    try:
        assert (ran.code, ran.out) == (0, 'one\n')
        assert ran.took < 5
        assert psutil.pid_exists(number)
    finally:
        os.kill(number, signal.SIGKILL)


def test_closed_output_is_not_the_end():
    ran = Ran('exec >&- 2>&-; sleep 0.5; exit 4')
    assert ran.code == 4
    assert ran.took >= 0.5


def test_flood_is_slowed_down():
    before = time.process_time()
    ran = Ran('yes', seconds=1)
    assert ran.code is child.TimedOut
    assert len(ran.out) < 20_000_000
    assert time.process_time() - before < 1.5


def test_killed_by_a_signal():
    assert Ran('kill -9 $$').code == -9


def test_all_of_a_long_output_comes():
    ran = Ran('seq 200000')
    assert ran.out.split() == [str(i) for i in range(1, 200001)]


def test_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        child.run(
            [tmp_path / 'cylc'], {}, lambda *_: None, seconds=1,
            cancelled=Event())


def test_words_are_no_shell(tmp_path):
    heard = []
    child.run(
        [sys.executable, '-c', 'import sys; print(sys.argv[1:])',
         '$(id)', '; ls', '`id`', '*', "'"],
        {}, lambda _, text: heard.append(text), seconds=30,
        cancelled=Event())
    assert ''.join(heard) == repr(
        ['$(id)', '; ls', '`id`', '*', "'"]) + '\n'
    assert not list(Path(tmp_path).iterdir())


@pytest.mark.parametrize('data, expected', [
    ([b'one\n'], 'one\n'),
    ([b'o', b'ne', b'\nt'], 'one\nt\n'),
    (['é'.encode()[:1], 'é'.encode()[1:] + b'\n'], 'é\n'),
    ([b'\xff\n'], '\ufffd\n'),
    ([b'\xc3'], '\ufffd\n'),
    ([b'\x1b[1;31mred\x1b[0m\n'], 'red\n'),
    ([b'\x1b]0;title\x07text\n'], 'text\n'),
    ([b'\x1b[3', b'1mred\n'], 'red\n'),
    ([b'a\r\nb\n'], 'a\nb\n'),
    ([b'50%\r60%\n'], '50%60%\n'),
    ([b'\0\x08\x9b2J\ta\n'], '\ufffd2J\ta\n'),
    ([b'\n\n'], '\n\n'),
    ([], ''),
])
def test_lines(data, expected):
    lines = Lines()
    assert ''.join(map(lines.feed, [*data, b''])) == expected


def test_line_without_an_end():
    lines = Lines()
    text = ''.join(lines.feed(b'x' * 5000) for _ in range(10))
    assert text.replace('\n', '') in 'x' * 50000
    assert len(text) > 40000


def test_files_are_as_many_as_before(monkeypatch):
    """Schedulers and their jobs do not inherit what the hub has for itself."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr(child, 'FILES', (now - 1, most))
    assert int(Ran('sleep 0.3; ulimit -Sn').out) == now - 1
