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
"""The plain feed of a workflow on a WebSocket, for scripts and servers.

What it begins with can be had without one as well.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from cylc_flask.errors import RequestError, Unavailable
from cylc_flask.privilege import Privilege, requires
from cylc_flask.replica.codec import CODECS, Codec, PlainGroup
from cylc_flask.replica.feed import FAULT, Member, TooMany
from cylc_flask.views import current, sockets
from cylc_flask.views.front import is_read
from cylc_flask.views.reply import DROP, plain, tagged
from cylc_flask.views.sockets import Talk

if TYPE_CHECKING:
    from cylc_flask.workflows import Workflow


def init_app(app: Flask) -> None:
    """Serve the feed from an application."""
    sockets.add(app, '/feed', feed, Privilege.FULL_READ, tuple(CODECS))
    app.add_url_rule(
        '/feed/snapshot', view_func=snapshot,
        methods=('GET', 'HEAD', 'POST'), provide_automatic_options=False,
    )


@requires(Privilege.FULL_READ)
def snapshot() -> Response:
    """Return what the feed begins with, for who wants no more than that.

    Its tag is known without it: nothing has to be made for who has it.
    """
    flow = current.workflow()
    if not is_read(request.environ):
        return current.answer(plain(_snapshot(flow), current.JSON, DROP))
    tag = f'{flow.feed.id}-{flow.store.version}'
    answer = tagged(b'', current.JSON, tag)
    if not answer.is_kept(request.environ):
        answer = tagged(_snapshot(flow), current.JSON, tag)
    return current.answer(answer)


def _snapshot(flow: Workflow) -> bytes:
    """Return the first message of the feed, the same as on sockets."""
    codec = CODECS['cylc-feed.json']
    try:
        member = flow.feed.join(
            (PlainGroup, codec),
            lambda: PlainGroup(flow.store, flow.feed, codec),
        )
    except TooMany as exc:
        raise RequestError(str(exc), 429) from exc
    with closing(member):
        payload = member.take(0)
    if payload is None:
        raise Unavailable('The feed has ended.')
    return payload


def feed(talk: Talk) -> None:
    """Send a snapshot of the workflow, then each change of it."""
    codec = CODECS[talk.subprotocol]
    kind = sockets.BINARY if codec.binary else sockets.TEXT
    missed, member = join(talk, codec)
    with closing(member):
        for payload in missed:
            talk.send(payload, kind=kind)
            talk.wait(0)
        del missed
        follow(talk, member, kind)


def follow(talk: Talk, member: Member, kind: bytes) -> None:
    """Send what there is until one of the two ends."""
    while True:
        if (payload := member.take(0)) is not None:
            talk.send(payload, kind=kind)
        if member.ended is not None:
            code = sockets.FAULT if member.ended == FAULT else sockets.GONE
            raise talk.end(code, member.ended)
        if talk.ending and not member.pending:
            raise talk.end(sockets.GONE, talk.ending)
        talk.wait(0 if member.pending else None)
        for _ in talk.messages():
            pass  # there is nothing to say here


def join(talk: Talk, codec: Codec) -> tuple[list[bytes], Member]:
    """Return what a client has missed, and where it goes on from there.

    Nothing comes between the two: all of it is done at once.
    """
    flow = current.workflow()

    def make() -> PlainGroup:
        return PlainGroup(flow.store, flow.feed, codec)

    missed = None
    if request.args.get('feed') == flow.feed.id:
        changes = flow.feed.history.since(_sequence(talk))
        if changes is not None:
            missed = [make().delta(change) for change in changes]
    try:
        member = flow.feed.join(
            (PlainGroup, codec), make, missed is None, talk.wake)
    except TooMany as exc:
        raise talk.end(sockets.POLICY, str(exc)) from exc
    return missed or [], member


def _sequence(talk: Talk) -> int:
    """Return the number of the last message that the client has."""
    text = request.args.get('since', '')
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise talk.end(
            sockets.POLICY, 'since has to be the number of a message.')
    return int(text)
