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
"""Which application a request is for: the hub's own, or a workflow's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: What the paths of workflows begin with.
BELOW = '/workflows/'

#: A name has no more parts; nobody has us look for more.
DEPTH = 32


class Dispatcher:
    """Hands a request to the application of the workflow in its path.

    Names have slashes; the longest that is known is taken. To an application
    it looks as if it were the only one: its path begins after the name.

    Args:
        hub: Takes what is about no workflow.
        find: Returns the application of a workflow, None if there is none of
            that name.
        nowhere: Takes what is about a workflow that is not there.
        is_stranger: Tells who gets the same whether it is there or not, and
            shall not even learn by the time that takes.
    """

    def __init__(
        self,
        hub: WSGIApplication,
        find: Callable[[str], WSGIApplication | None],
        nowhere: WSGIApplication,
        is_stranger: Callable[[WSGIEnvironment], bool] = lambda environ: False,
    ) -> None:
        self._hub = hub
        self._find = find
        self._nowhere = nowhere
        self._is_stranger = is_stranger

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a request."""
        path: str = environ['PATH_INFO']
        if not path.startswith(BELOW):
            return self._hub(environ, start_response)
        if self._is_stranger(environ):
            return self._nowhere(environ, start_response)
        parts = path[len(BELOW):].split('/')
        for number in range(min(len(parts), DEPTH), 0, -1):
            start = '/'.join(parts[:number])
            app = self._find(_text(start))
            if app is not None:
                _enter(environ, BELOW + start)
                return app(environ, start_response)
        return self._nowhere(environ, start_response)


def _enter(environ: WSGIEnvironment, start: str) -> None:
    environ['SCRIPT_NAME'] = environ.get('SCRIPT_NAME', '') + start
    environ['PATH_INFO'] = environ['PATH_INFO'][len(start):]


def _text(path: str) -> str:
    """Return what a WSGI string means."""
    return path.encode('latin-1').decode(errors='replace')
