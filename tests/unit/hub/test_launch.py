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
"""The queue of jobs, with a "cylc" that does as its file says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
import random
from threading import Event
import time

import pytest

from cylc_flask.errors import RequestError, Unavailable
from cylc_flask.hub.life import launch, targets
from cylc_flask.hub.life.jobs import State
from cylc_flask.hub.life.launch import Conflict, Launcher
from tests.pump import Pump

#: Where a file "NAME.go" is missing, the command waits for it.
SCRIPT = """\
#!/bin/sh
for name; do :; done
echo "$@" >> {log}
while test ! -e {gates}/$(echo "$name" | tr / _).go; do sleep 0.02; done
{end}
"""


class Hub(Pump):
    """A launcher, and a folder of workflows."""

    def __init__(self, folder: Path, end: str = '', **settings) -> None:
        super().__init__()
        self.folder = folder
        self.log = folder / 'log'
        self.log.touch()
        cylc = folder / 'cylc'
        cylc.write_text(
            SCRIPT.format(log=self.log, gates=folder, end=end))
        cylc.chmod(0o755)
        self.changes: list[tuple[str, str]] = []
        self.launcher = Launcher(
            self.deliver, Event,
            lambda job: self.changes.append((job.workflow, str(job.state))),
            **settings)

    def define(self, *names):
        for name in names:
            run_dir = self.folder / 'cylc-run' / name
            run_dir.mkdir(parents=True, exist_ok=True)
            (run_dir / 'flow.cylc').touch()

    def go(self, *names):
        for name in names:
            (self.folder / f'{name.replace("/", "_")}.go').touch()

    def order(self, *names, command='play', user='tom', **options):
        self.define(*names)
        return self.launcher.order([(command, options)], names, user)

    def states(self):
        return {
            job.workflow: str(job.state) for job in self.launcher.jobs()}

    def finish(self, *jobs):
        self.until(lambda: all(job.finished for job in jobs))


@pytest.fixture
def make(tmp_path, monkeypatch) -> Iterator:
    """Make a hub in a home of its own."""
    made: list[Hub] = []
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setattr(launch, 'bin_directory', lambda: tmp_path)

    def make(end: str = '', **settings) -> Hub:
        made.append(Hub(tmp_path, end, **settings))
        return made[-1]

    yield make
    for hub in made:
        hub.launcher.close()
        hub.launcher.join(0)


def test_one(make):
    hub = make('echo "play $HOME"')
    (job,) = hub.order('a', pause=True)
    assert job.state is State.RUNNING
    hub.go('a')
    hub.finish(job)
    assert job.state is State.SUCCEEDED and job.code == 0 and not job.text
    assert job.output.since().text == (
        f'$ cylc play --color=never --pause -- a\nplay {hub.folder}\n')
    assert hub.launcher.find(job.id) is job
    assert hub.changes == [('a', 'running'), ('a', 'succeeded')]
    assert hub.launcher.find('x') is None


def test_several_at_once_and_a_queue(make):
    hub = make(at_once=2)
    jobs = hub.order('a', 'b', 'c', 'd')
    assert len({job.order for job in jobs}) == 1
    assert hub.states() == {
        'a': 'running', 'b': 'running', 'c': 'queued', 'd': 'queued'}
    hub.go('b')
    hub.finish(jobs[1])
    assert hub.states() == {
        'a': 'running', 'b': 'succeeded', 'c': 'running', 'd': 'queued'}
    hub.go('a', 'c', 'd')
    hub.finish(*jobs)
    assert set(hub.states().values()) == {'succeeded'}


def test_never_two_for_one_workflow(make):
    hub = make()
    first, other = hub.order('a/run1', 'b')
    (second,) = hub.order('a/run1')
    (around,) = hub.order('a', command='validate')
    (third,) = hub.order('a/run2')
    assert [job.state for job in (first, other, second, around, third)] == [
        State.RUNNING, State.RUNNING, State.QUEUED, State.QUEUED,
        # It does not overtake the one for the folder around it.
        State.QUEUED,
    ]
    hub.go('a/run1', 'b', 'a', 'a/run2')
    hub.finish(first, other, second, around, third)
    lines = [line.split()[-1] for line in hub.log.read_text().splitlines()]
    assert [name for name in lines if name != 'b'] == [
        'a/run1', 'a/run1', 'a', 'a/run2']


def test_queue_is_limited(make):
    hub = make(at_once=1, queue=3)
    hub.order('a')
    hub.order('b', 'c')
    with pytest.raises(Unavailable, match='2 jobs wait already'):
        hub.order('d', 'e', user='ann')
    hub.order('d', user='ann')
    with pytest.raises(RequestError, match='1 to 2 workflows'):
        hub.order('e', 'f', 'g', user='bob')
    assert len(hub.launcher.jobs()) == 4


def test_one_user_takes_half_of_the_queue(make):
    hub = make(at_once=1, queue=6)
    hub.order('a')
    first, *_ = hub.order('b', 'c', 'd')
    with pytest.raises(Unavailable, match='3 jobs of tom wait already: 3'):
        hub.order('e')
    hub.order('e', 'f', user='ann')
    hub.launcher.cancel(first, 'tom')
    with pytest.raises(Unavailable, match='2 jobs of ann wait already: 3'):
        hub.order('g', 'h', user='ann')
    hub.order('b')
    assert len(hub.launcher.jobs()) == 7


def test_failure_in_its_own_words(make):
    hub = make('echo Hello; echo "InputError: no such thing" >&2; exit 1')
    (job,) = hub.order('a')
    hub.go('a')
    hub.finish(job)
    assert (job.state, job.code) == (State.FAILED, 1)
    assert job.text == 'InputError: no such thing'


def test_failure_among_other_words(make):
    """What is logged of the usual course is no part of the failure."""
    hub = make(
        'echo "INFO - Extracting" >&2; echo "9Z ERROR - Bad" >&2; exit 1')
    (job,) = hub.order('a')
    hub.go('a')
    hub.finish(job)
    assert job.text == '9Z ERROR - Bad'


@pytest.mark.parametrize('end, text', [
    ('echo Would clean; exit 1', 'Would clean'),
    ('exit 3', 'cylc play ended with 3'),
    ('kill -9 $$', 'cylc play ended with -9'),
])
def test_failure_without_words(make, end, text):
    hub = make(end)
    (job,) = hub.order('a')
    hub.go('a')
    hub.finish(job)
    assert (job.state, job.text) == (State.FAILED, text)


def test_not_there(make):
    hub = make()
    (job,) = hub.launcher.order([('play', {})], ['a'], 'tom')
    hub.finish(job)
    assert (job.state, job.code) == (State.FAILED, None)
    assert job.text == 'There is no workflow "a".'
    assert not hub.log.read_text()


def test_no_cylc(make):
    hub = make()
    (hub.folder / 'cylc').unlink()
    (job,) = hub.order('a')
    hub.finish(job)
    assert job.state is State.FAILED
    assert 'No such file' in job.text


def test_time_limit(make):
    hub = make(limits={'play': 0.3})
    (job,) = hub.order('a')
    hub.finish(job)
    assert job.state is State.TIMED_OUT
    assert job.text == 'cylc play took more than 0.3 s'


def test_cancel(make):
    hub = make(at_once=1)
    running, waiting = hub.order('a', 'b')
    hub.launcher.cancel(waiting, 'ann')
    assert (waiting.state, waiting.text) == (
        State.CANCELLED, 'Cancelled by ann.')
    hub.launcher.cancel(running, 'ann')
    hub.launcher.cancel(running, 'bob')
    hub.finish(running)
    assert (running.state, running.text) == (
        State.CANCELLED, 'Cancelled by ann.')
    with pytest.raises(Conflict, match='is over: cancelled'):
        hub.launcher.cancel(running, 'ann')


def test_steps_end_with_the_first_that_fails(make):
    hub = make('exit 1')
    hub.define('a')
    hub.go('a')
    (job,) = hub.launcher.order(
        [('validate', {}), ('play', {})], ['a'], 'tom')
    hub.finish(job)
    assert job.state is State.FAILED
    assert hub.log.read_text() == 'validate --color=never -- a\n'


def test_what_is_stopped_is_not_reloaded(make):
    hub = make()
    hub.define('a')
    hub.go('a')
    wishes = [('reinstall', {}), ('reload', {})]
    (job,) = hub.launcher.order(wishes, ['a'], 'tom')
    hub.finish(job)
    assert job.state is State.SUCCEEDED
    assert job.output.since().text.endswith('a does not run.\n')
    service = hub.folder / 'cylc-run' / 'a' / '.service'
    service.mkdir()
    (service / 'contact').touch()
    (job,) = hub.launcher.order(wishes, ['a'], 'tom')
    hub.finish(job)
    assert hub.log.read_text().splitlines()[1:] == [
        'reinstall --color=never -- a', 'reload --color=never -- a']


def test_what_is_installed_is_played(make):
    hub = make(
        'case $1 in install) echo "INSTALLED b/run1 from $name";; esac')
    source = hub.folder / 'cylc-src' / 'a'
    source.mkdir(parents=True)
    (source / 'flow.cylc').touch()
    hub.define('b/run1')
    hub.go(str(source), 'b/run1')
    (job,) = hub.launcher.order(
        [('install', {}), ('play', {})], ['b'], 'tom', source='a')
    hub.finish(job)
    assert job.installed == 'b/run1'
    assert hub.log.read_text().splitlines() == [
        f'install --color=never --workflow-name=b -- {source}',
        'play --color=never -- b/run1',
    ]


def test_clean_is_confirmed(make):
    hub = make()
    hub.define('a')
    with pytest.raises(RequestError, match='confirm'):
        hub.launcher.order([('clean', {})], ['a'], 'tom')
    assert not hub.launcher.jobs()
    hub.go('a')
    (job,) = hub.launcher.order(
        [('clean', {})], ['a'], 'tom', confirm=['a'])
    hub.finish(job)
    assert job.state is State.SUCCEEDED


def test_old_jobs_are_forgotten(make, monkeypatch):
    monkeypatch.setattr(launch, 'REMEMBERED', 2)
    hub = make(at_once=1)
    (running,) = hub.order('z')
    jobs = [hub.order(name)[0] for name in 'abcd']
    for job in jobs[:3]:
        hub.launcher.cancel(job, 'ann')
    hub.order('e')
    assert [job.workflow for job in hub.launcher.jobs()] == list('zbcde')
    assert hub.launcher.find(running.id)


def test_flood_does_not_stay(make):
    hub = make('seq 300000')
    (job,) = hub.order('a')
    hub.go('a')
    hub.finish(job)
    piece = job.output.since()
    assert piece.text.endswith('\n300000\n')
    assert len(piece.text) < 150_000 < piece.missed


def test_stop(make):
    """What runs has time to end; what waits is dropped."""
    hub = make('echo done', at_once=1)
    running, waiting = hub.order('a', 'b')
    hub.launcher.close()
    assert (waiting.state, waiting.text) == (
        State.CANCELLED, 'The hub stops.')
    with pytest.raises(Unavailable):
        hub.order('c')
    hub.go('a')
    hub.launcher.join(30)
    hub.finish(running)
    assert running.state is State.SUCCEEDED


def test_stop_has_an_end(make):
    hub = make()
    (job,) = hub.order('a')
    hub.launcher.close()
    begin = time.monotonic()
    hub.launcher.join(0.2)
    assert time.monotonic() - begin < 5
    hub.finish(job)
    assert (job.state, job.text) == (State.CANCELLED, 'The hub stops.')


def test_many_in_any_order(make):
    """Whatever is ordered and cancelled, the rules hold, and all ends."""
    names = ['a', 'a/run1', 'a/run2', 'b', 'c/d', 'c', 'e']
    dice = random.Random(1)
    hub = make(f'exit {dice.choice("01")}', at_once=3)
    hub.go(*names)
    broken, most = [], 0

    def look(_):
        nonlocal most
        running = [
            job.workflow for job in hub.launcher.jobs()
            if job.state is State.RUNNING
        ]
        most = max(most, len(running))
        broken.extend(
            pair for pair in combinations(running, 2)
            if targets.overlap(*pair))

    hub.launcher._changed = look
    for _ in range(40):
        hub.order(*dice.sample(names, dice.randint(1, 4)))
        alive = [job for job in hub.launcher.jobs() if not job.finished]
        if alive and dice.random() < 0.4:
            hub.launcher.cancel(dice.choice(alive), 'ann')
        hub.until(lambda: dice.random() < 0.7)
    hub.finish(*hub.launcher.jobs())
    assert most == 3
    assert not broken
    assert {job.state for job in hub.launcher.jobs()} >= {State.CANCELLED}
