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
"""The logs of jobs and of the scheduler, whole and in parts.

What is sent of a file is what it had when the request came: it may grow
meanwhile, and be gone afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import formatdate
import mimetypes
from pathlib import Path
import re
import time
from typing import Any, Callable
from urllib.parse import quote

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    request,
)

from cylc_flask.auth import gate
from cylc_flask.errors import NotFound, RequestError
from cylc_flask.line_numbers import LineNumbers
from cylc_flask.logs import PIECE, Folder, Log, find
from cylc_flask.pace import NAP
from cylc_flask.privilege import Privilege, requires
from cylc_flask.spans import Span, span_of
from cylc_flask.views import current, web

EXTENSION = 'cylc_flask_logs'

METHODS = ('GET', 'HEAD')

TEXT = 'text/plain; charset=utf-8'

#: Answers up to this size (bytes) are read before the first byte is sent.
AT_ONCE = 4 * PIECE

#: After so many pieces of a page others get a turn: there are some to a file.
TURN = 2_000

#: A file changed less than so many seconds ago may change once more and
#: bear the same date.
FRESH = 2

#: A browser shows text and runs nothing; proxies leave the bytes alone.
HEADERS = {
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'private, no-cache, no-transform',
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'X-Content-Type-Options': 'nosniff',
}

bp = Blueprint('logs', __name__)


def init_app(app: Flask) -> None:
    """Serve the logs from an application."""
    sleep = app.extensions['cylc_flask'].sleep
    app.extensions[EXTENSION] = LineNumbers(lambda: sleep(NAP))
    app.register_blueprint(bp)


@bp.route(
    '/logs', methods=METHODS, provide_automatic_options=False,
    defaults={'id_': ''},
)
@bp.route('/logs/<path:id_>', methods=METHODS, provide_automatic_options=False)
@gate.for_browsers
@requires(Privilege.FULL_READ)
def show(id_: str) -> Response:
    """Return a log, or what is in a folder of logs."""
    run_dir = current.workflow().store.side.definition.run_dir
    try:
        found = find(Path(run_dir, 'log'), id_)
    except NotFound:
        if 'empty' not in request.args:
            raise
        found = Folder(id_, [], [])
    if isinstance(found, Folder):
        return _list(found)
    try:
        answer = _answer(found)
    except BaseException:
        found.close()
        raise
    if answer.is_streamed:
        answer.call_on_close(found.close)
    else:
        found.close()
    return answer


def _list(folder: Folder) -> Response:
    """Return what is in a folder, as JSON unless it is for people."""
    best = request.accept_mimetypes.best_match(
        ('application/json', 'text/html'))
    if best == 'text/html':
        last = quote(request.path.rpartition('/')[2])
        above = '../' * (request.path.count('/') - 1) or './'
        answer = Response(_page(
            folder=folder, base=f'./{last}/' if last else './',
            above=above, static=f'{above}static/{web.files().hash}',
        ), content_type=web.HTML)
    else:
        answer = current.json(folder._asdict())
    answer.headers['Cache-Control'] = 'no-store'
    answer.headers['Vary'] = 'Accept'
    return answer


def _page(**values: Any) -> str:
    """Return a page, and let others go on while a long one is made."""
    template = current_app.jinja_env.get_template('logs.html')
    stream = template.stream(**values)
    stream.enable_buffering(TURN)
    sleep, parts = current.services().sleep, []
    for part in stream:
        parts.append(part)
        sleep(NAP)
    return ''.join(parts)


def _answer(log: Log) -> Response:
    """Return what was asked for of a file."""
    if _is_known(log):
        return _dress(Response(status=304), log)
    if 'tail' in request.args or 'line' in request.args:
        return _part(log)
    span = None
    if request.method == 'GET' and _is_range_wanted(log):
        span = span_of(request.headers['Range'], log.size)
    if span is None:
        return _send(log, Span(0, log.size))
    answer = _send(log, span)
    answer.status_code = 206
    answer.headers['Content-Range'] = span.told(log.size)
    return answer


def _is_known(log: Log) -> bool:
    """Return True if the client has the file as it is."""
    if 'If-None-Match' in request.headers:
        return request.if_none_match.contains_weak(log.version)
    since = request.if_modified_since
    return (
        since is not None
        and int(log.modified) <= since.timestamp()
        and _is_settled(log)
    )


def _is_settled(log: Log) -> bool:
    """Return True if no other content of a file can have the same date."""
    return time.time() - log.modified >= FRESH


def _is_range_wanted(log: Log) -> bool:
    """Return True if a range is asked for, and of this very file."""
    if 'Range' not in request.headers:
        return False
    if 'If-Range' not in request.headers:
        return True
    wanted = request.if_range
    if wanted.date is not None:
        return (
            wanted.date.timestamp() == int(log.modified)
            and _is_settled(log)
        )
    # A weak one is no promise that the bytes are the same.
    return request.headers['If-Range'].strip() == f'"{log.version}"'


def _part(log: Log) -> Response:
    """Return the end of a file, or what begins at a line, in whole lines."""
    lines: LineNumbers = current_app.extensions[EXTENSION]
    number: int | None = None
    if 'tail' in request.args:
        start = _line_after(log, log.size - _number('tail'))
        if 'number' in request.args:
            number = lines.number_at(log, start)
    else:
        start = lines.start_of(log, _number('line'))
        number = lines.number_at(log, start)
    size = max(0, log.size - start)
    if 'most' in request.args:
        size = min(size, _number('most'))
    answer = _send(log, Span(start, start + size))
    answer.headers['Cylc-Log-Offset'] = str(start)
    answer.headers['Cylc-Log-Size'] = str(log.size)
    if number is not None:
        answer.headers['Cylc-Log-Line'] = str(number)
    return answer


def _number(name: str) -> int:
    """Return an argument that is a number.

    Raises:
        RequestError: It is none.
    """
    text = request.args[name]
    if not re.fullmatch('[0-9]{1,18}', text):
        raise RequestError(f'{name} has to be a number, not {text!r:.40}.')
    return int(text)


def _line_after(log: Log, offset: int) -> int:
    """Return where the next line begins, if that is not far away."""
    if offset <= 0:
        return 0
    found = log.read(offset - 1, PIECE).find(b'\n')
    return offset if found < 0 else offset + found


def _send(log: Log, span: Span) -> Response:
    """Return a part of a file, read at once if it is small."""
    if request.method == 'HEAD':
        answer = Response()
    elif span.size <= AT_ONCE:
        answer = Response(b''.join(log.pieces(*span)))
    else:
        answer = Response(_stream(log, span, current.services().sleep))
    answer.headers['Content-Length'] = str(span.size)
    answer.headers['Content-Type'] = TEXT
    packed = mimetypes.guess_type(log.name)[1]
    if packed:
        answer.headers['Content-Type'] = 'application/octet-stream'
    if packed or 'download' in request.args:
        answer.headers.set(
            'Content-Disposition', 'attachment', filename=_file_name(log.id))
    return _dress(answer, log)


def _stream(
    log: Log, span: Span, sleep: Callable[[float], object]
) -> Iterator[bytes]:
    """Yield a part of a file, and let others go on in between."""
    for piece in log.pieces(*span):
        yield piece
        sleep(NAP)


def _file_name(id_: str) -> str:
    """Return a name under which nothing is in the way of a log.

    Examples:
        >>> _file_name('1/foo/01/job.out')
        '1-foo-01-job.out'
    """
    return re.sub(r'[^A-Za-z0-9_.+@-]', '_', id_.replace('/', '-'))


def _dress(answer: Response, log: Log) -> Response:
    """Say which file it is, and what may be done with it."""
    answer.headers.update(HEADERS)
    answer.headers['ETag'] = f'"{log.version}"'
    answer.headers['Last-Modified'] = formatdate(log.modified, usegmt=True)
    answer.headers['Cylc-Log-ID'] = log.identity
    return answer
