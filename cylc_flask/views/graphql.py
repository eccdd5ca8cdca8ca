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
"""GraphQL over HTTP, as its specification says.

The view is graphql-server's, the continuation of flask-graphql. Ours are the
engine that it calls, the form of each error, batches, and persisted
documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import Flask, Response, request
from flask import Request as Received
from graphql import ExecutionResult, GraphQLSchema, OperationType
from graphql_server.flask.views import FlaskHTTPRequestAdapter, GraphQLView
from graphql_server.http import GraphQLRequestData
from graphql_server.http.exceptions import HTTPException
from graphql_server.http.sync_base_view import SyncHTTPRequestAdapter
from graphql_server.http.types import HTTPMethod
import orjson
from werkzeug import exceptions

from cylc.flow import LOG
from cylc_flask.auth import gate
from cylc_flask.errors import RequestError
from cylc_flask.forms import parse
from cylc_flask.privilege import Privilege, requires
from cylc_flask.query.body import Reader, decode, of_query
from cylc_flask.query.documents import Operation, Request
from cylc_flask.query.errors import (
    Code,
    Rejected,
    code_of,
    error,
    of_request,
)
from cylc_flask.views import current, graphiql, stream
from cylc_flask.views.front import is_read
from cylc_flask.views.known import Known, reply
from cylc_flask.views.operations import FAULT
from cylc_flask.views.reply import DROP
from cylc_flask.views.stream import STREAM

#: Media types of answers, and of requests.
JSON = 'application/json'
STRICT = 'application/graphql-response+json'
REQUESTS = (JSON, 'application/graphql+json')

#: By these a client names a document that it does not send.
NAMING = {'extensions', 'documentId'}

CHARSETS = ('utf-8', 'utf8', 'us-ascii')

SUBSCRIPTION = (
    f'A subscription goes on: ask for {STREAM}, or use a WebSocket.'
)

#: How long to wait before what is unavailable now may be there, in seconds.
RETRY_AFTER = '5'


def init_app(app: Flask) -> None:
    """Serve GraphQL from an application."""
    services = app.extensions['cylc_flask']
    known = Known(services.engine)
    for path, name, cls in (
        ('/graphql', 'graphql', GraphQL),
        ('/graphql/stream', 'stream', Streamed),
    ):
        view = requires(Privilege.NONE)(cls.as_view(
            name, services.engine.schema, services.reader, known
        ))
        app.add_url_rule(path, view_func=gate.for_browsers(view))
    known.view = app.view_functions['graphql']
    services.sources['/graphql'] = known


class Refusal(HTTPException):
    """What is not carried out, in the shape that graphql-server passes on.

    Args:
        cause: Why.
        understood: It was a proper request: who takes plain JSON gets its
            errors with status 200, as the specification has it.
    """

    def __init__(self, cause: Exception, understood: bool) -> None:
        rejected, self.headers = _rejected(cause)
        super().__init__(rejected.status, str(rejected))
        self.errors = rejected.errors
        # Who names a document by its hash is to send it: no fault.
        self.understood = understood or any(
            (each.extensions or {}).get('code') == Code.PERSISTED
            for each in rejected.errors
        )

    def answer(self, media_type: str) -> Response:
        """Return the answer."""
        status = self.status_code
        if self.understood and media_type != STRICT and status == 400:
            status = 200
        answer = Response(orjson.dumps({
            'errors': [each.formatted for each in self.errors]
        }), status)
        answer.headers.extend(self.headers)
        return _dressed(answer, media_type)


@dataclass
class Context:
    """One operation of the request that is being answered.

    Args:
        parameters: What the client has sent for it.
        media_type: What the answer is to be.
        operation: What it is, as soon as it is carried out.
    """

    parameters: Any
    media_type: str
    operation: Operation | None = None


class Adapter(FlaskHTTPRequestAdapter):
    """The request, as graphql-server sees it: HEAD is GET."""

    @property
    def method(self) -> HTTPMethod:
        """Return the verb."""
        return 'POST' if self.request.method == 'POST' else 'GET'


class GraphQL(GraphQLView[Context, None]):
    """Run queries and commands."""

    methods: ClassVar[list[str]] = ['GET', 'HEAD', 'POST']
    provide_automatic_options = False
    init_every_request = False
    request_adapter_class = Adapter

    def __init__(
        self, schema: GraphQLSchema, reader: Reader, known: Known
    ) -> None:
        super().__init__(schema, graphql_ide=None)
        self._reader = reader
        self._known = known

    def dispatch_request(self) -> Response:
        """Answer a request, with one operation or several."""
        if graphiql.is_wanted():
            return graphiql.page()
        media_type = JSON
        try:
            with _refusing():
                media_type = self.negotiate(request)
                parameters = _parameters(request)
                if media_type == STREAM:
                    return stream.respond(parameters)
            if isinstance(parameters, list):
                return self._run_all(parameters, media_type)
            context = Context(parameters, media_type)
            answer: Response = self.run(request, context)
            self._note(context)
            return answer
        except Refusal as refusal:
            return refusal.answer(JSON if media_type == STREAM else media_type)

    def negotiate(self, request: Received) -> str:
        """Return the media type of the answer."""
        return _negotiate(request)

    def _note(self, context: Context) -> None:
        """Have the same answered without Flask the next time.

        Not so what is named by a hash: that may be forgotten by then.
        """
        if context.operation and not NAMING & context.parameters.keys():
            self._known.note(
                request.environ, context.operation, context.media_type)

    def _run_all(self, batch: list[Any], media_type: str) -> Response:
        """Answer operations in their order, each as if it were alone."""
        with _refusing():
            _check_batch(batch)
        answers = []
        for parameters in batch:
            try:
                answer = self.run(request, Context(parameters, media_type))
            except Refusal as refusal:
                answer = refusal.answer(media_type)
            answers.append(answer.get_data())
        return _dressed(
            Response(b'[%s]' % b','.join(answers)), media_type
        )

    def parse_http_body(
        self, request: SyncHTTPRequestAdapter, context: Context
    ) -> GraphQLRequestData:
        """Return what a client asks for."""
        with _refusing():
            asked = self._reader.read(context.parameters)
        return GraphQLRequestData(
            asked.query, None, asked.variables, asked.operation_name,
            asked.extensions,
            'http-strict' if context.media_type == STRICT else 'http',
        )

    def execute_operation(
        self,
        request_adapter: SyncHTTPRequestAdapter,
        request_data: GraphQLRequestData,
        context: Context,
        root_value: None,
        allowed_operation_types: set[OperationType],
    ) -> Any:
        """Have the engine carry out an operation, if the caller may."""
        asked = Request(
            request_data.query or '', request_data.variables or {},
            request_data.operation_name, request_data.extensions or {},
        )
        with _refusing(understood=True):
            operation = current.engine().prepare(
                asked, current.user(), frozenset(allowed_operation_types)
            )
            if operation.kind is OperationType.SUBSCRIPTION:
                raise Rejected.because(Code.INPUT, SUBSCRIPTION)
            if operation.kind is OperationType.MUTATION:
                gate.check_change()
            self._reader.remember(asked)
            context.operation = operation
            answer = current.engine().execute(
                operation, current.caller(), current.user())
            return ExecutionResult(answer)  # type: ignore[arg-type]

    def process_result(
        self, request: Any, result: Any, strict: bool = False
    ) -> Any:
        """Return the answer in a result: the engine has encoded it."""
        return result.data

    def create_response(
        self, response_data: Any, sub_response: Response, is_strict: bool
    ) -> Response:
        """Return the answer."""
        return current.answer(reply(
            response_data, STRICT if is_strict else JSON,
            is_read(request.environ),
        ))


class Streamed(GraphQL):
    """Run operations of all kinds, each as a stream of events."""

    def negotiate(self, request: Received) -> str:
        """Return the media type of the answer."""
        return STREAM


@contextmanager
def _refusing(understood: bool = False) -> Iterator[None]:
    """Make a refusal of whatever is raised."""
    try:
        yield
    except Exception as exc:
        raise Refusal(exc, understood) from exc


def _negotiate(request: Received) -> str:
    """Return the media type that the client wants.

    The newer ones have to be asked for by name: old clients, which send
    ``*/*`` or nothing, know plain JSON alone.

    Raises:
        NotAcceptable: It wants none of ours.
    """
    accept = request.accept_mimetypes
    if not accept:
        return JSON
    wanted = {
        value.partition(';')[0].strip().lower(): quality
        for value, quality in reversed(accept)
    }
    anything = wanted.get('application/*', wanted.get('*/*', 0))
    wanted.setdefault(JSON, anything)
    best = max((STREAM, STRICT, JSON), key=lambda each: wanted.get(each, 0))
    if not wanted.get(best):
        raise exceptions.NotAcceptable(
            f'Answers are {JSON}, {STRICT} or {STREAM}.'
        )
    return best


def _parameters(request: Received) -> Any:
    """Return what a client has sent: an object or, for a batch, a list.

    Raises:
        UnsupportedMediaType: It is no JSON. Forms in web pages, which can
            be sent from anywhere, end here.
        Rejected: It is said to be JSON, but is not.
    """
    if request.method != 'POST':
        return of_query(parse(request.environ.get('QUERY_STRING', '')))
    charset = request.mimetype_params.get('charset', 'utf-8').lower()
    if request.mimetype not in REQUESTS or charset not in CHARSETS:
        raise exceptions.UnsupportedMediaType(
            f'Requests are {JSON}, in UTF-8.'
        )
    return decode(request.get_data())


def _check_batch(batch: list[Any]) -> None:
    most = current.config().limits.batch
    if not batch:
        raise Rejected.because(Code.INPUT, 'The list of requests is empty.')
    if len(batch) > most:
        raise Rejected.because(
            Code.BATCH, f'The list has {len(batch)} requests, which is more'
            f' than {most} (limits.batch).',
        )


def _rejected(
    cause: Exception
) -> tuple[Rejected, tuple[tuple[str, str], ...]]:
    """Return what is told of a fault, with header fields."""
    match cause:
        case Rejected(status=405):
            return cause, (('Allow', 'POST'),)
        case Rejected(status=503):
            return cause, (('Retry-After', RETRY_AFTER),)
        case Rejected():
            return cause, ()
        case RequestError():
            return Rejected([of_request(cause)], cause.status), cause.headers
        case exceptions.HTTPException():
            status = cause.code or 400
            text = cause.description or str(cause)
            return Rejected([error(code_of(status), text)], status), ()
    LOG.error('flask: fault in an operation', exc_info=cause)
    return Rejected.because(Code.INTERNAL, FAULT, 500), ()


def _dressed(answer: Response, media_type: str) -> Response:
    """Give an answer the header fields that all have."""
    answer.content_type = f'{media_type}; charset=utf-8'
    answer.headers.extend([DROP])
    return answer
