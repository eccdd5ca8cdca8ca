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
"""The kinds of value that a setting can have, each with its one check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
import json
import os.path
import re
from typing import Any, Generic, TypeVar

from cylc_flask.privilege import PUBLIC_LEVELS, Privilege

T = TypeVar('T')

#: The name under which a dataclass field carries its kind.
KIND = 'kind'

#: What the kernel takes as the path of a Unix socket, in bytes.
UNIX_SOCKET_BYTES = 107

#: Stands for the workflow's id in the path of a Unix socket.
PLACEHOLDER = '{workflow}'

_URL = re.compile(r'https?://[!#-;=?-~]+').fullmatch
_URL_PATH = re.compile(r'(/[A-Za-z0-9_.~-]+)+').fullmatch
_LABEL = re.compile(r'(?!-)[a-z0-9_-]{1,63}(?<!-)')
_RANGE = re.compile(r'(\d{1,5})\s*\.\.\s*(\d{1,5})')
_FLAGS = {'true': True, 'yes': True, '1': True,
          'false': False, 'no': False, '0': False}


@dataclass(frozen=True)
class Kind(Generic[T]):
    """A kind of value.

    Args:
        allowed: What a value must be, to end a sentence in a message.
        check: Gives the value its final type; ``ValueError`` refuses it.
        from_text: Makes of an environment variable what TOML would give.
    """

    allowed: str
    check: Callable[[Any], T]
    from_text: Callable[[str], object] = str


def setting(default: object, kind: Kind[T]) -> T:
    """Return a dataclass field whose default passes the check as well."""
    value: T = field(
        default_factory=lambda: kind.check(default),
        metadata={KIND: kind},
    )
    return value


def show(value: object, limit: int = 100) -> str:
    """Return a value as TOML has it, short enough for a message.

    Examples:
        >>> show('a' * 80, 12)
        '"aaaaaaaaaaa…'
    """
    text = json.dumps(value, default=str)
    return text if len(text) <= limit else f'{text[:limit]}…'


def _demand(condition: object) -> None:
    if not condition:
        raise ValueError


def choice(*words: str) -> Kind[str]:
    """Return the kind that is one of some words."""
    def check(value: Any) -> str:
        _demand(isinstance(value, str) and value in words)
        return str(value)
    return Kind(' or '.join(map(show, words)), check)


def choices(*words: str) -> Kind[tuple[str, ...]]:
    """Return the kind that is a list of some words, in any number."""
    return _list_of(
        choice(*words).check, f'a list made of {", ".join(map(show, words))}')


def flag() -> Kind[bool]:
    """Return the kind that is true or false."""
    def check(value: Any) -> bool:
        _demand(isinstance(value, bool))
        return bool(value)
    return Kind(
        'true or false', check,
        lambda text: _FLAGS.get(text.strip().lower(), text))


def whole(low: int, high: int, unit: str) -> Kind[int]:
    """Return the kind that is an integer in a range."""
    def check(value: Any) -> int:
        _demand(type(value) is int and low <= value <= high)
        return int(value)
    return Kind(f'an integer from {low} to {high} ({unit})', check, int)


def number(low: float, high: float, unit: str) -> Kind[float]:
    """Return the kind that is a number in a range."""
    def check(value: Any) -> float:
        _demand(type(value) in (int, float) and low <= value <= high)
        return float(value)
    return Kind(f'a number from {low} to {high} ({unit})', check, float)


def _list_of(
    check: Callable[[Any], str],
    allowed: str,
) -> Kind[tuple[str, ...]]:
    """Return the kind that is a list; text is a list with commas."""
    def check_all(value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            value = [item.strip() for item in value.split(',')]
            value = [] if value == [''] else value
        _demand(isinstance(value, list | tuple))
        return tuple(dict.fromkeys(check(item) for item in value))
    return Kind(allowed, check_all)


def _host(value: Any) -> str:
    """Return an address or a host name in its usual form.

    What ends in digits only is an address to every client, hence no name.

    Examples:
        >>> _host('0:0::1'), _host('[::1]'), _host('Login1.Example.org.')
        ('::1', '::1', 'login1.example.org')
    """
    _demand(isinstance(value, str) and value.isascii())
    _demand(value.isprintable())
    bracketed = value[:1] == '[' and value[-1:] == ']'
    try:
        return str(ip_address(value[1:-1] if bracketed else value))
    except ValueError:
        labels = value.lower().removesuffix('.').split('.')
        _demand(all(map(_LABEL.fullmatch, labels)) and len(value) < 255)
        _demand(not labels[-1].isdigit())
    return '.'.join(labels)


def hosts() -> Kind[tuple[str, ...]]:
    """Return the kind that is a list of addresses and host names."""
    return _list_of(
        _host,
        'a list of host names and of IPv4 or IPv6 addresses, without ports')


def networks() -> Kind[tuple[str, ...]]:
    """Return the kind that is a list of addresses and networks of such."""
    def check(value: Any) -> str:
        _demand(isinstance(value, str))
        return str(ip_network(value))
    return _list_of(
        check,
        'a list of IPv4 or IPv6 addresses, or of networks such as 10.1.0.0/16')


def texts() -> Kind[tuple[str, ...]]:
    """Return the kind that is a list of words."""
    def check(value: Any) -> str:
        _demand(isinstance(value, str) and value and value.isprintable())
        return str(value)
    return _list_of(check, 'a list of words')


def port() -> Kind[int | str]:
    """Return the kind that is a port, a range of ports, or nothing."""
    def check(value: Any) -> int | str:
        if type(value) is int:
            _demand(0 < value < 65536)
            return value
        _demand(isinstance(value, str))
        if not value.strip():
            return ''
        match = _RANGE.fullmatch(value.strip())
        low, high = map(int, match.groups()) if match else (0, 0)
        _demand(0 < low <= high < 65536)
        return f'{low}..{high}'

    return Kind(
        'an integer from 1 to 65535, a range "LOW..HIGH" of them, or "" for '
        "the range that Cylc's own ports come from",
        check,
        lambda text: int(text) if text.strip().isdecimal() else text)


def privilege() -> Kind[Privilege]:
    """Return the kind that is a privilege for the public."""
    def check(value: Any) -> Privilege:
        level = Privilege.parse(value)
        _demand(level in PUBLIC_LEVELS)
        return level
    allowed = ' or '.join(show(str(level)) for level in PUBLIC_LEVELS)
    return Kind(allowed, check)


def _path(value: Any) -> str:
    """Return a path with its ``~`` expanded; control characters are out."""
    _demand(isinstance(value, str) and value.isprintable())
    path = os.path.expanduser(str(value))
    _demand(not path.startswith('~'))
    return path


def path() -> Kind[str]:
    """Return the kind that is a path of any sort, or nothing."""
    return Kind('a path, or "" for none', _path)


def absolute_path() -> Kind[str]:
    """Return the kind that is a path from the root or home, or nothing."""
    def check(value: Any) -> str:
        path = _path(value)
        _demand(not path or os.path.isabs(path))
        return path
    return Kind('a path that begins with / or ~, or "" for none', check)


def directory_path() -> Kind[str]:
    """Return the kind that is a path from the root or home."""
    def check(value: Any) -> str:
        path = _path(value)
        _demand(os.path.isabs(path))
        return path
    return Kind('a path that begins with / or ~', check)


def url() -> Kind[str]:
    """Return the kind that is the address of a page, or nothing."""
    def check(value: Any) -> str:
        _demand(isinstance(value, str) and (not value or _URL(value)))
        return str(value)
    return Kind('a URL that begins with http, or "" for none', check)


def url_path() -> Kind[str]:
    """Return the kind that is the path of a URL, or nothing."""
    def check(value: Any) -> str:
        _demand(isinstance(value, str) and (not value or _URL_PATH(value)))
        return str(value)
    return Kind(
        'a path such as /cylc, without a slash at its end, or "" for none',
        check)


def socket_path() -> Kind[str]:
    """Return the kind that is a path which no two workflows share."""
    def check(value: Any) -> str:
        path = _path(value)
        if os.path.isabs(path):
            _demand(PLACEHOLDER in path)
        rest = path.replace(PLACEHOLDER, '')
        _demand(len(os.fsencode(rest)) <= UNIX_SOCKET_BYTES)
        _demand('{' not in rest and '}' not in rest)
        return path
    return Kind(
        "a path relative to the workflow's .service directory, or a path "
        f'that begins with / or ~ and holds {PLACEHOLDER}, of at most '
        f'{UNIX_SOCKET_BYTES} bytes; or "" for none', check)
