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
"""What can be done with a workflow, and which privilege that needs."""

from __future__ import annotations

from cylc_flask.privilege import Privilege

#: What is done by commands of Cylc's, not by the scheduler.
LIFE_CYCLE = ('install', 'validate', 'play', 'reinstall', 'clean')

#: What the scheduler is told, by the names of GraphQL's mutations.
COMMANDS = (
    'broadcast', 'ext_trigger', 'hold', 'kill', 'message', 'pause', 'poll',
    'release', 'release_hold_point', 'reload', 'remove', 'resume', 'set',
    'set_graph_window_extent', 'set_hold_point', 'set_verbosity', 'stop',
    'trigger',
)

#: To read the audit log: no level brings that.
AUDIT = 'audit'

#: The levels are operations as well: to see so much.
LEVELS: dict[str, Privilege] = {
    str(level): level for level in Privilege if level
}

#: The privilege that brings an operation; None if only its name does.
NEEDED: dict[str, Privilege | None] = {
    **LEVELS,
    **dict.fromkeys((*COMMANDS, *LIFE_CYCLE), Privilege.FULL_CONTROL),
    'stop': Privilege.SHUTDOWN,
    AUDIT: None,
}

#: cylc-flow's own names for what mutations do, where they differ.
_OTHER_NAMES = {
    'force_trigger_tasks': 'trigger',
    'kill_tasks': 'kill',
    'poll_tasks': 'poll',
    'put_ext_trigger': 'ext_trigger',
    'put_messages': 'message',
    'reload_workflow': 'reload',
    'remove_tasks': 'remove',
}


def operation_of(command: str) -> str:
    """Return the operation which a command of cylc-flow's is.

    Examples:
        >>> operation_of('kill_tasks'), operation_of('pause')
        ('kill', 'pause')
    """
    return _OTHER_NAMES.get(command, command)
