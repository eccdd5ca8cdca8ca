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
"""Reading of Cylc 7's task ids and patterns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc.flow.id import Tokens
from cylc_flask.errors import RequestError
from cylc_flask.legacy.ids import TaskId, one, parse
from tests.stores import recorded

INTEGER = recorded('8.5', 'running').side.definition
DATES = recorded('8.5', 'mixed').side.definition


@pytest.mark.parametrize('item, name, point, state', [
    ('foo.1', 'foo', '1', None),
    ('1/foo', 'foo', '1', None),
    ('foo', 'foo', '*', None),
    ('1', '1', '*', None),
    ('foo.1:failed', 'foo', '1', 'failed'),
    ('1/foo:failed', 'foo', '1', 'failed'),
    ('foo:failed', 'foo', '*', 'failed'),
    ('*:submit-failed', '*', '*', 'submit-failed'),
    ('foo*.2020*', 'foo*', '2020*', None),
    ('2020*/F[oa]?', 'F[oa]?', '2020*', None),
    ('foo.20200101T0000+01', 'foo', '20200101T0000+01', None),
    ('20200101T0000Z/foo', 'foo', '20200101T0000Z', None),
    ('a.b.1', 'a.b', '1', None),
    ('1/a.b', 'a.b', '1', None),
    ('foo:preparing', 'foo', '*', 'ready'),
    ('foo-bar%x@y+z.-1', 'foo-bar%x@y+z', '-1', None),
    ('été.1', 'été', '1', None),
])
def test_parse(item, name, point, state):
    pattern = parse(item)
    assert (pattern.name, pattern.point, pattern.state) == (
        name, point, state
    )
    assert pattern.item == item


def test_defined_names_may_have_dots():
    names = ['a.b', 'a']
    assert parse('a.b', names).relative_id == '*/a.b'
    assert parse('a.b.1', names).relative_id == '1/a.b'
    assert parse('a.1', names).relative_id == '1/a'


@pytest.mark.parametrize('item', [
    '', ' ', '.', '/', ':', 'foo.', '.1', '1/', '/foo', 'foo:', ':failed',
    'x/y/z', '1/foo/01', 'foo.1:a:b', 'foo\nbar.1', ' foo.1', 'foo.1 ',
    '~user/x', '1/:failed', '//1/foo', '1//foo',
])
def test_malformed(item):
    with pytest.raises(RequestError) as info:
        parse(item)
    assert f'"{item}"' in info.value.text
    assert info.value.status == 400


@given(st.text() | st.text('foo1.*/:[]~? ', max_size=12))
def test_what_we_read_cylc_8_reads_alike(item):
    try:
        pattern = parse(item)
    except RequestError:
        return
    tokens = Tokens(pattern.relative_id, relative=True)
    assert (tokens['cycle'], tokens['task']) == (pattern.point, pattern.name)


@pytest.mark.parametrize('item', ['foo.1', '1/foo'])
def test_one(item):
    task = one(item, INTEGER)
    assert task == TaskId('foo', '1')
    assert str(task) == 'foo.1'


def test_one_date():
    assert one('foo.20200101T00Z', DATES) == ('foo', '20200101T00Z')


@pytest.mark.parametrize('item, text', [
    ('foo', 'Not a task id: "foo"'),
    ('foo.*', 'Not a task id: "foo.*"'),
    ('*.1', 'Not a task id'),
    ('foo.1:failed', 'Not a task id'),
    ('foo.bar', 'Invalid cycle point: bar'),
    ('', 'Malformed item: ""'),
])
def test_not_one(item, text):
    with pytest.raises(RequestError) as info:
        one(item, INTEGER)
    assert text in info.value.text
