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
"""The life cycle of workflows, by the real commands of Cylc."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
import os
from pathlib import Path
import signal
from textwrap import dedent
from threading import Event

import psutil
import pytest

from cylc.flow.cfgspec.glbl_cfg import glbl_cfg
from cylc_flask.hub.life import targets
from cylc_flask.hub.life.jobs import Job, State
from cylc_flask.hub.life.launch import Launcher
from tests.harness import ONE, Run, need, wait_for
from tests.pump import Pump

#: It runs until it is told to stop.
LONG = """
    #!jinja2
    [scheduling]
        [[graph]]
            R1 = one
    [runtime]
        [[one]]
            script = sleep 60
            [[[environment]]]
                WHAT = {{ WHAT | default('nothing') }}
"""


class Hub(Pump):
    """A launcher in a home directory of its own."""

    def __init__(self, run: Run, **settings) -> None:
        super().__init__()
        self.home = run.home
        self.root = run.home / 'cylc-run'
        self.launcher = Launcher(self.deliver, Event, **settings)

    def define(self, name: str, flow: str = ONE) -> Path:
        """Write a source."""
        folder = self.home / 'cylc-src' / name
        Run.write(folder / 'flow.cylc', dedent(flow).lstrip())
        return folder

    def order(self, *wishes, name: str = 'a', timeout=60, **options) -> Job:
        """Order something for one workflow, and wait for the end."""
        (job,) = self.launcher.order(
            [wish if isinstance(wish, tuple) else (wish, {})
             for wish in wishes],
            [name], 'tom', **options)
        self.until(lambda: job.finished, timeout)
        return job

    def contact(self, name: str) -> Path:
        return self.root / name / '.service' / 'contact'

    def scheduler(self, name: str) -> psutil.Process:
        """Return the process of a scheduler."""
        for line in self.contact(name).read_text().splitlines():
            key, _, value = line.partition('=')
            if key == 'CYLC_WORKFLOW_PID':
                return psutil.Process(int(value))
        raise AssertionError('no contact')

    def stop(self, name: str) -> None:
        self.order(('stop', {'now': 2}), name=name)
        wait_for(lambda: not self.contact(name).exists())


@pytest.fixture
def make(start, monkeypatch) -> Iterator:
    """Make a hub."""
    need('rsync')
    made: list[Hub] = []
    run = start.make()
    for name in ('HOME', 'CYLC_CONF_PATH', 'CYLC_FLASK_CONFIG'):
        monkeypatch.setenv(name, run.environment[name])
    monkeypatch.setenv('A_SECRET', 'of the hub')
    glbl_cfg(reload=True)

    def make(**settings) -> Hub:
        made.append(Hub(run, **settings))
        return made[-1]

    yield make
    for hub in made:
        hub.launcher.close()
        hub.launcher.join(0)
    monkeypatch.undo()
    glbl_cfg(reload=True)


@pytest.fixture
def hub(make) -> Hub:
    return make()


def succeeded(job: Job) -> Job:
    assert job.state is State.SUCCEEDED, (job.text, job.output.since().text)
    assert job.code == 0
    return job


def test_from_source_to_nothing(hub):
    source = hub.define('group/a', LONG)
    assert targets.sources() == ['group/a']
    job = succeeded(hub.order('validate', name='x', source='group/a'))
    assert 'Valid for cylc-' in job.output.since().text

    job = succeeded(hub.order('install', name='b/a', source='group/a'))
    assert job.installed == 'b/a/run1'
    assert f'INSTALLED b/a/run1 from {source}' in job.output.since().text
    name = job.installed
    succeeded(hub.order('validate', name=name))

    job = succeeded(hub.order(
        ('play', {'pause': True, 'set': ['WHAT="$(id); `ls`"']}), name=name))
    assert '\x1b' not in job.output.since().text
    assert 'PID=' in job.output.since().text
    process = hub.scheduler(name)
    assert 'A_SECRET' not in process.environ()
    assert os.getsid(process.pid) != os.getsid(0)

    job = hub.order('clean', name=name, confirm=[name])
    assert job.state is State.FAILED
    assert 'Cannot clean running workflow' in job.text
    assert (hub.root / name).is_dir()

    Run.write(source / 'flow.cylc', dedent(LONG) + '        # changed\n')
    job = succeeded(hub.order('reinstall', 'reload', name=name))
    assert f'REINSTALLED {name}' in job.output.since().text
    assert 'Command queued' in job.output.since().text
    wait_for(lambda: 'Reload completed' in log(hub, name))

    succeeded(hub.order('play', name=name))
    wait_for(lambda: 'RESUMING the workflow now' in log(hub, name))

    job = succeeded(hub.order(('stop', {'now': 2}), name=name))
    wait_for(lambda: not hub.contact(name).exists())
    job = succeeded(hub.order('reinstall', 'reload', name=name))
    assert job.output.since().text.endswith(f'{name} does not run.\n')

    succeeded(hub.order('clean', name=name, confirm=[name]))
    assert not (hub.root / 'b').exists()
    assert source.is_dir()


def log(hub: Hub, name: str) -> str:
    return ''.join(
        path.read_text()
        for path in (hub.root / name).glob('log/scheduler/*.log'))


def test_install_and_play_at_once(hub):
    hub.define('a', LONG)
    job = succeeded(hub.order(
        'validate', 'install', ('play', {'pause': True})))
    assert job.installed == 'a/run1'
    assert hub.scheduler('a/run1').is_running()
    hub.stop('a/run1')


@pytest.mark.parametrize('options, installed', [
    ({}, 'x/a/run1'),
    ({'run-name': 'mine'}, 'x/a/mine'),
    ({'no_run_name': True}, 'x/a'),
])
def test_names_of_runs(hub, options, installed):
    hub.define('a')
    order = [('install', options)]
    job = succeeded(hub.order(*order, name='x/a', source='a'))
    assert job.installed == installed
    if options:
        job = hub.order(*order, name='x/a', source='a')
        assert job.state is State.FAILED
        assert 'exists' in job.text


def test_stop_after_a_task(hub):
    hub.define('a', LONG)
    succeeded(hub.order('install', ('play', {'pause': True})))
    succeeded(hub.order(('stop', {'after': '1/one'}), name='a/run1'))
    wait_for(lambda: 'Setting stop task: 1/one' in log(hub, 'a/run1'))
    assert hub.contact('a/run1').exists()
    hub.stop('a/run1')


def test_after_a_crash(hub):
    hub.define('a', LONG)
    succeeded(hub.order('install', ('play', {'pause': True})))
    process = hub.scheduler('a/run1')
    process.kill()
    wait_for(lambda: not process.is_running())
    assert hub.contact('a/run1').exists()
    succeeded(hub.order('play', name='a/run1'))
    assert hub.scheduler('a/run1').pid != process.pid
    hub.scheduler('a/run1').kill()
    succeeded(hub.order('clean', name='a/run1', confirm=['a/run1']))
    assert not (hub.root / 'a').exists()


def test_errors_in_cylcs_own_words(hub):
    hub.define('a', '[scheduling]\n[[graph]]\nR1 = a => => b\n')
    job = hub.order('validate', source='a')
    assert job.state is State.FAILED and job.code == 1
    assert job.text.startswith('GraphParseError: ')

    hub.define('b')
    succeeded(hub.order('install', name='b'))
    job = hub.order(('play', {'stopcp': 'next week'}), name='b/run1')
    assert job.state is State.FAILED
    assert 'next week' in job.text and 'Error' in job.text

    job = hub.order('reload', name='b/run1')
    assert job.state is State.FAILED
    assert job.text == 'WorkflowStopped: b/run1 is not running'

    job = hub.order(
        ('clean', {'rm': ['../../x']}), name='b/run1', confirm=['b/run1'])
    assert job.state is State.FAILED
    assert 'run directory or above' in job.text

    job = hub.order('install', name='c', source='nothing')
    assert job.text == 'There is no source "nothing".'


def test_nothing_is_taken_for_an_option(hub):
    """What begins with a dash stays a value."""
    hub.define('a')
    succeeded(hub.order('install'))
    job = hub.order(
        ('play', {'start-task': ['--help'], 'pause': True}), name='a/run1')
    assert job.state is State.FAILED
    assert 'Usage' not in job.output.since().text
    assert not hub.contact('a/run1').exists()


def test_several_in_one_order(hub):
    names = ['a', 'b', 'c']
    for name in names:
        hub.define(name)
    jobs = hub.launcher.order([('validate', {}), ('install', {})], names, 't')
    assert [job.state for job in jobs] == [State.RUNNING] * 3
    hub.until(lambda: all(job.finished for job in jobs))
    assert {succeeded(job).installed for job in jobs} == {
        'a/run1', 'b/run1', 'c/run1'}
    runs = [job.installed for job in jobs]
    jobs = hub.launcher.order([('clean', {})], runs, 't', confirm=runs)
    hub.until(lambda: all(job.finished for job in jobs))
    assert not any((hub.root / name).exists() for name in names)


def test_a_scheduler_outlives_the_hub(hub):
    hub.define('a', LONG)
    succeeded(hub.order('install', ('play', {'pause': True})))
    process = hub.scheduler('a/run1')
    hub.launcher.close()
    hub.launcher.join(1)
    assert process.is_running()
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGTERM)
    wait_for(lambda: not process.is_running())


def test_cancelled_validation(make):
    hub = make()
    hub.define('a')
    (job,) = hub.launcher.order([('validate', {})], ['a'], 't', source='a')
    hub.until(lambda: len(job.output))
    hub.launcher.cancel(job, 'tom')
    hub.until(lambda: job.finished)
    assert job.state is State.CANCELLED


def test_time_limit(make):
    hub = make(limits={'validate': 0.2})
    hub.define('a')
    job = hub.order('validate', source='a')
    assert job.state is State.TIMED_OUT
