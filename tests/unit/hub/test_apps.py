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
"""What is kept of workflows that somebody has looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cylc_flask.hub import apps
from cylc_flask.hub.users import passwords
from cylc_flask.privilege import Privilege
from tests.hubs import QUICK, FakeHub, basic, fake_hub

NAMES = ('a', 'b', 'c')


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.setattr(passwords, 'METHOD', QUICK)
    with fake_hub(tmp_path, *NAMES) as hub:
        hub.people.accounts.add(
            'alice', 'correct horse', Privilege.parse('full-control'))
        yield hub


def ask(hub: FakeHub, name: str) -> object:
    query = '{workflows {id statusMsg}}'
    answer = hub.call(
        f'/workflows/{name}/graphql', basic('alice'), 'POST',
        json={'query': query})
    return answer.json['data']['workflows']


def test_applications(hub, monkeypatch):
    """Those which nobody has wanted for long are made again."""
    monkeypatch.setattr(apps, 'MOST', 2)
    first, second = hub.apps.find('a'), hub.apps.find('b')
    assert hub.apps.find('a') is first
    assert hub.apps.find('c') is not None
    assert hub.apps.find('a') is first
    assert hub.apps.find('b') is not second
    assert len(hub.apps) == 2


def test_answers(hub):
    """There is one bound for those about all workflows."""
    kept = hub.apps._answers
    for number, name in enumerate(NAMES * 2):
        (flow,) = ask(hub, name)
        assert flow['id'].endswith(f'/{name}')
        assert len(kept) == min(number + 1, len(NAMES))


def test_answers_of_another_of_the_name(hub):
    before = ask(hub, 'a')
    hub.remove('a')
    hub.add('a')
    hub.flows.find('a').mark('stopped', 'anew')
    assert before != ask(hub, 'a') == [{'id': '~me/a', 'statusMsg': 'anew'}]
