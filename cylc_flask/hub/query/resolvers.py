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
"""Resolve what somebody asks of all workflows that they may see."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from cylc.flow import LOG
from cylc.flow.id import Tokens
from cylc_flask.errors import NotFound, RequestError
from cylc_flask.hub.audit import DENIED, FAILED, OK, SCAN
from cylc_flask.hub.life.jobs import Job, Piece, State
from cylc_flask.operations import operation_of
from cylc_flask.query import mutations
from cylc_flask.query.errors import Code, error
from cylc_flask.query.limits import TooMuch
from cylc_flask.query.mutations import Response
from cylc_flask.query.resolvers import Resolvers, ticket_of
from cylc_flask.replica.delta import WORKFLOW
from cylc_flask.tracking import signature
from cylc_flask.validate import shown

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

    from cylc_flask.commands import Ticket
    from cylc_flask.hub.life.orders import Sender
    from cylc_flask.hub.query.engine import Services
    from cylc_flask.workflows import Workflow

#: Stands between the ids of jobs which were ordered as one.
JOINT = ', '

FAULT = 'The hub has met a fault of its own; its log says more.'
NOBODY = 'Log in to give commands.'
NONE_NAMED = 'No workflows are named; "*" means all.'
NO_MATCH = 'No matching workflow here.'

#: How much output of jobs there is in the answer to an operation, in
#: characters.
MOST_OUTPUT = 4_000_000

#: What a mutation takes beside the options of its command.
BESIDE = ('source', 'confirm', 'wait')


class HubResolvers(Resolvers):
    """Resolves the operations of one caller, at one moment.

    Args:
        flows: The workflows that the caller may see.
        caller: Who it is, for the schedulers' logs.
        sender: Who it is; None if they have not logged in.
        services: What is done in their name.
        known: The workflows that the caller may know of.
    """

    def __init__(
        self,
        flows: Sequence[Workflow],
        caller: str,
        sender: Sender | None,
        services: Services,
        known: Sequence[Workflow],
    ) -> None:
        super().__init__(flows, caller)
        self._sender = sender
        self._services = services
        self._known = known

    def begin(self) -> None:
        """Begin an operation, perhaps once more."""
        super().begin()
        self._output_left = MOST_OUTPUT

    def ticket(self, id_: str) -> Ticket | None:
        """Return a command by its id, which but who gave it was told."""
        return ticket_of(self._known, id_)

    def flow_of(self, workflow: str | None) -> Workflow | None:
        """Return a workflow by its id; the only one where none is named.

        Raises:
            GraphQLError: None is named, and there are several.
        """
        if workflow is None and len(self.flows) > 1:
            raise error(Code.INPUT, 'There are several workflows: name one.')
        return super().flow_of(workflow)

    async def mutator(
        self,
        _info: GraphQLResolveInfo,
        command: str,
        w_args: dict[str, Any],
        kwargs: dict[str, Any],
        _meta: dict[str, Any],
    ) -> list[dict[str, Any]]:
        """Give a command to each workflow that is meant, and wait for none."""
        if not w_args['workflows']:
            return [{'response': [False, NONE_NAMED]}]
        found = await self.get_workflows_data(w_args)
        if not found:
            return [{'response': [False, NO_MATCH]}]
        ids = [data[WORKFLOW].id for data in found]
        said = signature(command, kwargs)
        responses = self._services.abreast([
            partial(self._give, self.flows[id_], command, kwargs, said)
            for id_ in ids
        ])
        return [
            {'id': id_, 'response': response}
            for id_, response in zip(ids, responses, strict=True)
        ]

    def _give(
        self,
        flow: Workflow,
        command: str,
        arguments: dict[str, Any],
        said: str,
    ) -> Response:
        """Give a command to one workflow, if the caller may."""
        operation = operation_of(command)
        if self._sender is None:
            return [False, NOBODY]
        people = self._services.people
        decision = people.may(self._sender.person, operation, flow.name)
        if not decision:
            self._note(
                operation, flow.name, DENIED, f'{decision.reason}: {said}')
            return [False, f'You may not {operation}: {decision.reason}.']
        try:
            response = mutations.give(flow, command, arguments, self.caller)
        except Exception as exc:
            LOG.error(f'flask: fault in {command}', exc_info=exc)
            response = [False, FAULT]
        self._note(
            operation, flow.name, OK if response[0] else FAILED,
            f'{response[-1]} {said}',
        )
        return response

    def _note(
        self, operation: str, workflow: str, outcome: str, detail: str
    ) -> None:
        assert self._sender is not None
        self._services.audit.note(
            self._sender.person.name, self._sender.address, operation,
            workflow, outcome, detail,
        )

    # The life cycle

    def order(
        self,
        commands: Sequence[str],
        workflows: Sequence[str | None],
        given: dict[str, Any],
    ) -> Response:
        """Order jobs, and perhaps wait for their end.

        Args:
            commands: What is to be done; the options are for the last.
            workflows: Names or ids.
            given: Options by their names, and what else the mutation takes.
        """
        if self._sender is None:
            return [False, NOBODY]
        values = {
            name: getattr(value, 'value', value)
            for name, value in given.items()
            # cylc-uiserver has these for what is not set.
            if name not in BESIDE and value not in (None, False, '')
        }
        wishes = [(command, dict[str, Any]()) for command in commands]
        wishes[-1][1].update(values)
        try:
            seconds = self._services.check_wait(given.get('wait'))
            jobs = self._services.orders.give(
                self._sender, wishes, self._names(workflows),
                given.get('source') or '',
                self._names(given.get('confirm') or ()),
            )
        except RequestError as exc:
            return [False, exc.text]
        return _outcome(jobs, seconds)

    def _names(self, workflows: Sequence[str | None]) -> list[str]:
        """Return the names of workflows by their names or ids."""
        return [
            self._name(each) for each in workflows if each is not None
        ]

    def _name(self, workflow: str) -> str:
        """Return the name of a workflow by its name or id.

        Raises:
            NotFound: It is the id of something else, or somebody else's.
        """
        try:
            tokens = Tokens(workflow)
        except ValueError:
            tokens = None
        if tokens is None or tokens.workflow_id not in (
            workflow, f'~{tokens["user"]}/{workflow}'
        ) or tokens['user'] not in (None, self._services.owner):
            raise NotFound(f'There is no workflow {shown(workflow)}.')
        return str(tokens['workflow'])

    def job(self, id_: str) -> Job | None:
        """Return a job by its id, None if the caller may see no such."""
        if self._sender is None:
            return None
        try:
            return self._services.orders.find(self._sender, id_)
        except NotFound:
            return None

    def jobs(self, workflows: Sequence[str | None]) -> list[Job]:
        """Return the jobs that the caller may see.

        Args:
            workflows: For which; for all if there are none.
        """
        if self._sender is None:
            return []
        jobs = self._services.orders.all(self._sender)
        if not workflows:
            return jobs
        names = self._names(workflows)
        return [job for job in jobs if job.workflow in names]

    def output(self, job: Job, since: int) -> Piece:
        """Return what a job has written after a place.

        Raises:
            TooMuch: It is, together with what there is already.
        """
        piece = job.output.since(since)
        self._output_left -= len(piece.text)
        if self._output_left < 0:
            raise TooMuch(
                Code.SIZE,
                f'The jobs have written more than {MOST_OUTPUT} characters:'
                ' ask for the output of fewer, or for what is new (since).')
        return piece

    def scan(self) -> Response:
        """Look which workflows there are."""
        if self._sender is None:
            return [False, NOBODY]
        self._services.scan()
        self._note(SCAN, '', OK, '')
        return [True, 'Scan requested']


def _outcome(jobs: Sequence[Job], seconds: float) -> Response:
    """Return what became of jobs, as far as that is known in time."""
    end = monotonic() + seconds
    for job in jobs:
        job.wait(max(0.0, end - monotonic()))
    failed = [
        job for job in jobs
        if job.finished and job.state is not State.SUCCEEDED
    ]
    match failed:
        case []:
            return [True, JOINT.join(job.id for job in jobs)]
        case [job] if len(jobs) == 1:
            return [False, job.text or job.state.value]
    return [False, '\n\n'.join(
        f'{job.workflow}: {job.text or job.state.value}' for job in failed
    )]

