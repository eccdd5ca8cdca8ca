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
"""The page of the list, and the list as JSON."""

from __future__ import annotations

from collections.abc import Iterator
import json
from pathlib import Path
import re

import pytest

from cylc_flask.hub.users import passwords
from cylc_flask.operations import NEEDED
from cylc_flask.privilege import Privilege
from tests.hubs import BROWSER, OWNER, PASSWORD, FakeHub, basic, fake_hub

NAMES = ('nwp/run1', 'nwp/run2', 'secret')
RULES = """
[[rule]]
users = ["reader"]
workflows = ["secret"]
may = ["!identity"]
"""


@pytest.fixture
def hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeHub]:
    """A hub with some workflows, and one that a reader may not see."""
    monkeypatch.setattr(passwords, 'METHOD', 'scrypt:1024:8:1')
    (tmp_path / 'rules.toml').write_text(RULES)
    (tmp_path / 'rules.toml').chmod(0o600)
    with fake_hub(tmp_path, *NAMES) as hub:
        for name, level in (
            (OWNER, Privilege.NONE), ('reader', Privilege.FULL_READ),
            ('nobody', Privilege.NONE),
        ):
            hub.people.accounts.add(name, PASSWORD, level)
        yield hub


def island(text: str, name: str) -> object:
    """Return what a page has in it as JSON."""
    found = re.search(
        f'<script type="application/json" id="{name}">(.*?)</script>', text)
    assert found is not None
    return json.loads(found[1])


def test_page(hub: FakeHub) -> None:
    """It has all workflows in it, with links, and as data."""
    answer = hub.call('/', basic(OWNER))
    assert answer.status_code == 200
    assert answer.headers['Cache-Control'] == 'no-store'
    assert "script-src 'self'" in answer.headers['Content-Security-Policy']
    for name in NAMES:
        assert f'<a href="./workflows/{name}/">{name}</a>' in answer.text
    state = island(answer.text, 'state')
    assert isinstance(state, dict) and state['type'] == 'all'
    assert {item['row']['name'] for item in state['rows']} == {*NAMES}
    assert island(answer.text, 'needs') == {
        name: str(level) for name, level in NEEDED.items()
        if level is not None}


def test_hidden(hub: FakeHub) -> None:
    """What somebody may not see is nowhere in it."""
    for path in ('/', '/workflows'):
        text = hub.call(path, basic('reader')).text
        assert 'nwp/run1' in text and 'secret' not in text
        text = hub.call(path, basic('nobody')).text
        assert 'nwp' not in text
    assert 'none that you may see' in hub.call('/', basic('nobody')).text


def test_nothing_ends_the_island(hub: FakeHub) -> None:
    """What a workflow says of itself stays data."""
    entry = hub.flows.find('nwp/run1')
    assert entry is not None
    entry.mark('stopped', '</script><script>alert(1)</script>')
    text = hub.call('/', basic(OWNER)).text
    assert '<script>alert' not in text
    assert '</script>' in json.dumps(island(text, 'state'))


def test_json(hub: FakeHub) -> None:
    """Scripts get rows with what they may do, by name."""
    answer = hub.call('/workflows', basic('reader'))
    assert answer.content_type == 'application/json'
    assert [row['name'] for row in answer.json['workflows']] == [
        'nwp/run1', 'nwp/run2']
    assert 'clean' not in answer.json['workflows'][0]['operations']
    assert 'clean' in hub.call(
        '/workflows', basic(OWNER)).json['workflows'][0]['operations']


def test_strangers(hub: FakeHub) -> None:
    """Who has not logged in is led to the form, or asked who they are."""
    assert hub.call('/workflows').status_code == 401
    assert hub.call('/').status_code == 401
    answer = hub.call('/', BROWSER)
    assert answer.status_code == 303
    assert answer.headers['Location'].startswith('/login')


def test_no_socket(hub: FakeHub) -> None:
    """Who comes to the socket without being one is told so."""
    assert hub.call('/list', basic(OWNER)).status_code == 426


def test_switched_off(tmp_path: Path) -> None:
    """Without pages and sockets there is still the list."""
    with fake_hub(tmp_path, 'one', enable=('rest',)) as hub:
        hub.people.accounts.add(OWNER, PASSWORD)
        assert hub.call('/workflows', basic(OWNER)).json['workflows']
        assert hub.call('/', basic(OWNER)).status_code == 404
        assert hub.call('/list', basic(OWNER)).status_code == 404
