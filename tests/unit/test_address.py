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
"""Where a server listens, and the file that says so."""

from __future__ import annotations

from dataclasses import replace
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
import pytest

from cylc.flow.hostuserutil import get_host
from cylc_flask.address import (
    Address,
    Info,
    advertised_host,
    info_path,
    is_alive,
    read_info,
)
from cylc_flask.private import UnusableFile
from cylc_flask.process import Process

INFO = Info(
    Address('https', 'host.example.org', 43001),
    'digest',
    'a/run1',
    Process('host', 42, 4242),
    {'cylc-flask': '1.0', 'cylc-flow': '8.5.4'},
)

#: What is wrong with a file, by what it is made of.
GARBAGE = {
    'nothing': b'',
    'half': INFO.dump()[:99],
    'no UTF-8': b'\xff\xfe\xfd',
    'a list': b'[]',
    'a number': b'1',
    'no keys': b'{}',
    'deep': b'[' * 100_000,
    'a text for a pid': INFO.dump().replace(b'42,', b'"42",'),
    'a list of versions': INFO.dump().replace(
        b'"versions": {', b'"versions": [], "others": {'),
}


def write(run_dir: Path, content: bytes) -> None:
    path = info_path(run_dir)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def test_keys():
    data = json.loads(INFO.dump())
    assert data == {
        'url': 'https://host.example.org:43001/',
        'scheme': 'https',
        'host': 'host.example.org',
        'port': 43001,
        'socket': '',
        'authentication': 'digest',
        'realm': 'a/run1',
        'pid': 42,
        'run_host': 'host',
        'started': 4242,
        'versions': {'cylc-flask': '1.0', 'cylc-flow': '8.5.4'},
        'read_only': False,
    }


@given(st.builds(
    Info,
    st.builds(
        Address,
        st.sampled_from(['http', 'https']),
        st.text(),
        st.none() | st.integers(1, 65535),
        st.text(),
    ),
    st.sampled_from(['digest', 'basic']),
    st.text(),
    st.builds(Process, st.text(), st.integers(), st.integers()),
    st.dictionaries(st.text(), st.text()),
    st.booleans(),
))
def test_what_is_written_is_read(info: Info):
    assert Info.parse(info.dump()) == info


def test_read(tmp_path: Path):
    assert read_info(tmp_path) is None
    write(tmp_path, INFO.dump())
    assert read_info(tmp_path) == INFO


@pytest.mark.parametrize('content', GARBAGE.values(), ids=GARBAGE)
def test_read_garbage(tmp_path: Path, content: bytes):
    write(tmp_path, content)
    with pytest.raises(UnusableFile, match='http.json: not written by cylc'):
        read_info(tmp_path)


@given(st.binary() | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda child: st.lists(child) | st.dictionaries(
        st.sampled_from([*json.loads(INFO.dump())]), child),
).map(lambda value: json.dumps(value).encode()))
def test_parse_anything(content: bytes):
    try:
        Info.parse(content)
    except ValueError:
        pass


def test_is_alive():
    assert is_alive(replace(INFO, process=Process.current())) is True
    assert is_alive(INFO) is None


@pytest.mark.parametrize('addresses', [
    [''], ['0.0.0.0'], ['::'], ['127.0.0.1', '::'],
])
def test_host_of_all_addresses(addresses: list[str]):
    assert advertised_host(addresses) == get_host()


@pytest.mark.parametrize('addresses, host', [
    (['127.0.0.1'], '127.0.0.1'),
    (['::1'], '::1'),
    (['::1', '127.0.0.1'], '127.0.0.1'),
    (['127.0.0.2'], '127.0.0.2'),
    (['192.0.2.7'], '192.0.2.7'),
    (['host.example.org', '127.0.0.1'], 'host.example.org'),
])
def test_host_of_some_addresses(addresses: list[str], host: str):
    assert advertised_host(addresses) == host


def test_host_of_localhost_is_a_number():
    assert advertised_host(['localhost']) in ('127.0.0.1', '::1')
