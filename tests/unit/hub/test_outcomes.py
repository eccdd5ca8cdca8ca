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
"""Outcomes of commands, as the log of a scheduler tells them."""

from __future__ import annotations

import asyncio

from cylc_flask.commands import State
from cylc_flask.hub.relay import outcomes as outcomes_module
from cylc_flask.hub.relay.outcomes import (
    MOST,
    SILENT,
    Outcomes,
    Place,
    end_of,
    outcomes,
    read,
)

LOG = """\
2026-01-01T00:00:00Z INFO - Command "hold" received. ID=a-1
    hold(tasks=['1/a'])
2026-01-01T00:00:01Z INFO - Command "hold" actioned. ID=a-1
2026-01-01T00:00:01Z INFO - Command "kill_tasks" actioned with 2 warnings. ID=b
2026-01-01T00:00:02Z ERROR - Command "stop" failed. ID=c
    Invalid stop mode:
    'x'
2026-01-01T00:00:03Z INFO - something else
"""


def test_outcomes():
    assert [*outcomes(LOG)] == [
        ('a-1', State.SUCCEEDED, 0, ''),
        ('b', State.WARNINGS, 2, ''),
        ('c', State.FAILED, 0, "Invalid stop mode:\n'x'"),
    ]


def test_reading_on(tmp_path):
    path = tmp_path / 'log'
    path.write_text('one\n')
    place = end_of(path)
    with path.open('a') as file:
        file.write('two\nthr')
        file.flush()
        place, text = read(path, place)
        assert text == 'two'
        file.write('ee\n')
    place, text = read(path, place)
    assert text == 'three'
    assert read(path, place) == (place, '')


def test_a_new_log(tmp_path):
    """A log that is begun anew is read from its beginning."""
    path = tmp_path / 'log'
    path.write_text('one\ntwo\n')
    place = end_of(path)
    path.rename(tmp_path / 'old')
    path.write_text('three\n')
    assert read(path, place)[1] == 'three'


def test_no_log(tmp_path):
    assert end_of(tmp_path / 'log') == Place(0, 0)


def test_endless_line(tmp_path):
    """A line without end does not hold up what comes after it."""
    path = tmp_path / 'log'
    path.write_text('x' * (MOST + 10) + '\nend\n')
    place, text = read(path, Place(0, 0))
    assert (place.offset, text) == (MOST, '')
    assert read(path, place)[1].endswith('\nend')


def test_watching(tmp_path):
    """Each command is told about once, those without outcome at the end."""
    told = []
    (tmp_path / 'log' / 'scheduler').mkdir(parents=True)
    log = tmp_path / 'log' / 'scheduler' / 'log'

    async def watch() -> list[str]:
        watched = Outcomes(tmp_path, lambda *outcome: told.append(outcome))
        place = await watched.mark()
        for ticket in ('a-1', 'c', 'lost'):
            watched.watch(ticket, place)
        log.write_text(LOG)
        return await watched.close()

    assert asyncio.run(watch()) == ['lost']
    assert [ticket for ticket, *_ in told] == ['a-1', 'c']


def test_late_watching(tmp_path):
    """An outcome may be in the log before anybody looks for it."""
    told = []
    (tmp_path / 'log' / 'scheduler').mkdir(parents=True)
    log = tmp_path / 'log' / 'scheduler' / 'log'
    log.touch()

    async def watch() -> list[str]:
        watched = Outcomes(tmp_path, lambda *outcome: told.append(outcome))
        place = await watched.mark()
        watched.watch('first', place)
        log.write_text(LOG)
        await watched._read()
        watched.watch('a-1', place)
        return await watched.close()

    assert asyncio.run(watch()) == ['first']
    assert [ticket for ticket, *_ in told] == ['a-1']


def test_silent_log(tmp_path, monkeypatch):
    """A log that does not tell is not read for ever."""
    monkeypatch.setattr(outcomes_module, 'PATIENCE', 0)
    monkeypatch.setattr(outcomes_module, 'PERIOD', 0.01)
    told = []

    async def watch() -> None:
        watched = Outcomes(tmp_path, lambda *outcome: told.append(outcome))
        watched.watch('a-1', await watched.mark())
        assert watched._task is not None
        await watched._task

    asyncio.run(watch())
    assert told == [('a-1', State.DROPPED, 0, SILENT)]
