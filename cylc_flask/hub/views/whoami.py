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
"""What one may do in the hub, and why not."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request

from cylc_flask.errors import RequestError
from cylc_flask.hub import site
from cylc_flask.operations import NEEDED
from cylc_flask.privilege import Privilege, requires
from cylc_flask.views import current

bp = Blueprint('whoami', __name__)


def init_app(app: Flask) -> None:
    """Add the view to the hub's application."""
    app.register_blueprint(bp)


@bp.route('/whoami', methods=('GET',), provide_automatic_options=False)
@requires(Privilege.NONE)
def whoami() -> Response:
    """Return who is calling and what they may do with which workflow.

    With ``?operation=`` and perhaps ``&workflow=`` it is decided about one
    thing, with the reason.
    """
    if 'operation' in request.args:
        result = _decision()
    else:
        hub = site.site()
        result = hub.people.whoami(site.person(), hub.flows.names)
    answer = current.json(result)
    answer.headers['Cache-Control'] = 'no-store'
    return answer


def _decision() -> dict[str, object]:
    operation = request.args['operation']
    workflow = request.args.get('workflow', '')
    if operation not in NEEDED:
        raise RequestError(f'operation must be one of {", ".join(NEEDED)}.')
    decision = site.decide(operation, workflow)
    return {
        'operation': operation,
        'workflow': workflow,
        'allowed': decision.allowed,
        'reason': decision.reason,
    }
