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
"""What belongs to the request that is being answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, cast

from flask import Response, current_app, g, request
from markupsafe import Markup

from cylc_flask.auth.caller import caller
from cylc_flask.replica.encode import dump

if TYPE_CHECKING:
    from cylc_flask.auth.users import User
    from cylc_flask.config import Config
    from cylc_flask.query.body import Reader
    from cylc_flask.query.engine import Engine
    from cylc_flask.views.front import Source
    from cylc_flask.views.reply import Reply
    from cylc_flask.workflows import Registry, Workflow

__all__ = [
    'answer', 'caller', 'config', 'engine', 'json', 'services', 'user',
    'workflow',
]

JSON = 'application/json'


@dataclass(frozen=True)
class Greeting:
    """What those are told who log in.

    Args:
        title: What they log in to.
        owner: Who does where no name is given.
        secret: What they have to know.
        hint: Where they find it.
    """

    title: str
    owner: str
    secret: str
    hint: str

    @classmethod
    def of(cls, workflow: str) -> Greeting:
        """Return that of a workflow's own server."""
        return cls(workflow, 'cylc', 'Passphrase', Markup(
            'The owner is <kbd>cylc</kbd>; the passphrase is in the file'
            ' <kbd>.service/passphrase</kbd> of the workflow.'
        ))


@dataclass(frozen=True)
class Services:
    """What the application was made with, for views to use."""

    config: Config
    workflows: Registry
    engine: Engine
    #: Makes requests of what clients send; what they have named is kept.
    reader: Reader
    #: Waits some seconds, and lets others go on meanwhile.
    sleep: Callable[[float], object]
    #: What those are told who log in.
    greeting: Greeting
    #: Nobody shall learn what there is before they are known.
    is_discreet: bool = False
    #: What can be answered without Flask, by path.
    sources: dict[str, Source] = field(default_factory=dict)


def services() -> Services:
    """Return what the application was made with."""
    return cast('Services', current_app.extensions['cylc_flask'])


def config() -> Config:
    """Return the configuration."""
    return services().config


def engine() -> Engine:
    """Return what carries GraphQL's operations out."""
    return services().engine


def workflow() -> Workflow:
    """Return the workflow that the request is about."""
    return services().workflows.only()


def user() -> User:
    """Return who is calling; the gate has found out."""
    return cast('User', g.user)


def json(result: Any) -> Response:
    """Return an answer in JSON; bytes are taken as such already."""
    if not isinstance(result, bytes):
        result = dump(result)
    return Response(result, content_type=JSON)


def answer(reply: Reply) -> Response:
    """Return an answer, or that the client has it already."""
    return Response(*reply.choose(request.environ))
