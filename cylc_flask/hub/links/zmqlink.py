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
"""Follows a workflow by what its scheduler publishes for Cylc's own GUI."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from cylc.flow.data_store_mgr import ALL_DELTAS
from cylc_flask.compat import pb
from cylc_flask.hub.links.derived import Deriver
from cylc_flask.hub.links.ledger import Ledger
from cylc_flask.hub.links.sockets import passphrase_of
from cylc_flask.hub.links.trouble import Ended, LinkFault, OutOfStep
from cylc_flask.hub.links.zmqsockets import (
    Deltas,
    Requests,
    connect,
    located,
    subscribe,
)
from cylc_flask.private import UnusableFile

if TYPE_CHECKING:
    from cylc_flask.hub.links.line import Line
    from cylc_flask.hub.runs.scan import Found
    from cylc_flask.replica.side import Side

KIND = 'zmq'

DELTAS, SHUTDOWN = ALL_DELTAS.encode(), b'shutdown'

#: Seconds of silence after which a scheduler is asked whether it is there.
SILENCE = 30.0

#: Seconds for it to answer that.
PATIENCE = 15.0

#: Something that every scheduler answers, and which costs it nothing.
PROBE: dict[str, Any] = {'endpoint': 'graphql'}


async def follow(line: Line, found: Found) -> None:
    """Follow what is published, for as long as it comes.

    Raises:
        LinkFault: It comes no more.
    """
    if found.contact is None:
        raise LinkFault('nobody knows where its scheduler is')
    context = line.links.context
    contact = await located(found.contact)
    # Subscribed before it asks, so that nothing comes in between.
    with (
        closing(subscribe(contact, context, {DELTAS, SHUTDOWN})) as new,
        closing(connect(contact, context)) as client,
    ):
        # By when that is answered, there is the subscription, too: what is
        # published after the snapshot comes.
        await client.ask('api', **PROBE)
        whole = await client.ask('pb_entire_workflow')
        await _Follower(line, found, new, client).follow(whole)


class _Follower:
    """Applies deltas to a snapshot."""

    def __init__(
        self, line: Line, found: Found, deltas: Deltas, client: Requests
    ) -> None:
        self._line = line
        self._deltas = deltas
        self._client = client
        self._found = found
        self._deriver = Deriver(found)
        self._side: Side
        self._ledger: Ledger
        #: The delta that came last: Cylc publishes the first one twice.
        self._last = b''

    async def follow(self, whole: bytes) -> None:
        """Begin with a snapshot, and go on with what is published."""
        try:
            passphrase = passphrase_of(self._found.run_dir)
        except (OSError, UnusableFile, ValueError):
            passphrase = ''
        side = self._read(whole)
        self._line.linked(KIND, passphrase)
        await self._line.load(whole, side)
        del whole
        while True:
            topic, message = await self._receive()
            if topic == SHUTDOWN:
                raise Ended(message.decode(errors='replace'))
            if topic == DELTAS:
                await self._take(message)

    def _read(self, whole: bytes) -> Side:
        try:
            entire = pb.PbEntireWorkflow.FromString(whole)
            if not entire.workflow.id:
                raise ValueError('it has no workflow')
            self._ledger = Ledger(entire)
            self._side = self._deriver.load(entire)
        except Exception as exc:  # whatever there can be in it
            raise OutOfStep(f'its data store makes no sense: {exc}') from exc
        return self._side

    async def _receive(self) -> tuple[bytes, bytes]:
        """Return what comes next; ask, if nothing does."""
        while True:
            try:
                return await self._deltas.receive(SILENCE)
            except TimeoutError:
                await self._client.ask('api', PATIENCE, **PROBE)

    async def _take(self, message: bytes) -> None:
        if message == self._last:
            return
        self._last = message
        try:
            delta = pb.AllDeltas.FromString(message)
            if not self._ledger.take(delta):
                return
            side = self._deriver.follow(delta)
        except OutOfStep:
            raise
        except Exception as exc:
            raise OutOfStep(f'its deltas make no sense: {exc}') from exc
        self._side = side
        await self._line.apply(message, side)
