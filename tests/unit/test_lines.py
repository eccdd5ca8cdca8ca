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
"""Those who stay are counted, and told to leave."""

from __future__ import annotations

from cylc_flask.lines import GOING_AWAY, Lines


def test_room() -> None:
    lines = Lines(2)
    first, second = [1].clear, [2].clear
    lines.join(first)
    assert not lines.full
    lines.join(second)
    assert lines.full
    assert len(lines) == 2
    lines.leave(first)
    lines.leave(first)
    assert not lines.full
    assert len(lines) == 1


def test_no_room_at_all() -> None:
    assert Lines(0).full


def test_end() -> None:
    lines = Lines(2)
    told: list[str] = []

    def leave() -> None:
        told.append(lines.ending)
        lines.leave(leave)

    lines.join(leave)
    lines.end()
    assert told == [GOING_AWAY]
    assert lines.full
    lines.leave(leave)
