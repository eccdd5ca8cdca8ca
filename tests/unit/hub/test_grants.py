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
"""What grants allow and forbid, and the reasons for it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc.flow.network.schema import Mutations
from cylc_flask.hub.users.grants import (
    EVERYTHING,
    Grant,
    check_words,
    decide,
    level_of,
)
from cylc_flask.operations import (
    COMMANDS,
    LEVELS,
    LIFE_CYCLE,
    NEEDED,
    operation_of,
)
from cylc_flask.privilege import Privilege
from cylc_flask.query.levels import MUTATIONS


def test_every_mutation_is_an_operation() -> None:
    fields = Mutations._meta.fields
    assert set(fields) == set(COMMANDS)
    for name, field in fields.items():
        command = getattr(field.resolver, 'keywords', {}).get('command', name)
        assert operation_of(command) == name


def test_they_need_what_they_need_in_graphql() -> None:
    for name in COMMANDS:
        assert NEEDED[name] == MUTATIONS.get(name, Privilege.FULL_CONTROL)


@pytest.mark.parametrize('may, allowed, denied', [
    (['identity'], ['identity'], ['description', 'hold', 'audit']),
    (['full-read'], ['identity', 'full-read'], ['stop', 'shutdown', 'play']),
    (['shutdown'], ['stop', 'full-read'], ['hold', 'full-control']),
    (['full-control'], [*COMMANDS, *LIFE_CYCLE, *LEVELS], ['audit', 'nix']),
    (['hold'], ['hold', 'identity'], ['release', 'description']),
    (['full-control', '!stop'], ['hold', 'play', 'full-read'],
     ['stop', 'shutdown', 'full-control']),
    (['full-control', '!shutdown'], ['full-read'], ['stop', 'hold', 'play']),
    (['hold', '!full-control'], [], ['hold']),
    (['audit', 'full-read', '!full-control'], ['audit', 'full-read'], []),
    (['audit', '!full-read'], [], ['audit']),
    ([*NEEDED, '!identity'], [], [*NEEDED]),
    ([], [], [*NEEDED]),
])
def test_one_grant(
    may: list[str], allowed: list[str], denied: list[str],
) -> None:
    grants = [Grant(tuple(may))]
    assert all(decide(grants, operation, 'a') for operation in allowed)
    assert not any(decide(grants, operation, 'a') for operation in denied)


def test_the_owner_may_do_everything() -> None:
    for operation in NEEDED:
        for workflow in ('', 'a', 'a/b'):
            assert decide([EVERYTHING], operation, workflow)


@pytest.mark.parametrize('glob, matched, others', [
    ('*', ['a', 'a/b', 'é', ''], []),
    ('nwp', ['nwp', 'nwp/run1', 'nwp/x/y'], ['nw', 'nwpx', 'x/nwp', '']),
    ('nwp/*', ['nwp/run1', 'nwp/x/y'], ['nwp', 'nwpx/run1', '']),
    ('*/run1', ['nwp/run1', 'nwp/x/run1', 'a/run1/b'], ['run1', '']),
    ('n[aw]p', ['nwp', 'nap/run1'], ['nxp']),
    ('n?p', ['nwp'], ['np']),
    ('NWP', ['NWP'], ['nwp']),
    ('a|b', ['a|b'], ['a', 'b']),
    ('*', [], ['../a', 'a/../b', '/a', 'a/', 'a//b', '.', '..']),
    ('demo', [], ['demo/../secret', 'demo/./x']),
    ('a', [], ['a\n', 'b\na']),
    ('*', [254 * 'a'], [255 * 'a']),
    ('', [], ['', 'a']),
])
def test_globs(glob: str, matched: list[str], others: list[str]) -> None:
    grant = Grant(('identity',), (glob,))
    assert [name for name in matched if not grant.covers(name)] == []
    assert [name for name in others if grant.covers(name)] == []


def test_reasons() -> None:
    grants = [
        Grant(('full-read', 'hold'), ('nwp',), 'rule 1'),
        Grant(('!release', 'audit'), ('nwp/run1',), 'rule 2'),
    ]
    reasons = {
        (operation, workflow): decide(grants, operation, workflow).reason
        for operation, workflow in (
            ('hold', 'nwp/run1'), ('release', 'nwp/run1'),
            ('kill', 'nwp/run1'), ('audit', 'nwp/run2'), ('hold', 'x'),
            ('audit', ''))
    }
    assert [*reasons.values()] == [
        'rule 1',
        'rule 2 forbids release',
        'kill needs full-control, you have full-read here',
        'no rule gives you audit here',
        'no rule gives you anything on "x"',
        'no rule gives you that',
    ]


@pytest.mark.parametrize('may, level', [
    ([], Privilege.NONE),
    (['description'], Privilege.DESCRIPTION),
    (['hold'], Privilege.IDENTITY),
    (['audit'], Privilege.IDENTITY),
    (['full-control'], Privilege.FULL_CONTROL),
    # A level lets nothing through that is forbidden singly.
    (['full-control', '!hold'], Privilege.SHUTDOWN),
    (['full-control', '!stop'], Privilege.FULL_READ),
    (['full-control', '!full-read'], Privilege.STATE_TOTALS),
    (['full-control', '!identity'], Privilege.NONE),
    (['!stop'], Privilege.NONE),
    (['hold', '!hold'], Privilege.NONE),
])
def test_level(may: list[str], level: Privilege) -> None:
    assert level_of([Grant(tuple(may))]) is level


words = st.sampled_from([*NEEDED, *(f'!{word}' for word in NEEDED)])
globs = st.lists(
    st.sampled_from(['*', 'a', 'a/*', '*/b', 'c?']), min_size=1).map(tuple)
grants_ = st.lists(st.builds(
    Grant, st.lists(words).map(tuple), globs, st.just('a rule')))


@given(grants_, st.sampled_from(['a', 'a/b', 'cd', 'x', '']))
def test_level_and_decisions_agree(grants: list[Grant], name: str) -> None:
    """A level never lets through what would be denied by name."""
    level = level_of(grant for grant in grants if grant.covers(name))
    allowed = {word for word in NEEDED if decide(grants, word, name)}
    for operation, needed in NEEDED.items():
        if needed is not None and needed <= level:
            assert operation in allowed
    for word, needed in LEVELS.items():
        assert (word in allowed) == (needed <= level)
    assert bool(allowed) == bool(level)


@given(grants_, grants_, words, st.sampled_from(['a', 'a/b', 'x']))
def test_order_makes_no_difference(
    some: list[Grant], others: list[Grant], word: str, name: str,
) -> None:
    assert bool(decide(some + others, word, name)) == bool(
        decide(others + some, word, name))


@given(grants_, words, st.sampled_from(['a', 'a/b', 'x']), globs)
def test_what_is_forbidden_once_is_forbidden(
    grants: list[Grant], word: str, name: str, where: tuple[str, ...],
) -> None:
    no = Grant((f'!{word.removeprefix("!")}',), where)
    if no.covers(name):
        assert not decide([*grants, no], word.removeprefix('!'), name)


@pytest.mark.parametrize('word, hint', [
    ('ful-read', 'did you mean full-read?'),
    ('!holt', 'did you mean hold?'),
    ('xyzzy', 'there are identity'),
    ('none', 'no level'),
    ('!!hold', 'did you mean hold?'),
])
def test_unknown_words(word: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint.replace('?', r'\?')):
        check_words([word])
