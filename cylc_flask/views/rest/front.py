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
"""Short reads, which Flask is not needed for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, cast

from cylc_flask.views.front import Source, is_read

if TYPE_CHECKING:
    from cylc_flask.auth.gate import View
    from cylc_flask.auth.login import Visitor
    from cylc_flask.views.reply import Reply
    from cylc_flask.views.rest.endpoint import Endpoint, Endpoints
    from cylc_flask.workflows import Workflow


@dataclass(frozen=True)
class Read:
    """What depends on nothing but the workflow.

    Args:
        flow: The workflow.
        endpoint: What answers.
        view: The same, with the labels that the gate reads.
    """

    flow: Workflow
    endpoint: Endpoint
    view: View

    def find(
        self, environ: dict[str, Any]
    ) -> Callable[[Visitor], Reply] | None:
        """Return what answers a request that says nothing more."""
        if is_read(environ) and not environ.get('QUERY_STRING'):
            return self._give
        return None

    def _give(self, visitor: Visitor) -> Reply:
        flow, endpoint, environ = self.flow, self.endpoint, visitor.environ
        endpoint.note(flow, environ)
        return cast('Reply', flow.made(
            f'reply {endpoint.name}',
            lambda _: endpoint.reply(self.view(flow), is_read=True),
        ))


def sources(flow: Workflow, endpoints: Endpoints) -> dict[str, Source]:
    """Return what can be answered without Flask, by path."""
    return {
        f'{mount}/{name}{end}': Read(flow, endpoint, endpoint.plain)
        for name, endpoint in endpoints.by_name.items() if endpoint.plain
        for mount in ('', '/id') for end in ('', '/')
    }
