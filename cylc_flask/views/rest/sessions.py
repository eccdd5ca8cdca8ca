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
from typing import TYPE_CHECKING, Any, cast

from flask import g, request

from cylc.flow import LOG
from cylc_flask.auth.caller import caller_of
from cylc_flask.legacy.latest import Session
from cylc_flask.legacy.sessions import Sessions
from cylc_flask.views import current

if TYPE_CHECKING:
    from cylc_flask.workflows import Workflow

#: Jobs call these all the time: logged where all calls are.
SILENT = ('put_message', 'put_messages')


def note_call(
    flow: Workflow, environ: dict[str, Any], endpoint: str, changes: bool
) -> Session:
    """Note an allowed call, and return the caller's session.

    The first call of a session is logged, and each one in debug mode. Who
    names no session has a new one each time: of those only changes are
    logged, or a script that looks often would fill the log.
    """
    caller = caller_of(environ)
    is_news, session = changes, None
    if caller.returns:
        visit = _table(flow, environ).visit(caller.uuid)
        session, is_news = visit.session, visit.is_new
        for uuid in visit.forgotten:
            LOG.debug(f'[client-forget] {uuid}')
    if LOG.isEnabledFor(logging.DEBUG) or (
        is_news and endpoint not in SILENT
    ):
        LOG.info(f'[client-command] {endpoint} {caller}')
    return session or Session()


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
    known = _table(current.workflow(), request.environ).sign_out(uuid)
    if known:
        LOG.debug(f'[client-forget] {uuid}')
    return known


def _table(flow: Workflow, environ: dict[str, Any]) -> Sessions:
    """Return the sessions of the mount that is called."""
    path: str = environ['PATH_INFO']
    return flow.sessions['id' if path.startswith('/id/') else 'rest']
