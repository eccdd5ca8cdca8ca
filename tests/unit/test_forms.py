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
"""Form-encoded text is read as Cylc 7 reads it."""

from __future__ import annotations

from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc_flask.errors import NotFound, RequestError
from cylc_flask.forms import MAX_PAIRS, parse


@pytest.mark.parametrize('text, found', [
    ('', {}),
    ('a', {'a': ['']}),
    ('a=', {'a': ['']}),
    ('a=1&&a=2', {'a': ['1', '2']}),
    ('a=x+y%20z', {'a': ['x y z']}),
    ('a=b=c', {'a': ['b=c']}),
    ('caf%C3%A9=%26', {'café': ['&']}),
])
def test_parse(text: str, found: dict[str, list[str]]) -> None:
    assert parse(text) == found


@pytest.mark.parametrize('text', ['a=%ff', '%ff=a', 'a=%ED%A0%80', 'a=\xff'])
def test_not_utf8(text: str) -> None:
    with pytest.raises(NotFound, match="encoded with 'utf8'"):
        parse(text)


def test_too_many() -> None:
    """A parser that is kept busy keeps everybody waiting."""
    assert len(parse('&'.join(['a=1'] * MAX_PAIRS))['a']) == MAX_PAIRS
    with pytest.raises(RequestError, match='too many'):
        parse('&'.join(['a=1'] * (MAX_PAIRS + 1)))


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_what_is_encoded_is_read(pairs: list[tuple[str, str]]) -> None:
    found = parse(urlencode(pairs))
    assert sorted(pairs) == sorted(
        (name, value) for name, values in found.items() for value in values
    )
