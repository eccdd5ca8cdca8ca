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
"""Who orders what, and who sees which jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cylc_flask.errors import Forbidden, NotFound, RequestError
from cylc_flask.hub.life import targets
from cylc_flask.hub.life.jobs import State
from cylc_flask.hub.life.launch import Conflict
from cylc_flask.hub.life.orders import Sender
from tests.unit.hub.desk import OWNER, Desk, make

PLAY = [('play', {})]
INSTALL = [('install', {}), ('play', {})]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = make(tmp_path, monkeypatch)
    yield made
    made.close()


def test_owner(desk):
    desk.define('mixed')
    desk.go('mixed')
    (job,) = desk.orders.give(desk.sender(), PLAY, ['mixed'])
    desk.until(lambda: job.finished)
    assert job.state is State.SUCCEEDED
    assert job.user == OWNER
    assert desk.orders.find(desk.sender(), job.id) is job
    assert desk.orders.all(desk.sender()) == [job]
    first, last = [
        line for line in desk.noted() if line['operation'] == 'play']
    assert first['detail'] == f'job {job.id}: ordered'
    assert last['detail'] == f'job {job.id}: succeeded'
    assert {line['outcome'] for line in (first, last)} == {'ok'}
    assert {line['address'] for line in (first, last)} == {'127.0.0.9'}


def test_failure_is_noted(desk):
    desk.define('mixed')
    desk.go('mixed', bad=True)
    (job,) = desk.orders.give(desk.sender('bob'), PLAY, ['mixed'])
    desk.until(lambda: job.finished)
    assert job.state is State.FAILED
    last = desk.noted()[-1]
    assert (last['user'], last['outcome'], last['workflow']) == (
        'bob', 'failed', 'mixed')
    assert last['detail'].endswith('failed it failed')


@pytest.mark.parametrize('name', ['accept', 'secret', 'nosuch', 'a/b'])
def test_unknown_is_forbidden(desk, name):
    """Whether there is a workflow makes no difference."""
    with pytest.raises(NotFound) as found:
        desk.orders.give(desk.sender('bob'), PLAY, [name])
    assert found.value.text == f'There is no workflow "{name}".'
    (line,) = desk.noted()
    assert (line['user'], line['outcome'], line['workflow']) == (
        'bob', 'denied', name)
    assert desk.launcher.jobs() == []


def test_forbidden_where_it_can_be_seen(desk):
    with pytest.raises(Forbidden, match='may not clean "mixed": clean needs'):
        desk.orders.give(
            desk.sender('bob'), [('clean', {})], ['mixed'], confirm=['mixed'])
    with pytest.raises(Forbidden, match='forbids stop'):
        desk.orders.give(desk.sender('bob'), [('stop', {})], ['nested'])


def test_all_or_nothing(desk):
    desk.define('mixed')
    with pytest.raises(NotFound):
        desk.orders.give(desk.sender('bob'), PLAY, ['mixed', 'accept'])
    assert desk.launcher.jobs() == []


def test_each_step_is_asked_for(desk):
    with pytest.raises(Forbidden, match='may not validate'):
        desk.orders.give(
            desk.sender('bob'), [('validate', {}), ('play', {})], ['mixed'])


def test_source_counts_as_a_workflow(desk):
    desk.go('mine')
    give = desk.orders.give
    give(desk.sender('bob'), [('install', {})], ['mine'])
    give(desk.sender('bob'), [('install', {})], ['mine/x'], source='mixed')
    with pytest.raises(NotFound, match='no workflow "secret"'):
        give(desk.sender('bob'), [('install', {})], ['mine'], source='secret')


@pytest.mark.parametrize(('options', 'forbidden'), [
    ({}, 'mine/run1'),
    ({}, 'mine/run*'),
    ({'run-name': 'prod'}, 'mine/prod'),
    ({'run_name': 'prod'}, 'mine/prod'),
])
def test_runs_that_are_to_be(desk, options, forbidden):
    """What is forbidden for a run is so before there is one."""
    desk.rule(f"""
    [[rule]]
    users = ["bob"]
    workflows = ["mine"]
    may = ["full-control"]

    [[rule]]
    users = ["bob"]
    workflows = ["{forbidden}"]
    may = ["!play"]
    """)
    desk.until(lambda: not desk.people.may(
        desk.sender('bob').person, 'play', forbidden))
    wishes = [('install', options), ('play', {})]
    with pytest.raises(Forbidden, match=r'may not play "mine/'):
        desk.orders.give(desk.sender('bob'), wishes, ['mine'])
    desk.orders.give(
        desk.sender('bob'), [('install', {'no-run-name': True}),
                             ('play', {})], ['mine'])


def test_number_of_the_next_run(desk):
    assert targets.next_run('mine') == 'run1'
    desk.define('mine/run7')
    (desk.folder / 'cylc-run/mine/runN').symlink_to('run7')
    assert targets.next_run('mine') == 'run8'
    (desk.folder / 'cylc-run/mine/runN').unlink()
    (desk.folder / 'cylc-run/mine/run7/flow.cylc').unlink()
    (desk.folder / 'cylc-run/mine/runN').symlink_to('else')
    assert targets.next_run('mine') == 'run8'
    (desk.folder / 'cylc-run/mine/else').mkdir()
    assert targets.next_run('mine') == 'run1'


def test_who_sees_a_job(desk):
    desk.define('mixed')
    desk.define('nested')
    (of_bob,) = desk.orders.give(desk.sender('bob'), PLAY, ['mixed'])
    (of_owner,) = desk.orders.give(desk.sender(), PLAY, ['nested'])
    desk.define('secret')
    (hidden,) = desk.orders.give(desk.sender(), PLAY, ['secret'])

    def seen(name):
        return desk.orders.all(desk.sender(name))
    assert seen(OWNER) == [of_bob, of_owner, hidden]
    assert seen('alice') == [of_bob, of_owner]
    # His own, and where he reads all.
    assert seen('bob') == [of_bob, of_owner]
    assert seen('carol') == []
    for name, job in (('carol', of_bob.id), ('alice', hidden.id),
                      ('carol', 'nosuch')):
        with pytest.raises(NotFound, match=f"no job '?\"?{job}"):
            desk.orders.find(desk.sender(name), job)


def test_cancel(desk):
    desk.define('mixed')
    desk.define('nested')
    (job,) = desk.orders.give(desk.sender(), PLAY, ['nested'])
    with pytest.raises(Forbidden, match='may not play'):
        desk.orders.cancel(desk.sender('alice'), job.id)
    with pytest.raises(NotFound):
        desk.orders.cancel(desk.sender('carol'), job.id)
    # Who could have ordered it may end it, too.
    assert desk.orders.cancel(desk.sender('bob'), job.id) is job
    desk.until(lambda: job.finished)
    assert job.state is State.CANCELLED
    assert job.text == 'Cancelled by bob.'
    with pytest.raises(Conflict):
        desk.orders.cancel(desk.sender('bob'), job.id)
    assert any(
        line['user'] == 'bob' and line['detail'].endswith('by root')
        for line in desk.noted())


@pytest.mark.parametrize(('scope', 'sees', 'ends'), [
    (('identity',), False, False),
    (('full-read',), True, False),
    (('play',), True, True),
])
def test_token_of_who_has_ordered(desk, scope, sees, ends):
    """It brings its scope, not all that is its user's."""
    desk.define('mixed')
    (job,) = desk.orders.give(desk.sender(), PLAY, ['mixed'])
    text = desk.people.tokens.add(OWNER, 'small', scope, ('*',), None)
    person = desk.people.by_token(text)
    assert person is not None
    sender = Sender(person)
    assert (job in desk.orders.all(sender)) == sees
    if ends:
        desk.orders.cancel(sender, job.id)
    else:
        with pytest.raises((Forbidden, NotFound)):
            desk.orders.cancel(sender, job.id)
        desk.orders.cancel(desk.sender(), job.id)
    desk.until(lambda: job.finished)


def test_sources(desk):
    for name in ('mine', 'mixed', 'other', 'secret'):
        path = desk.folder / 'cylc-src' / name
        path.mkdir(parents=True)
        (path / 'flow.cylc').touch()
    assert desk.orders.sources(desk.sender()) == [
        'mine', 'mixed', 'other', 'secret']
    assert desk.orders.sources(desk.sender('bob')) == ['mine', 'mixed']
    assert desk.orders.sources(desk.sender('alice')) == []


def test_sources_are_looked_for_once(desk, monkeypatch):
    asked = []
    monkeypatch.setattr(
        targets, 'sources', lambda: asked.append(1) or ['mine', 'other'])
    for _ in range(5):
        assert desk.orders.sources(desk.sender()) == ['mine', 'other']
        assert desk.orders.sources(desk.sender('bob')) == ['mine']
    assert len(asked) < 5


@pytest.mark.parametrize('name', ['-x', '../a', 'a b\n', 'runN'])
def test_no_names(desk, name):
    with pytest.raises(RequestError, match='not the name'):
        desk.orders.give(desk.sender(), PLAY, [name])


def test_nobody_has_the_disk_searched_who_may_not(desk, monkeypatch):
    """What is there would show in the time that takes."""
    asked = []
    monkeypatch.setattr(targets, 'next_run', asked.append)
    for name in ('secret', 'absent'):
        with pytest.raises(NotFound, match=f'no workflow "{name}"'):
            desk.orders.give(
                desk.sender('bob'), [('install', {}), ('play', {})], [name])
    assert asked == []


def test_what_waits_is_not_begun_by_who_may_no_longer(desk):
    """What runs already goes on."""
    desk.define('mixed/a')
    desk.define('mixed/b')
    give, bob = desk.orders.give, desk.sender('bob')
    runs, waits = (
        give(bob, [('play', {})], [name])[0] for name in 2 * ['mixed/a'])
    (other,) = give(bob, [('play', {})], ['mixed/b'])
    assert [job.state.value for job in (runs, waits, other)] == [
        'running', 'queued', 'running']
    desk.people.accounts.remove('bob')
    desk.go('mixed/a', 'mixed/b')
    desk.until(lambda: waits.finished and runs.finished and other.finished)
    assert [job.state.value for job in (runs, waits, other)] == [
        'succeeded', 'cancelled', 'succeeded']
    assert waits.text == 'Who has ordered it may do that no longer.'
    assert [
        record['outcome'] for record in desk.noted()
        if waits.id in record['detail']
    ] == ['ok', 'failed']
