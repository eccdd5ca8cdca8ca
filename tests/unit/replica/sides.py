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
"""Side data for tests to which it does not matter."""

from cylc_flask.replica.side import Definition, Side

DEFINITION = Definition(
    serial=1,
    workflow='one',
    uuid='',
    owner='alice',
    host='localhost',
    cylc_version='8',
    run_dir='/tmp/one',
    run_mode='live',
    cycling_mode='integer',
    initial_point='1',
    public_privilege=None,
    namespaces=['root', 'one'],
    tasks=['one'],
    ancestors={'root': ['root'], 'one': ['one', 'root']},
    first_parent_ancestors={'one': ['one', 'root']},
    first_parent_descendants={'root': ['one']},
    meta={},
    suite_meta={},
    leaves=['one'],
    feet=['one'],
    polling_tasks={},
)

SIDE = Side(
    broadcasts={},
    stop_mode=None,
    stop_point=None,
    stop_clock_time=None,
    stop_task=None,
    hold_point=None,
    final_point=None,
    runahead_point='1',
    is_reloading=False,
    is_paused=False,
    definition=DEFINITION,
    main_loop_interval=None,
)
