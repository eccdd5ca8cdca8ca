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
"""What goes to the scheduler, checked before it can do harm there.

cylc-flow trusts those who reach its queues: some values would stop it, or
be stored and stop it later. Each check names what is wrong. Broadcast
settings have a module of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
import reprlib
from typing import TYPE_CHECKING, Any

from metomi.isodatetime.parsers import TimePointParser

from cylc.flow.cycling.iso8601 import point_parse
from cylc.flow.cycling.loader import DefaultCycler, standardise_point_string
from cylc.flow.exceptions import CylcError
from cylc.flow.id import Tokens
from cylc.flow.task_outputs import (
    TASK_OUTPUT_SUBMIT_FAILED,
    TASK_OUTPUT_SUBMITTED,
)
from cylc.flow.wallclock import get_unix_time_from_time_string
from cylc_flask.errors import RequestError

if TYPE_CHECKING:
    from cylc_flask.replica.side import Side

#: How much of a bad value is shown, in characters.
SHOWN = 80

#: No date or time is longer, in characters. Cylc would look at each of a
#: million with the patience of a parser.
MAX_DATE = 100

#: Times are between these, in seconds since 1970: until 2200. Cylc adds
#: run times to them and writes the sum as a date.
EARLIEST, LATEST = 0, 7_258_118_400

#: What the scheduler says to itself about a job. From a client, about a
#: task that is no longer in the pool, it ends the scheduler.
SUBMISSION = frozenset({TASK_OUTPUT_SUBMITTED, TASK_OUTPUT_SUBMIT_FAILED})

#: How many cycles ahead of the workflow a task may be, and in which year.
#: Cylc counts the points of a sequence of dates one by one, in its main
#: loop; where its calendar ends, so does the scheduler.
MAX_CYCLES = 5_000
MAX_YEAR = 9_900

_parse_date: Any = point_parse
_cylc_seconds: Any = get_unix_time_from_time_string

_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = SHOWN


def shown(value: Any) -> str:
    """Return a value's repr, in short however large or deep it is.

    Examples:
        >>> shown('no')
        "'no'"
        >>> len(shown('x' * 1000)), shown([[[[[[[[]]]]]]]])
        (80, '[[[[[[...]]]]]]')
    """
    try:
        return _repr.repr(value)[:SHOWN]
    except ValueError:  # a number of more digits than Python writes
        return f'<{type(value).__name__}>'


def text(name: str, value: Any) -> str:
    """Return a text which can be logged, stored and given to a job.

    Args:
        name: What it is, for the error.
        value: Anything.

    Raises:
        RequestError: It is no such text.
    """
    if not isinstance(value, str):
        raise RequestError(f'{name} must be a text, not {shown(value)}')
    if not is_storable(value):
        raise RequestError(
            f'{name} has characters which are none: {shown(value)}'
        )
    return value


def event_id(value: Any) -> str:
    """Return what tells an external event from others of its kind.

    Cylc writes it into the scripts of jobs between double quotes, where a
    shell would carry out a part of it, or at the home of a user, unquoted.

    Raises:
        RequestError: It is no text on one line, or means something to a shell.
    """
    id_ = text('event_id', value)
    if (
        not id_.isprintable()
        or id_.startswith('~')
        or set(id_) & set('"$`\\')
    ):
        raise RequestError(
            'event_id must be one line without any of " $ ` \\ and without ~'
            f' at its beginning, not {shown(value)}'
        )
    return id_


def is_storable(value: str) -> bool:
    """Tell whether a text can be written to a database, or to a job."""
    return '\0' not in value and not any(
        '\ud800' <= char <= '\udfff' for char in value
    )


def texts(name: str, value: Any) -> list[str]:
    """Return a list of texts, made of one text or several.

    Raises:
        RequestError: It is none.
    """
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise RequestError(f'{name} must be a list, not {shown(value)}')
    return [text(name, item) for item in value]


def point(name: str, value: Any) -> str:
    """Return a cycle point in the form of the workflow.

    Raises:
        RequestError: It is none.
    """
    value = text(name, value)
    try:
        if len(value) > MAX_DATE:
            raise ValueError('too long')
        standard = _standard(value)
    except (CylcError, ValueError, OverflowError) as exc:
        raise RequestError(
            f'{name} is not a cycle point: {shown(value)}'
        ) from exc
    if not standard:
        raise RequestError(f'{name} is not a cycle point: {shown(value)}')
    return str(standard)


def _standard(value: str) -> Any:
    """Return a point as Cylc writes it; as it is, where Cylc cannot know.

    That is in a process which runs no workflow. Whoever does looks again.
    """
    if hasattr(DefaultCycler, 'TYPE'):
        return standardise_point_string(value)
    if not _is_whole(value):
        TimePointParser().parse(value)
    return value


def _is_whole(value: str) -> bool:
    """Tell whether a text is a whole number, as a point may be."""
    digits = value[1:] if value[:1] in ('+', '-') else value
    return digits.isascii() and digits.isdigit()


def within_reach(
    task: str,
    side: Side,
    parse: Callable[[str], Any] = _parse_date,
    step: float | None = None,
) -> None:
    """Refuse a task so far in the future that Cylc would choke on it.

    Args:
        task: ``POINT/NAME``; what is a pattern can mean no such task, and
            what is no date Cylc refuses by itself.
        side: Tells how far the workflow is.
        parse: Reads a date of it.
        step: Seconds between dates, where nobody has told.
    """
    step = side.definition.shortest_step or step
    origin = side.runahead_point or side.definition.initial_point
    if step is None:
        return
    try:
        point = parse(task.partition('/')[0])
        distance = (point - parse(origin)).get_seconds()
    except (CylcError, ValueError, TypeError):
        return
    if distance > 0 and (
        distance > step * MAX_CYCLES or point.year > MAX_YEAR
    ):
        raise RequestError(
            f'{shown(task)} is too far in the future: more than {MAX_CYCLES}'
            f' cycles after {origin}, or near the end of the calendar.'
        )


def task_job(value: Any) -> str:
    """Return a job's id, ``POINT/NAME/NN``.

    Raises:
        RequestError: It is none.
    """
    value = text('task_job', value)
    problem = f'task_job is not POINT/NAME/NUMBER: {shown(value)}'
    try:
        tokens = Tokens(value, relative=True)
    except ValueError as exc:
        raise RequestError(problem) from exc
    cycle, task, job = tokens['cycle'], tokens['task'], tokens['job']
    if not (cycle and task and job) or not _is_submit_number(job):
        raise RequestError(problem)
    cycle = point('task_job', cycle)
    return f'{cycle}/{task}/{int(job):02d}'


def _is_submit_number(job: str) -> bool:
    return (
        job.isascii() and job.isdigit() and len(job) <= 9 and int(job) >= 1
    )


def event_time(value: Any) -> str | None:
    """Return the time of a message, ISO 8601, or None.

    Cylc reads one form only, and its main loop ends where it meets another;
    times in other forms are put into that one.

    Raises:
        RequestError: It is none.
    """
    if value is None:
        return None
    checked = text('event_time', value)
    seconds = date_time('event_time', checked)
    try:
        _cylc_seconds(checked)
    except Exception:  # it fails in many ways
        date = datetime.fromtimestamp(seconds, UTC)
        return date.strftime('%Y-%m-%dT%H:%M:%SZ')
    return checked


def date_time(name: str, value: str) -> float:
    """Return a date and time in seconds since 1970.

    Raises:
        RequestError: It is not ISO 8601, or in another age.
    """
    try:
        if len(value) > MAX_DATE:
            raise ValueError('too long')
        parsed = TimePointParser().parse(value)
        seconds = float(parsed.seconds_since_unix_epoch)
    except Exception as exc:  # the parser fails in many ways
        raise RequestError(
            f'{name} is not an ISO 8601 date and time: {shown(value)}'
        ) from exc
    if not EARLIEST <= seconds < LATEST:
        raise RequestError(
            f'{name} is not between the years 1970 and 2199: {shown(value)}'
        )
    return seconds


def messages(value: Any) -> list[tuple[str, str]]:
    """Return the messages of a job, pairs of severity and text.

    Raises:
        RequestError: They are none.
    """
    if not isinstance(value, list):
        raise RequestError(
            f'messages must be a list of pairs, not {shown(value)}'
        )
    pairs = []
    for item in value:
        if not isinstance(item, (list, tuple)) or len(item) != 2:
            raise RequestError(
                f'messages must be pairs of severity and text: {shown(item)}'
            )
        pairs.append((text('severity', item[0]), _message(item[1])))
    return pairs


def _message(value: Any) -> str:
    message = text('message', value)
    if message in SUBMISSION:
        raise RequestError(
            f'The message {message!r} is not for jobs to send: the scheduler'
            ' knows of submissions by itself.'
        )
    return message
