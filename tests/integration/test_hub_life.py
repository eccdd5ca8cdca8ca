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
"""A site lives for a while, and its hub is none the worse for it.

``make soak`` has it live for longer.
"""

from __future__ import annotations

from collections.abc import Iterator
import os

import pytest

from tests.harness import wait_for
from tests.hub_life import PATIENCE, Life

#: How long (seconds) things happen; from some minutes on the memory is
#: watched.
SECONDS = float(os.environ.get('SOAK_SECONDS', '25'))
IS_LONG = SECONDS >= 300

#: What happens depends on it, and on how busy the machine is.
SEED = int(os.environ.get('SOAK_SEED', '6'))

CLIENTS = 20

NAMES = ('site/a', 'site/b', 'night/run1', 'day')
MORE = ('deep/er/down/one', 'x', 'other/run1', 'other/run2')

#: How many more files may be open, and bytes be taken, than when it had
#: lived for a third of the time.
FILES = 3
MEMORY = 15_000_000


@pytest.fixture
def life() -> Iterator[Life]:
    names, most, length = (NAMES, 2, 'PT1S') if not IS_LONG else (
        NAMES + MORE, 4, 'PT5S')
    made = Life(names, most, length, SEED)
    try:
        yield made.start()
    finally:
        made.close()


@pytest.mark.timeout(SECONDS + 600)
def test_life(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HOME', str(life.hub.run.home))
    live(life, SECONDS / 3)
    life.stop_all()
    before = life.burden()

    live(life, SECONDS * 2 / 3)
    wait_for(life.is_right, PATIENCE, 'a list that is right', 0.5)
    run_some(life)
    for run in life.alive():
        wait_for(lambda: life.is_equal(run), PATIENCE, run.name, 0.5)  # noqa: B023
    life.stop_all()
    wait_for(life.is_right, PATIENCE, 'a list that is right', 0.5)

    wait_for(
        lambda: life.burden()['files'] <= before['files'] + FILES, PATIENCE,
        f'as many files as before: {before}', 1)
    after = life.burden()
    print(f'{before} {after} {dict(life.done)}')
    assert after['threads'] <= before['threads'] + FILES
    if IS_LONG:
        assert after['memory'] <= before['memory'] + MEMORY
    assert 'Traceback' not in life.hub.said()


def live(life: Life, seconds: float) -> None:
    """Have things happen for a while, as clients look on."""
    life.come(CLIENTS)
    life.live(seconds)
    life.leave()
    assert life.faults == [], (
        life.faults[:5], life.hub.process, life.hub.said()[-4000:])


def run_some(life: Life) -> None:
    """See to it that as many run as may."""
    for run in life.runs:
        if len(life.alive()) < life.most and not run.alive:
            life.install(run)
            life.play(run)
    wait_for(
        lambda: [*life.statuses().values()].count('running')
        + [*life.statuses().values()].count('paused')
        + [*life.statuses().values()].count('stalled') >= life.most,
        PATIENCE, 'some to run', 0.5)
