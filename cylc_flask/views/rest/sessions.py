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
"""The sessions of Cylc 7's clients, and the log lines that go with them."""

from __future__ import annotations

import logging
from typing import cast

from flask import g, request

from cylc.flow import LOG
from cylc_flask.legacy.latest import Session
from cylc_flask.legacy.sessions import Sessions
from cylc_flask.views import current

#: Jobs call these all the time: logged where all calls are.
SILENT = ('put_message', 'put_messages')


def note_call(endpoint: str, changes: bool) -> None:
    """Note an allowed call of the caller's session.

    The first call of a session is logged, and each one in debug mode. Who
    names no session has a new one each time: of those only changes are
    logged, or a script that looks often would fill the log.
    """
    caller = current.caller()
    is_news = changes
    g.session = Session()
    if caller.returns:
        visit = _table().visit(caller.uuid)
        g.session, is_news = visit.session, visit.is_new
        for uuid in visit.forgotten:
            LOG.debug(f'[client-forget] {uuid}')
    if LOG.isEnabledFor(logging.DEBUG) or (
        is_news and endpoint not in SILENT
    ):
        LOG.info(f'[client-command] {endpoint} {caller}')


def note_identify() -> None:
    """Count a call of `identify`; tell the log how many, once an hour."""
    found = current.workflow().identified.note()
    if found is not None:
        number, seconds = found
        level = logging.WARNING if number > seconds else logging.DEBUG
        LOG.log(
            level, f'[client-identify] {number} id requests in PT{seconds}S'
        )


def own() -> Session:
    """Return the session of the caller."""
    return cast(Session, g.session)


def forget() -> bool:
    """End the caller's session; False if there was none."""
    uuid = current.caller().uuid
    known = _table().sign_out(uuid)
    if known:
        LOG.debug(f'[client-forget] {uuid}')
    return known


def _table() -> Sessions:
    """Return the sessions of the mount that is called."""
    mount = 'id' if request.path.startswith('/id/') else 'rest'
    return current.workflow().sessions[mount]
