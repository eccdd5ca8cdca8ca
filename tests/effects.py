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
"""What the tests of effects ask of a workflow, and see of it."""

from __future__ import annotations

import re
from typing import Any

from tests.harness import Run


def order(run: Run, endpoint: str, *items: str, **arguments: Any) -> str:
    """Give a command, and return what became of it when it has been done.

    Raises:
        AssertionError: It was refused, or it failed.
    """
    done, text = run.post(
        f'{endpoint}?wait=30', items=items, **arguments
    )
    assert done, text
    assert 'not known yet' not in text
    return str(text)


def refusal(run: Run, endpoint: str, *items: str, **arguments: Any) -> str:
    """Give a command that is refused, and return the text of the page."""
    answer = run.request(
        'POST', endpoint, data={'items': items, **arguments},
        headers={'Accept': 'application/json'},
    )
    assert answer.status_code == 400, answer.text
    return str(answer.json()['detail'])


def let_go(run: Run, *outputs: str, job: str = '1/keep/01') -> None:
    """Send messages in the name of the task that stays."""
    answer = run.request('POST', 'put_messages', json={
        'task_job': job,
        'event_time': None,
        'messages': [['INFO', output] for output in outputs],
    })
    assert answer.json() == [True, f'Messages queued: {len(outputs)}']


def workflow(run: Run) -> dict[str, Any]:
    """Return what the state summary says of the workflow."""
    summary: dict[str, Any] = run.get('get_suite_state_summary')[0]
    return summary


def tasks(run: Run) -> dict[str, dict[str, Any]]:
    """Return what the state summary says of tasks, by ``NAME.POINT``."""
    summary: dict[str, Any] = run.get('get_suite_state_summary')[1]
    return summary


def state(run: Run, task: str) -> str | None:
    """Return the state of a task, None if it is not seen."""
    return tasks(run).get(task, {}).get('state')


def wait_state(run: Run, task: str, wanted: str | None) -> None:
    """Wait until a task is in a state."""
    run.wait_for(lambda: state(run, task) == wanted, 30, f'{task} {wanted}')


def wait_ran(run: Run, task: str) -> None:
    """Wait until a task (``POINT/NAME``) has succeeded, by whatever way."""
    succeeded = re.compile(rf'\[{task}[/:(].*\] => succeeded')
    run.wait_for(lambda: succeeded.search(run.log()), 40, f'{task} succeeded')


def has_run(run: Run, task: str) -> bool:
    """Return True if a task (``POINT/NAME``) ever got a job."""
    return run.job_file(task, 'job').exists()
