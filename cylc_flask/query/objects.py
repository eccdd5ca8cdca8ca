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
"""How objects of an answer are put together, and lists of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from graphql.pyutils import is_iterable

from cylc_flask.query.fragments import Render, joined
from cylc_flask.query.run import Build, Element, Fill, Find, NotCompiled, Run

#: A function that makes an object of an element.
TEMPLATE = """
def build(run, element):
    run.values += {cost}
    return {{{values}}}
"""


@dataclass(frozen=True)
class Field:
    """A field of an object.

    Args:
        key: Its name in the answer.
        name: What of the source is handed to `fill`; if there is no `fill`,
            that is the answer.
        fill: Makes the value.
        constant: The value, if it has neither.
        own: Whether it depends on nothing but the source.
        default: Handed over where a source of any kind has no such thing.
    """

    key: str = ''
    name: str = ''
    fill: Fill | None = None
    constant: Any = None
    own: bool = True
    default: Any = None

    @property
    def may_be_null(self) -> bool:
        """Tell whether it can be null; what messages hold cannot."""
        return self.fill is not None or (
            not self.name and self.constant is None
        )


@dataclass(frozen=True)
class Selection:
    """What makes an object, and whether of nothing but its source."""

    build: Build
    own: bool


def of_message(fields: list[Field]) -> Build:
    """Return what makes objects of elements, which are protobuf messages.

    It is written as a function of its own, as dataclasses are: there are
    thousands of elements, and to go through a list of fields for each takes
    half as long again. Of what clients write there are only names in it.
    """
    scope: dict[str, Any] = {}
    values = [
        f'{field.key!r}: {_value(field, f"_{index}", scope)}'
        for index, field in enumerate(fields)
    ]
    text = TEMPLATE.format(cost=3 * len(fields), values=', '.join(values))
    exec(text, scope)
    build: Build = scope['build']
    return build


def _value(field: Field, name: str, scope: dict[str, Any]) -> str:
    """Return the expression for the value of a field.

    Args:
        field: The field.
        name: What is needed for it goes by this name in the scope.
        scope: Where the expression stands.
    """
    raw = f'element.{field.name}' if field.name else 'None'
    if field.fill is not None:
        scope[name] = field.fill
        return f'{name}(run, element, {raw})'
    if field.name:
        return raw
    scope[name] = field.constant
    return name


def of_anything(fields: list[Field]) -> Build:
    """Return what makes objects of dictionaries and the like."""
    cost = 3 * len(fields)
    readers = [(field, _reader(field)) for field in fields]

    def build(run: Run, source: Any) -> dict[str, Any]:
        run.values += cost
        return {
            field.key: field.constant if field.fill is None
            else field.fill(run, source, read(source))
            for field, read in readers
        }
    return build


def _reader(field: Field) -> Callable[[Any], Any]:
    name, default = field.name, field.default

    def read(source: Any) -> Any:
        if isinstance(source, dict):
            return source.get(name, default)
        return getattr(source, name, default)
    return read


def of_either(builds: dict[type, Build]) -> Build:
    """Return what makes objects of elements of several kinds."""
    def build(run: Run, element: Element) -> Any:
        run.values += 1
        return builds[type(element)](run, element)
    return build


def without_nulls(build: Build) -> Build:
    """Return what leaves fields out that are null."""
    def build_less(run: Run, source: Any) -> dict[str, Any]:
        return {
            key: value for key, value in build(run, source).items()
            if value is not None
        }
    return build_less


def one(find: Callable[[Run, Any, Any], Any], build: Build) -> Fill:
    """Return what makes an object of the only thing that is found."""
    def fill(run: Run, source: Any, raw: Any) -> Any:
        found = find(run, source, raw)
        return None if found is None else build(run, found)
    return fill


def listed(find: Find, build: Build) -> Fill:
    """Return what makes objects of what is found."""
    def fill(run: Run, source: Any, raw: Any) -> list[Any]:
        elements = find(run, source, raw)
        run.values += 3 * len(elements)
        found = [build(run, element) for element in elements]
        if run.values >= run.due:
            run.report()
        return found
    return fill


def encoded(find: Find, render: Render) -> Fill:
    """Return what makes JSON of what is found."""
    def fill(run: Run, source: Any, raw: Any) -> Any:
        elements = find(run, source, raw)
        run.values += 3 * len(elements)
        return joined(render(run, elements))
    return fill


def listed_anything(find: Find, build: Build, strips: bool) -> Fill:
    """Return what makes objects of a list of whatever there is.

    Args:
        find: Finds it.
        build: Makes one.
        strips: Whether nulls in the list are left out.
    """
    def fill(run: Run, source: Any, raw: Any) -> Any:
        items = find(run, source, raw)
        if items is None:
            return None
        if not is_iterable(items):
            raise NotCompiled(f'{type(items)} is no list')
        run.values += 3 * len(items)
        return [
            None if item is None else build(run, item) for item in items
            if item is not None or not strips
        ]
    return fill
