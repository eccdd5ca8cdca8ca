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
"""How a socket with the plain feed begins and ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
import json
from typing import Any, cast

from flask import Flask
import pytest
from simple_websocket import ConnectionClosed

from cylc_flask.app import create_app
from cylc_flask.commands import Commands
from cylc_flask.config import Config
from cylc_flask.replica.codec import Json
from cylc_flask.replica.feed import FAULT, Feed
from cylc_flask.replica.records import Records
from cylc_flask.replica.side import Side
from cylc_flask.views.feed import feed
from cylc_flask.workflows import Registry, Workflow
from tests.stores import LINES, recorded


class Talk:
    """A socket whose client does what it is told to, when it waits.

    Args:
        wakes: What to do each time.
    """

    def __init__(self, *wakes: Any) -> None:
        self.subprotocol = 'cylc-feed.json'
        self.ending = ''
        self.sent: list[Any] = []
        self.said = ['something']
        self.woken = 0
        self._wakes = [*wakes]

    def wake(self) -> None:
        self.woken += 1

    def wait(self, seconds: float | None = None) -> None:
        if seconds is None:
            if not self._wakes:
                raise ConnectionClosed(1005)
            self._wakes.pop(0)()

    def messages(self) -> Iterator[str]:
        while self.said:
            yield self.said.pop()

    def send(self, *parts: bytes, kind: bytes) -> None:
        assert kind == b'\x81'
        self.sent.append(json.loads(b''.join(parts)))

    def end(self, code: int, reason: str) -> ConnectionClosed:
        return ConnectionClosed(code, reason)


@pytest.fixture
def flow() -> Workflow:
    flow = Workflow(
        'one', 'x' * 20, recorded(LINES[-1], 'mixed'), Records(),
        cast(Commands, None), Feed(groups=1),
    )
    publish(flow)
    return flow


@pytest.fixture
def app(flow: Workflow) -> Flask:
    return create_app(Config(), Registry(flow))


def publish(flow: Workflow, **changes: Any) -> None:
    side: Side = replace(flow.store.side, **changes)
    flow.feed.publish(flow.store.apply(None, side))


def talk(app: Flask, talk: Talk, **query: Any) -> tuple[int, str]:
    """Let the view talk, and return how that ends."""
    with (
        app.test_request_context('/feed', query_string=query),
        pytest.raises(ConnectionClosed) as caught,
    ):
        feed(cast(Any, talk))
    return caught.value.reason, caught.value.message


def sent(talk: Talk) -> list[tuple[str, int]]:
    return [(each['type'], each['sequence']) for each in talk.sent]


def test_client_that_goes(app: Flask, flow: Workflow) -> None:
    """Nothing is left of it, and what it said is passed over."""
    one = Talk(lambda: publish(flow, is_paused=True))
    talk(app, one)
    assert sent(one) == [('snapshot', 2), ('delta', 3)]
    assert one.said == []
    assert one.woken
    assert (flow.feed.groups, flow.feed.members) == (0, 0)


def test_end_of_the_feed(app: Flask, flow: Workflow) -> None:
    one = Talk(lambda: flow.feed.close('over'))
    assert talk(app, one) == (1001, 'over')
    assert sent(one) == [('snapshot', 2), ('end', 2)]


def test_end_of_the_server(app: Flask, flow: Workflow) -> None:
    """After what is there to be taken."""
    one = Talk()

    def stop() -> None:
        publish(flow)
        one.ending = 'stop'

    one._wakes.append(stop)
    assert talk(app, one) == (1001, 'stop')
    assert sent(one) == [('snapshot', 2), ('delta', 3)]
    assert flow.feed.members == 0


def test_fault(
    app: Flask, flow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> bytes:
        raise ValueError

    one = Talk(lambda: publish(flow))
    monkeypatch.setattr(Json, 'delta', fail)
    assert talk(app, one) == (1011, FAULT)
    assert flow.feed.groups == 0
    with pytest.raises(ValueError), app.test_request_context(
        f'/feed?feed={flow.feed.id}&since=2'
    ):
        feed(cast(Any, Talk()))
    assert flow.feed.members == 0


def test_no_room(app: Flask, flow: Workflow) -> None:
    one, other = Talk(), Talk()
    other.subprotocol = 'cylc-feed.protobuf'
    one._wakes.append(lambda: codes.append(talk(app, other)[0]))
    codes: list[int] = []
    talk(app, one)
    assert codes == [1008]


def test_resume(app: Flask, flow: Workflow) -> None:
    one = Talk(lambda: publish(flow))
    publish(flow)
    publish(flow)
    talk(app, one, feed=flow.feed.id, since=2)
    assert sent(one) == [('delta', 3), ('delta', 4), ('delta', 5)]


def test_bad_number(app: Flask, flow: Workflow) -> None:
    code, reason = talk(app, Talk(), feed=flow.feed.id, since='x')
    assert (code, reason) == (
        1008, 'since has to be the number of a message.')
    assert flow.feed.groups == 0


# The snapshot without a socket

def snapshot(client: Any, method: str = 'GET', **headers: str) -> Any:
    return client.open(
        '/feed/snapshot', method=method, headers=headers,
        auth=('cylc', 'x' * 20), content_length=0,
    )


def test_snapshot() -> None:
    flow = Workflow(
        'running', 'x' * 20, recorded('8.7', 'running'), Records(),
        cast(Commands, None),
    )
    client = create_app(
        Config(authentication='basic'), Registry(flow),
        frozenset({'localhost'}),
    ).test_client()
    answer = snapshot(client)
    assert answer.status_code == 200
    tag = answer.headers['ETag']
    assert tag == f'"{flow.feed.id}-{flow.store.version}"'
    assert answer.headers['Cache-Control'] == 'private, no-cache'
    message = answer.json
    assert message['type'] == 'snapshot'
    assert message['sequence'] == flow.store.version
    assert message['added']['task_proxies'].keys() == (
        flow.store.task_proxies.keys())
    assert (flow.feed.groups, flow.feed.members) == (0, 0)
    for method in ('GET', 'HEAD'):
        answer = snapshot(client, method, **{'If-None-Match': tag})
        assert (answer.status_code, answer.data) == (304, b'')
        assert snapshot(client, method).status_code == 200
    answer = snapshot(client, 'POST', **{'If-None-Match': tag})
    assert answer.status_code == 200
    assert 'ETag' not in answer.headers
    flow.store.version += 1
    assert snapshot(client, **{'If-None-Match': tag}).status_code == 200


def test_no_room_for_a_snapshot() -> None:
    flow = Workflow(
        'running', 'x' * 20, recorded('8.7', 'running'), Records(),
        cast(Commands, None), Feed(groups=0),
    )
    client = create_app(
        Config(authentication='basic'), Registry(flow),
        frozenset({'localhost'}),
    ).test_client()
    assert snapshot(client).status_code == 429
