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
"""Compiled operations give what graphql-core gives, byte by byte.

Thousands of operations, the same ones each time; FUZZ_SEED gives others, and
FUZZ_OPERATIONS says how many. A difference is told with the shortest operation
that shows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, partial
import logging
import os

import pytest

from cylc.flow import LOG
from cylc_flask.query import fragments, plans
from cylc_flask.query.errors import Rejected
from cylc_flask.query.fragments import Larder
from cylc_flask.replica.store import Store
from tests.graphql_pair import Follower, Pair
from tests.graphql_words import Words, words_of
from tests.stores import LINES, recorded, recorded_steps

#: How many operations there are in all, and which.
OPERATIONS = int(os.environ.get('FUZZ_OPERATIONS', 3000))
SEED = os.environ.get('FUZZ_SEED', '1')

#: What is asked about at once: recorded stores by their names.
VIEWS = (
    ('paused',), ('running',), ('mixed',), ('nested',),
    ('running', 'mixed', 'nested'),
)

#: How many subscriptions are followed at once.
GROUP = 25


@pytest.fixture(autouse=True, scope='module')
def quiet() -> Iterator[None]:
    """Keep the faults of cylc-flow's resolvers out of the log."""
    level = LOG.level
    LOG.setLevel(logging.CRITICAL)
    yield
    LOG.setLevel(level)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what is kept come and go as in a workflow of many tasks."""
    monkeypatch.setattr(fragments, 'FEW', 3)
    monkeypatch.setattr(plans, 'Larder', partial(Larder, 20_000))
    monkeypatch.setattr(plans, 'FIELDS', 1_000)


@pytest.mark.parametrize('view', VIEWS, ids='+'.join)
@pytest.mark.parametrize('line', LINES)
def test_queries(line: str, view: tuple[str, ...]) -> None:
    pair = Pair(*(recorded(line, name) for name in view))
    for number in range(OPERATIONS * 3 // 4 // len(VIEWS) // len(LINES)):
        seed = f'{SEED}/{line}/{view}/{number}'
        pair.compare(*pair.operation(seed, 'query'), seed)
    tally = Tally()
    tally.add(pair)
    tally.check()


@pytest.mark.parametrize('line', LINES)
def test_subscriptions(line: str) -> None:
    """They are followed from different moments on, with queries between."""
    tally = Tally()
    for number in range(OPERATIONS // 4 // GROUP // len(LINES)):
        tally.add(followed(line, f'{SEED}/{line}/{number}'))
    tally.check()


def followed(line: str, seed: str) -> Pair:
    """Replay what a scheduler has published, to new subscribers."""
    store = Store()
    steps = recorded_steps(line, store)
    next(steps)
    pair = Pair(store)
    pair.words = words_of_steps(line)
    waiting = joining(pair, seed)
    queries = [
        pair.operation(f'{seed}/q{number}', 'query')
        for number in range(GROUP // 3)
    ]
    present: list[Follower] = []
    for number, change in enumerate(steps):
        where = f'{seed} step {number}'
        for each in present:
            each.compare(where, 'step', change)
        if number % 2 and (each := next(waiting, None)):
            each.compare(where, 'burst')
            present.append(each)
        request, operation = queries[number % len(queries)]
        pair.compare(request, operation, where)
    for each in present:
        each.compare(f'{seed} end', 'end', 'stopped')
    return pair


def joining(pair: Pair, seed: str) -> Iterator[Follower]:
    """Return new subscribers."""
    for number in range(GROUP):
        request, operation = pair.operation(
            f'{seed}/{number}', 'subscription')
        try:
            yield Follower(pair, request, operation)
        except Rejected:
            continue


@cache
def words_of_steps(line: str) -> Words:
    """Return what there is in a recorded store from first to last."""
    store = Store()
    return words_of(store for _ in recorded_steps(line, store))


@dataclass
class Tally:
    """Whether what was compared was worth it."""

    counts: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    left: Counter[str] = field(default_factory=Counter)

    def add(self, pair: Pair) -> None:
        """Add what was compared by a pair.

        Raises:
            AssertionError: Something was not compiled without a reason.
        """
        assert not pair.executor.unexplained
        self.counts += pair.counts
        self.runs += pair.executor.runs
        self.left += pair.executor.left

    def check(self) -> None:
        """Check that most answers tell something, and are compiled."""
        print(self)
        counts = self.counts
        assert counts['telling'] > counts['answers'] / 2
        assert counts['errors'] < counts['answers'] / 3
        assert counts['too much'] < counts['answers'] / 10
        assert self.left.total() < self.runs / 2
