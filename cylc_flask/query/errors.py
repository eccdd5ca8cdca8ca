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
"""What is wrong with an operation, in the form that GraphQL gives it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from http import HTTPStatus

from graphql import GraphQLError

from cylc_flask.errors import RequestError


class Code(StrEnum):
    """What kind of error it is: ``extensions.code`` of each."""

    PARSE = 'GRAPHQL_PARSE_FAILED'
    VALIDATION = 'GRAPHQL_VALIDATION_FAILED'
    INPUT = 'BAD_USER_INPUT'
    OPERATION = 'OPERATION_RESOLUTION_FAILURE'
    METHOD = 'METHOD_NOT_ALLOWED'
    FORBIDDEN = 'FORBIDDEN'
    SIZE = 'TOO_LARGE'
    TOKENS = 'TOO_MANY_TOKENS'
    DEPTH = 'TOO_DEEP'
    ALIASES = 'TOO_MANY_ALIASES'
    BATCH = 'TOO_MANY_OPERATIONS'
    VALUES = 'TOO_MANY_VALUES'
    TIME = 'TOO_SLOW'
    SUBSCRIPTIONS = 'TOO_MANY_SUBSCRIPTIONS'
    INTROSPECTION = 'INTROSPECTION_DISABLED'
    PERSISTED = 'PERSISTED_QUERY_NOT_FOUND'
    UNAVAILABLE = 'UNAVAILABLE'
    INTERNAL = 'INTERNAL_SERVER_ERROR'


class Rejected(Exception):
    """An operation which is not carried out at all.

    Args:
        errors: What is wrong, each with a code.
        status: The HTTP status that says so.
    """

    def __init__(
        self, errors: Iterable[GraphQLError], status: int = 400
    ) -> None:
        self.errors = [*errors]
        self.status = status
        super().__init__('; '.join(error.message for error in self.errors))

    @classmethod
    def because(cls, code: Code, text: str, status: int = 400) -> Rejected:
        """Return the rejection for one reason."""
        return cls([error(code, text)], status)


def error(code: str, text: str) -> GraphQLError:
    """Return an error with a code."""
    return GraphQLError(text, extensions={'code': str(code)})


def coded(found: GraphQLError, code: Code) -> GraphQLError:
    """Give an error a code, if it has none; where it happened is kept."""
    if not found.extensions:
        found.extensions = {}
    found.extensions.setdefault('code', code.value)
    return found


def of_request(exc: RequestError) -> GraphQLError:
    """Return an error of ours as one of GraphQL's."""
    return error(code_of(exc.status), exc.text)


def code_of(status: int) -> str:
    """Return the code of an error which has a status of HTTP.

    Examples:
        >>> code_of(400), code_of(403), code_of(429)
        ('BAD_USER_INPUT', 'FORBIDDEN', 'TOO_MANY_REQUESTS')
    """
    named = {400: Code.INPUT, 404: Code.INPUT, 503: Code.UNAVAILABLE}
    return str(named.get(status) or HTTPStatus(status).name)
