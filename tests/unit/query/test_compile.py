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
"""Compiled queries answer what graphql-core answers."""

from __future__ import annotations

import json
from typing import Any

from graphene.utils.str_converters import to_snake_case
import pytest

from cylc_flask.query import compile as compiler
from cylc_flask.query import plans, resolvers
from cylc_flask.query.compile import MAX_FIELDS
from tests.stores import LINES
from tests.unit.query.compiled import Site

FLAGS = 'isHeld isQueued isRunahead isRetry isWallclock isXtriggered'

#: What each type has, as far as both lines have it.
WHOLE = {
    'workflows': """
        id name status statusMsg host port pubPort owner apiVersion
        cylcVersion lastUpdated meta {title description URL userDefined}
        newestActiveCyclePoint oldestActiveCyclePoint reloaded runMode
        isHeldTotal isQueuedTotal isRunaheadTotal stateTotals pruned
        latestStateTasks some: latestStateTasks(states: ["failed", "no"])
        workflowLogDir timeZoneInfo {hours minutes stringBasic} treeDepth
        nsDefOrder jobLogNames states broadcasts nEdgeDistance
        logRecords {level message} tasks {id} families {id} jobs {id}
        taskProxies {id} familyProxies {id} edges {
            edges {id} leaves feet workflowPollingTasks {localProxy}
        }
    """,
    'tasks': """
        id name meta {title URL userDefined} meanElapsedTime depth namespace
        runtime {platform script completion directives {key value}
                 environment {key value} outputs {key value}}
        parents {id} firstParent {id name}
    """,
    'families': """
        id name depth meta {title} runtime {script} parents {id}
        childTasks {id} childFamilies {id name} firstParent {id}
    """,
    'taskProxies': f"""
        __typename id name cyclePoint state namespace {FLAGS} flowNums
        flowWait depth graphDepth jobSubmits extras
        task {{id meanElapsedTime}} runtime {{script platform}}
        outputs {{label message satisfied time}} externalTriggers {{id}}
        xtriggers {{id label message satisfied time}}
        prerequisites {{
            expression cyclePoints satisfied conditions {{
                taskId taskProxy {{id}} exprAlias reqState satisfied message
            }}
        }}
        jobs {{id state}} parents {{id}} firstParent {{id}}
        ancestors {{id name}}
    """,
    'familyProxies': f"""
        id name cyclePoint state states stateTotals {FLAGS} isHeldTotal
        isQueuedTotal isRunaheadTotal depth graphDepth family {{id}}
        runtime {{script}} childTasks {{id}} childFamilies {{id}}
        firstParent {{id}} ancestors {{id}}
    """,
    'jobs': """
        id submitNum state name cyclePoint taskProxy {id jobs {id}}
        submittedTime startedTime finishedTime jobId jobRunnerName
        executionTimeLimit platform jobLogDir messages
        runtime {script runMode}
    """,
    'edges': """
        id source target suicide cond
        sourceNode {__typename ... on TaskProxy {id state}}
        targetNode {... on FamilyProxy {state} ... on TaskProxy {name}}
    """,
}

STRIPPED = ('', '(stripNull: true)', '(stripNull: false)')


@pytest.fixture(scope='module', params=LINES)
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.param)


def check(site: Site, text: str, **variables: Any) -> Any:
    """Check that a query is compiled and answered well; return the data."""
    left = site.compiled.left
    expected, found = site.both(text, **variables)
    assert found == expected
    assert site.compiled.left == left
    answer = json.loads(found)
    assert 'errors' not in answer
    return answer['data']


def left(site: Site, text: str, **variables: Any) -> Any:
    """Check that a query is left to graphql-core; return its errors."""
    before = site.compiled.left
    expected, found = site.both(text, **variables)
    assert found == expected
    assert site.compiled.left == before + 1
    return json.loads(found).get('errors')


@pytest.mark.parametrize('strip', STRIPPED)
@pytest.mark.parametrize('root', WHOLE)
def test_elements(site: Site, root: str, strip: str) -> None:
    assert check(site, f'{{{root}{strip} {{{WHOLE[root]}}}}}')[root]


@pytest.mark.parametrize('strip', STRIPPED)
@pytest.mark.parametrize('root, kind', [
    ('job', 'jobs'), ('taskProxy', 'task_proxies'), ('task', 'tasks'),
    ('familyProxy', 'family_proxies'), ('family', 'families'),
])
def test_one(site: Site, root: str, kind: str, strip: str) -> None:
    id_ = site.id_of(kind)
    inner = strip.removeprefix('(').removesuffix(')')
    plural = {
        'job': 'jobs', 'taskProxy': 'taskProxies', 'task': 'tasks',
        'familyProxy': 'familyProxies', 'family': 'families',
    }[root]
    text = f'query ($id: ID!) {{{root}(id: $id {inner}) {{{WHOLE[plural]}}}}}'
    assert check(site, text, id=id_)[root]['id'] == id_
    assert not check(site, text, id='~no/body//1/none').get(root)


FILTERS = (
    'states: ["failed", "running"]', 'exstates: ["waiting"]', 'isHeld: true',
    'isHeld: false', 'isQueued: false', 'mindepth: 2', 'maxdepth: 1',
    'graphDepth: 0', 'ids: ["*/*"]', 'ids: ["1/*"]', 'exids: ["1/*"]',
    'ids: ["*/*:running"]', 'ids: ["*/[a-k]*", "2/*"]', 'ids: ["none"]',
    'ids: null', 'states: null, mindepth: null', 'states: [null, "failed"]',
    'exids: ["*/*:waiting"]', 'states: []', 'sort: {keys: ["name", "id"]}',
    'sort: {keys: ["cyclePoint"], reverse: true}', 'sort: null',
)


@pytest.mark.parametrize('arguments', FILTERS)
@pytest.mark.parametrize('root', ['taskProxies', 'familyProxies'])
def test_filters(site: Site, root: str, arguments: str) -> None:
    check(site, f'{{{root}({arguments}) {{id state}}}}')
    check(site, f'{{workflows {{{root}({arguments}) {{id state}}}}}}')


@pytest.mark.parametrize('arguments', [
    'ids: ["f*"]', 'exids: ["f*"]', 'mindepth: 1', 'maxdepth: 1',
    'ids: ["root", "[a-m]*"]', 'workflows: ["*"]', 'workflows: ["none"]',
    'exworkflows: ["*"]',
])
@pytest.mark.parametrize('root', ['tasks', 'families'])
def test_definitions(site: Site, root: str, arguments: str) -> None:
    check(site, f'{{{root}({arguments}) {{id}}}}')


@pytest.mark.parametrize('arguments', [
    '', '(satisfied: true)', '(satisfied: false)', '(limit: 2)',
    '(sort: {keys: ["label"], reverse: true})', '(sortOrder: ["failed"])',
])
def test_outputs(site: Site, arguments: str) -> None:
    check(site, f'{{taskProxies {{outputs{arguments} {{label}}}}}}')
    check(site, f'{{taskProxies(stripNull: true) {{outputs{arguments}'
                ' {label satisfied}}}')


@pytest.mark.parametrize('arguments', [
    '', '(distance: 2)', '(distance: 0)', '(ids: ["*//*/a*"], distance: 3)',
    '(sort: {keys: ["id"]})', '(states: ["waiting"])', '(stripNull: true)',
])
def test_nodes_and_edges(site: Site, arguments: str) -> None:
    """Their order is that of sets, and yet the same."""
    inner = '{nodes {id state} edges {id source target}}'
    check(site, f'{{nodesEdges{arguments} {inner}}}')
    check(site, f'{{workflows {{nodesEdges{arguments} {inner}}}}}')


@pytest.mark.parametrize('value', [True, False])
def test_variables(site: Site, value: bool) -> None:
    check(site, """
        query Q ($a: Boolean!, $ids: [ID] = ["*/*"]) {
            taskProxies(ids: $ids) {
                id state @include(if: $a) name @skip(if: $a) ...F @skip(if: $a)
            }
        }
        fragment F on TaskProxy {depth jobs {...J id} id}
        fragment J on Job {state}
    """, a=value)


def test_same_key_twice(site: Site) -> None:
    """Selections under one name are one selection."""
    check(site, """{
        taskProxies {jobs {id}} other: taskProxies {state}
        taskProxies {jobs {state} id} __typename
    }""")


@pytest.mark.parametrize('value', [True, False, None])
def test_strip_by_variable(site: Site, value: bool | None) -> None:
    check(site, """
        query ($a: Boolean) {
            taskProxies(stripNull: $a) {id runtime {script} jobs {id}}
        }
    """, a=value)


@pytest.mark.parametrize('text', [
    """{taskProxies(stripNull: true) {
        id runtime {script} jobs(stripNull: false) {jobId messages}
        extras externalTriggers {id} more: jobs {jobId messages}
    }}""",
    """{taskProxies {id ...F}}
    fragment F on TaskProxy {jobs(stripNull: true) {id jobId messages}}""",
    """{workflows(stripNull: true) {
        broadcasts meta {userDefined} latestStateTasks nsDefOrder
        edges {leaves feet} taskProxies(stripNull: false) {extras}
    }}""",
    """{workflows(stripNull: true) {meta {title @skip(if: true)}}}""",
    """{tasks(stripNull: true) {runtime {environment {key value}}}}""",
])
def test_strip(site: Site, text: str) -> None:
    check(site, text)


@pytest.mark.parametrize('text, error', [
    ('{taskProxies(sort: {keys: ["nosuch"]}) {id}}', 'sort keys'),
    ('{taskProxies(sort: {keys: ["runtime"]}) {id}}', 'not supported'),
    ('{taskProxies(ids: ["a///"]) {id}}', 'Invalid Cylc identifier'),
    ('{taskProxies(ids: ["*/*/01"]) {id}}', ''),
    ('{taskProxies(ids: [""]) {id}}', 'Invalid Cylc identifier'),
    ('{workflows {tasks(ids: ["1/a"]) {id}}}', ''),
    ('{task(id: "a///") {id}}', 'Invalid Cylc identifier'),
])
def test_errors(site: Site, text: str, error: str) -> None:
    """They are in graphql-core's words, and no plan is tried again."""
    for _ in range(2):
        errors = left(site, text)
        assert errors and error in str(errors)


@pytest.mark.parametrize('text', [
    '{__schema {queryType {name}}}', '{tasksConnection {totalCount}}',
])
def test_left_to_graphql_core(site: Site, text: str) -> None:
    assert not left(site, text)


def test_error_out_of_reach(site: Site) -> None:
    """What nothing is asked of can be as wrong as it likes."""
    check(site, '{jobs(ids: ["9/none"]) {taskProxy {jobs(ids: ["a///"])'
                ' {id}}}}')


def test_a_plan_is_tried_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at once, but what was wrong with the data may pass."""
    text = '{jobs {executionTimeLimit name}}'
    job = next(iter(site.store.jobs.values()))
    before, job.execution_time_limit = job.execution_time_limit, float('inf')
    assert left(site, text)
    job.execution_time_limit = before
    assert not left(site, text)
    monkeypatch.setattr(plans, 'monotonic', lambda: 1e9)
    check(site, text)


def test_infinity(site: Site) -> None:
    """It has no form in JSON, so that graphql-core refuses it."""
    job = next(iter(site.store.jobs.values()))
    before, job.execution_time_limit = job.execution_time_limit, float('inf')
    try:
        errors = left(site, '{jobs {executionTimeLimit id}}')
    finally:
        job.execution_time_limit = before
    assert 'Float cannot represent' in str(errors)


def test_too_many_fields(site: Site) -> None:
    """Fragments in fragments can make a short document very large."""
    levels = ' '.join(
        f'fragment F{number} on TaskProxy {{jobs {{taskProxy {{...F{number+1}'
        f'}}}} firstParent {{childTasks {{...F{number+1}}}}} ancestors'
        f' {{childTasks {{...F{number+1}}}}}}}'
        for number in range(6)
    )
    left_to_core(
        site, f'{{taskProxies(ids: ["9/none"]) {{...F0}}}} {levels}'
        ' fragment F6 on TaskProxy {id}'
    )


def test_too_many_nodes(site: Site) -> None:
    """The same field many times is many fields to put together."""
    fields = 'id ' * (MAX_FIELDS // 40)
    many = [f'a{number}: tasks {{{fields}}}' for number in range(50)]
    check(site, f'{{{" ".join(many[:30])}}}')
    left_to_core(site, f'{{{" ".join(many)}}}')


def test_many_ids(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of ids by itself is not too much, but many of them are."""
    monkeypatch.setattr(compiler, 'MAX_FIELDS', 100)
    ids = [f'1/t{number}' for number in range(900)] + ['1/foo', '*/bar']
    check(site, 'query ($ids: [ID]) {taskProxies(ids: $ids) {id}}', ids=ids)
    many = ' '.join(
        f'a{number}: taskProxies(ids: $ids) {{id}}' for number in range(3)
    )
    left_to_core(site, f'query ($ids: [ID]) {{{many}}}', ids=ids)


def left_to_core(site: Site, text: str, **variables: Any) -> None:
    left = site.compiled.left
    expected, found = site.both(text, **variables)
    assert found == expected
    assert site.compiled.left == left + 1


@pytest.mark.parametrize('arguments', [
    'ids: ["1/foo/01", "1/foo"]', 'ids: ["1/foo", "1/foo/01"]',
    'exids: ["1/*/01", "1/foo"]', 'ids: ["9/none/01:failed", "*/b*"]',
])
def test_a_job_of_what_has_none(site: Site, arguments: str) -> None:
    """It is an error to compare them, so far as they are compared."""
    expected, found = site.both(f'{{taskProxies({arguments}) {{id}}}}')
    assert found == expected


@pytest.mark.parametrize('argument', ['ids', 'exids'])
def test_ids_of_elements(site: Site, argument: str) -> None:
    store = site.store
    for kind in ('taskProxies', 'familyProxies', 'jobs', 'tasks', 'families'):
        name = to_snake_case(kind)
        elements = getattr(store, name).values()
        ids = [
            each.name if name in ('tasks', 'families')
            else each.id.partition('//')[2] for each in elements
        ]
        some = [*ids[::3], '9/none', 'none', '9/no*', f'{ids[-1]}:failed']
        check(
            site, f'query ($ids: [ID]) {{{kind}({argument}: $ids) {{id}}}}',
            ids=some,
        )


def test_comparisons_add_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the operation that may not compare too much."""
    count = len(site.store.task_proxies)
    monkeypatch.setattr(resolvers, 'MAX_COMPARED', 3 * count)
    check(site, '{taskProxies(ids: ["1/*", "2/*"], exids: ["x"]) {id}}')
    left_to_core(site, '{taskProxies(ids: ["1/*", "2/*"]) {id} '
                       'b: taskProxies(exids: ["1/*", "2/*"]) {id}}')


LIMITED = '{taskProxies {id namespace jobs {id} outputs {label}}}'


def test_values() -> None:
    """The same answers are too large."""
    for number in (1, 10, 100, 500, 1000, 2000, 2500, 3000, 4000):
        site = Site(query_values=number)
        expected, found = site.both(LIMITED)
        assert found == expected
        assert site.compiled.left == 0


def test_values_exactly() -> None:
    """It is known to one value how large an answer is."""
    low, high = 1, 100_000
    while high - low > 1:
        middle = (low + high) // 2
        site = Site(query_values=middle)
        expected, found = site.both(LIMITED)
        assert found == expected, middle
        if b'TOO_MANY_VALUES' in found:
            low = middle
        else:
            high = middle
    assert high > 500


def test_time() -> None:
    expected, found = Site(query_time=0).both(LIMITED)
    assert found == expected
    assert b'TOO_SLOW' in found
