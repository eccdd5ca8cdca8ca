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
"""Broadcast settings, checked for what Cylc takes and cannot live with.

Cylc looks at the form of a setting. What it makes of the value comes later,
in its main loop, where nobody catches what goes wrong; after a restart it
does the same again.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
import re
from typing import Any

from cylc.flow import LOG
from cylc.flow.cfgspec.workflow import SPEC
from cylc.flow.parsec.validate import BroadcastConfigValidator
from cylc_flask import validate
from cylc_flask.errors import RequestError
from cylc_flask.validate import is_storable, shown

Setting = dict[str, Any]

#: The names of a setting, those of its sections first.
Path = tuple[str, ...]

EVERY_POINT = '*'

#: Settings are no deeper than sections of sections.
MAX_DEPTH = 4

#: Lengths in characters, of names, of texts, and of lists of whatever:
#: Cylc's patterns take time by the square of the latter.
MAX_NAME = 255
MAX_TEXT = 100_000
MAX_LIST = 4_000

#: How many items a list has, those counted that ``N*ITEM`` stands for.
MAX_ITEMS = 1_000

DAY = 86_400.0

#: The longest durations, in seconds. What polls a job during its time limit
#: is made a list at its start.
LONGEST = 36_525 * DAY
LONGEST_JOB = 100 * DAY

#: How often a job may be polled, in seconds.
SHORTEST_POLL = 1.0

#: What no value of can be broadcast: when Cylc looks for a platform to which
#: it fits, it fails on all.
UNUSABLE = (('remote', 'retrieve job logs retry delays'),)

#: Durations which may not be left empty.
NEEDED = ('default run length', 'time limit buffer')

_runtime: Any = SPEC['runtime']['__MANY__']
_validator: Any = BroadcastConfigValidator

#: A number of repetitions.
_TIMES = re.compile(r'([\d_]+)\s*\*').findall


def settings(value: Any) -> tuple[list[Setting], list[Any]]:
    """Divide broadcast settings into usable and bad ones.

    Each usable one has one value: of several, Cylc would only write the
    first to its database, and lose the others at a restart.

    Args:
        value: A list of nested sections, or one such section.

    Raises:
        RequestError: It is not even that.
    """
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        raise RequestError(
            f'settings must be a list of sections, not {shown(value)}'
        )
    good: list[Setting] = []
    bad: list[Any] = []
    for item in value:
        if not (isinstance(item, dict) and item):
            bad.append(item)
            continue
        for path, text in _leaves(item):
            setting = _nested(path, text)
            (good if _is_usable(path, text) else bad).append(setting)
    return good, bad


def points(value: Any) -> tuple[list[str], list[str]]:
    """Divide the points to broadcast to into usable and bad ones.

    Cylc is only given what it can read: some texts stop it half-way.

    Raises:
        RequestError: They are no texts.
    """
    good: list[str] = []
    bad: list[str] = []
    for text in validate.texts('point_strings', value):
        try:
            good.append(
                text if text == EVERY_POINT else validate.point('', text)
            )
        except RequestError:
            bad.append(text)
    return good, bad


def cancel_settings(value: Any) -> list[Any]:
    """Return the settings to cancel; their values do not matter.

    Raises:
        RequestError: They are not sections, or name no setting: Cylc would
            take that for all settings.
    """
    if not value:
        return []
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list) or not all(
        isinstance(item, dict) and _names_settings(item) for item in value
    ):
        raise RequestError(
            f'cancel_settings must be a list of sections, not {shown(value)}'
        )
    return value


def _names_settings(item: Setting) -> bool:
    leaves = list(_leaves(item))
    return bool(leaves) and all(
        not isinstance(value, dict) and all(map(is_storable, path))
        for path, value in leaves
    )


def _leaves(section: Setting, above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the values in a section; one that is empty is a value too."""
    for name, value in section.items():
        path = (*above, name)
        if isinstance(value, dict) and value and len(path) < MAX_DEPTH:
            yield from _leaves(value, path)
        else:
            yield path, value


def _nested(path: Path, value: Any) -> Setting:
    """Return a setting of one value.

    Examples:
        >>> _nested(('environment', 'A'), '1')
        {'environment': {'A': '1'}}
    """
    for name in reversed(path):
        value = {name: value}
    setting: Setting = value
    return setting


def _is_usable(path: Path, value: Any) -> bool:
    try:
        _check(path, value)
    except Exception as exc:  # Cylc's validator fails in many ways
        LOG.error(f'Broadcast: {exc}')
        return False
    return True


def _check(path: Path, value: Any) -> None:
    """Refuse what Cylc would refuse, and what it should.

    Raises:
        ValueError: It is of ours, with the reason.
    """
    for name in path:
        if not 0 < len(name) <= MAX_NAME or not is_storable(name):
            raise ValueError(f'not a name: {shown(name)}')
        if not set('[]\n').isdisjoint(name):
            # Cylc could not read it from its database.
            raise ValueError(f'no name has brackets or lines: {shown(name)}')
    if not isinstance(value, str) or not is_storable(value):
        raise ValueError(f'not a text: {shown(value)}')
    if path in UNUSABLE:
        raise ValueError(f'this setting cannot be broadcast: {path[-1]}')
    kind = _kind(path)
    _check_length(kind, value)
    coerced = _coerce(path, value)
    if 'INTERVAL' in kind:
        _check_intervals(path[-1], coerced)
    elif path == ('remote', 'host'):
        # Cylc asks for its address; what is no name at all it cannot ask.
        value.strip().encode('idna')
    elif path[0] == 'events' and path[-1].endswith('handlers'):
        _check_templates(coerced)


def _kind(path: Path) -> str:
    """Return how Cylc reads a setting, '' if it does not know it."""
    node = _runtime
    for name in path:
        try:
            node = node[name] if name in node else node['__MANY__']
        except KeyError:
            return ''
    return str(node.vdr or '')


def _check_length(kind: str, value: str) -> None:
    is_list = kind.endswith('LIST')
    if len(value) > (MAX_LIST if is_list else MAX_TEXT):
        raise ValueError(f'too long: {shown(value)}')
    if is_list and sum(map(int, _TIMES(value))) > MAX_ITEMS:
        raise ValueError(f'too many items: {shown(value)}')


def _coerce(path: Path, value: str) -> Any:
    """Return a value as Cylc's own."""
    setting = deepcopy(_nested(path, value))
    _validator().validate(setting, _runtime)
    for name in path:
        setting = setting[name]
    return setting


def _check_intervals(name: str, coerced: Any) -> None:
    """Refuse durations with which Cylc cannot calculate."""
    least, most = 0.0, LONGEST
    if name == 'execution time limit':
        most = LONGEST_JOB
    elif name.endswith('polling intervals'):
        least = SHORTEST_POLL
    if coerced is None and name not in NEEDED:
        return
    for item in coerced if isinstance(coerced, list) else [coerced]:
        if item is None or not least <= item <= most:
            raise ValueError(
                f'{name}: a duration is from {least:g} to {most:g} seconds'
            )


class _AnyName(dict[str, Any]):
    """The variables of event handlers, and others, of which Cylc warns."""

    def __missing__(self, name: str) -> str:
        return name


_NAMES = _AnyName(submit_num=1, try_num=1)


def _check_templates(handlers: list[str]) -> None:
    """Refuse event handlers which cannot be filled in."""
    for handler in handlers:
        try:
            handler % _NAMES
        except (TypeError, ValueError) as exc:
            raise ValueError(f'bad template {shown(handler)}: {exc}') from exc
