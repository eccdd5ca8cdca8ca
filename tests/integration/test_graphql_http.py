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
"""GraphQL over HTTP, as clients use it with a real scheduler."""

from __future__ import annotations

from collections.abc import Iterator
import json
import subprocess
import sys
from typing import Any

from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport
from graphql import build_client_schema, get_introspection_query
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import requests

from cylc_flask.privilege import PUBLIC_LEVELS, Privilege
from tests.asking import answer, ask, flow, give
from tests.harness import Run, Starter, need

FLOW = """
    [meta]
        title = The title
        description = What it is for
        group = tests
    [scheduler]
        UTC mode = True
        allow implicit tasks = True
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        final cycle point = 3
        [[graph]]
            P1 = '''
                first => MEMBERS
                MEMBERS:succeed-all => last[-P1] => last
            '''
    [runtime]
        [[MEMBERS]]
        [[one, two]]
            inherit = MEMBERS
        [[first]]
            [[[meta]]]
                title = The first task
                importance = high
            [[[environment]]]
                COLOUR = blue
"""

STRICT = 'application/graphql-response+json'

#: What the official GUI asks for when it starts.
CYLC_UI_INTROSPECTION = """
    query {
        __schema {
            queryType {...FullType}
            mutationType {...FullType}
            types {...FullType}
        }
    }
    fragment FullType on __Type {
        kind name description
        fields(includeDeprecated: true) {
            name description args {...InputValue} type {...TypeRef}
            isDeprecated deprecationReason
        }
        inputFields {...InputValue}
        interfaces {...TypeRef}
        enumValues(includeDeprecated: true) {
            name description isDeprecated deprecationReason
        }
        possibleTypes {...TypeRef}
    }
    fragment InputValue on __InputValue {
        name description type {...TypeRef} defaultValue
    }
    fragment TypeRef on __Type {
        kind name ofType {kind name ofType {kind name ofType {
            kind name ofType {kind name ofType {kind name ofType {
                kind name ofType {kind name}
            }}}
        }}}
    }
"""


@pytest.fixture(scope='module')
def run(mod_start: Starter) -> Run:
    return mod_start(FLOW, '--pause', name='http')


@pytest.fixture(scope='module')
def session(run: Run) -> requests.Session:
    found: requests.Session = run.session()
    return found


# Clients

@pytest.mark.parametrize('options', [
    ('-H', 'Content-Type: application/json',
     '-d', '{"query": "{workflows {name}}"}'),
    ('--get', '--data-urlencode', 'query={workflows {name}}'),
    ('--get', '--data-urlencode', 'query=query ($a: [ID]) {'
     'workflows(ids: $a) {name}}', '--data-urlencode',
     'variables={"a": ["*"]}'),
])
def test_curl(run: Run, options: tuple[str, ...]) -> None:
    done = subprocess.run(
        (need('curl'), '-sS', '--fail-with-body', '--digest',
         '-u', f'cylc:{run.passphrase}', *options, f'{run.url}/graphql'),
        capture_output=True, text=True, timeout=30,
    )
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout) == {
        'data': {'workflows': [{'name': 'http'}]}
    }


def test_curl_with_a_fault(run: Run) -> None:
    """What is wrong can be read, and the status says so."""
    done = subprocess.run(
        (need('curl'), '-sS', '--fail-with-body', '--digest',
         '-u', f'cylc:{run.passphrase}', '-H', f'Accept: {STRICT}',
         '--get', '-d', 'query={nosuch}', f'{run.url}/graphql'),
        capture_output=True, text=True, timeout=30,
    )
    assert done.returncode == 22
    (error,) = json.loads(done.stdout)['errors']
    assert "Cannot query field 'nosuch'" in error['message']
    assert error['locations'] == [{'line': 1, 'column': 2}]
    assert error['extensions']['code'] == 'GRAPHQL_VALIDATION_FAILED'


@pytest.fixture
def client(run: Run) -> Iterator[Any]:
    """Log in with gql, which fetches the schema."""
    transport = RequestsHTTPTransport(
        f'{run.url}/graphql', auth=run.login(), timeout=20,
    )
    with Client(
        transport=transport, fetch_schema_from_transport=True,
    ) as connected:
        yield connected


def test_gql(client: Any, run: Run) -> None:
    """A client checks its operations against our schema, and sends them."""
    query = gql('query ($a: [ID]) {workflows(ids: $a) {id name status}}')
    query.variable_values = {'a': ['*']}
    (found,) = client.execute(query)['workflows']
    assert found == {
        'id': flow(run, 'id')['id'], 'name': 'http', 'status': 'paused',
    }
    mutation = gql('mutation {hold(workflows: ["*"], tasks: ["1/one"]) '
                   '{result}}')
    ((accepted, _),) = [
        each['response'] for each in client.execute(mutation)['hold']['result']
    ]
    assert accepted


def test_gql_batch(client: Any) -> None:
    """Several operations go in one request."""
    found = client.execute_batch([
        gql('{workflows {name}}'), gql('{__typename}'),
    ])
    assert found == [
        {'workflows': [{'name': 'http'}]}, {'__typename': 'Queries'},
    ]


def test_gql_without_permission(run: Run) -> None:
    transport = RequestsHTTPTransport(
        f'{run.url}/graphql', auth=run.login('anon'), timeout=20,
    )
    with Client(transport=transport) as connected, pytest.raises(
        TransportQueryError
    ) as caught:
        connected.execute(gql('{jobs {id}}'))
    assert caught.value.errors[0]['extensions']['code'] == 'FORBIDDEN'


# What Cylc 8's own programs ask for

#: Asks the scheduler, by ZMQ, what programs of the installed cylc-flow ask.
BY_ZMQ = r"""
import json, sys
from cylc.flow.network.client import WorkflowRuntimeClient
from cylc.flow.scripts import broadcast, dump, ping, show, stop
from cylc.flow.tui import data

flows = {'wFlows': ['http']}
DUMP = '''
    query ($wFlows: [ID]!) {
        workflows (ids: $wFlows, stripNull: false) {...wFlow}
        taskProxies (workflows: $wFlows) {...tProxy}
        familyProxies (workflows: $wFlows) {...fProxy}
    }
''' + ''.join(
    getattr(dump, f'{name}_SUMMARY_FRAGMENT')
    for name in ('TASK', 'FAMILY', 'WORKFLOW')
)
asked = [
    (getattr(data, 'QUERY', None) or data._QUERY,
     {'taskStates': ['waiting', 'running']}),
    (DUMP, flows),
    (ping.FLOW_QUERY, flows),
    (show.WORKFLOW_META_QUERY, flows),
    (show.TASK_META_QUERY, {**flows, 'taskIds': ['first']}),
    (show.TASK_PREREQS_QUERY, {**flows, 'taskIds': ['1/*']}),
    (stop.POLLER_QUERY, flows),
    (broadcast.QUERY, {**flows, 'nIds': ['1/first']}),
]
client = WorkflowRuntimeClient(flows['wFlows'][0])
print(json.dumps([
    (query, variables, client('graphql', {
        'request_string': query, 'variables': variables,
    })) for query, variables in asked
]))
"""


def test_cylc_8(run: Run) -> None:
    """The answers are those that the scheduler itself gives."""
    done = subprocess.run(
        (sys.executable, '-W', 'ignore', '-c', BY_ZMQ),
        env=run.environment, capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 0, done.stderr
    for query, variables, theirs in json.loads(done.stdout):
        found = answer(run, query, **variables)
        assert 'errors' not in found, found
        assert ordered(found['data']) == ordered(theirs)


#: What changes though nothing happens, and what differs by its nature.
VOLATILE = ('lastUpdated', 'timeZoneInfo')


def ordered(value: Any) -> Any:
    """Return an answer with lists in an order that can be compared."""
    if isinstance(value, dict):
        return {
            key: ordered(item) for key, item in value.items()
            if key not in VOLATILE
        }
    if isinstance(value, list):
        return sorted(map(ordered, value), key=json.dumps)
    return value


# The official GUI

def test_introspection(run: Run) -> None:
    """The GUI builds its menus of it."""
    found = ask(run, CYLC_UI_INTROSPECTION)['__schema']
    kinds = {each['name']: each for each in found['types']}
    mutations = {
        each['name']: each for each in kinds['Mutations']['fields']
    }
    assert 'Valid for: paused, running' in mutations['hold']['description']
    assert kinds.keys() >= {
        'WorkflowID', 'CyclePoint', 'NamespaceName', 'NamespaceIDGlob',
        'Flow', 'Runtime', 'TaskProxy', 'CommandState',
    }
    schema = build_client_schema(ask(run, get_introspection_query()))
    assert schema.subscription_type


def test_typename_everywhere(run: Run) -> None:
    """Apollo adds it to each selection."""
    found = ask(run, """{
        __typename
        workflows {__typename stateTotals timeZoneInfo {__typename}}
        taskProxies {
            __typename id task {__typename meta {__typename}}
            outputs {__typename} firstParent {__typename}
            prerequisites {__typename conditions {__typename}}
        }
        edges {__typename}
        graph(start: "1") {__typename nodes {__typename}}
    }""")
    assert found['taskProxies'][0]['task']['meta']['__typename'] == 'NodeMeta'


def test_edit_runtime(run: Run) -> None:
    """The GUI's form shows what a task would run with."""
    id_ = f'{flow(run, "id")["id"]}//1/first'
    found = ask(run, """
        query ($id: ID!) {
            taskProxy(id: $id) {runtime {
                script environment {key value} directives {key value}
                platform executionTimeLimit outputs {key value} runMode
            }}
        }
    """, id=id_)['taskProxy']['runtime']
    assert {'key': 'COLOUR', 'value': 'blue'} in found['environment']


# What we have added

def test_pages(run: Run) -> None:
    """Pages hold what the list holds, each element once."""
    wanted = [each['id'] for each in ask(run, '{taskProxies {id}}'
                                         )['taskProxies']]
    assert len(wanted) >= 3
    seen: list[str] = []
    after = None
    while True:
        page = ask(run, """
            query ($after: String) {
                taskProxiesConnection(first: 2, after: $after) {
                    totalCount nodes {id} edges {cursor node {id}}
                    pageInfo {
                        hasNextPage hasPreviousPage startCursor endCursor
                    }
                }
            }
        """, after=after)['taskProxiesConnection']
        assert page['totalCount'] == len(wanted)
        assert [each['node'] for each in page['edges']] == page['nodes']
        assert page['pageInfo']['hasPreviousPage'] == bool(seen)
        seen += [each['id'] for each in page['nodes']]
        after = page['pageInfo']['endCursor']
        if not page['pageInfo']['hasNextPage']:
            break
    assert seen == wanted


def test_graph(run: Run) -> None:
    """The graph as it is defined; what is not in the window is a ghost."""
    found = ask(run, """{graph(start: "1", stop: "3") {
        start stop nodes {name cyclePoint family ghost}
        edges {source target suicide conditional}
    }}""")['graph']
    assert (found['start'], found['stop']) == ('1', '3')
    assert {each['name'] for each in found['nodes']} == {
        'first', 'one', 'two', 'last',
    }
    ghosts = {
        (each['name'], each['cyclePoint']) for each in found['nodes']
        if each['ghost']
    }
    assert ('last', '3') in ghosts
    assert ('first', '1') not in ghosts
    grouped = ask(run, """{graph(start: "1", stop: "3", group: ["MEMBERS"]) {
        nodes {name family}
    }}""")['graph']
    assert {'name': 'MEMBERS', 'family': True} in grouped['nodes']
    assert not {'one', 'two'} & {each['name'] for each in grouped['nodes']}


@pytest.mark.parametrize('arguments, text', [
    ('start: "banana"', 'banana'),
    ('start: "2", stop: "1"', ''),
])
def test_graph_of_nothing(run: Run, arguments: str, text: str) -> None:
    found = answer(run, f'{{graph({arguments}) {{start}}}}')
    if 'errors' in found:
        (error,) = found['errors']
        assert text in error['message']
        assert error['extensions']['code'] == 'BAD_USER_INPUT'


def test_graph_that_is_too_large(start: Starter) -> None:
    run = start(FLOW, '--pause', config={'limits': {'graph_edges': 5}})
    (error,) = answer(run, '{graph(start: "1", stop: "3") {start}}')['errors']
    assert 'graph_edges' in error['message'] or '5' in error['message']


# Levels

#: The fields of a workflow that callers of a level may read, besides those
#: of the levels below it.
OPEN = {
    Privilege.IDENTITY: {'id', 'name', 'owner', 'cylcVersion'},
    Privilege.DESCRIPTION: {'meta'},
    Privilege.STATE_TOTALS: {
        'lastUpdated', 'states', 'stateTotals', 'latestStateTasks',
    },
}


@pytest.fixture(scope='module')
def fields(run: Run) -> dict[str, str]:
    """Return how to ask for each field of a workflow."""
    found = ask(run, '{__type(name: "Workflow") {fields {name type {'
                'kind ofType {kind}}}}}')['__type']['fields']
    return {
        each['name']: each['name'] + (
            '' if is_leaf(each['type']) else ' {__typename}'
        ) for each in found
    }


def is_leaf(kind: dict[str, Any]) -> bool:
    named = kind['ofType'] or kind
    return named['kind'] in ('SCALAR', 'ENUM')


@pytest.mark.parametrize('level', PUBLIC_LEVELS)
def test_levels(start: Starter, fields: dict[str, str], level: Privilege
                ) -> None:
    """The public reads what ``identify`` shows it, and no field more."""
    run = start(FLOW, '--pause', config={
        'public_privilege': str(level), 'limits': {'batch': 200},
    })
    needed = {
        name: least for least, names in OPEN.items() for name in names
    }
    names = [*fields]
    found = run.request('POST', 'graphql', user='anon', json=[
        {'query': f'{{workflows {{{fields[name]}}}}}'} for name in names
    ]).json()
    for name, each in zip(names, found, strict=True):
        least = needed.get(name, Privilege.FULL_READ)
        if least <= level:
            assert 'errors' not in each, each
        else:
            assert 'data' not in each
            (error,) = each['errors']
            assert error['extensions']['code'] == 'FORBIDDEN'
            assert f"Workflow.{name} needs the privilege '{least}'" in (
                error['message'])
    check_identity(run, level)
    check_others(run, level)


def check_identity(run: Run, level: Privilege) -> None:
    """Compare with what REST tells the same caller."""
    told = run.request('GET', 'identify', user='anon').json()
    known = answer(
        run, '{workflows {name owner cylcVersion}}', 'anon'
    )['data']['workflows'][0]
    assert known == {
        'name': told['name'], 'owner': told['owner'],
        'cylcVersion': told['version'],
    }
    if level >= Privilege.DESCRIPTION:
        meta = answer(
            run, '{workflows {meta {title description}}}', 'anon'
        )['data']['workflows'][0]['meta']
        assert meta == {
            'title': told['title'], 'description': told['description'],
        }
    assert ('states' in told) == (level >= Privilege.STATE_TOTALS)


def check_others(run: Run, level: Privilege) -> None:
    """Look beside the fields of a workflow."""
    def status(document: str) -> int:
        response = run.request('POST', 'graphql', user='anon', json={
            'query': document})
        return int(response.status_code)

    reads = 200 if level >= Privilege.FULL_READ else 403
    for document in (
        '{jobs {id}}', '{taskProxies {id}}', '{edges {id}}',
        '{graph(start: "1") {start}}', '{command(id: "x") {state}}',
        '{tasksConnection {totalCount}}',
        '{workflows {...f}} fragment f on Workflow {taskProxies {id}}',
        '{workflows {id ... on Workflow {port}}}',
        '{workflows {x: port}}',
    ):
        assert status(document) == reads, document
    assert status('{workflows {port @include(if: false)}}') in (200, reads)
    assert status('{__schema {types {name}}}') == 200
    for name in ('pause', 'reload', 'releaseHoldPoint'):
        assert status(
            f'mutation {{{name}(workflows: ["*"]) {{result}}}}') == 403
    stops = 200 if level >= Privilege.SHUTDOWN else 403
    assert status(
        'mutation {stop(workflows: ["*"], cyclePoint: "2") {result}}'
    ) == stops
    assert status(
        'mutation {stop(workflows: ["*"]) {result} '
        'pause(workflows: ["*"]) {result}}'
    ) == 403
    assert flow(run, 'status') == {'status': 'paused'}


# What no client should send

def test_body_limit(start: Starter) -> None:
    run = start(FLOW, '--pause', config={'limits': {'body_size': 2000}})
    found = run.request('POST', 'graphql', json={'query': ' ' * 2000})
    assert found.status_code == 413


scalars = st.none() | st.booleans() | st.integers() | st.text(
    st.characters(exclude_categories=['Cs'])) | st.sampled_from((
        '{workflows {id}}', '{graph(start: "1") {start}}',
        'query ($id: ID!) {taskProxy(id: $id) {id}}',
        '{taskProxies(ids: ["*"], sort: {keys: ["nosuch"]}) {id}}',
    ))
documents = st.dictionaries(
    st.sampled_from(('query', 'variables', 'operationName', 'extensions')),
    st.recursive(scalars, lambda inner: st.lists(inner, max_size=3)
                 | st.dictionaries(st.text(max_size=3), inner), max_leaves=8),
)


@settings(deadline=None, max_examples=150)
@given(body=st.binary(min_size=1) | documents.map(json.dumps).map(str.encode)
       | st.lists(documents, max_size=12).map(json.dumps).map(str.encode))
def test_any_body(run: Run, session: requests.Session, body: bytes) -> None:
    """It is answered in JSON, and is no fault of the server's."""
    found = session.post(
        f'{run.url}/graphql', data=body, timeout=20,
        headers={'Content-Type': 'application/json'},
    )
    assert found.status_code < 500
    assert found.headers['Content-Type'].startswith('application/json')
    found.json()


@pytest.mark.parametrize('document', [
    '{taskProxies(sort: {keys: ["nosuch"]}) {id}}',
    '{taskProxies(ids: ["["]) {id}}',
    '{taskProxies(ids: ["////"]) {id}}',
    '{taskProxies(ids: [null]) {id}}',
    '{taskProxies(states: [null]) {id}}',
    '{taskProxies(mindepth: 99999) {id}}',
    '{taskProxy(id: "") {id}}',
    '{taskProxy(id: "//") {id}}',
    '{job(id: "\\u0000") {id}}',
    '{workflows(ids: [""]) {id}}',
    '{workflows(ids: null) {id}}',
    '{nodesEdges {nodes {id} edges {id}}}',
    '{nodesEdges(ids: ["1/first"], distance: 2) {nodes {id}}}',
    '{workflows {broadcasts(ids: ["x"])}}',
    '{workflows {latestStateTasks(states: ["x"])}}',
    '{jobs(sort: {keys: []}) {id}}',
    '{taskProxiesConnection(after: "x") {totalCount}}',
    '{graph(start: "") {start}}',
])
def test_odd_arguments(run: Run, document: str) -> None:
    """The answer is data, or an error with a code that is not ours."""
    found = answer(run, document)
    for error in found.get('errors', ()):
        assert error['extensions']['code'] != 'INTERNAL_SERVER_ERROR', error
    assert run.alive


def test_the_scheduler_is_well(run: Run) -> None:
    """After all of this commands are taken, and the log has no fault."""
    assert give(run, 'release', tasks=['1/one'])[0]
    assert 'Traceback' not in run.log()
    assert 'flask: fault' not in run.log()
