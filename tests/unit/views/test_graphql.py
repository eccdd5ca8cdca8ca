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
"""GraphQL over HTTP, on a workflow as it was recorded."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
import json
from typing import Any, cast
from urllib.parse import urlencode

from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import pytest
from werkzeug.test import TestResponse

from cylc_flask.app import create_app
from cylc_flask.commands import Commands
from cylc_flask.config import Config, Limits
from cylc_flask.replica.records import Records
from cylc_flask.workflows import Registry, Workflow
from tests.stores import recorded

PASSPHRASE = 'x' * 20
AUTHORIZATION = {'Authorization': 'Basic ' + b64encode(
    f'cylc:{PASSPHRASE}'.encode()).decode()}

JSON = 'application/json'
STRICT = 'application/graphql-response+json'

QUERY = '{workflows {name}}'
ONE_JOB = '{job(id: $a) {id}}'
ANSWER = {'data': {'workflows': [{'name': 'accept'}]}}


def serve(**config: Any) -> FlaskClient:
    flow = Workflow(
        'running', PASSPHRASE, recorded('8.7', 'running'), Records(),
        cast(Commands, None),
    )
    app = create_app(
        Config(authentication='basic', **config), Registry(flow),
        frozenset({'localhost'}),
    )
    return app.test_client()


@pytest.fixture(scope='module')
def client() -> FlaskClient:
    return serve()


def post(
    client: FlaskClient, body: Any, accept: str = '', **headers: str
) -> TestResponse:
    """Post something, JSON unless it is bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body)
    return client.post('/graphql', data=data, headers={
        'Content-Type': JSON, **({'Accept': accept} if accept else {}),
        **AUTHORIZATION, **headers,
    })


def get(client: FlaskClient, verb: str = 'GET', **query: str) -> TestResponse:
    return client.open(
        f'/graphql?{urlencode(query)}', method=verb, headers=AUTHORIZATION
    )


def codes(answer: TestResponse) -> list[str]:
    """Return the codes of an answer that has errors and nothing else."""
    assert answer.mimetype in (JSON, STRICT)
    assert answer.json is not None
    assert answer.json.keys() == {'errors'}
    for error in answer.json['errors']:
        assert error['message']
    return [error['extensions']['code'] for error in answer.json['errors']]


def test_post(client: FlaskClient) -> None:
    answer = post(client, {'query': QUERY})
    assert answer.status_code == 200
    assert answer.headers['Content-Type'] == f'{JSON}; charset=utf-8'
    assert answer.headers['Cache-Control'] == 'no-store'
    assert answer.json == ANSWER


def test_get(client: FlaskClient) -> None:
    assert get(client, query=QUERY).json == ANSWER
    assert get(
        client, query='query ($a: [ID]) {workflows(ids: $a) {name}}',
        variables='{"a": ["*"]}', operationName='', extensions='{}',
    ).json == ANSWER


def test_head(client: FlaskClient) -> None:
    """HEAD is GET without the answer."""
    answer = get(client, 'HEAD', query=QUERY)
    assert answer.status_code == 200
    assert not answer.data
    assert get(client, 'HEAD', query='mutation {__typename}'
               ).status_code == 405


def test_mutation_by_get(client: FlaskClient) -> None:
    answer = get(client, query='mutation {pause(workflows: []) {result}}')
    assert answer.status_code == 405
    assert answer.headers['Allow'] == 'POST'
    assert codes(answer) == ['METHOD_NOT_ALLOWED']


@pytest.mark.parametrize('accept, media_type', [
    ('', JSON),
    ('*/*', JSON),
    ('application/*', JSON),
    (JSON, JSON),
    (STRICT, STRICT),
    (f'{STRICT}, {JSON};q=0.9', STRICT),
    (f'{STRICT};q=0.5, {JSON}', JSON),
    (f'{STRICT}, */*', STRICT),
    (f'{JSON}, {STRICT}', STRICT),
    (f'{STRICT}; charset=utf-8', STRICT),
    ('text/html, */*;q=0.1', JSON),
])
def test_accept(client: FlaskClient, accept: str, media_type: str) -> None:
    answer = post(client, {'query': QUERY}, accept)
    assert answer.status_code == 200
    assert answer.mimetype == media_type
    assert answer.json == ANSWER


@pytest.mark.parametrize('accept', ['text/html', 'image/png', f'{JSON};q=0'])
def test_not_acceptable(client: FlaskClient, accept: str) -> None:
    answer = post(client, {'query': QUERY}, accept)
    assert answer.status_code == 406
    assert codes(answer) == ['NOT_ACCEPTABLE']


@pytest.mark.parametrize('content_type', [
    '', 'text/plain', 'application/x-www-form-urlencoded',
    'multipart/form-data', 'application/jsonp', 'application/graphql',
    'application/json; charset=x',
])
def test_content_type(client: FlaskClient, content_type: str) -> None:
    """No form in a page can send a command."""
    answer = post(client, {'query': QUERY}, **{'Content-Type': content_type})
    assert answer.status_code == 415
    assert codes(answer) == ['UNSUPPORTED_MEDIA_TYPE']


@pytest.mark.parametrize('content_type', [
    'application/json; charset=utf-8', 'application/json;charset=UTF-8',
    'application/graphql+json',
])
def test_other_content_types(client: FlaskClient, content_type: str) -> None:
    answer = post(client, {'query': QUERY}, **{'Content-Type': content_type})
    assert answer.json == ANSWER


@pytest.mark.parametrize('accept', [JSON, STRICT])
@pytest.mark.parametrize('body', [
    b' ', b'{', b'null', b'1', b'"text"', b'\xff', b'{"query": "\xff"}', b'{}',
    b'[' * 5000 + b']' * 5000, b'{"query": "\\ud800"}',
    {'query': 1}, {'query': None}, {'query': QUERY, 'variables': [1]},
    {'query': QUERY, 'variables': 'x'}, {'query': QUERY, 'extensions': 0},
    {'query': QUERY, 'operationName': {}},
])
def test_no_request(client: FlaskClient, body: Any, accept: str) -> None:
    answer = post(client, body, accept)
    assert answer.status_code == 400
    assert len(codes(answer)) == 1


@pytest.mark.parametrize('accept, status', [(JSON, 200), (STRICT, 400)])
@pytest.mark.parametrize('query, variables, code', [
    ('{', {}, 'GRAPHQL_PARSE_FAILED'),
    ('', {}, 'GRAPHQL_PARSE_FAILED'),
    ('{nosuch}', {}, 'GRAPHQL_VALIDATION_FAILED'),
    (f'query ($a: ID!) {ONE_JOB}', {}, 'BAD_USER_INPUT'),
    (f'query ($a: ID!) {ONE_JOB}', {'a': []}, 'BAD_USER_INPUT'),
    (f'query ($a: ID!) {ONE_JOB}', {'a': True}, 'BAD_USER_INPUT'),
    ('query a {__typename} query b {__typename}', {},
     'OPERATION_RESOLUTION_FAILURE'),
    ('subscription {deltas {id}}', {}, 'BAD_USER_INPUT'),
])
def test_request_error(
    client: FlaskClient, query: str, variables: Any, code: str, accept: str,
    status: int,
) -> None:
    """The status tells of it where the media type wants that."""
    answer = post(client, {'query': query, 'variables': variables}, accept)
    assert answer.status_code == status
    assert codes(answer) == [code]


@pytest.mark.parametrize('accept', [JSON, STRICT])
def test_field_error(client: FlaskClient, accept: str) -> None:
    """What went well is told beside what did not."""
    answer = post(client, {
        'query': '{workflows {name} jobsConnection(first: -1) {totalCount}}'
    }, accept)
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json['data']['workflows'] == [{'name': 'accept'}]
    (error,) = answer.json['errors']
    assert error['path'] == ['jobsConnection']
    assert error['extensions']['code'] == 'BAD_USER_INPUT'


def test_batch(client: FlaskClient) -> None:
    """Each is answered as if it were alone, in order."""
    answer = post(client, [
        {'query': QUERY}, {'query': '{'}, 'x', {'query': '{__typename}'},
    ])
    assert answer.status_code == 200
    found = cast(Any, answer.json)
    assert found[0] == ANSWER
    assert found[1]['errors'][0]['extensions']['code'] == (
        'GRAPHQL_PARSE_FAILED')
    assert found[2]['errors'][0]['extensions']['code'] == 'BAD_USER_INPUT'
    assert found[3] == {'data': {'__typename': 'Queries'}}


def test_batch_limits(client: FlaskClient) -> None:
    most = Limits().batch
    assert post(client, [{'query': QUERY}] * most).status_code == 200
    answer = post(client, [{'query': QUERY}] * (most + 1))
    assert answer.status_code == 400
    assert codes(answer) == ['TOO_MANY_OPERATIONS']
    assert b'11 requests, which is more than 10 (limits.batch)' in answer.data
    answer = post(client, [])
    assert answer.status_code == 400
    assert codes(answer) == ['BAD_USER_INPUT']


@pytest.mark.parametrize('query, code, text', [
    ('{workflows {name}}' + ' ' * 100_000, 'TOO_LARGE',
     'has 100018 bytes, which is more than 100000 (limits.query_size)'),
    ('{' + ' id' * 5_000 + '}', 'TOO_MANY_TOKENS',
     'has 5002 tokens, which is more than 5000 (limits.query_tokens)'),
    ('{a' * 16 + '}' * 16, 'TOO_DEEP',
     '16 levels deep, which is more than 15 (limits.query_depth)'),
    ('{' + ' '.join(f'a{n}: __typename' for n in range(51)) + '}',
     'TOO_MANY_ALIASES',
     'has 51 aliases, which is more than 50 (limits.query_aliases)'),
])
def test_limits(
    client: FlaskClient, query: str, code: str, text: str
) -> None:
    """Each refusal says which limit it was, and by how much."""
    answer = post(client, {'query': query}, STRICT)
    assert answer.status_code == 400
    assert codes(answer) == [code]
    assert text in answer.text


def test_limits_can_be_set() -> None:
    client = serve(limits=Limits(query_depth=1, batch=1))
    assert codes(post(client, {'query': QUERY})) == ['TOO_DEEP']
    assert post(client, [{'query': '{__typename}'}]).status_code == 200
    assert codes(post(client, [1, 2])) == ['TOO_MANY_OPERATIONS']


#: Each family is told again for each of its members, and so on.
ENDLESS = (
    '{families {childTasks {firstParent ' + '{childTasks {firstParent ' * 5
    + '{id}' + '}}' * 5 + '}}}'
)


@pytest.mark.parametrize('limits, code, text', [
    (Limits(query_values=1000), 'TOO_MANY_VALUES',
     'more than 1000 values (limits.query_values)'),
    (Limits(query_time=0), 'TOO_SLOW',
     'more than 0 seconds (limits.query_time)'),
])
def test_answers_are_bounded(limits: Limits, code: str, text: str) -> None:
    """A short question can have an answer that nobody could bear."""
    answer = post(serve(limits=limits), {'query': ENDLESS}, STRICT)
    assert answer.status_code == 200
    assert answer.json is not None
    (error,) = answer.json['errors']
    assert error['extensions']['code'] == code
    assert text in error['message']
    assert answer.json['data'] is None


def test_introspection_can_be_off() -> None:
    schema = '{__schema {queryType {name}}}'
    assert post(serve(), {'query': schema}).json == {
        'data': {'__schema': {'queryType': {'name': 'Queries'}}}
    }
    client = serve(introspection=False)
    assert codes(post(client, {'query': schema})) == [
        'INTROSPECTION_DISABLED']
    assert post(client, {'query': QUERY}).json == ANSWER


def test_answers_about_the_schema_are_kept() -> None:
    """They are the same each time, for each operation its own."""
    client = serve()
    for _ in range(2):
        for number in range(6):
            kind = ('Workflow', 'Job', 'Task')[number % 3]
            answer = post(client, {
                'query': f'query q{number} ($n: String!)'
                         ' {__type(name: $n) {name}}',
                'variables': {'n': kind},
            })
            assert answer.json == {'data': {'__type': {'name': kind}}}


def test_persisted(client: FlaskClient) -> None:
    """As Apollo's clients do it: the hash alone, then all, then the hash."""
    query = '{workflows {name}} # persisted'
    digest = sha256(query.encode()).hexdigest()
    extensions = {'persistedQuery': {'version': 1, 'sha256Hash': digest}}
    answer = post(client, {'extensions': extensions}, STRICT)
    assert answer.status_code == 400
    answer = post(client, {'extensions': extensions})
    assert answer.status_code == 200
    assert codes(answer) == ['PERSISTED_QUERY_NOT_FOUND']
    assert 'PersistedQueryNotFound' in answer.text
    answer = post(client, {'query': query, 'extensions': extensions})
    assert answer.json == ANSWER
    assert post(client, {'extensions': extensions}).json == ANSWER
    assert get(client, extensions=json.dumps(extensions)).json == ANSWER
    assert get(client, documentId=f'sha256:{digest}').json == ANSWER


def test_what_is_not_valid_is_not_persisted(client: FlaskClient) -> None:
    query = '{nosuch} # persisted'
    extensions = {'persistedQuery': {
        'version': 1, 'sha256Hash': sha256(query.encode()).hexdigest(),
    }}
    post(client, {'query': query, 'extensions': extensions})
    assert codes(post(client, {'extensions': extensions})) == [
        'PERSISTED_QUERY_NOT_FOUND']


def test_read_only() -> None:
    """Queries are answered, commands refused."""
    client = serve(read_only=True)
    assert post(client, {'query': QUERY}).json == ANSWER
    answer = post(client, {
        'query': 'mutation {pause(workflows: ["*"]) {result}}'
    })
    assert answer.status_code == 403
    assert codes(answer) == ['FORBIDDEN']
    assert 'read_only' in answer.text


@pytest.mark.parametrize('headers', [
    {'Origin': 'https://elsewhere.example'},
    {'Sec-Fetch-Site': 'cross-site'},
])
def test_commands_from_other_pages(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    answer = post(client, {
        'query': 'mutation {pause(workflows: ["*"]) {result}}'
    }, **headers)
    assert answer.status_code == 403


def test_no_credentials(client: FlaskClient) -> None:
    answer = client.post('/graphql', json={'query': QUERY})
    assert answer.status_code == 401
    assert not answer.data


def test_errors_of_the_gate(client: FlaskClient) -> None:
    """Clients find them where they look for errors."""
    answer = post(client, {'query': QUERY}, STRICT, Host='elsewhere.example')
    assert answer.status_code == 421
    assert codes(answer) == ['MISDIRECTED_REQUEST']
    answer = client.put('/graphql', data='{}', headers=AUTHORIZATION)
    assert answer.status_code == 405
    assert codes(answer) == ['METHOD_NOT_ALLOWED']
    answer = client.post('/graphql', headers=AUTHORIZATION)
    assert answer.status_code == 411
    assert codes(answer) == ['LENGTH_REQUIRED']


def test_no_schema_without_graphql() -> None:
    """What is not switched on is not there."""
    client = serve(enable=('rest',))
    assert post(client, {'query': QUERY}).status_code == 404


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=['Cs'])) | st.sampled_from((
        QUERY, 'mutation {__typename}', '{__schema {types {name}}}',
        'query ($a: ID!) {job(id: $a) {id}}',
    ))
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3)
                      | st.dictionaries(st.text(max_size=3), inner),
                      max_leaves=10)
requests = st.dictionaries(st.sampled_from((
    'query', 'variables', 'operationName', 'extensions', 'documentId',
)), values)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(min_size=1) | values | requests
    | st.lists(requests, max_size=4),
    accept=st.sampled_from((JSON, STRICT)),
)
def test_anything(client: FlaskClient, body: Any, accept: str) -> None:
    """No body is a fault of the server's, and each is answered in JSON."""
    answer = post(client, body, accept)
    assert answer.status_code < 500
    found = json.loads(answer.data)
    for each in found if isinstance(found, list) else [found]:
        assert 'data' in each or each['errors']
