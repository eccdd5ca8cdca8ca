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
"""Queries that have come before, answered again without Flask."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, Callable

from cylc_flask.views.front import is_read
from cylc_flask.views.reply import DROP, Reply, plain, tagged

if TYPE_CHECKING:
    from cylc_flask.auth.gate import View
    from cylc_flask.auth.login import Visitor
    from cylc_flask.query.answers import Answer
    from cylc_flask.query.engine import Engine, Operation

#: So many bytes of requests are known, with the texts of their documents.
KEPT = 250_000

#: What each counts for beside its length.
OVERHEAD = 200

#: What is longer is not kept: it would take the place of too many others.
LONGEST = 25_000

#: What the types of answers are told apart by in tags.
MARKS = {'application/json': ''}
OTHER = '-response'

#: What an operation follows from, and the type of its answer.
Sent = tuple[str | bytes, ...]


class Known:
    """Queries by all that a client has sent for them.

    Only such as are answered by what the engine keeps; for others, for
    faults and for refusals there is the view.

    Args:
        engine: Keeps the answers.
    """

    #: Answers otherwise.
    view: View

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: OrderedDict[Sent, tuple[Operation, str]] = OrderedDict()
        self._size = 0

    def note(
        self, environ: dict[str, Any], operation: Operation, media_type: str
    ) -> None:
        """Remember what a request asks for.

        Args:
            environ: The request's.
            operation: What it asks for.
            media_type: The type of the answer that it gets.
        """
        sent = _sent(environ)
        if sent is None or sent in self._known or not operation.is_lasting:
            return
        size = _size(sent, operation)
        if size > LONGEST:
            return
        self._known[sent] = operation, media_type
        self._size += size
        while self._size > KEPT:
            oldest, (other, _) = self._known.popitem(last=False)
            self._size -= _size(oldest, other)

    def find(
        self, environ: dict[str, Any]
    ) -> Callable[[Visitor], Reply | None] | None:
        """Return what answers a request, if it is known."""
        sent = _sent(environ)
        if sent is None or sent not in self._known:
            return None
        self._known.move_to_end(sent)
        return partial(self._give, *self._known[sent])

    def _give(
        self, operation: Operation, media_type: str, visitor: Visitor
    ) -> Reply | None:
        """Return the answer, if it is there and the visitor may have it."""
        if not self._engine.may(operation, visitor.known):
            return None
        answer = self._engine.find(operation, visitor.known)
        if answer is None:
            return None
        return reply(answer, media_type, is_read(visitor.environ))


def reply(answer: Answer, media_type: str, is_kept: bool) -> Reply:
    """Return the answer to an operation, as HTTP has it.

    Args:
        answer: The answer.
        media_type: Its type.
        is_kept: The client may keep it, if it lasts.
    """
    content_type = f'{media_type}; charset=utf-8'
    if not (is_kept and answer.lasting):
        return plain(answer.body, content_type, DROP)
    return tagged(
        answer.body, content_type, answer.tag + MARKS.get(media_type, OTHER))


def _sent(environ: dict[str, Any]) -> Sent | None:
    """Return all of a request by which the view tells what is asked for."""
    accept = environ.get('HTTP_ACCEPT', '')
    query = environ.get('QUERY_STRING', '')
    if is_read(environ):
        return accept, query
    stream = environ['wsgi.input']
    if environ['REQUEST_METHOD'] != 'POST' or type(stream) is not BytesIO:
        return None
    return accept, query, environ.get('CONTENT_TYPE', ''), stream.getvalue()


def _size(sent: Sent, operation: Operation) -> int:
    return OVERHEAD + sum(map(len, sent)) + len(operation.key[0])
