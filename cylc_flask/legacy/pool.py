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
"""Which tasks of the pool are meant: matching as in Cylc 7."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from cylc_flask.errors import RequestError
from cylc_flask.legacy.ids import Pattern, TaskId, is_glob, parse
from cylc_flask.legacy.points import find, is_point
from cylc_flask.legacy.states import task_state
from cylc_flask.replica.side import Definition
from cylc_flask.replica.store import Store

#: So many unreadable items are named in an error.
SHOWN = 20

#: So many patterns of one request are compared with every name.
MAX_PATTERNS = 200

UNBEGUN = frozenset({
    'held', 'queued', 'retrying', 'runahead', 'submit-retrying', 'waiting',
})

ACTIVE = frozenset({'ready', 'running', 'submitted'})


def _is_unbegun(proxy: Any) -> bool:
    return task_state(proxy) in UNBEGUN


def _is_held(proxy: Any) -> bool:
    return bool(proxy.is_held)


def _is_active(proxy: Any) -> bool:
    return task_state(proxy) in ACTIVE


def _is_in_pool(proxy: Any) -> bool:
    return bool(proxy.graph_depth == 0)


def _is_begun_in_pool(proxy: Any) -> bool:
    return _is_in_pool(proxy) and not _is_unbegun(proxy)


#: The tasks that a command does something to, by its endpoint, where Cylc 8
#: would do more than Cylc 7 to what a pattern finds: hold a finished task for
#: its next run, forget that a past task has run, or warn of each one that
#: cannot be killed or polled. The other commands take any.
CONCERNED: dict[str, Callable[[Any], bool]] = {
    'hold_tasks': _is_unbegun,
    'release_tasks': _is_held,
    'kill_tasks': _is_active,
    'poll_tasks': _is_begun_in_pool,
    'remove_tasks': _is_in_pool,
}


class Targets(NamedTuple):
    """What a command is to be given."""

    #: Relative ids of Cylc 8, each once.
    ids: list[str]
    #: Items that nothing matches: a warning for each, as in Cylc 7.
    unmatched: list[str]


class Pool:
    """The task proxies of the store: what Cylc 7 called the task pool."""

    def __init__(self, store: Store) -> None:
        self._proxies = store.task_proxies
        self._prefix = f'{store.workflow.id}//'
        self._definition = store.side.definition
        self._globs = 0

    def get(self, task: TaskId) -> Any | None:
        """Return the proxy of a task, None if it is not in the pool."""
        proxy = self._proxies.get(f'{self._prefix}{task.point}/{task.name}')
        if proxy is None:
            point = find(task.point, self._by_point, self._definition)
            proxy = self._by_point.get(point or '', {}).get(task.name)
        return proxy

    def match(self, pattern: Pattern) -> list[Any]:
        """Return the proxies that a pattern means.

        A name may be that of any family which a task inherits from.
        """
        if pattern.is_exact and pattern.name not in self._families:
            proxy = self.get(TaskId(pattern.name, pattern.point))
            return [] if proxy is None else [proxy]
        names = sorted(self._names(pattern.name))
        tasks = [self._by_point[p] for p in self._points(pattern.point)]
        return [
            proxy
            for proxies in tasks
            for name in names
            if (proxy := proxies.get(name)) is not None
            and (not pattern.state or pattern.state == task_state(proxy))
        ]

    def filter(self, items: Iterable[str]) -> tuple[list[Any], list[str]]:
        """Return the proxies that items mean, and the items that are bad.

        Bad is what is malformed, and what nothing matches.
        """
        found: dict[str, Any] = {}
        bad = []
        for item in items:
            try:
                proxies = self.match(parse(item, self._definition.namespaces))
            except RequestError:
                proxies = []
            if not proxies:
                bad.append(item)
            found.update((proxy.id, proxy) for proxy in proxies)
        return list(found.values()), bad

    def targets(self, endpoint: str, items: Sequence[str]) -> Targets:
        """Return what to give to Cylc 8 for the items of a command.

        A task at a point goes as it is, in the pool or not: Cylc 8 knows
        what to do about it. Patterns and families mean what clients see,
        and of that only what the command is for: there may be nothing to
        do. Those which mean nothing there Cylc 8 shall read itself, but
        for states and impossible points, which it would read otherwise,
        and unknown names, of which it does not always warn.

        Raises:
            RequestError: An item cannot be read; the text names such.
        """
        ids: dict[str, None] = {}
        unmatched = []
        concerned = CONCERNED.get(endpoint)
        for pattern in self._parse_all(items):
            if not (self._may_be(pattern.point) and self._is_known(pattern)):
                unmatched.append(pattern.item)
            elif pattern.is_exact and pattern.name not in self._families:
                ids[pattern.relative_id] = None
            elif proxies := self.match(pattern):
                ids.update(
                    (f'{proxy.cycle_point}/{proxy.name}', None)
                    for proxy in proxies
                    if concerned is None or concerned(proxy)
                )
            elif pattern.state:
                unmatched.append(pattern.item)
            else:
                ids[pattern.relative_id] = None
        return Targets(list(ids), unmatched)

    def _is_known(self, pattern: Pattern) -> bool:
        """Tell whether there is such a task, or was before a reload."""
        return (
            is_glob(pattern.name)
            or pattern.name in self._definition.ancestors
            or bool(self.match(pattern))
        )

    def _parse_all(self, items: Sequence[str]) -> list[Pattern]:
        patterns, errors = [], []
        for item in items:
            try:
                patterns.append(parse(item, self._definition.namespaces))
            except RequestError as exc:
                errors.append(exc.text)
        if errors:
            raise RequestError('; '.join(errors[:SHOWN]))
        return patterns

    @cached_property
    def _by_point(self) -> dict[str, dict[str, Any]]:
        """The proxies by point and name."""
        points: dict[str, dict[str, Any]] = {}
        for proxy in self._proxies.values():
            points.setdefault(proxy.cycle_point, {})[proxy.name] = proxy
        return points

    @cached_property
    def _task_names(self) -> set[str]:
        return {name for tasks in self._by_point.values() for name in tasks}

    @property
    def _families(self) -> dict[str, frozenset[str]]:
        return _members(self._definition)

    def _may_be(self, point: str) -> bool:
        return is_glob(point) or is_point(point, self._definition)

    def _points(self, pattern: str) -> list[str]:
        if is_glob(pattern):
            return [
                point for point in self._by_point
                if fnmatchcase(point, pattern)
            ]
        point = find(pattern, self._by_point, self._definition)
        return [] if point is None else [point]

    def _names(self, pattern: str) -> Collection[str]:
        """Return the names of the tasks which a pattern for names means."""
        if not is_glob(pattern):
            return self._families.get(pattern, {pattern})
        self._globs += 1
        if self._globs > MAX_PATTERNS:
            raise RequestError(
                f'Too many patterns in one request (at most {MAX_PATTERNS})'
            )
        names = {
            name for name in self._task_names if fnmatchcase(name, pattern)
        }
        return names.union(*(
            members for family, members in self._families.items()
            if fnmatchcase(family, pattern)
        ))


@lru_cache(maxsize=4)
def _members(definition: Definition) -> dict[str, frozenset[str]]:
    """Return the tasks below each family, through all its heirs."""
    members: dict[str, set[str]] = {
        name: set() for name in definition.namespaces
    }
    for name in definition.tasks:
        for family in definition.ancestors[name][1:]:
            members[family].add(name)
    return {
        family: frozenset(tasks) for family, tasks in members.items()
        if family not in definition.first_parent_ancestors
    }
