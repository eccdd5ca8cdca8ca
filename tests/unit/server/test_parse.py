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
"""Requests are read as they were meant, or refused; nothing between."""

from __future__ import annotations

from http.client import parse_headers
from io import BytesIO
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import pytest

from cylc_flask.server import parse
from cylc_flask.server.parse import CHUNKED, BadRequest
from tests.unit.server.served import chunks

LIMIT = 1000

#: A busy machine is not a fault.
unhurried = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow])

TOKEN = "!#$%&'*+.^_`|~-0123456789abcdefghijklmnopqrstuvwxyzABCXYZ"

tokens = st.text(TOKEN, min_size=1, max_size=12)
targets = st.text(
    [chr(code) for code in range(0x21, 0x7f)], max_size=40
).map('/'.__add__)
values = st.text([
    '\t', *(chr(code) for code in range(0x20, 0x100) if code != 0x7f)
], max_size=30)
singles = parse._SINGLE
fields = st.dictionaries(
    tokens.map(str.lower).filter(lambda name: name not in singles),
    values.map(lambda value: value.strip(' \t')),
    max_size=8,
)

#: What requests are made of, to be mixed at random.
PIECES = [
    b'GET', b'POST', b' ', b'/', b'*', b'http://', b'h:1', b'?', b'#',
    b'HTTP/1.1', b'HTTP/1.0', b'HTTP/0.9', b'HTTP/2.0', b'\r\n', b'\n',
    b'\r', b'\r\n\r\n', b':', b'Host', b'Content-Length',
    b'Transfer-Encoding', b'chunked', b'identity', b'Connection', b'close',
    b'5', b'0', b'-1', b'1e3', b'0x5', b'+5', b'ffffffffffffffffff', b';',
    b'a', b'A=b', b'\0', b'\t', b'\x0b', b'\x7f', b'\x80', b'\xff', b'_',
]
mixtures = st.lists(
    st.one_of(st.sampled_from(PIECES), st.binary(max_size=3)), max_size=30
).map(b''.join)


def request(data: bytes):
    """Read a whole request, as a connection does."""
    stream = BytesIO(data)
    line = stream.readline(LIMIT + 1)
    method, target, version = parse.request_line(line)
    found = parse.headers(stream, LIMIT)
    parse.check_host(version, found)
    length = parse.body_length(version, found, LIMIT)
    body = None
    if length is not None:
        body = parse.body(stream, length, LIMIT)
    place = parse.split_target(method, target)
    return method, place, version, found, body, stream.read()


def refusal(function, *args) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        function(*args)
    return caught.value


# Whatever comes


@unhurried
@given(mixtures)
def test_anything_is_a_request_or_a_bad_one(data):
    try:
        request(data)
    except BadRequest as exc:
        assert re.fullmatch(r'[45]\d\d [A-Z][A-Za-z ]+', exc.status)
        assert exc.text.isascii()
        assert str(exc) == exc.text


@unhurried
@given(tokens, targets, fields, st.binary(max_size=50), st.data())
def test_a_damaged_request_is_a_request_or_a_bad_one(
    method, target, found, body, data
):
    lines = [f'{method} {target} HTTP/1.1', 'Host: h',
             f'Content-Length: {len(body)}',
             *(f'{name}: {value}' for name, value in found.items()), '', '']
    whole = '\r\n'.join(lines).encode('latin-1') + body
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, min(begin + 3, len(whole))))
    piece = data.draw(st.one_of(st.sampled_from(PIECES), st.just(b'')))
    try:
        request(whole[:begin] + piece + whole[end:])
    except BadRequest:
        pass


@unhurried
@given(tokens, targets, st.sampled_from(['HTTP/1.0', 'HTTP/1.1']), fields,
       st.binary(max_size=50), st.binary(max_size=20))
def test_a_request_is_read_as_it_was_meant(
    method, target, version, found, body, rest
):
    lines = [f'{method} {target} {version}', 'hOST:\tlocalhost:1 ',
             f'Content-length:{len(body)}',
             *(f'{name}:{value}' for name, value in found.items()), '', '']
    data = '\r\n'.join(lines).encode('latin-1') + body + rest
    path, _, query = target.partition('?')
    assert request(data) == (
        method, ('', path, query), version,
        {'host': 'localhost:1', 'content-length': str(len(body)), **found},
        body, rest,
    )


@unhurried
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8),
       st.binary(max_size=20))
def test_chunks_are_put_together(parts, rest):
    stream = BytesIO(b''.join(chunks(*parts)) + rest)
    assert parse.body(stream, CHUNKED, LIMIT) == b''.join(parts)
    assert stream.read() == rest


@unhurried
@given(mixtures.map(b'a: b\r\n'.__add__))
def test_headers_are_those_which_python_reads(data):
    """Where ours takes a header at all: it refuses more."""
    data += b'\r\n\r\n'
    try:
        ours = parse.headers(BytesIO(data), LIMIT)
    except BadRequest:
        return
    theirs: dict[str, list[str]] = {}
    for name, value in parse_headers(BytesIO(data)).items():
        theirs.setdefault(name.lower(), []).append(value.strip(' \t'))
    assert ours == {
        name: ('; ' if name == 'cookie' else ', ').join(several)
        for name, several in theirs.items()
    }


# The request line


@pytest.mark.parametrize('line', [
    pytest.param(b'', id='nothing'),
    pytest.param(b'GET /\r\n', id='HTTP/0.9'),
    pytest.param(b'GET  / HTTP/1.1\r\n', id='two blanks'),
    pytest.param(b'GET\t/ HTTP/1.1\r\n', id='tab'),
    pytest.param(b' GET / HTTP/1.1\r\n', id='blank before'),
    pytest.param(b'GET / HTTP/1.1 \r\n', id='blank after'),
    pytest.param(b'GET / x HTTP/1.1\r\n', id='blank in target'),
    pytest.param(b'GET  HTTP/1.1\r\n', id='no target'),
    pytest.param(b'GET / HTTP/1.1\n', id='bare line feed'),
    pytest.param(b'GET / HTTP/1.1\r\r\n', id='two returns'),
    pytest.param(b'GET / HTTP/1.1', id='cut off'),
    pytest.param(b'GET / http/1.1\r\n', id='small letters'),
    pytest.param(b'GET / HTTP/11\r\n', id='no dot'),
    pytest.param(b'GET / HTTP/1.\xb2\r\n', id='odd digit'),
    pytest.param(b'G(T / HTTP/1.1\r\n', id='method is no token'),
    pytest.param(b'GET /\0 HTTP/1.1\r\n', id='NUL'),
    pytest.param(b'GET /\x7f HTTP/1.1\r\n', id='DEL'),
    pytest.param(b'GET /\xe4 HTTP/1.1\r\n', id='not escaped'),
    pytest.param(b'\x16\x03\x01\x02\x00\x01\n', id='TLS'),
])
def test_request_line_is_malformed(line):
    assert refusal(parse.request_line, line).status == '400 Bad Request'


@pytest.mark.parametrize('version', [b'HTTP/0.9', b'HTTP/2.0', b'HTTP/3.1'])
def test_version_is_not_ours(version):
    fault = refusal(parse.request_line, b'PRI * ' + version + b'\r\n')
    assert fault.status == '505 HTTP Version Not Supported'


def test_later_minor_version_is_answered_as_the_last_we_know():
    assert parse.request_line(b'GET / HTTP/1.7\r\n')[2] == 'HTTP/1.1'


# Targets


@pytest.mark.parametrize(('target', 'expected'), [
    ('/', ('', '/', '')),
    ('//evil/x', ('', '//evil/x', '')),
    ('/a?b?c', ('', '/a', 'b?c')),
    ('/?u=http://h/', ('', '/', 'u=http://h/')),
    ('/a%3Fb', ('', '/a%3Fb', '')),
    ('http://h/a?b', ('h', '/a', 'b')),
    ('HTTPS://h:1/', ('h:1', '/', '')),
    ('http://[::1]:8/a', ('[::1]:8', '/a', '')),
    ('http://h?b', ('h', '/', 'b')),
    ('http://h', ('h', '/', '')),
])
def test_target(target, expected):
    assert parse.split_target('GET', target) == expected


@pytest.mark.parametrize('target', [
    '*', 'a', '?a=http://b/', 'h:80', 'ftp://h/', 'http:/h/', 'http://',
    'http:///a', 'http://?a', 'http://u@h/', 'http://h\\x/', 'http://h/#a',
])
def test_target_is_none(target):
    fault = refusal(parse.split_target, 'GET', target)
    assert fault.status == '400 Bad Request'


# Header fields


def headers(data: bytes) -> dict[str, str]:
    return parse.headers(BytesIO(data + b'\r\n\r\n'), LIMIT)


@pytest.mark.parametrize('data', [
    pytest.param(b'a', id='no colon'),
    pytest.param(b': b', id='no name'),
    pytest.param(b'a : b', id='blank before the colon'),
    pytest.param(b'a\t: b', id='tab before the colon'),
    pytest.param(b' a: b', id='blank before the name'),
    pytest.param(b'a: b\r\n c', id='folded'),
    pytest.param(b'a: b\r\n\tc', id='folded by a tab'),
    pytest.param(b'a: b\r\n c: d', id='folded field'),
    pytest.param(b'a: b\0', id='NUL'),
    pytest.param(b'a: b\rc: d', id='bare return'),
    pytest.param(b'a: b\nc: d', id='bare line feed'),
    pytest.param(b'a: b\r', id='two returns'),
    pytest.param(b'a: b\x0bc', id='vertical tab'),
    pytest.param(b'a\xe4: b', id='name is no token'),
    pytest.param(b'a(: b', id='name with a bracket'),
    pytest.param(b'Host: a\r\nhost: b', id='two hosts'),
    pytest.param(b'Host: a\r\nHost: a', id='the same host twice'),
    pytest.param(b'Content-Length: 1\r\ncontent-length: 1', id='lengths'),
    pytest.param(b'Authorization: a\r\nAuthorization: b', id='log-ins'),
    pytest.param(
        b'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
        id='codings'),
])
def test_header_is_malformed(data):
    assert refusal(headers, data).status == '400 Bad Request'


@pytest.mark.parametrize('data', [b'', b'a: b\r\n', b'a: b', b'\n'])
def test_header_is_cut_off(data):
    fault = refusal(parse.headers, BytesIO(data), LIMIT)
    assert fault.status == '400 Bad Request'


def test_header_values():
    assert headers(
        b'A:b\r\nB: \t c d \t\r\nC:\r\nD: \xe4:\r\ne: 1\r\nE: 2\r\n'
        b'Cookie: a=1\r\nCookie: b=2'
    ) == {
        'a': 'b', 'b': 'c d', 'c': '', 'd': '\xe4:', 'e': '1, 2',
        'cookie': 'a=1; b=2',
    }


def test_header_ends_at_the_first_empty_line():
    stream = BytesIO(b'a: b\r\n\r\nc: d\r\n\r\n')
    assert parse.headers(stream, LIMIT) == {'a': 'b'}
    assert stream.read() == b'c: d\r\n\r\n'


def test_header_size():
    data = b'a: ' + b'b' * 95 + b'\r\n'
    assert parse.headers(BytesIO(data + b'\r\n'), 100)
    for stream in (BytesIO(data + b'\r\n'), BytesIO(b'a:' * LIMIT)):
        fault = refusal(parse.headers, stream, 99)
        assert fault.status == '431 Request Header Fields Too Large'


def test_number_of_headers():
    lines = [b'a%d:\r\n' % number for number in range(parse.MOST_FIELDS)]
    data = b''.join(lines)
    assert len(parse.headers(BytesIO(data + b'\r\n'), 10_000)) == len(lines)
    fault = refusal(parse.headers, BytesIO(data + b'b:\r\n\r\n'), 10_000)
    assert fault.status == '431 Request Header Fields Too Large'


@pytest.mark.parametrize(('version', 'found', 'is_sound'), [
    ('HTTP/1.1', {}, False),
    ('HTTP/1.0', {}, True),
    ('HTTP/1.1', {'host': ''}, True),
    ('HTTP/1.1', {'host': 'h:1'}, True),
    ('HTTP/1.1', {'host': '[::1]:1'}, True),
    ('HTTP/1.1', {'host': '%2Frun%2Fa.sock'}, True),
    ('HTTP/1.1', {'host': 'a b'}, False),
    ('HTTP/1.1', {'host': 'a/b'}, False),
    ('HTTP/1.0', {'host': 'u@h'}, False),
    ('HTTP/1.1', {'host': 'h\xe4'}, False),
])
def test_host(version, found, is_sound):
    if is_sound:
        parse.check_host(version, found)
    else:
        fault = refusal(parse.check_host, version, found)
        assert fault.status == '400 Bad Request'


@pytest.mark.parametrize(('version', 'connection', 'expected'), [
    ('HTTP/1.1', '', True),
    ('HTTP/1.1', 'keep-alive', True),
    ('HTTP/1.1', 'close', False),
    ('HTTP/1.1', 'TE , CLOSE', False),
    ('HTTP/1.1', 'closed', True),
    ('HTTP/1.0', '', False),
    ('HTTP/1.0', 'Keep-Alive', True),
    ('HTTP/1.0', 'keep-alive, close', False),
])
def test_connection_is_kept(version, connection, expected):
    assert parse.keeps(version, {'connection': connection}) is expected


# Bodies


@pytest.mark.parametrize(('found', 'expected'), [
    ({}, None),
    ({'content-length': '0'}, 0),
    ({'content-length': '1000'}, 1000),
    ({'content-length': '007'}, 7),
    ({'transfer-encoding': 'chunked'}, CHUNKED),
    ({'transfer-encoding': 'Chunked'}, CHUNKED),
])
def test_body_length(found, expected):
    assert parse.body_length('HTTP/1.1', found, LIMIT) == expected


@pytest.mark.parametrize(('status', 'found'), [
    ('400', {'content-length': ''}),
    ('400', {'content-length': '-1'}),
    ('400', {'content-length': '+1'}),
    ('400', {'content-length': '0x1'}),
    ('400', {'content-length': '1_0'}),
    ('400', {'content-length': '1.0'}),
    ('400', {'content-length': '1, 1'}),
    ('400', {'content-length': '1 1'}),
    ('400', {'content-length': '\xb2'}),
    ('400', {'content-length': '0' * 20 + '5'}),
    ('413', {'content-length': '1001'}),
    ('413', {'content-length': '9' * 19}),
    ('400', {'content-length': '5', 'transfer-encoding': 'chunked'}),
    ('400', {'content-length': '', 'transfer-encoding': 'chunked'}),
    ('400', {'content-length': '5', 'transfer-encoding': ''}),
    ('501', {'transfer-encoding': ''}),
    ('501', {'transfer-encoding': 'identity'}),
    ('501', {'transfer-encoding': 'gzip, chunked'}),
    ('501', {'transfer-encoding': 'chunked, identity'}),
    ('501', {'transfer-encoding': 'xchunked'}),
])
def test_body_length_is_not_clear(status, found):
    fault = refusal(parse.body_length, 'HTTP/1.1', found, LIMIT)
    assert fault.status.split()[0] == status


def test_http_1_0_knows_no_chunks():
    found = {'transfer-encoding': 'chunked'}
    fault = refusal(parse.body_length, 'HTTP/1.0', found, LIMIT)
    assert fault.status == '400 Bad Request'


def chunked(data: bytes, limit: int = LIMIT) -> bytes:
    return parse.body(BytesIO(data), CHUNKED, limit)


@pytest.mark.parametrize('data', [
    b'0\r\n\r\n',
    b'000\r\n\r\n',
    b'0;a=b\r\n\r\n',
    b'0 ;a="b"\r\n\r\n',
    b'0\r\nTrailer: x\r\n\r\n',
])
def test_last_chunk(data):
    assert chunked(data) == b''


@pytest.mark.parametrize('data', [
    pytest.param(b'', id='nothing'),
    pytest.param(b'\r\n', id='no size'),
    pytest.param(b'0', id='cut off in the last size'),
    pytest.param(b'0\r\n', id='cut off in the trailer'),
    pytest.param(b'0\n\r\n', id='bare line feed'),
    pytest.param(b'0\r\nx\r\n\r\n', id='trailer is no field'),
    pytest.param(b'1\r\na0\r\n\r\n', id='no end'),
    pytest.param(b'1\r\na\n0\r\n\r\n', id='end by a bare line feed'),
    pytest.param(b'1\r\nab\r\n0\r\n\r\n', id='too long'),
    pytest.param(b'3\r\na\r\n0\r\n\r\n', id='too short'),
    pytest.param(b'-1\r\na\r\n0\r\n\r\n', id='negative'),
    pytest.param(b'0x1\r\na\r\n0\r\n\r\n', id='prefix'),
    pytest.param(b' 1\r\na\r\n0\r\n\r\n', id='blank before'),
    pytest.param(b'1 \r\na\r\n0\r\n\r\n', id='blank after'),
    pytest.param(b'1 a\r\na\r\n0\r\n\r\n', id='more than a size'),
    pytest.param(b'1;a\rb\r\na\r\n0\r\n\r\n', id='return within'),
    pytest.param(b'0' * 16 + b'1\r\na\r\n0\r\n\r\n', id='17 digits'),
    pytest.param(b'1;' + b'a' * 1024 + b'\r\na\r\n0\r\n\r\n',
                 id='long extension'),
])
def test_chunks_are_malformed(data):
    assert refusal(chunked, data).status == '400 Bad Request'


def test_chunks_are_too_large():
    data = b''.join(chunks(b'a' * 10, b'b' * 10))
    assert chunked(data, 26) == b'a' * 10 + b'b' * 10
    for large in (data, b'f' * 16 + b'\r\n', b'1;aaaaaaaaaaaaaaaaaaaaaa\r\n'):
        assert refusal(chunked, large, 25).status == '413 Content Too Large'


def test_body_is_cut_off():
    fault = refusal(parse.body, BytesIO(b'abc'), 4, LIMIT)
    assert fault.status == '400 Bad Request'
