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
from __future__ import annotations

from hashlib import sha256
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc_flask.query.body import MAX_DEPTH, Reader, decode, of_query
from cylc_flask.query.documents import Request
from cylc_flask.query.errors import Rejected
from cylc_flask.query.persisted import Persisted

TEXT = '{workflows {id}}'
DIGEST = sha256(TEXT.encode()).hexdigest()
NAMED = {'persistedQuery': {'version': 1, 'sha256Hash': DIGEST}}


@pytest.fixture
def reader() -> Reader:
    return Reader(Persisted())


def code(exc: Rejected) -> str:
    (error,) = exc.errors
    assert error.extensions
    return str(error.extensions['code'])


def test_read(reader: Reader) -> None:
    """What is null is as good as left out; what is unknown is left."""
    assert reader.read({
        'query': TEXT, 'variables': None, 'operationName': None, 'x': 1,
    }) == Request(TEXT)
    assert reader.read({
        'query': TEXT, 'variables': {'a': 1}, 'operationName': 'b',
        'extensions': {'c': 2},
    }) == Request(TEXT, {'a': 1}, 'b', {'c': 2})


@pytest.mark.parametrize('parameters, text', [
    (None, 'A request is a JSON object.'),
    ('text', 'A request is a JSON object.'),
    ({}, 'There is no query.'),
    ({'query': None}, 'There is no query.'),
    ({'query': 1}, 'query is no text.'),
    ({'query': TEXT, 'operationName': []}, 'operationName is no text.'),
    ({'query': TEXT, 'variables': []}, 'variables is no JSON object.'),
    ({'query': TEXT, 'extensions': ''}, 'extensions is no JSON object.'),
    ({'documentId': 1}, 'documentId is no text'),
    ({'documentId': 'md5:1'}, 'does not begin with "sha256:"'),
    ({'documentId': 'sha256:1'}, 'no SHA-256'),
    ({'extensions': {'persistedQuery': []}}, 'is no object'),
    ({'extensions': {'persistedQuery': {}}}, 'version is not 1'),
    ({'extensions': {'persistedQuery': {'version': 1}}}, 'no SHA-256'),
    ({'query': '{a}', 'extensions': NAMED}, 'not that of the document'),
])
def test_read_nonsense(reader: Reader, parameters: Any, text: str) -> None:
    with pytest.raises(Rejected, match=text) as caught:
        reader.read(parameters)
    assert code(caught.value) == 'BAD_USER_INPUT'
    assert caught.value.status == 400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.just(DIGEST) | st.just(TEXT) | st.just(1),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.text() | st.sampled_from(('version', 'sha256Hash')), inner
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from((
    'query', 'variables', 'operationName', 'extensions', 'documentId',
)), json_values) | json_values)
def test_read_anything(parameters: Any) -> None:
    """It is a request, or rejected in so many words."""
    try:
        request = Reader(Persisted()).read(parameters)
    except Rejected as exc:
        assert code(exc)
    else:
        assert isinstance(request.query, str)


@given(st.binary())
def test_decode_anything(body: bytes) -> None:
    try:
        decode(body)
    except Rejected as exc:
        assert code(exc)


def test_decode_what_is_deep() -> None:
    """How deep it may be is told."""
    decode(b'[' * MAX_DEPTH + b']' * MAX_DEPTH)
    with pytest.raises(Rejected, match=f'more than {MAX_DEPTH} levels'):
        decode(b'[' * (MAX_DEPTH + 1) + b']' * (MAX_DEPTH + 1))
    with pytest.raises(Rejected):
        decode(b'[' * 100_000)


def test_of_query() -> None:
    with pytest.raises(Rejected, match='There are 2 values of query'):
        of_query({'query': ['{a}', '{b}']})
    with pytest.raises(Rejected, match='no JSON'):
        of_query({'variables': ['{']})
    assert of_query({'variables': [''], 'x': ['1', '2']}) == {}


def test_persisted(reader: Reader) -> None:
    """A document is found by its hash once it has been sent."""
    with pytest.raises(Rejected, match='PersistedQueryNotFound') as caught:
        reader.read({'extensions': NAMED})
    assert code(caught.value) == 'PERSISTED_QUERY_NOT_FOUND'
    request = reader.read({'query': TEXT, 'extensions': NAMED})
    with pytest.raises(Rejected):  # nobody has found it valid so far
        reader.read({'extensions': NAMED})
    reader.remember(request)
    assert reader.read({'extensions': NAMED}) == request
    assert reader.read({'documentId': f'sha256:{DIGEST}'}).query == TEXT


def test_persisted_are_bounded() -> None:
    """What was not used for longest goes first."""
    kept = Persisted(most=10)
    kept.keep('a', '12345')
    kept.keep('b', '12345')
    kept.find('a')
    kept.keep('c', '12345')
    assert kept.find('a') == kept.find('c') == '12345'
    with pytest.raises(Rejected):
        kept.find('b')
    kept.keep('d', '1' * 11)
    with pytest.raises(Rejected):
        kept.find('d')
