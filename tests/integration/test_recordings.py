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
"""What a Cylc 7 server was asked is asked ours: the same answers.

Three schedulers play the recorded workflow at the same time: two for the
two lives of the recorded one, one for https. What clients see of it is
widened to what Cylc 7 had in its task pool, so that all values count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
import json
import re
import time
from typing import Any, NamedTuple

import pytest

from tests.departures import (
    CASES,
    LEFT_OUT,
    RULES,
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

#: A part of a recording; what is to be waited for in the log.
Step = list[Exchange] | str

#: The last thing that happens by itself.
SETTLED = '[1/join/01:running] => succeeded'

#: Waits until nothing changes any more; a warning in the log is a change.
QUIET = ''

RECORDINGS = sorted(
    f'http/{path.stem}' for path in (TRANSCRIPTS / 'http').iterdir()
)


def part(name: str, start: int = 0, stop: int | None = None) -> Step:
    """Return exchanges of a recording, by default all."""
    return load(f'http/{name}')[start:stop]


#: The recorded server from its start to its end by "remove_cycle".
FIRST: list[Step] = [
    SETTLED,
    QUIET,
    part('auth'),
    part('identify', 0, 4),
    part('ping_suite', 0, 2),
    part('protocol'),
    part('get_cylc_version'),
    part('get_suite_info'),
    part('get_suite_state_summary'),
    part('get_task_info'),
    part('get_task_jobfile_path'),
    part('get_task_requisites'),
    part('ping_task', 0, 11),
    part('get_graph_raw'),
    part('get_broadcast', 0, 1),
    part('put_broadcast', 0, 17),
    part('get_broadcast', 1, 9),
    part('clear_broadcast', 0, 6),
    part('expire_broadcast'),
    part('put_broadcast', 17),
    part('clear_broadcast', 6),
    part('trigger_tasks', 1),
    # From here on as fast as can be: sessions end after a minute.
    QUIET,
    part('get_latest_state', 0, 10),
    part('reset_task_states', 0, 1),
    part('get_latest_state', 10, 11),
    part('trigger_tasks', 0, 1),
    '[1/bad/02:running] => failed',
    QUIET,
    part('get_latest_state', 11, 13),
    part('signout', 0, 4),
    part('get_latest_state', 13, 16),
    part('poll_tasks'),
    '[1/sleeper/01:running] (polled)started',
    '[1/victim/01:running] (polled)started',
    part('put_messages', 0, 14),
    part('put_message'),
    part('put_ext_trigger'),
    '[1/after_go/01:running] => succeeded',
    part('get_broadcast', 9),
    part('hold_suite', 0, 4),
    part('get_latest_state', 16, 17),
    part('release_suite', 0, 2),
    part('hold_after_point_string', 0, 1),
    part('get_latest_state', 17, 18),
    part('hold_after_point_string', 1),
    part('release_suite', 2, 3),
    part('hold_tasks'),
    part('release_tasks'),
    part('reset_task_states', 1),
    part('insert_tasks'),
    part('spawn_tasks'),
    part('dry_run_tasks'),
    part('take_checkpoints'),
    part('kill_tasks'),
    part('remove_tasks'),
    part('remove_cycle', 0, 2),
    part('server_killers'),
]

#: The one after it, until it is stopped.
SECOND: list[Step] = [
    SETTLED,
    QUIET,
    part('remove_cycle', 2),
    part('nudge'),
    part('set_verbosity', 0, 1),
    part('ping_suite', 2, 4),
    part('signout', 4),
    part('identify', 4, 5),
    part('ping_task', 11),
    part('put_messages', 14),
    part('set_verbosity', 1),
    part('ping_suite', 4),
    part('hold_suite', 4),
    part('release_suite', 3),
    part('reload_suite'),
    part('get_latest_state', 18, 19),
    part('set_stop_after_point'),
    part('get_latest_state', 19, 20),
    part('set_stop_after_task'),
    part('set_stop_after_clock_time'),
    part('get_latest_state', 20, 21),
    part('set_stop_cleanly'),
    part('get_latest_state', 21),
    part('identify', 5),
    part('stop_now'),
]

#: One which did nothing yet.
HELD: list[Step] = [
    part('order_of_checks'),
    part('session_key'),
    part('session_expiry', 0, 5),
]

HTTPS: list[Step] = [SETTLED, QUIET, load('https/https')]


class Play(NamedTuple):
    """What is replayed in one life of a scheduler."""

    script: list[Step]
    name: str = 'accept'
    method: str = 'http'
    options: tuple[str, ...] = ()


PLAYS = (
    Play(FIRST),
    Play(SECOND),
    Play(HELD, 'pub-state-totals', options=('--pause',)),
    Play(HTTPS, method='https'),
)

EXCHANGES = [
    exchange
    for play in PLAYS for step in play.script if not isinstance(step, str)
    for exchange in step
]

#: What makes Cylc 8 look as far ahead and back as Cylc 7 did.
WIDEN = json.dumps({
    'request_string': """
        mutation {
            setGraphWindowExtent(workflows: ["*"], nEdgeDistance: 3) {
                result
            }
        }
    """,
    'variables': {},
})


class Replayed(NamedTuple):
    """An exchange, what ours answered, and where that differs."""

    exchange: Exchange
    answer: Answer
    differences: Differences


@pytest.fixture(scope='module')
def replayed(mod_start: Starter) -> dict[str, Replayed]:
    """Replay all that was recorded; {name: what became of it}."""
    runs = [
        mod_start.make(
            FLOW, name=play.name,
            config={'legacy_run_directory': '', 'method': play.method},
        )
        for play in PLAYS
    ]
    with ThreadPoolExecutor(len(runs)) as threads:
        results = list(threads.map(replay, runs, PLAYS))
    return {
        each.exchange.name: each for result in results for each in result
    }


def replay(run: Run, play: Play) -> list[Replayed]:
    """Play the workflow, and send what is in the script."""
    run.play(*play.options)
    run.cylc('client', play.name, 'graphql', input=WIDEN)
    run.wait_for(lambda: 'start.2' in run.get('get_suite_state_summary')[1])
    client = Client(run)
    known = {
        '7.8.15': run.get('get_cylc_version'),
        '<HOME>': str(run.home),
        '<OWNER>': run.get('identify')['owner'],
    }
    results: list[Replayed] = []
    for step in play.script:
        if step == QUIET:
            run.wait_for(lambda: age(run) > 2, 40)
            continue
        if isinstance(step, str):
            run.wait_log(step, 90)
            continue
        command = ''
        for exchange in step:
            answer, given = client.replay(exchange)
            command = given or command
            results.append(Replayed(
                exchange, answer, differences(exchange, answer, known)
            ))
        if command and not exchange.name.startswith('stop_now'):
            client.outcome(command)
    return results


def age(run: Run) -> float:
    """Return how long (seconds) nothing has changed."""
    workflow, _, _ = run.get('get_suite_state_summary')
    return time.time() - float(workflow['last_updated'])


@pytest.mark.parametrize(
    'name',
    [each.name for each in EXCHANGES if each.name not in CASES],
)
def test_same_answer(replayed: dict[str, Replayed], name: str) -> None:
    """The answer is the recorded one, but for what the rules explain."""
    found = replayed[name].differences
    assert unexplained(name, found, RULES) == {}


@pytest.mark.parametrize('name', CASES)
def test_departure(replayed: dict[str, Replayed], name: str) -> None:
    """The answer is another, namely this one."""
    _, answer, found = replayed[name]
    departure = CASES[name]
    assert found, 'no departure'
    assert answer.status == departure.status
    assert said(answer) == departure.says
    if departure.status != 401:
        assert 'log' not in found


def said(answer: Answer) -> Any:
    """Return the text of an error, or a document."""
    return answer.json if answer.status == 200 else answer.text


@pytest.mark.parametrize('rule', RULES, ids=lambda rule: rule.why)
def test_rule_is_needed(replayed: dict[str, Replayed], rule: Rule) -> None:
    """Something departs as the rule says."""
    assert needed(rule, {
        name: each.differences
        for name, each in replayed.items() if name not in CASES
    })


def test_all_are_sent() -> None:
    """No recorded exchange is forgotten, or sent twice."""
    recorded = [
        exchange.name
        for path in (*RECORDINGS, 'https/https') for exchange in load(path)
    ]
    sent = [exchange.name for exchange in EXCHANGES]
    assert Counter([*sent, *LEFT_OUT]) == Counter(recorded)
    assert set(CASES) <= set(sent)


def test_totals_are_those_of_the_tasks(
    replayed: dict[str, Replayed],
) -> None:
    """In each summary the states and their numbers are the tasks'."""
    summaries = list(found_summaries(replayed))
    assert len(summaries) > 10
    for workflow, tasks, _ in summaries:
        states = sorted(task['state'] for task in tasks.values())
        assert workflow['states'] == states
        assert workflow['state totals'] == Counter(states)


def found_summaries(
    replayed: dict[str, Replayed]
) -> Iterator[list[dict[str, Any]]]:
    for _, answer, _ in replayed.values():
        if isinstance(answer.json, dict) and 'summary' in answer.json:
            yield answer.json['summary']


def test_error_lines(replayed: dict[str, Replayed]) -> None:
    """What the GUI shows as errors are lines of the log."""
    texts = [
        answer.json['err_content']
        for _, answer, _ in replayed.values()
        if isinstance(answer.json, dict) and answer.json.get('err_content')
    ]
    assert len(texts) > 4
    for text in texts:
        assert re.match(
            r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (WARNING|ERROR|CRITICAL) - ',
            text,
        )
