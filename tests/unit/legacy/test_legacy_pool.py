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
"""Which tasks an item means."""

from __future__ import annotations

import pytest

from cylc_flask.compat import pb
from cylc_flask.errors import RequestError
from cylc_flask.legacy.ids import TaskId
from cylc_flask.legacy.pool import MAX_PATTERNS, Pool
from cylc_flask.legacy.states import task_state
from tests.stores import LINES, recorded

FIRST = '20200101T0000+0100'
SECOND = '20200102T0000+0100'


@pytest.fixture(params=LINES)
def running(request):
    return recorded(request.param, 'running')


@pytest.fixture(params=LINES)
def mixed(request):
    return recorded(request.param, 'mixed')


def found(store, *items):
    proxies, bad = Pool(store).filter(items)
    return {f'{proxy.name}.{proxy.cycle_point}' for proxy in proxies}, bad


@pytest.mark.parametrize('item, tasks', [
    ('start.1', {'start.1'}),
    ('1/start', {'start.1'}),
    ('01/start', {'start.1'}),
    ('start', {'start.1', 'start.2'}),
    ('s*', {'start.1', 'start.2', 'sleeper.1'}),
    ('s*.1', {'start.1', 'sleeper.1'}),
    ('*/start', {'start.1', 'start.2'}),
    ('[12]/start', {'start.1', 'start.2'}),
    ('*:failed', {'bad.1'}),
    ('1/*:failed', {'bad.1'}),
    ('bad:failed', {'bad.1'}),
    ('root:running', {'sleeper.1', 'victim.1'}),
    ('*.2', {'start.2'}),
])
def test_filter(running, item, tasks):
    assert found(running, item) == (tasks, [])


@pytest.mark.parametrize('item', [
    'nosuch.1', 'start.3', 'start.foo', 'nosuch*', '*.9*', 'x/y/z', '',
    'bad.1:running', 'start:nosuchstate', 'start:FAILED', 'start:fail*',
    'FAM.1', '1', 'join.1',
])
def test_bad(running, item):
    assert found(running, item) == (set(), [item])


def test_several(running):
    tasks, bad = found(running, 'tail.1', '*:failed', 'nosuch.1', 'tail')
    assert tasks == {'tail.1', 'bad.1'}
    assert bad == ['nosuch.1']


def test_each_once_as_first_asked_for(running):
    proxies, _ = Pool(running).filter(['tail.1', '*', 'tail.1'])
    ids = [proxy.id for proxy in proxies]
    assert len(ids) == len(set(ids)) == len(running.task_proxies)
    assert ids[0].endswith('1/tail')


@pytest.mark.parametrize('family, tasks', [
    ('CHILD', {'done'}),
    ('PARENT', {'done', 'failing'}),
    ('P*', {'done', 'failing'}),
    ('QUEUED', {'queue_1', 'queue_2'}),
    ('OTHER', {'failing', 'queue_1', 'queue_2', 'long'}),
    ('{QUEUED,CHILD}', set()),
])
def test_family_through_any_parent(mixed, family, tasks):
    assert found(mixed, f'{family}.{FIRST}')[0] == {
        f'{task}.{FIRST}' for task in tasks
    }


@pytest.mark.parametrize('state, task', [
    ('held', 'held'), ('retrying', 'retrying'),
    ('submit-retrying', 'no_submit_again'), ('running', 'long'),
    ('submit-failed', 'no_submit'), ('waiting', 'waits_clock'),
])
def test_cylc_7_s_words_select(mixed, state, task):
    tasks, _ = found(mixed, f'*:{state}')
    assert f'{task}.{FIRST}' in tasks
    assert {
        state for proxy in mixed.task_proxies.values()
        if f'{proxy.name}.{proxy.cycle_point}' in tasks
    } == {state}


def test_waiting_is_not_held_nor_queued(mixed):
    tasks, _ = found(mixed, '*:waiting')
    others, _ = found(mixed, '*:held', '*:queued', '*:retrying', '*:runahead')
    assert tasks and others and not tasks & others


@pytest.mark.parametrize('point', [
    FIRST, '20200101T00+01', '2020-01-01', '20191231T23Z', '202001??T*',
])
def test_dates(mixed, point):
    tasks, bad = found(mixed, f'long.{point}')
    assert f'long.{FIRST}' in tasks and not bad


def test_get(running, mixed):
    assert Pool(running).get(TaskId('bad', '01')).state == 'failed'
    assert Pool(running).get(TaskId('bad', '2')) is None
    assert Pool(mixed).get(TaskId('long', '2020-01-01')).state == 'running'


def test_a_task_which_a_reload_removed(running):
    id_ = f'{running.workflow.id}//1/orphan'
    running.task_proxies[id_] = pb.PbTaskProxy(
        id=id_, name='orphan', cycle_point='1', state='running',
    )
    assert found(running, 'orphan.1', 'orph*') == ({'orphan.1'}, [])


@pytest.mark.parametrize('items', [['x*'] * (MAX_PATTERNS + 1)])
def test_too_many_patterns(running, items):
    with pytest.raises(RequestError, match='Too many patterns'):
        Pool(running).targets('hold_tasks', items)


# Targets of commands.


def targets(store, endpoint, *items):
    ids, unmatched = Pool(store).targets(endpoint, items)
    assert len(ids) == len(set(ids))
    return sorted(ids), unmatched


@pytest.mark.parametrize('item, id_', [
    ('tail.1', '1/tail'),
    ('1/tail', '1/tail'),
    ('tail.77', '77/tail'),
    ('bad.1', '1/bad'),
])
def test_a_task_at_a_point_goes_to_cylc_8(running, item, id_):
    assert targets(running, 'hold_tasks', item) == ([id_], [])


@pytest.mark.parametrize('item, id_', [
    ('z*.1', '1/z*'),
    ('FAM.1', '1/FAM'),
    ('tail.9?', '9?/tail'),
])
def test_what_nothing_shown_matches_goes_to_cylc_8(running, item, id_):
    assert targets(running, 'trigger_tasks', item) == ([id_], [])


@pytest.mark.parametrize('item', [
    'nosuch:failed', '*:expired', 'bad:waiting', '*:nosuchstate',
])
def test_no_task_in_that_state(running, item):
    """Cylc 8 would take a held task for a waiting one."""
    assert targets(running, 'hold_tasks', item) == ([], [item])


@pytest.mark.parametrize('item', ['nosuch', 'nosuch.1', '1/nosuch'])
def test_no_such_name(running, item):
    """One line of Cylc 8 would hold nothing, and not say so."""
    assert targets(running, 'hold_tasks', item, 'tail.1') == (
        ['1/tail'], [item]
    )


@pytest.mark.parametrize('item', ['tail.foo', 'foo/FAM', 'P1/tail', '^/tail'])
def test_no_point(running, item):
    """One line of Cylc 8 would refuse the others with it."""
    assert targets(running, 'hold_tasks', item, 'tail.1') == (
        ['1/tail'], [item]
    )


@pytest.mark.parametrize('endpoint, ids', [
    ('trigger_tasks', ['1/sleeper', '1/start', '2/start']),
    ('reset_task_states', ['1/sleeper', '1/start', '2/start']),
    ('hold_tasks', ['2/start']),
    ('release_tasks', []),
    ('kill_tasks', ['1/sleeper']),
    ('poll_tasks', ['1/sleeper']),
    ('remove_tasks', ['1/sleeper']),
])
def test_patterns_find_what_the_command_is_for(running, endpoint, ids):
    assert targets(running, endpoint, 's*') == (ids, [])


def test_release_by_pattern(mixed):
    assert targets(mixed, 'release_tasks', '*') == ([f'{FIRST}/held'], [])


def test_family_becomes_its_members(mixed):
    assert targets(mixed, 'kill_tasks', f'QUEUED.{FIRST}') == (
        [next(
            f'{FIRST}/{proxy.name}'
            for proxy in mixed.task_proxies.values()
            if proxy.name in ('queue_1', 'queue_2')
            and proxy.cycle_point == FIRST
            and task_state(proxy) == 'running'
        )],
        [],
    )


def test_state_of_cylc_7(mixed):
    ids, unmatched = targets(mixed, 'trigger_tasks', '*:retrying')
    assert f'{FIRST}/retrying' in ids and not unmatched


def test_all_that_is_malformed_is_named(running):
    with pytest.raises(RequestError) as info:
        Pool(running).targets('hold_tasks', ['x/y/z', 'tail.1', 'foo:'])
    assert '"x/y/z"' in info.value.text
    assert '"foo:"' in info.value.text
    assert 'tail' not in info.value.text


def test_nothing_asked():
    assert targets(recorded('8.5', 'running'), 'hold_tasks') == ([], [])
