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
"""The scheduler, woken for commands: soon, not too often, and only then."""

from __future__ import annotations

from statistics import median
import time

import pytest

from tests.harness import Run, Starter

#: It turns its main loop, and does nothing else.
IDLE = """
    [scheduler]
        [[events]]
            abort on stall timeout = False
    [scheduling]
        [[graph]]
            R1 = one
    [runtime]
        [[one]]
"""

#: Seconds between two turns of a main loop that nobody wakes.
INTERVAL = 1.0


def outcome_times(run: Run, number: int = 6) -> list[float]:
    """Return how long (seconds) commands take, sent at odd times."""
    times = []
    for each in range(number):
        time.sleep(0.13 * each)
        began = time.monotonic()
        assert run.post('hold_suite', wait=10)[0] is True
        times.append(time.monotonic() - began)
    return times


@pytest.mark.parametrize('wakes', [True, False])
def test_outcomes(start: Starter, wakes: bool) -> None:
    """They come at once, unless the scheduler shall sleep on."""
    run = start(IDLE, '--pause', config={'wake_scheduler': wakes})
    times = outcome_times(run)
    if wakes:
        assert median(times) < INTERVAL / 4
    else:
        assert max(times) > INTERVAL / 2


def test_turns_are_not_too_many(start: Starter) -> None:
    """However many commands come, the scheduler has ten turns a second."""
    run = start(IDLE, '--pause', '--debug')
    begun, end = time.monotonic(), time.monotonic() + 3
    session = run.session()
    number = 0
    while time.monotonic() < end:
        answer = session.post(f'{run.url}/hold_suite')
        assert answer.json()[0] is True
        number += 1
    assert run.post('hold_suite', wait=10)[0] is True
    seconds = time.monotonic() - begun
    turns = run.log().count('queued command(s)')
    assert number > 50
    assert turns <= 12 * seconds


def test_life_goes_on(start: Starter) -> None:
    """A workflow that is woken all the time runs to its end."""
    run = start(IDLE, '--pause')
    for _ in range(20):
        run.post('hold_suite')
    run.post('release_suite')
    for _ in range(20):
        if not run.alive:
            break
        time.sleep(0.1)
    assert run.wait_end() == 0
    assert '1/one/01:running] => succeeded' in run.log()
    assert 'Traceback' not in run.log()
