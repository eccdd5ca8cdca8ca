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
"""Who may do what in a real hub: users x operations x workflows x ways in.

What is expected comes from the table in `tests.hub_matrix`. All who call look
at each answer for traces of what they are not to see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
import json
from queue import SimpleQueue
import re
from socket import SHUT_RDWR
import subprocess
from threading import Thread
from time import monotonic
from typing import Any
from urllib.parse import quote

import pytest
import requests
from requests.auth import HTTPDigestAuth
from websocket import (
    WebSocketBadStatusException,
    WebSocketException,
    create_connection,
)

from tests import hub_matrix
from tests.harness import need, wait_for
from tests.hub_matrix import (
    BARE,
    DARK,
    LEVELS,
    LIFE_CYCLE,
    MARKS,
    MISSING,
    NO_DARK,
    NOWHERE,
    OPEN,
    PASSWORD,
    PATIENCE,
    RIGHTS,
    RULES,
    SHUT,
    THERE,
    UNKNOWN,
    Guest,
    Site,
    events,
    may,
    names,
    rows,
    sees,
    shown,
    steady,
    wait_until_followed,
)
from tests.socket_client import LEGACY, TRANSPORT, Closed, Socket

FEED = 'cylc-feed.json'
LIST = 'cylc-list.json'

#: What there is to read below a workflow's address, and what one needs.
READS = {
    '': 'identity',
    'ping_suite': 'identity',
    'get_cylc_version': 'identity',
    'id/apiversion': 'identity',
    'get_suite_info': 'description',
    'get_suite_state_summary': 'full-read',
    'get_latest_state?full_mode=True': 'full-read',
    'get_broadcast': 'full-read',
    'get_task_info?names=x': 'full-read',
    'feed/snapshot': 'full-read',
    'logs': 'full-read',
}

TASKS = {'items': 'none.9'}

#: Cylc 7's commands, with what is harmless, and what one needs.
REST: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    'hold_suite': (('pause',), {}),
    'release_suite': (('resume', 'release_hold_point'), {}),
    'hold_tasks': (('hold',), TASKS),
    'release_tasks': (('release',), TASKS),
    'hold_after_point_string': (('set_hold_point',), {'point_string': '29'}),
    'trigger_tasks': (('trigger',), TASKS),
    'kill_tasks': (('kill',), TASKS),
    'poll_tasks': (('poll',), TASKS),
    'remove_tasks': (('remove',), TASKS),
    'reset_task_states': (('set',), {**TASKS, 'state': 'succeeded'}),
    'reload_suite': (('reload',), {}),
    'set_verbosity': (('set_verbosity',), {'level': '20'}),
    'set_stop_after_point': (('stop',), {'point_string': '30'}),
    'expire_broadcast': (('broadcast',), {'cutoff': '1'}),
    'put_ext_trigger': (
        ('ext_trigger',), {'event_message': 'x', 'event_id': '1'}),
    'put_message': (
        ('message',), {'task_id': 'none.9', 'severity': 'INFO',
                       'message': 'x'}),
    'nudge': (('full-control',), {}),
}

NO_TASK = 'tasks: ["9/none"]'

#: Mutations by what they are, with arguments that do no harm.
MUTATIONS = {
    'broadcast': 'mode: Expire, cutoff: "1"',
    'ext_trigger': 'message: "x", id: "1"',
    'hold': NO_TASK,
    'kill': NO_TASK,
    'message': 'taskJob: "9/none/01", messages: [["INFO", "x"]]',
    'pause': '',
    'poll': NO_TASK,
    'release': NO_TASK,
    'release_hold_point': '',
    'reload': '',
    'remove': NO_TASK,
    'resume': '',
    'set': NO_TASK,
    'set_graph_window_extent': 'nEdgeDistance: 1',
    'set_hold_point': 'point: "29"',
    'set_verbosity': 'level: INFO',
    'stop': 'cyclePoint: "30"',
    'trigger': NO_TASK,
}

#: What can be asked in GraphQL, and what one needs of a workflow.
QUERIES = {
    '{workflows {id name owner}}': 'identity',
    '{workflows {id meta {title}}}': 'description',
    '{workflows {id stateTotals}}': 'state-totals',
    '{workflows {id status}}': 'full-read',
    '{taskProxies {id name state}}': 'full-read',
}

DELTAS = (
    'subscription {deltas {id added {workflow {id} taskProxies {id name}}'
    ' updated {workflow {id status}} pruned {workflow}}}'
)

#: What one may ask about all workflows, so that the answer holds those
#: which one may know of.
WHOLE = {'': 'text/html', 'workflows': '', 'whoami': '', 'jobs': '',
         'sources': '', 'options/play': ''}


@pytest.fixture(scope='module')
def site() -> Iterator[Site]:
    made = hub_matrix.make()
    try:
        yield made
    finally:
        made.close()
        made.hub.close()


def about(path: str) -> str:
    """Return the path of something below a workflow's address."""
    return f'workflows/{path}'


# REST and pages

def test_reads(site: Site) -> None:
    """403 for who may know of a workflow, 404 for who may not."""
    for user, guest in site.known():
        for workflow in THERE + MISSING:
            for path, word in READS.items():
                if path == 'logs' and workflow in (SHUT, DARK):
                    continue  # they have none
                answer = guest.call(
                    about(f'{workflow}/{path}'),
                    headers={} if path else {'Accept': 'text/html'})
                assert answer.status_code == status(
                    user, (word,), workflow), (user, workflow, path)


def status(
    user: str, words: tuple[str, ...], workflow: str, good: int = 200
) -> int:
    if not sees(user, workflow):
        return 404
    return good if all(may(user, word, workflow) for word in words) else 403


def test_identify_tells_as_much_as_one_may_know(site: Site) -> None:
    """One after the other, so that no answer is another's."""
    for user, guest in [*site.known()] * 2:
        for workflow in names(user):
            said = guest.call(about(f'{workflow}/identify')).json()
            assert ('title' in said) == may(user, 'description', workflow)
            assert ('states' in said) == may(user, 'state-totals', workflow)


@pytest.mark.parametrize('verb', ['POST', 'GET'])
def test_rest_commands(site: Site, verb: str) -> None:
    """What is allowed gets to the scheduler, if there is one."""
    for user, guest in site.known():
        for workflow in THERE + MISSING:
            for path, (words, arguments) in REST.items():
                wanted = status(user, words, workflow)
                if verb == 'GET' and wanted == 200:
                    continue  # once is enough
                key = 'data' if verb == 'POST' else 'params'
                answer = guest.call(
                    about(f'{workflow}/{path}'), verb, **{key: arguments})
                what = user, workflow, path, answer.text
                if wanted != 200:
                    assert answer.status_code == wanted, what
                elif workflow in (OPEN, BARE):
                    assert answer.status_code in (200, 400) or (
                        'No such task' in answer.text), what
                elif path != 'nudge':
                    # Nobody is there to do it, or it fits nothing.
                    assert answer.status_code in (400, 503) or (
                        'No such task' in answer.text), what


def test_unknown_looks_like_forbidden(site: Site) -> None:
    """Status, headers and body are the same, whatever one asks."""
    paths = [*READS, *REST, 'identify', 'nothing', 'graphql', 'session',
             'graphql/stream', 'subscriptions', 'feed', 'relay', 'login',
             'static/css/page.css', 'runN', '..']
    for user in ('stranger', 'nobody', 'single', 'controller', 'peeper'):
        guest = site.guests[user]
        hidden = [name for name in THERE + MISSING
                  if user == 'stranger' or not sees(user, name)]
        for number, path in enumerate(paths):
            for verb in ('GET', 'POST', 'HEAD', 'OPTIONS')[number % 2::2]:
                seen = [
                    shown(guest.call(about(f'{name}/{path}'), verb), name)
                    for name in hidden
                ]
                assert all(each == seen[0] for each in seen), (path, seen)


def test_browsers_see_no_difference(
    site: Site, hidden: tuple[str, ...] = THERE + MISSING
) -> None:
    """To a page of a workflow that is not for them, known or not."""
    marks = {'User-Agent': 'Mozilla/5.0', 'Accept': 'text/html',
             'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Site': 'none'}
    for guest in (site.guests['stranger'], site.guests['nobody']):
        for path in ('', '/', '/logs', '/graphql', '/login', '/identify'):
            seen = [
                shown(guest.call(about(name + path), headers=marks), name)
                for name in hidden
            ]
            assert all(each == seen[0] for each in seen), (path, seen)
            assert seen[0][0] in (303, 404)


@pytest.mark.parametrize('name', UNKNOWN)
def test_nobody_gets_in(site: Site, name: str) -> None:
    """And what they get says nothing."""
    paths = [
        *WHOLE, about(f'{OPEN}/'), about(f'{NOWHERE}/'), 'audit', 'scan',
        'jobs/x', 'sessions', 'list', 'subscriptions', about(f'{OPEN}/feed'),
    ]
    # Who shows something wrong is kept waiting.
    for path in paths if name == 'stranger' else paths[:1]:
        answer = site.guests[name].call(path)
        assert answer.status_code == 401, path
        assert answer.content == b''


# Of the hub itself

def test_lists(site: Site) -> None:
    """Each has what one may know of, and not one more."""
    for user, guest in [*site.known()] * 2:
        found = rows(guest.call('workflows'))
        assert found.keys() == names(user)
        for name, row in found.items():
            assert {*row['operations']} == RIGHTS[user][name], (user, name)
            assert ('title' in row) <= may(user, 'description', name)
            assert ('totals' in row) == may(user, 'state-totals', name)
            assert ('words' in row) == may(user, 'full-read', name)
        told = guest.call('whoami').json()['workflows']
        assert {
            name: {*one['operations']} for name, one in told.items()
        } == RIGHTS[user]
        page = guest.call('', headers={'Accept': 'text/html'}).text
        assert {name for name in THERE if name in page} == names(user)


def test_list_by_socket(site: Site) -> None:
    for user, guest in site.known():
        with socket(guest, 'list', LIST) as line:
            first = line.hear()
            assert first['type'] == 'all'
            found = {item['row']['name']: item for item in first['rows']}
            assert found.keys() == names(user)
            for name, item in found.items():
                assert {
                    *first['may'][str(item['may'])]} == RIGHTS[user][name]


def test_whoami_decides(site: Site) -> None:
    for user, guest in site.known():
        for workflow in THERE + MISSING:
            for word in ('identity', 'full-read', 'hold', 'stop', 'audit'):
                said = guest.call(
                    f'whoami?operation={word}&workflow={workflow}').json()
                if workflow in THERE:
                    assert said['allowed'] == may(user, word, workflow)
        said = [
            guest.call(f'whoami?operation=hold&workflow={name}').json()
            for name in (DARK, NO_DARK)
        ]
        if user not in ('owner', 'peeper'):
            assert said[0] | {'workflow': ''} == said[1] | {'workflow': ''}


def test_audit(site: Site) -> None:
    """The log is for whom it is given, and as far as it is."""
    for user, guest in site.known():
        answer = guest.call('audit?limit=10000')
        allowed = names(user, 'audit')
        assert answer.status_code == (200 if allowed else 403), user
        if user == 'auditor':
            told = {line['workflow'] for line in answer.json()}
            assert told == {BARE}


# The life cycle

def order(guest: Guest, command: str, workflow: str) -> Any:
    return guest.post('jobs', {
        'command': command, 'workflows': [workflow],
        'confirm': [workflow] if command == 'clean' else [],
    })


@pytest.fixture(scope='module')
def blocker(site: Site) -> Iterator[str]:
    """Have a job which goes on, so that all others wait; return its id."""
    owner = site.guests['owner']
    answer = order(owner, 'validate', SHUT)
    assert answer.status_code == 202, answer.text
    (job,) = answer.json()['jobs']
    wait_for(
        lambda: owner.call(f'jobs/{job["id"]}').json()['state'] == 'running',
        PATIENCE)
    yield job['id']
    owner.post(f'jobs/{job["id"]}/cancel')


def test_orders(site: Site, blocker: str) -> None:
    """What may be ordered is one's own, to see and to cancel."""
    for user, guest in site.known():
        for workflow in THERE:
            for command in (*LIFE_CYCLE, 'stop', 'reload'):
                answer = order(guest, command, workflow)
                assert answer.status_code == status(
                    user, (command,), workflow, 202
                ), (user, workflow, command, answer.text)
                if answer.status_code != 202:
                    continue
                (job,) = answer.json()['jobs']
                assert job['user'] == guest.call('whoami').json()['user']
                done = guest.post(f'jobs/{job["id"]}/cancel')
                assert done.json()['state'] == 'cancelled'
        for command in LIFE_CYCLE:
            if user in ('owner', 'peeper'):
                continue
            assert shown(order(guest, command, DARK), DARK) == shown(
                order(guest, command, NO_DARK), NO_DARK)


def test_orders_for_several(site: Site, blocker: str) -> None:
    """All of it is done or nothing, and what is hidden is not there."""
    guest = site.guests['barred']
    before = guest.call('jobs').json()
    for names_, expected in (
        ([OPEN, DARK], 404), ([OPEN, BARE], 404), ([SHUT, NOWHERE], 404),
    ):
        answer = guest.post(
            'jobs', {'command': 'play', 'workflows': names_})
        assert answer.status_code == expected, answer.text
    assert guest.call('jobs').json() == before


def test_jobs_of_others(site: Site, blocker: str) -> None:
    """Who may read all of a workflow sees its jobs, and what they write."""
    owner = site.guests['owner']
    (dark,) = order(owner, 'validate', DARK).json()['jobs']
    for user, guest in site.known():
        for id_, workflow in ((blocker, SHUT), (dark['id'], DARK)):
            visible = may(user, 'full-read', workflow)
            listed = [job['id'] for job in guest.call('jobs').json()['jobs']]
            assert (id_ in listed) == visible, (user, workflow)
            wanted = 200 if visible else 404
            for path in (f'jobs/{id_}', f'jobs/{id_}/output'):
                assert guest.call(path).status_code == wanted
            found = result_of(guest.post('graphql', {
                'query': f'{{hubJob(id: "{id_}") {{id output {{text}}}}'
                         ' hubJobs {id}}'}))
            assert (found['hubJob'] is not None) == visible
            assert ({'id': id_} in found['hubJobs']) == visible
            cancel = guest.post(f'jobs/{id_}/cancel').status_code if not (
                may(user, 'validate', workflow)) else 0
            assert cancel in (0, 403 if visible else 404), user
        if not may(user, 'full-read', SHUT):
            assert shown(guest.call(f'jobs/{blocker}'), blocker) == shown(
                guest.call('jobs/' + 'x' * len(blocker)),
                'x' * len(blocker))
    owner.post(f'jobs/{dark["id"]}/cancel')


def test_sources(site: Site) -> None:
    for user, guest in site.known():
        found = guest.call('sources').json()['sources']
        assert {*found} == {
            name for name in (OPEN, DARK, SHUT)
            if may(user, 'install', name) or may(user, 'validate', name)}


# GraphQL

def result_of(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert 'errors' not in said, said
    return said['data']


def by_post(guest: Guest, path: str, query: str) -> Any:
    return guest.post(f'{path}graphql', {'query': query}).json()


def by_get(guest: Guest, path: str, query: str) -> Any:
    return guest.call(f'{path}graphql?query={quote(query)}').json()


def by_batch(guest: Guest, path: str, query: str) -> Any:
    first, second = guest.post(
        f'{path}graphql', [{'query': query}, {'query': query}]).json()
    assert first == second
    return first


def by_stream(guest: Guest, path: str, query: str) -> Any:
    answer = guest.call(
        f'{path}graphql/stream', 'POST', json={'query': query},
        headers={'Accept': 'text/event-stream'})
    (found,) = events(answer)
    return found


def on_socket(protocol: str) -> Callable[[Guest, str, str], Any]:
    def ask(guest: Guest, path: str, query: str) -> Any:
        with socket(guest, f'{path}subscriptions', protocol) as line:
            line.init()
            line.start('1', query)
            message = line.hear()
            guest.check(json.dumps(message))
            payload = message['payload']
            return payload if message['type'] == line.result else {
                'errors': payload}
    return ask


WAYS = {
    'post': by_post, 'get': by_get, 'batch': by_batch, 'stream': by_stream,
    TRANSPORT: on_socket(TRANSPORT), LEGACY: on_socket(LEGACY),
}


class GuestSocket(Socket):
    """A WebSocket of somebody, who listens all the time: pings want that."""

    def __init__(self, guest: Guest, path: str, protocol: str) -> None:
        self.protocol = protocol
        self.raw = create_connection(
            f'{guest.hub.url}/{path}'.replace('http', 'ws', 1),
            timeout=PATIENCE, subprotocols=[protocol],
            header=[f'{key}: {value}'
                    for key, value in guest.headers.items()],
            suppress_origin=True, http_no_proxy=['*'],
        )
        self._heard: SimpleQueue[Any] = SimpleQueue()
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        try:
            self.raw.settimeout(None)
            while True:
                self._heard.put(super().hear())
        except (Closed, OSError, WebSocketException, ValueError) as exc:
            self._heard.put(exc)

    def hear(self) -> dict[str, Any]:
        """Return the next message."""
        message = self._heard.get(timeout=PATIENCE)
        if isinstance(message, Exception):
            self._heard.put(message)
            raise message
        return message  # type: ignore[no-any-return]

    def heard(self) -> list[Any]:
        """Return all that has come by now."""
        return [self._heard.get() for _ in range(self._heard.qsize())]

    def leave(self) -> None:
        """Go, without a word."""
        with suppress(AttributeError, OSError):
            self.raw.sock.shutdown(SHUT_RDWR)
        self._listener.join(PATIENCE)
        self.raw.shutdown()

    def __exit__(self, *_: Any) -> None:
        self.leave()


def socket(guest: Guest, path: str, protocol: str) -> GuestSocket:
    return GuestSocket(guest, path, protocol)


def workflows_in(data: Any) -> set[str]:
    """Return the workflows that an answer is about."""
    return set(re.findall(r'~\w+/(\w+/\w+)', json.dumps(data)))


@pytest.mark.parametrize('way', WAYS)
def test_graphql_over_all(site: Site, way: str) -> None:
    """Of which somebody has less than is needed, that is not there."""
    for user, guest in site.known():
        for query, word in QUERIES.items():
            found = WAYS[way](guest, '', query)
            expected = names(user, word)
            if 'taskProxies' in query:
                expected &= {OPEN, BARE}
            assert 'errors' not in found, found
            assert workflows_in(found['data']) == expected, (user, query)
            for name in expected if 'title' in query else ():
                if name in (OPEN, BARE):
                    assert f'{MARKS[name]} title' in json.dumps(found)


@pytest.mark.parametrize('way', WAYS)
def test_graphql_of_one(site: Site, way: str) -> None:
    """There it is an error to have less."""
    for user, guest in site.known():
        for workflow in THERE + MISSING:
            path = about(f'{workflow}/')
            if not sees(user, workflow):
                assert is_hidden(guest, path, way), (user, workflow)
                continue
            for query, word in QUERIES.items():
                found = WAYS[way](guest, path, query)
                assert ('errors' in found) != may(user, word, workflow), (
                    user, workflow, query, found)
                if 'errors' in found:
                    assert not found.get('data')
                else:
                    assert workflows_in(found) <= {workflow}


def is_hidden(guest: Guest, path: str, way: str) -> bool:
    if way in (TRANSPORT, LEGACY):
        with pytest.raises(WebSocketBadStatusException) as caught:
            socket(guest, f'{path}subscriptions', way)
        return caught.value.status_code == 404
    paths = {'stream': 'graphql/stream', 'get': 'graphql?query={__typename}'}
    answer = guest.call(
        path + paths.get(way, 'graphql'), 'GET' if way == 'get' else 'POST',
        json=None if way == 'get' else {'query': '{__typename}'})
    return answer.status_code == 404


def test_handshakes_look_the_same(site: Site) -> None:
    """Whether a workflow is unknown or forbidden, and what is asked for."""
    for user in ('nobody', 'narrow', 'stranger'):
        guest = site.guests[user]
        for path, protocol in (
            ('feed', FEED), ('subscriptions', TRANSPORT),
            ('subscriptions?authenticate=connection_init', LEGACY),
            ('relay', 'cylc-relay'), ('nothing', 'x'),
        ):
            seen = []
            for name in (BARE, DARK, NO_DARK, NOWHERE):
                with pytest.raises(WebSocketBadStatusException) as caught:
                    socket(guest, about(f'{name}/{path}'), protocol)
                refusal = caught.value
                headers = steady((refusal.resp_headers or {}).items(), name)
                seen.append((
                    refusal.status_code, headers, refusal.resp_body))
            assert all(each == seen[0] for each in seen), (path, seen)


def mutation(word: str, arguments: str, workflow: str, alias: str) -> str:
    """Return the field of a mutation."""
    head, *rest = word.split('_')
    field = head + ''.join(part.capitalize() for part in rest)
    given = f', {arguments}' if arguments else ''
    return f'{alias}: {field}(workflows: ["{workflow}"]{given}) {{result}}'


def response(result: Any) -> Any:
    """Return what came of a mutation for one workflow."""
    (only,) = result['result']
    return only['response']


@pytest.mark.parametrize('way', ['post', 'batch', TRANSPORT, LEGACY])
def test_mutations_over_all(site: Site, way: str) -> None:
    """Each is refused, or given, or finds nothing there."""
    for user, guest in site.known():
        for workflow in THERE + MISSING:
            fields = [
                mutation(word, arguments, workflow, word)
                for word, arguments in MUTATIONS.items()
                # What is given is given once.
                if way == 'post' or not may(user, word, workflow)
            ]
            if not fields:
                continue
            text = f'mutation {{{" ".join(fields)}}}'
            if way == 'batch':
                said = guest.post('graphql', [{'query': text}]).json()[0]
            else:
                said = WAYS[way](guest, '', text)
            for word, result in said['data'].items():
                check_response(user, workflow, word, response(result))


def check_response(
    user: str, workflow: str, word: str, said: Any
) -> None:
    what = user, workflow, word, said
    if not sees(user, workflow):
        assert said == [False, 'No matching workflow here.'], what
    elif not may(user, word, workflow):
        assert said[0] is False and said[1].startswith('You may not'), what
    elif workflow in (OPEN, BARE):
        assert 'may not' not in str(said), what
    elif word != 'message':  # one to a job that is not there is dropped
        assert said[0] is False and 'not' in said[1], what


def test_mutations_of_one(site: Site) -> None:
    for user, guest in site.known():
        for workflow in (OPEN, BARE):
            if not sees(user, workflow):
                continue
            for word, arguments in MUTATIONS.items():
                if word not in ('hold', 'release', 'stop', 'pause'):
                    continue
                text = mutation(word, arguments, workflow, 'x')
                found = by_post(
                    guest, about(f'{workflow}/'), f'mutation {{{text}}}')
                assert ('errors' in found) != may(user, word, workflow), (
                    user, workflow, word, found)


def test_patterns_reach_what_may_be_reached(site: Site) -> None:
    """A glob is about the workflows that one may know of, and no others."""
    for user, guest in site.known():
        text = 'mutation {hold(workflows: ["*"], tasks: ["9/none"]) {result}}'
        found = result_of(guest.post('graphql', {'query': text}))
        results = found['hold']['result']
        said = {
            one['id'].partition('/')[2]: one['response'][0]
            for one in results if 'id' in one
        }
        assert said.keys() == names(user), user
        for name in names(user):
            allowed = may(user, 'hold', name) and name in (OPEN, BARE)
            assert said[name] <= allowed, (user, name)


def test_orders_by_mutation(site: Site, blocker: str) -> None:
    for user, guest in site.known():
        for workflow in THERE:
            for word in ('play', 'clean', 'install', 'validate'):
                confirm = f', confirm: ["{workflow}"]' * (word == 'clean')
                found = result_of(guest.post('graphql', {'query': (
                    f'mutation {{x: {word}(workflows: ["{workflow}"]'
                    f'{confirm}) {{result}}}}')}))
                given, text = found['x']['result']
                assert given == may(user, word, workflow), (
                    user, workflow, word, text)
                if given:
                    guest.post(f'jobs/{text}/cancel')
                elif not sees(user, workflow):
                    assert text.startswith('There is no workflow')


#: What can be asked about by its id; `ID` is that of a workflow, and MARK
#: the name of its only task.
BY_ID = """{
    workflows(ids: ["ID"]) {id name}
    task(id: "ID//$namespace|MARK") {id}
    taskProxy(id: "ID//1/MARK") {id}
    taskProxies(workflows: ["ID"]) {id}
    taskProxiesConnection(workflows: ["ID"]) {edges {node {id}}}
    tasks(workflows: ["ID"]) {id}
    family(id: "ID//$namespace|root") {id}
    familyProxy(id: "ID//1/root") {id}
    familyProxies(workflows: ["ID"]) {id}
    families(workflows: ["ID"]) {id}
    job(id: "ID//1/MARK/01") {id}
    jobs(workflows: ["ID"]) {id}
    edges(workflows: ["ID"]) {id}
    nodesEdges(workflows: ["ID"], ids: ["ID//1/MARK"]) {nodes {id}}
}"""


def test_ids_of_what_is_hidden(site: Site) -> None:
    """They lead to nothing, as those do which nothing has."""
    root = site.hub.owner
    for user, guest in site.known():
        seen = []
        for name in (BARE, OPEN, NO_DARK, NOWHERE):
            if may(user, 'full-read', name):
                continue
            words = {'ID': f'~{root}/{name}', 'MARK': MARKS.get(name, 'x')}
            for query in (BY_ID, (
                '{graph(workflow: "ID", start: "1") {nodes {id}}}'
            )):
                for key, value in words.items():
                    query = query.replace(key, value)
                answer = guest.session.post(
                    f'{site.hub.url}/graphql', json={'query': query},
                    timeout=PATIENCE)
                seen.append(shown(answer, name))
                assert not workflows_in(answer.text) - names(user)
        if user not in ('identity', 'description', 'totals', 'single',
                        'scoped', 'blind'):
            # These know some, if not enough of them to be told more.
            assert all(each == seen[0] for each in seen[::2]), seen[::2]
            assert all(each == seen[1] for each in seen[1::2]), seen[1::2]


def test_relays_are_for_hubs(site: Site) -> None:
    """A hub has none: who could relay could do so in the name of others."""
    for user in ('owner', 'controller'):
        with pytest.raises(WebSocketBadStatusException) as caught:
            socket(site.guests[user], about(f'{OPEN}/relay'), 'cylc-relay')
        assert caught.value.status_code == 404


# Subscriptions

@pytest.mark.parametrize('protocol', [TRANSPORT, LEGACY])
def test_subscriptions(site: Site, protocol: str) -> None:
    """They begin with what one may read, and tell of nothing else."""
    for user, guest in site.known():
        expected = names(user, 'full-read')
        with socket(guest, 'subscriptions', protocol) as line:
            line.init()
            line.start('1', DELTAS)
            seen: set[str] = set()
            while seen != expected:
                message = line.until(line.result)
                guest.check(json.dumps(message))
                seen |= workflows_in(message)
                assert seen <= expected, (user, seen)
            # What follows is an answer, not the burst of one more.
            line.start('2', '{__typename}')
            while (message := line.until(line.result))['id'] != '2':
                assert workflows_in(message) <= expected


def test_feed(site: Site) -> None:
    for user, guest in site.known():
        for workflow in THERE + MISSING:
            path = about(f'{workflow}/feed')
            if may(user, 'full-read', workflow):
                with socket(guest, path, FEED) as line:
                    assert line.hear()['type'] == 'snapshot'
                continue
            with pytest.raises(WebSocketBadStatusException) as caught:
                socket(guest, path, FEED)
            assert caught.value.status_code == status(
                user, ('full-read',), workflow)


# Caches

def test_tags_are_good_for_nobody_else(site: Site) -> None:
    """What one has kept tells another nothing, not even that it is true."""
    owner = site.guests['owner']
    for path in ('', 'feed/snapshot', 'get_suite_state_summary',
                 'get_suite_info', 'identify'):
        address = about(f'{BARE}/{path}')
        kept = owner.call(address, headers={'Accept-Encoding': 'identity'})
        tag = kept.headers.get('ETag')
        for user, guest in site.known():
            headers = {'If-None-Match': tag or '*'}
            allowed = may(user, READS.get(path, 'identity'), BARE)
            answer = guest.call(address, headers=headers)
            if not allowed:
                assert answer.status_code in (403, 404), (user, path)
                assert 'ETag' not in answer.headers
        if tag:
            assert 'no-store' in kept.headers['Cache-Control'] or (
                'private' in kept.headers['Cache-Control'])


def test_kept_answers_are_not_mixed_up(site: Site) -> None:
    """The same question by all, in two orders, through the same caches."""
    query = '{workflows {name} w: workflows(ids: ["*"]) {id}}'
    for known in ([*site.known()], [*reversed([*site.known()])]) * 2:
        for user, guest in known:
            data = result_of(guest.post('graphql', {'query': query}))
            assert {flow['name'] for flow in data['workflows']} == names(user)
            assert workflows_in(data['w']) == names(user)


# Ways to log in

def test_passwords_and_sessions_bring_the_same(site: Site) -> None:
    for user in ('reader', 'single', 'nobody'):
        guest = Guest(site.hub, user, {})
        guest.session.auth = user, PASSWORD
        assert rows(guest.call('workflows')).keys() == names(user)
        began = guest.post('session', {})
        assert began.status_code in (200, 201), began.text
        token = began.json()['token']
        guest.session.auth = None
        guest.session.cookies.clear()
        guest.session.headers['Authorization'] = f'Bearer {token}'
        assert rows(guest.call('workflows')).keys() == names(user)
        for workflow in THERE + MISSING:
            assert guest.call(about(f'{workflow}/get_broadcast')
                              ).status_code == status(
                user, ('full-read',), workflow)
        guest.session.close()


def test_no_session_by_a_token(site: Site) -> None:
    """It would bring more than the token, and last longer."""
    for user in ('scoped', 'peeper', 'reader'):
        for path in ('session', 'login', about(f'{OPEN}/session')):
            answer = site.guests[user].post(path, {})
            assert answer.status_code >= 400, (user, path, answer.text)
            assert 'Set-Cookie' not in answer.headers


def test_users_of_cylc_7(site: Site) -> None:
    """They are users of one workflow, and nobody elsewhere."""
    curl = need('curl')

    def ask(path: str, user: str, password: str, way: str) -> str:
        return subprocess.run(
            (curl, '--silent', way, '--user', f'{user}:{password}',
             '--write-out', '%{http_code}', '--output', '/dev/null',
             f'{site.hub.url}/{path}'),
            capture_output=True, text=True, timeout=PATIENCE, check=True,
        ).stdout
    secret = site.hub.run.passphrase
    assert ask(about(f'{OPEN}/get_broadcast'), 'cylc', secret, '--digest'
               ) == '200'
    for path, user, password in (
        (about(f'{BARE}/ping_suite'), 'cylc', secret),
        (about(f'{NOWHERE}/ping_suite'), 'cylc', secret),
        ('workflows', 'cylc', secret),
        (about(f'{OPEN}/ping_suite'), 'anon', 'the quick brown fox'),
    ):
        assert ask(path, user, password, '--digest') == '401', path


def test_wrong_proofs_look_the_same(site: Site) -> None:
    """Wherever somebody tries them, and whatever is wrong with them."""
    stranger = site.guests['stranger']
    digest = (
        'Digest username="cylc", realm="Cylc workflows", nonce="{nonce}",'
        ' uri="/{path}", response="0123456789abcdef0123456789abcdef"'
    )
    basic = requests.Request('GET', site.hub.url, auth=('cylc', 'x' * 20))
    for proof in (
        digest, basic.prepare().headers['Authorization'], 'Digest x',
        'Basic x', 'Bearer x y', 'Nothing',
    ):
        seen = []
        for name in (OPEN, NOWHERE):
            path = about(f'{name}/ping_suite')
            challenge = stranger.call(path).headers['WWW-Authenticate']
            nonce = hub_matrix.NONCE.search(challenge)
            answer = stranger.call(path, headers={
                'Authorization': proof.format(
                    path=path, nonce=nonce[0] if nonce else ''),
            })
            seen.append(shown(answer, name))
        assert seen[0] == seen[1], proof
        assert seen[0][0] in (400, 401)


def test_sessions_of_cylc_7_stay_where_they_began(site: Site) -> None:
    login = HTTPDigestAuth('cylc', site.hub.run.passphrase)
    began = requests.post(
        f'{site.hub.url}/{about(OPEN)}/session', auth=login, data=b' ',
        headers={'Accept': 'application/json'}, timeout=PATIENCE)
    token = began.json()['token']
    here = Guest(site.hub, 'cylc 7', {'Authorization': f'Bearer {token}'})
    answer = requests.get(
        f'{site.hub.url}/{about(OPEN)}/get_broadcast', timeout=PATIENCE,
        headers=here.headers)
    assert answer.status_code == 200
    for path in ('workflows', about(f'{BARE}/ping_suite')):
        assert here.call(path).status_code == 401
    here.session.close()


@pytest.mark.parametrize('protocol', [TRANSPORT, LEGACY])
def test_log_in_on_a_socket(site: Site, protocol: str) -> None:
    """Who says only there who is calling sees as much, and no more."""
    path = 'subscriptions?authenticate=connection_init'
    for user in ('narrow', 'nobody', 'forged'):
        guest = site.guests[user]
        with socket(Guest(site.hub, user, {}), path, protocol) as line:
            line.say(type='connection_init', payload=guest.headers)
            if user == 'forged':
                assert ended(line)
                continue
            assert line.hear() == {'type': 'connection_ack'}
            found = line.ask('1', '{workflows {id} taskProxies {id}}')
            assert workflows_in(found) == names(user)


# What changes while somebody looks on

def ended(line: GuestSocket) -> bool:
    """Wait for the end of a socket."""
    limit = monotonic() + PATIENCE
    try:
        while monotonic() < limit:
            line.hear()
    except Closed:
        line.leave()
        return True
    return False


def drained(line: Socket) -> set[str]:
    """Return the workflows of which something comes on a socket now."""
    line.start('drain', '{__typename}')
    seen: set[str] = set()
    while (message := line.until(line.result))['id'] != 'drain':
        seen |= workflows_in(message)
    line.until('complete', 'drain')
    return seen


def change(site: Site) -> None:
    """Have both schedulers do something."""
    fields = [
        mutation('hold', 'tasks: ["*"]', OPEN, 'a'),
        mutation('hold', 'tasks: ["*"]', BARE, 'b'),
        mutation('release', 'tasks: ["*"]', OPEN, 'c'),
        mutation('release', 'tasks: ["*"]', BARE, 'd'),
    ]
    result_of(site.guests['owner'].post(
        'graphql', {'query': f'mutation {{{" ".join(fields)}}}'}))


def test_rules_that_change(site: Site) -> None:
    """What is forbidden from now on stops at once, and the rest goes on."""
    fickle = site_user(site, 'fickle', {OPEN: READ_ALL, BARE: READ_ALL})
    lines = [
        socket(fickle, 'subscriptions', protocol).init()
        for protocol in (TRANSPORT, LEGACY)
    ]
    inner = socket(
        fickle, about(f'{BARE}/subscriptions'), TRANSPORT).init()
    feed = socket(fickle, about(f'{BARE}/feed'), FEED)
    listing = socket(fickle, 'list', LIST)
    for line in (*lines, inner):
        line.start('1', DELTAS)
    for line in lines:
        seen: set[str] = set()
        while seen != {OPEN, BARE}:
            seen |= workflows_in(line.until(line.result))
    assert feed.hear()['type'] == 'snapshot'
    assert {item['row']['name'] for item in listing.hear()['rows']} == {
        OPEN, BARE}

    site.rule(RULES + rule_for('fickle', {OPEN: READ_ALL}))
    wait_for(
        lambda: rows(fickle.call('workflows')).keys() == {OPEN}, PATIENCE)
    RIGHTS['fickle'] = {OPEN: hub_matrix.READ}
    listed = {OPEN, BARE}
    wait_for(lambda: follow(listing, listed) == {OPEN}, PATIENCE)
    for line in lines:
        wait_for(lambda: is_pruned(line), PATIENCE)  # noqa: B023
    change(site)
    change(site)
    wait_for(lambda: OPEN in set().union(*map(drained, lines)), PATIENCE)
    for line in lines:
        assert drained(line) <= {OPEN}
        line.leave()
    assert ended(feed)
    assert ended(inner)
    listing.leave()


def test_output_of_a_job_ends_with_the_right_to_it(
    site: Site, blocker: str
) -> None:
    guest = site_user(site, 'listener', {SHUT: READ_ALL})
    stream = guest.session.get(
        f'{site.hub.url}/jobs/{blocker}/output', stream=True,
        headers={'Accept': 'text/event-stream'}, timeout=PATIENCE)
    assert stream.status_code == 200
    assert next(stream.iter_lines())
    site.rule(RULES)
    del RIGHTS['listener']
    assert not [line for line in stream.iter_lines() if b'end' in line]
    guest.session.close()


READ_ALL = 'full-read'


def follow(line: Socket, listed: set[str]) -> set[str]:
    """Take in what comes of the list of workflows."""
    message = line.hear()
    if message['type'] == 'all':
        listed.clear()
    listed |= {item['row']['name'] for item in message.get('rows', ())}
    listed -= {*message.get('gone', ())}
    return listed


def is_pruned(line: Socket) -> bool:
    """Return True if the next result says that the bare one is gone."""
    deltas = line.until(line.result)['payload']['data']['deltas']
    return BARE in workflows_in(deltas['pruned'])


def test_workflows_that_come_and_go(site: Site) -> None:
    """Who may see them is told, and others are not."""
    new = 'open/new'
    users = 'owner', 'controller', 'single', 'narrow'
    lines = {user: socket(site.guests[user], 'list', LIST) for user in users}
    listed = {user: follow(line, set()) for user, line in lines.items()}
    others = [
        socket(site.guests[user], 'list', LIST)
        for user in ('nobody', 'idle', 'auditor', 'peeper')
    ]
    for line in others:
        follow(line, set())
    site.hub.flow(new)
    for user, line in lines.items():
        wait_for(lambda: new in follow(line, listed[user]), PATIENCE)  # noqa: B023
    for user in users:
        assert new in site.guests[user].call('workflows').text
    for user in ('nobody', 'idle', 'auditor', 'peeper', 'totals', 'scoped'):
        told = site.guests[user].call('workflows').text
        assert (new in told) == (user in ('totals', 'scoped'))
    site.hub.remove(new)
    for user, line in lines.items():
        wait_for(lambda: new not in follow(line, listed[user]), PATIENCE)  # noqa: B023
        line.leave()
    for line in others:
        # Rules that have changed may have it told once more, all of it.
        assert new not in str(line.heard())
        line.leave()


def rule_for(user: str, levels: dict[str, str]) -> str:
    return ''.join(
        f'\n[[rule]]\nusers = ["{user}"]\nworkflows = ["{name}"]\n'
        f'may = ["{level}"]\n' for name, level in levels.items())


def site_user(site: Site, name: str, levels: dict[str, str]) -> Guest:
    """Have one more user, with some levels."""
    site.accounts.add(name, PASSWORD)
    site.rule(RULES + rule_for(name, levels))
    RIGHTS[name] = {
        workflow: frozenset(LEVELS) for workflow in levels}
    guest = site.enter(name)
    wait_for(
        lambda: guest.call('whoami').status_code == 200 and rows(
            guest.call('workflows')).keys() == levels.keys(),
        PATIENCE, every=0.5)
    return guest


@pytest.mark.parametrize('how', ['token', 'account', 'password'])
def test_users_who_go(site: Site, how: str) -> None:
    """Their sockets end, whatever they follow."""
    name = f'goes-{how}'
    guest = site_user(site, name, {OPEN: READ_ALL, BARE: READ_ALL})
    if how == 'password':
        plain = Guest(site.hub, name, {})
        plain.session.auth = name, PASSWORD
        token = plain.post('session', {}).json()['token']
        plain.session.close()
        guest.headers['Authorization'] = f'Bearer {token}'
    lines = [
        socket(guest, path, protocol) for path, protocol in (
            ('subscriptions', TRANSPORT), ('subscriptions', LEGACY),
            (about(f'{BARE}/subscriptions'), TRANSPORT),
            (about(f'{OPEN}/feed'), FEED), ('list', LIST),
        )
    ]
    for line in lines[:3]:
        line.init()
        line.start('1', DELTAS)
    stream = guest.session.post(
        f'{site.hub.url}/graphql/stream', json={'query': DELTAS},
        headers={**guest.headers, 'Accept': 'text/event-stream'},
        stream=True, timeout=PATIENCE,
    )
    if how == 'token':
        site.tokens.revoke(name, name)
    elif how == 'account':
        site.accounts.remove(name)
    else:
        site.accounts.set_password(name, PASSWORD + '!')
    del RIGHTS[name]
    change(site)
    for line in lines:
        assert ended(line)
    assert b'event: complete' in [*stream.iter_lines()]
    guest.session.close()


def test_public_hub(site: Site) -> None:
    """Cylc 7's public sees of a workflow what it grants, and no other.

    It comes last: the hub is started anew.
    """
    hub = site.hub
    hub.stop()
    hub.run.configure(**{
        **hub.config, 'hub': {**hub.config['hub'], 'public': True}})
    hub.start()
    wait_until_followed(site)

    def ask(path: str) -> int:
        anon = HTTPDigestAuth('anon', 'the quick brown fox')
        return requests.get(
            f'{hub.url}/{path}', auth=anon, timeout=PATIENCE,
            headers={'Accept': 'application/json'}).status_code
    wait_for(
        lambda: ask(about(f'{OPEN}/ping_suite')) == 200, PATIENCE, every=1)
    assert ask(about(f'{OPEN}/get_suite_info')) == 200
    assert ask(about(f'{OPEN}/get_broadcast')) == 403
    assert ask(about(f'{OPEN}/hold_suite')) == 403
    for path in ('workflows', 'jobs', about(f'{DARK}/ping_suite'),
                 about(f'{NOWHERE}/ping_suite'), about(f'{BARE}/identify')):
        assert ask(path) == 401, path
    page = requests.get(
        f'{hub.url}/{about(OPEN)}/', timeout=PATIENCE, headers={
            'User-Agent': 'Mozilla/5.0', 'Accept': 'text/html'})
    assert page.status_code == 200
    assert MARKS[OPEN] not in page.text.replace(f'{MARKS[OPEN]} title', '')
    test_browsers_see_no_difference(site, (BARE, DARK, NO_DARK, NOWHERE))
