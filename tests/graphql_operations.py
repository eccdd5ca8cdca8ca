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
"""Operations of the schema, at random, which ask for what there is.

Nearly all of them are valid; some have two meanings for one name. Whoever has
the seed gets the same operation again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
import json
from random import Random
from typing import TYPE_CHECKING, Any

from graphene.utils.str_converters import to_snake_case
from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLUnionType,
    OperationType,
    get_named_type,
    is_leaf_type,
)

from cylc_flask.query.documents import Request

if TYPE_CHECKING:
    from tests.graphql_words import Words

#: How often fields of the roots are asked for, others once.
WEIGHTS = {'workflows': 4, 'taskProxies': 4, 'deltas': 20}

#: Types which are asked for what they lead to.
PASSED = ('Deltas', 'Added', 'Updated')

#: Fields of the roots that are left to graphql-core; they come less often.
LEFT = (
    'graph', 'tasksConnection', 'taskProxiesConnection', 'jobsConnection',
    'edgesConnection',
)

#: How often things happen, of each hundred chances.
ALIAS, DIRECTIVE, DUPLICATE, FRAGMENT, TYPENAME, VARIABLE = 12, 5, 8, 14, 8, 25

#: The same for arguments which are no filters.
CHANCES = {
    'stripNull': 25, 'deltaStore': 8, 'deltaType': 18, 'sort': 25,
    'initialBurst': 5, 'ignoreInterval': 5,
}


@dataclass
class Field:
    """A field as it is asked for in one place.

    Args:
        head: Its name with alias and arguments.
        inner: What is selected of it.
        kind: The name of its type.
    """

    head: str
    inner: list[Field] | None = None
    kind: str = ''


@dataclass
class Writer:
    """Writes one operation.

    Args:
        schema: What can be asked.
        words: What there is.
        random: Decides.
    """

    schema: GraphQLSchema
    words: Words
    random: Random
    declared: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: dict[str, str] = field(default_factory=dict)
    #: The names of fragments by the type that they are about.
    shared: dict[str, list[str]] = field(default_factory=dict)
    #: Variables by the type and the argument that they are for.
    known: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    left: int = 0

    def request(self, kind: str) -> Request:
        """Return a request with a query or a subscription."""
        root: Any = self.schema.get_root_type(OperationType(kind))
        self.left = self.random.choice((3, 6, 10, 15, 25, 40, 60))
        names = [
            name for name in root.fields
            for _ in range(1 if name in LEFT else 4 * WEIGHTS.get(name, 1))
            if name != 'command'
        ]
        number = self.random.choice((1, 1, 1, 2, 3)) if kind == 'query' else 1
        chosen = dict.fromkeys(self.random.choices(names, k=number))
        fields = [
            self._field(root.name, name, root.fields[name], 5)
            for name in chosen
        ]
        if kind == 'query' and self._hit(TYPENAME):
            fields.append(self._typename())
        if kind == 'query' and self._hit(3):
            fields.append(self._introspection())
        body = self._selection(root.name, fields)
        name = self.random.choice(('Op', '')) or None
        declared = ', '.join(
            f'${key}: {text}' for key, text in self.declared.items())
        head = f'{kind} {name or ""}{f"({declared})" if declared else ""}'
        texts = [head + body, *self.fragments.values()]
        if name and self._hit(5):
            texts.append('query Other { __typename }')
        if self._hit(20):
            texts.reverse()
        return Request(' '.join(texts), self.variables, name)

    def _hit(self, chances: int) -> bool:
        return self.random.randrange(100) < chances

    # What is asked for

    def _field(
        self, parent: str, name: str, definition: GraphQLField, depth: int
    ) -> Field:
        kind = get_named_type(definition.type)
        alias = ''
        arguments = self._arguments(definition, kind.name)
        if self._hit(ALIAS):
            alias = self.random.choice((
                *(f'a{self.random.randrange(10_000)}' for _ in range(4)),
                'x', 'id', 'state', 'leaves' if self._hit(10) else 'name',
            ))
            alias = f'{alias}: '
        head = f'{alias}{name}{arguments}'
        if self._hit(DIRECTIVE):
            head += self._directive()
        self.left -= 1
        if is_leaf_type(kind):
            return Field(head)
        return Field(head, self._inner(kind, depth - 1), kind.name)

    def _inner(self, kind: Any, depth: int) -> list[Field]:
        """Return what is selected of a type, each field in one place."""
        if isinstance(kind, GraphQLUnionType):
            return [
                Field(f'... on {each.name}', self._inner(each, depth),
                      each.name)
                for each in self._sample(kind.types, 2)
            ]
        leaves = [
            name for name, each in kind.fields.items()
            if is_leaf_type(get_named_type(each.type))
        ]
        deep = [name for name in kind.fields if name not in leaves]
        if depth <= 0 or self.left <= 0:
            deep = []
        number = self.random.choice((1, 2, 3, 5))
        chosen = self._sample(leaves, number)
        if not chosen or self._hit(95 if kind.name in PASSED else 55):
            chosen += self._sample(deep, self.random.choice((1, 1, 2, 3)))
        self.random.shuffle(chosen)
        found = [
            self._field(kind.name, name, kind.fields[name], depth)
            for name in chosen
        ]
        if not found or self._hit(TYPENAME):
            found.insert(self.random.randrange(len(found) + 1),
                         self._typename())
        return found

    def _sample(self, items: Any, most: int) -> list[Any]:
        return self.random.sample([*items], min(most, len(items)))

    def _typename(self) -> Field:
        return Field('__typename')

    def _introspection(self) -> Field:
        return Field('__type(name: "Job") {name fields {name}}')

    # In which words it is asked for

    def _selection(self, kind: str, fields: list[Field]) -> str:
        """Return fields in braces, some twice, some in fragments."""
        texts: list[str] = []
        index = 0
        while index < len(fields):
            number = self.random.randint(1, 3)
            group = fields[index:index + number]
            index += number
            texts += self._wrapped(kind, group)
        if (names := self.shared.get(kind)) and self._hit(10):
            texts.append(f'...{self.random.choice(names)}')
        if self._hit(DUPLICATE):
            texts += [self._text(each) for each in self._sample(fields, 1)]
        return f'{{{" ".join(texts)}}}'

    def _wrapped(self, kind: str, fields: list[Field]) -> list[str]:
        """Return fields as they are, or in a fragment."""
        if not self._hit(FRAGMENT) or kind == 'Node':
            return [text for each in fields for text in self._split(each)]
        about = self._about(kind)
        head = self._directive() if self._hit(30) else ''
        body = self._selection(kind, fields)
        if about == 'Node':
            body = f'{{... on {kind}{body}}}'
        if self._hit(50) or not about:
            on = f' on {about}' if about else ''
            return [f'...{on}{head}{body}']
        name = f'F{len(self.fragments)}'
        self.fragments[name] = f'fragment {name} on {about} {body}'
        self.shared.setdefault(kind, []).append(name)
        return [f'...{name}{head}']

    def _about(self, kind: str) -> str:
        """Return the condition of a fragment in a selection of a type."""
        others = {
            'Added': ('Delta',), 'Updated': ('Delta',),
            'TaskProxy': ('Node',), 'FamilyProxy': ('Node',),
        }
        return self.random.choice(('', kind, kind, *others.get(kind, ())))

    def _split(self, item: Field) -> list[str]:
        """Return a field once, or in two parts which come together again."""
        inner = item.inner
        if not inner or len(inner) < 2 or not self._hit(DUPLICATE * 2):
            return [self._text(item)]
        place = self.random.randrange(1, len(inner))
        again = self.random.randrange(place + 1)
        return [
            self._text(Field(item.head, part, item.kind))
            for part in (inner[:place], inner[again:])
        ]

    def _text(self, item: Field) -> str:
        if item.inner is None:
            return item.head
        return f'{item.head} {self._selection(item.kind, item.inner)}'

    def _directive(self) -> str:
        """Return a directive, which mostly leaves things as they are."""
        stays = self._hit(75)
        word, value = self.random.choice(
            (('include', stays), ('skip', not stays)))
        flag = self._value(
            GraphQLNonNull(self.schema.type_map['Boolean']),  # type: ignore
            value, 'if')
        text = f' @{word}(if: {flag})'
        if word == 'skip' and self._hit(10):
            text += ' @include(if: true)'
        return text

    # Arguments

    def _arguments(self, definition: GraphQLField, kind: str) -> str:
        filters = [
            name for name in definition.args if name not in CHANCES
        ]
        chosen = [
            name for name, argument in definition.args.items()
            if isinstance(argument.type, GraphQLNonNull)
            or self._hit(CHANCES.get(name, 0))
        ]
        chosen += self._sample(filters, self.random.choice((0, 0, 0, 1, 1, 2)))
        texts = [
            f'{name}: {self._argument(name, definition.args[name], kind)}'
            for name in dict.fromkeys(chosen)
        ]
        return f'({", ".join(texts)})' if texts else ''

    def _argument(
        self, name: str, argument: GraphQLArgument, kind: str
    ) -> str:
        value = self.words.value(to_snake_case(name), kind)
        if self._hit(3) and not isinstance(argument.type, GraphQLNonNull):
            value = None
        return self._value(argument.type, value, name)

    def _value(self, kind: Any, value: Any, name: str) -> str:
        """Return a value as it stands in the document."""
        if self._hit(VARIABLE):
            return self._variable(kind, value, name)
        bare = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if isinstance(bare, GraphQLList) and isinstance(value, list):
            if len(value) == 1 and self._hit(10):
                (value,) = value
                return self._value(bare.of_type, value, name)
            items = [
                self._value(bare.of_type, item, f'{name}.') for item in value
            ]
            return f'[{", ".join(items)}]'
        if isinstance(bare, GraphQLInputObjectType) and value is not None:
            items = [
                f'{key}: {self._value(bare.fields[key].type, item, key)}'
                for key, item in value.items()
            ]
            return f'{{{", ".join(items)}}}'
        return literal(value)

    def _variable(self, kind: Any, value: Any, name: str) -> str:
        """Return a variable with a value, or with a default, or without."""
        required = isinstance(kind, GraphQLNonNull)
        known = self.known.setdefault((str(kind), name), [])
        if known and self._hit(30):
            return f'${self.random.choice(known)}'
        key = f'v{len(self.declared)}'
        known.append(key)
        text = str(kind)
        choice = self.random.randrange(12)
        if choice < 7 or value is None:
            self.variables[key] = value
            if not required and value is not None and self._hit(20):
                text += '!'
        elif choice < 10:
            text = f'{text.rstrip("!")} = {literal(value)}'
            if choice == 7:
                self.variables[key] = value
            if choice == 8 and self._hit(30):
                self.variables[key] = None
                self.words.odd |= required
        elif required:
            self.variables[key] = value
        elif choice == 10:
            self.variables[key] = None
        self.declared[key] = text
        return f'${key}'


def literal(value: Any) -> str:
    """Return a constant in the form of GraphQL."""
    match value:
        case dict():
            inner = ', '.join(
                f'{key}: {literal(item)}' for key, item in value.items())
            return f'{{{inner}}}'
        case list():
            return f'[{", ".join(map(literal, value))}]'
    return json.dumps(value, ensure_ascii=False)
