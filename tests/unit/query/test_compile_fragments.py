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
"""The JSON of elements is kept, and never older than they are."""

from __future__ import annotations

from typing import Any

import pytest

from cylc_flask.query import fragments
from cylc_flask.query.fragments import FEW, OVERHEAD, Fragments, Larder
from cylc_flask.replica.delta import copy
from tests.unit.query.compiled import Site

TEXT = '{taskProxies {id state depth namespace outputs {label}}}'


@pytest.fixture
def site() -> Site:
    """Return a site where lists are long enough to be kept."""
    site = Site()
    site.grow(4)
    assert len(site.store.task_proxies) > FEW
    return site


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return all that is encoded for itself."""
    found: list[Any] = []
    encode = fragments.encode

    def watch(payload: Any) -> bytes:
        found.append(payload)
        return encode(payload)
    monkeypatch.setattr(fragments, 'encode', watch)
    return found


def ask(site: Site, text: str = TEXT) -> None:
    expected, found = site.both(text)
    assert found == expected
    assert site.compiled.left == 0


def test_only_what_changed_is_made_again(
    site: Site, encoded: list[Any]
) -> None:
    proxies = site.store.task_proxies
    for _ in range(3):
        encoded.clear()
        ask(site)
    assert not encoded
    id_ = site.id_of('task_proxies', 3)
    proxies[id_] = copy(proxies[id_])
    proxies[id_].state = 'expired'
    ask(site)
    assert [each['id'] for each in encoded] == [id_]
    assert encoded[0]['state'] == 'expired'
    del proxies[id_]
    encoded.clear()
    ask(site)
    assert not encoded


def test_what_depends_on_others_is_made_each_time(
    site: Site, encoded: list[Any]
) -> None:
    text = '{taskProxies {id jobs {state}}}'
    for _ in range(3):
        encoded.clear()
        ask(site, text)
        assert encoded
    job = next(iter(site.store.jobs.values()))
    site.store.jobs[job.id] = copy(job)
    site.store.jobs[job.id].state = 'expired'
    ask(site, text)


def test_values_count_where_nothing_is_made() -> None:
    """A limit holds for what is kept as for what is not."""
    for number in (3_000, 30_000):
        site = Site(query_values=number)
        site.grow(9)
        for _ in range(3):
            ask(site)


def test_removed_elements_are_forgotten(site: Site) -> None:
    kept = fragments_of(site)
    assert len(kept._kept) == len(site.store.task_proxies)
    for id_ in [*site.store.task_proxies][FEW + 5:]:
        del site.store.task_proxies[id_]
    ask(site)
    assert {each.element.id for each in kept._kept.values()} == {
        *site.store.task_proxies}
    assert kept.size == sum(
        OVERHEAD + len(each.json) for each in kept._kept.values())


def fragments_of(site: Site) -> Fragments:
    """Return the fragments that are kept of the query."""
    for _ in range(2):
        ask(site)
    assert site.compiled._plans is not None
    (found,) = site.compiled._plans._larder._used
    return found


def test_size() -> None:
    """What was used last stays, as far as there is room."""
    larder = Larder(100)
    kept = [Fragments(lambda *_: {}, 'jobs', larder) for _ in range(3)]
    for each in kept:
        each.size = 40
        larder.account(each)
    assert [each.size for each in kept] == [0, 40, 40]
    kept[1].size = 70
    larder.account(kept[1])
    assert [each.size for each in kept] == [0, 70, 0]
    kept[1].size = 101
    larder.account(kept[1])
    assert [each.size for each in kept] == [0, 0, 0]


def test_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody asks for any more holds elements that are gone."""
    larder, now = Larder(100), 0.0
    monkeypatch.setattr(fragments, 'monotonic', lambda: now)
    kept = [Fragments(lambda *_: {}, 'jobs', larder) for _ in range(2)]
    for each in kept:
        each.size = 40
        larder.account(each)
    now = fragments.IDLE + 1
    larder.account(kept[0])
    assert [each.size for each in kept] == [40, 0]
