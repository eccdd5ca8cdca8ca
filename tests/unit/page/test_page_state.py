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
"""The first state is what a subscription would tell, no more and no less."""

from __future__ import annotations

from pathlib import Path
import re
from typing import Any, cast

import orjson
import pytest

from cylc_flask.auth.users import User
from cylc_flask.commands import Commands
from cylc_flask.config import Config
from cylc_flask.page import state
from cylc_flask.privilege import Privilege
from cylc_flask.query.engine import Engine, Request
from cylc_flask.replica.records import Records
from cylc_flask.replica.store import Store
from cylc_flask.workflows import Registry, Workflow
from tests.stores import LINES, recorded

ROOT = Path(__file__).parents[3]

NAMES = ('paused', 'running', 'mixed')

#: What each level adds to what there is of the workflow.
FIELDS = {
    Privilege.IDENTITY: {'id', 'name', 'owner', 'cylcVersion'},
    Privilege.DESCRIPTION: {'meta'},
    Privilege.STATE_TOTALS: {'lastUpdated', 'stateTotals', 'states'},
}


@pytest.fixture(params=[(line, name) for line in LINES for name in NAMES],
                ids='-'.join)
def store(request: pytest.FixtureRequest) -> Store:
    return recorded(*request.param)


def page_document() -> str:
    """Return the subscription of the page's own script."""
    text = (ROOT / 'static' / 'js' / 'documents.js').read_text()
    parts = dict(re.findall(r'^(?:export )?const (\w+) = `(.*?)`;', text,
                            re.DOTALL | re.MULTILINE))
    return re.sub(
        r'\$\{(\w+)\}', lambda found: parts[found[1]], parts['DELTAS'])


def told(store: Store) -> dict[str, Any]:
    """Return what the script is told first, if it asks for all."""
    flow = Workflow('one', 'x' * 20, store, Records(), cast(Commands, None))
    engine = Engine(Config(), Registry(flow))
    user = User('cylc', Privilege.FULL_CONTROL)
    operation = engine.prepare(Request(page_document()), user)
    member = engine.subscribe(operation, user)
    payload = member.take(0)
    member.close()
    assert payload
    added: dict[str, Any] = orjson.loads(payload)['data']['deltas']['added']
    return added


def bare(value: Any) -> Any:
    """Leave out what says nothing."""
    if isinstance(value, dict):
        return {
            name: inner for name, each in value.items()
            if (inner := bare(each)) or name in ('hours', 'minutes')
        }
    return [*map(bare, value)] if isinstance(value, list) else value


def test_as_a_subscription_tells_it(store: Store) -> None:
    """But for what is empty, and for fields only the one or the other has."""
    ours = bare(state.added(store, Privilege.FULL_READ))
    theirs = bare(told(store))
    del theirs['workflow']['reloaded'], ours['workflow']['states']
    assert ours == theirs


@pytest.mark.parametrize('level', list(Privilege)[1:], ids=str)
def test_level(store: Store, level: Privilege) -> None:
    """Each level sees its fields, and nothing of those above."""
    found = state.added(store, level)
    assert found['workflow'] == state.workflow(store, level)
    if level >= Privilege.FULL_READ:
        assert len(found['taskProxies']) == len(store.task_proxies)
        return
    assert set(found) == {'workflow'}
    assert set(found['workflow']) == {
        name for least, names in FIELDS.items() if level >= least
        for name in names
    }


def test_header_by_level(store: Store) -> None:
    assert set(state.header(store, Privilege.DESCRIPTION)) == {'workflow'}
    assert set(state.header(store, Privilege.STATE_TOTALS)) == {
        'workflow', 'updated',
    }
    assert set(state.header(store, Privilege.FULL_READ)) == {
        'workflow', 'updated', 'status', 'words',
    }


@pytest.mark.parametrize('states, said', [
    ({}, 'stalled'),
    ({'failed': 1}, 'stalled: 1 task failed'),
    ({'failed': 2, 'submit-failed': 1},
     'stalled: 2 tasks failed, 1 task submit-failed'),
])
def test_why_it_is_stalled(states: dict[str, int], said: str) -> None:
    store = recorded('8.5', 'running')
    store.workflow.status_msg = 'stalled'
    names = [state for state, number in states.items() for _ in range(number)]
    proxies = [*store.task_proxies.values()]
    for proxy in proxies:
        proxy.state, proxy.graph_depth = 'waiting', 0
    for proxy, name in zip(proxies, names, strict=False):
        proxy.state = name
    # Beyond the active window nothing stalls.
    proxies[-1].state, proxies[-1].graph_depth = 'failed', 1
    assert state.words(store) == said


def test_words_before_the_first_news() -> None:
    store = recorded('8.5', 'running')
    store.workflow.ClearField('status')
    store.workflow.ClearField('status_msg')
    assert state.words(store) == 'starting'
    assert state.header(store, Privilege.FULL_READ)['status'] == 'starting'
