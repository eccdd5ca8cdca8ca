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
"""Who there is and what they may do, by accounts, tokens and rules."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import pytest

from cylc_flask.hub.audit import Record, append
from cylc_flask.hub.audit_query import Query, search
from cylc_flask.hub.users import passwords
from cylc_flask.hub.users.people import People, Person
from cylc_flask.operations import LEVELS, NEEDED
from cylc_flask.privilege import Privilege

PASSWORD = 'correct horse'
OWNER = 'owner'

RULES = """
[groups]
ops = ["bob"]

[[rule]]
groups = ["ops"]
workflows = ["nwp"]
may = ["full-control", "audit", "!clean"]

[[rule]]
users = ["*"]
workflows = ["secret"]
may = ["!identity"]
"""
FLOWS = frozenset({'nwp/run1', 'nwp/run2', 'demo', 'secret'})


class Clock:
    """Goes on when it is told to."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch,
) -> People:
    """An account each for alice (full-read), bob (rules) and carol (none)."""
    monkeypatch.setattr(passwords, 'METHOD', 'scrypt:1024:8:1')
    write_rules(tmp_path, RULES)
    people = People(tmp_path, OWNER, clock=clock, now=clock)
    people.accounts.add('alice', PASSWORD, Privilege.FULL_READ)
    people.accounts.add('bob', PASSWORD)
    people.accounts.add('carol', PASSWORD)
    return people


def write_rules(directory: Path, text: str) -> None:
    path = directory / 'rules.toml'
    path.write_text(text)
    path.chmod(0o600)


def who(people: People, name: str) -> Person:
    person = people.by_name(name)
    assert person is not None
    return person


def with_token(
    people: People, user: str, may: str, workflow: str = '*',
    lifetime: float | None = None,
) -> Person:
    text = people.tokens.add(
        user, 'ci', tuple(may.split()), (workflow,), lifetime)
    person = people.by_token(text)
    assert person is not None
    return person


def test_by_password(people: People) -> None:
    assert people.by_password('alice', PASSWORD) == Person('alice')
    assert people.by_password('alice', 'wrong one') is None
    assert people.by_password('nobody', PASSWORD) is None
    # Without an account there is no way in by a password.
    assert people.by_password(OWNER, PASSWORD) is None
    people.accounts.add(OWNER, PASSWORD)
    assert people.by_password(OWNER, PASSWORD) == Person(OWNER, is_owner=True)


def test_by_name(people: People) -> None:
    assert who(people, 'alice') == Person('alice')
    assert who(people, OWNER).is_owner
    assert people.by_name('nobody') is None
    assert people.by_name('') is None


@pytest.mark.parametrize('name, levels', [
    (OWNER, [6, 6, 6, 6]),
    ('alice', [4, 4, 4, 0]),
    ('bob', [0, 5, 5, 0]),
    ('carol', [0, 0, 0, 0]),
])
def test_levels(people: People, name: str, levels: list[int]) -> None:
    person = who(people, name)
    assert [people.level(person, flow) for flow in sorted(FLOWS)] == levels
    assert people.view(person, FLOWS) == frozenset(
        (flow, Privilege(level))
        for flow, level in zip(sorted(FLOWS), levels, strict=True) if level)


def test_operations(people: People) -> None:
    bob = who(people, 'bob')
    assert people.may(bob, 'play', 'nwp/run1')
    assert people.may(bob, 'audit', 'nwp/run1')
    assert not people.may(bob, 'audit')
    decision = people.may(bob, 'clean', 'nwp/run1')
    assert not decision
    assert decision.reason == 'rule 1 forbids clean'
    assert all(
        people.may(who(people, OWNER), operation, flow)
        for operation in NEEDED for flow in (*FLOWS, '', 'not/there'))


def test_all_answers_agree(people: People) -> None:
    """Levels, lists and single decisions, of users and of tokens."""
    persons = [who(people, name) for name in (OWNER, 'alice', 'bob', 'carol')]
    persons.append(with_token(people, 'bob', 'shutdown hold !stop', 'nwp'))
    persons.append(with_token(people, 'alice', 'full-control', 'demo'))
    for person in persons:
        for flow in (*FLOWS, 'nix', '', '../x'):
            allowed = [
                word for word in NEEDED if people.may(person, word, flow)]
            assert people.operations(person, flow) == allowed
            assert people.level(person, flow) is max(
                (LEVELS[word] for word in allowed if word in LEVELS),
                default=Privilege.NONE)


@pytest.mark.parametrize('operation', NEEDED)
def test_unknown_is_as_forbidden(people: People, operation: str) -> None:
    """A reason does not tell if there is such a workflow."""
    carol, alice = who(people, 'carol'), who(people, 'alice')
    for person, there, not_there in (
        (carol, 'demo', 'nix'), (alice, 'secret/run1', 'secret/run9')
    ):
        reasons = {
            people.may(person, operation, flow).reason.replace(flow, '')
            for flow in (there, not_there)}
        assert len(reasons) == 1


def test_those_who_see_the_same_share_a_view(people: People) -> None:
    people.accounts.add('dave', PASSWORD, Privilege.FULL_READ)
    views = {
        people.view(who(people, name), FLOWS) for name in ('alice', 'dave')}
    assert len(views) == 1


def test_tokens_bring_no_more_than_their_user_has(people: People) -> None:
    person = with_token(people, 'alice', 'full-control')
    assert people.level(person, 'demo') is Privilege.FULL_READ
    assert people.level(person, 'secret') is Privilege.NONE
    assert people.may(person, 'full-read', 'demo')
    assert not people.may(person, 'stop', 'demo')


def test_tokens_bring_no_more_than_their_scope(people: People) -> None:
    person = with_token(people, 'bob', 'full-read hold', 'nwp/run1')
    assert people.view(person, FLOWS) == {('nwp/run1', Privilege.FULL_READ)}
    assert people.may(person, 'hold', 'nwp/run1')
    decision = people.may(person, 'kill', 'nwp/run1')
    assert decision.reason == (
        'the token ci: kill needs full-control, you have full-read here')
    assert not people.may(person, 'hold', 'nwp/run2')
    assert people.may(person, 'hold', 'demo').reason == (
        'no rule gives you anything on "demo"')


def test_tokens_of_the_owner(people: People) -> None:
    person = with_token(people, OWNER, 'state-totals', 'demo')
    assert people.view(person, FLOWS) == {('demo', Privilege.STATE_TOTALS)}
    assert not people.may(person, 'audit')
    assert not people.may(person, 'stop', 'demo')


def test_tokens_end_with_their_user(people: People) -> None:
    text = people.tokens.add('alice', 'ci', ('identity',), ('*',), None)
    assert people.by_token(text)
    people.accounts.remove('alice')
    assert people.by_token(text) is None


def test_what_lasts_ends(people: People, clock: Clock) -> None:
    """A socket asks again, and is told when it has to close."""
    session = who(people, 'alice')
    short = with_token(people, 'bob', 'identity', lifetime=60)
    assert people.current(session) == session
    assert people.current(short) == short
    clock.now += 60
    assert people.current(short) is None
    people.accounts.remove('alice')
    assert people.current(session) is None
    assert people.current(who(people, OWNER))


def test_changes_are_seen_at_once(
    people: People, clock: Clock, tmp_path: Path,
) -> None:
    carol = who(people, 'carol')
    assert not people.view(carol, FLOWS)
    people.accounts.set_level('carol', Privilege.IDENTITY)
    assert len(people.view(carol, FLOWS)) == 3
    write_rules(tmp_path, '# none')
    clock.now += 1
    assert len(people.view(carol, FLOWS)) == 4
    assert not people.view(who(people, 'bob'), FLOWS)


def test_whoami(people: People) -> None:
    bob = with_token(people, 'bob', 'full-read hold', 'nwp/run1')
    assert people.whoami(bob, FLOWS) == {
        'user': 'bob',
        'owner': False,
        'groups': ['ops'],
        'token': {
            'name': 'ci', 'may': ['full-read', 'hold'],
            'workflows': ['nwp/run1'], 'expires': None,
        },
        'workflows': {'nwp/run1': {
            'level': 'full-read',
            'operations': [
                'identity', 'description', 'state-totals', 'full-read',
                'hold',
            ],
        }},
    }
    assert people.whoami(who(people, 'carol'), FLOWS)['workflows'] == {}
    owner = people.whoami(who(people, OWNER), FLOWS)
    assert owner['owner'] and owner['token'] is None
    assert owner['workflows']['secret']['operations'] == [*NEEDED]


def test_what_of_the_audit_log(people: People, tmp_path: Path) -> None:
    """They read what is about workflows on which they have "audit"."""
    for flow in ('', 'nwp/run1', 'demo'):
        append(tmp_path, Record('1970', 'alice', '::1', 'hold', flow))
    found = {}
    for name in (OWNER, 'alice', 'bob'):
        powers = people.powers(who(people, name))
        found[name] = [record.workflow for record in search(
            tmp_path, Query(),
            lambda record, powers=powers: bool(
                powers.may('audit', record.workflow)))]
    assert found == {
        OWNER: ['', 'nwp/run1', 'demo'], 'alice': [], 'bob': ['nwp/run1']}


def test_a_thousand_workflows(people: People) -> None:
    """A view costs next to nothing the second time, however many there are."""
    flows = frozenset(f'nwp/{number}/run1' for number in range(1_000))
    bob = who(people, 'bob')
    view = people.view(bob, flows)
    assert len(view) == 1_000
    begin = process_time()
    for _ in range(100):
        assert people.view(bob, flows) is view
    assert process_time() - begin < 0.1
