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
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cylc_flask.hub.auth.callers import STRANGER, HubUser
from cylc_flask.hub.sight import Sight
from cylc_flask.hub.users import passwords
from cylc_flask.hub.users.people import Person
from cylc_flask.privilege import Privilege
from tests.hubs import PASSWORD, QUICK, FakeHub, fake_hub

NONE = Privilege.NONE
RULES = """
[[rule]]
users = ["bob"]
workflows = ["b"]
may = ["full-read", "!hold"]
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.setattr(passwords, 'METHOD', QUICK)
    (tmp_path / 'rules.toml').write_text(RULES)
    (tmp_path / 'rules.toml').chmod(0o600)
    with fake_hub(tmp_path, 'a', 'b', 'c') as hub:
        hub.people.accounts.add('bob', PASSWORD, Privilege.IDENTITY)
        hub.people.accounts.add('ann', PASSWORD, Privilege.IDENTITY)
        yield hub


@pytest.fixture
def sight(hub: FakeHub) -> Sight:
    return Sight(hub.flows, hub.people)


def user(name: str) -> HubUser:
    return HubUser(name, NONE, frozenset(), Person(name))


def names(sight: Sight, name: str, need: Privilege) -> list[str]:
    return [flow.name for flow in sight.seen_by(user(name), need)]


def test_as_much_as_is_needed(sight: Sight) -> None:
    assert names(sight, 'bob', Privilege.IDENTITY) == ['a', 'b', 'c']
    assert names(sight, 'bob', Privilege.DESCRIPTION) == ['b']
    assert names(sight, 'bob', Privilege.FULL_CONTROL) == []
    assert names(sight, 'nobody', Privilege.IDENTITY) == []
    assert sight.seen_by(STRANGER, Privilege.IDENTITY) == ()


def test_same_object_for_all_who_see_the_same(
    hub: FakeHub, sight: Sight
) -> None:
    hub.people.accounts.add('eve', PASSWORD, Privilege.IDENTITY)
    ann = sight.seen_by(user('ann'), Privilege.IDENTITY)
    assert sight.seen_by(user('eve'), Privilege.IDENTITY) is ann
    assert sight.seen_by(user('ann'), Privilege.IDENTITY) is ann


def test_workflows_that_come_and_go(hub: FakeHub, sight: Sight) -> None:
    """One of the same name is another one."""
    before = sight.seen_by(user('ann'), Privilege.IDENTITY)
    hub.remove('b')
    assert names(sight, 'ann', Privilege.IDENTITY) == ['a', 'c']
    hub.add('b')
    after = sight.seen_by(user('ann'), Privilege.IDENTITY)
    assert [flow.name for flow in after] == ['a', 'b', 'c']
    assert after[0] is before[0] and after[1] is not before[1]


def test_what_may_be_done(sight: Sight) -> None:
    assert not sight.may(user('bob'), 'hold', 'b')
    assert sight.may(user('bob'), 'full-read', 'b')
    assert not sight.may(STRANGER, 'identity', 'a')


def test_many_lists(hub: FakeHub, sight: Sight) -> None:
    """What is kept of them has an end."""
    for number in range(300):
        hub.add(f'n{number}')
        assert len(names(sight, 'ann', Privilege.IDENTITY)) == 4 + number
