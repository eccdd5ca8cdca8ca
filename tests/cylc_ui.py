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
"""What the official GUI asks for, as far as a scheduler can answer it.

The operations are put together from the fields that its views use; Apollo
adds ``__typename`` to each selection.
"""

from __future__ import annotations

FLAGS = 'isHeld isQueued isRunahead isRetry isWallclock isXtriggered'

META = 'title description URL userDefined'


def deltas(
    workflow: str, kinds: dict[str, str], arguments: str = ''
) -> str:
    """Return a subscription to deltas.

    Args:
        workflow: Fields of the workflow.
        kinds: Fields of further kinds of elements, by their names; a kind
            may come with arguments.
        arguments: Variables, and what is done with them.
    """
    def part(stripped: str) -> str:
        inner = ' '.join(
            f'{kind} {{ __typename id {fields} }}'
            for kind, fields in kinds.items()
        )
        return (
            f'{stripped} {{ __typename workflow {{ __typename id {workflow} }}'
            f' {inner} }}'
        )

    pruned = ' '.join(
        ['workflow', *(kind.partition('(')[0] for kind in kinds)]
    )
    head, _, chosen = arguments.partition('|')
    return (
        f'subscription View{head} {{ deltas{chosen} {{ __typename id shutdown '
        f'{part("added")} {part("updated(stripNull: true)")} '
        f'pruned {{ __typename {pruned} }} }} }}'
    )


ONE = '($workflowID: ID)|(workflows: [$workflowID])'

JOB = (
    'jobRunnerName jobId platform startedTime submittedTime finishedTime'
    ' estimatedFinishTime state submitNum messages taskProxy { __typename id'
    ' outputs(satisfied: true) { __typename label message } }'
)

#: Subscriptions by the view that makes them.
SUBSCRIPTIONS = {
    'toolbar': deltas(
        'host owner status statusMsg nEdgeDistance cylcVersion runMode',
        {}, ONE,
    ),
    'dashboard': deltas(
        'status statusMsg stateTotals containsHeld containsRetry'
        ' logRecords { __typename level message } latestStateTasks(states:'
        ' ["failed", "preparing", "submit-failed", "submitted", "running"])',
        {},
    ),
    'workflows': deltas('status statusMsg stateTotals', {}),
    'workflow table': deltas(
        'status cylcVersion owner host port lastUpdated', {}
    ),
    'tree': deltas(
        'reloaded', {
            'familyProxies': f'name cyclePoint state ancestors {{ __typename'
                             f' name }} childTasks {{ __typename id }}'
                             f' {FLAGS} graphDepth firstParent {{ __typename'
                             f' id }}',
            'taskProxies': f'name cyclePoint state {FLAGS} task {{ __typename'
                           f' id meanElapsedTime }} firstParent {{ __typename'
                           f' id }} runtime {{ __typename runMode }} flowNums'
                           f' graphDepth',
            'jobs': JOB,
        }, ONE,
    ),
    'table': deltas(
        'reloaded', {
            'taskProxies': f'name cyclePoint state {FLAGS} task {{ __typename'
                           f' id meanElapsedTime }} firstParent {{ __typename'
                           f' id }} runtime {{ __typename runMode }} flowNums'
                           f' graphDepth',
            'jobs': JOB.replace(' messages', ''),
        }, ONE,
    ),
    'graph': deltas(
        'reloaded', {
            'edges': 'source target',
            'taskProxies': f'state {FLAGS} name cyclePoint task {{ __typename'
                           f' id meanElapsedTime }} flowNums graphDepth'
                           f' runtime {{ __typename runMode }}',
            'jobs': 'state name startedTime',
        }, ONE,
    ),
    'simple tree': deltas('', {
        'familyProxies': 'state', 'taskProxies': 'state', 'jobs': 'state',
    }, ONE),
    'info': deltas(
        '', {
            'taskProxies(ids: [$taskID])': (
                f'state namespace task {{ __typename id meta {{ __typename'
                f' {META} }} }} prerequisites {{ __typename satisfied'
                f' expression conditions {{ __typename taskId reqState'
                f' exprAlias satisfied message }} }} outputs {{ __typename'
                f' label message satisfied }} runtime {{ __typename'
                f' completion runMode }} xtriggers {{ __typename id label'
                f' satisfied }} jobs {{ __typename id state }}'
            ),
        },
        '($workflowID: ID, $taskID: ID)|(workflows: [$workflowID])',
    ),
}

INTROSPECTION = """
    query {
        __schema {
            queryType { ...FullType }
            mutationType { ...FullType }
            types { ...FullType }
        }
    }
    fragment FullType on __Type {
        kind name description
        fields(includeDeprecated: true) {
            name description args { ...InputValue } type { ...TypeRef }
            isDeprecated deprecationReason
        }
        inputFields { ...InputValue }
        interfaces { ...TypeRef }
        enumValues(includeDeprecated: true) {
            name description isDeprecated deprecationReason
        }
        possibleTypes { ...TypeRef }
    }
    fragment InputValue on __InputValue {
        name description type { ...TypeRef } defaultValue
    }
    fragment TypeRef on __Type {
        kind name ofType { kind name ofType { kind name ofType { kind name
        ofType { kind name ofType { kind name ofType { kind name
        ofType { kind name } } } } } } }
    }
"""


def available(text: str, line: str) -> str:
    """Return a subscription without the fields that a line does not have.

    Examples:
        >>> available('status containsHeld', '8.5')
        'status '
    """
    if line.startswith('8.5'):
        for name in ('containsHeld', 'containsRetry', 'estimatedFinishTime'):
            text = text.replace(name, '')
    return text
