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
"""Sessions: how they begin and end, and how many there may be."""

from __future__ import annotations

import pytest

from cylc_flask.auth.sessions import Sessions
from cylc_flask.auth.users import User
from cylc_flask.privilege import Privilege

OWNER = User('cylc', Privilege.FULL_CONTROL)
PUBLIC = User('anon', Privilege.IDENTITY)


@pytest.fixture
def sessions(clock):
    return Sessions(3600, 4, clock)


def test_it_is_found_by_its_token(sessions):
    session = sessions.open(OWNER)
    assert sessions.find(session.token) == session
    assert session.name == 'cylc'
    for other in ('', session.csrf, session.token[:-1], 'x' * 10_000,
                  'a\udcff', session.token.upper()):
        assert sessions.find(other) is None


def test_tokens_are_kept_nowhere(sessions):
    session = sessions.open(OWNER)
    kept = repr(vars(sessions)) + repr(session)
    assert session.token not in kept
    assert session.csrf not in kept
    assert len(session.token) == 64


def test_all_are_different(sessions):
    made = [sessions.open(OWNER) for _ in range(10)]
    secrets = {text for each in made for text in (each.token, each.csrf)}
    assert len(secrets) == 20


def test_it_ends_though_it_is_used(sessions, clock):
    session = sessions.open(OWNER)
    for _ in range(4):
        assert sessions.find(session.token)
        clock.now += 900
    assert sessions.find(session.token) is None
    sessions.open(OWNER)
    assert len(sessions) == 1


def test_it_is_closed(sessions):
    session, other = sessions.open(OWNER), sessions.open(OWNER)
    assert sessions.close(session.token)
    assert not sessions.close(session.token)
    assert sessions.find(session.token) is None
    assert sessions.find(other.token)


def test_the_public_does_not_end_those_of_the_owner(sessions):
    own = [sessions.open(OWNER) for _ in range(2)]
    opened = [sessions.open(PUBLIC) for _ in range(10)]
    assert all(sessions.find(each.token) for each in own)
    assert [bool(sessions.find(each.token)) for each in opened] == (
        [False] * 8 + [True] * 2)
    assert len(sessions) == 4


def test_who_has_most_makes_room(sessions):
    most = [sessions.open(OWNER) for _ in range(2)]
    one = sessions.open(PUBLIC)
    for name in 'ab':
        sessions.open(User(name, Privilege.IDENTITY))
    assert len(sessions) == 4
    assert sessions.find(one.token)
    assert not sessions.find(most[0].token)
