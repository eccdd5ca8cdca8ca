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
"""The messages of the plain feed, by their schema and by their contents."""

from __future__ import annotations

from dataclasses import fields, replace
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
import pytest

from cylc_flask.compat import pb
from cylc_flask.replica.codec import CODECS, PlainGroup
from cylc_flask.replica.encode import dump, nothing, plain
from cylc_flask.replica.feed import Feed
from cylc_flask.replica.side import Definition, Side
from cylc_flask.replica.store import Store
from tests.followers import FOLLOWERS, all_json
from tests.stores import LINES, recorded
from tests.unit.replica.sides import SIDE
from tests.unit.replica.test_delta import CLASSES, batches

SCHEMA = json.loads(
    (Path(__file__).parents[3] / 'docs' / 'feed.schema.json').read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


class Site:
    """A recorded store with its feed, and who follows it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.feed = Feed()
        self.groups: dict[str, PlainGroup] = {}

    def join(self, codec: str, **options: Any) -> Any:
        group = PlainGroup(self.store, self.feed, CODECS[codec])
        self.groups[codec] = group
        return self.feed.join(codec, lambda: group, **options)

    def apply(self, side: Side | None = None, **parts: Any) -> None:
        delta = pb.AllDeltas(**parts).SerializeToString() if parts else None
        self.feed.publish(
            self.store.apply(delta, side or self.store.side))


@pytest.fixture(params=LINES)
def site(request: pytest.FixtureRequest) -> Site:
    return Site(recorded(request.param, 'mixed'))


def next_json(member: Any) -> Any:
    message = json.loads(member.take(0))
    VALIDATOR.validate(message)
    return message


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize('kind', CLASSES)
def test_schema_has_all_fields(kind: str) -> None:
    """Those of this line of cylc-flow, with their types."""
    definitions = SCHEMA['$defs']
    place = definitions['elements']['properties'][kind]
    name = place['additionalProperties']['$ref'].rpartition('/')[2]
    assert name == CLASSES[kind].DESCRIPTOR.name
    check_fields(CLASSES[kind].DESCRIPTOR, definitions)


def check_fields(descriptor: Any, definitions: Any) -> None:
    properties = definitions[descriptor.name]['properties']
    for field in descriptor.fields:
        empty = nothing(getattr(pb, descriptor.name)(), field.name)
        described = properties[field.name]
        if empty is None:
            assert described.get('type') not in ('array', 'object')
        else:
            assert described['type'] == (
                'array' if empty == [] else 'object')
        inner = field.message_type
        if inner is not None and not inner.GetOptions().map_entry:
            check_fields(inner, definitions)


@pytest.mark.parametrize('cls, name', [
    (Side, 'side'), (Definition, 'definition'),
])
def test_schema_has_all_side_data(cls: type[Any], name: str) -> None:
    described = set(SCHEMA['$defs'][name]['properties'])
    known = {item.name for item in fields(cls)} - {'definition'}
    assert described == known


def test_snapshot(site: Site) -> None:
    site.apply()
    message = next_json(site.join('cylc-feed.json'))
    store = site.store
    assert message['type'] == 'snapshot'
    assert message['feed'] == site.feed.id
    assert message['sequence'] == store.version == 2
    assert message['added'] == json.loads(dump(all_json(store)))
    assert message['side']['final_point'] == store.side.final_point
    assert message['definition']['tasks'] == store.side.definition.tasks


def test_delta(site: Site) -> None:
    member = site.join('cylc-feed.json')
    next_json(member)
    proxy = next(iter(site.store.task_proxies.values()))
    site.apply(
        task_proxies=pb.TPDeltas(updated=[
            pb.PbTaskProxy(id=proxy.id, state='failed', jobs=['x'])]),
        jobs=pb.JDeltas(
            added=[pb.PbJob(id='x')], pruned=[next(iter(site.store.jobs))]),
    )
    message = next_json(member)
    assert {'side', 'definition'}.isdisjoint(message)
    assert message['type'] == 'delta'
    assert message['sequence'] == 2
    assert message['added'] == {'jobs': {'x': {'id': 'x'}}}
    assert message['updated']['task_proxies'] == {proxy.id: {
        'id': proxy.id, 'state': 'failed', 'jobs': [*proxy.jobs, 'x'],
    }}
    assert len(message['pruned']['jobs']) == 1


def test_what_becomes_empty(site: Site) -> None:
    member = site.join('cylc-feed.json')
    next_json(member)
    id_ = site.store.workflow.id
    site.apply(jobs=pb.JDeltas(pruned=list(site.store.jobs)))
    assert next_json(member)['updated'] == {
        'workflow': {id_: {'id': id_, 'jobs': []}},
    }


def test_side_data_when_it_changes(site: Site) -> None:
    member = site.join('cylc-feed.json')
    next_json(member)
    paused = replace(site.store.side, is_paused=not site.store.side.is_paused)
    site.apply(paused)
    message = next_json(member)
    assert message['side']['is_paused'] is paused.is_paused
    assert 'definition' not in message
    definition = replace(paused.definition, serial=7)
    site.apply(replace(paused, definition=definition))
    assert next_json(member)['definition']['serial'] == 7


def test_end(site: Site) -> None:
    member = site.join('cylc-feed.json')
    next_json(member)
    site.apply(jobs=pb.JDeltas(added=[pb.PbJob(id='x')]))
    site.feed.close('over')
    assert next_json(member)['type'] == 'delta'
    assert next_json(member) == {
        'type': 'end', 'feed': site.feed.id, 'sequence': 2, 'reason': 'over',
    }


def test_nothing_is_told_twice(site: Site) -> None:
    """What is not of the replica is no news here."""
    members = [site.join(codec) for codec in CODECS]
    for member in members:
        member.take(0)
    site.feed.stir(site.store.version, site.store.side)
    assert [member.take(0) for member in members] == [None, None]


@pytest.mark.parametrize('codec', CODECS)
def test_resuming(site: Site, codec: str) -> None:
    """The deltas made again are those that others got."""
    stayed = site.join(codec)
    stayed.take(0)
    since = site.store.version
    for number in range(3):
        site.apply(jobs=pb.JDeltas(added=[pb.PbJob(id=f'x{number}')]))
    changes = site.feed.history.since(since)
    assert changes is not None
    missed = [site.groups[codec].delta(change) for change in changes]
    back = site.join(codec, burst=False)
    assert missed == [stayed.take(0) for _ in missed]
    site.apply(jobs=pb.JDeltas(added=[pb.PbJob(id='x3')]))
    assert back.take(0) == stayed.take(0) is not None


def test_broadcasts_of_any_kind() -> None:
    """Cylc has numbers of its own kind."""
    class Odd(float):
        def __str__(self) -> str:
            return 'PT1M'

    assert dump({'a': {1: Odd(60)}}) == b'{"a":{"1":"PT1M"}}'
    assert json.loads(dump({'big': 2**80, 'odd': '\ud800'})) == {
        'big': 2**80, 'odd': '\ud800'}


def test_maps_of_messages() -> None:
    proxy = pb.PbTaskProxy(id='x')
    proxy.outputs['started'].satisfied = True
    proxy.runtime.SetInParent()
    assert plain(proxy) == {
        'id': 'x', 'outputs': {'started': {'satisfied': True}}, 'runtime': {},
    }


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_copies_equal_the_store(data: st.DataObject) -> None:
    """Whatever happens: steps lead to what a new burst says."""
    site = Site(recorded(data.draw(st.sampled_from(LINES)), 'mixed'))
    if data.draw(st.booleans()):
        site = Site(Store())
        site.feed.publish(site.store.load(b'', SIDE))
    members = {codec: site.join(codec) for codec in CODECS}
    followers = {codec: FOLLOWERS[codec]() for codec in CODECS}
    workflow = site.store.workflow.id
    for batch in data.draw(st.lists(batches(), min_size=1, max_size=4)):
        for codec, member in members.items():
            followers[codec].take_all(member)
        if 'workflow' in batch:
            batch['workflow'].updated.id = workflow
            batch['workflow'].added.id = workflow
        site.apply(**batch)
        for codec, member in members.items():
            followers[codec].take_all(member)
            fresh = FOLLOWERS[codec]()
            fresh.take_all(site.join(codec))
            assert followers[codec].copy == fresh.copy
    for follower in followers.values():
        assert follower.copy == all_json(site.store)


def test_followers_notice_what_is_missing(site: Site) -> None:
    """The followers of these tests are no blind ones."""
    for codec in CODECS:
        follower = FOLLOWERS[codec]()
        member = site.join(codec)
        follower.take_all(member)
        site.apply(jobs=pb.JDeltas(pruned=[next(iter(site.store.jobs))]))
        member.take(0)
        site.apply(jobs=pb.JDeltas(pruned=[next(iter(site.store.jobs))]))
        with pytest.raises(AssertionError):
            follower.take_all(member)
