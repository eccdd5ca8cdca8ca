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
"""The two protocols, as lists of messages: what comes in, what goes out."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc_flask.query.protocols import (
    PROTOCOLS,
    TAIL,
    Action,
    Close,
    LegacyWs,
    Login,
    Protocol,
    Send,
    Start,
    Stop,
    TransportWs,
)

ACK = {'type': 'connection_ack'}
INIT = {'type': 'connection_init'}
QUERY = {'query': '{a}'}


def tell(protocol: Protocol, *messages: Any) -> list[Any]:
    """Return what becomes of messages; each log-in is a success."""
    found: list[Any] = []
    for message in messages:
        if not isinstance(message, str | bytes):
            message = json.dumps(message)
        for action in protocol.receive(message):
            found += shown([action])
            if isinstance(action, Login):
                found += shown(protocol.welcome())
    return found


def shown(actions: list[Action]) -> list[Any]:
    """Return actions, those that send something as what they send."""
    return [
        json.loads(action.text) if isinstance(action, Send) else action
        for action in actions
    ]


def begin(protocol: Protocol, id: Any, **payload: Any) -> dict[str, Any]:
    """Return the message that begins an operation."""
    kind = 'start' if isinstance(protocol, LegacyWs) else 'subscribe'
    return {'id': id, 'type': kind, 'payload': payload or QUERY}


@pytest.fixture(params=PROTOCOLS.values(), ids=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> Protocol:
    """A protocol of either kind, before its first message."""
    made: Protocol = request.param(3)
    return made


@pytest.fixture
def ready(protocol: Protocol) -> Protocol:
    """The same after the client has been let in."""
    assert tell(protocol, INIT) == [Login({}), ACK]
    return protocol


def test_login_has_the_payload(protocol: Protocol) -> None:
    payload = {'Authorization': 'Bearer x'}
    assert tell(protocol, {**INIT, 'payload': payload}) == [
        Login(payload), ACK]


def test_second_init(ready: Protocol) -> None:
    assert tell(ready, INIT) == [
        Close(4429, 'Too many initialisation requests')]


def test_nothing_before_init(protocol: Protocol) -> None:
    assert tell(protocol, begin(protocol, '1')) == [
        Close(4401, 'Unauthorized')]


def test_nothing_before_the_log_in_is_decided(protocol: Protocol) -> None:
    protocol.receive(json.dumps(INIT))
    assert tell(protocol, begin(protocol, '1')) == [
        Close(4401, 'Unauthorized')]


def test_time_out(protocol: Protocol) -> None:
    assert protocol.timed_out() == [
        Close(4408, 'Connection initialisation timeout')]


def test_refusal() -> None:
    assert shown(TransportWs(1).refuse('No')) == [Close(4403, 'No')]
    assert shown(LegacyWs(1).refuse('No')) == [
        {'type': 'connection_error', 'payload': {'message': 'No'}},
        Close(4403, 'No'),
    ]


def test_operation(ready: Protocol) -> None:
    parameters = {
        'query': 'query Q($a: Int) {a}', 'operationName': 'Q',
        'variables': {'a': 1}, 'extensions': None,
    }
    assert tell(ready, begin(ready, 'x', **parameters)) == [
        Start('x', parameters)]
    result = ready.head('x') + b'{"data":{"a":1}}' + TAIL
    assert json.loads(result) == {
        'id': 'x', 'type': ready.result, 'payload': {'data': {'a': 1}}}
    assert shown(ready.complete('x')) == [{'id': 'x', 'type': 'complete'}]
    assert ready.complete('x') == []
    assert tell(ready, begin(ready, 'x')) == [Start('x', QUERY)]


def test_ids_are_text(ready: Protocol) -> None:
    assert tell(ready, begin(ready, 7)) == [Start('7', QUERY)]
    assert b'"id":"\\"\\u' not in ready.head('"é')
    assert json.loads(ready.head('"é') + b'1' + TAIL)['id'] == '"é'


def test_several_at_a_time(ready: Protocol) -> None:
    for id in 'abc':
        assert tell(ready, begin(ready, id)) == [Start(id, QUERY)]
    (*_, last) = refusal = tell(ready, begin(ready, 'd'))
    errors = last['payload'] if len(refusal) == 1 else (
        refusal[0]['payload']['errors'])
    assert errors == [{
        'message': '3 operations go on: 3 at most on a socket'
                   ' (limits.subscriptions)',
        'extensions': {'code': 'TOO_MANY_SUBSCRIPTIONS'},
    }]
    ready.complete('a')
    assert tell(ready, begin(ready, 'd')) == [Start('d', QUERY)]


def test_transport_rejects_by_error() -> None:
    protocol = TransportWs(3)
    tell(protocol, INIT, begin(protocol, '1'))
    assert shown(protocol.reject('1', [{'message': 'No'}])) == [
        {'id': '1', 'type': 'error', 'payload': [{'message': 'No'}]}]
    assert not protocol.ids


def test_legacy_rejects_by_a_result() -> None:
    protocol = LegacyWs(3)
    tell(protocol, INIT, begin(protocol, '1'))
    assert shown(protocol.reject('1', [{'message': 'No'}])) == [
        {'id': '1', 'type': 'data',
         'payload': {'data': None, 'errors': [{'message': 'No'}]}},
        {'id': '1', 'type': 'complete'},
    ]
    assert not protocol.ids


def test_transport_stop_is_silent() -> None:
    protocol = TransportWs(3)
    tell(protocol, INIT, begin(protocol, '1'))
    stop = {'id': '1', 'type': 'complete'}
    assert tell(protocol, stop, stop) == [Stop('1')]
    assert protocol.complete('1') == []


def test_legacy_stop_completes_at_once() -> None:
    protocol = LegacyWs(3)
    tell(protocol, INIT, begin(protocol, '1'))
    stop = {'id': '1', 'type': 'stop'}
    done = {'id': '1', 'type': 'complete'}
    assert tell(protocol, stop, stop) == [Stop('1'), done, done]


def test_transport_id_in_use() -> None:
    protocol = TransportWs(3)
    tell(protocol, INIT, begin(protocol, '1'))
    assert tell(protocol, begin(protocol, '1')) == [
        Close(4409, 'Subscriber for 1 already exists')]


def test_legacy_id_in_use() -> None:
    protocol = LegacyWs(1)
    tell(protocol, INIT, begin(protocol, '1'))
    assert tell(protocol, begin(protocol, '1')) == [
        Stop('1'), Start('1', QUERY)]


def test_transport_pings() -> None:
    protocol = TransportWs(3)
    assert tell(
        protocol, {'type': 'ping'}, {'type': 'ping', 'payload': {'a': 1}},
        {'type': 'pong'}, {'type': 'pong', 'payload': {}},
    ) == [{'type': 'pong'}, {'type': 'pong', 'payload': {'a': 1}}]


def test_legacy_terminate() -> None:
    assert tell(LegacyWs(3), {'type': 'connection_terminate'}) == [
        Close(1000, 'As you wish')]


@pytest.mark.parametrize('message', [
    '', 'x', '[]', '"x"', 'null', '1', b'{}', b'\xff', '{}',
    '{"type": 1}', '{"type": "data"}', '{"type": "connection_ack"}',
    '{"type": "connection_init", "payload": []}',
    pytest.param(
        '{"type": "connection_init", "payload": %s}' % (
            '{"a":' * 40 + '1' + '}' * 40), id='deep'),
])
def test_bad_messages(protocol: Protocol, message: Any) -> None:
    (close,) = tell(protocol, message)
    assert close.code == 4400
    assert close.reason.startswith('Invalid message: ')


@pytest.mark.parametrize('changes', [
    {'id': None}, {'id': ''}, {'id': True}, {'id': {}}, {'payload': None},
    {'payload': []}, {'payload': {'query': 1}},
    {'payload': {'query': '{a}', 'variables': '{}'}},
    {'payload': {'query': '{a}', 'operationName': 3}},
    {'payload': {'query': '{a}', 'extensions': []}},
])
def test_bad_operations(ready: Protocol, changes: dict[str, Any]) -> None:
    (close,) = tell(ready, {**begin(ready, '1'), **changes})
    assert close.code == 4400
    assert not ready.ids


def test_bad_stop() -> None:
    for protocol, kind in (TransportWs(1), 'complete'), (LegacyWs(1), 'stop'):
        (close,) = tell(protocol, {'type': kind})
        assert close.code == 4400


words = st.sampled_from([
    'connection_init', 'connection_terminate', 'subscribe', 'start', 'stop',
    'complete', 'ping', 'pong', 'x',
])
messages = st.fixed_dictionaries({'type': words}, optional={
    'id': st.sampled_from(['1', '2', '3']) | st.none(),
    'payload': st.sampled_from([{}, QUERY, [], None]),
})


@given(
    st.sampled_from(list(PROTOCOLS.values())),
    st.lists(messages | st.text() | st.binary(), max_size=30),
)
def test_books_are_kept(cls: type[Protocol], told: list[Any]) -> None:
    """What goes on is what has begun, without what has stopped."""
    protocol = cls(2)
    going: set[str] = set()
    for message in told:
        for action in tell(protocol, message):
            match action:
                case Start(id):
                    assert id not in going
                    going.add(id)
                case Stop(id):
                    going.remove(id)
                case Close():
                    return
        assert protocol.ids == going
        assert len(going) <= 2
