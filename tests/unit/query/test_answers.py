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
"""Answers that are kept, and what makes an end of that."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
import threading
import time
from typing import Any, cast

from graphene.utils.str_converters import to_camel_case
import pytest

from cylc.flow.network.schema import Queries as CylcQueries
from cylc_flask.auth.users import User
from cylc_flask.commands import Commands
from cylc_flask.config import Config, Limits
from cylc_flask.hub.query.schema import Queries
from cylc_flask.privilege import Privilege
from cylc_flask.query.answers import (
    OVERHEAD,
    Answer,
    Answers,
    Sharing,
)
from cylc_flask.query.documents import Request
from cylc_flask.query.engine import Engine
from cylc_flask.query.execution import Result
from cylc_flask.query.levels import BESIDE
from cylc_flask.query.pages import PageQuery
from cylc_flask.replica.records import Records
from cylc_flask.workflows import Registry, Workflow
from tests.stores import recorded

OWNER = User('cylc', Privilege.FULL_CONTROL)

NAMES = '{taskProxies {id name}}'


class Named:
    """Somebody with a name."""

    def __init__(self, name: str) -> None:
        self.name = name


ME = Named('me')


def key(name: str) -> tuple[str, str | None, bytes]:
    return name, None, b'{}'


def answer(size: int = 10) -> Answer:
    return Answer(b'x' * size, True)


def names(answers: Answers, version: Any = 1) -> list[str]:
    return [
        name for name in 'abcdef' if answers.find(key(name), version)
    ]


def test_kept_until_there_is_another_version() -> None:
    answers = Answers(10_000)
    one = answer()
    answers.keep(key('a'), 1, one)
    assert answers.find(key('a'), 1) is one
    assert answers.find(key('b'), 1) is None
    assert answers.find(key('a'), 2) is None
    assert len(answers) == answers.size == 0


def test_what_is_always_true_stays() -> None:
    answers = Answers(10_000)
    answers.keep(key('a'), None, answer())
    answers.keep(key('b'), 1, answer())
    assert answers.find(key('b'), 2) is None
    assert answers.find(key('a'), None)
    assert len(answers) == 1


def test_each_operation_by_itself() -> None:
    answers = Answers(10_000)
    for each in (('a', None, b'{}'), ('a', 'n', b'{}'), ('a', None, b'{1}')):
        assert answers.find(each, 1) is None
        answers.keep(each, 1, answer())
    assert len(answers) == 3


def test_those_asked_for_last_are_kept() -> None:
    answers = Answers(3 * (OVERHEAD + 100))
    for name in 'abc':
        answers.keep(key(name), 1, answer())
    assert answers.find(key('a'), 1)
    answers.keep(key('d'), 1, answer())
    assert names(answers) == ['a', 'c', 'd']


def test_bound() -> None:
    room = 20_000
    answers = Answers(room)
    for number in range(200):
        answers.keep(key(f'{number % 50}'), number // 70, answer(number * 40))
        assert answers.size <= room
        assert answers.size == sum(
            kept.size for kept in answers._kept.values())
    assert len(answers) > 1


@pytest.mark.parametrize('room', [0, 500])
def test_what_has_no_room_is_not_kept(room: int) -> None:
    answers = Answers(room)
    answers.keep(key('a'), 1, answer())
    assert names(answers) == []
    assert answers.size == 0


def test_too_large_for_what_was_there_before() -> None:
    """An answer is not kept beside a newer one to the same."""
    answers = Answers(5_000)
    answers.keep(key('a'), 1, answer())
    answers.keep(key('a'), 1, answer(10_000))
    assert names(answers) == []


def test_tags() -> None:
    assert answer(5).tag == answer(5).tag != answer(6).tag


# With the engine

class Counting:
    """The executor of an engine, counted."""

    def __init__(self, engine: Engine) -> None:
        self._run = engine.run
        self.number = 0
        self.callers: list[str] = []

    def __call__(self, operation: Any, resolvers: Any) -> Result:
        self.number += 1
        self.callers.append(resolvers.caller)
        return self._run(operation, resolvers)


def make_flow() -> Workflow:
    return Workflow(
        'running', 'x' * 20, recorded('8.7', 'running'), Records(),
        cast(Commands, None),
    )


def make(flow: Workflow, **limits: Any) -> tuple[Engine, Counting]:
    engine = Engine(Config(limits=Limits(**limits)), Registry(flow))
    counting = Counting(engine)
    engine.run = counting  # type: ignore[method-assign, assignment]
    return engine, counting


def ask(engine: Engine, text: str, user: User = OWNER) -> Answer:
    return engine.execute(engine.prepare(Request(text), user), ME, user)


def test_computed_once() -> None:
    flow = make_flow()
    engine, counting = make(flow)
    assert ask(engine, NAMES) is ask(engine, NAMES)
    assert counting.number == 1
    flow.store.version += 1
    assert ask(engine, NAMES).lasting
    assert counting.number == 2


def test_of_nobody() -> None:
    """What is kept has been found on behalf of nobody."""
    engine, counting = make(make_flow())
    ask(engine, NAMES)
    assert counting.callers == ['']


def test_same_to_all_levels() -> None:
    engine, counting = make(make_flow())
    text = '{workflows {id name meta {title} stateTotals}}'
    answers = {
        ask(engine, text, User('anon', level)).body
        for level in Privilege if level >= Privilege.STATE_TOTALS
    }
    assert len(answers) == counting.number == 1


def test_off() -> None:
    engine, counting = make(make_flow(), answer_cache=0)
    assert ask(engine, NAMES) == ask(engine, NAMES)
    assert counting.number == 2


@pytest.mark.parametrize('text', [
    '{jobs(sort: {keys: ["nosuch"]}) {id}}',
    '{tasksConnection(first: -1) {totalCount}}',
])
def test_faults_are_not_kept(text: str) -> None:
    engine, counting = make(make_flow())
    for number in (1, 2):
        found = ask(engine, text)
        assert b'"errors"' in found.body
        assert not found.lasting
        assert counting.number == number


def test_too_much_is_not_kept() -> None:
    engine, counting = make(make_flow(), query_values=10)
    for number in (1, 2):
        assert b'TOO_MANY_VALUES' in ask(engine, NAMES).body
        assert counting.number == number


def test_changed_meanwhile() -> None:
    """What was overtaken by a change is given once, and not kept."""
    flow = make_flow()
    engine, counting = make(flow)
    run = counting._run

    def slowly(*args: Any) -> Result:
        found = run(*args)
        flow.store.version += 1
        return found

    counting._run = slowly  # type: ignore[assignment]
    ask(engine, NAMES)
    ask(engine, NAMES)
    assert counting.number == 2


@pytest.mark.parametrize('text', [
    '{command(id: "1") {id}}',
    '{other: command(id: "1") {id}}',
    'query {... {workflows {id} ...F}} fragment F on Queries'
    ' {graph(start: "1") {start}}',
])
def test_beside_the_replicas(text: str) -> None:
    engine, _ = make(make_flow())
    assert not engine.prepare(Request(text), OWNER).is_lasting


def test_mutations_and_subscriptions() -> None:
    engine, _ = make(make_flow())
    for text in (
        'mutation {pause(workflows: "*") {result}}',
        'subscription {deltas {id}}',
    ):
        assert not engine.prepare(Request(text), OWNER).is_lasting


def test_all_other_fields_follow_from_the_replicas() -> None:
    """Cylc's own ask its data store, ours lists of the same.

    Those of the hub are all of a workflow's, and some more.
    """
    theirs = set(CylcQueries._meta.fields) | {
        name for name in vars(PageQuery) if not name.startswith('_')}
    ours = {to_camel_case(name) for name in set(Queries._meta.fields) - theirs}
    assert ours == set(BESIDE)


# At the same time

class Slow:
    """An executor that takes as long as it is told to."""

    def __init__(self, engine: Engine) -> None:
        self._run = engine.run
        self.begun, self.end = threading.Semaphore(0), threading.Event()
        self.number = 0

    def __call__(self, operation: Any, resolvers: Any) -> Result:
        self.number += 1
        self.begun.release()
        assert self.end.wait(10)
        return self._run(operation, resolvers)


def slow(flow: Workflow, **limits: Any) -> tuple[Engine, Slow]:
    engine = Engine(Config(limits=Limits(**limits)), Registry(flow))
    run = Slow(engine)
    engine.run = run  # type: ignore[method-assign, assignment]
    return engine, run


@pytest.mark.parametrize('limits', [{}, {'answer_cache': 0}])
def test_made_once_for_all_who_ask_meanwhile(limits: dict[str, Any]) -> None:
    engine, run = slow(make_flow(), **limits)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ask, engine, NAMES)
        assert run.begun.acquire(timeout=10)
        others = [pool.submit(ask, engine, NAMES) for _ in range(3)]
        for _ in range(50):
            assert not run.begun.acquire(blocking=False)
            time.sleep(0.002)
        run.end.set()
        assert {id(each.result(10)) for each in [first, *others]} == {
            id(first.result())}
    assert run.number == 1
    assert not engine._sharing._making


def test_not_shared_with_who_asks_after_a_change() -> None:
    flow = make_flow()
    engine, run = slow(flow)
    with ThreadPoolExecutor() as pool:
        before = pool.submit(ask, engine, NAMES)
        assert run.begun.acquire(timeout=10)
        flow.store.version += 1
        after = pool.submit(ask, engine, NAMES)
        assert run.begun.acquire(timeout=10)
        run.end.set()
        assert before.result(10) is not after.result(10)
    assert ask(engine, NAMES) is after.result()
    assert not engine._sharing._making


def test_a_fault_is_not_shared() -> None:
    """Who waits for somebody that fails finds the answer by itself."""
    sharing, found = Sharing(threading.Event), answer()
    begun, end = threading.Event(), threading.Event()

    def fail() -> Answer:
        begun.set()
        assert end.wait(10)
        raise ValueError

    with ThreadPoolExecutor() as pool:
        first = pool.submit(sharing.get, key('a'), 1, fail)
        assert begun.wait(10)
        second = pool.submit(sharing.get, key('a'), 1, lambda: found)
        end.set()
        assert second.result(10) is found
        assert isinstance(first.exception(10), ValueError)
    assert not sharing._making
