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
"""What a replica holds of a workflow of which nothing more is known.

Its scheduler has not yet run, or not since the hub began.
"""

from __future__ import annotations

from time import time
from typing import Any

from cylc.flow.id import Tokens
from cylc_flask.compat import pb
from cylc_flask.hub.runs.scan import Found, Status
from cylc_flask.replica.side import Definition, Side

#: What is told of a workflow in this state.
WORDS = {
    Status.INSTALLED: 'not yet run',
    Status.RUNNING: 'not connected yet',
    Status.STOPPED: 'stopped',
    Status.CRASHED: 'crashed: its scheduler has gone without a word',
}


def id_of(owner: str, name: str) -> str:
    """Return the id of a workflow.

    Examples:
        >>> id_of('me', 'demo/run1')
        '~me/demo/run1'
    """
    id_: str = Tokens(user=owner, workflow=name).id
    return id_


def words(found: Found) -> str:
    """Return what a workflow does, by what is seen of it from outside."""
    said = WORDS[found.status]
    return f'{said} ({found.problem})' if found.problem else said


def status_of(found: Found) -> str:
    """Return the status of a workflow, in the words of Cylc's schema."""
    return 'running' if found.status is Status.RUNNING else 'stopped'


def entire(found: Found, owner: str) -> bytes:
    """Return a whole data store which has the workflow alone."""
    result = pb.PbEntireWorkflow()
    flow = result.workflow
    _mark(flow, id_of(owner, found.name), status_of(found), words(found))
    flow.name = found.name
    flow.owner = owner
    return bytes(result.SerializeToString())


def marking(id_: str, status: str, text: str, stopped: bool) -> bytes:
    """Return a delta that changes nothing but what a workflow does.

    Args:
        id_: Its id.
        status: In the words of Cylc's schema.
        text: The same in more words.
        stopped: Nobody can be reached at its address any more.
    """
    delta = pb.AllDeltas()
    delta.workflow.time = time()
    update = delta.workflow.updated
    _mark(update, id_, status, text)
    if stopped:
        update.host, update.port, update.pub_port = '', 0, 0
    return bytes(delta.SerializeToString())


def restoring(flow: Any) -> bytes:
    """Return a delta that takes such a change back.

    Args:
        flow: The workflow as it was before.
    """
    delta = pb.AllDeltas()
    delta.workflow.time = flow.last_updated
    update = delta.workflow.updated
    for name in ('id', 'status', 'status_msg', 'stamp', 'last_updated'):
        setattr(update, name, getattr(flow, name))
    return bytes(delta.SerializeToString())


def _mark(flow: Any, id_: str, status: str, text: str) -> None:
    flow.id = id_
    flow.last_updated = time()
    flow.stamp = f'{id_}@{flow.last_updated}'
    flow.status = status
    flow.status_msg = text


def side(found: Found, owner: str) -> Side:
    """Return the side data of a workflow without a scheduler."""
    return Side(
        broadcasts={},
        stop_mode=None,
        stop_point=None,
        stop_clock_time=None,
        stop_task=None,
        hold_point=None,
        final_point=None,
        runahead_point=None,
        is_reloading=False,
        is_paused=False,
        definition=definition(found, owner),
        main_loop_interval=None,
    )


def definition(found: Found, owner: str) -> Definition:
    """Return what is known of a definition that nobody has read."""
    return Definition(
        serial=0,
        workflow=found.name,
        uuid=found.uuid,
        owner=owner,
        host='',
        cylc_version='',
        run_dir=str(found.run_dir),
        run_mode='',
        cycling_mode='',
        initial_point='',
        public_privilege=None,
        namespaces=[],
        tasks=[],
        ancestors={},
        first_parent_ancestors={},
        first_parent_descendants={},
        meta={},
        suite_meta={},
        leaves=[],
        feet=[],
        polling_tasks={},
    )
