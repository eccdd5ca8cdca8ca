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
"""What replaces each endpoint of Cylc 7's API, as the documentation tells.

The operations are about the task ``1/foo``; tests put others in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Replacement(NamedTuple):
    """What to do in place of calling an endpoint.

    Args:
        operation: Of GraphQL; none where there is nothing to do.
        note: What else is to be said.
    """

    operation: str
    note: str = ''


def mutation(name: str, arguments: str = '') -> str:
    """Return a mutation for whatever workflow runs here."""
    inner = ', '.join(filter(None, ('workflows: "*"', arguments)))
    return f'mutation {{{name}({inner}) {{result}}}}'


FOO = 'tasks: "1/foo"'

SUMMARY = (
    'workflows {status statusMsg stateTotals lastUpdated nsDefOrder}'
    ' taskProxies {name cyclePoint state isHeld isQueued isRunahead isRetry'
    ' jobs {submitNum state jobId platform submittedTime startedTime'
    ' finishedTime}} familyProxies {name cyclePoint state}'
)

DELTA = (
    'workflow {status stateTotals reloaded}'
    ' taskProxies {id name cyclePoint state isHeld}'
)

REPLACEMENTS = {
    # Reads
    'identify': Replacement(
        '{workflows {name owner cylcVersion meta {title description'
        ' userDefined} stateTotals latestStateTasks}}',
        'ask for what your level may read',
    ),
    'signout': Replacement(
        '', 'GraphQL keeps no sessions of clients by their uuid',
    ),
    'ping_suite': Replacement('{__typename}'),
    'get_cylc_version': Replacement('{workflows {cylcVersion}}'),
    'apiversion': Replacement(
        '{__schema {queryType {name}}}', 'the schema tells what there is',
    ),
    'get_suite_info': Replacement(
        '{workflows {meta {title description URL userDefined}}}',
    ),
    'get_suite_state_summary': Replacement(
        f'{{{SUMMARY}}}', "states are Cylc 8's",
    ),
    'get_latest_state': Replacement(
        f'subscription {{deltas {{added {{{DELTA}}}'
        f' updated(stripNull: true) {{{DELTA}}}'
        ' pruned {taskProxies}}}',
        'told as it happens, by WebSocket or as a stream of events',
    ),
    'get_task_info': Replacement(
        '{tasks(ids: "foo") {name meta {title description URL'
        ' userDefined}}}',
    ),
    'get_task_requisites': Replacement(
        '{taskProxies(ids: "1/foo") {id prerequisites {satisfied conditions'
        ' {taskId reqState satisfied}} outputs {label message satisfied}}}',
    ),
    'get_task_jobfile_path': Replacement(
        '{jobs(ids: "1/foo", sort: {keys: "submit_num", reverse: true})'
        ' {jobLogDir}}',
        'the first is the latest; its file is `job`',
    ),
    'ping_task': Replacement('{taskProxies(ids: "1/foo") {state}}'),
    'get_broadcast': Replacement('{workflows {broadcasts}}'),
    'get_graph_raw': Replacement(
        '{graph(start: "1", stop: "3", group: ["FAMILY"]) {edges {source'
        ' target suicide conditional} leaves feet}}',
        'the grouping is your own, not one for all clients',
    ),
    'get_command': Replacement('{command(id: "ID") {state warnings text}}'),
    # Commands that stop
    'set_stop_after_clock_time': Replacement(
        mutation('stop', 'clockTime: "2035-01-01T00:00Z"')),
    'set_stop_after_point': Replacement(
        mutation('stop', 'cyclePoint: "3"')),
    'set_stop_after_task': Replacement(mutation('stop', 'task: "1/foo"')),
    'set_stop_cleanly': Replacement(
        mutation('stop'), '`mode: Kill` kills the jobs'),
    'stop_now': Replacement(
        mutation('stop', 'mode: Now'), '`mode: NowNow` for at once'),
    # Commands
    'clear_broadcast': Replacement(mutation(
        'broadcast', 'mode: Clear, cyclePoints: "1", namespaces: "foo"')),
    'expire_broadcast': Replacement(
        mutation('broadcast', 'mode: Expire, cutoff: "2"')),
    'put_broadcast': Replacement(mutation(
        'broadcast', 'mode: Set, cyclePoints: "1", namespaces: "foo",'
        ' settings: {environment: {GREETING: "hello"}}',
    )),
    'put_ext_trigger': Replacement(
        mutation('extTrigger', 'message: "knock", id: "1"')),
    'put_message': Replacement(
        mutation('message', 'taskJob: "1/foo/01",'
                 ' messages: [["INFO", "done"]]'),
        'the job is named with its number',
    ),
    'put_messages': Replacement(mutation(
        'message', 'taskJob: "1/foo/01", messages: [["INFO", "done"]]')),
    'hold_suite': Replacement(mutation('pause')),
    'release_suite': Replacement(
        'mutation {resume(workflows: "*") {result}'
        ' releaseHoldPoint(workflows: "*") {result}}',
    ),
    'hold_after_point_string': Replacement(
        mutation('setHoldPoint', 'point: "2"')),
    'hold_tasks': Replacement(mutation('hold', FOO)),
    'release_tasks': Replacement(mutation('release', FOO)),
    'trigger_tasks': Replacement(mutation('trigger', FOO)),
    'kill_tasks': Replacement(mutation('kill', FOO)),
    'poll_tasks': Replacement(mutation('poll', FOO)),
    'remove_tasks': Replacement(mutation('remove', FOO)),
    'remove_cycle': Replacement(mutation('remove', 'tasks: "2/*"')),
    'reset_task_states': Replacement(
        mutation('set', f'{FOO}, outputs: "succeeded"'),
        '`prerequisites: "all"` for `ready`',
    ),
    'reload_suite': Replacement(mutation('reload')),
    'set_verbosity': Replacement(mutation('setVerbosity', 'level: DEBUG')),
    'insert_tasks': Replacement('', 'Cylc 8 inserts tasks as it needs them'),
    'spawn_tasks': Replacement('', 'Cylc 8 spawns tasks by itself'),
    'nudge': Replacement('', 'Cylc 8 looks at its tasks all the time'),
    'dry_run_tasks': Replacement(
        '', 'gone: `cylc view` and `cylc config` show what would run'),
    'take_checkpoints': Replacement(
        '', 'gone: Cylc 8 restarts from where it was'),
}


def table() -> Iterator[str]:
    """Yield the lines of the table in the documentation."""
    yield '| Endpoint | GraphQL | |'
    yield '|---|---|---|'
    for endpoint, (operation, note) in REPLACEMENTS.items():
        code = f'`{operation}`' if operation else '–'
        yield f'| `{endpoint}` | {code} | {note} |'
