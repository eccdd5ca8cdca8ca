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
"""A client of GraphQL over HTTP, for tests."""

from __future__ import annotations

import json
from typing import Any

from tests.harness import Run

#: How far a command is that will not go further.
ENDS = ('succeeded', 'warnings', 'failed', 'dropped')


def answer(
    run: Run, document: str, user: str = 'cylc', **variables: Any
) -> dict[str, Any]:
    """Return the whole answer to an operation."""
    response = run.request(
        'POST', 'graphql', user=user,
        json={'query': document, 'variables': variables},
    )
    found: dict[str, Any] = response.json()
    return found


def ask(run: Run, document: str, **variables: Any) -> Any:
    """Return the data of an answer without errors."""
    found = answer(run, document, **variables)
    assert 'errors' not in found, found['errors']
    return found['data']


def flow(run: Run, *fields: str) -> dict[str, Any]:
    """Return fields of the workflow."""
    (found,) = ask(run, f'{{workflows {{{" ".join(fields)}}}}}')['workflows']
    return dict(found)


def task(run: Run, id_: str, *fields: str) -> dict[str, Any]:
    """Return fields of a task (``POINT/NAME``), {} if it is not seen."""
    selected = ' '.join(fields or ('state',))
    document = f'query ($id: ID!) {{taskProxy(id: $id) {{{selected}}}}}'
    id_ = f'{flow(run, "id")["id"]}//{id_}'
    return ask(run, document, id=id_)['taskProxy'] or {}


def state(run: Run, id_: str) -> str | None:
    """Return the state of a task, None if it is not seen."""
    return task(run, id_, 'state').get('state')


def wait_state(run: Run, id_: str, wanted: str | None) -> None:
    """Wait until a task is in a state."""
    run.wait_for(lambda: state(run, id_) == wanted, 30, f'{id_} {wanted}')


def literal(value: Any) -> str:
    """Return a value as GraphQL has it; text that is marked is an enum's.

    Examples:
        >>> literal({'a': [1, 'b'], 'c': Enum('D')})
        '{a: [1, "b"], c: D}'
    """
    match value:
        case Enum():
            return str(value)
        case dict():
            inner = ', '.join(
                f'{key}: {literal(item)}' for key, item in value.items()
            )
            return f'{{{inner}}}'
        case list():
            return f'[{", ".join(map(literal, value))}]'
    return json.dumps(value)


class Enum(str):
    """A value of an enum."""


def give(run: Run, mutation: str, **arguments: Any) -> list[Any]:
    """Give a command, and return what the scheduler says of it."""
    text = literal({'workflows': [run.name], **arguments})[1:-1]
    # Afterwards there may be nobody to ask any more.
    id_ = flow(run, 'id')['id']
    found = ask(run, f'mutation {{{mutation}({text}) {{result}}}}')
    (result,) = found[mutation]['result']
    assert result['id'] == id_
    return list(result['response'])


def outcome(run: Run, id_: str) -> dict[str, Any]:
    """Return what became of a command, once that is known."""
    def finished() -> dict[str, Any]:
        found: dict[str, Any] = ask(run, """
            query ($id: ID!) {
                command(id: $id) {id command user state finished warnings text}
            }
        """, id=id_)['command']
        assert found['finished'] == (found['state'] in ENDS)
        return found if found['finished'] else {}

    return run.wait_for(finished, 40, 'an outcome')


def order(run: Run, mutation: str, **arguments: Any) -> dict[str, Any]:
    """Give a command, and return its outcome: the scheduler has done it."""
    accepted, id_ = give(run, mutation, **arguments)
    assert accepted, id_
    found = outcome(run, id_)
    assert found['id'] == id_
    assert found['state'] in ('succeeded', 'warnings'), found
    return found


def refusal(run: Run, mutation: str, **arguments: Any) -> str:
    """Give a command that is refused, and return why."""
    accepted, text = give(run, mutation, **arguments)
    assert accepted is False, text
    return str(text)
