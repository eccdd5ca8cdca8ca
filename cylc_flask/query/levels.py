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
"""What each field of the schema needs, first of all which privilege.

Reading needs full-read, except for what Cylc 7's ``identify`` shows to
callers who may do less; each mutation needs what its REST twin needs.
"""

from __future__ import annotations

from typing import NamedTuple

from graphene.utils.str_converters import to_snake_case
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    visit,
)

from cylc_flask.privilege import Privilege

#: Fields of these types, by the least privilege that may read them; all
#: others need full-read.
OPEN: dict[str, dict[Privilege, tuple[str, ...]]] = {
    'Queries': {Privilege.IDENTITY: ('workflows',)},
    'Subscriptions': {Privilege.IDENTITY: ('workflows',)},
    'Workflow': {
        Privilege.IDENTITY: ('id', 'name', 'owner', 'cylcVersion'),
        Privilege.DESCRIPTION: ('meta',),
        Privilege.STATE_TOTALS: (
            'lastUpdated', 'states', 'stateTotals', 'latestStateTasks',
        ),
    },
    'NodeMeta': {Privilege.DESCRIPTION: (
        'title', 'description', 'URL', 'userDefined',
    )},
}

#: Fields of the root which depend on more than the replicas: on what has
#: become of commands, or on what the scheduler says.
BESIDE = ('command', 'graph', 'hubJob', 'hubJobs')

#: The only command that does not need full-control.
MUTATIONS = {'stop': Privilege.SHUTDOWN}

_LEVELS = {
    (type_name, field): level
    for type_name, levels in OPEN.items()
    for level, fields in levels.items()
    for field in fields
}


class Need(NamedTuple):
    """What an operation needs.

    Args:
        privilege: Of who gives it.
        field: For the sake of what.
        beside: It asks for what the replicas do not have.
        commands: What is commanded, by the names of `operations`.
    """

    privilege: Privilege
    field: str
    beside: bool = False
    commands: frozenset[str] = frozenset()


def level_of(type_name: str, field: str, mutates: bool = False) -> Privilege:
    """Return the privilege that a field needs.

    Args:
        type_name: The type that it belongs to.
        field: Its name.
        mutates: Whether it is a command.
    """
    if field == '__typename' or type_name.startswith('__'):
        return Privilege.NONE
    if mutates:
        return MUTATIONS.get(field, Privilege.FULL_CONTROL)
    return _LEVELS.get((type_name, field), Privilege.FULL_READ)


def need_of(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
) -> Need:
    """Return what a valid operation needs.

    Fragments count where the document has them, whoever uses them.
    """
    info = TypeInfo(schema)
    finder = _Finder(info, operation.operation is OperationType.MUTATION)
    visitor = TypeInfoVisitor(info, finder)
    visit(operation, visitor)
    for node in document.definitions:
        if isinstance(node, FragmentDefinitionNode):
            visit(node, visitor)
    return finder.need


class _Finder(Visitor):
    """Finds the field that needs the highest privilege."""

    def __init__(self, info: TypeInfo, mutates: bool) -> None:
        super().__init__()
        self._info = info
        self._mutates = mutates
        self.need = Need(Privilege.NONE, '')

    def enter_field(self, node: FieldNode, *_: object) -> None:
        """Look at a field."""
        parent = self._info.get_parent_type()
        type_name = parent.name if parent else ''
        name = node.name.value
        if self._mutates and type_name == 'Mutations':
            level = level_of(type_name, name, mutates=True)
            if level:
                self.need = self.need._replace(
                    commands=self.need.commands | {to_snake_case(name)})
        elif self._mutates or name in ('__schema', '__type'):
            level = Privilege.NONE
        else:
            level = level_of(type_name, name)
        if level > self.need.privilege:
            self.need = self.need._replace(
                privilege=level, field=f'{type_name}.{name}')
        if type_name == 'Queries' and name in BESIDE:
            self.need = self.need._replace(beside=True)
