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
"""Named tokens: only their hash is kept, and they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cylc_flask.errors import CylcFlaskError
from cylc_flask.hub.users.tokens import PREFIX, Token, Tokens

FULL_READ = ('full-read',)
ALL = ('*',)


class Clock:
    """Goes on when it is told to."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(tmp_path: Path, clock: Clock) -> Tokens:
    return Tokens(tmp_path, clock, clock)


def test_a_life(tokens: Tokens) -> None:
    text = tokens.add('alice', 'ci', ('full-read', '!stop'), ('nwp',), None)
    token = tokens.find(text)
    assert token is not None
    assert (token.user, token.name, token.may, token.workflows) == (
        'alice', 'ci', ('full-read', '!stop'), ('nwp',))
    assert token.grant.gives('full-read')
    assert tokens.is_good(token)
    assert tokens.revoke('alice', 'ci') == ['ci']
    assert tokens.find(text) is None
    assert not tokens.is_good(token)
    assert tokens.revoke('alice', 'ci') == []


def test_read_again(tokens: Tokens, tmp_path: Path) -> None:
    text = tokens.add('alice', 'ci', FULL_READ, ALL, 60)
    assert Tokens(tmp_path, now=lambda: 0).find(text) == tokens.find(text)


def test_what_is_kept(tokens: Tokens, tmp_path: Path) -> None:
    text = tokens.add('alice', 'ci', FULL_READ, ALL, None)
    path = tmp_path / 'tokens.json'
    assert text.startswith(PREFIX) and len(text) > 50
    assert text.removeprefix(PREFIX) not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    (row,) = json.loads(path.read_text()).values()
    assert row['hash'] not in repr(tokens.find(text))


def test_expiry(tokens: Tokens, clock: Clock) -> None:
    text = tokens.add('alice', 'ci', FULL_READ, ALL, 60)
    token = tokens.find(text)
    assert token is not None
    clock.now += 59
    assert tokens.find(text) and tokens.is_good(token)
    clock.now += 1
    assert tokens.find(text) is None
    assert not tokens.is_good(token)
    assert tokens.all() == [token]


def test_names_are_those_of_a_user(tokens: Tokens) -> None:
    first = tokens.add('alice', 'ci', FULL_READ, ALL, None)
    second = tokens.add('bob', 'ci', FULL_READ, ALL, None)
    with pytest.raises(CylcFlaskError, match='revoke it first'):
        tokens.add('alice', 'ci', ALL[:0], ALL, None)
    tokens.revoke('alice')
    assert tokens.find(first) is None
    assert tokens.find(second)
    assert [token.user for token in tokens.all()] == ['bob']
    assert tokens.all('alice') == []


def test_a_namesake_is_another(tokens: Tokens) -> None:
    """What goes on with a revoked token ends, though its name is taken."""
    tokens.add('alice', 'ci', FULL_READ, ALL, None)
    (old,) = tokens.all()
    tokens.revoke('alice', 'ci')
    tokens.add('alice', 'ci', FULL_READ, ALL, None)
    assert not tokens.is_good(old)


@pytest.mark.parametrize('user, name, may', [
    ('a/b', 'ci', FULL_READ),
    ('alice', '', FULL_READ),
    ('alice', '../x', FULL_READ),
    ('alice', 'a b', FULL_READ),
    ('alice', 'ci', ('ful-read',)),
])
def test_bad_ones(
    tokens: Tokens, user: str, name: str, may: tuple[str, ...],
) -> None:
    with pytest.raises(CylcFlaskError):
        tokens.add(user, name, may, ALL, None)
    assert tokens.all() == []


@pytest.mark.parametrize('text', [
    '', PREFIX, 'x', f'{PREFIX}x', f'{PREFIX}\ud800', PREFIX + 'x' * 1000,
])
def test_guesses(tokens: Tokens, text: str) -> None:
    tokens.add('alice', 'ci', FULL_READ, ALL, None)
    assert tokens.find(text) is None


@pytest.mark.parametrize('change', [
    {'hash': 'nix'}, {'may': ['nix']}, {'may': None}, {'expires': 'soon'},
    {'user': 'a b'},
])
def test_bad_files(
    tokens: Tokens, tmp_path: Path, change: dict[str, object],
) -> None:
    tokens.add('alice', 'ci', FULL_READ, ALL, None)
    path = tmp_path / 'tokens.json'
    rows = json.loads(path.read_text())
    rows['alice/ci'] |= change
    path.write_text(json.dumps(rows))
    with pytest.raises(CylcFlaskError, match=r'tokens\.json: not a file'):
        Tokens(tmp_path)


def test_a_scope_of_nothing() -> None:
    token = Token('alice', 'ci', '00', (), (), 0)
    assert not token.grant.covers('a')
