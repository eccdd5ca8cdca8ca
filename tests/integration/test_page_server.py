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
"""The pages of a real scheduler: who sees what, and how one logs in."""

from __future__ import annotations

from collections.abc import Iterator
import json
from pathlib import Path
import re
import subprocess
from typing import Any

import pytest
import requests

from tests.harness import Run, Starter, need
from tests.socket_client import Socket

FLOW = """
    [meta]
        title = Secret title <b>& more</b>
        public privilege = {level}
    [scheduling]
        [[graph]]
            R1 = hush_succeeds => hush_fails => hush_waits
    [runtime]
        [[HUSH_FAMILY]]
        [[hush_succeeds, hush_waits]]
            inherit = HUSH_FAMILY
        [[hush_fails]]
            inherit = HUSH_FAMILY
            script = false
"""

LEVELS = ('identity', 'description', 'state-totals', 'full-read', 'shutdown')

#: What may stand in the source, from which level on.
WORDS = {
    'Secret title': 'description',
    'class="totals"': 'state-totals',
    'hush_': 'full-read',
    'HUSH_': 'full-read',
    'stalled': 'full-read',
    'logRecords': 'full-read',
    '"feed"': 'full-read',
}

#: What may be asked, from which level on.
FIELDS = {
    'id cylcVersion': 'identity',
    'meta {title}': 'description',
    'stateTotals': 'state-totals',
    'status': 'full-read',
    'taskProxies {id}': 'full-read',
    'logRecords {message}': 'full-read',
}


def is_allowed(level: str, needed: str) -> bool:
    return LEVELS.index(level) >= LEVELS.index(needed)


def play(mod_start: Starter, **config: Any) -> Run:
    run = mod_start(
        FLOW.format(level='full-read'), name='page', config=config)
    run.wait_log('Workflow stalled', 60)
    return run


@pytest.fixture(scope='module')
def stalled(mod_start: Starter) -> Run:
    """A workflow which has done what it can."""
    return play(mod_start)


@pytest.fixture(scope='module')
def https(mod_start: Starter) -> Run:
    return mod_start(
        FLOW.format(level='identity'), '--pause', name='secure',
        config={'method': 'https'},
    )


def person(run: Run) -> requests.Session:
    """Return a browser which has not logged in."""
    session: requests.Session = run.session()
    session.auth = None
    session.headers['User-Agent'] = 'Mozilla/5.0 (X11; Linux x86_64)'
    session.headers['Accept'] = 'text/html,*/*;q=0.8'
    return session


def set_level(run: Run, level: str) -> None:
    run.define(FLOW.format(level=level))
    assert run.post('reload_suite?wait=20') == [True, 'Command succeeded']


def log_in(run: Run, browser: requests.Session, **more: str) -> Any:
    form = re.search(
        r'name="form" value="(\w+)"', browser.get(f'{run.url}/login').text)
    assert form
    return browser.post(
        f'{run.url}/login', headers={'Origin': run.url}, data={
            'user': 'cylc', 'password': run.passphrase, 'form': form[1],
            **more,
        })


def attributes(text: str) -> dict[str, str]:
    """Return what the page tells its scripts."""
    (body,) = re.findall(r'<body (.*?)>', text)
    return dict(re.findall(r'data-([\w-]+)="(.*?)"', body))


def island(text: str) -> dict[str, Any]:
    found = re.search(r'id="state">(.*?)</script>', text)
    assert found
    state: dict[str, Any] = json.loads(found[1])
    return state


@pytest.fixture(scope='module')
def by_level(stalled: Run) -> Iterator[dict[str, dict[str, Any]]]:
    """Ask for all there is at each level, without logging in."""
    found = {}
    for level in LEVELS:
        set_level(stalled, level)
        found[level] = {
            'page': person(stalled).get(stalled.url).text,
            'http': {field: by_http(stalled, field) for field in FIELDS},
            'socket': by_socket(stalled),
            'change': person(stalled).post(
                f'{stalled.url}/graphql', headers={
                    'Origin': stalled.url, 'Accept': 'application/json',
                }, json={
                    'query': 'mutation {stop(workflows: ["*"]) {result}}',
                }).text,
            'logs': person(stalled).get(f'{stalled.url}/logs').status_code,
        }
    set_level(stalled, 'full-read')
    yield found


def by_http(run: Run, field: str) -> bool:
    answer = person(run).post(
        f'{run.url}/graphql', headers={'Accept': 'application/json'},
        json={'query': f'{{workflows {{{field}}}}}'},
    ).json()
    return 'errors' not in answer


def by_socket(run: Run) -> dict[str, bool]:
    """Return which fields a page without a session may subscribe to."""
    found = {}
    with Socket(run, user='', headers=(
        'User-Agent: Mozilla/5.0', f'Origin: {run.url}',
    )) as socket:
        socket.say(type='connection_init')
        assert socket.hear()['type'] == 'connection_ack'
        for field in FIELDS:
            socket.say(id=field, type='subscribe', payload={
                'query': f'subscription {{workflows {{{field}}}}}',
            })
            found[field] = socket.hear()['type'] == 'next'
            socket.say(id=field, type='complete')
    return found


@pytest.mark.parametrize('level', LEVELS)
def test_level(by_level: dict[str, Any], level: str) -> None:
    """Nobody sees, by any way, what is above the level of the public."""
    text = by_level[level]['page']
    said = attributes(text)
    assert (said['user'], said['privilege']) == ('anon', level)
    assert {word: word in text for word in WORDS} == {
        word: is_allowed(level, needed) for word, needed in WORDS.items()
    }
    may = {
        field: is_allowed(level, needed) for field, needed in FIELDS.items()
    }
    assert by_level[level]['http'] == may
    assert by_level[level]['socket'] == may
    assert by_level[level]['logs'] == (
        200 if is_allowed(level, 'full-read') else 403)


@pytest.mark.parametrize('level', LEVELS)
def test_no_commands_without_log_in(
    by_level: dict[str, Any], level: str
) -> None:
    """Be it that the public may stop the workflow."""
    errors = json.loads(by_level[level]['change'])['errors']
    assert errors[0]['extensions']['code'] == 'FORBIDDEN'


def test_nothing_inside_is_told(by_level: dict[str, Any]) -> None:
    """No passphrase, token or path of the server's."""
    for found in by_level.values():
        assert 'the quick brown fox' not in found['page']
        assert 'cylc-run' not in found['page']


def test_first_state(stalled: Run) -> None:
    """The page shows what there is before any script runs."""
    text = person(stalled).get(stalled.url).text
    assert 'stalled: 1 task failed' in text
    assert '&lt;b&gt;&amp; more&lt;/b&gt;' in text
    for name in ('hush_succeeds', 'hush_fails', 'hush_waits'):
        assert re.search(rf'<b>{name}</b>', text)
    assert re.search(r'class="job".*data-state="failed".*#1 localhost', text)
    added = island(text)['added']
    states = {
        each['id'].partition('//')[2]: each['state']
        for each in added['taskProxies']
    }
    assert states['1/hush_fails'] == 'failed'
    (snapshot,) = stalled.get('graphql', query="""{workflows {
        taskProxies {id state} jobs {id state startedTime finishedTime}
    }}""")['data']['workflows']
    for kind, elements in snapshot.items():
        ours = {each['id']: each for each in added[kind]}
        for each in elements:
            assert each.items() <= ours[each['id']].items()


def test_log_in_by_the_form(stalled: Run) -> None:
    """And give a command, as the page's scripts do, and sign out."""
    browser = person(stalled)
    answer = log_in(stalled, browser)
    assert answer.url == f'{stalled.url}/'
    said = attributes(answer.text)
    assert (said['user'], said['privilege']) == ('cylc', 'full-control')
    assert said['signed-in'] == 'true'
    csrf = browser.cookies[said['csrf-cookie']]
    command = {'query': 'mutation {pause(workflows: ["*"]) {result}}'}
    target = f'{stalled.url}/graphql'
    ours = {'Origin': stalled.url, 'Accept': 'application/json'}
    refused = browser.post(target, json=command, headers=ours).json()
    assert refused['errors'][0]['extensions']['code'] == 'FORBIDDEN'
    done = browser.post(
        target, json=command, headers={**ours, 'X-XSRFToken': csrf}).json()
    assert 'errors' not in done
    stalled.wait_log('Command "pause" actioned')
    browser.post(
        target, json={'query': command['query'].replace('pause', 'resume')},
        headers={**ours, 'X-XSRFToken': csrf})
    answer = browser.post(
        f'{stalled.url}/logout', headers={'Origin': stalled.url},
        data={'csrf': csrf})
    assert attributes(answer.text)['user'] == 'anon'
    assert not browser.cookies
    for secret in (csrf, stalled.passphrase):
        assert secret not in stalled.log()


def test_wrong_passphrase(stalled: Run) -> None:
    browser = person(stalled)
    answer = log_in(stalled, browser, password='wrong')
    assert answer.status_code == 403
    assert 'role="alert"' in answer.text
    assert attributes(browser.get(stalled.url).text)['user'] == 'anon'
    stalled.wait_log('[client-connect] DENIED')


def test_two_servers_on_one_host(stalled: Run, https: Run) -> None:
    """A browser keeps the sessions of both."""
    browser = person(https)
    hosts = {run.http['host'] for run in (stalled, https)}
    log_in(https, browser)
    log_in(stalled, browser)
    assert len(hosts) > 1 or len({
        each.name for each in browser.cookies if 'session' in each.name
    }) == 2
    for run in (stalled, https):
        said = attributes(browser.get(run.url).text)
        assert (said['user'], said['signed-in']) == ('cylc', 'true')
        assert browser.cookies[said['csrf-cookie']]


def test_tls(https: Run, tmp_path: Path) -> None:
    """By curl: cookies for TLS alone, compressed pages, kept files."""
    jar = tmp_path / 'jar'

    def curl(path: str, *options: str) -> str:
        return subprocess.run(
            (need('curl'), '-sS', '--compressed', '-i', '-A', 'Mozilla/5.0',
             '--cacert', str(https.service / 'ssl.cert'), '-b', str(jar),
             '-c', str(jar), *options, f'{https.url}/{path}'),
            capture_output=True, text=True, timeout=20, check=True,
        ).stdout

    form = re.search(r'name="form" value="(\w+)"', curl('login'))
    assert form
    answer = curl(
        'login', '-H', f'Origin: {https.url}', '-d', f'form={form[1]}',
        '--data-urlencode', f'password={https.passphrase}')
    assert answer.startswith('HTTP/1.1 303')
    cookies = re.findall(r'^Set-Cookie: (.*)', answer, re.MULTILINE)
    assert len(cookies) == 4
    for cookie in cookies:
        assert 'SameSite=Strict' in cookie
        assert 'Max-Age=0' in cookie or 'Secure' in cookie
    page = curl('')
    assert attributes(page)['user'] == 'cylc'
    assert 'Content-Encoding: gzip' in page
    (script,) = re.findall(r'src="./(static/\w+/js/main.js)"', page)
    assert 'immutable' in curl(script)


def test_in_the_clear(mod_start: Starter) -> None:
    """Where the network could read it, no passphrase is asked for."""
    run = mod_start(
        FLOW.format(level='identity'), '--pause', name='clear',
        config={'bind': ['0.0.0.0']},
    )
    browser = person(run)
    text = browser.get(f'{run.url}/login').text
    assert 'in the clear' in text
    assert 'type="password"' not in text
    answer = browser.post(
        f'{run.url}/login', headers={'Origin': run.url},
        data={'password': run.passphrase})
    assert answer.status_code == 403
    assert not any('session' in each.name for each in browser.cookies)
