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
"""What jobs and the outside world tell a workflow, checked and handed in.

All ways in come through here, so that what would harm the scheduler is found
whichever of them it takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cylc.flow import LOG
from cylc_flask import broadcasts, validate
from cylc_flask.errors import RequestError
from cylc_flask.legacy.jobs import is_known

if TYPE_CHECKING:
    from cylc_flask.workflows import Workflow

#: How many messages a job may send at once. Cylc logs and stores each, in its
#: main loop.
MAX_MESSAGES = 1_000

#: How many settings a broadcast may make: points by namespaces by settings.
MAX_BROADCAST = 20_000

#: What a broadcast has changed, None where nothing could be done; and what
#: was bad about the arguments, by their names.
Broadcasted = tuple[list[Any] | None, dict[str, Any]]


def put_messages(
    flow: Workflow, task_job: Any, event_time: Any, messages: Any
) -> int:
    """Hand in messages of a job, and return how many.

    Args:
        flow: The workflow.
        task_job: ``POINT/NAME/NN``.
        event_time: ISO 8601, or None.
        messages: Pairs of severity and text.

    Raises:
        RequestError: Something is wrong with them.
    """
    job = validate.task_job(task_job)
    time = validate.event_time(event_time)
    checked = validate.messages(messages)
    if len(checked) > MAX_MESSAGES:
        raise RequestError(
            f'{len(checked)} messages are more than {MAX_MESSAGES}'
        )
    if is_known(flow.store, job):
        flow.commands.put_messages(job, time, checked)
    else:
        # Cylc 8 would make a task of that name.
        LOG.warning(f'Undeliverable messages received and ignored: {job}')
    return len(checked)


def put_ext_trigger(flow: Workflow, message: Any, event_id: Any) -> None:
    """Hand in an external event.

    Raises:
        RequestError: Its message is no text, or its id nothing for a job.
    """
    flow.commands.put_ext_trigger(
        validate.text('event_message', message),
        validate.event_id(event_id),
    )


def put_broadcast(
    flow: Workflow, point_strings: Any, namespaces: Any, settings: Any
) -> Broadcasted:
    """Change settings of tasks to come.

    Raises:
        RequestError: An argument is not of its kind at all.
    """
    points, bad_points = broadcasts.points(point_strings)
    good, bad = broadcasts.settings(settings)
    names = validate.texts('namespaces', namespaces)
    # Each once: Cylc would do the same thing again.
    points, names = [*dict.fromkeys(points)], [*dict.fromkeys(names)]
    number = len(points) * len(names) * len(good)
    if number > MAX_BROADCAST:
        raise RequestError(
            f'The broadcast makes {number} settings, which is more than'
            f' {MAX_BROADCAST}'
        )
    modified, faults = flow.commands.broadcast(
        'put_broadcast', point_strings=points, namespaces=names, settings=good
    )
    known = flow.store.side.definition.ancestors
    for name, values in (
        ('point_strings', sorted({*bad_points})),
        ('namespaces', sorted({*names} - {*known})),
        ('settings', [*faults.get('settings', ()), *bad]),
    ):
        if values:
            faults = {**faults, name: values}
    return modified, faults


def clear_broadcast(
    flow: Workflow, point_strings: Any, namespaces: Any, settings: Any
) -> Broadcasted:
    """Take broadcast settings back, by default all.

    Raises:
        RequestError: An argument is not of its kind.
    """
    return flow.commands.broadcast(
        'clear_broadcast',
        point_strings=validate.texts('point_strings', point_strings or []),
        namespaces=validate.texts('namespaces', namespaces or []),
        cancel_settings=broadcasts.cancel_settings(settings),
    )


def expire_broadcast(flow: Workflow, cutoff: Any) -> Broadcasted:
    """Take back the broadcasts of cycles before a point, by default all.

    Raises:
        RequestError: That is no cycle point.
    """
    if cutoff is not None:
        cutoff = validate.point('cutoff', cutoff)
    return flow.commands.broadcast('expire_broadcast', cutoff=cutoff)
