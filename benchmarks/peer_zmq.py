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
"""A client of cylc-flow's own, which asks a scheduler over ZeroMQ.

Usage: peer_zmq.py WORKFLOW

Reads a GraphQL operation as a line of JSON, asks, and writes how long (s) it
took until the answer was decoded and how many bytes that has, again and again.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from cylc.flow.network.client import WorkflowRuntimeClient

TIMEOUT = 300.0


async def main(workflow: str) -> None:
    """Ask what is read, until there is nothing more."""
    client = WorkflowRuntimeClient(workflow, timeout=TIMEOUT)
    for line in sys.stdin:
        began = time.perf_counter()
        answer = await client.async_request('graphql', json.loads(line))
        took = time.perf_counter() - began
        size = len(json.dumps(answer))
        print(json.dumps({'seconds': took, 'bytes': size}), flush=True)
    client.stop()


if __name__ == '__main__':
    asyncio.run(main(sys.argv[1]))
