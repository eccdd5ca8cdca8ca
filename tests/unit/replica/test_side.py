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
"""When side data are worth a new version of the replica."""

from dataclasses import replace

from tests.unit.replica.sides import DEFINITION, SIDE


def test_the_first() -> None:
    assert SIDE.is_news_after(None)


def test_a_change() -> None:
    assert not replace(SIDE).is_news_after(SIDE)
    assert replace(SIDE, is_paused=True).is_news_after(SIDE)
    assert replace(SIDE, broadcasts={'*': {}}).is_news_after(SIDE)


def test_a_reload_even_if_it_changed_nothing() -> None:
    assert replace(SIDE, definition=replace(DEFINITION)).is_news_after(SIDE)


def test_the_interval_only_once() -> None:
    """It never keeps still."""
    first = replace(SIDE, main_loop_interval=1.0)
    assert first.is_news_after(SIDE)
    assert not replace(SIDE, main_loop_interval=1.1).is_news_after(first)
