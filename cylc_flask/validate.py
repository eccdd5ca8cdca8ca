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
be stored and stop it later. Each check names what is wrong.
"""

from __future__ import annotations

from typing import Any

from metomi.isodatetime.parsers import TimePointParser

from cylc.flow.cycling.loader import standardise_point_string
from cylc.flow.exceptions import CylcError
from cylc.flow.id import Tokens
from cylc_flask.errors import RequestError

#: Settings are no deeper than sections of sections.
MAX_DEPTH = 4


def text(name: str, value: Any) -> str:
    """Return a text which can be logged, stored and given to a job.

    Args:
        name: What it is, for the error.
        value: Anything.

    Raises:
        RequestError: It is no such text.
    """
    if not isinstance(value, str):
        raise RequestError(f'{name} must be a text, not {value!r:.80}')
    if not _storable(value):
        raise RequestError(
            f'{name} has characters which are none: {value!r:.80}'
        )
    return value


def _storable(value: str) -> bool:
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
        raise RequestError(f'{name} must be a list, not {value!r:.80}')
    return [text(name, item) for item in value]


def point(name: str, value: Any) -> str:
    """Return a cycle point in the form of the workflow.

    Raises:
        RequestError: It is none.
    """
    value = text(name, value)
    try:
        standard = standardise_point_string(value)
    except (CylcError, ValueError, OverflowError) as exc:
        raise RequestError(
            f'{name} is not a cycle point: {value!r:.80}'
        ) from exc
    if not standard:
        raise RequestError(f'{name} is not a cycle point: {value!r:.80}')
    return str(standard)


def task_job(value: Any) -> str:
    """Return a job's id, ``POINT/NAME/NN``.

    Raises:
        RequestError: It is none.
    """
    value = text('task_job', value)
    problem = f'task_job is not POINT/NAME/NUMBER: {value!r:.80}'
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

    Raises:
        RequestError: It is none.
    """
    if value is None:
        return None
    checked = text('event_time', value)
    date_time('event_time', checked)
    return checked


def date_time(name: str, value: str) -> float:
    """Return a date and time in seconds since 1970.

    Raises:
        RequestError: It is not ISO 8601.
    """
    try:
        parsed = TimePointParser().parse(value)
        return float(parsed.seconds_since_unix_epoch)
    except Exception as exc:  # the parser fails in many ways
        raise RequestError(
            f'{name} is not an ISO 8601 date and time: {value!r:.80}'
        ) from exc


def messages(value: Any) -> list[tuple[str, str]]:
    """Return the messages of a job, pairs of severity and text.

    Raises:
        RequestError: They are none.
    """
    if not isinstance(value, list):
        raise RequestError(
            f'messages must be a list of pairs, not {value!r:.80}'
        )
    pairs = []
    for item in value:
        if not isinstance(item, (list, tuple)) or len(item) != 2:
            raise RequestError(
                f'messages must be pairs of severity and text: {item!r:.80}'
            )
        pairs.append((text('severity', item[0]), text('message', item[1])))
    return pairs


def settings(value: Any) -> tuple[list[Any], list[Any]]:
    """Divide broadcast settings into usable and bad ones.

    Args:
        value: A list of nested sections, or one such section.

    Raises:
        RequestError: It is not even that.
    """
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        raise RequestError(
            f'settings must be a list of sections, not {value!r:.80}'
        )
    good: list[Any] = []
    bad: list[Any] = []
    for item in value:
        usable = isinstance(item, dict) and item and _is_section(item, 1)
        (good if usable else bad).append(item)
    return good, bad


def _is_section(section: dict[Any, Any], depth: int) -> bool:
    return depth <= MAX_DEPTH and all(
        isinstance(key, str) and _storable(key) and (
            _is_section(value, depth + 1) if isinstance(value, dict)
            else isinstance(value, str) and _storable(value)
        )
        for key, value in section.items()
    )


def cancel_settings(value: Any) -> list[Any]:
    """Return the settings to cancel; their values do not matter.

    Raises:
        RequestError: They are not sections.
    """
    if not value:
        return []
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list) or not all(
        isinstance(item, dict) and _is_shape(item, 1) for item in value
    ):
        raise RequestError(
            f'cancel_settings must be a list of sections, not {value!r:.80}'
        )
    return value


def _is_shape(section: dict[Any, Any], depth: int) -> bool:
    return depth <= MAX_DEPTH and all(
        isinstance(key, str) and _storable(key) and (
            not isinstance(value, dict) or _is_shape(value, depth + 1)
        )
        for key, value in section.items()
    )
