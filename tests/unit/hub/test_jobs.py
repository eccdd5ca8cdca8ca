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
"""What is known of a job."""

from __future__ import annotations

import json
from threading import Event

import pytest

from cylc_flask.hub.life.jobs import Job, Output, State, Step


@pytest.fixture
def job() -> Job:
    return Job(
        'a', (Step('install'), Step('play')), 'tom', Event(), order='o1')


def test_life(job):
    states = []
    leave = job.watch(lambda: states.append((job.state, len(job.output))))
    job.start()
    job.write('one\n')
    assert not job.finished and not job.wait(0)
    job.settle(State.FAILED, 'no', 1)
    leave()
    job.write('two\n')
    assert states == [
        (State.RUNNING, 0), (State.RUNNING, 4), (State.FAILED, 4)]
    assert job.finished and job.wait(0)
    assert job.time <= job.started <= job.ended


def test_one_who_leaves_when_woken(job):
    woken = []
    leaves = [
        job.watch(lambda: (woken.append(1), leaves[0]())),
        job.watch(lambda: woken.append(2)),
    ]
    job.start()
    job.write('one\n')
    assert sorted(woken) == [1, 2, 2]


def test_as_dict(job):
    job.settle(State.TIMED_OUT, 'slow', 1, 'a/run1')
    told = json.loads(json.dumps(job.as_dict()))
    assert told['command'] == 'install+play'
    assert told['state'] == 'timed out'
    assert told['installed'] == 'a/run1'
    assert told['started'] is None


def test_output_in_pieces():
    output = Output()
    output.add('one\n')
    piece = output.since()
    assert piece == ('one\n', 4, 0)
    assert output.since(piece.next) == ('', 4, 0)
    output.add('two\n')
    assert output.since(piece.next) == ('two\n', 8, 0)


def test_output_keeps_the_latest():
    output = Output(kept=100)
    whole = ''
    for number in range(1000):
        whole += f'line {number}\n'
        output.add(f'line {number}\n')
        piece = output.since()
        assert len(piece.text) <= 210
        assert piece.missed == output.lost
        assert piece.next == len(output) == len(whole)
        assert whole.endswith(piece.text)
        assert piece.text.startswith('line ')
    assert output.since(len(whole) - 5) == (whole[-5:], len(whole), 0)
    assert output.since(0).missed == output.lost > 0


def test_output_of_one_long_line():
    output = Output(kept=100)
    output.add('x' * 1000)
    assert output.since() == ('x' * 100, 1000, 900)


@pytest.mark.parametrize('offset, text', [
    (-5, 'one\n'), (0, 'one\n'), (4, ''), (99, ''), (10 ** 30, ''),
])
def test_offsets(offset, text):
    output = Output()
    output.add('one\n')
    assert output.since(offset) == (text, 4, 0)
