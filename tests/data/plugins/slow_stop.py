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
"""A main-loop plugin which makes the scheduler slow at its end.

So clients have time to come when it does nothing for them any more.
"""

from functools import wraps
import time

from cylc.flow import LOG
from cylc.flow.main_loop import startup

SECONDS = 4


@startup
async def slow_down(scheduler, _):
    """Let the scheduler be busy between its last commands and its end."""
    log_reason = scheduler._log_shutdown_reason

    @wraps(log_reason)
    def busy(reason):
        LOG.info('slow stop: busy')
        time.sleep(SECONDS)
        log_reason(reason)

    scheduler._log_shutdown_reason = busy
