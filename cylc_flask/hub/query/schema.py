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
"""The GraphQL schema of the hub: that of a workflow, and the life cycle.

Where cylc-uiserver has a mutation of the same name, that one's arguments are
there, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import graphene
from graphene.types.generic import GenericScalar
from graphene.utils.str_converters import to_camel_case

from cylc.flow.network import schema as cylc
from cylc_flask.hub.life import options
from cylc_flask.hub.life.jobs import Job
from cylc_flask.query import schema

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo, GraphQLSchema

    from cylc_flask.hub.query.resolvers import HubResolvers

#: The types of values by the kinds of options.
KINDS: dict[str, Any] = {
    'choice': graphene.String,
    'count': graphene.Int,
    'flag': graphene.Boolean,
    'integer': graphene.Int,
    'list': graphene.List(graphene.String),
    'text': graphene.String,
}

#: Those which cylc-uiserver has otherwise.
TYPES: dict[str, Any] = {
    'final-cycle-point': cylc.CyclePoint,
    'hold-after': cylc.CyclePoint,
    'hold-cycle-point': cylc.CyclePoint,
    'initial-cycle-point': cylc.CyclePoint,
    'mode': cylc.WorkflowRunMode,
    'rm': graphene.String,
    'start-cycle-point': cylc.CyclePoint,
    'stop-cycle-point': cylc.CyclePoint,
}


class CylcVersion(graphene.String):
    """A Cylc version identifier e.g. 8.0.0"""


#: What cylc-uiserver lets set besides, by the command.
BESIDES: dict[str, dict[str, Any]] = {
    'play': {
        'cylc-version': CylcVersion,
        'hold-cycle-point': cylc.CyclePoint,
        'host': graphene.String,
        'no-timestamp': graphene.Boolean,
        'set-file': graphene.String,
    },
}

ALIAS = 'The same as `{}`.'
REFUSED = 'Cannot be set here: {}.'
NO_REASON = 'the hub starts workflows with its own version'


@dataclass(frozen=True)
class Order:
    """A mutation which orders jobs.

    Args:
        commands: What is done; the options are those of the last.
        text: What it is for.
    """

    commands: tuple[str, ...]
    text: str


ORDERS = {
    'play': Order(
        ('play',), 'Start, resume or restart workflows.'),
    'clean': Order(
        ('clean',), 'Remove workflows from the disk, for ever.'),
    'install': Order(
        ('install',), 'Install workflows from their sources.'),
    'validate': Order(
        ('validate',), 'Check the definitions of workflows.'),
    'reinstall_reload': Order(
        ('reinstall', 'reload'),
        'Install changes of the source, and reload what runs.'),
    'reinstall_restart': Order(
        ('reinstall', 'play'),
        'Install changes of the source, and start what does not run.'),
}

WORKFLOWS = graphene.List(
    cylc.WorkflowID, required=True,
    description='Their names or ids; no patterns.',
)

WAIT = graphene.Float(
    description='Wait so many seconds for the end, and tell what came of it.'
)

CONFIRM = graphene.List(
    cylc.WorkflowID,
    description='The same workflows again, so that nothing is removed by'
    ' mistake.',
)

SOURCE = graphene.String(
    description='What to take, by its name in the source directories; that'
    ' of the workflow if there is none.',
)


class HubOutput(graphene.ObjectType):
    """A part of what a job has written."""

    class Meta:
        description = 'A part of what a job has written.'

    text = graphene.String(description='The part.')
    next = graphene.Int(
        description='Where the next one begins, counted from the beginning.')
    missed = graphene.Int(
        description='How many characters before it are no longer known.')


class HubJob(graphene.ObjectType):
    """A command of the life cycle, which the hub runs."""

    class Meta:
        description = 'A command of the life cycle, which the hub runs.'

    id = graphene.ID(description='As the mutation has returned it.')
    order = graphene.ID(
        description='The same for all that were ordered together.')
    command = graphene.String(
        description='Its commands as one word, e.g. `install+play`.')
    workflow = graphene.String(description='The name of the workflow.')
    user = graphene.String(description='Who ordered it.')
    state = graphene.String(
        description='`queued`, `running`, `succeeded`, `failed`,'
        ' `timed out` or `cancelled`.')
    finished = graphene.Boolean(
        description='True if its state does not change any more.')
    time = graphene.Float(
        description='When it was ordered, in seconds since 1970.')
    started = graphene.Float(description='When it was begun.')
    ended = graphene.Float(description='When it ended.')
    code = graphene.Int(
        description='The exit status of its last command.')
    text = graphene.String(description='Why it failed.')
    installed = graphene.String(
        description='The full name of what it has installed.')
    output = graphene.Field(
        HubOutput, description='What it has written.',
        since=graphene.Int(
            default_value=0, description='Only what follows that place.'),
    )

    @staticmethod
    def resolve_state(job: Job, _: GraphQLResolveInfo) -> str:
        """Return the state as a plain text."""
        return job.state.value

    @staticmethod
    def resolve_output(
        job: Job, info: GraphQLResolveInfo, since: int = 0
    ) -> Any:
        """Return a part of the output."""
        return _resolvers(info).output(job, since)


def _resolvers(info: GraphQLResolveInfo) -> HubResolvers:
    found: HubResolvers = info.context['resolvers']
    return found


class JobQuery:
    """What can be asked about jobs; `job` is one of a task, to Cylc."""

    hub_job = graphene.Field(
        HubJob, description='A job of the hub; null if there is none.',
        id=graphene.ID(required=True),
        resolver=lambda _, info, id: _resolvers(info).job(id),
    )
    hub_jobs = graphene.List(
        HubJob, description='The jobs of the hub, the oldest first.',
        workflows=graphene.List(
            cylc.WorkflowID, default_value=[],
            description='Only those for these.'),
        resolver=lambda _, info, workflows: _resolvers(info).jobs(workflows),
    )


class Queries(schema.Queries, JobQuery):
    """What can be asked."""

    class Meta:
        description = schema.Queries._meta.description


def _argument(command: str, name: str, kind: Any) -> Any:
    """Return an argument, with what Cylc says of the option."""
    known = options.of(command)
    aliased = [
        option.name for option in known.values() if name in option.aliases]
    if name in known:
        text = known[name].help
    elif aliased:
        text = ALIAS.format(to_camel_case(aliased[0].replace('-', '_')))
    else:
        text = REFUSED.format(options.WITHHELD.get(name, NO_REASON))
    return graphene.Argument(kind, description=text)


def _arguments(order: Order) -> dict[str, Any]:
    """Return the arguments of a mutation."""
    command = order.commands[-1]
    kinds = {
        name: TYPES.get(name, KINDS[option.kind])
        for name, option in options.of(command).items()
    } | BESIDES.get(command, {})
    arguments: dict[str, Any] = {'workflows': WORKFLOWS}
    if {'install', 'validate'} & set(order.commands):
        arguments['source'] = SOURCE
    if 'clean' in order.commands:
        arguments['confirm'] = CONFIRM
    for name, kind in kinds.items():
        arguments[name.replace('-', '_')] = _argument(command, name, kind)
    return {**arguments, 'wait': WAIT}


def _mutation(name: str, order: Order) -> Any:
    """Return the field of a mutation that orders jobs."""
    def mutate(
        _root: Any, info: GraphQLResolveInfo, workflows: Any, **given: Any
    ) -> Any:
        resolvers = _resolvers(info)
        return made(result=resolvers.order(
            order.commands, workflows or [], given))

    title = ''.join(word.capitalize() for word in name.split('_'))
    made: Any = type(title, (graphene.Mutation,), {
        'Meta': type('Meta', (), {'description': order.text}),
        'Arguments': type('Arguments', (), _arguments(order)),
        'result': GenericScalar(),
        'mutate': staticmethod(mutate),
    })
    return made.Field(description=order.text)


class Scan(graphene.Mutation):
    """Look which workflows there are."""

    class Meta:
        description = 'Look at once which workflows there are.'

    result = GenericScalar()

    @staticmethod
    def mutate(_root: Any, info: GraphQLResolveInfo) -> Scan:
        """Look at the disk."""
        return Scan(result=_resolvers(info).scan())


def _mutations() -> Any:
    return type('Mutations', (cylc.Mutations,), {
        'Meta': type(
            'Meta', (), {'description': cylc.Mutations._meta.description}),
        **{name: _mutation(name, order) for name, order in ORDERS.items()},
        'scan': Scan.Field(description=Scan._meta.description),
    })


@cache
def make_schema() -> GraphQLSchema:
    """Return the schema; its resolvers run to their end when called."""
    return schema.make_schema(Queries, _mutations())
