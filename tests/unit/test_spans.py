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
"""Ranges of bytes mean what HTTP says, whatever a client writes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
import pytest
from werkzeug.http import parse_range_header

from cylc_flask.spans import Span, Unsatisfiable, span_of


@pytest.mark.parametrize('header, size, span', [
    ('bytes=0-0', 10, (0, 1)),
    ('bytes=0-', 10, (0, 10)),
    ('bytes=9-', 10, (9, 10)),
    ('bytes=2-100', 10, (2, 10)),
    ('bytes=-1', 10, (9, 10)),
    ('bytes=-100', 10, (0, 10)),
    (' Bytes = 1 - 2 ', 10, (1, 3)),
    ('bytes=0-999999999999999999', 10, (0, 10)),
])
def test_spans(header: str, size: int, span: tuple[int, int]) -> None:
    assert span_of(header, size) == Span(*span)


@pytest.mark.parametrize('header', [
    '', 'bytes', 'bytes=', 'bytes=-', 'bytes=a-b', 'bytes=1', 'bytes=2-1',
    'bytes=0-1,3-4', 'bytes=-1,-2', 'lines=1-2', 'bytes=1-2-3', 'bytes=--1',
    'bytes=+1-2', 'bytes=1.0-2', 'bytes=٣-٤', 'bytes=0x1-2', 'none',
    'bytes=' + '9' * 19 + '-', 'bytes=0-' + '9' * 5000,
])
def test_what_is_passed_over(header: str) -> None:
    assert span_of(header, 10) is None


@pytest.mark.parametrize('header, size', [
    ('bytes=10-', 10), ('bytes=10-20', 10), ('bytes=-0', 10),
    ('bytes=0-', 0), ('bytes=-0', 0),
])
def test_what_there_is_not(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable) as caught:
        span_of(header, size)
    assert caught.value.status == 416
    assert caught.value.headers == (('Content-Range', f'bytes */{size}'),)


def test_the_end_of_nothing() -> None:
    assert span_of('bytes=-5', 0) is None


numbers = st.integers(0, 30).map(str) | st.just('')


@given(first=numbers, last=numbers, size=st.integers(0, 25))
def test_as_werkzeug_reads_it(first: str, last: str, size: int) -> None:
    header = f'bytes={first}-{last}'
    theirs = parse_range_header(header)
    pair = theirs.range_for_length(size) if theirs else None
    try:
        ours = span_of(header, size)
    except Unsatisfiable:
        # Theirs says None to both: to what is none, and to what is not there.
        assert pair is None or pair[0] >= size or last == '0'
        return
    if ours is not None:
        assert 0 <= ours.start < ours.stop <= size
        # It knows no end that is longer than the file.
        assert pair == ours or first == '' and int(last) > size


@given(header=st.text(max_size=30) | st.text('bytes=-,0123 ', max_size=20),
       size=st.integers(0, 2**40))
def test_any_text(header: str, size: int) -> None:
    try:
        span = span_of(header, size)
    except Unsatisfiable:
        return
    if span is not None:
        assert 0 <= span.start < span.stop <= size
        assert span.size > 0
