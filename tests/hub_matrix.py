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
"""Who may do what in a hub: a table, and a real hub that has such users.

The table is written down by hand, from what the documentation says; nothing
of it is computed by the hub's own rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
import json
import re
from typing import Any

import requests

from cylc_flask.hub.users.accounts import Accounts
from cylc_flask.hub.users.tokens import Tokens
from cylc_flask.privilege import Privilege
from tests.harness import wait_for
from tests.hub_run import HubRun

PATIENCE = 90
PASSWORD = 'correct horse battery'

#: With our plugin, without it, stopped, and for nobody but the owner.
OPEN, BARE, SHUT, DARK = 'open/one', 'bare/one', 'shut/one', 'dark/one'

#: There are no such; what the rules say of the first is what they say of
#: the dark one.
NO_DARK, NOWHERE = 'dark/two', 'nope/one'

THERE = (OPEN, BARE, SHUT, DARK)
MISSING = (NO_DARK, NOWHERE)

LEVELS = ('identity', 'description', 'state-totals', 'full-read')

COMMANDS = (
    'broadcast', 'ext_trigger', 'hold', 'kill', 'message', 'pause', 'poll',
    'release', 'release_hold_point', 'reload', 'remove', 'resume', 'set',
    'set_graph_window_extent', 'set_hold_point', 'set_verbosity', 'trigger',
)
LIFE_CYCLE = ('install', 'validate', 'play', 'reinstall', 'clean')

IDENTITY = frozenset(LEVELS[:1])
DESCRIPTION = frozenset(LEVELS[:2])
TOTALS = frozenset(LEVELS[:3])
READ = frozenset(LEVELS)
SHUTDOWN = READ | {'shutdown', 'stop'}
CONTROL = SHUTDOWN | {'full-control', *COMMANDS, *LIFE_CYCLE}
ALL = CONTROL | {'audit'}

RULES = """
[groups]
team = ["single", "idle"]

[[rule]]
users = ["*"]
workflows = ["dark"]
may = ["!identity"]

[[rule]]
users = ["narrow"]
workflows = ["open"]
may = ["full-read"]

[[rule]]
groups = ["team"]
workflows = ["open/*"]
may = ["hold", "release", "play"]

[[rule]]
users = ["idle"]
workflows = ["*"]
may = ["!hold", "!release", "!play"]

[[rule]]
users = ["barred"]
workflows = ["open", "shut"]
may = ["full-control", "!stop", "!clean"]

[[rule]]
users = ["auditor"]
workflows = ["bare"]
may = ["full-read", "audit"]

[[rule]]
users = ["blind"]
workflows = ["*"]
may = ["full-control", "!full-read"]
"""

#: The levels of accounts; all others have none.
ACCOUNTS = {
    'identity': 'identity', 'description': 'description',
    'totals': 'state-totals', 'reader': 'full-read', 'stopper': 'shutdown',
    'controller': 'full-control', 'narrow': '', 'single': '', 'idle': '',
    'barred': '', 'auditor': '', 'blind': '', 'nobody': '', 'gone': '',
}

#: Tokens that bring less than their user may: user, words, workflows.
SCOPED = {
    'scoped': ('controller', ('full-read', 'hold', '!description'),
               ('open/*',)),
    'holder': ('controller', ('full-read', 'hold'), ('open/*', 'd*/one')),
    'peeper': ('', ('identity',), ('dark',)),
}

#: What each may do with which workflow.
RIGHTS: dict[str, dict[str, frozenset[str]]] = {
    'owner': dict.fromkeys(THERE, ALL),
    'identity': dict.fromkeys((OPEN, BARE, SHUT), IDENTITY),
    'description': dict.fromkeys((OPEN, BARE, SHUT), DESCRIPTION),
    'totals': dict.fromkeys((OPEN, BARE, SHUT), TOTALS),
    'reader': dict.fromkeys((OPEN, BARE, SHUT), READ),
    'stopper': dict.fromkeys((OPEN, BARE, SHUT), SHUTDOWN),
    'controller': dict.fromkeys((OPEN, BARE, SHUT), CONTROL),
    'narrow': {OPEN: READ},
    'single': {OPEN: IDENTITY | {'hold', 'release', 'play'}},
    'idle': {},
    'barred': dict.fromkeys(
        (OPEN, SHUT), READ | {*COMMANDS, *LIFE_CYCLE} - {'clean'}),
    'auditor': {BARE: READ | {'audit'}},
    'blind': dict.fromkeys((OPEN, BARE, SHUT), TOTALS),
    'nobody': {},
    'scoped': {OPEN: IDENTITY},
    'holder': {OPEN: READ | {'hold'}},
    'peeper': {DARK: IDENTITY},
}

#: Those whom nobody knows.
UNKNOWN = ('stranger', 'gone', 'expired', 'revoked', 'forged')

#: What is in the definition of a workflow, and nowhere else.
MARKS = {name: name.partition('/')[0] + 'mark' for name in THERE}

FLOW = """
    [meta]
        title = {mark} title
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        final cycle point = 30
        [[graph]]
            R1 = {mark}
    [runtime]
        [[{mark}]]
            script = true
            [[[simulation]]]
                default run length = PT9H
"""

#: "cylc validate" takes as long as nobody cancels it.
SLOW = """#!Jinja2
{{ 600 | linger }}
"""
LINGER = """
import time

def linger(seconds):
    time.sleep(seconds)
    return ''
"""


NONCE = re.compile('(?<=nonce=")[^"]*')


def sees(user: str, workflow: str) -> bool:
    """Return True if somebody may know of a workflow."""
    return bool(RIGHTS[user].get(workflow))


def may(user: str, word: str, workflow: str) -> bool:
    """Return True if somebody may do something."""
    return word in RIGHTS[user].get(workflow, ())


def names(user: str, word: str = 'identity') -> set[str]:
    """Return the workflows with which somebody may do something."""
    return {name for name in RIGHTS[user] if may(user, word, name)}


@dataclass
class Guest:
    """Somebody who calls, and complains of what they should not see.

    Args:
        hub: The hub.
        name: Of the user, as in the table.
        headers: By which they prove who they are.
    """

    hub: HubRun
    name: str
    headers: dict[str, str]
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.session.headers.clear()
        self.session.headers.update({
            'Accept': 'application/json', **self.headers})

    def call(
        self, path: str, method: str = 'GET', **options: Any
    ) -> requests.Response:
        """Send a request, and look for what the answer gives away."""
        answer = self.session.request(
            method, f'{self.hub.url}/{path}', timeout=PATIENCE,
            allow_redirects=False, **options)
        sent = f'{path} {options.get("json")} {options.get("data")}'
        self.check(answer.text, sent)
        self.check(str(answer.headers), sent)
        policy = answer.headers.get('Cache-Control', '')
        assert 'public' not in policy or 'static/' in path, answer.headers
        return answer

    def post(self, path: str, json: Any = None) -> requests.Response:
        """Send a POST with JSON."""
        return self.call(path, 'POST', json=json)

    def check(self, text: str, sent: str = '') -> None:
        """Look whether something tells of what is not to be seen."""
        for workflow in THERE:
            if sees_as(self.name, workflow):
                self._check_level(workflow, text)
                continue
            assert MARKS[workflow] not in text, text
            assert workflow in sent or workflow not in text, text
            folder = workflow.partition('/')[0]
            assert folder in sent or f'{folder}/' not in text, text


    def _check_level(self, workflow: str, text: str) -> None:
        """Look for the title and for names of tasks."""
        mark = MARKS[workflow]
        if may(self.name, 'description', workflow):
            text = text.replace(f'{mark} title', '')
        # Cylc 7 tells the latest tasks of each state beside their number.
        assert may(self.name, 'state-totals', workflow) or (
            mark not in text), text


def sees_as(user: str, workflow: str) -> bool:
    """Return `sees`, also for those whom nobody knows."""
    return user in RIGHTS and sees(user, workflow)


class Site:
    """A hub with all of these users, and workflows to see.

    Args:
        hub: A hub whose own workflow is the open one.
    """

    def __init__(self, hub: HubRun) -> None:
        self.hub = hub
        self.guests: dict[str, Guest] = {}
        directory = hub.run.home / '.cylc/flask/hub'
        self.accounts = Accounts(directory)
        self.tokens = Tokens(directory)
        self.rules = directory / 'rules.toml'
        self._fill()

    def _fill(self) -> None:
        for name, level in ACCOUNTS.items():
            self.accounts.add(
                name, PASSWORD,
                Privilege.parse(level) if level else Privilege.NONE)
        self.rule(RULES)
        for name in ACCOUNTS:
            self.enter(name)
        self.enter('owner', self.hub.owner)
        for name, (user, words, globs) in SCOPED.items():
            self.enter(name, user or self.hub.owner, words, globs)
        self.enter('expired', 'controller', lifetime=-1)
        self.enter('revoked', 'controller')
        self.tokens.revoke('controller', 'revoked')
        self.accounts.remove('gone')
        self.guests['stranger'] = Guest(self.hub, 'stranger', {})
        self.guests['forged'] = Guest(
            self.hub, 'forged',
            {'Authorization': 'Bearer cylcflask_' + 'A' * 43})

    def enter(
        self,
        name: str,
        user: str = '',
        words: tuple[str, ...] = ('full-control', 'audit'),
        globs: tuple[str, ...] = ('*',),
        lifetime: float | None = None,
    ) -> Guest:
        """Let somebody come by a token, by default one that brings all."""
        text = self.tokens.add(user or name, name, words, globs, lifetime)
        guest = Guest(self.hub, name, {'Authorization': f'Bearer {text}'})
        self.guests[name] = guest
        return guest

    def rule(self, text: str) -> None:
        """Have other rules."""
        fresh = self.rules.with_suffix('.new')
        fresh.touch(0o600)
        fresh.write_text(text)
        fresh.replace(self.rules)

    def known(self) -> Iterator[tuple[str, Guest]]:
        """Yield all who can log in."""
        for name in RIGHTS:
            yield name, self.guests[name]

    def close(self) -> None:
        """Let go of all connections."""
        for guest in self.guests.values():
            guest.session.close()


def make() -> Site:
    """Start a hub with two schedulers, and wait until it follows both."""
    hub = HubRun(
        FLOW.format(mark=MARKS[OPEN]), OPEN,
        hub={'at_once': 1, 'audit_files': 2},
        config={'limits': {
            'sockets': 5_000, 'open_connections': 5_000,
            'ping_interval': 5,
        }},
    )
    try:
        bare = hub.scheduler(BARE, FLOW.format(mark=MARKS[BARE]), False)
        for name in (SHUT, DARK):
            hub.flow(name, FLOW.format(mark=MARKS[name]))
            hub.source(name, FLOW.format(mark=MARKS[name]))
        hub.source(OPEN, FLOW.format(mark=MARKS[OPEN]))
        hub.flow(SHUT, SLOW)
        hub.run.write(hub.folder(SHUT) / 'Jinja2Filters/linger.py', LINGER)
        site = Site(hub)
        hub.play(hub.run, '--mode=simulation', '--pause')
        hub.play(bare, '--mode=simulation', '--pause')
        hub.start()
        wait_until_followed(site)
    except BaseException:
        hub.close()
        raise
    return site


def wait_until_followed(site: Site) -> None:
    """Wait until the hub has what both schedulers have."""
    owner = site.guests['owner']

    def are_there() -> bool:
        answer = owner.post('graphql', {'query': '{taskProxies {name}}'})
        names = {
            proxy['name'] for proxy in answer.json()['data']['taskProxies']}
        return names >= {MARKS[OPEN], MARKS[BARE]} and len(
            owner.call('workflows').json()['workflows']) == len(THERE)
    wait_for(are_there, PATIENCE, 'all workflows', 0.3)


def shown(answer: requests.Response, name: str) -> Any:
    """Return all of an answer about a workflow but when it was sent."""
    return (
        answer.status_code, steady(answer.headers.items(), name),
        answer.text.replace(name, 'NAME'),
    )


def steady(headers: Iterable[tuple[str, str]], name: str) -> dict[str, str]:
    """Return what does not change in headers from one answer to the next."""
    return {
        key.lower(): NONCE.sub(blank, value).replace(name, 'NAME')
        for key, value in headers if key.lower() != 'date'
    }


def blank(match: re.Match[str]) -> str:
    """Return the form of a nonce: each digit looks like any other."""
    return re.sub('[0-9a-f]', '0', match[0])


def rows(answer: requests.Response) -> dict[str, Any]:
    """Return the rows of the list of workflows by their names."""
    assert answer.status_code == 200, answer.text
    return {row['name']: row for row in answer.json()['workflows']}


def events(answer: requests.Response) -> Iterator[Any]:
    """Yield the results in a stream of events."""
    for line in answer.iter_lines():
        if line.startswith(b'data: {'):
            yield json.loads(line[6:])
