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
"""Where our server answers otherwise than Cylc 7 did, and why.

The tests replay what was recorded: what departs and is not in these tables
is a fault, and so is what is in them and does not depart.
"""

from __future__ import annotations

from dataclasses import dataclass
import re
from typing import Any

# Reasons that many departures have

CHECKED = (
    'Cylc 7 took it, and failed later, in its log; what cannot work is told'
    ' to who asks for it'
)
FAULT = 'Cylc 7 failed with 500; ours says what is wrong'
GONE = 'Cylc 8 has no such thing'
KILLER = 'it stopped the Cylc 7 server, or spoiled it'
SUPERFLUOUS = 'Cylc 8 does it by itself'
UNREPLAYED = 'a request that was overheard must not be used for another'
VERBS = 'verbs which no client of Cylc 7 sends reach nothing'

NOT_ALLOWED = 'The method is not allowed for the requested URL.'
POST_IT = 'This endpoint reads a JSON document: POST it.'


@dataclass(frozen=True)
class Departure:
    """Another answer to a request.

    Args:
        status: Ours.
        says: The text of our error page, or our document.
        why: The reason.
    """

    status: int
    says: Any
    why: str


@dataclass(frozen=True)
class Rule:
    """Other values within the same answer.

    Args:
        names: The exchanges, a regular expression.
        paths: Where in their answers, one more.
        why: The reason.
        change: The recorded value and ours, where that is always the same.
    """

    names: str
    paths: str
    why: str
    change: tuple[Any, Any] | None = None

    def explains(self, name: str, path: str, change: tuple[Any, Any]) -> bool:
        """Return True if the rule is about this difference."""
        return bool(
            re.fullmatch(self.names, name)
            and re.fullmatch(self.paths, path)
            and self.change in (None, change)
        )


def unexplained(
    name: str, found: dict[str, tuple[Any, Any]], rules: tuple[Rule, ...]
) -> dict[str, tuple[Any, Any]]:
    """Return the differences of an exchange which no rule explains."""
    return {
        path: change for path, change in found.items()
        if not any(rule.explains(name, path, change) for rule in rules)
    }


def needed(rule: Rule, found: dict[str, dict[str, tuple[Any, Any]]]) -> bool:
    """Return True if a rule explains any of the differences."""
    return any(
        rule.explains(name, path, change)
        for name, differences in found.items()
        for path, change in differences.items()
    )


def nothing_to_do(reason: str) -> Departure:
    return Departure(200, [True, f'Nothing to do: {reason}'], SUPERFLUOUS)


NUDGE = nothing_to_do('Cylc 8 checks its tasks at each turn of its main loop.')
INSERT = nothing_to_do(
    'Cylc 8 inserts tasks as it needs them; trigger a task to run it now.'
)
SPAWN = nothing_to_do(
    'Cylc 8 spawns tasks when something depends on them.'
)

#: Requests which we answer otherwise.
CASES = {
    'auth: same nonce and same nc again, second time':
        Departure(401, '', UNREPLAYED),
    'auth: digest uri differs from request target':
        Departure(401, '', UNREPLAYED),
    'auth: digest uri without query, request with query':
        Departure(401, '', UNREPLAYED),
    'auth: From with two @':
        Departure(200, True, 'who calls is for the log only'),
    **{
        f'protocol: verb {verb} on a {kind} endpoint':
            Departure(405, NOT_ALLOWED, VERBS)
        for verb, kind in (
            ('DELETE', 'read'), ('OPTIONS', 'read'), ('PATCH', 'read'),
            ('PUT', 'read'), ('PUT', 'command'),
        )
    },
    'protocol: If-None-Match ignored':
        Departure(304, '', 'who has an answer need not get it again'),
    'protocol: verb GET on a command endpoint': NUDGE,
    'protocol: /id prefix command': NUDGE,
    'protocol: empty apiversion: not served':
        Departure(200, 2, 'Cylc 7 meant to serve it'),
    'protocol: duplicate scalar argument becomes a list': Departure(
        400, 'Bad argument value: task_id is given 2 times', FAULT),
    'get_task_jobfile_path: bad id': Departure(
        400, 'Not a task id: "sleeper" (NAME.POINT)', FAULT),
    'get_task_requisites: no items: [None]': Departure(
        400, 'No items: name at least one task', FAULT),
    'ping_task: bad id (no cycle)': Departure(
        400, 'Not a task id: "sleeper" (NAME.POINT)', FAULT),
    'ping_task: bad point': Departure(
        400, 'Invalid cycle point: foo', FAULT),
    'ping_task: slash id': Departure(
        200, [True, 'task running'], 'both kinds of ids work'),
    'get_graph_raw: bad start point': Departure(
        400, 'start point: "foo" is not a cycle point', FAULT),
    'get_graph_raw: start None': Departure(
        400, 'start point: "None" is not a cycle point', FAULT),
    'get_graph_raw: bad stop point': Departure(
        400, 'stop point: "foo" is not a cycle point', FAULT),
    'get_graph_raw: unknown family in group_nodes': Departure(
        404, 'No such node: NOFAM', FAULT),
    'put_broadcast: settings missing': Departure(
        400, 'put_broadcast needs settings', FAULT),
    'put_broadcast: empty JSON object': Departure(
        400, 'put_broadcast needs point_strings', FAULT),
    'put_broadcast: JSON list body': Departure(
        400, 'The JSON document must be an object', FAULT),
    'put_broadcast: GET without body': Departure(405, POST_IT, FAULT),
    'put_broadcast: GET with JSON body': Departure(405, POST_IT, FAULT),
    'put_broadcast: PUT with JSON body': Departure(405, NOT_ALLOWED, VERBS),
    'put_broadcast: unknown setting name is accepted by the server':
        Departure(
            200, [[], {'settings': [{'no such item': 'x'}]}],
            'Cylc 8 knows the names of settings'),
    'put_broadcast: JSON plus query arguments as fallback': Departure(
        200, [[['1', 'bad', {'environment': {'Q': '1'}}]], {}],
        'a single value was taken as a list of letters'),
    'get_broadcast: unknown task': Departure(
        404, 'No such task: nosuch', FAULT),
    'get_broadcast: bad id': Departure(
        400, 'Not a task id: "start" (NAME.POINT)', FAULT),
    'expire_broadcast: bad cutoff': Departure(
        400, "cutoff is not a cycle point: 'foo'", FAULT),
    'put_messages: malformed task_job': Departure(
        400, "task_job is not POINT/NAME/NUMBER: 'x'", CHECKED),
    'put_messages: messages missing': Departure(
        400, 'messages must be a list of pairs, not None', FAULT),
    'put_messages: malformed pairs': Departure(
        400, "messages must be pairs of severity and text: 'abc'", FAULT),
    'put_messages: GET': Departure(405, POST_IT, FAULT),
    'hold_after_point_string: bad point: queued, error logged': Departure(
        400, "point_string is not a cycle point: 'foo'", CHECKED),
    'reset_task_states: outputs list': Departure(
        400, 'outputs=!greet: Cylc 8 cannot undo an output; use remove_tasks'
        ' to let a task start afresh', GONE),
    'reset_task_states: no match':
        nothing_to_do('the tasks are waiting'),
    'reset_task_states: no state no outputs': Departure(
        400, 'reset_task_states needs a state, or outputs', CHECKED),
    'insert_tasks: one, as the client sends it': INSERT,
    'insert_tasks: stop point': Departure(
        400, 'stop_point_string=2: Cylc 8 has no stop points of single'
        ' tasks; use set_stop_after_point for the workflow, or'
        ' remove_tasks.', GONE),
    'insert_tasks: unknown': INSERT,
    'spawn_tasks: one': SPAWN,
    'spawn_tasks: no match': SPAWN,
    'nudge: POST': NUDGE,
    'dry_run_tasks: one': Departure(
        410, 'Cylc 8 has no dry run of tasks: use "cylc view" and "cylc'
        ' config --item", or look at the job file after a submission.',
        GONE),
    'take_checkpoints: one': Departure(
        410, 'Cylc 8 has no checkpoints: it restarts from where it was; use'
        ' "cylc trigger --flow=new" to run again from earlier tasks.', GONE),
    'server_killers: submit number is not a number': Departure(
        400, "task_job is not POINT/NAME/NUMBER: '1/sleeper/xx'", KILLER),
    'server_killers: task_job missing': Departure(
        400, 'task_job must be a text, not None', KILLER),
    'server_killers: unknown state': Departure(
        400, 'state=banana: not a state to reset to; allowed are expired,'
        ' failed, ready, succeeded, waiting', KILLER),
    'set_verbosity: bad level: queued, ignored': Departure(
        400, 'Bad argument value: level=LOUD (one of 10, 20, 30, 40, 50)',
        CHECKED),
    'set_stop_after_point: bad': Departure(
        400, "point_string is not a cycle point: 'foo'", CHECKED),
    'set_stop_after_task: bad': Departure(
        400, 'Not a task id: "foo" (NAME.POINT)', CHECKED),
    'set_stop_after_clock_time: bad': Departure(
        400, "datetime_string is not an ISO 8601 date and time: 'tomorrow'",
        CHECKED),
}

TASKS = r'json/(summary/)?1/'
REPORTS = (
    'get_suite_state_summary: .*|get_latest_state: .*|https: .*|session_.*'
)
AFTER_RELOAD = (
    'get_latest_state: (after reload: ancestors again|stop point set'
    '|stop time and task set|stopping: status_string)'
)

#: Values which are others in ours.
RULES = (
    # What there is
    Rule(
        REPORTS, TASKS + r'(tail|greeted)\.2',
        'Cylc 8 looks further ahead'),
    Rule(
        'session_.*', r'json/summary/[12]/.*\.2',
        'Cylc 8 looks further ahead'),
    Rule(
        'session_.*', 'json/summary/0/newest cycle point string',
        'Cylc 8 looks further ahead', ('1', '2')),
    Rule(
        'get_latest_state: .*', TASKS + r'(ext_go|after_go)\.1',
        'Cylc 8 forgets what is over, with nothing near it to come'),
    Rule(
        'get_latest_state: .*', TASKS + r'(ext_go|after_go)\.2',
        'recorded with external triggers in each cycle'),
    Rule(
        '.*', r'json/(summary/)?0/(state totals|states)/.*',
        'follows from the tasks that there are'),
    Rule(
        'identify: .*|https: .*', 'json/(states|tasks-by-state/waiting)/.*',
        'follows from the tasks that there are'),
    Rule(
        'session_key: identify .*',
        'json/(states/.*|tasks-by-state/(held|queued|waiting))',
        'follows from the tasks that there are'),
    Rule(
        'get_graph_raw: .*|protocol: path segments as several .*',
        r'json/0/\["(ext_go|ext_never)\.2".*',
        'recorded with external triggers in each cycle', (1, None)),
    # What becomes of tasks
    Rule(
        REPORTS, TASKS + '.*/spawned',
        'Cylc 8 spawns on demand, not each task from the one before',
        ('False', 'True')),
    Rule(
        REPORTS, TASKS + r'bad\.1/latest_message',
        'jobs of Cylc 8 trap other signals'),
    Rule(
        'get_latest_state: .*', TASKS + r'victim\.1/latest_message',
        'Cylc 8 says what it knows from polling',
        ('started', 'started (polled)')),
    Rule(
        AFTER_RELOAD, TASKS + r'(sleeper|victim)\.1/latest_message',
        'Cylc 8 forgets messages at a reload'),
    Rule(
        'get_latest_state: suite held: status_string',
        r'json/summary/[12]/.*/state',
        'Cylc 8 pauses the workflow, not each task', ('held', 'waiting')),
    Rule(
        'session_.*', r'json/summary/[12]/.*\.1/state',
        'Cylc 8 pauses the workflow, not each task'),
    Rule(
        'get_latest_state: hold point set: status_string',
        r'json/summary/[12]/.*\.2/state',
        'Cylc 8 holds tasks after a point when their turn comes',
        ('held', 'waiting')),
    Rule(
        'identify: at DEBUG verbosity', 'json/(states|tasks-by-state)/.*',
        'recorded while the jobs ran'),
    # The log
    Rule(
        'auth: (no|curl-like) User-Agent.*|auth: User-Agent without .*'
        '|get_latest_state: no uuid.*', 'log',
        'who names no session would fill the log by looking often'),
    Rule(
        'get_latest_state: .*', 'json/err_(content|size)',
        'log lines, where Cylc 7 sent the insides of its log records'),
    # Stops
    Rule(
        'get_latest_state: stop time and task set',
        'json/summary/0/status_string',
        'to Cylc 8, stopping at the final point is no stop point',
        ('running to stop at 2',
         'running to stop at 2040-01-01T00:00:00Z')),
    # Broadcasts
    Rule(
        'put_broadcast: bad point and bad namespace', 'json/1/namespaces/1',
        'once is enough', ('nosuch', None)),
    Rule(
        'get_broadcast: .*', '.*/VIA', f'was set by PUT: {VERBS}',
        ('PUT', None)),
    Rule(
        'expire_broadcast: .*', '.*"VIA".*', f'was set by PUT: {VERBS}',
        (1, None)),
    Rule(
        'get_broadcast: .*', 'json/1/tail/no such item',
        'Cylc 8 knows the names of settings', ('x', None)),
    Rule(
        'expire_broadcast: .*', 'json/0/.*"no such item".*',
        'Cylc 8 knows the names of settings', (1, None)),
    Rule(
        'get_broadcast: .*', 'json/1/bad',
        'what Cylc 7 took for letters was set by ours',
        (None, {'environment': {'Q': '1'}})),
    Rule(
        'expire_broadcast: .*', 'json/0/.*"bad".*',
        'what Cylc 7 took for letters was set by ours', (None, 1)),
    # Pages
    Rule(
        'protocol: root path', 'status|text|Content-Type',
        'the web page of the workflow is there'),
    Rule(
        'https: plain http to the https port: .*', 'text',
        'said with fewer words'),
    Rule(
        '.*', 'text',
        'clients read no page of a 401; it is sent with half of all'
        ' requests',
        ('You are not authorized to access that resource', '')),
)

#: Exchanges that are not sent again.
LEFT_OUT = {
    'session_expiry: now forgotten':
        'it takes a minute; the unit tests have a clock that can be set',
}

# The recordings of who may do what

_CYLC = 'privilege_identity: user cylc, public privilege identity: POST /'

PRIVILEGE_CASES = {
    f'{_CYLC}nudge': NUDGE,
    f'{_CYLC}reset_task_states?items=x.1&state=waiting':
        nothing_to_do('the tasks are waiting'),
    f'{_CYLC}insert_tasks?items=x.1': INSERT,
    f'{_CYLC}spawn_tasks?items=x.1': SPAWN,
    f'{_CYLC}dry_run_tasks?items=x.1': CASES['dry_run_tasks: one'],
    f'{_CYLC}take_checkpoints?items=x': CASES['take_checkpoints: one'],
    f'{_CYLC}put_message?task_id=x.1&severity=INFO&message=m':
        Departure(404, 'No such task: x.1', CHECKED),
    **{
        f'privilege_{level}: user {user}, public privilege {level}:'
        ' GET /apiversion': CASES['protocol: empty apiversion: not served']
        for level, user in (
            ('description', 'anon'), ('full-read', 'anon'),
            ('identity', 'anon'), ('identity', 'cylc'),
            ('shutdown', 'anon'), ('state-totals', 'anon'),
        )
    },
}

#: The workflow is seen as it is by default, and did nothing yet.
PRIVILEGE_RULES = (
    Rule(
        '.*', 'json/(meta/)?public privilege',
        'this is how a workflow says it now'),
    Rule(
        '.*', TASKS + r'(greeted|join|tail)\.1',
        'Cylc 8 looks one task ahead'),
    Rule(
        '.*', TASKS + '.*/spawned',
        'Cylc 8 spawns on demand, not each task from the one before',
        ('False', 'True')),
    Rule(
        '.*', r'json/(summary/)?[12]/.*\.1/state',
        'Cylc 8 pauses the workflow, not each task'),
    Rule(
        '.*', r'json/(summary/)?0/(state totals|states)/.*',
        'follows from the tasks that there are'),
    Rule(
        '.*', 'json/(states/.*|tasks-by-state/(held|queued|waiting))',
        'follows from the tasks that there are'),
)

#: What the matrix of status codes has otherwise.
PRIVILEGE_STATUS = {
    'apiversion': (200, 'Cylc 7 meant to serve it'),
    'dry_run_tasks': (410, GONE),
    'put_message': (404, CHECKED),
    'take_checkpoints': (410, GONE),
}
