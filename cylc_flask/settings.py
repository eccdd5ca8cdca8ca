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
"""Take settings from files and the environment, each checked once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
import tomllib
from typing import Any, NamedTuple

from cylc_flask.errors import ConfigError
from cylc_flask.kinds import Kind, show


class Setting(NamedTuple):
    """A checked value, and the file or variable that it comes from."""

    value: Any
    source: str


#: By key, such as ``limits.wait`` for the item of a table.
Settings = dict[str, Setting]
Kinds = Mapping[str, Kind[Any]]


def from_file(path: Path, required: bool, kinds: Kinds) -> Settings:
    """Return what a TOML file sets; one that may be missing sets nothing.

    Raises:
        ConfigError: The file or something in it cannot be used.
    """
    try:
        content = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError as exc:
        if not required:
            return {}
        raise ConfigError(f'{path}: {exc.strerror}') from exc
    except OSError as exc:
        raise ConfigError(f'{path}: {exc.strerror}') from exc
    except (ValueError, RecursionError) as exc:
        raise ConfigError(f'{path}: not a TOML file: {exc}') from exc
    return _from_table(content, str(path), kinds)


def _from_table(
    content: dict[str, Any],
    source: str,
    kinds: Kinds,
    prefix: str = '',
) -> Settings:
    """Check what a table holds, and the tables in it."""
    tables = {key.rpartition('.')[0] for key in kinds}
    settings: Settings = {}
    for name, value in content.items():
        key = prefix + name
        if '.' not in name and key in kinds:
            settings[key] = _checked(key, value, source, kinds)
        elif not name or '.' in name or key not in tables:
            raise ConfigError(
                f'{source}: unknown key {show(key)} = {show(value)}: '
                f'{_nearest(key, kinds)}')
        elif not isinstance(value, dict):
            raise _refused(key, value, source, f'a table [{key}]')
        else:
            settings |= _from_table(value, source, kinds, f'{key}.')
    return settings


def from_environment(
    env: Mapping[str, str],
    prefix: str,
    kinds: Kinds,
) -> Settings:
    """Return what the variables with our prefix set; all of it is text.

    Raises:
        ConfigError: Something in them cannot be used.
    """
    keys = {prefix + key.upper().replace('.', '__'): key for key in kinds}
    settings: Settings = {}
    for name, text in env.items():
        if not name.startswith(prefix):
            continue
        if name not in keys:
            raise ConfigError(
                f'environment: unknown variable {name} = {show(text)}: '
                f'{_nearest(name, keys)}')
        key = keys[name]
        value = _from_text(text, kinds[key])
        settings[key] = _checked(key, value, name, kinds)
    return settings


def _from_text(text: str, kind: Kind[Any]) -> object:
    try:
        return kind.from_text(text)
    except ValueError:
        return text


def _checked(key: str, value: object, source: str, kinds: Kinds) -> Setting:
    try:
        return Setting(kinds[key].check(value), source)
    except ValueError as exc:
        raise _refused(key, value, source, kinds[key].allowed) from exc


def _refused(
    key: str,
    value: object,
    source: str,
    allowed: str,
) -> ConfigError:
    return ConfigError(
        f'{source}: {key} = {show(value)} is not allowed: must be {allowed}')


def _nearest(word: str, known: Iterable[str]) -> str:
    """Return what was probably meant, or else all that is allowed."""
    near = get_close_matches(word, known, n=1)
    if near:
        return f'did you mean {near[0]}? "cylc flask config" shows all'
    return f'allowed are {", ".join(known)}'
