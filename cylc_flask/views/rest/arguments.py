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
"""Arguments as Cylc 7 takes them: by query, form, path, and as literals.

The signature of a view is the list of its arguments. What has no default
must be given; the annotation says how the text is read.
"""

from __future__ import annotations

from ast import literal_eval
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any, Callable

from flask import request

from cylc_flask.errors import NotFound, RequestError
from cylc_flask.forms import Raw, parse

#: A text in the syntax of Python: ``True``, ``None``, ``['a', 'b']``.
Literal = Any

#: As many texts as were sent.
Items = list[str]

#: No literal of a client is longer.
MAX_LITERAL = 4096

#: Nor does one send more items.
MAX_ITEMS = 10_000

FORM = 'application/x-www-form-urlencoded'


@dataclass(frozen=True)
class Signature:
    """The arguments of a view.

    Args:
        order: Their names, as path segments fill them.
        needed: Those that must be given.
        kinds: Their annotations, as texts.
        extra: Names which the view itself does not take.
    """

    order: tuple[str, ...]
    needed: frozenset[str]
    kinds: dict[str, str]
    extra: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, view: Callable[..., Any], extra: tuple[str, ...] = ()
    ) -> Signature:
        """Return the arguments that a view declares."""
        parameters = signature(view).parameters
        return cls(
            order=tuple(parameters),
            needed=frozenset(
                name for name, parameter in parameters.items()
                if parameter.default is Parameter.empty
            ),
            kinds={
                name: str(parameter.annotation)
                for name, parameter in parameters.items()
            },
            extra=extra,
        )

    def collect(self, segments: str) -> Raw:
        """Return the arguments of the current request, as texts.

        Args:
            segments: What the path has behind the endpoint's name.

        Raises:
            RequestError: One is missing, unknown or given twice.
        """
        given = self._from_path(segments)
        query = parse(request.environ.get('QUERY_STRING', ''))
        form = _form()
        known = {*self.order, *self.extra}
        _refuse(known, query, 404, 'query string')
        _refuse(known, form, 400, 'body')
        twice = sorted(set(given) & (set(query) | set(form)))
        if twice:
            raise NotFound(
                f'Multiple values for parameters: {",".join(twice)}'
            )
        for source in (query, form):
            for name, values in source.items():
                given[name] = given.get(name, []) + values
        missing = sorted(self.needed - set(given))
        if missing:
            raise NotFound(f'Missing parameters: {",".join(missing)}')
        return given

    def _from_path(self, segments: str) -> Raw:
        values = [value for value in segments.split('/') if value]
        if len(values) > len(self.order):
            raise NotFound('Nothing matches the given URI')
        filled = zip(self.order, values, strict=False)
        return {name: [value] for name, value in filled}

    def read(self, raw: Raw) -> dict[str, Any]:
        """Return the arguments as the view takes them.

        Raises:
            RequestError: A text does not fit.
        """
        return {
            name: _read(name, values, self.kinds[name])
            for name, values in raw.items() if name in self.kinds
        }


def _form() -> Raw:
    """Return the arguments in the body, where a request has such a body."""
    if request.method != 'POST' or request.mimetype != FORM:
        return {}
    return parse(request.get_data().decode('latin-1'))


def _refuse(known: set[str], given: Raw, status: int, where: str) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise RequestError(
            f'Unexpected {where} parameters: {",".join(unknown)}', status
        )


def _read(name: str, values: list[str], kind: str) -> Any:
    if kind.startswith('Items'):
        if len(values) > MAX_ITEMS:
            raise RequestError(f'More than {MAX_ITEMS} {name}')
        return values
    if len(values) > 1:
        raise RequestError(
            f'Bad argument value: {name} is given {len(values)} times'
        )
    if kind == 'Literal':
        return literal(name, values[0])
    return values[0]


def literal(name: str, value: str) -> Any:
    """Return the value which a text in Python's syntax stands for.

    Raises:
        RequestError: It stands for none.
    """
    try:
        if len(value) > MAX_LITERAL:
            raise ValueError('too long')
        found = literal_eval(value)
        # Not all that can be read can be written.
        repr(found)
        return found
    except (ValueError, TypeError, SyntaxError,
            MemoryError, RecursionError) as exc:
        raise RequestError(f'Bad argument value: {name}={value}') from exc
