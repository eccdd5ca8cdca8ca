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
"""How a function becomes an endpoint: its route, its label, its arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Callable

from flask import Blueprint, Response, g, request
import orjson

from cylc_flask.auth import gate
from cylc_flask.commands import speaking
from cylc_flask.errors import RequestError
from cylc_flask.nesting import depth
from cylc_flask.privilege import Privilege, requires
from cylc_flask.query.answers import tag_of
from cylc_flask.replica.encode import dump
from cylc_flask.views import current
from cylc_flask.views.front import is_read
from cylc_flask.views.reply import Reply, plain, tagged
from cylc_flask.views.rest import sessions
from cylc_flask.views.rest.arguments import Signature

if TYPE_CHECKING:
    from cylc_flask.legacy.latest import Session
    from cylc_flask.workflows import Workflow

Function = Callable[..., Any]
Plain = Callable[['Workflow'], bytes]

#: No document that we take is deeper, in brackets.
MAX_DEPTH = 16

JSON_TYPES = ('application/json', 'text/javascript')


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of Cylc 7.

    Args:
        function: Answers with something that becomes JSON.
        privilege: What its caller needs.
        signature: Its arguments.
        takes_json: The arguments may come as a JSON document.
        plain: Gives the answer as JSON, where it depends on nothing but the
            workflow; it is labelled like a view.
        operations: What its caller does by it.
    """

    function: Function
    privilege: Privilege
    signature: Signature
    takes_json: bool
    plain: Plain | None = None
    operations: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the name by which clients call it."""
        return self.function.__name__

    def view(self) -> Function:
        """Return the view, with the labels that the gate reads."""
        def view(segments: str = '') -> Response:
            g.session = self.note(current.workflow(), request.environ)
            with speaking(current.caller().name):
                result = self.function(**self._read(g.raw))
            reply = self.reply(result, is_read(request.environ))
            answer = current.answer(reply)
            if 'command_id' in g:
                answer.headers['Cylc-Command-ID'] = g.command_id
            return answer
        view.__doc__ = self.function.__doc__
        if self.takes_json:
            gate.before_login(view, _read_json)
        gate.before_privilege(view, partial(_collect, self.signature))
        return requires(self.privilege, *self.operations)(view)

    def reply(self, result: Any, is_read: bool) -> Reply:
        """Return an answer; if it is worth keeping it has a tag.

        That is what tells more than who we are, and does nothing.

        Args:
            result: The answer, JSON already if it is bytes.
            is_read: It was asked for in the way of reads.
        """
        body = result if isinstance(result, bytes) else dump(result)
        if is_read and (
            Privilege.DESCRIPTION <= self.privilege < Privilege.SHUTDOWN
        ):
            return tagged(body, current.JSON, tag_of(body))
        return plain(body, current.JSON)

    def note(
        self, flow: Workflow, environ: dict[str, Any]
    ) -> Session | None:
        """Note an allowed call, and return the caller's session."""
        flow.usage.note(self.name, environ.get('HTTP_USER_AGENT', ''))
        if not self.privilege:
            return None
        return sessions.note_call(
            flow, environ, self.name, self.privilege >= Privilege.SHUTDOWN
        )

    def _read(self, raw: dict[str, list[str]]) -> dict[str, Any]:
        g.extra = {
            name: raw[name] for name in self.signature.extra if name in raw
        }
        arguments = self.signature.read(raw)
        if self.takes_json:
            arguments.update(
                (name, g.document[name]) for name in self.signature.order
                if name in g.document
            )
        return arguments


@dataclass
class Endpoints:
    """The endpoints of a module, by name."""

    by_name: dict[str, Endpoint] = field(default_factory=dict)

    def __call__(
        self,
        privilege: Privilege,
        *extra: str,
        takes_json: bool = False,
        operations: tuple[str, ...] = (),
    ) -> Callable[[Function], Function]:
        """Make a function an endpoint of its name.

        Args:
            privilege: What its caller needs.
            extra: Arguments which are read elsewhere.
            takes_json: Its arguments come as a JSON document.
            operations: What its caller does by it.
        """
        def add(function: Function) -> Function:
            self.by_name[function.__name__] = Endpoint(
                function, privilege, Signature.of(function, extra),
                takes_json, operations=operations,
            )
            return function
        return add

    def plain(
        self, privilege: Privilege
    ) -> Callable[[Function], Function]:
        """Make a function an endpoint which takes the workflow alone.

        Args:
            privilege: What its caller needs.
        """
        def add(function: Function) -> Function:
            name = function.__name__

            @requires(privilege)
            def plain(flow: Workflow) -> bytes:
                result = function(flow)
                return result if isinstance(result, bytes) else dump(result)

            def view() -> bytes:
                return plain(current.workflow())

            view.__name__, view.__doc__ = name, function.__doc__
            self.by_name[name] = Endpoint(
                view, privilege, Signature.of(view), False, plain
            )
            return function
        return add

    def update(self, other: Endpoints) -> None:
        """Take over the endpoints of another module."""
        self.by_name.update(other.by_name)

    def blueprint(self, name: str, prefix: str) -> Blueprint:
        """Return them as a blueprint below a path.

        Further segments of the path are arguments; a slash at its end is
        harmless.
        """
        bp = Blueprint(name, __name__, url_prefix=prefix)
        for endpoint in self.by_name.values():
            for rule in ('', '/', '/<path:segments>'):
                bp.add_url_rule(
                    f'/{endpoint.name}{rule}',
                    endpoint.name,
                    endpoint.view() if not rule else None,
                    methods=('GET', 'HEAD', 'POST'),
                    provide_automatic_options=False,
                )
        return bp


def _collect(signature: Signature) -> None:
    assert request.view_args is not None
    g.raw = signature.collect(request.view_args.get('segments', ''))


def _read_json() -> None:
    """Read the document of a request before anything else is asked.

    Raises:
        RequestError: There is none, or it is no object.
    """
    if request.method != 'POST':
        raise RequestError(
            'This endpoint reads a JSON document: POST it.', 405,
            (('Allow', 'POST'),),
        )
    if request.mimetype not in JSON_TYPES:
        raise RequestError(
            'Expected an entity of content type application/json,'
            ' text/javascript', 415,
        )
    body = request.get_data()
    if not body and 'Authorization' not in request.headers:
        # curl sends none until it has been asked for its password.
        return
    try:
        document = orjson.loads(body)
    except ValueError as exc:
        raise RequestError('Invalid JSON document') from exc
    if not isinstance(document, dict):
        raise RequestError('The JSON document must be an object')
    if depth(document, MAX_DEPTH) > MAX_DEPTH:
        raise RequestError(
            f'The JSON document is more than {MAX_DEPTH} levels deep'
        )
    g.document = document
