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
"""Sessions, as recorded in session_key and session_expiry."""

from __future__ import annotations

import pytest

from cylc_flask.legacy.sessions import Sessions


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sessions(clock):
    return Sessions(clock)


def test_the_same_session_each_time(sessions):
    first = sessions.visit('a')
    again = sessions.visit('a')
    assert first.is_new and not again.is_new
    assert again.session is first.session
    assert sessions.visit('b').session is not first.session


def test_sign_out(sessions):
    first = sessions.visit('a')
    assert sessions.sign_out('a') is True
    assert sessions.sign_out('a') is False
    again = sessions.visit('a')
    assert again.is_new
    assert again.session is not first.session


def test_unknown_signs_out(sessions):
    assert sessions.sign_out('a') is False


def test_lone_client_is_not_forgotten(sessions, clock):
    sessions.visit('a')
    clock.now = 62
    assert not sessions.visit('a').is_new
    clock.now = 1000
    assert sessions.sign_out('a') is True


def test_silent_client_is_forgotten_when_another_calls(sessions, clock):
    sessions.visit('a')
    clock.now = 62
    assert sessions.visit('b').forgotten == ['a']
    assert sessions.sign_out('a') is False


@pytest.mark.parametrize('silence, forgotten', [
    (0, []), (60, []), (60.1, ['a', 'b']),
])
def test_sixty_seconds(sessions, clock, silence, forgotten):
    sessions.visit('a')
    sessions.visit('b')
    clock.now = silence
    assert sessions.visit('c').forgotten == forgotten


def test_a_call_counts_anew(sessions, clock):
    sessions.visit('a')
    sessions.visit('b')
    clock.now = 50
    sessions.visit('a')
    clock.now = 100
    assert sessions.visit('c').forgotten == ['b']
    assert not sessions.visit('a').is_new


def test_bounded(clock):
    sessions = Sessions(clock, limit=3)
    for uuid in 'abc':
        sessions.visit(uuid)
    sessions.visit('a')
    assert sessions.visit('d').forgotten == ['b']
    assert len(sessions) == 3
    assert not sessions.visit('a').is_new


def test_mounts_do_not_share(clock):
    root, id_ = Sessions(clock), Sessions(clock)
    id_.visit('a')
    assert root.sign_out('a') is False
    assert id_.sign_out('a') is True
