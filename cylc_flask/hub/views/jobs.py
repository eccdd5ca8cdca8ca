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
"""The life cycle of workflows: orders, the jobs they become, and sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from time import monotonic
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, g, request
import orjson

from cylc_flask.auth import gate
from cylc_flask.errors import NotFound, RequestError
from cylc_flask.hub import site
from cylc_flask.hub.audit import OK, SCAN
from cylc_flask.hub.life import options
from cylc_flask.hub.life.jobs import Job
from cylc_flask.hub.life.options import Option
from cylc_flask.hub.life.orders import Orders, Sender
from cylc_flask.hub.life.steps import Wish
from cylc_flask.hub.views import output
from cylc_flask.privilege import Privilege, requires
from cylc_flask.validate import shown, text, texts
from cylc_flask.views import current
from cylc_flask.views.stream import STREAM

EXTENSION = 'cylc_flask_orders'

READ: dict[str, Any] = {
    'methods': ('GET', 'HEAD'), 'provide_automatic_options': False,
}
CHANGE: dict[str, Any] = {
    'methods': ('POST',), 'provide_automatic_options': False,
}

#: What an order consists of.
KEYS = {'command', 'options', 'steps', 'workflows', 'source', 'confirm'}
STEP_KEYS = {'command', 'options'}

#: How long (seconds) somebody who asks for it waits for a scan.
SCANNED = 30.0

bp = Blueprint('jobs', __name__)


def init_app(app: Flask, orders: Orders) -> None:
    """Take orders in the hub's application."""
    app.extensions[EXTENSION] = orders
    app.register_blueprint(bp)


@bp.route('/jobs', **CHANGE)
@requires(Privilege.NONE)
def order() -> Response:
    """Order something for one or several workflows: a job for each.

    With ``?wait=SECONDS`` the answer comes when they have ended, or then.
    """
    gate.check_change()
    seconds = _seconds()
    wanted = _object(_body(), KEYS, 'The order')
    jobs = _orders().give(
        sender(), _wishes(wanted),
        texts('workflows', wanted.get('workflows') or []),
        text('source', wanted.get('source') or ''),
        texts('confirm', wanted.get('confirm') or []),
    )
    _wait(jobs, seconds)
    return _answer({'order': jobs[0].order, 'jobs': _shown(jobs)}, 202)


@bp.route('/jobs', **READ)
@requires(Privilege.NONE)
def jobs() -> Response:
    """Return the jobs that the caller may see, the oldest first.

    With ``?workflow=NAME`` those for one workflow.
    """
    name = request.args.get('workflow')
    return _answer({'jobs': _shown([
        job for job in _orders().all(sender())
        if name is None or job.workflow == name
    ])})


@bp.route('/jobs/<id_>', **READ)
@requires(Privilege.NONE)
def job(id_: str) -> Response:
    """Return a job; with ``?wait=SECONDS`` when it has ended, or then."""
    found = _orders().find(sender(), id_)
    _wait([found], _seconds())
    return _answer(_orders().find(sender(), id_).as_dict())


@bp.route('/jobs/<id_>/output', **READ)
@requires(Privilege.NONE)
def job_output(id_: str) -> Response:
    """Return what a job has written, ``?since=`` a place in it.

    Where a stream of events is asked for, it goes on until the job ends.
    """
    found = _orders().find(sender(), id_)
    since = _number('since', request.args.get('since', '0'))
    if STREAM in request.accept_mimetypes.values():
        last = request.headers.get('Last-Event-ID', '')
        if last:
            since = _number('Last-Event-ID', last)
        who, orders = sender(), _orders()
        return output.stream(found, since, lambda: orders.sees(who, found))
    piece = found.output.since(since)
    return Response(
        piece.text, content_type='text/plain; charset=utf-8', headers={
            'Cache-Control': 'no-store',
            'Cylc-Job-State': str(found.state),
            'Cylc-Output-Next': str(piece.next),
            'Cylc-Output-Missed': str(piece.missed),
        })


@bp.route('/jobs/<id_>/cancel', **CHANGE)
@requires(Privilege.NONE)
def cancel(id_: str) -> Response:
    """Take a job out of the queue, or end its command."""
    gate.check_change()
    return _answer(_orders().cancel(sender(), id_).as_dict())


@bp.route('/sources', **READ)
@requires(Privilege.NONE)
def sources() -> Response:
    """Return the names of what the caller may install or validate."""
    return _answer({'sources': _orders().sources(sender())})


@bp.route('/options/<command>', **READ)
@requires(Privilege.NONE)
def options_of(command: str) -> Response:
    """Return the options of a command, which an order may set."""
    if command not in options.PARSERS:
        raise NotFound(
            f'There is no command {shown(command)}: there are'
            f' {", ".join(sorted(options.PARSERS))}.')
    return _answer({
        'command': command,
        'options': [_option(each) for each in options.of(command).values()],
        'withheld': options.WITHHELD,
    })


@bp.route('/scan', **CHANGE)
@requires(Privilege.NONE)
def scan() -> Response:
    """Look at once which workflows there are; answer when that is done."""
    gate.check_change()
    hub = site.site()
    done = hub.wait(hub.discovery.scan(), SCANNED)
    site.note(SCAN, outcome=OK)
    return _answer({'done': done})


def sender() -> Sender:
    """Return who is calling."""
    return Sender(site.person(), g.visitor.address)


def _orders() -> Orders:
    return cast(Orders, current_app.extensions[EXTENSION])


def _answer(result: Any, status: int = 200) -> Response:
    answer = current.json(result)
    answer.status_code = status
    answer.headers['Cache-Control'] = 'no-store'
    return answer


def _shown(some: Sequence[Job]) -> list[dict[str, Any]]:
    return [each.as_dict() for each in some]


def _option(option: Option) -> dict[str, Any]:
    return asdict(option)


def _wait(some: Sequence[Job], seconds: float) -> None:
    """Wait for the end of jobs, for a while at most."""
    end = monotonic() + seconds
    for each in some:
        each.wait(max(0.0, end - monotonic()))


def _seconds() -> float:
    """Return how long the caller wants to wait.

    Raises:
        RequestError: That is no number, or more than is allowed.
    """
    most = current.config().limits.wait
    given = request.args.get('wait', '0')
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not isfinite(seconds) or not 0 <= seconds <= most:
        raise RequestError(
            f'wait must be a number of seconds, 0 to {most:g}, not'
            f' {shown(given)}')
    return seconds


def _number(name: str, given: str) -> int:
    """Return a place in some output.

    Raises:
        RequestError: It is none.
    """
    if not (given.isascii() and given.isdigit() and len(given) < 16):
        raise RequestError(f'{name} must be a number, not {shown(given)}')
    return int(given)


def _body() -> Any:
    """Return what was sent.

    Raises:
        RequestError: It is no JSON; forms of web pages end here.
    """
    if request.mimetype != current.JSON:
        raise RequestError(f'Orders are {current.JSON}.', 415)
    try:
        return orjson.loads(request.get_data())
    except ValueError as exc:
        raise RequestError(f'The order is no JSON: {exc}') from exc


def _object(value: Any, keys: set[str], what: str) -> dict[str, Any]:
    """Return an object, if it has no other keys than these.

    Raises:
        RequestError: It is none, or has.
    """
    if not isinstance(value, dict):
        raise RequestError(f'{what} must be an object, not {shown(value)}')
    odd = value.keys() - keys
    if odd:
        raise RequestError(
            f'{what} has {", ".join(map(shown, sorted(odd)))}: there are'
            f' {", ".join(sorted(keys))}')
    return value


def _wishes(wanted: dict[str, Any]) -> list[Wish]:
    """Return the commands of an order, with their options.

    Raises:
        RequestError: There are none.
    """
    steps = wanted.get('steps')
    if steps is None:
        steps = [{
            key: wanted[key] for key in sorted(STEP_KEYS) if key in wanted}]
    elif STEP_KEYS & wanted.keys():
        raise RequestError('An order has steps, or one command.')
    if not isinstance(steps, list) or not steps:
        raise RequestError(f'steps must be a list, not {shown(steps)}')
    return [_wish(_object(step, STEP_KEYS, 'A step')) for step in steps]


def _wish(step: dict[str, Any]) -> Wish:
    given = step.get('options')
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise RequestError(f'options must be an object, not {shown(given)}')
    return text('command', step.get('command')), given
