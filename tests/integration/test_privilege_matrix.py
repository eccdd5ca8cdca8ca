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
"""Who may do what: 43 endpoints by 6 callers, as a Cylc 7 server had it.

One scheduler is reloaded with each level that a workflow can grant to the
public; another has the level from the configuration.
"""

from __future__ import annotations

import json

import pytest

from tests.departures import (
    PRIVILEGE_CASES,
    PRIVILEGE_RULES,
    PRIVILEGE_STATUS,
    Rule,
    needed,
    unexplained,
)
from tests.harness import Run, Starter
from tests.recordings import (
    FLOW,
    TRANSCRIPTS,
    Answer,
    Client,
    Differences,
    Exchange,
    differences,
    load,
)

#: In this order: as "identity" the owner tries everything, and spoils it.
LEVELS = ('description', 'full-read', 'state-totals', 'shutdown', 'identity')

MATRIX = json.loads((TRANSCRIPTS / 'privilege' / 'matrix.json').read_text())


def recorded(level: str) -> list[Exchange]:
    """Return what was asked at a level.

    What Cylc 7 did not serve comes last: with us it begins a session.
    """
    return sorted(
        load(f'privilege/privilege_{level}'),
        key=lambda each: each.endpoint == 'apiversion',
    )


def user(exchange: Exchange) -> str:
    return exchange.name.split('user ')[1].partition(',')[0]


EXCHANGES = {
    each.name: (level, each) for level in LEVELS for each in recorded(level)
}


def granting(level: str) -> str:
    """Return the workflow with a level for the public."""
    return FLOW.replace(
        '[meta]', f'[meta]\n    public privilege = {level}', 1
    )


@pytest.fixture(scope='module')
def answers(mod_start: Starter) -> dict[str, tuple[Answer, Differences]]:
    """Ask everything at each level: {exchange: answer, differences}."""
    run = mod_start(
        granting(LEVELS[0]), '--pause', name='pub',
        config={'legacy_run_directory': ''},
    )
    client = Client(run)
    known = {
        '7.8.15': run.get('get_cylc_version'),
        '<HOME>': str(run.home),
        '<OWNER>': run.get('identify')['owner'],
        **{f'pub-{level}': 'pub' for level in LEVELS},
    }
    found = {}
    for level in LEVELS:
        if level != LEVELS[0]:
            reload(run, granting(level))
        for exchange in recorded(level):
            answer, _ = client.replay(exchange)
            found[exchange.name] = (
                answer, differences(exchange, answer, known)
            )
    return found


def reload(run: Run, flow: str) -> None:
    run.define(flow)
    assert run.post('reload_suite?wait=20') == [True, 'Command succeeded']


@pytest.mark.parametrize('column', MATRIX)
def test_matrix(
    answers: dict[str, tuple[Answer, Differences]], column: str
) -> None:
    """The status codes are those of the matrix, but for the departures."""
    ours = {
        each.target.partition('?')[0].removeprefix('/'):
            answers[name][0].status
        for name, (level, each) in EXCHANGES.items()
        if column == f'{user(each)} (public={level})'
    }
    assert len(ours) == 43
    departed = {
        endpoint: status for endpoint, status in ours.items()
        if status != MATRIX[column][endpoint]
    }
    expected = {
        endpoint: status
        for endpoint, (status, _) in PRIVILEGE_STATUS.items()
        if column.startswith('cylc') or endpoint == 'apiversion'
    }
    assert departed == expected


@pytest.mark.parametrize(
    'name', [name for name in EXCHANGES if name not in PRIVILEGE_CASES]
)
def test_same_answer(
    answers: dict[str, tuple[Answer, Differences]], name: str
) -> None:
    """Texts, values and log lines are the recorded ones, too."""
    _, found = answers[name]
    assert unexplained(name, found, PRIVILEGE_RULES) == {}


@pytest.mark.parametrize('name', PRIVILEGE_CASES)
def test_departure(
    answers: dict[str, tuple[Answer, Differences]], name: str
) -> None:
    """The answer is another, namely this one."""
    answer, found = answers[name]
    departure = PRIVILEGE_CASES[name]
    assert found, 'no departure'
    assert answer.status == departure.status
    said = answer.json if answer.status == 200 else answer.text
    assert said == departure.says


@pytest.mark.parametrize('rule', PRIVILEGE_RULES, ids=lambda rule: rule.why)
def test_rule_is_needed(
    answers: dict[str, tuple[Answer, Differences]], rule: Rule
) -> None:
    """Something departs as the rule says."""
    assert needed(rule, {
        name: found for name, (_, found) in answers.items()
        if name not in PRIVILEGE_CASES
    })


def test_configured_level(mod_start: Starter) -> None:
    """The configuration grants a level, until the workflow has its own.

    What makes no sense there grants as little as possible, and so does what
    would give the workflow away.
    """
    run = mod_start(
        FLOW, '--pause', name='configured',
        config={'legacy_run_directory': '', 'public_privilege': 'full-read'},
    )

    def status(path: str) -> int:
        return run.request('GET', path, user='anon').status_code

    assert status('get_broadcast') == 200
    assert status('stop_now') == 403
    for level in ('full-control', 'everything'):
        warning = f"[meta] public privilege = '{level}' is not one of"
        reload(run, granting(level))
        assert status('ping_suite') == 200
        assert status('get_suite_info') == 403
        assert f'WARNING - flask: {warning}' in run.log()
        # Once for each reload, not for each request.
        assert run.log().count(warning) == 1
    reload(run, granting('description'))
    assert status('get_suite_info') == 200
    assert status('get_broadcast') == 403
    reload(run, FLOW)
    assert status('get_broadcast') == 200


def test_configured_default(mod_start: Starter) -> None:
    """With no word about it the public sees totals, as in Cylc 7."""
    run = mod_start(
        FLOW, '--pause', name='default', config={'legacy_run_directory': ''}
    )
    said = run.request('GET', 'id/identify', user='anon').json()
    assert {'states', 'tasks-by-state', 'update-time'} <= set(said)
    answer = run.request('GET', 'get_suite_state_summary', user='anon')
    assert answer.status_code == 403
    assert run.passphrase not in run.log()
