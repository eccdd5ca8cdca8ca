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
"""The audit log, for those who may read it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, request

from cylc_flask.errors import CylcFlaskError, Forbidden, RequestError
from cylc_flask.hub import audit_query, site
from cylc_flask.hub.audit import LONGEST, OUTCOMES, Record
from cylc_flask.hub.audit_query import Query
from cylc_flask.operations import AUDIT
from cylc_flask.privilege import Privilege, requires
from cylc_flask.views import current

#: What can be asked for, as it is.
WORDS = ('user', 'workflow', 'operation', 'outcome')

#: What can be asked for, as a time.
TIMES = ('since', 'until')

#: No more records are told at once.
MOST = 10_000

bp = Blueprint('audit', __name__)


def init_app(app: Flask) -> None:
    """Add the view to the hub's application."""
    app.register_blueprint(bp)


@bp.route('/audit', methods=('GET',), provide_automatic_options=False)
@requires(Privilege.NONE)
def audit() -> Response:
    """Return the latest records which the caller may read.

    They can be chosen by user, workflow (a glob), operation and outcome, from
    a time (``since``) to another (``until``).
    """
    hub, person = site.site(), site.person()
    query = _query()
    powers = hub.people.powers(person)
    if not _may_read_any(powers, hub.flows.names):
        reason = powers.may(AUDIT, '').reason
        raise Forbidden(f'{reason[:1].upper()}{reason[1:]}.')

    def is_permitted(record: Record) -> bool:
        return bool(powers.may(AUDIT, record.workflow))
    records = hub.aside(
        lambda: audit_query.search(hub.directory, query, is_permitted))
    answer = current.json([vars(record) for record in records])
    answer.headers['Cache-Control'] = 'no-store'
    return answer


def _may_read_any(powers: Any, names: frozenset[str]) -> bool:
    return bool(powers.may(AUDIT, '')) or any(
        powers.may(AUDIT, name) for name in names)


def _query() -> Query:
    """Return what is asked for.

    Raises:
        RequestError: It makes no sense.
    """
    arguments = request.args
    for name in arguments:
        if name not in (*WORDS, *TIMES, 'limit'):
            raise RequestError(f'There is no argument {name:.80}.')
    chosen = {name: arguments.get(name, '') for name in WORDS}
    for name, text in chosen.items():
        if len(text) > LONGEST:
            raise RequestError(f'{name} is too long.')
    if chosen['outcome'] not in ('', *OUTCOMES):
        raise RequestError(f'outcome must be one of {", ".join(OUTCOMES)}.')
    limit = arguments.get('limit', '100')
    if not (limit.isdecimal() and len(limit) < 9
            and 0 < int(limit) <= MOST):
        raise RequestError(f'limit must be a number from 1 to {MOST}.')
    try:
        times = {
            name: audit_query.when(arguments[name])
            for name in TIMES if arguments.get(name)
        }
    except CylcFlaskError as exc:
        raise RequestError(str(exc)) from exc
    return Query(**chosen, **times, limit=int(limit))
