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
"""The main-loop plugin: starts the web server with the scheduler.

Cylc imports this module before the run begins, and a fault here would
stop it. So everything of ours is imported later, where a fault is caught.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Awaitable, Callable

from cylc.flow import LOG, main_loop

if TYPE_CHECKING:
    from cylc.flow.scheduler import Scheduler

    Coroutine = Callable[['Scheduler', dict[str, Any]], Awaitable[None]]
    Label = Callable[[Coroutine], Coroutine]

periodic: Label = main_loop.periodic
shutdown: Label = main_loop.shutdown
startup: Label = main_loop.startup


@startup
async def start(scheduler: Scheduler, state: dict[str, Any]) -> None:
    """Start the server; without it the run goes on all the same."""
    try:
        from cylc_flask.suite_server import SuiteServer
        state['server'] = SuiteServer(scheduler)
        await state['server'].start()
    except (Exception, SystemExit) as exc:
        LOG.error(f'flask: no web server: {exc!r}')
        LOG.debug('flask: no web server', exc_info=exc)


@periodic
async def tick(scheduler: Scheduler, state: dict[str, Any]) -> None:
    """Look after the server, once in each main loop."""
    if 'server' in state:
        state['server'].tick()


@shutdown
async def stop(scheduler: Scheduler, state: dict[str, Any]) -> None:
    """Stop the server, where the end of the scheduler's own has not."""
    if 'server' in state:
        await state['server'].close()
