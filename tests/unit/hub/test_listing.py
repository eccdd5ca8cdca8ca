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
"""The list of workflows: what is seen of each, by whom, and what is news."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
import time
from typing import Any, cast

import orjson
import pytest

from cylc_flask.hub.flows import Flows, Tools
from cylc_flask.hub.links.links import Links
from cylc_flask.hub.listing import KEPT, LONGEST, Listing, Viewer, row
from cylc_flask.hub.runs.discovery import Change
from cylc_flask.hub.runs.scan import Found, Status
from cylc_flask.hub.users import passwords
from cylc_flask.hub.users.people import People
from cylc_flask.privilege import Privilege
from tests.harness import wait_for
from tests.stores import DATA, recorded

OWNER = 'me'
NAMES = ('nwp/run1', 'nwp/run2', 'secret')
RULES = """
[[rule]]
users = ["*"]
workflows = ["secret"]
may = ["!identity"]
"""


class Site:
    """Workflows that nobody runs, the people who see them, and the list."""

    def __init__(self, directory: Path) -> None:
        (directory / 'rules.toml').write_text(RULES)
        (directory / 'rules.toml').chmod(0o600)
        self.people = People(directory, OWNER)
        for level in ('identity', 'description', 'state-totals', 'full-read'):
            self.people.accounts.add(
                level, 'correct horse', Privilege.parse(level))
        # None of them runs: there is nobody to connect to.
        self.flows = Flows(OWNER, cast(Links, None), Tools(self.deliver))
        for name in NAMES:
            self.note(name)
        self.listing = Listing(
            self.flows, self.people, self.later, time.sleep, 0.01)
        self.woken: list[str] = []
        self.threads: list[Thread] = []

    @staticmethod
    def deliver(work: Any, *args: Any) -> None:
        work(*args)

    def later(self, work: Any) -> None:
        """Do nothing by itself: tests say when it is looked."""

    def spawn(self, work: Any) -> None:
        self.threads.append(Thread(target=work, daemon=True))
        self.threads[-1].start()

    def note(
        self, name: str, status: Status = Status.STOPPED,
        change: Change = Change.ADDED, **more: Any,
    ) -> None:
        self.flows.note(
            change, Found(name, Path('/tmp') / name, status, **more))

    def fill(self, name: str) -> None:
        """Have a replica hold what a scheduler once said."""
        entry = self.flows.find(name)
        assert entry is not None
        snapshot = DATA / 'stores' / '8.5' / 'mixed.pb'
        entry.workflow.store.load(
            snapshot.read_bytes(), recorded('8.5', 'mixed').side)

    def look(self, user: str = OWNER) -> Viewer:
        person = self.people.by_name(user)
        assert person is not None
        return self.listing.look(person, lambda: self.woken.append(user))

    def see(self) -> list[str]:
        """Return who is woken now."""
        self.woken.clear()
        self.listing.see()
        return self.woken


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(passwords, 'METHOD', 'scrypt:1024:8:1')
    return Site(tmp_path)


def news(viewer: Viewer) -> Any:
    message = viewer.news()
    assert message is not None
    return orjson.loads(message)


def rows(viewer: Viewer) -> dict[str, Any]:
    """Return the rows that are news, by name."""
    return {item['row']['name']: item['row'] for item in news(viewer)['rows']}


def test_all_at_first(site: Site) -> None:
    """Who comes gets all, and what may be done by its number."""
    message = news(site.look())
    assert message['type'] == 'all' and message['gone'] == []
    assert {item['row']['name'] for item in message['rows']} == {*NAMES}
    assert {item['may'] for item in message['rows']} == {0}
    assert {'play', 'clean', 'full-control'} <= set(message['may']['0'])
    assert message['rows'][0]['row']['status'] == 'stopped'


def test_forbidden_is_not_there(site: Site) -> None:
    """What somebody may not see is in no list, and wakes nobody."""
    viewer = site.look('full-read')
    assert {*rows(viewer)} == {'nwp/run1', 'nwp/run2'}
    site.note('secret', Status.INSTALLED, Change.CHANGED)
    site.see()
    assert viewer.news() is None
    assert b'secret' not in site.listing.all(
        cast(Any, site.people.by_name('identity')))


@pytest.mark.parametrize('level, more', [
    ('identity', set()),
    ('description', {'title'}),
    ('state-totals', {'title', 'totals'}),
    ('full-read', {
        'title', 'totals', 'words', 'host', 'link', 'connected'}),
])
def test_levels(site: Site, level: str, more: set[str]) -> None:
    """Each level has what is its own, and no more."""
    site.fill('nwp/run1')
    row = rows(site.look(level))['nwp/run1']
    assert {*row} == {
        'name', 'id', 'owner', 'level', 'status', 'version'} | more
    assert row['level'] == level


def test_coarse_status(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it is paused is for those who may read everything."""
    entry = site.flows.find('nwp/run1')
    assert entry is not None
    monkeypatch.setattr(type(entry), 'status', 'paused')
    assert rows(site.look('state-totals'))['nwp/run1']['status'] == 'running'
    assert rows(site.look('full-read'))['nwp/run1']['status'] == 'paused'


def test_changes(site: Site) -> None:
    """Only what has changed is told, to those who can see that."""
    owner, public = site.look(), site.look('identity')
    news(owner), news(public)
    assert site.see() == []
    site.note('nwp/run1', Status.INSTALLED, Change.CHANGED)
    site.note('nwp/run3')
    site.note('nwp/run2', change=Change.REMOVED)
    assert {*site.see()} == {OWNER, 'identity'}
    message = news(owner)
    assert message['type'] == 'changes' and message['gone'] == ['nwp/run2']
    assert {
        item['row']['name']: item['row']['status']
        for item in message['rows']
    } == {'nwp/run1': 'installed', 'nwp/run3': 'stopped'}
    assert message['may'] == {}
    assert owner.news() is None


def test_rows_are_shared(site: Site) -> None:
    """A row is written once for all who see the same of it."""
    assert site.listing.row('nwp/run1', Privilege.FULL_READ) is (
        site.listing.row('nwp/run1', Privilege.FULL_READ))
    assert site.listing.row('nobody', Privilege.FULL_READ) is None


def test_messages_are_shared(site: Site) -> None:
    """A message is written once for all who are the same person."""
    one, other = site.look(), site.look()
    assert one.news() is other.news()
    site.note('new')
    site.see()
    assert one.news() is other.news()
    assert one.news() is None


def test_slow_viewer(site: Site) -> None:
    """Who has missed some gets them one by one; with too many, all anew."""
    one, other = site.look(), site.look()
    news(one), news(other)
    for number in range(3):
        site.note(f'new{number}')
        site.see()
        news(one)
    assert [len(rows(other)) for _ in range(3)] == [1, 1, 1]
    for number in range(KEPT + 1):
        site.note(f'newer{number}')
        site.see()
        news(one)
    message = news(other)
    assert message['type'] == 'all'
    assert len(message['rows']) == len(NAMES) + 3 + KEPT + 1
    assert other.news() is None and not other.is_behind


def test_rights_change(site: Site) -> None:
    """Who may see less from now on is told so, though nothing happened."""
    viewer = site.look('full-read')
    news(viewer)
    site.people.accounts.set_level('full-read', Privilege.IDENTITY)
    assert site.see() == ['full-read']
    assert rows(viewer)['nwp/run1'].keys().isdisjoint({'words', 'totals'})


def test_watches_while_somebody_looks(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who looks for changes goes with the last viewer."""
    monkeypatch.setattr(site, 'later', site.spawn)
    site.listing = Listing(
        site.flows, site.people, site.spawn, time.sleep, 0.01)
    viewer = site.look()
    news(viewer)
    site.note('new')
    wait_for(lambda: site.woken)
    viewer.close()
    wait_for(lambda: not site.threads[0].is_alive())
    assert len(site.threads) == 1


def test_all_in_json(site: Site) -> None:
    """Scripts get the same rows, by name, with what they may do."""
    person = site.people.by_name('full-read')
    assert person is not None
    found = orjson.loads(site.listing.all(person))['workflows']
    assert [row['name'] for row in found] == ['nwp/run1', 'nwp/run2']
    assert found[0]['operations'] == [
        'description', 'full-read', 'identity', 'state-totals']


def test_long_words(site):
    """What one scheduler says takes no room from what others say."""
    entry = site.flows.find('nwp/run1')
    entry.mark('running', 'x' * 10_000)
    entry.trouble = 'y' * 10_000
    found = row(entry, Privilege.parse('full-read'))
    assert max(len(str(value)) for value in found.values()) <= LONGEST
