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
"""The users, and that their passwords stay inside."""

from __future__ import annotations

import pytest

from cylc_flask.auth.attempts import Attempt, Outcome, printable
from cylc_flask.auth.basic import Login
from cylc_flask.auth.users import Account, LegacyUsers, User
from cylc_flask.privilege import PUBLIC_LEVELS, Privilege

SECRET = 'abcdefghij0123456789'


def test_legacy_users():
    users = LegacyUsers(SECRET, Privilege.FULL_READ)
    assert users.find('cylc') == Account(
        User('cylc', Privilege.FULL_CONTROL), SECRET)
    assert users.find('anon') == Account(
        User('anon', Privilege.FULL_READ), 'the quick brown fox')
    for name in ('', 'root', 'CYLC', 'cylc '):
        assert users.find(name) is None


def test_empty_passphrase():
    with pytest.raises(ValueError, match='empty'):
        LegacyUsers('', Privilege.IDENTITY)


@pytest.mark.parametrize('level', Privilege)
def test_public_levels(level):
    if level in PUBLIC_LEVELS:
        LegacyUsers(SECRET, level)
        return
    with pytest.raises(ValueError) as caught:
        LegacyUsers(SECRET, level)
    assert str(level) in str(caught.value)
    assert SECRET not in str(caught.value)


def test_passwords_do_not_show():
    users = LegacyUsers(SECRET, Privilege.IDENTITY)
    things = [users, users.find('cylc'), Login('cylc', SECRET)]
    assert SECRET not in repr(things) + str(things)


def test_printable():
    assert printable('café') == 'café'
    assert printable('a\r\n\x1b[31m\u202e\ud800') == 'a???[31m??'
    assert len(printable('x' * 100_000)) == 64


def test_attempts():
    user = User('cylc', Privilege.FULL_CONTROL)
    assert Attempt.accepted(user) == Attempt(Outcome.ACCEPTED, 'cylc', user)
    assert Attempt.refused('a\nb') == Attempt(Outcome.FAILED, 'a?b')
    assert Attempt.refused('a', stale=True) == Attempt(Outcome.STALE, 'a')
