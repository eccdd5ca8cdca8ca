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
"""Rules: what users and groups may do with which workflows.

They are in a TOML file::

    [groups]
    operators = ["alice", "bob"]

    [[rule]]
    groups = ["operators"]
    workflows = ["nwp"]
    may = ["full-read", "hold", "release"]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
import time
import tomllib
from typing import Any

from cylc_flask.errors import ConfigError
from cylc_flask.hub.users.grants import ALL, Grant, check_words
from cylc_flask.hub.users.kept import Kept
from cylc_flask.kinds import show

FILE_NAME = 'rules.toml'

#: What a rule is made of; it is for users or groups, or both.
KEYS = ('users', 'groups', 'workflows', 'may')

Lists = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Rule:
    """What some may do.

    Args:
        users: Their names; ``*`` for all who can log in.
        grant: What they may do, and where.
    """

    users: frozenset[str]
    grant: Grant

    def is_for(self, name: str) -> bool:
        """Return True if it is about a user."""
        return name in self.users or ALL in self.users


class Rules:
    """All rules.

    Args:
        rules: In the order of the file, which makes no difference.
        groups: The members of each group.
    """

    def __init__(self, rules: tuple[Rule, ...], groups: Lists) -> None:
        self.rules = rules
        self.groups = groups

    def grants(self, name: str) -> tuple[Grant, ...]:
        """Return what a user is given and forbidden."""
        return tuple(rule.grant for rule in self.rules if rule.is_for(name))

    def groups_of(self, name: str) -> list[str]:
        """Return the groups which a user is in."""
        return sorted(
            group for group, members in self.groups.items() if name in members)


def keep(
    directory: Path, clock: Callable[[], float] = time.monotonic,
) -> Kept[Rules]:
    """Return the rules of a hub, which are read again when they change.

    Args:
        directory: That of the hub.
        clock: Returns seconds from a clock that is never set back.

    Raises:
        CylcFlaskError: They cannot be used.
    """
    path = directory / FILE_NAME
    return Kept(path, lambda content: parse(content, path), clock)


def parse(content: bytes, path: Path) -> Rules:
    """Return the rules in a file.

    Raises:
        ConfigError: Something in it cannot be used.
    """
    try:
        tables = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as exc:
        raise ConfigError(f'{path}: not a TOML file: {exc}') from exc
    try:
        _check_keys('', tables, ('groups', 'rule'))
        groups = _groups(tables.get('groups', {}))
        return Rules(_rules(tables.get('rule', []), groups), groups)
    except ValueError as exc:
        raise ConfigError(f'{path}: {exc}') from exc


def _groups(table: object) -> Lists:
    if not isinstance(table, dict):
        raise ValueError('groups must be a table [groups]')
    return {
        name: _texts(f'groups.{name}', members)
        for name, members in table.items()
    }


def _rules(tables: object, groups: Lists) -> tuple[Rule, ...]:
    if not isinstance(tables, list):
        raise ValueError('a rule begins with [[rule]]')
    return tuple(
        _rule(f'rule {number}', table, groups)
        for number, table in enumerate(tables, 1)
    )


def _rule(source: str, table: object, groups: Lists) -> Rule:
    """Return a rule; `ValueError` refuses it."""
    if not isinstance(table, dict):
        raise ValueError(f'{source} must begin with [[rule]]')
    _check_keys(f'{source}: ', table, KEYS)
    lists = {
        key: _texts(f'{source}: {key}', table.get(key, [])) for key in KEYS
    }
    for group in lists['groups']:
        if group not in groups:
            raise ValueError(
                f'{source}: groups: no such group {show(group)}'
                f'{_hint(group, groups)}')
    users = {*lists['users']}.union(
        *(groups[group] for group in lists['groups']))
    for key in ('workflows', 'may'):
        if not lists[key]:
            raise ValueError(f'{source}: {key} is missing or empty')
    if not users:
        raise ValueError(f'{source}: it is for nobody (users, groups)')
    try:
        check_words(lists['may'])
    except ValueError as exc:
        raise ValueError(f'{source}: may: {exc}') from exc
    return Rule(
        frozenset(users), Grant(lists['may'], lists['workflows'], source))


def _texts(what: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(
        isinstance(item, str) and item for item in value
    ):
        raise ValueError(f'{what} = {show(value)} must be a list of texts')
    return tuple(value)


def _check_keys(
    where: str, table: Mapping[str, object], known: tuple[str, ...],
) -> None:
    for key in table:
        if key not in known:
            raise ValueError(
                f'{where}unknown key {show(key)}{_hint(key, known)}')


def _hint(word: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    near = get_close_matches(word, [*known], n=1)
    return f': did you mean {near[0]}?' if near else (
        f': there are {", ".join(known)}' if known else '')
