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
"""Reads what another server's feed says, which may be anything."""

from __future__ import annotations

from dataclasses import MISSING, fields
import struct
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import orjson

from .side import Definition, Side

#: The types of the fields of each class.
HINTS: dict[type[Any], dict[str, Any]] = {
    kind: get_type_hints(kind) for kind in (Definition, Side)
}

#: The length of the head comes before it.
LENGTH = struct.Struct('!I')


def split(message: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the head of a message in protobuf, and what comes after it.

    Raises:
        ValueError: It has none.
    """
    if len(message) < LENGTH.size:
        raise ValueError('it has no head')
    (length,) = LENGTH.unpack_from(message)
    end = LENGTH.size + length
    if end > len(message):
        raise ValueError('its head is cut off')
    head = orjson.loads(message[LENGTH.size:end])
    if not isinstance(head, dict):
        raise ValueError('its head is no object')
    return head, message[end:]


def definition_of(data: Any) -> Definition:
    """Return a definition that was written by `encode.definition_data`.

    Raises:
        ValueError: It is none.
    """
    return Definition(**_arguments(Definition, data))


def side_of(data: Any, definition: Definition) -> Side:
    """Return side data that were written by `encode.side_data`.

    Raises:
        ValueError: They are none.
    """
    if isinstance(data, dict):
        data = {**data, 'definition': definition}
    return Side(**_arguments(Side, data))


def _arguments(kind: type[Any], data: Any) -> dict[str, Any]:
    """Return those fields of a class that are there, each of its kind.

    Other versions may have more of them, and fewer of those that need not
    be there.
    """
    if not isinstance(data, dict):
        raise ValueError(f'{kind.__name__} is {data!r:.40}')
    result = {}
    hints = HINTS[kind]
    for item in fields(kind):
        name = item.name
        if name in data:
            if not _fits(data[name], hints[name]):
                raise ValueError(f'{name} is {data[name]!r:.40}')
            result[name] = data[name]
        elif item.default is MISSING:
            raise ValueError(f'{name} is missing')
    return result


def _fits(value: Any, hint: Any) -> bool:
    """Tell whether a value out of JSON is of a type.

    Examples:
        >>> _fits({'a': ['b']}, dict[str, list[str]]), _fits(1, str | None)
        (True, False)
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in arguments)
    if origin is list:
        return isinstance(value, list) and all(
            _fits(each, arguments[0]) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(
            _fits(each, arguments[1]) for each in value.values())
    if hint is float:
        return isinstance(value, (int, float))
    return isinstance(value, hint)
