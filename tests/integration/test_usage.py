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
"""Who calls REST, as a real scheduler counts it, and as it tells them."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from cylc_flask.usage import usage_path
from tests.harness import ONE, Run, Starter

CYLC = {'User-Agent': 'cylc/7.8.15 prog_name/cylc-ping uuid/4f1a'}


def calls(run: Run) -> dict[str, Any]:
    """Return the calls of today, or of the night that has just begun."""
    out = run.cylc('flask', 'info', '--usage', run.name, '--json').stdout
    said = json.loads(out)
    assert said['workflow'] == run.name
    days: dict[str, Any] = said['calls']
    return next(iter(days.values()))


def test_over_a_restart(start: Starter) -> None:
    run = start(ONE, '--pause', name='counted')
    out = run.cylc('flask', 'info', '--usage').stdout
    assert out == 'no calls of REST have been counted\n'
    for headers in (CYLC, CYLC, {'User-Agent': 'curl/8.5.0'}):
        run.request('GET', 'ping_suite', headers=headers)
    run.request('GET', 'id/ping_suite', headers=CYLC)
    # No calls: nobody there, nobody known, nothing allowed, nothing meant.
    for path, user in (('nix', 'cylc'), ('hold_suite', 'anon')):
        run.request('GET', path, user=user)
    run.session('cylc', 'wrong').get(f'{run.url}/ping_suite')
    run.stop()
    expected = {'ping_suite': {'cylc-ping': 3, 'curl': 1}}
    assert calls(run) == expected
    path = usage_path(run.run_dir)
    assert path.stat().st_mode & 0o777 == 0o600
    run.play('--pause')
    run.request('GET', 'ping_suite', headers=CYLC)
    run.stop()
    expected['ping_suite']['cylc-ping'] += 1
    assert calls(run) == expected
    table = run.cylc('flask', 'info', '--usage').stdout.splitlines()
    assert table[0].startswith('counted: calls of REST since 2')
    assert table[1].split() == ['last', 'day', 'calls', 'endpoint', 'program']
    assert [row.split()[1:] for row in table[2:]] == [
        ['4', 'ping_suite', 'cylc-ping'], ['1', 'ping_suite', 'curl'],
    ]


def test_nothing_harms_the_scheduler(start: Starter) -> None:
    """Something else is in the place of the file."""
    run = start.make(ONE)
    usage_path(run.run_dir).mkdir(parents=True)
    run.play('--pause')
    assert run.get('ping_suite') is True
    assert run.stop() == 0
    assert 'flask: calls are counted, not written' in run.log()
    assert 'Traceback' not in run.log()


@pytest.mark.parametrize('config, link', [
    ({}, '</graphql>; rel="successor-version"'),
    ({'deprecation_page': 'https://site.example/rest?a=b'},
     '</graphql>; rel="successor-version", <https://site.example/rest?a=b>;'
     ' rel="deprecation"; type="text/html"'),
])
def test_deprecation(
    start: Starter, config: dict[str, str], link: str
) -> None:
    run = start(ONE, '--pause', config={'deprecate_rest': True, **config})
    for path in ('ping_suite', 'id/identify', 'ping_task', 'hold_suite'):
        answer = run.request('POST', path)
        assert answer.headers['Link'] == link
        since = re.fullmatch(r'@(\d+)', answer.headers['Deprecation'])
        assert since and 0 <= time.time() - int(since[1]) < 120
    answer = run.request('POST', 'session')
    assert 'Deprecation' not in answer.headers


def test_no_deprecation_unless_told(start: Starter) -> None:
    run = start(ONE, '--pause')
    answer = run.request('GET', 'ping_suite')
    assert not {'Deprecation', 'Link'} & set(answer.headers)
