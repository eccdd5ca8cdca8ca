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
"""The steps of an order: which there are, and what each makes of a name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
import re
from typing import Any

from cylc_flask.errors import RequestError
from cylc_flask.hub.life import options, targets
from cylc_flask.hub.life.jobs import Step
from cylc_flask.validate import shown

#: Which commands may follow one another.
FORMS = re.compile(
    r'clean|stop|validate'
    r'|(validate\+)?(install(\+play)?|reinstall(\+(play|reload))?'
    r'|play|reload)'
)

#: How "cylc install" tells what it has installed.
INSTALLED = re.compile(r'^INSTALLED (\S+) from ', re.MULTILINE)

#: A command, and its options by name.
Wish = tuple[str, Mapping[str, Any]]


def check(wishes: Sequence[Wish], source: str = '') -> tuple[Step, ...]:
    """Return the steps which are wished for.

    Args:
        wishes: Commands and their options; "stop" takes ``after`` too, the
            cycle point or ``POINT/TASK`` after which to stop.
        source: What to install, or to validate, by its name in the source
            directories; '' means that of the workflow.

    Raises:
        RequestError: They do not go together, or have bad options.
    """
    names = '+'.join(command for command, _ in wishes)
    if not FORMS.fullmatch(names):
        raise RequestError(f'No such order: {shown(names)}')
    installs = 'install' in names.split('+')
    if source:
        if not installs and names != 'validate':
            raise RequestError(f'"{names}" takes no source')
        targets.workflow_name(source, 'a source')
    origin = source if source or installs else None
    return tuple(_step(command, given, origin) for command, given in wishes)


def _step(
    command: str, given: Mapping[str, Any], source: str | None
) -> Step:
    values = dict(given)
    after = values.pop('after', None) if command == 'stop' else None
    if command == 'install':
        _check_run_name(values)
    words = options.words(command, values)
    return Step(
        command,
        tuple(words),
        source=source if command in ('install', 'validate') else None,
        after='' if after is None else targets.moment(after),
    )


def _check_run_name(values: Mapping[str, Any]) -> None:
    for key in ('run-name', 'run_name'):
        if values.get(key) is not None:
            targets.run_name(values[key])


def check_names(names: Sequence[Any], most: int) -> list[str]:
    """Return the names of the workflows in an order, each once.

    Raises:
        RequestError: One is no name, or there are none, or too many.
    """
    checked = list(dict.fromkeys(map(targets.workflow_name, names)))
    if not 1 <= len(checked) <= most:
        raise RequestError(
            f'An order is for 1 to {most} workflows, not {len(checked)}')
    return checked


def check_confirmed(
    steps: Sequence[Step], names: Sequence[str], confirm: Collection[str]
) -> None:
    """Have those named again which would be gone.

    Raises:
        RequestError: They are not the same.
    """
    if steps[0].command == 'clean' and set(confirm) != set(names):
        raise RequestError(
            'Clean removes for ever: confirm it by the names of the workflows'
            f' ({", ".join(map(shown, names[:10]))}).'
        )


def line(step: Step, name: str) -> list[str]:
    """Look on the disk for what is meant, and return the words for "cylc".

    Args:
        step: The step.
        name: Of the workflow.

    Raises:
        NotFound: It is not there.
    """
    words = [step.command, '--color=never', *step.options]
    if step.command == 'install':
        words.append(f'--workflow-name={name}')
    if step.source is not None:
        return [*words, '--', str(targets.source(step.source or name))]
    targets.installed(name)
    return [*words, '--', f'{name}//{step.after}' if step.after else name]


def is_needed(step: Step, name: str, before: Sequence[Step]) -> bool:
    """Tell whether a step has to be done after others.

    What is stopped has nothing to reload.
    """
    return not (before and step.command == 'reload') or (
        targets.is_running(targets.installed(name)))
