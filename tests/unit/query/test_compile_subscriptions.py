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
"""Compiled subscriptions tell what graphql-core tells."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cylc.flow import __version__
from tests.cylc_ui import SUBSCRIPTIONS, available
from tests.stores import LINES
from tests.unit.query.compiled import Site

KINDS = (
    'taskProxies', 'familyProxies', 'jobs', 'tasks', 'families', 'edges',
)


@pytest.fixture(scope='module', params=LINES)
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.param)


def check(site: Site, text: str, **variables: Any) -> None:
    """Check that a subscription is compiled and tells the same."""
    for part in ('added', 'updated'):
        left = site.compiled.left
        expected, found = site.follow(text, part, **variables)
        assert found == expected
        assert site.compiled.left == left
        assert 'errors' not in json.loads(found)


@pytest.mark.parametrize('view', SUBSCRIPTIONS)
def test_views(site: Site, view: str) -> None:
    """What the official GUI follows is compiled, all of it."""
    text = available(SUBSCRIPTIONS[view], __version__)
    variables = {
        name: value for name, value in {
            'workflowID': site.id, 'taskID': site.id_of('task_proxies'),
        }.items() if f'${name}' in text
    }
    left = site.compiled.left
    for part in ('added', 'updated'):
        expected, found = site.follow(text, part, **variables)
        assert found == expected
        if 'errors' in json.loads(expected):
            break
    else:
        assert site.compiled.left == left


@pytest.mark.parametrize('arguments', [
    '', '(stripNull: false)', '(deltaStore: false)',
    '(deltaType: "updated")', '(deltaType: "updated", stripNull: false)',
    '(sort: {keys: ["id"], reverse: true})',
])
@pytest.mark.parametrize('kind', KINDS)
def test_kinds(site: Site, kind: str, arguments: str) -> None:
    check(site, f'subscription {{{kind}{arguments} {{id}}}}')


def test_lists_that_an_update_lacks(site: Site) -> None:
    """They are looked for in the store."""
    check(site, """subscription {
        taskProxies(deltaType: "updated") {
            id state jobs {id} ancestors {id} task {name} firstParent {id}
            parents {id} outputs {label}
            fresh: jobs(deltaStore: true, deltaType: "updated") {id state}
        }
    }""")
    check(site, """subscription {
        workflows(deltaStore: true, deltaType: "updated") {
            id status taskProxies {id} jobs(states: ["running"]) {id}
        }
    }""")


@pytest.mark.parametrize('states', ['failed', 'running'])
def test_states_that_an_update_lacks(site: Site, states: str) -> None:
    check(site, f'subscription {{jobs(states: ["{states}"]) {{id state}}}}')
    check(site, 'subscription {taskProxies(deltaType: "updated",'
                f' states: ["{states}"], ids: ["*/*"]) {{id state}}}}')


@pytest.mark.parametrize('text', [
    """{deltas {
        id shutdown added {...D} updated(stripNull: true) {...D}
        pruned {taskProxies jobs workflow __typename}
    }} fragment D on Delta {
        workflow {id status reloaded taskProxies {id}} jobs {id state}
        taskProxies(states: ["failed"]) {id state task {id}}
        familyProxies {id state} tasks {id name} edges {id source}
    }""",
    """{deltas(stripNull: true) {
        id shutdown added {workflow(deltaType: "updated") {id status}}
        updated {... on Delta {jobs(deltaStore: false) {id}} edges {id}}
        pruned {taskProxies jobs}
    }}""",
    '{nodesEdges {nodes {id} edges {id}}}',
    '{workflows {id status stateTotals}}',
    '{taskProxies {id jobs {id jobId}}}',
])
def test_deltas(site: Site, text: str) -> None:
    check(site, f'subscription {text}')


def test_one(site: Site) -> None:
    check(site, f"""subscription {{
        taskProxy(id: "{site.id_of('task_proxies')}") {{id state jobs {{id}}}}
    }}""")


def test_edges_that_lack_their_ends(site: Site) -> None:
    """That is an error of cylc-flow's."""
    text = 'subscription {edges(deltaType: "updated") {sourceNode' \
        ' {__typename}}}'
    left = site.compiled.left
    expected, found = site.follow(text, 'updated')
    assert found == expected
    assert 'errors' in json.loads(found)
    assert site.compiled.left == left + 1
