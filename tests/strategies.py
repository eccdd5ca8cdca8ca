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
"""Requests that nobody should send, for hypothesis to choose from."""

from __future__ import annotations

from dataclasses import dataclass
import json
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st

from cylc_flask.views.rest.control import endpoints as control
from cylc_flask.views.rest.endpoint import Endpoint
from cylc_flask.views.rest.info import endpoints as info
from cylc_flask.views.rest.messages import endpoints as messages
from cylc_flask.views.rest.tasks import endpoints as tasks

ENDPOINTS: dict[str, Endpoint] = {
    name: endpoint
    for part in (info, tasks, control, messages)
    for name, endpoint in part.by_name.items()
}

#: What no endpoint knows: with it, nothing can be done by mistake.
UNKNOWN = 'no_such_argument'

FORM = b'application/x-www-form-urlencoded'


@dataclass(frozen=True)
class Request:
    """A request as bytes, without credentials and length."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes | None = None

    def message(self, *more: tuple[bytes, bytes]) -> bytes:
        """Return what goes over the wire.

        Args:
            more: Further headers.
        """
        headers = [*self.headers, *more]
        if self.body is not None:
            headers.append((b'Content-Length', b'%d' % len(self.body)))
        lines = [b'%b: %b\r\n' % header for header in headers]
        return b'%b %b HTTP/1.1\r\n%b\r\n%b' % (
            self.method, self.target, b''.join(lines), self.body or b''
        )


# Values of arguments

odd_text = st.text(max_size=20) | st.sampled_from([
    '', ' ', '.', '/', '//', '..', '%', '%s', '*', '?', '[', '[]', '\n', '\r',
    '\t', '\0', '\x1b[31m', '\x7f', '\u2028', '\u202e', '\ufeff', '\U0010ffff',
    "'", '"', '\\', '<b>', '&amp;', '{}', '{{7*7}}', '${HOME}', '$(id)', '`',
    'a' * 1000, 'é' * 300, 'None', 'True', 'null', 'NaN', '__class__',
])

literals = st.sampled_from([
    'True', 'False', 'None', '0', '1', '-1', '1e999', '0x' + 'f' * 4000,
    '9' * 4300, '9' * 4000, '[' * 90 + ']' * 90, '[' * 300, '(' * 3000, '{}',
    '{[]: 1}', '{1: {}}', 'b"x"', '"\\ud800"', "['\\udfff']", "['a', 'b']",
    "('a',)", '{"a"}', 'set()', '1j', '-' * 3000 + '1', '1' + '+1' * 2000,
    'lambda: 0', '__import__("os")', 'f"{1}"', '"%s"', '...', '1_0',
    '"\\N{x}"', 'not True', '[i for i in (1,)]', "'a' 'b'", "'''", '\\', '#',
    'x' * 5000,
])

points = st.sampled_from([
    '1', '2', '0', '-1', '+5', ' 3', '1_0', '٣', '²', '1e5', '1.5', '9' * 19,
    '9' * 90, '9' * 4400, '-' + '9' * 30, '*', '?', '[1-9]', '^', '$', 'P1',
    '+P1', '-P1D', 'now', 'next(T00)', '20200101', '20200101T00Z', '2020',
    '99991231T2359Z', '00000101T00Z', '20200230T00Z', '2020-W01-1T00',
    '+0020200101T00Z', '20200101T0000+2500', 'T00', '--01', '2020-366T24:00',
]) | st.integers().map(str) | st.dates().map(
    lambda date: f'{date:%Y%m%d}T0000Z')

names = st.sampled_from([
    'tick', 'work', 'wait', 'FAM', 'root', 'nosuch', '*', 't*', '?', '[a-z]*',
    '[', '[!', '[]', '***', '*' * 200, 'a.b', '@wall_clock', '_', '-', 'tick ',
]) | odd_text

states = st.sampled_from([
    '', ':failed', ':waiting', ':held', ':runahead', ':x', ':', '::', ':é',
])

items = st.one_of(
    st.builds('{0}.{1}{2}'.format, names, points, states),
    st.builds('{0}/{1}{2}'.format, points, names, states),
    st.builds('{0}/{1}/{2}'.format, points, names, st.integers().map(str)),
    st.builds('{0}{1}'.format, names, states),
    names,
)

times = st.sampled_from([
    '2030-01-01T00:00:00Z', '2030/01/01-00:00', '9999/12/31-23:59',
    '2030/13/32-25:61', '20300101', '2030-W53', '+0020300101T00Z', '1e10',
    '0000-01-01T00:00Z', '9999-12-31T23:59:59-1200', 'T00', '-P1D', 'inf',
]) | st.datetimes().map(lambda time: time.isoformat())

numbers = st.sampled_from([
    '10', '20', '30', '0', '-1', '1e1', 'nan', 'inf', '-inf', '0x10', '२०',
    '9' * 4400, '1_0', '20.0', ' 20 ',
]) | st.integers().map(str)

texts = odd_text | items | points | times | numbers | literals

# JSON documents

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(odd_text, inner, max_size=4),
    max_leaves=12,
)

broken_json = st.sampled_from([
    b'', b'{', b'[]', b'null', b'1', b'"', b'{"a": 1,}', b'\xff\xfe', b'{}{}',
    b'\xef\xbb\xbf{}', b'{"a": NaN}', b'{"a": "\\ud800"}', b'[' * 3000,
    b'[' * 900 + b']' * 900, b'{"a":' * 200 + b'1' + b'}' * 200,
    b'{"settings": [' + b'[' * 300 + b']' * 300 + b']}', b'{"a": 1e999}',
    b'{"messages": ' + b'[' * 500 + b']' * 500 + b'}', b'{"a": 1}\0',
])


def document(endpoint: Endpoint) -> st.SearchStrategy[bytes]:
    """Return JSON documents for an endpoint, few of them sensible."""
    keys = st.sampled_from([*endpoint.signature.order, UNKNOWN])
    return st.dictionaries(keys, json_values, max_size=5).map(
        lambda value: json.dumps(value).encode()
    ) | broken_json


# Requests

def escape(text: str) -> bytes:
    return quote_from_bytes(
        text.encode(errors='surrogatepass'), safe='').encode()


escaped = texts.map(escape) | st.binary(max_size=12).map(
    lambda data: quote_from_bytes(data, safe='').encode()
) | st.sampled_from([b'%', b'%f', b'%zz', b'%00', b'%ed%a0%80', b'%c0%ae'])


@st.composite
def pairs(draw: st.DrawFn, endpoint: Endpoint) -> bytes:
    """Return form-encoded arguments, most of them the endpoint's own."""
    known = [name.encode() for name in endpoint.signature.order]
    names = draw(st.permutations(known))[:draw(st.integers(0, 4))]
    if not draw(st.integers(0, 7)):
        names.append(draw(escaped | st.sampled_from([
            b'wait', UNKNOWN.encode(), b'', *known,
        ])))
    return b'&'.join(
        name + draw(st.sampled_from([b'=', b'=', b'=', b'', b'==']))
        + draw(escaped)
        for name in names
    )


names_of_paths = st.sampled_from(sorted(ENDPOINTS)).map(str.encode)

paths = st.one_of(
    names_of_paths,
    names_of_paths,
    names_of_paths.map(lambda name: b'id/' + name),
    names_of_paths.map(lambda name: name + b'/'),
    st.builds(b'%b/%b'.__mod__, st.tuples(names_of_paths, escaped)),
    st.builds(b'%b/%b/%b'.__mod__, st.tuples(
        names_of_paths, escaped, escaped)),
    st.lists(escaped, max_size=5).map(b'/'.join),
    st.sampled_from([
        b'', b'/', b'//', b'id', b'id/', b'static/x', b'favicon.ico', b'.',
        b'..', b'../../etc/passwd', b'%2e%2e/%2e%2e', b'a' * 7000, b'*',
        b'id/id/ping_suite', b'PING_SUITE', b'ping_suite;x', b'ping_suite%00',
    ]),
)

methods = st.sampled_from([
    *[b'GET', b'POST'] * 10, b'HEAD', b'OPTIONS', b'PUT', b'DELETE', b'PATCH',
    b'TRACE', b'CONNECT', b'get', b'M-SEARCH', b"#$%&'*+.^_`|~", b'P' * 500,
])

header_values = st.one_of(
    odd_text.map(lambda text: text.encode(errors='replace')),
    st.binary(max_size=30),
    st.sampled_from([
        b'', b',', b';', b'=', b'*/*', b'text/html;q=nan', b'a/b;q=1e9',
        b'application/json, text/html;q=0', b'application/json;q=2',
        b'application/json; charset=utf-16', b'application/json;' * 50,
        b'multipart/form-data', b'multipart/form-data; boundary=' + b'x' * 900,
        b'text/javascript', b'APPLICATION/JSON', b'gzip', b'bytes=0-1',
        b'user@host', b'a@b@c', b'@', b'cylc/7 prog_name/x uuid/1', b'a/b/c',
        b'Mozilla/5.0', b'\xff\xfe', b'caf\xc3\xa9', b'x' * 5000, b'"', b"'",
        b'localhost', b'[::1]', b'[', b'evil.example.org', b'1.2.3.4:99999',
        b'127.0.0.1, 127.0.0.1', b'Digest', b'Digest ' + b'a="b",' * 300,
        b'Basic', b'Basic Y3lsYzo=', b'Basic \xff', b'Basic ====', b'Bearer x',
        b'Digest username="cylc", realm="one", nonce="1:0", uri="/", '
        b'response="' + b'0' * 32 + b'", qop=auth, nc=zz, cnonce="x"',
    ]),
).map(lambda value: bytes(
    byte for byte in value if byte == 9 or byte >= 32 and byte != 127))

header_names = st.sampled_from([
    b'Accept', b'Accept-Encoding', b'Accept-Language', b'Authorization',
    b'Content-Type', b'Cookie', b'Expect', b'Forwarded', b'From', b'Host',
    b'If-Modified-Since', b'If-None-Match', b'Origin', b'Range', b'Referer',
    b'Sec-Fetch-Site', b'Upgrade', b'User-Agent', b'X-Forwarded-For',
    b'X-HTTP-Method-Override', b'X-Original-URL', b'x_under', b'Connection',
    b'Sec-WebSocket-Key', b'Content-Encoding', b'Content-Location', b'TE',
])

headers = st.lists(
    st.tuples(header_names, header_values), max_size=3,
    unique_by=lambda header: header[0],
).map(tuple)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Return a request which is HTTP, and little else."""
    path = draw(paths)
    name = path.removeprefix(b'id/').partition(b'/')[0].decode('latin-1')
    endpoint = ENDPOINTS.get(name, ENDPOINTS['ping_suite'])
    target = b'/' + path
    if draw(st.booleans()):
        target += b'?' + draw(pairs(endpoint))
    method = draw(methods)
    fields = draw(headers)
    if method in (b'GET', b'HEAD') and draw(st.integers(0, 9)):
        return Request(method, target, fields)
    if draw(st.booleans()) and not any(
        field == b'Content-Type' for field, _ in fields
    ):
        kind = b'application/json' if endpoint.takes_json else FORM
        fields = (*fields, (b'Content-Type', kind))
    body = draw(st.one_of(
        document(endpoint) if endpoint.takes_json else pairs(endpoint),
        pairs(endpoint), st.binary(max_size=40), st.just(b''),
    ))
    return Request(method, target, fields, body)
