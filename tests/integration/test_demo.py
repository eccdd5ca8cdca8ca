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
"""The demo, as a newcomer meets it: from an empty home to no process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
import json
import os
from pathlib import Path
import re
import shutil
import signal
import subprocess

import psutil
import pytest

from tests.harness import BIN, make_home, need, processes_of, wait_for

NAME = 'cylc-flask-demo'

#: No virtual environment is activated.
PATH = '/usr/bin:/bin'


class Demo:
    """A demo in a terminal of its own."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self.run_dir = home / 'cylc-run' / NAME
        self.output = home / 'output'
        self.environment = {'HOME': str(home), 'PATH': PATH}
        with self.output.open('wb') as output:
            self.process = subprocess.Popen(
                (BIN / 'cylc', 'flask', 'demo', *options),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_text(self, text: str) -> None:
        with suppress(AssertionError):
            wait_for(
                lambda: re.search(text, self.text) or self.process.poll(), 60)
        assert re.search(text, self.text), self.text

    def ready(self) -> Demo:
        self.wait_text('Ctrl-C ends')
        return self

    def jobs(self) -> list[str]:
        return [
            path for process in processes_of(self.home)
            for path in command(process) if '/log/job/' in path
        ]

    def interrupt(self) -> int:
        """Press Ctrl-C: all processes in the foreground get the signal."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(60)


def command(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        words: list[str] = process.cmdline()
        return words
    return []


@pytest.fixture
def home() -> Iterator[Path]:
    """Make an empty home, in which no process may be left."""
    path = make_home()
    yield path
    left = list(processes_of(path))
    for process in left:
        process.kill()
    psutil.wait_procs(left)
    shutil.rmtree(path)
    assert not left


@pytest.fixture
def demo(home) -> Iterator[Demo]:
    demo = Demo(home)
    yield demo.ready()
    if demo.process.poll() is None:
        demo.interrupt()


def in_second_terminal(demo: Demo, line: str) -> str:
    """Return what a line prints in a shell which knows nothing of ours."""
    result = subprocess.run(
        ('sh', '-c', line),
        env=demo.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_what_is_printed_works_as_it_stands(demo):
    need('curl')
    assert 'Open the URL in a browser' in demo.text
    lines = re.findall(r'^  (curl .*)$', demo.text, re.M)
    info, summary, hold, release, trigger, knock = lines
    assert json.loads(in_second_terminal(demo, info))['group'] == 'demo'
    assert len(json.loads(in_second_terminal(demo, summary))) == 3
    done = [True, 'Command succeeded']
    assert json.loads(in_second_terminal(demo, hold)) == done
    demo.wait_text(r'the workflow +held')
    assert json.loads(in_second_terminal(demo, release)) == done
    demo.wait_text(r'thermometer.1 +succeeded')
    assert json.loads(in_second_terminal(demo, trigger)) == done
    demo.wait_text(r'(?s)thermometer.1 +succeeded.*thermometer.1 +running')
    assert json.loads(in_second_terminal(demo, knock))[0] is True
    demo.wait_text(r'visitor.1 +(running|succeeded)')
    (call,) = re.findall(r'^  (/.* flask call .*)$', demo.text, re.M)
    assert 'group: demo' in in_second_terminal(demo, call)


def test_ctrl_c_leaves_nothing(demo):
    wait_for(demo.jobs, 30, 'a job')
    assert demo.interrupt() == 0
    assert 'no process of it is left' in demo.text
    assert not list(processes_of(demo.home))
    assert not (demo.run_dir / '.service' / 'contact').exists()
    assert not (demo.run_dir / '.service' / 'http.json').exists()


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP])
def test_other_ends_leave_nothing_either(demo, number):
    demo.process.send_signal(number)
    assert demo.process.wait(60) == 0
    assert not list(processes_of(demo.home))


def test_ctrl_c_at_the_start(home):
    demo = Demo(home)
    demo.wait_text('Starting')
    assert demo.interrupt() == 0
    assert not list(processes_of(home))


def test_users_configuration_is_left_alone(home):
    conf = home / '.cylc' / 'flow' / 'global.cylc'
    conf.parent.mkdir(parents=True)
    conf.write_text('nonsense')
    flask = home / '.cylc' / 'flask' / 'config.toml'
    flask.parent.mkdir(parents=True)
    flask.write_text('nonsense')
    demo = Demo(home).ready()
    assert demo.interrupt() == 0
    assert conf.read_text() == flask.read_text() == 'nonsense'


def test_second_at_the_same_time(demo):
    result = subprocess.run(
        (BIN / 'cylc', 'flask', 'demo'), env=demo.environment,
        capture_output=True, text=True, timeout=30)
    assert result.returncode == 1
    assert 'is running already' in result.stderr
    assert 'Traceback' not in result.stderr
    assert demo.process.poll() is None


def test_second_after_the_first(demo):
    assert demo.interrupt() == 0
    second = Demo(demo.home).ready()
    assert second.interrupt() == 0


def test_second_after_a_first_that_was_killed(demo):
    wait_for(demo.jobs, 30, 'a job')
    demo.process.kill()
    demo.process.wait()
    left = {process.pid for process in processes_of(demo.home)}
    second = Demo(demo.home).ready()
    assert left
    assert not left & {each.pid for each in processes_of(demo.home)}
    assert second.interrupt() == 0


def test_second_after_all_was_killed(demo):
    for process in processes_of(demo.home):
        process.kill()
    demo.process.wait()
    assert Demo(demo.home).ready().interrupt() == 0


def test_folder_of_somebody_else(home):
    flow = home / 'cylc-run' / NAME / 'flow.cylc'
    flow.parent.mkdir(parents=True)
    flow.write_text('mine')
    demo = Demo(home)
    assert demo.process.wait(30) == 1
    assert 'choose another --name' in demo.text
    assert flow.read_text() == 'mine'


@pytest.mark.parametrize('name', ['../up', '', 'a/b', '-', '.hidden'])
def test_bad_name(home, name):
    demo = Demo(home, f'--name={name}')
    assert demo.process.wait(30) == 2
    assert not (home / 'cylc-run').exists()
