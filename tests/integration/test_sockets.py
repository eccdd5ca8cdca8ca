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
"""GraphQL on WebSockets, as clients of both protocols see it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
import json
import ssl
import struct
import time
from typing import Any

from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport
import pytest
import requests
from websocket import ABNF, WebSocketBadStatusException, create_connection

from tests.harness import Run, Starter
from tests.socket_client import (
    BASIC,
    LEGACY,
    TRANSPORT,
    Socket,
    address,
    authorization,
    wait_until_paused,
)

#: Two tasks for each point, of which the first is held back until asked.
FLOW = """
    [scheduling]
        cycling mode = integer
        final cycle point = 3
        [[graph]]
            P1 = a => b
    [runtime]
        [[a, b]]
            script = true
            [[[simulation]]]
                default run length = PT1S
"""

STATES = """
    subscription {
        deltas {
            id
            added {taskProxies {id state}}
            updated {taskProxies {id state}}
            pruned {taskProxies}
        }
    }
"""

STATUS = '{workflows {id status}}'

PAUSE = 'mutation {pause(workflows: ["*"]) {result}}'

RESUME = 'mutation {resume(workflows: ["*"]) {result}}'

BROADCAST = """
    mutation {
        broadcast(
            workflows: ["*"], mode: Set, cyclePoints: ["1"],
            namespaces: ["a"], settings: [{environment: {FOO: "x"}}]
        ) {result}
    }
"""


@pytest.fixture(scope='module', params=['http', 'https'])
def run(request: pytest.FixtureRequest, mod_start: Starter) -> Run:
    """A paused workflow, for which nothing has to be waited."""
    run = mod_start(FLOW, '--pause', '--mode=simulation', name=request.param,
                    config={**BASIC, 'method': request.param})
    wait_until_paused(run)
    return run


@pytest.fixture(scope='module')
def strict(mod_start: Starter) -> Run:
    """The same with little room and little patience."""
    return mod_start(
        FLOW, '--pause', '--mode=simulation', name='strict',
        config={**BASIC, 'read_only': True, 'limits': {
            'init_timeout': 0.5, 'ping_interval': 0.4, 'subscriptions': 2,
            'message_size': 10_000, 'sockets': 5,
        }},
    )


protocols = pytest.mark.parametrize('protocol', [TRANSPORT, LEGACY])


def all_states(message: dict[str, Any]) -> dict[str, str]:
    """Return the states of tasks in a message, by the end of their ids."""
    deltas = message['payload']['data']['deltas']
    return {
        '/'.join(task['id'].split('/')[-2:]): task['state']
        for part in ('added', 'updated')
        for task in deltas[part]['taskProxies'] or ()
        if task.get('state')
    }


# What can be done on a socket


@protocols
def test_all_kinds_on_one_socket(run: Run, protocol: str) -> None:
    with Socket(run, protocol=protocol).init() as socket:
        assert socket.raw.subprotocol == protocol
        assert socket.ask('1', STATUS) == {
            'workflows': [{'id': f'~root/{run.name}', 'status': 'paused'}]}
        socket.start('2', STATES)
        first = all_states(socket.until(socket.result, '2'))
        assert first['1/a'] == 'waiting'
        (result,) = socket.ask('3', PAUSE)['pause']['result']
        assert result['response'][0] is True
        assert socket.ask('1', STATUS)
        socket.stop('2')
        assert socket.ask('2', STATUS)


def test_legacy_complete_comes_at_once(run: Run) -> None:
    with Socket(run, protocol=LEGACY).init() as socket:
        socket.start('1', STATES)
        socket.until('data')
        began = time.monotonic()
        socket.stop('1')
        assert socket.hear() == {'id': '1', 'type': 'complete'}
        assert time.monotonic() - began < 0.5


@protocols
def test_errors_of_an_operation(run: Run, protocol: str) -> None:
    """They end the operation, not the socket."""
    with Socket(run, protocol=protocol).init() as socket:
        for query, code in (
            ('{nonsense}', 'GRAPHQL_VALIDATION_FAILED'),
            ('{', 'GRAPHQL_PARSE_FAILED'),
            ('subscription {nonsense}', 'GRAPHQL_VALIDATION_FAILED'),
        ):
            socket.start('1', query)
            if protocol == TRANSPORT:
                errors = socket.until('error', '1')['payload']
            else:
                payload = socket.until('data', '1')['payload']
                assert payload['data'] is None
                errors = payload['errors']
                assert socket.hear()['type'] == 'complete'
            assert errors[0]['extensions']['code'] == code
        assert socket.ask('1', STATUS)


def test_levels_hold(run: Run) -> None:
    """The public may read totals, and give no commands."""
    with Socket(run, user='anon').init() as socket:
        for query in (STATES, PAUSE, '{taskProxies {id}}'):
            socket.start('1', query)
            (error,) = socket.until('error', '1')['payload']
            assert error['extensions']['code'] == 'FORBIDDEN'
            assert 'state-totals' in error['message']


def test_the_socket_goes_on_during_a_mutation(run: Run) -> None:
    """A broadcast waits for the scheduler's main thread."""
    with Socket(run).init() as socket:
        socket.say_at_once(*(
            {'type': 'subscribe', 'id': id, 'payload': {'query': query}}
            for id, query in (('1', BROADCAST), ('2', STATUS))
        ))
        ends = [
            message['id'] for message in (socket.hear() for _ in range(4))
            if message['type'] == 'complete'
        ]
        assert ends == ['2', '1']


def test_what_is_stopped_gives_no_result(run: Run) -> None:
    with Socket(run).init() as socket:
        socket.start('1', BROADCAST)
        socket.stop('1')
        assert socket.ask('2', BROADCAST)
        assert socket.ask('1', STATUS)


def test_persisted_documents(run: Run) -> None:
    """What has been named over HTTP is known on sockets."""
    text = '{workflows {id}}'
    named = {'extensions': {'persistedQuery': {
        'version': 1, 'sha256Hash': sha256(text.encode()).hexdigest()}}}
    with Socket(run).init() as socket:
        socket.say(id='1', type='subscribe', payload=named)
        (error,) = socket.until('error', '1')['payload']
        assert error['extensions']['code'] == 'PERSISTED_QUERY_NOT_FOUND'
        run.request('POST', '/graphql', json={'query': text, **named})
        socket.say(id='1', type='subscribe', payload=named)
        assert socket.until('next', '1')['payload']['data']['workflows']


# How a socket begins


def handshake(run: Run, *headers: str, **options: Any) -> int:
    """Return the status of a handshake."""
    options.setdefault('subprotocols', [TRANSPORT])
    options.setdefault('suppress_origin', True)
    tls = {}
    if run.http['scheme'] == 'https':
        tls = {'ca_certs': str(run.service / 'ssl.cert')}
    try:
        create_connection(
            address(run, '/subscriptions'), header=[*headers], timeout=20,
            sslopt=tls, http_no_proxy=['*'], **options,
        ).shutdown()
    except WebSocketBadStatusException as exc:
        return int(exc.status_code)
    return 101


def test_handshake(run: Run) -> None:
    known = authorization(run)
    ours = run.url
    for expected, headers, options in (
        (101, [known], {}),
        (401, [], {}),
        (401, ['Authorization: Basic eDp5'], {}),
        (401, ['Authorization: Bearer nobody'], {}),
        (400, [known], {'subprotocols': ['soap']}),
        (400, [known], {'subprotocols': None}),
        (101, [known], {'subprotocols': ['soap', LEGACY, TRANSPORT]}),
        (101, [known, f'Origin: {ours}'], {}),
        (403, [known, 'Origin: https://example.org'], {}),
        (403, [known, 'Origin: null'], {}),
        (426, [known, 'Sec-WebSocket-Version: 8'], {}),
        (400, [known, 'Sec-WebSocket-Key: short'], {}),
        (421, [known], {'host': 'example.org'}),
    ):
        assert handshake(run, *headers, **options) == expected, headers


def test_without_upgrade(run: Run) -> None:
    for verb in ('GET', 'POST'):
        answer = run.request(verb, '/subscriptions')
        assert answer.status_code == 426
        assert answer.headers['Upgrade'] == 'websocket'
        assert 'ws://' in answer.text


def test_frames_right_after_the_handshake(run: Run) -> None:
    """Impatient clients send their first messages with the handshake."""
    messages = [
        {'type': 'connection_init'},
        {'type': 'subscribe', 'id': '1', 'payload': {'query': STATUS}},
    ]
    socket = Socket(run)
    for message in messages:
        socket.say(**message)
    assert [socket.hear()['type'] for _ in range(3)] == [
        'connection_ack', 'next', 'complete']
    socket.raw.shutdown()


def session(run: Run) -> str:
    """Return the token of a new session."""
    answer = run.request('POST', '/session', json={})
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()['token'])


@protocols
def test_token_in_the_first_message(run: Run, protocol: str) -> None:
    path = '/subscriptions?authenticate=connection_init'
    with Socket(run, path, protocol, user='') as socket:
        socket.init(Authorization=f'Bearer {session(run)}')
        assert socket.ask('1', PAUSE)


def test_token_in_the_handshake(run: Run) -> None:
    header = f'Authorization: Bearer {session(run)}'
    with Socket(run, user='', headers=(header,)).init() as socket:
        assert socket.ask('1', PAUSE)


@pytest.mark.parametrize('payload', [
    {}, {'Authorization': 'Bearer x'}, {'Authorization': 'Basic eDp5'},
    {'authorization': 3},
])
def test_no_token(run: Run, payload: dict[str, Any]) -> None:
    path = '/subscriptions?authenticate=connection_init'
    with Socket(run, path, user='') as socket:
        socket.say(type='connection_init', payload=payload)
        closed = socket.end()
        assert (closed.code, closed.reason) == (4403, 'Forbidden')


def test_bad_token_beside_a_password(run: Run) -> None:
    with Socket(run, protocol=LEGACY) as socket:
        socket.say(type='connection_init', payload={
            'Authorization': 'Bearer x'})
        assert socket.hear() == {
            'type': 'connection_error', 'payload': {'message': 'Forbidden'}}
        assert socket.end().code == 4403


# How it ends


@pytest.mark.parametrize('messages, code', [
    ([{'type': 'subscribe', 'id': '1', 'payload': {'query': STATUS}}], 4401),
    ([{'type': 'connection_init'}] * 2, 4429),
    (['not JSON'], 4400),
    ([{'type': 'nonsense'}], 4400),
    ([{'type': 'connection_init'}] + [
        {'type': 'subscribe', 'id': '1', 'payload': {'query': STATES}}
    ] * 2, 4409),
])
def test_close_codes(run: Run, messages: list[Any], code: int) -> None:
    with Socket(run) as socket:
        for message in messages:
            socket.raw.send(
                message if isinstance(message, str) else json.dumps(message))
        assert socket.end().code == code


def test_binary_messages(run: Run) -> None:
    with Socket(run) as socket:
        socket.raw.send_binary(b'{"type": "connection_init"}')
        assert socket.end().code == 4400


def test_legacy_terminate(run: Run) -> None:
    with Socket(run, protocol=LEGACY).init() as socket:
        socket.say(type='connection_terminate')
        assert socket.end().code == 1000


def test_close_by_the_client(run: Run) -> None:
    with Socket(run).init() as socket:
        socket.start('1', STATES)
        socket.until('next')
        socket.raw.send_close(1000)
        assert socket.end().code == 1000


def test_silent_clients(strict: Run) -> None:
    with Socket(strict) as socket:
        assert socket.end().code == 4408


def test_no_answer_to_pings(strict: Run) -> None:
    """Who answers stays, who does not is closed."""
    with (
        Socket(strict).init() as alive,
        Socket(strict).init() as dead,
    ):
        def follow() -> None:
            for _ in range(4):
                alive.raw.recv_data_frame(control_frame=True)

        with ThreadPoolExecutor() as pool:
            following = pool.submit(follow)
            assert closing(dead) == (1008, 'There is no answer to pings.')
            following.result()
        assert alive.ask('1', STATUS)


def closing(socket: Socket) -> tuple[int, str]:
    """Return how a socket ends whose client answers nothing."""
    while True:
        frame = socket.raw.frame_buffer.recv_frame()
        if frame.opcode == ABNF.OPCODE_CLOSE:
            (code,) = struct.unpack('!H', frame.data[:2])
            return code, frame.data[2:].decode()


def test_messages_that_are_too_long(strict: Run) -> None:
    with Socket(strict).init() as socket:
        socket.start('1', STATUS + ' ' * 10_000)
        assert socket.end().code == 1009


@protocols
def test_too_many_subscriptions(strict: Run, protocol: str) -> None:
    with Socket(strict, protocol=protocol).init() as socket:
        for id in '12':
            socket.start(id, STATES)
            socket.until(socket.result, id)
        socket.start('3', STATES)
        text = json.dumps(socket.hear())
        assert 'TOO_MANY_SUBSCRIPTIONS' in text
        assert '2 at most' in text
        socket.stop('1')
        socket.start('4', STATES)
        socket.until(socket.result, '4')


def test_read_only(strict: Run) -> None:
    with Socket(strict).init() as socket:
        socket.start('1', PAUSE)
        (error,) = socket.until('error', '1')['payload']
        assert error['extensions']['code'] == 'FORBIDDEN'
        assert 'read-only' in error['message']


def test_too_many_sockets(strict: Run) -> None:
    sockets = [Socket(strict).init() for _ in range(5)]
    assert handshake(strict, authorization(strict)) == 503
    stream = strict.request(
        'GET', '/graphql/stream', params={'query': STATES})
    assert stream.status_code == 503
    assert strict.get('ping_suite') is True
    for socket in sockets:
        socket.raw.shutdown()
    strict.wait_for(
        lambda: handshake(strict, authorization(strict)) == 101)


# The life of a workflow


@protocols
def test_following_a_run(start: Starter, protocol: str) -> None:
    """From the first state to the last words."""
    run = start(FLOW, '--pause', '--mode=simulation', config=BASIC)
    with Socket(run, protocol=protocol).init() as socket:
        wait_until_paused(run)
        socket.start('s', STATES)
        seen: dict[str, set[str]] = {}
        with Socket(run, protocol=protocol).init() as other:
            assert other.ask('1', RESUME)
        while (message := socket.hear())['type'] == socket.result:
            for task, state in all_states(message).items():
                seen.setdefault(task, set()).add(state)
        assert message == {'id': 's', 'type': 'complete'}
        closed = socket.end()
        assert (closed.code, closed.reason) == (1001, 'The server stops.')
    for point in '123':
        assert {'running', 'succeeded'} <= seen[f'{point}/a']
        assert 'running' in seen[f'{point}/b']
    assert run.wait_end() == 0
    assert 'flask: fault' not in run.log()


def test_a_change_of_privilege_ends_sockets(start: Starter) -> None:
    meta = '[meta]\n    public privilege = {}\n'
    run = start(meta.format('full-read') + FLOW, '--pause',
                '--mode=simulation', config=BASIC)
    with (
        Socket(run, user='anon').init() as public,
        Socket(run).init() as owner,
    ):
        public.start('1', STATES)
        public.until('next')
        owner.start('1', STATES)
        run.define(meta.format('identity') + FLOW)
        run.cylc('reload', run.name)
        closed = public.end()
        assert (closed.code, closed.reason) == (
            4403, 'The privilege has changed.')
        assert owner.ask('2', STATUS)


def test_the_end_of_a_session_ends_sockets(strict: Run) -> None:
    token = session(strict)
    header = f'Authorization: Bearer {token}'
    with Socket(strict, user='', headers=(header,)).init() as socket:
        socket.start('1', STATES)
        socket.until('next')
        answer = requests.post(
            f'{strict.url}/session/end', headers={
                'Authorization': f'Bearer {token}'})
        assert answer.ok
        closed = socket.end()
        assert (closed.code, closed.reason) == (
            4403, 'The session has ended.')


# Clients that others have written


@protocols
def test_gql(run: Run, protocol: str) -> None:
    async def use() -> None:
        transport = WebsocketsTransport(
            address(run, '/subscriptions'),
            headers=dict([authorization(run).split(': ')]),
            subprotocols=[protocol],
            ssl=context(run),
        )
        async with Client(transport=transport) as client:
            found = await client.execute(gql(STATUS))
            assert found['workflows'][0]['id'] == f'~root/{run.name}'
            found = await client.execute(gql(PAUSE))
            assert found['pause']['result'][0]['response'][0] is True
            async for first in client.subscribe(gql(STATES)):
                assert first['deltas']['added']['taskProxies']
                break

    asyncio.run(use())


def context(run: Run) -> Any:
    """Return the TLS settings of a client, None for plain HTTP."""
    if run.http['scheme'] == 'http':
        return None
    return ssl.create_default_context(cafile=str(run.service / 'ssl.cert'))
