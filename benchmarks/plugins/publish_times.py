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
"""A main loop plugin which notes when the scheduler publishes something.

A line in ``$PUBLISH_TIMES`` for each delta that renews the state of the
workflow: when that was renewed, by which clients can tell the delta, and when
it was published, in seconds of the machine's steady clock.
"""

from __future__ import annotations

import os
from time import monotonic
from typing import Any

from cylc.flow.main_loop import startup


class Witness:
    """Stands in for the publish queue."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue
        self.last: Any = None

    def put(self, articles: Any, *args: Any, **kwargs: Any) -> None:
        """Note the time, then let the server and Cylc have the deltas."""
        now = monotonic()
        if articles is not self.last:
            self.last = articles
            with open(os.environ['PUBLISH_TIMES'], 'a') as file:
                for topic, message, _ in articles:
                    if topic == b'all':
                        renewed = message.workflow.updated.last_updated
                        file.write(f'{renewed!r} {now!r}\n')
        self.queue.put(articles, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.queue, name)


@startup
async def attach(schd: Any, _: Any) -> None:
    """Take the place of the publish queue."""
    schd.INTERVAL_MAIN_LOOP = schd.INTERVAL_MAIN_LOOP_QUICK = 0.2
    schd.server.publish_queue = Witness(schd.server.publish_queue)
