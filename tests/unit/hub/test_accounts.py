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
"""Accounts, and what is kept of their passwords."""

from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path
import statistics
import time

import pytest

from cylc_flask.errors import CylcFlaskError, Unavailable
from cylc_flask.hub.users import passwords
from cylc_flask.hub.users.accounts import Accounts
from cylc_flask.hub.users.passwords import Few, Passwords, make_hash
from cylc_flask.privilege import Privilege

PASSWORD = 'correct horse'


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with less work; what is slow is tested by itself."""
    method = 'scrypt:1024:8:1'
    nobody = passwords.NOBODY.replace(passwords.METHOD, method)
    monkeypatch.setattr(passwords, 'METHOD', method)
    monkeypatch.setattr(passwords, 'NOBODY', nobody)


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / 'hub')


class Worker:
    """Counts how often the slow part is done."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, work: Callable[[], bool]) -> bool:
        self.times += 1
        return work()


def test_none_at_first(accounts: Accounts) -> None:
    assert accounts.all() == []
    assert accounts.find('alice') is None
    assert accounts.check('alice', PASSWORD) is None


def test_a_life(accounts: Accounts) -> None:
    accounts.add('alice', PASSWORD, Privilege.FULL_READ)
    accounts.add('Bob@example.org', PASSWORD)
    assert [(item.name, item.level) for item in accounts.all()] == [
        ('Bob@example.org', Privilege.NONE),
        ('alice', Privilege.FULL_READ),
    ]
    accounts.set_level('alice', Privilege.SHUTDOWN)
    assert accounts.find('alice').level is Privilege.SHUTDOWN
    assert accounts.check('alice', PASSWORD).name == 'alice'
    before = accounts.find('alice').stamp
    accounts.set_password('alice', 'battery staple')
    assert accounts.find('alice').stamp != before
    assert accounts.check('alice', PASSWORD) is None
    assert accounts.check('alice', 'battery staple')
    accounts.remove('alice')
    assert accounts.check('alice', 'battery staple') is None
    assert len(accounts.all()) == 1


def test_others_see_it(accounts: Accounts, tmp_path: Path) -> None:
    now = [0.0]
    other = Accounts(tmp_path / 'hub', clock=lambda: now[0])
    accounts.add('alice', PASSWORD)
    now[0] += 1
    assert other.check('alice', PASSWORD)


def test_what_is_kept(accounts: Accounts, tmp_path: Path) -> None:
    accounts.add('alice', PASSWORD)
    accounts.add('bob', PASSWORD)
    path = tmp_path / 'hub/accounts.json'
    assert path.stat().st_mode & 0o777 == 0o600
    rows = json.loads(path.read_text())
    assert PASSWORD not in path.read_text()
    assert rows['alice']['password'].startswith('scrypt:')
    assert rows['alice']['password'] != rows['bob']['password']
    assert 'scrypt' not in repr(accounts.find('alice'))


@pytest.mark.parametrize('name', [
    '', ' ', 'a b', 'a:b', 'a/b', '-a', '.a', 'a\n', 'é', 'a' * 65, 'cylc',
    'Anon', '*',
])
def test_bad_names(accounts: Accounts, name: str) -> None:
    with pytest.raises(CylcFlaskError):
        accounts.add(name, PASSWORD)
    assert accounts.all() == []


@pytest.mark.parametrize('password', ['', 'x' * 7, 'x' * 1025])
def test_bad_passwords(accounts: Accounts, password: str) -> None:
    with pytest.raises(CylcFlaskError, match='8 to 1024 characters'):
        accounts.add('alice', password)
    accounts.add('alice', PASSWORD)
    with pytest.raises(CylcFlaskError, match='8 to 1024 characters'):
        accounts.set_password('alice', password)
    assert accounts.check('alice', PASSWORD)


def test_nobody_there(accounts: Accounts) -> None:
    for call in (
        lambda: accounts.set_password('alice', PASSWORD),
        lambda: accounts.set_level('alice', Privilege.IDENTITY),
        lambda: accounts.remove('alice'),
    ):
        with pytest.raises(CylcFlaskError, match='there is no user alice'):
            call()


def test_added_twice(accounts: Accounts) -> None:
    accounts.add('alice', PASSWORD)
    with pytest.raises(CylcFlaskError, match='already'):
        accounts.add('alice', 'another one')
    assert accounts.check('alice', PASSWORD)


@pytest.mark.parametrize('content', [
    '[]', '{', 'nix', '{"alice": 1}', '{"alice": {}}', '\xff',
    '{"alice": {"password": "plain", "level": "none"}}',
    '{"alice": {"password": "scrypt:1:1:1$a$b", "level": "boss"}}',
    '{"cylc": {"password": "scrypt:1:1:1$a$b", "level": "none"}}',
])
def test_bad_files(tmp_path: Path, content: str) -> None:
    path = tmp_path / 'accounts.json'
    path.write_text(content, encoding='latin-1')
    path.chmod(0o600)
    with pytest.raises(CylcFlaskError, match='accounts.json: not a file of'):
        Accounts(tmp_path)


@pytest.mark.parametrize('password', [
    PASSWORD + 'x', '', 'x' * 100_000, '\0', '\ud800', PASSWORD.upper(),
])
def test_wrong_passwords(accounts: Accounts, password: str) -> None:
    accounts.add('alice', PASSWORD)
    for name in ('alice', 'nobody', '', '\ud800'):
        assert accounts.check(name, password) is None


def test_typed_in_another_way() -> None:
    """An accent is one character or two, as the keyboard has it."""
    assert Passwords().is_right(make_hash('caf\u00e9 noir'), 'cafe\u0301 noir')


def test_a_hash_that_cannot_be() -> None:
    assert not Passwords().is_right('scrypt:3:8:1$salt$00', PASSWORD)


def test_known_again() -> None:
    """A right password is hashed once in a while, a wrong one each time."""
    now, worker = [0.0], Worker()
    found = Passwords(worker, lambda: now[0])
    kept = make_hash(PASSWORD)
    assert all(found.is_right(kept, PASSWORD) for _ in range(5))
    assert worker.times == 1
    assert not any(found.is_right(kept, 'wrong') for _ in range(5))
    assert worker.times == 6
    now[0] += passwords.MEMORY + 1
    assert found.is_right(kept, PASSWORD)
    assert worker.times == 7
    assert not found.is_right(make_hash('another one'), PASSWORD)
    assert not found.is_right(None, PASSWORD)
    assert PASSWORD not in repr(vars(found))


def test_not_too_many_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, 'CAPACITY', 2)
    worker = Worker()
    found = Passwords(worker)
    hashes = [make_hash(f'{PASSWORD}{number}') for number in range(3)]
    for number, kept in enumerate(hashes):
        assert found.is_right(kept, f'{PASSWORD}{number}')
    assert worker.times == 3
    assert found.is_right(hashes[2], f'{PASSWORD}2')
    assert worker.times == 3
    assert found.is_right(hashes[0], f'{PASSWORD}0')
    assert worker.times == 4


def test_unknown_users_take_as_long(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody finds out by a clock who there is."""
    monkeypatch.undo()
    assert passwords.NOBODY.startswith(f'{passwords.METHOD}$')
    accounts.add('alice', PASSWORD)

    def cost(name: str) -> float:
        begin = time.process_time()
        assert accounts.check(name, 'wrong one') is None
        return time.process_time() - begin
    known = statistics.median(cost('alice') for _ in range(3))
    unknown = statistics.median(cost('nobody') for _ in range(3))
    assert 0.5 < known / unknown < 2
    # It has to cost those something who guess.
    assert known > 0.02


def test_no_more_than_a_few_at_once() -> None:
    """Who is known needs no place; the others learn that there is none."""
    kept = make_hash(PASSWORD)
    seen: list[str] = []

    def run(work: Callable[[], bool]) -> bool:
        if not seen:
            seen.append('first')
            with pytest.raises(Unavailable):
                few.is_right(kept, 'another one')
        return work()

    few = Passwords(Few(run, 1))
    assert few.is_right(kept, PASSWORD)
    assert seen == ['first']
    # The place is free again.
    assert not few.is_right(kept, 'another one')
    none = Passwords(Few(run, 0))
    with pytest.raises(Unavailable):
        none.is_right(kept, PASSWORD)


def test_changed_while_it_is_compared(tmp_path: Path) -> None:
    """Whoever knows the old one does not come in under the new one."""
    def run(work: Callable[[], bool]) -> bool:
        result = work()
        accounts.set_password('alice', 'another password')
        return result
    accounts = Accounts(tmp_path / 'hub', Passwords(run))
    accounts.add('alice', PASSWORD)
    assert accounts.check('alice', PASSWORD) is None
