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
"""What there is in stores, as values for the arguments of operations."""

from __future__ import annotations

from base64 import b64encode
from random import Random
from typing import TYPE_CHECKING, Any

from graphene.utils.str_converters import to_camel_case

from cylc_flask.compat import pb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cylc_flask.replica.store import Store

#: Kinds of elements by the type of the schema.
KINDS = {
    'Task': 'tasks', 'TaskProxy': 'task_proxies', 'Family': 'families',
    'FamilyProxy': 'family_proxies', 'Job': 'jobs', 'Edge': 'edges',
}

#: The messages whose fields things are sorted by.
MESSAGES = {
    'Task': pb.PbTask, 'TaskProxy': pb.PbTaskProxy, 'Family': pb.PbFamily,
    'FamilyProxy': pb.PbFamilyProxy, 'Job': pb.PbJob, 'Edge': pb.PbEdge,
    'Workflow': pb.PbWorkflow, 'Output': pb.PbOutput, 'XTrigger': pb.PbTrigger,
}

#: Types of definitions, which are chosen by their names.
DEFINITIONS = ('Task', 'Family')

STATES = (
    'waiting', 'running', 'failed', 'succeeded', 'submitted', 'preparing',
    'submit-failed', 'expired',
)

#: Texts that are wrong as an id, or nearly.
ODD = (
    '', '*', '1', '/', '//', '1//', '//1', '~', '~/', '1/', '1/*/', '[', '[!a',
    '*/[a-m]*', '?/*', '*:', ':failed', '1:failed/x', '1/first:', 'träge',
    '1/no such', '~nobody/none//1/first', '\n', '"', '01', '*/*/NN', '$', '%',
)


class Words:
    """Values that fit what is in some stores, most of them.

    Args:
        random: Chooses.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        #: Whether a value since this was set to False is wrong on purpose.
        self.odd = False
        self.flows: list[str] = []
        self._known: dict[str, dict[str, None]] = {kind: {} for kind in KINDS}
        self._names: dict[str, None] = {}
        self._labels: dict[str, None] = {}

    def add(self, store: Store) -> None:
        """Take notice of what is in a store."""
        if store.workflow.id not in self.flows:
            self.flows.append(store.workflow.id)
        for kind, name in KINDS.items():
            self._known[kind].update(dict.fromkeys(getattr(store, name)))
        for element in (*store.tasks.values(), *store.families.values()):
            self._names[element.name] = None
        for proxy in store.task_proxies.values():
            self._labels.update(dict.fromkeys(proxy.outputs))
            self._labels.update(dict.fromkeys(proxy.xtriggers))

    def value(self, argument: str, kind: str) -> Any:
        """Return a value for an argument of what returns a type."""
        make: Callable[[str], Any] = getattr(
            self, f'_{argument}', self._nothing)
        return make(kind)

    def any_id(self, kind: str) -> str:
        """Return the id of an element of a kind, mostly."""
        if kind == 'Node':
            kind = 'TaskProxy'
        if kind == 'Workflow':
            return self.random.choice(self.flows)
        found = self._known.get(kind) or self._known['Task']
        if not found or not self.random.randrange(30):
            return self._odd()
        return self.random.choice([*found])

    def _odd(self) -> str:
        self.odd = True
        return self.random.choice(ODD)

    def _nothing(self, _: str) -> None:
        return None

    def _some(self, make: Callable[[], Any], most: int = 3) -> list[Any]:
        number = self.random.choice((1, 1, 1, 2, most, 0))
        return [make() for _ in range(number)]

    def _id(self, kind: str) -> str:
        return self.any_id(kind)

    def _ids(self, kind: str) -> Any:
        return self._some(lambda: self._pattern(kind))

    def _exids(self, kind: str) -> Any:
        return self._ids(kind)

    def _pattern(self, kind: str) -> str:
        """Return what matches elements by their ids."""
        choice = self.random.randrange(40)
        id_ = self.any_id(kind)
        if choice == 0:
            return self._odd()
        if kind == 'Workflow':
            return id_
        if choice == 1:
            # Cylc takes it for a relative one.
            self.odd = True
            return id_
        if kind in DEFINITIONS:
            name = id_.rpartition('|')[2]
            return self.random.choice((name, name, f'{name[:2]}*', '*'))
        relative = id_.partition('//')[2] or '1/first'
        point, _, rest = relative.partition('/')
        name = rest.partition('/')[0] or 'first'
        return self.random.choice((
            relative, f'{point}/*', f'*/{name}', f'*/{name[:1]}*', '*', '*',
            point, f'{point}/{name[:2]}*', '*/*[a-m]',
            f'{point[:-1]}?/{name}', f'*/*/{self.random.choice(("01", "*"))}',
            f'*:{self._state()}', f'{relative}:{self._state()}',
            f'*/{name}:{self._state()}', f'{point}:{self._state()}',
            f'{point}/*[{name[:3]}]',
        ))

    def _state(self) -> str:
        return self.random.choice((*STATES[:4] * 4, *STATES, 'nosuch'))

    def _states(self, _: str) -> Any:
        return self._some(self._state)

    _exstates = _states

    def _workflows(self, _: str) -> Any:
        id_ = self.random.choice(self.flows)
        user, _, name = id_.partition('/')
        return self._some(lambda: self.random.choice((
            id_, id_, id_, name, '*', f'{user}/*', f'*{name[1:]}',
            f'{id_}//', f'{id_}:running', f'{name}:paused', 'nosuch', '',
        )))

    def _exworkflows(self, kind: str) -> Any:
        return self.random.choice((['nosuch'], [], self._workflows(kind)))

    def _flag(self, _: str) -> bool:
        return self.random.random() < 0.5

    def _unflagged(self, _: str) -> bool:
        return self.random.random() < 0.2

    _strip_null = _satisfied = _delta_store = _initial_burst = _flag
    _is_held = _is_queued = _is_runahead = _unflagged

    def _depth(self, _: str) -> int:
        return self.random.choice((-1, 0, 1, 1, 2, 2, 3, 9))

    _mindepth = _maxdepth = _graph_depth = _distance = _depth

    def _limit(self, _: str) -> int:
        return self.random.choice((-1, 0, 1, 2, 5))

    _first = _last = _limit

    def _after(self, kind: str) -> str:
        id_ = self.any_id(kind.removesuffix('Connection'))
        return self.random.choice((
            b64encode(id_.encode()).decode(), 'no cursor',
        ))

    _before = _after

    def _ignore_interval(self, _: str) -> float:
        return self.random.choice((0, 0.5, 2.5))

    def _delta_type(self, _: str) -> str:
        return self.random.choice(
            ('added', 'updated') * 6 + ('pruned', 'nosuch'))

    def _sort_order(self, _: str) -> list[str]:
        labels = [*self._labels] or ['succeeded']
        return self._some(lambda: self.random.choice(labels), 6)

    def _sort(self, kind: str) -> Any:
        if not self.random.randrange(12):
            return self.random.choice((None, {}, {'reverse': True}))
        found = {}
        if self.random.randrange(8):
            found['keys'] = self._some(lambda: self._key(kind)) or ['id']
        if self.random.randrange(3):
            found['reverse'] = self._flag(kind)
        return found

    def _key(self, kind: str) -> str:
        """Return what elements of a type are sorted by."""
        message = MESSAGES.get(kind.removesuffix('Connection'), pb.PbTaskProxy)
        fields = [
            field.name for field in message.DESCRIPTOR.fields
            if self.random.random() < 0.05
            or field.message_type is None
        ]
        return self.random.choice((
            *map(to_camel_case, fields),
            *self.random.sample(fields, 2), *('id', 'name', 'state') * 5,
            'nosuch',
        ))

    def _workflow(self, _: str) -> str:
        return self.random.choice((*self.flows * 3, 'nosuch'))

    def _start(self, _: str) -> str:
        return self.random.choice(('1', '2', 'x'))

    _stop = _start

    def _group(self, _: str) -> list[str]:
        names = [*self._names] or ['root']
        return self._some(lambda: self.random.choice(names))

    _ungroup = _group
    _group_all = _flag


def words_of(stores: Iterable[Store]) -> Words:
    """Return the words of what is in some stores."""
    words = Words(Random(0))
    for store in stores:
        words.add(store)
    return words
